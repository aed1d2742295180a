"""The staircase: what sizes, architecture, launch type and Spot each save, one after the other, from what runs today."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from advisor.ecs import Architecture, LaunchType, PurchaseOption
from advisor.optimize.alternatives import Alternatives
from advisor.optimize.held import price_plan
from advisor.optimize.loads import ServiceLoad
from advisor.optimize.packed import packed_load
from advisor.optimize.parts import Part
from advisor.optimize.search import CapacityKind, Search, shared_part
from advisor.optimize.titles import parts_title
from advisor.recommend.held_types import searches_of_held_types
from advisor.recommend.result import Present
from advisor.recommend.steps import SavingStep, SavingSteps, StepKind
from advisor.workload import PresentService, Workload

FARGATE_START = PresentService(launch_type=LaunchType.FARGATE)
"""Where a service starts that nobody said anything of: on demand, on the first architecture that its image has."""
RISKS = {
    StepKind.SIZES: "a task that outgrows its memory is stopped; sizes keep the most that was seen, and a margin",
    StepKind.ARCHITECTURE: "other processors; where the architecture changes, each image and what it links to has to run on it",
    StepKind.LAUNCH_TYPE: "instances are yours to patch, and one that fails takes all its tasks; none on Fargate",
    StepKind.SPOT: "two minutes' notice, and at times no capacity; for Fargate Spot AWS publishes no interruption rate",
    StepKind.COMMITMENTS: "due every hour of the term, whatever runs: `advisor commit` says what a smaller load would lose",
}
EFFORTS = {
    StepKind.SIZES: "a new task definition revision where a size changes; instances that follow the tasks",
    StepKind.ARCHITECTURE: "other instance types, and where the architecture changes an image built and tested for it",
    StepKind.LAUNCH_TYPE: "a capacity provider, with its Auto Scaling group where it has instances, and a new deployment",
    StepKind.SPOT: "a capacity provider strategy, and tasks that end well on SIGTERM",
    StepKind.COMMITMENTS: "a purchase, which cannot be taken back",
}


def saving_steps(
    workload: Workload, found: Alternatives, search: Search, present: Present | None, best: Sequence[Part]
) -> SavingSteps | None:
    """Plans from what runs today to the recommended one, each free in one thing more, and billed like any alternative.

    Without a price of today the stairs start from every service on Fargate in its declared size, and say so. Where no plan of
    the kind of a step was found that is not dearer, it saves nothing and the next one takes its saving: the steps always add
    up. Only the recommended plan is replayed; other plans before it are billed by the packing model, with what is held. What
    ``search`` says is bought with the recommended plan is a last step of its own.

    Returns
    -------
    SavingSteps or None
        None where neither today nor that start has a price.
    """
    steps = _Steps(workload, found, replace(search, bought=()))
    if present is not None and present.monthly_usd is not None:
        start, start_usd, is_present = "what runs today", present.monthly_usd.mean, True
        configured = {load.service.name: load.service.present or steps.on_present_instances for load in found.loads}
    else:
        configured = {
            load.service.name: replace(FARGATE_START, architecture=load.service.architectures[0]) for load in found.loads
        }
        parts = steps.on_fargate(configured, is_declared=True)
        usd = None if parts is None else steps.usd(parts)
        if usd is None:
            return None
        start, start_usd, is_present = "every service on Fargate on demand in its declared size", usd, False
    best_usd = steps.usd(best)
    if best_usd is None:
        return None
    plans = [
        (StepKind.SIZES, steps.resized(configured, any_architecture=False)),
        (StepKind.ARCHITECTURE, steps.resized(configured, any_architecture=True)),
        (StepKind.LAUNCH_TYPE, steps.without_more_spot(configured, best)),
        (StepKind.SPOT, list(best)),
    ]
    made, before_usd = [], start_usd
    for kind, found_plan in plans:
        plan = list(best) if found_plan is not None and _what_runs(found_plan) == _what_runs(best) else found_plan
        usd = None if plan is None else steps.usd(plan)
        if usd is not None and usd > before_usd and plan != list(best):
            usd = None  # nobody has to change what makes it dearer
        after_usd = before_usd if usd is None else usd
        made.append(
            SavingStep(
                kind=kind,
                title=parts_title(plan) if plan and usd is not None else None,
                monthly_usd=after_usd,
                saves_usd=before_usd - after_usd,
                risk=RISKS[kind],
                effort=EFFORTS[kind],
            )
        )
        before_usd = after_usd
    if search.bought:
        committed = price_plan(best, found.common_hours, search).monthly_usd
        best_usd = best_usd if committed is None else committed.mean
        made.append(
            SavingStep(
                kind=StepKind.COMMITMENTS,
                title=", ".join(map(str, search.bought)),
                monthly_usd=best_usd,
                saves_usd=before_usd - best_usd,
                risk=RISKS[StepKind.COMMITMENTS],
                effort=EFFORTS[StepKind.COMMITMENTS],
            )
        )
    return SavingSteps(start=start, is_present=is_present, start_usd=start_usd, steps=tuple(made), end_usd=best_usd)


def _what_runs(parts: Sequence[Part]) -> set[object]:
    """Of two plans with the same the replayed one tells what they cost."""
    return {
        (
            part.provider.launch_type,
            part.provider.purchase_option,
            part.provider.instance_types,
            part.provider.placement,
            frozenset((name, service.task, service.architecture) for name, service in part.services.items()),
        )
        for part in parts
    }


class _Steps:
    """Plans that keep some of what services run on."""

    def __init__(self, workload: Workload, found: Alternatives, search: Search) -> None:
        self.workload, self.found, self.search = workload, found, search

    @property
    def on_present_instances(self) -> PresentService:
        cluster = self.workload.present
        option = cluster.purchase_option if cluster else PurchaseOption.ON_DEMAND
        return PresentService(launch_type=LaunchType.EC2, purchase_option=option)

    def usd(self, parts: Sequence[Part]) -> float | None:
        """Mean of a month; None without a price."""
        monthly = price_plan(parts, self.found.common_hours, self.search).monthly_usd
        return None if monthly is None else monthly.mean

    def on_fargate(
        self, configured: dict[str, PresentService], *, is_declared: bool = False, any_architecture: bool = False
    ) -> list[Part] | None:
        """Each of the services on Fargate in its cheapest size, or in the declared one."""
        parts = []
        for name, config in configured.items():
            choices = [
                choice.parts[0]
                for choice in self.found.by_service[name]
                if choice.kind == (LaunchType.FARGATE, config.purchase_option)
                and choice.parts
                and (any_architecture or choice.parts[0].services[name].architecture is config.architecture)
                and not (is_declared and choice.is_right_sized)
            ]
            priced = [(usd, at) for at, part in enumerate(choices) if (usd := self.usd([part])) is not None]
            if not priced:
                return None
            parts.append(choices[min(priced)[1]])
        return parts

    def resized(self, configured: dict[str, PresentService], *, any_architecture: bool) -> list[Part] | None:
        """Every service where it is, in the cheapest sizes; instances follow the tasks, on the types of today or on any."""
        fargate = {name: config for name, config in configured.items() if config.launch_type is LaunchType.FARGATE}
        parts = self.on_fargate(fargate, any_architecture=any_architecture)
        loads = [load for load in self.found.loads if configured[load.service.name].launch_type is LaunchType.EC2]
        if parts is None or len(fargate) + len(loads) < len(configured):
            return None
        if not loads:
            return parts
        option = configured[loads[0].service.name].purchase_option
        shared = self._on_instances(loads, option, any_type=any_architecture)
        return None if shared is None else [*parts, shared]

    def _on_instances(self, loads: Sequence[ServiceLoad], option: PurchaseOption, *, any_type: bool) -> Part | None:
        """Services together on one capacity provider, as declared or right-sized, whichever costs least with what is held."""
        searches = [*searches_of_held_types(self.search, self.found).values(), self.search]
        if not any_type:
            present = self.workload.present
            today = (*present.instances, *present.windows_instances) if present else ()
            types = [t.name for t in self.search.candidates.types]
            only = [self.search.candidates.only(np.array([name == each for name in types])) for each in today]
            searches = [replace(self.search, candidates=each) for each in only]
        right = [self.found.right_sized.get(load.service.name, load) for load in loads]
        found: list[tuple[float, int, Part]] = []
        for each in (loads, right):
            for architecture in Architecture:
                if all(architecture in load.service.architectures for load in each):
                    kind = CapacityKind(launch_type=LaunchType.EC2, purchase_option=option, architecture=architecture)
                    load = packed_load([one.run for one in each])
                    for search in searches:
                        part = shared_part(search, load, kind, self.found.common_hours, name=self.workload.cluster)
                        usd = None if part is None else self.usd([part])
                        if part is not None and usd is not None:
                            found.append((usd, len(found), part))
        return min(found, default=(0.0, 0, None))[2]

    def without_more_spot(self, configured: dict[str, PresentService], best: Sequence[Part]) -> list[Part] | None:
        """The recommended plan where it uses no more Spot than today; or else the cheapest such alternative."""

        def is_allowed(parts: Sequence[Part]) -> bool:
            return all(
                part.provider.purchase_option in (PurchaseOption.ON_DEMAND, configured[name].purchase_option)
                for part in parts
                for name in part.services
            )

        if is_allowed(best):
            return list(best)
        others = [c.parts for c in self.found.for_cluster if c.parts and not c.is_comparison and is_allowed(c.parts)]
        priced = [(usd, at) for at, parts in enumerate(others) if (usd := self.usd(parts)) is not None]
        return list(others[min(priced)[1]]) if priced else None
