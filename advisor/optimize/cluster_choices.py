"""Every choice for all services of a cluster: each by itself, on shared instances, and between the two."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product

import numpy as np

from advisor.ecs import Architecture, LaunchType, PurchaseOption
from advisor.optimize.choice import DEFAULT_SPREAD_ID, OVER_BASE_ID, Choice, without_repeats
from advisor.optimize.loads import ServiceLoad, by_host, cost_usd
from advisor.optimize.mixed import mixed_fleet
from advisor.optimize.packed import PackedLoad, packed_load
from advisor.optimize.parts import Part, fargate_part, least_tasks
from advisor.optimize.search import CapacityKind, Search, on_default_spread, shared_part
from advisor.optimize.service_choices import without_instances
from advisor.optimize.spot_base import is_spot_group, over_on_demand_base
from advisor.optimize.titles import capacity_title, parts_title
from advisor.units import FloatArray
from advisor.workload import Service

SPOT_OVER_BASE_ID = "fargate:any:spot_over_on_demand_base"
FEW_SERVICES = 6
"""Of so many every set is tried for a shared cluster beside Fargate: 56 at most."""
MAX_SHARED_SETS = 12
"""Of more services, at most."""


def cluster_choices(
    search: Search,
    cluster: str,
    loads: Sequence[ServiceLoad],
    by_service: Mapping[str, tuple[Choice, ...]],
    hours: FloatArray,
) -> Iterable[Choice]:
    cheapest = _Cheapest(search, by_service, hours)
    found: list[Choice] = []
    found += _per_service_choices(cheapest, loads, search)
    packed: dict[frozenset[str], PackedLoad] = {}
    for kind in _cluster_kinds(search, loads):
        found += _shared_choices(search, cluster, loads, kind, hours, cheapest, packed)
    found += _hybrid_choices(search, cluster, loads, cheapest, hours, packed)
    found += _mixed_choices(search, cluster, loads, cheapest, hours, found)
    found += _spot_instances_over_base(search, found, hours)
    return without_repeats(found)


class _Cheapest:
    """The cheapest part of each service for a predicate on launch choices, on the hours of the cluster."""

    def __init__(self, search: Search, by_service: Mapping[str, tuple[Choice, ...]], hours: FloatArray) -> None:
        self.by_service = by_service
        self.usd = {
            choice.id: cost_usd(search, choice.parts, hours)
            for choices in by_service.values()
            for choice in choices
            if choice.parts
        }

    def choice(
        self,
        service: str,
        launch_types: Sequence[LaunchType] = tuple(LaunchType),
        options: Sequence[PurchaseOption] = (PurchaseOption.ON_DEMAND,),
        architectures: Sequence[Architecture] = tuple(Architecture),
    ) -> Choice | None:
        """The cheapest choice of a service, one without a price only where there is no other."""
        eligible = []
        for choice in self.by_service[service]:
            if choice.parts and _matches(choice.parts[0], launch_types, options, architectures):
                eligible.append(choice)
        return min(eligible, key=lambda choice: (self.usd[choice.id], choice.id), default=None)


def _matches(
    part: Part, launch_types: Sequence[LaunchType], options: Sequence[PurchaseOption], architectures: Sequence[Architecture]
) -> bool:
    (service,) = part.services.values()
    return (
        part.provider.launch_type in launch_types
        and part.provider.purchase_option in options
        and service.architecture in architectures
    )


def _per_service_choices(cheapest: _Cheapest, loads: Sequence[ServiceLoad], search: Search) -> Iterable[Choice]:
    """Every service by itself: all of one kind, then each where it is cheapest."""
    services = [load.service for load in loads]
    allowed = search.constraints.launch_types
    any_spot = any(service.is_interruptible for service in services)
    for launch_type in allowed:
        for architecture in (*[a for a in Architecture if any(a in s.architectures for s in services)], None):
            yield from _all_of(services, cheapest, launch_type, architecture, has_spot=False)
            if any_spot and launch_type is not LaunchType.MANAGED_INSTANCES:
                yield from _all_of(services, cheapest, launch_type, architecture, has_spot=True)
    if LaunchType.FARGATE in allowed:
        yield from _spot_over_base(services, cheapest, search)
    yield from _cheapest_of_each(cheapest, search)


def cheapest_of_each(search: Search, by_service: Mapping[str, tuple[Choice, ...]], hours: FloatArray) -> Iterable[Choice]:
    """Each service where it is cheapest, on demand and with Spot."""
    return _cheapest_of_each(_Cheapest(search, by_service, hours), search)


def _cheapest_of_each(cheapest: _Cheapest, search: Search) -> Iterable[Choice]:
    for choice_id, options in (("hybrid", _ON_DEMAND), ("hybrid_with_spot", tuple(PurchaseOption))):
        best = [cheapest.choice(name, search.constraints.launch_types, options) for name in cheapest.by_service]
        if all(best):
            yield _combined(choice_id, [choice for choice in best if choice])


def one_moved(search: Search, by_service: Mapping[str, tuple[Choice, ...]], hours: FloatArray) -> Iterable[Choice]:
    """Each service where it is cheapest on demand, but for the one that loses least on another launch type."""
    cheapest, allowed = _Cheapest(search, by_service, hours), search.constraints.launch_types
    best = {name: cheapest.choice(name, allowed) for name in by_service}
    moved: dict[str, tuple[float, Choice]] = {}
    for name, choice in best.items():
        if choice is None:
            return
        others = [each for each in allowed if each is not choice.parts[0].provider.launch_type]
        other = cheapest.choice(name, others)
        if other is not None and (loss := cheapest.usd[other.id] - cheapest.usd[choice.id]) == loss:
            moved[name] = loss, other
    if moved:
        least = min(moved, key=lambda name: moved[name][0])
        yield _combined(
            "hybrid_moved", [moved[name][1] if name == least else choice for name, choice in best.items() if choice]
        )


_ON_DEMAND = (PurchaseOption.ON_DEMAND,)


def _all_of(
    services: Sequence[Service],
    cheapest: _Cheapest,
    launch_type: LaunchType,
    architecture: Architecture | None,
    *,
    has_spot: bool,
) -> Iterable[Choice]:
    """All services on one launch type: on one architecture where a service supports it, or each on its cheapest.

    With Spot, every service that may be interrupted runs on it, whether its price is known or not.
    """
    choices = []
    for service in services:
        options = (PurchaseOption.SPOT,) if has_spot and service.may_be_spot(launch_type) else _ON_DEMAND
        supported = (architecture,) if architecture in service.architectures else service.architectures
        choices.append(cheapest.choice(service.name, (launch_type,), options, [a for a in supported if a]))
    if all(choices):
        name = f"{launch_type.lower()}:{architecture.lower() if architecture else 'any'}:{'spot' if has_spot else 'on_demand'}"
        yield _combined(name, [choice for choice in choices if choice])


def _spot_over_base(services: Sequence[Service], cheapest: _Cheapest, search: Search) -> Iterable[Choice]:
    """Fargate with every service that may be interrupted on Spot, over an On-Demand base of the tasks that always run.

    It always costs more than Spot alone and is there to compare: what not to be down without Spot capacity costs.
    """
    choices = []
    for service in services:
        on_demand, spot = (
            cheapest.choice(service.name, (LaunchType.FARGATE,), (option,))
            for option in (PurchaseOption.ON_DEMAND, PurchaseOption.SPOT)
        )
        choice = _over_base(spot, search) if spot else None  # None where all tasks always run
        choice = choice or on_demand
        if choice is None:
            return
        choices.append(choice)
    if any(part.on_demand_base for choice in choices for part in choice.parts):
        combined = _combined(SPOT_OVER_BASE_ID, choices)
        why = "for comparison: as many tasks as always run are on demand, the rest on Spot, which has no fallback"
        yield replace(combined, reasons=(*combined.reasons, why), is_comparison=True)


def _over_base(choice: Choice, search: Search) -> Choice | None:
    """A service on Fargate Spot, over what always runs; as it is where that is nothing, and None where it is everything."""
    ((part,), (run,)) = choice.parts, choice.parts[0].runs
    base = least_tasks(run)
    if base >= np.nanmax(run.tasks, initial=0.0):
        return None
    if not base:
        return choice
    architecture = part.services[run.service.name].architecture
    zones = search.constraints.zones
    over = fargate_part(run, architecture, PurchaseOption.SPOT, search.axis, zones=zones, on_demand_base=base)
    return replace(choice, parts=(over,))


def _spot_instances_over_base(search: Search, found: Sequence[Choice], hours: FloatArray) -> Iterable[Choice]:
    """The cheapest plan with EC2 Spot, with as many of its instances on demand as always run: to compare, as on Fargate."""
    on_spot = [choice for choice in found if not choice.is_comparison and any(map(is_spot_group, choice.parts))]
    best = min(on_spot, key=lambda choice: (cost_usd(search, choice.parts, hours), choice.id), default=None)
    parts = () if best is None else tuple(over_on_demand_base(part, search) for part in best.parts)
    if best is not None and any(part.provider.on_demand_base for part in parts):
        why = "for comparison: as many instances as always run are on demand, the rest on Spot"
        yield Choice(
            id=f"{best.id}:{OVER_BASE_ID}",
            title=parts_title(parts),
            parts=parts,
            reasons=(*best.reasons, why),
            is_comparison=True,
        )


def _combined(choice_id: str, choices: Sequence[Choice]) -> Choice:
    """Several services' own choices as one for the cluster."""
    parts = tuple(part for choice in choices for part in choice.parts)
    reasons = tuple(f"{next(iter(choice.parts[0].services))}: {reason}" for choice in choices for reason in choice.reasons)
    return Choice(id=f"cluster:{choice_id}", title=parts_title(parts), parts=parts, reasons=reasons)


def _cluster_kinds(search: Search, loads: Sequence[ServiceLoad]) -> Iterable[CapacityKind]:
    may_spot = all(load.service.is_interruptible for load in loads)
    for launch_type in (LaunchType.EC2, LaunchType.MANAGED_INSTANCES):
        if launch_type not in search.constraints.launch_types:
            continue
        for architecture in Architecture:
            yield CapacityKind(launch_type=launch_type, purchase_option=PurchaseOption.ON_DEMAND, architecture=architecture)
            if may_spot and launch_type is LaunchType.EC2:
                yield CapacityKind(launch_type=launch_type, purchase_option=PurchaseOption.SPOT, architecture=architecture)


def _shared_choices(
    search: Search,
    cluster: str,
    loads: Sequence[ServiceLoad],
    kind: CapacityKind,
    hours: FloatArray,
    cheapest: _Cheapest,
    packed: dict[frozenset[str], PackedLoad],
) -> Iterable[Choice]:
    """All services on instances of one architecture; where some lack it, these on a second cluster of the other one.

    Services of another operating system share among each other. One that shares with none, and services whose tasks ask for
    GPUs, keep instances of their own: others would take room on these that only such tasks can use.
    """
    (other,) = (a for a in Architecture if a is not kind.architecture)
    alike = [group for group in by_host(loads) if len(group) > 1 and not group[0].service.task.gpus]
    sharing = {load.service.name for group in alike for load in group}
    alone = [
        cheapest.choice(load.service.name, (kind.launch_type,), (kind.purchase_option,))
        for load in loads
        if load.service.name not in sharing
    ]
    groups: list[tuple[list[ServiceLoad], CapacityKind]] = []
    for group in alike:
        first = [load for load in group if kind.architecture in load.service.architectures]
        second = [load for load in group if kind.architecture not in load.service.architectures]
        groups += [(first, kind), (second, replace(kind, architecture=other))]
    groups = [(group, one_kind) for group, one_kind in groups if group]
    if not any(one_kind is kind for _, one_kind in groups) or not all(alone):
        return
    parts: list[Part] = [part for choice in alone if choice for part in choice.parts]
    for group, one_kind in groups:
        name = cluster if len(alike) == 1 else f"{cluster}-{group[0].service.operating_system.lower().replace('_', '-')}"
        part = shared_part(search, _packed(packed, group), one_kind, hours, name=name)
        if part is None:
            choice_id = f"cluster:{kind.launch_type.lower()}_shared:{kind.architecture.lower()}:{kind.purchase_option}"
            yield without_instances(
                search, [load.run for load in group], one_kind, choice_id, capacity_title(one_kind, (), "shared")
            )
            return
        parts.append(part)
    choice_id = f"cluster:{kind.launch_type.lower()}_shared:{kind.architecture.lower()}:{kind.purchase_option}"
    yield Choice(id=choice_id, title=parts_title(parts), parts=tuple(parts))
    if kind.launch_type is LaunchType.EC2 and kind.purchase_option is PurchaseOption.ON_DEMAND:
        yield with_default_spread(
            choice_id, [on_default_spread(search, part, load=_packed(packed, _of(loads, part))) for part in parts]
        )


def with_default_spread(choice_id: str, spread: Sequence[Part]) -> Choice:
    """The parts of a choice under ECS's default placement, to compare the choice with."""
    return Choice(
        id=f"{choice_id}:{DEFAULT_SPREAD_ID}",
        title=f"{parts_title(spread)}, default AZ spread",
        parts=tuple(spread),
        reasons=("for comparison: ECS's default placement releases no instance while there are as many tasks as instances",),
        is_comparison=True,
    )


def _hybrid_choices(
    search: Search,
    cluster: str,
    loads: Sequence[ServiceLoad],
    cheapest: _Cheapest,
    hours: FloatArray,
    packed: dict[frozenset[str], PackedLoad],
) -> Iterable[Choice]:
    """Some services share EC2 instances, each of the others runs where it is cheapest.

    Of few services every set is tried. Of many they are taken by how steady they are (mean over peak), steadiest first: they
    fill instances best. A set whose bound cannot beat what is already found is not packed.
    """
    if LaunchType.EC2 not in search.constraints.launch_types or len(loads) < 3:
        return
    names = [load.service.name for load in loads]
    own = {name: cheapest.choice(name, search.constraints.launch_types) for name in names}
    if not all(own.values()):
        return
    for architecture, alike in product(Architecture, by_host(loads)):
        kind = CapacityKind(launch_type=LaunchType.EC2, purchase_option=PurchaseOption.ON_DEMAND, architecture=architecture)
        fitting = [load for load in alike if architecture in load.service.architectures and not load.service.task.gpus]
        best_usd = sum(cheapest.usd[choice.id] for choice in own.values() if choice)
        best: Choice | None = None
        for group in _shared_sets(fitting, len(loads)):
            members = {load.service.name for load in group}
            rest = [own[name] for name in names if name not in members]
            rest_usd = sum(cheapest.usd[choice.id] for choice in rest if choice)
            load = _packed(packed, group)
            part = shared_part(search, load, kind, hours, name=cluster, give_up_at_usd=best_usd - rest_usd)
            if part is None:
                continue
            usd = rest_usd + cost_usd(search, [part], hours)
            if usd < best_usd:
                parts = (part, *(p for choice in rest if choice for p in choice.parts))
                best_usd = usd
                name = f"cluster:hybrid_shared:{architecture.lower()}{_windows_suffix(alike)}"
                best = Choice(id=name, title=parts_title(parts), parts=parts)
        if best is not None:
            yield best


def _mixed_choices(
    search: Search,
    cluster: str,
    loads: Sequence[ServiceLoad],
    cheapest: _Cheapest,
    hours: FloatArray,
    found: Sequence[Choice],
) -> Iterable[Choice]:
    """EC2 with several capacity providers of one type each, where that costs less than every plan with one shared type.

    The launch choice is made at linear prices of the tasks, which hold for any mix of types, and all is then packed exactly.
    """
    if LaunchType.EC2 not in search.constraints.launch_types or len(loads) < 2:
        return
    own = {load.service.name: cheapest.choice(load.service.name, search.constraints.launch_types) for load in loads}
    own_usd = {name: cheapest.usd[choice.id] if choice else np.inf for name, choice in own.items()}
    on_demand = [choice for choice in found if choice.parts and not choice.is_comparison and not _has_spot(choice)]
    best_usd = min((cost_usd(search, choice.parts, hours) for choice in on_demand), default=np.inf)
    for architecture, alike in product(Architecture, by_host(loads)):
        names = [load.service.name for load in alike]
        others_usd = sum(usd for name, usd in own_usd.items() if name not in names)
        if len(alike) < 2 or alike[0].service.task.gpus or not np.isfinite(others_usd):
            continue
        kind = CapacityKind(launch_type=LaunchType.EC2, purchase_option=PurchaseOption.ON_DEMAND, architecture=architecture)
        prices = [own_usd[name] for name in names]
        fleet = mixed_fleet(search, cluster, alike, prices, kind, hours, give_up_at_usd=best_usd, others_usd=others_usd)
        if fleet is None:
            continue
        rest = [choice for name, choice in own.items() if choice and name not in fleet.services]
        parts = (*fleet.parts, *(part for choice in rest for part in choice.parts))
        yield Choice(
            id=f"cluster:ec2_mixed:{architecture.lower()}{_windows_suffix(alike)}",
            title=parts_title(parts),
            parts=parts,
            reasons=(
                f"{len(fleet.parts)} capacity providers of one instance type each: {1 - fleet.usd / best_usd:.0%} below the "
                "cheapest plan whose shared instances are of one type",
            ),
        )


def _windows_suffix(loads: Sequence[ServiceLoad]) -> str:
    """Of the id of a choice for services on Windows; several versions may have one each."""
    return f":{loads[0].service.operating_system.lower()}" if loads[0].service.is_windows else ""


def _has_spot(choice: Choice) -> bool:
    return any(part.provider.purchase_option is PurchaseOption.SPOT for part in choice.parts)


def _shared_sets(loads: Sequence[ServiceLoad], n_services: int) -> Iterable[Sequence[ServiceLoad]]:
    """Sets to share instances: two or more services, and not all of them."""
    if len(loads) <= FEW_SERVICES:
        for size in range(2, min(len(loads), n_services - 1) + 1):
            yield from combinations(loads, size)
        return
    steadiest = sorted(loads, key=_steadiness, reverse=True)
    yield from (steadiest[:size] for size in _set_sizes(len(steadiest), n_services))


def _set_sizes(n_eligible: int, n_services: int) -> list[int]:
    sizes = [size for size in range(2, n_eligible + 1) if size < n_services]
    if len(sizes) <= MAX_SHARED_SETS:
        return sizes
    return sorted({sizes[int(at)] for at in np.linspace(0, len(sizes) - 1, MAX_SHARED_SETS)})


def _steadiness(load: ServiceLoad) -> tuple[float, str]:
    tasks = load.run.tasks[load.measured]
    peak = float(tasks.max(initial=0.0))
    return (float(tasks.mean()) / peak if peak else 0.0, load.service.name)


def _packed(cache: dict[frozenset[str], PackedLoad], loads: Sequence[ServiceLoad]) -> PackedLoad:
    key = frozenset(load.service.name for load in loads)
    if key not in cache:
        cache[key] = packed_load([load.run for load in loads])
    return cache[key]


def _of(loads: Sequence[ServiceLoad], part: Part) -> list[ServiceLoad]:
    return [load for load in loads if load.service.name in part.services]
