"""Where the money for container instances goes: work, and the layers of waste above it, which add up to the bill."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from advisor.meters import Usage, sum_over_states, surplus_vcpu_hour
from advisor.optimize.parts import InstancesInUse, Part
from advisor.optimize.pricing import BINDING_NAMES, amounts_of, dimension_names
from advisor.optimize.replayed import run_at_target
from advisor.optimize.search import Search
from advisor.simulate.instances import reservation
from advisor.simulate.scaling import RunningTasks
from advisor.sizing import needed_tasks
from advisor.units import FloatArray, ceil_whole
from advisor.workload import LoadForm, Workload

MEMORY = BINDING_NAMES.index("memory")


class Layer(StrEnum):
    """What a share of the bill for instances pays for, from the load up."""

    WORK = "work"
    """Tasks that the load fills: at full use where the CPU in use is known, at the scaling target or as given elsewhere."""
    TASK_MEMORY = "task_memory"
    """Memory that these tasks reserve and were not seen to use; only where memory binds and was measured."""
    HEADROOM = "headroom"
    """Tasks below full use, for the scaling target."""
    WHOLE_TASKS = "whole_tasks"
    """The last task is not full."""
    MINIMUM_TASKS = "minimum_tasks"
    """The least number of tasks is more than the load needs."""
    TASK_SCALE_IN = "task_scale_in"
    """Tasks run on until service auto scaling has seen 15 minutes below the target."""
    PACKING = "packing"
    """Room on instances that no task fills, also of the last instance."""
    MINIMUM_INSTANCES = "minimum_instances"
    """An instance in each zone."""
    INSTANCE_SCALE_IN = "instance_scale_in"
    """Empty instances are held for 15 minutes."""
    PLACEMENT = "placement"
    """What a replay under ECS's placement and scaling bills more than this model, or less."""
    DEPLOYMENTS = "deployments"
    """Old and new tasks side by side, and the instances that this took; less than nothing where new tasks are packed better."""
    SURPLUS_CREDITS = "surplus_credits"
    """CPU of burstable types above their baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceMoney:
    """The monthly bill of one capacity provider with instances, layer by layer."""

    part: str
    """Name of the capacity provider."""
    dimension: str
    """``CPU``, ``memory`` or ``network``: of what tasks reserve the largest share; layers of tasks are measured in it."""
    monthly_usd: float
    usd: dict[Layer, float]
    """Adds up to ``monthly_usd``; only :attr:`Layer.PLACEMENT` and :attr:`Layer.DEPLOYMENTS` may be negative."""
    unknown_use: tuple[str, ...]
    """Services whose CPU in use is not known: what their tasks reserve at the target, or as given, all counts as work."""


def instance_money(parts: Sequence[Part], workload: Workload, search: Search, hours: FloatArray) -> tuple[InstanceMoney, ...]:
    """The bill of each part on instances, split; a part without a price is left out.

    Parameters
    ----------
    hours : (steps,)
        Hours of the month that each step stands for, as the parts were billed.
    """
    found = []
    for part in parts:
        if part.on_instances is None or not part.runs:
            continue
        totals = Usage(meters=part.meters, quantity_per_hour=part.quantity_per_hour, hours=hours).totals
        amounts = amounts_of(part, totals, search.catalog, search.region)
        if not np.isnan(amounts).any():
            found.append(_money(part, part.on_instances, amounts, workload, search, hours))
    return tuple(found)


def _money(
    part: Part, use: InstancesInUse, amounts: FloatArray, workload: Workload, search: Search, hours: FloatArray
) -> InstanceMoney:
    surplus = {surplus_vcpu_hour(name) for name in part.provider.instance_types}
    is_surplus = np.array([meter in surplus for meter in part.meters])
    surplus_usd = math.fsum(amounts[is_surplus].tolist())
    linear_usd = math.fsum(amounts[~is_surplus].tolist())
    lasting = (hours > 0) & ~np.isnan(use.running)
    weights = hours[lasting]

    def month(series: FloatArray) -> float:
        return float(sum_over_states(series[lasting], weights))

    reserved = np.array([month(row) for row in use.reserved])
    dimension = int(np.argmax(reserved))
    share = _share_of_instance(part, search)[:, dimension]
    rungs = np.zeros(len(_TASK_LAYERS))
    for row, run in enumerate(part.runs):
        rungs += share[row] * np.array([month(series) for series in _task_rungs(run, workload, search, dimension)])
    factor = part.replay.factor if part.replay else 1.0
    rolled = part.replay.deployments.factor if part.replay and part.replay.deployments else 1.0
    tasks = np.sum([run.tasks for run in part.runs], axis=0)
    floored = np.where(tasks > 0, np.maximum(use.packed, part.provider.zones), 0.0)
    ladder = [
        *rungs.tolist(),
        month(use.packed),
        month(floored),
        month(use.running) / factor,
        month(use.running) / rolled,
        month(use.running),
    ]
    running = ladder[-1]
    steps = np.diff(ladder, prepend=0.0)
    usd = {
        layer: linear_usd * float(step) / running if running else 0.0
        for layer, step in zip((*_TASK_LAYERS, *_INSTANCE_LAYERS), steps, strict=True)
    }
    usd[Layer.SURPLUS_CREDITS] = surplus_usd
    return InstanceMoney(
        part=part.name,
        dimension=dimension_names([part])[dimension],
        monthly_usd=linear_usd + surplus_usd,
        usd={layer: amount for layer, amount in usd.items() if abs(amount) > 1e-9},
        unknown_use=tuple(run.service.name for run in part.runs if run.cpu_units is None),
    )


_TASK_LAYERS = (
    Layer.WORK,
    Layer.TASK_MEMORY,
    Layer.HEADROOM,
    Layer.WHOLE_TASKS,
    Layer.MINIMUM_TASKS,
    Layer.TASK_SCALE_IN,
)
_INSTANCE_LAYERS = (Layer.PACKING, Layer.MINIMUM_INSTANCES, Layer.INSTANCE_SCALE_IN, Layer.PLACEMENT, Layer.DEPLOYMENTS)


def _share_of_instance(part: Part, search: Search) -> FloatArray:
    """(services, 3): what a task reserves of an instance, of a mean one in a pool."""
    capacity = search.candidates.capacity_of(part.provider, is_windows=part.is_windows)
    reserved = np.stack([reservation(run.service, run.size, part.provider.launch_type) for run in part.runs])
    return np.asarray(reserved / np.maximum(np.mean(capacity, axis=0), 1))


def _task_rungs(run: RunningTasks, workload: Workload, search: Search, dimension: int) -> list[FloatArray]:
    """Tasks up to each layer of :data:`_TASK_LAYERS`, (steps,) each, none lower than the one before."""
    if run.service.load_form is LoadForm.TASKS:
        full = at_target = whole = needed = run.tasks
    else:
        row = workload.index(run.service.name)
        demand = workload.demand[row]
        size = run.service.task if run.is_count_kept else run.size
        # Tasks that follow the load minutes late are fewer than it needs for as long: the load fills no more than run.
        needed = np.minimum(
            search.axis.spread(needed_tasks(run.service, demand, size, search.axis.input_steps).tasks), run.tasks
        )
        wanted = search.axis.spread(run_at_target(run, demand))
        at_target = np.minimum(wanted, needed)  # beyond the upper bound nothing runs
        full = at_target if run.cpu_units is None else np.minimum(wanted * run.target_cpu_fraction, needed)
        at_target = np.maximum(at_target, full)
        whole = np.minimum(ceil_whole(at_target), needed)
    return [full * _memory_in_use(run, workload, search, dimension), full, at_target, whole, needed, run.tasks]


def _memory_in_use(run: RunningTasks, workload: Workload, search: Search, dimension: int) -> FloatArray:
    """(steps,): share of its memory that a task was seen to use; 1 where memory does not bind, or is not known."""
    everything = np.ones(search.axis.n_steps)
    if dimension != MEMORY or workload.memory_mib is None:
        return everything
    seen = search.axis.spread(workload.memory_mib[workload.index(run.service.name)])
    return np.where(np.isnan(seen), everything, np.minimum(seen / run.size.memory_mib, 1.0))
