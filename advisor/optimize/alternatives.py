"""Every alternative worth comparing, for each service and for the whole cluster."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from advisor.ecs import Architecture, LaunchType, PurchaseOption
from advisor.errors import InputError
from advisor.optimize.loads import ServiceLoad, cheapest_fargate_part, cost_usd, right_sized_load, service_loads
from advisor.optimize.mixed import mixed_fleet
from advisor.optimize.parts import Part, fargate_part, least_tasks
from advisor.optimize.pricing import price_parts
from advisor.optimize.search import (
    CapacityKind,
    PackedLoad,
    Search,
    dedicated_part,
    on_default_spread,
    packed_load,
    shared_part,
)
from advisor.optimize.titles import FARGATE_TITLES, capacity_title, parts_title
from advisor.simulate.scaling import RunningTasks
from advisor.units import BoolArray, FloatArray
from advisor.workload import Service, Workload

DEFAULT_SPREAD_ID = "default_spread"
"""Ends the id of a choice that shows what ECS's default placement would cost."""
SPOT_OVER_BASE_ID = "fargate:any:spot_over_on_demand_base"
SHARE_OF_SERVICES = 0.5
"""Of the time of a search, roughly: the rest is about plans of the whole cluster."""
MAX_SHARED_SETS = 12
"""Sets of services tried for a shared cluster beside Fargate, at most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """An alternative before its bill: parts, or the reason why there are none."""

    id: str
    title: str
    kind: tuple[LaunchType, PurchaseOption] | None = None
    """Of a choice for one service."""
    parts: tuple[Part, ...] = ()
    missing: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    is_comparison: bool = False
    is_right_sized: bool = False
    """Some task has another size than the declared one, and not only because Fargate lacks that."""

    @property
    def is_feasible(self) -> bool:
        return bool(self.parts) or bool(self.missing)

    @property
    def base_id(self) -> str:
        """Of a comparison, the choice that it stands beside."""
        return self.id.replace(f":{DEFAULT_SPREAD_ID}", "")


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

    def parts_of(self, choice_id: str) -> tuple[Part, ...]:
        """The parts of a choice of any scope."""
        choices = [*self.for_cluster, *(choice for choices in self.by_service.values() for choice in choices)]
        return next(choice.parts for choice in choices if choice.id == choice_id)


def alternatives(
    workload: Workload, search: Search, on_progress: Callable[[float], None] = lambda _share: None
) -> Alternatives:
    """Enumerate and search: each choice names the cheapest instance types and task sizes of its kind.

    Parameters
    ----------
    on_progress
        Told the share of the work that is done, from 0 to 1.
    """
    loads = service_loads(workload, search)
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
    yield from _service_choices(search, load)
    right = right_sized.get(load.service.name)
    if right is not None:
        yield from (_as_right_sized(choice) for choice in _service_choices(search, right))


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
    yield from _cluster_choices(search, cluster, loads, declared, hours)
    if right_sized:
        best = [right_sized.get(load.service.name, load) for load in loads]
        sized = {
            name: tuple(choice for choice in choices if choice.is_right_sized == (name in right_sized))
            for name, choices in by_service.items()
        }
        yield from (_as_right_sized(choice) for choice in _cluster_choices(search, cluster, best, sized, hours))


def _service_choices(search: Search, load: ServiceLoad) -> Iterable[Choice]:
    service, allowed = load.service, search.constraints.launch_types
    options = [PurchaseOption.ON_DEMAND, *([PurchaseOption.SPOT] if service.is_interruptible else [])]
    for architecture in service.architectures:
        for option in options:
            if LaunchType.FARGATE in allowed:
                yield _fargate_choice(search, load, architecture, option)
            if LaunchType.EC2 in allowed:
                yield _dedicated_choice(
                    search, load, CapacityKind(launch_type=LaunchType.EC2, purchase_option=option, architecture=architecture)
                )
        if LaunchType.MANAGED_INSTANCES in allowed:
            yield _dedicated_choice(
                search,
                load,
                CapacityKind(
                    launch_type=LaunchType.MANAGED_INSTANCES,
                    purchase_option=PurchaseOption.ON_DEMAND,
                    architecture=architecture,
                ),
            )


def _fargate_choice(search: Search, load: ServiceLoad, architecture: Architecture, option: PurchaseOption) -> Choice:
    service = load.service
    title = f"{FARGATE_TITLES[option]} {architecture}"
    choice_id = f"{service.name}:{title.lower().replace(' ', '_')}"
    kind = LaunchType.FARGATE, option
    part = cheapest_fargate_part(load, architecture, option, search)
    if part is None:
        why = service.why_off(LaunchType.FARGATE) or f"Fargate has no task size of {service.task} or more"
        return Choice(id=choice_id, title=title, kind=kind, reasons=(why,))
    size = part.services[service.name].task
    reasons = () if size == service.task else (f"Fargate has no task size {service.task}: rounded up",)
    if load.peak_memory_mib > service.task.memory_mib:
        reasons = (f"a task used up to {load.peak_memory_mib:,.0f} MiB, more than it reserves: {size} on Fargate",)
    return Choice(id=choice_id, title=title, kind=kind, parts=(part,), reasons=reasons)


def _dedicated_choice(search: Search, load: ServiceLoad, kind: CapacityKind) -> Choice:
    choice_id = f"{load.service.name}:{kind.launch_type.lower()}:{kind.architecture.lower()}:{kind.purchase_option}"
    part = dedicated_part(search, load.run, kind, load.hours)
    if part is None:
        choice = _without_instances(search, [load.run], kind, choice_id, capacity_title(kind, ()))
    else:
        choice = Choice(id=choice_id, title=capacity_title(kind, part.provider.instance_types), parts=(part,))
    return replace(choice, kind=(kind.launch_type, kind.purchase_option))


def _without_instances(search: Search, runs: Sequence[RunningTasks], kind: CapacityKind, choice_id: str, title: str) -> Choice:
    """Why no instance type serves the services: they may not run there, no price, or too few that hold their tasks."""
    for run in runs:
        why = run.service.why_off(kind.launch_type)
        if why is not None:
            return Choice(id=choice_id, title=title, reasons=(f"{run.service.name}: {why}" if len(runs) > 1 else why,))
    has_type = search.candidates.of(kind.architecture)
    if not has_type.any():
        return Choice(id=choice_id, title=title, reasons=(f"no candidate instance type is {kind.architecture}",))
    if np.isnan(search.rates(kind)[has_type]).any(axis=-1).all():
        option = "spot_pool" if kind.purchase_option is PurchaseOption.SPOT else kind.purchase_option
        return Choice(id=choice_id, title=title, missing=(f"ec2:linux:{option}:*",))
    is_cpu_known = all(run.cpu_units is not None for run in runs) and not search.candidates.daemons
    if not is_cpu_known and search.candidates.is_burstable[has_type].all():
        what = "daemons" if search.candidates.daemons else "tasks"
        reason = (
            f"burstable types alone are left, and the CPU that the {what} use, which their surplus credits bill, is not known"
        )
        return Choice(id=choice_id, title=title, reasons=(reason,))
    largest = max((run.size for run in runs), key=lambda size: (size.cpu_units, size.memory_mib))
    least = f"{kind.n_types} priced candidate types of one size" if kind.n_types > 1 else "priced candidate type"
    reason = f"{'fewer than' if kind.n_types > 1 else 'no'} {least} hold{'' if kind.n_types > 1 else 's'} a task of {largest}"
    return Choice(id=choice_id, title=title, reasons=(reason,))


def _cluster_choices(
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
    for choice_id, options in (("hybrid", _ON_DEMAND), ("hybrid_with_spot", tuple(PurchaseOption))):
        best = [cheapest.choice(service.name, allowed, options) for service in services]
        if all(best):
            yield _combined(choice_id, [choice for choice in best if choice])


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
        options = (PurchaseOption.SPOT,) if has_spot and service.is_interruptible else _ON_DEMAND
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

    Services whose tasks ask for GPUs keep instances of their own: others would take room on them that only these can use.
    """
    (other,) = (a for a in Architecture if a is not kind.architecture)
    sharing = [load for load in loads if not load.service.task.gpus]
    first = [load for load in sharing if kind.architecture in load.service.architectures]
    second = [load for load in sharing if kind.architecture not in load.service.architectures]
    alone = [
        cheapest.choice(load.service.name, (kind.launch_type,), (kind.purchase_option,))
        for load in loads
        if load.service.task.gpus
    ]
    if not first or len(sharing) < 2 or not all(alone):
        return
    parts: list[Part] = [part for choice in alone if choice for part in choice.parts]
    for group, one_kind in ((first, kind), (second, replace(kind, architecture=other))):
        if group:
            part = shared_part(search, _packed(packed, group), one_kind, hours, name=cluster)
            if part is None:
                choice_id = f"cluster:{kind.launch_type.lower()}_shared:{kind.architecture.lower()}:{kind.purchase_option}"
                yield _without_instances(
                    search, [load.run for load in group], one_kind, choice_id, capacity_title(one_kind, (), "shared")
                )
                return
            parts.append(part)
    choice_id = f"cluster:{kind.launch_type.lower()}_shared:{kind.architecture.lower()}:{kind.purchase_option}"
    yield Choice(id=choice_id, title=parts_title(parts), parts=tuple(parts))
    if kind.launch_type is LaunchType.EC2 and kind.purchase_option is PurchaseOption.ON_DEMAND:
        spread = [on_default_spread(search, part, load=_packed(packed, _of(loads, part))) for part in parts]
        yield Choice(
            id=f"{choice_id}:{DEFAULT_SPREAD_ID}",
            title=f"{parts_title(parts)}, default AZ spread",
            parts=tuple(spread),
            reasons=(
                "for comparison: ECS's default placement releases no instance while there are as many tasks as instances",
            ),
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

    Services are taken by how steady they are (mean over peak), steadiest first: they fill instances best. A set whose bound
    cannot beat what is already found is not packed.
    """
    if LaunchType.EC2 not in search.constraints.launch_types or len(loads) < 3:
        return
    names = [load.service.name for load in loads]
    own = {name: cheapest.choice(name, search.constraints.launch_types) for name in names}
    if not all(own.values()):
        return
    for architecture in Architecture:
        kind = CapacityKind(launch_type=LaunchType.EC2, purchase_option=PurchaseOption.ON_DEMAND, architecture=architecture)
        fitting = [load for load in loads if architecture in load.service.architectures and not load.service.task.gpus]
        eligible = sorted(fitting, key=_steadiness, reverse=True)
        best_usd = sum(cheapest.usd[choice.id] for choice in own.values() if choice)
        best: Choice | None = None
        for size in _set_sizes(len(eligible), len(loads)):
            group = eligible[:size]
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
                best = Choice(id=f"cluster:hybrid_shared:{architecture.lower()}", title=parts_title(parts), parts=parts)
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
    own = [cheapest.choice(load.service.name, search.constraints.launch_types) for load in loads]
    own_usd = [cheapest.usd[choice.id] if choice else np.inf for choice in own]
    on_demand = [choice for choice in found if choice.parts and not choice.is_comparison and not _has_spot(choice)]
    best_usd = min((cost_usd(search, choice.parts, hours) for choice in on_demand), default=np.inf)
    for architecture in Architecture:
        kind = CapacityKind(launch_type=LaunchType.EC2, purchase_option=PurchaseOption.ON_DEMAND, architecture=architecture)
        fleet = mixed_fleet(search, cluster, loads, own_usd, kind, hours, give_up_at_usd=best_usd)
        if fleet is None:
            continue
        rest = [choice for load, choice in zip(loads, own, strict=True) if choice and load.service.name not in fleet.services]
        parts = (*fleet.parts, *(part for choice in rest for part in choice.parts))
        yield Choice(
            id=f"cluster:ec2_mixed:{architecture.lower()}",
            title=parts_title(parts),
            parts=parts,
            reasons=(
                f"{len(fleet.parts)} capacity providers of one instance type each: {1 - fleet.usd / best_usd:.0%} below the "
                "cheapest plan whose shared instances are of one type",
            ),
        )


def _has_spot(choice: Choice) -> bool:
    return any(part.provider.purchase_option is PurchaseOption.SPOT for part in choice.parts)


def _set_sizes(n_eligible: int, n_services: int) -> list[int]:
    """Sizes of shared sets to try: two or more services, and not all of them."""
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


def without_repeats(choices: Iterable[Choice]) -> Iterable[Choice]:
    """The same plan is offered once, under its first name; what stands beside it to compare goes by that name, too."""
    first_of: dict[frozenset[object], str] = {}
    now_called: dict[str, str] = {}
    offered: set[str] = set()
    for choice in choices:
        key = frozenset(_identity(part) for part in choice.parts)
        if choice.parts and key in first_of:
            now_called[choice.id] = first_of[key]
            continue
        if choice.is_comparison and choice.base_id in now_called:
            choice = replace(choice, id=f"{now_called[choice.base_id]}:{DEFAULT_SPREAD_ID}")
        if choice.id not in offered:
            first_of.setdefault(key, choice.id)
            offered.add(choice.id)
            yield choice


def _identity(part: Part) -> tuple[object, ...]:
    """What a part runs and on what, whatever its capacity provider is called: a service alone on a "shared" one is the same."""
    services = frozenset((name, plan.architecture, plan.task) for name, plan in part.services.items())
    provider = part.provider
    kind = provider.launch_type, provider.purchase_option, part.on_demand_base
    return *kind, provider.instance_types, provider.placement, services


def wholly_unpriced(choices: Mapping[str, tuple[Choice, ...]], search: Search) -> tuple[LaunchType, str] | None:
    """A launch type that the constraints allow and a service could use on demand, but that has no price at all; and a meter."""
    for launch_type in (LaunchType.FARGATE, LaunchType.EC2):
        if launch_type not in search.constraints.launch_types:
            continue
        for service_choices in choices.values():
            possible = [c for c in service_choices if c.is_feasible and c.kind == (launch_type, PurchaseOption.ON_DEMAND)]
            missing = [_missing(search, choice) for choice in possible]
            if missing and all(missing):
                return launch_type, missing[0]
    return None


def _missing(search: Search, choice: Choice) -> str:
    if choice.missing:
        return choice.missing[0]
    zero = np.zeros(search.axis.n_steps)
    return next(iter(price_parts(choice.parts, zero, search.catalog, search.region).missing), "")
