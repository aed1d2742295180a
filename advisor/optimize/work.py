"""How much work a vCPU of each instance type does, as far as the user wants it counted."""

import fnmatch
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from advisor.ecs import InstanceType
from advisor.errors import InputError
from advisor.workload import WorkPerVcpu

COREMARK_STEP = 0.05
"""Factors from CoreMark are rounded down to this: runs on one and the same processor differ by more."""


def work_per_vcpu(types: Sequence[InstanceType], wanted: WorkPerVcpu | None) -> dict[str, float]:
    """Factors by name of the type; types without one are not in it.

    From CoreMark they belong to the family, whose sizes have the same processor: the median of what its sizes reach for each
    thread over that of the family on which the load was measured. A search over single runs would find the luckiest one.

    Raises
    ------
    InputError
        There is no CoreMark for the type on which the load was measured.
    """
    if wanted is None:
        return {t.name: 1.0 for t in types}
    if wanted.measured_on is None:
        return {t.name: factor for t in types if (factor := _stated(t.name, wanted)) is not None}
    marks = _coremark_by_family(types)
    base = marks.get(wanted.measured_on.partition(".")[0])
    if base is None:
        raise InputError(
            f"there is no CoreMark for {wanted.measured_on}, on which the load was measured",
            fix="Name another type in constraints.measured_on, or state factors in constraints.work_per_vcpu.",
        )
    return {t.name: _rounded_down(marks[t.family] / base) for t in types if t.family in marks}


def work_sentence(factors: Mapping[str, float], wanted: WorkPerVcpu | None) -> str:
    """What was counted for some types, by name, and where it is from; empty where nothing was wanted."""
    if wanted is None or not factors:
        return ""
    told = ", ".join(f"{name} {factor:g}" for name, factor in factors.items())
    if wanted.measured_on is None:
        origin = "as stated"
    else:
        origin = f"CoreMark per thread over that of {wanted.measured_on}, medians of families, rounded down to {COREMARK_STEP}"
    return (
        f"work per vCPU: {told} ({origin}); tasks reserve so much less CPU there, and the same memory. On Fargate it is 1: "
        "AWS does not say on which processors tasks run"
    )


def left_out_sentence(types: Sequence[InstanceType], factors: Mapping[str, float]) -> str:
    """Which types have no factor and are no candidates; empty where all have one."""
    by_family: defaultdict[str, list[str]] = defaultdict(list)
    for t in types:
        if t.name not in factors:
            by_family[t.family].append(t.name.partition(".")[2])
    told = ", ".join(f"{family} ({', '.join(sizes)})" for family, sizes in by_family.items())
    return f"left out, because their work per vCPU is not known: {told}" if told else ""


def _stated(name: str, wanted: WorkPerVcpu) -> float | None:
    return next((factor for pattern, factor in wanted.stated if fnmatch.fnmatchcase(name, pattern)), None)


def _coremark_by_family(types: Sequence[InstanceType]) -> dict[str, float]:
    marks: defaultdict[str, list[float]] = defaultdict(list)
    for t in types:
        if t.coremark_per_thread is not None and not t.is_bare_metal:
            marks[t.family].append(t.coremark_per_thread)
    return {family: float(np.median(values)) for family, values in marks.items()}


def _rounded_down(factor: float) -> float:
    return round(float(np.floor(factor / COREMARK_STEP + 1e-9)) * COREMARK_STEP, 9)
