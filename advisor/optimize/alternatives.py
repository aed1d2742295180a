"""Every alternative worth comparing, for each service and for the whole cluster."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from advisor.ecs import LaunchType, PurchaseOption
from advisor.errors import InputError
from advisor.optimize.choice import Choice, identity, without_repeats
from advisor.optimize.cluster_choices import cheapest_of_each, cluster_choices, one_moved
from advisor.optimize.loads import ServiceLoad, right_sized_load, service_loads
from advisor.optimize.parts import Part
from advisor.optimize.pricing import price_parts
from advisor.optimize.search import Search
from advisor.optimize.service_choices import service_choices
from advisor.units import BoolArray, FloatArray
from advisor.workload import Workload

SHARE_OF_SERVICES = 0.5
"""Of the time of a search, roughly: the rest is about plans of the whole cluster."""
_REPLAYED = ":replayed"
"""In the id of a choice that was put together once its services had been replayed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alternatives:
    """All choices of a workload."""

    loads: tuple[ServiceLoad, ...]
    """As declared."""
    right_sized: Mapping[str, ServiceLoad]
    """Services for which another size is cheaper and was safe, with that size."""
    common_hours: FloatArray
    """(steps,): hours of the month, where every service was measured. All alternatives for the cluster are billed on these."""
    common_measured: BoolArray
    by_service: Mapping[str, tuple[Choice, ...]]
    for_cluster: tuple[Choice, ...]

    def choice(self, choice_id: str) -> Choice:
        """A choice of any scope."""
        choices = [*self.for_cluster, *(choice for choices in self.by_service.values() for choice in choices)]
        return next(choice for choice in choices if choice.id == choice_id)

    def parts_of(self, choice_id: str) -> tuple[Part, ...]:
        """The parts of a choice of any scope."""
        return self.choice(choice_id).parts


def alternatives(
    workload: Workload, search: Search, on_progress: Callable[[float], None] = lambda _share: None
) -> Alternatives:
    """Enumerate and search: each choice names the cheapest instance types and task sizes of its kind.

    Parameters
    ----------
    on_progress
        Told the share of the work that is done, from 0 to 1.
    """
    loads = service_loads(workload, search.axis)
    measured = np.all([load.measured for load in loads], axis=0)
    if not measured.any():
        raise InputError(
            "there is no moment at which the load of every service is known",
            fix="Give loads of the same period, or a workload for each group of services that were measured together.",
        )
    hours = search.axis.month_hours(measured)
    right_sized = {load.service.name: right for load in loads if (right := right_sized_load(workload, load, search))}
    by_service: dict[str, tuple[Choice, ...]] = {}
    for load in loads:
        by_service[load.service.name] = tuple(_choices_of_all_sizes(search, load, right_sized))
        on_progress(SHARE_OF_SERVICES * len(by_service) / len(loads))
    found = Alternatives(
        loads=loads,
        right_sized=right_sized,
        common_hours=hours,
        common_measured=measured,
        by_service=by_service,
        for_cluster=tuple(
            _cluster_choices_of_all_sizes(
                search, workload.cluster, loads, right_sized, _on_hours(hours, search, loads, right_sized, by_service), hours
            )
        ),
    )
    on_progress(1.0)
    return found


def _on_hours(
    hours: FloatArray,
    search: Search,
    loads: Sequence[ServiceLoad],
    right_sized: Mapping[str, ServiceLoad],
    by_service: Mapping[str, tuple[Choice, ...]],
) -> Mapping[str, tuple[Choice, ...]]:
    """Choices of each service that are cheapest on the given hours: others than on its own where gaps differ."""
    right = {name: replace(load, hours=hours) for name, load in right_sized.items()}
    return {
        load.service.name: by_service[load.service.name]
        if np.array_equal(load.hours, hours)
        else tuple(_choices_of_all_sizes(search, replace(load, hours=hours), right))
        for load in loads
    }


def _choices_of_all_sizes(search: Search, load: ServiceLoad, right_sized: Mapping[str, ServiceLoad]) -> Iterable[Choice]:
    yield from service_choices(search, load)
    right = right_sized.get(load.service.name)
    if right is not None:
        yield from (_as_right_sized(choice) for choice in service_choices(search, right))


def _as_right_sized(choice: Choice) -> Choice:
    return replace(choice, id=f"{choice.id}:right_sized", title=f"{choice.title}, right-sized", is_right_sized=True)


def _cluster_choices_of_all_sizes(
    search: Search,
    cluster: str,
    loads: Sequence[ServiceLoad],
    right_sized: Mapping[str, ServiceLoad],
    by_service: Mapping[str, tuple[Choice, ...]],
    hours: FloatArray,
) -> Iterable[Choice]:
    """With declared sizes, and where some size is better, once more with every service in its best size."""
    declared = {name: tuple(choice for choice in choices if not choice.is_right_sized) for name, choices in by_service.items()}
    yield from cluster_choices(search, cluster, loads, declared, hours)
    if right_sized:
        best = [right_sized.get(load.service.name, load) for load in loads]
        sized = {
            name: tuple(choice for choice in choices if choice.is_right_sized == (name in right_sized))
            for name, choices in by_service.items()
        }
        yield from (_as_right_sized(choice) for choice in cluster_choices(search, cluster, best, sized, hours))


def with_cheapest_of_each(found: Alternatives, search: Search, *, has_rival: bool) -> Alternatives:
    """With each service once more where it is cheapest, which a replay may have made another of its choices; else the same.

    Without a rival on other launch types, the plan in which the service moves that loses least by it stands beside the others.
    """
    combined: list[Choice] = []
    for sized in [False, True] if found.right_sized else [False]:
        by_service = {
            name: tuple(each for each in choices if each.is_right_sized == (sized and name in found.right_sized))
            for name, choices in found.by_service.items()
        }
        of_size = [*cheapest_of_each(search, by_service, found.common_hours)]
        if not has_rival:
            of_size += one_moved(search, by_service, found.common_hours)
        named = [replace(choice, id=f"{choice.id}{_REPLAYED}") for choice in of_size]
        combined += map(_as_right_sized, named) if sized else named
    before = [choice for choice in found.for_cluster if _REPLAYED in choice.id]
    kept = [choice for choice in found.for_cluster if choice not in before]
    for_cluster = tuple(without_repeats([*kept, *combined]))
    after = [choice for choice in for_cluster if _REPLAYED in choice.id]
    return found if [*map(_identities, after)] == [*map(_identities, before)] else replace(found, for_cluster=for_cluster)


def _identities(choice: Choice) -> tuple[str, frozenset[object]]:
    return choice.id, frozenset(map(identity, choice.parts))


def wholly_unpriced(choices: Mapping[str, tuple[Choice, ...]], search: Search) -> tuple[LaunchType, tuple[str, ...]] | None:
    """A launch type that the constraints allow and a service could use on demand, but that has no price at all; and meters."""
    for launch_type in (LaunchType.FARGATE, LaunchType.EC2):
        if launch_type not in search.constraints.launch_types:
            continue
        for of_service in choices.values():
            possible = [c for c in of_service if c.is_feasible and c.kind == (launch_type, PurchaseOption.ON_DEMAND)]
            missing = [_missing(search, choice) for choice in possible]
            if missing and all(missing):
                return launch_type, missing[0]
    return None


def _missing(search: Search, choice: Choice) -> tuple[str, ...]:
    zero = np.zeros(search.axis.n_steps)
    return choice.missing or tuple(price_parts(choice.parts, zero, search.catalog, search.region).missing)
