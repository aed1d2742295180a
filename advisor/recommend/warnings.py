"""What a careful reader should know beside the answer."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from advisor.ecs import InstanceType, LaunchType
from advisor.optimize.alternatives import Alternatives
from advisor.optimize.candidates import family_and_generation
from advisor.optimize.parts import Part
from advisor.optimize.search import Search
from advisor.optimize.side_costs import PricedSideCosts
from advisor.recommend.result import Alternative
from advisor.recommend.verdict import WARN_WEEKS
from advisor.simulate.instances import capacity, reservation
from advisor.simulate.packing import tasks_per_instance
from advisor.units import HOURS_PER_WEEK
from advisor.workload import LoadForm, Workload

LEAST_COREMARK_FRACTION = 0.70
FIT_ERROR_FRACTION = 0.01
"""How much less memory an instance may register than our fit says: twice its largest error on observed types."""
FARGATE_DEFAULT_VCPU_QUOTA = 6
"""Fargate vCPU count, the default of each account and Region; AWS General Reference, "Amazon ECS endpoints and quotas"."""
LEAST_COMMON_FRACTION = 0.95


def warnings_for(
    workload: Workload, search: Search, found: Alternatives, parts: Sequence[Part], best: Alternative
) -> tuple[str, ...]:
    """Sentences, most important first."""
    return (
        *_history(workload, found),
        *_instance_types(search, parts),
        *_close_fits(search, parts),
        *_quota(parts),
        *_unmet(best),
        *_tasks_form(workload),
    )


def side_cost_sentences(side: PricedSideCosts | None) -> Iterable[str]:
    """What surrounds the tasks costs, beside all totals because it is the same for each."""
    if side is None:
        return
    usd = math.fsum(item.amount_usd for item in side.bill.line_items)
    lines = sorted(side.bill.line_items, key=lambda item: (-item.amount_usd, item.meter))
    told = ", ".join(f"{item.meter} {item.amount_usd:,.2f}" for item in lines)
    if lines:
        yield f"beside every total, side costs of {usd:,.2f} USD a month, the same for each alternative: {told}"
    if side.missing:
        yield f"side costs without a price, in no total: {', '.join(side.missing)}; give it with --rates FILE"
    if side.unstated:
        yield f"side costs that are not stated, in no total: {', '.join(side.unstated)}"


def _history(workload: Workload, found: Alternatives) -> Iterable[str]:
    weeks = workload.span_hours / HOURS_PER_WEEK
    if weeks < WARN_WEEKS and not all(service.is_stated for service in workload.services):
        yield f"the load covers {weeks:.1f} weeks: under four weeks, slow changes of level are not seen"
    common = int(found.common_measured.sum())
    for load in found.loads:
        share = common / max(1, int(load.measured.sum()))
        if share < LEAST_COMMON_FRACTION:
            name = load.service.name
            yield f"only {share:.0%} of the hours of {name} were measured for all services: the cluster is compared on these"


def _instance_types(search: Search, parts: Sequence[Part]) -> Iterable[str]:
    chosen = {name for part in parts for name in part.provider.instance_types}
    types = [t for t in search.candidates.types if t.name in chosen]
    yield from (search.candidates.outliers[t.name] for t in types if t.name in search.candidates.outliers)
    slow = {t.name: share for t in types if (share := _share_of_newest(t, search.candidates.types)) < LEAST_COREMARK_FRACTION}
    if slow:
        yield (
            f"a vCPU of {', '.join(slow)} does only {min(slow.values()):.0%} of the work of the newest types of its family "
            "(CoreMark per thread): a load measured on faster cores would need more tasks"
        )


def _share_of_newest(chosen: InstanceType, types: Sequence[InstanceType]) -> float:
    """CoreMark per thread against the newest generation of the same letters and architecture; 1 where it is not known."""
    letters, _ = family_and_generation(chosen.name)
    marks: dict[int, list[float]] = {}
    for other in types:
        other_letters, generation = family_and_generation(other.name)
        if other.coremark_per_thread and other_letters == letters and other.architectures == chosen.architectures:
            marks.setdefault(generation, []).append(other.coremark_per_thread)
    if not marks or not chosen.coremark_per_thread:
        return 1.0
    return chosen.coremark_per_thread / float(np.median(marks[max(marks)]))


def _close_fits(search: Search, parts: Sequence[Part]) -> Iterable[str]:
    """Tasks that fit by less memory than our fit of the registered memory may be wrong."""
    types = {t.name: t for t in search.candidates.types if not t.is_registered_memory_observed}
    for part in parts:
        for instance_type in (types[name] for name in part.provider.instance_types if name in types):
            offered = capacity(instance_type, has_trunking=part.provider.has_trunking)
            less = offered - np.array([0, int(offered[1] * FIT_ERROR_FRACTION), 0])
            for name, plan in part.services.items():
                fit, fewer = (int(tasks_per_instance(reservation(plan.task), each)) for each in (offered, less))
                if fewer < fit:
                    spare_mib = int(offered[1]) - fit * plan.task.memory_mib
                    yield (
                        f"{fit} tasks of {name} fit on a {instance_type.name} with {spare_mib} MiB to spare by our fit of what "
                        f"it registers ({offered[1]:,} MiB): look at one instance's registered memory first, or {fewer} fit"
                    )


def _quota(parts: Sequence[Part]) -> Iterable[str]:
    peak_vcpu = 0.0
    for part in parts:
        if part.provider.launch_type is LaunchType.FARGATE:
            (plan,) = part.services.values()
            peak_vcpu += float(np.nanmax(part.tasks, initial=0.0)) * plan.task.vcpu
    if peak_vcpu > FARGATE_DEFAULT_VCPU_QUOTA:
        yield (
            f"Fargate runs up to {peak_vcpu:.0f} vCPU here: check the account's quota, which starts at "
            f"{FARGATE_DEFAULT_VCPU_QUOTA} vCPU in each Region"
        )


def _unmet(best: Alternative) -> Iterable[str]:
    if best.unmet_task_hours > 0:
        yield f"{best.unmet_task_hours:,.1f} task-hours a month are needed beyond scaling.max and are not in any cost"


def _tasks_form(workload: Workload) -> Iterable[str]:
    names = [service.name for service in workload.services if service.load_form is LoadForm.TASKS]
    if names:
        yield (
            f"{', '.join(names)}: task counts were taken as they ran, so that this answer says nothing about task size, "
            "scaling target or burstable instances"
        )
