r"""CPU credits of burstable instances, step by step.

A credit is a vCPU for a minute. An instance earns ``baseline x vCPU x 60`` an hour and saves what it earns in 24 hours at
most. In unlimited mode it goes on at full speed without credits, and owes: what it owes beyond the earnings of 24 hours is
charged, and what is left of it when the instance ends. In standard mode it is held to the baseline instead.

A step takes the balance :math:`s` (negative: owed) to :math:`\min(\max(s + d_t, l), h)`, whatever is cut off below being
charged or held back. Such functions can be composed before they are applied, so that no loop over steps is needed.

References
----------
Amazon EC2 User Guide, "Key concepts for burstable performance instances", "Unlimited mode for burstable performance
instances" and "Standard mode for burstable performance instances", read in public copies of 2023-06 and later.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

from advisor.ecs import InstanceType
from advisor.units import CEIL_TOLERANCE, ECS_CPU_UNITS_PER_VCPU, HOURS_PER_DAY, BoolArray, FloatArray

CREDITS_PER_VCPU_HOUR = 60
LAUNCH_CREDITS_PER_VCPU = 30
"""Of T2 in standard mode, spent first; no other instance gets any."""
MOST_COHORTS = 24
"""Groups of instances that start and end together, at most: more are rounded to this many levels between the fewest and the
most instances, which moves the charge by one or two percent of itself."""


class CreditMode(StrEnum):
    """As ``CreditSpecification.CpuCredits`` in the EC2 API."""

    STANDARD = "standard"
    UNLIMITED = "unlimited"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CreditsOverTime:
    """Credits of instances, (..., steps)."""

    balance: FloatArray
    """At the end of each step, launch credits included; below 0: surplus credits owed."""
    beyond: FloatArray
    """Unlimited: charged in the step. Standard: CPU that the load wanted and did not get. [credits]"""


def earned_per_hour(instance_type: InstanceType) -> float:
    """Credits that a burstable instance earns in an hour."""
    if instance_type.baseline_fraction is None:
        raise ValueError(f"{instance_type.name} is not burstable")
    return instance_type.baseline_fraction * instance_type.vcpu * CREDITS_PER_VCPU_HOUR


def credits_over_time(
    busy_vcpu: FloatArray,
    is_running: BoolArray,
    instance_type: InstanceType,
    *,
    step_hours: float,
    mode: CreditMode = CreditMode.UNLIMITED,
    launch_credits: float = 0.0,
    is_repeated: bool = False,
) -> CreditsOverTime:
    """Credits of each of several instances of one type.

    Parameters
    ----------
    busy_vcpu : (..., steps)
        vCPU that the load keeps busy on an instance, at most all of them; NaN is no data: neither earned nor spent.
    is_running : (..., steps)
        An instance that starts has no credits but ``launch_credits``, and with its end it pays what it owes.
    launch_credits
        :data:`LAUNCH_CREDITS_PER_VCPU` for each vCPU of a T2 in standard mode.
    is_repeated
        What was measured goes on for ever: the first step follows the last. Else instances start with the first step.
    """
    earned = earned_per_hour(instance_type) * step_hours
    most = earned_per_hour(instance_type) * HOURS_PER_DAY
    least = -most if mode is CreditMode.UNLIMITED else 0.0
    before = np.roll(is_running, 1, axis=-1)
    if not is_repeated:
        before[..., :1] = False
    starts = is_running & ~before
    spent = np.nan_to_num(np.minimum(busy_vcpu, instance_type.vcpu)) * CREDITS_PER_VCPU_HOUR * step_hours
    launch_left = np.zeros_like(spent)
    if launch_credits:
        launch_left, from_launch = _launch_credits(spent, starts, launch_credits)
        spent = spent - from_launch
    change = np.where(is_running & ~np.isnan(busy_vcpu), earned - spent, 0.0)
    state = _states(change, is_running, starts, least, most, is_repeated=is_repeated)
    held = np.where(starts, 0.0, state[..., :-1])
    beyond = np.where(is_running, np.maximum(least - held - change, 0.0), 0.0)
    balance = np.where(is_running, state[..., 1:], 0.0)
    if mode is CreditMode.UNLIMITED:
        after = np.roll(is_running, -1, axis=-1)
        if not is_repeated:
            after[..., -1:] = True
        beyond += np.where(is_running & ~after, np.maximum(-balance, 0.0), 0.0)
    return CreditsOverTime(balance=balance + np.where(is_running, launch_left, 0.0), beyond=beyond)


def _launch_credits(spent: FloatArray, starts: BoolArray, launch_credits: float) -> tuple[FloatArray, FloatArray]:
    """Launch credits left at the end of each step, and those spent in it."""
    total = np.cumsum(spent, axis=-1)
    at_start = np.maximum.accumulate(np.where(starts, total - spent, 0.0), axis=-1)
    used = np.minimum(total - at_start, launch_credits)
    used_before = np.minimum(np.maximum(total - spent - at_start, 0.0), launch_credits)
    return launch_credits - used, used - used_before


def _states(
    change: FloatArray, is_running: BoolArray, starts: BoolArray, least: float, most: float, *, is_repeated: bool
) -> FloatArray:
    """(..., steps + 1): earned balance before the first step and after each."""
    first = np.clip(change, least, most)
    low = np.where(is_running, np.where(starts, first, least), 0.0)
    high = np.where(is_running, np.where(starts, first, most), 0.0)
    shift = np.where(is_running, change, 0.0)
    for row in np.ndindex(change.shape[:-1]):  # what one instance needs stays in the cache of a processor
        _compose(shift[row], low[row], high[row])
    # The whole history takes s to clip(s + drift, low, high): repeated for ever it ends where it is cut off, or stays.
    drift = shift[..., -1:]
    limits = low[..., -1:], high[..., -1:]
    is_even = np.abs(drift) <= CEIL_TOLERANCE * most
    begin = np.zeros_like(drift)
    if is_repeated:
        begin = np.where(is_even, np.clip(begin, *limits), np.where(drift > 0, limits[1], limits[0]))
    return np.concatenate([begin, np.clip(begin + shift, low, high)], axis=-1)


def _compose(shift: FloatArray, low: FloatArray, high: FloatArray) -> None:
    """Make of what each step does, (steps,) each, what all steps up to it do; where the limits are equal, no shift is needed.

    Most loads fill or empty the account within days. What was before is forgotten then, and few rounds do.
    """
    reach = 1
    while reach < shift.size and not np.array_equal(low[reach:], high[reach:]):
        later_low, later_high, later = low[reach:].copy(), high[reach:].copy(), shift[reach:].copy()
        for limit in (low, high):
            np.add(limit[:-reach], later, out=limit[reach:])
            np.clip(limit[reach:], later_low, later_high, out=limit[reach:])
        np.add(shift[:-reach], later, out=shift[reach:])
        reach *= 2


def surplus_vcpu(instance_type: InstanceType, cpu_units: FloatArray, instances: FloatArray, *, step_hours: float) -> FloatArray:
    """vCPU charged as surplus credits in unlimited mode, (steps,), of instances that share a load evenly; NaN in a gap.

    Instances that start later start without credits, and those that end pay what they owe; the history goes on as measured,
    so that what is owed at its end is not forgotten. On average it is what the load takes above the baseline over any 24 hours.

    Parameters
    ----------
    cpu_units, instances : (steps,)
        CPU units in use by all, and how many run.
    """
    series = (values.astype(np.float64).tobytes() for values in (cpu_units, instances))
    charged = _charged(instance_type, *series, step_hours)
    charged.flags.writeable = False  # others are given the same array
    return charged


@lru_cache(maxsize=4)  # the same load on the same instances is asked about for each launch type and purchase option
def _charged(instance_type: InstanceType, cpu_bytes: bytes, instance_bytes: bytes, step_hours: float) -> FloatArray:
    cpu_units, instances = np.frombuffer(cpu_bytes), np.frombuffer(instance_bytes)
    gap = np.isnan(instances) | np.isnan(cpu_units)
    if gap.all():
        return np.full(instances.size, np.nan)
    count = _without_gaps(np.where(gap, np.nan, instances))
    with np.errstate(divide="ignore", invalid="ignore"):
        busy = np.where(count > 0, np.minimum(cpu_units / ECS_CPU_UNITS_PER_VCPU / count, instance_type.vcpu), 0.0)
    baseline = earned_per_hour(instance_type) / CREDITS_PER_VCPU_HOUR
    if not np.nanmax(busy) > baseline * (1 + CEIL_TOLERANCE):
        return np.where(gap, np.nan, 0.0)
    levels = np.unique(count[count > 0])
    if levels.size > MOST_COHORTS:
        levels = np.linspace(levels[0], levels[-1], MOST_COHORTS)
    sizes = np.diff(levels, prepend=0.0)
    is_running = count >= (levels - sizes / 2)[:, np.newaxis]
    of_one = credits_over_time(
        np.broadcast_to(np.where(gap, np.nan, busy), is_running.shape),
        is_running,
        instance_type,
        step_hours=step_hours,
        is_repeated=True,
    )
    charged: FloatArray = np.einsum("c,cs->s", sizes, of_one.beyond)
    return np.where(gap, np.nan, charged / (CREDITS_PER_VCPU_HOUR * step_hours))


def net_vcpu(instance_type: InstanceType, cpu_units: FloatArray, instances: FloatArray) -> FloatArray:
    """vCPU in use above what instances earn, (steps,), negative where they earn more: its mean is the least that is charged."""
    busy = np.minimum(cpu_units / ECS_CPU_UNITS_PER_VCPU, instance_type.vcpu * instances)
    return np.asarray(busy - earned_per_hour(instance_type) / CREDITS_PER_VCPU_HOUR * instances)


def _without_gaps(values: FloatArray) -> FloatArray:
    """Each gap filled with what was before it, the first ones with the end."""
    known = np.flatnonzero(~np.isnan(values))
    at = np.searchsorted(known, np.arange(values.size), side="right") - 1
    return values[known[at]]
