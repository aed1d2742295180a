"""What services cost at prices of their tasks that no fleet undercuts: the launch choice by linear prices, and its bound."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from advisor.billing import amounts_usd, total_usd
from advisor.ecs import FARGATE_INCLUDED_STORAGE_GIB, Architecture, LaunchType, PurchaseOption
from advisor.meters import GP3_GIB_MONTH
from advisor.optimize.fleet import FleetProblem, task_prices
from advisor.optimize.packed import PackedLoad, packed_load
from advisor.optimize.search import CapacityKind, Search
from advisor.simulate.instances import root_volume_gib_months
from advisor.simulate.scaling import RunningTasks
from advisor.units import BoolArray, FloatArray, IntArray
from advisor.workload import Service

LEAST_DIFFERENCE = 1e-3
"""Relative: below this two prices are the same."""
N_DEMANDS = 6
"""Demands that prices are found for: means of as many bands of the load, each of as many hours."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServiceOptions:
    """What a service may run as in the plans that the bound speaks of."""

    elsewhere_usd: float
    """Least that it costs a month without instances; infinite where it must have them."""
    runs: tuple[RunningTasks, ...]
    """On instances: one for each task size, the one that plans prefer first."""
    architectures: frozenset[Architecture]
    is_interruptible: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PriceLevel:
    """Moments in which an instance-hour costs the same."""

    hours: FloatArray
    """(steps,): how long each lasts; 0 in all others."""
    search: Search
    """With candidates at these rates."""
    worth: float = 1.0
    """What instances on demand cost here over their mean: so much of what a task costs elsewhere is held against them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FleetOfKind:
    """What may run on instances that are had in one way, and the types that there are."""

    items: IntArray
    """(items,): index of each run."""
    problem: FleetProblem
    """Its counts are the most tasks of each at any moment."""
    storage_usd_per_hour: FloatArray
    """(items,): what a task adds at least to root volumes."""


def lower_bound_usd(
    services: Sequence[ServiceOptions], kinds: Iterable[CapacityKind], levels: Sequence[PriceLevel]
) -> float | None:
    r"""Least that any plan of these services can cost a month, under the packing model; None where nothing can be proven.

    Such a plan runs each service without instances or, in one of its sizes, on instances of any mix of types of one kind, with
    one instance a zone while any of its tasks runs.

    Notes
    -----
    With prices :math:`\pi` of tasks at which no pattern is worth more than its instance, a service costs at least the least of
    what it costs elsewhere and of its task-hours at the prices of each kind and size; a plan with instances also
    :math:`z\mu` in the moments in which all services run, whichever of them are on instances.
    """
    load = packed_load([run for service in services for run in service.runs])
    state_hours = [hours_of_states(load, level.hours) for level in levels]
    all_hours = np.sum(state_hours, axis=0)
    owner = np.array([at for at, service in enumerate(services) for _ in service.runs], dtype=np.int64)
    is_first = np.concatenate([np.ones(1, np.bool_), owner[1:] != owner[:-1]])
    elsewhere_usd = np.array([service.elsewhere_usd for service in services])
    least_usd = elsewhere_usd.copy()
    floor_usd = np.inf
    hosts = {run.service.host: run.service for run in load.runs}
    for kind, (_, like) in product(kinds, sorted(hosts.items())):
        found = [
            _at_prices_of(kind, services, owner, is_first, least_usd, load, lasting, all_hours, level, like)
            for lasting, level in zip(state_hours, levels, strict=True)
            if lasting.any()
        ]
        known = [each for each in found if each is not None]
        if known and len(known) == len(found):
            np.minimum.at(least_usd, owner, np.sum([usd for usd, _ in known], axis=0))
            floor_usd = min(floor_usd, sum(floor for _, floor in known))
    if not np.isfinite(least_usd).all():
        return None
    with_instances = float(least_usd.sum()) + (floor_usd if np.isfinite(floor_usd) else np.inf)
    return min(float(elsewhere_usd.sum()), with_instances)


def fleets_of_kinds(
    kinds: Iterable[CapacityKind], services: Sequence[ServiceOptions], owner: IntArray, load: PackedLoad, search: Search
) -> list[FleetOfKind]:
    """One for each kind and each kind of hosts that services need; ``owner`` (runs,) is whose each run is."""
    hosts = {run.service.host: run.service for run in load.runs}
    found = [
        _fleet_of_kind(kind, services, owner, load, search, like) for kind, (_, like) in product(kinds, sorted(hosts.items()))
    ]
    return [fleet for fleet in found if fleet is not None]


def _fleet_of_kind(
    kind: CapacityKind,
    services: Sequence[ServiceOptions],
    owner: IntArray,
    load: PackedLoad,
    search: Search,
    like: Service,
) -> FleetOfKind | None:
    """Services on hosts like those of one, and such types: no plan puts others on one capacity provider with them."""
    may = np.array(
        [
            kind.architecture in services[at].architectures
            and run.service.why_off(kind.launch_type) is None
            and run.service.host == like.host
            and (services[at].is_interruptible or kind.purchase_option is not PurchaseOption.SPOT)
            for at, run in zip(owner, load.runs, strict=True)
        ]
    )
    load, candidates = load.on(kind.launch_type), search.candidates
    usd_per_hour = _usd_per_instance_hour(kind, search)
    is_of_kind = candidates.of(kind.architecture) & candidates.suits(like)
    types = np.flatnonzero(is_of_kind & ~candidates.is_burstable & np.isfinite(usd_per_hour))
    if not types.size:
        return None
    capacity = load.offered(candidates.capacity[kind.launch_type][types])
    fits = np.any(np.all(load.sizes[:, np.newaxis] <= capacity, axis=2), axis=1)
    items = np.flatnonzero(may & fits & (load.distinct.max(axis=0, initial=0) > 0))
    if not items.size:
        return None
    problem = FleetProblem(
        tasks=load.sizes[items],
        counts=load.distinct[:, items].max(axis=0),
        capacity=capacity,
        usd_per_hour=usd_per_hour[types],
        least_instances=search.constraints.zones,
    )
    storage = np.array([_storage_usd_per_hour(load.runs[item], search) for item in items])
    return FleetOfKind(items=items, problem=problem, storage_usd_per_hour=storage)


def _at_prices_of(
    kind: CapacityKind,
    services: Sequence[ServiceOptions],
    owner: IntArray,
    is_first: BoolArray,
    least_usd: FloatArray,
    load: PackedLoad,
    state_hours: FloatArray,
    all_hours: FloatArray,
    level: PriceLevel,
    like: Service,
) -> tuple[FloatArray, float] | None:
    """Least that each service and size costs on instances of a kind in some moments, and the least instances there.

    ``least_usd`` is what each service costs otherwise in ``all_hours`` (states,). None where no type fits.
    """
    fleet = _fleet_of_kind(kind, services, owner, load, level.search, like)
    if fleet is None:
        return None
    items, storage, least = fleet.items, fleet.storage_usd_per_hour, float(fleet.problem.least_instances)
    counts = load.distinct[:, items].astype(np.float64)
    task_hours = state_hours @ counts
    worth = 1.0 if kind.purchase_option is PurchaseOption.SPOT else level.worth
    all_task_hours = all_hours @ counts
    with np.errstate(divide="ignore", invalid="ignore"):
        usd = least_usd[owner[items]] / all_task_hours * worth
        elsewhere = np.where(all_task_hours > 0, np.maximum(usd - storage, 0.0), np.inf)
    # Sizes that plans do not prefer count little in the demand: their prices must hold, not prove.
    weight = np.where(is_first[items], 1.0, 1e-3)
    prices = task_prices(fleet.problem, demands(counts * weight, state_hours), elsewhere)
    is_all = (load.distinct[:, is_first] > 0).all(axis=1)
    by_item, floor = prices.best(counts, np.where(is_all, least, 0.0))
    usd = np.full(len(owner), np.inf)
    usd[items] = state_hours @ by_item + task_hours * storage
    return usd, float(state_hours @ floor)


def cheaper_on_instances(
    services: Sequence[ServiceOptions], kind: CapacityKind, search: Search, hours: FloatArray
) -> BoolArray:
    """(services,): which cost less on a fleet of any mix of types of a kind than elsewhere, each with one task size.

    All need the same hosts.
    """
    load = packed_load([run for service in services for run in service.runs])
    state_hours = hours_of_states(load, hours)
    elsewhere_usd = np.array([service.elsewhere_usd for service in services])
    every, owner = np.ones(len(services), dtype=np.bool_), np.arange(len(services), dtype=np.int64)
    level = PriceLevel(hours=hours, search=search)
    found = _at_prices_of(
        kind, services, owner, every, elsewhere_usd, load, state_hours, state_hours, level, load.runs[0].service
    )
    return np.zeros(len(services), dtype=np.bool_) if found is None else found[0] < elsewhere_usd * (1 - LEAST_DIFFERENCE)


def hours_of_states(load: PackedLoad, hours: FloatArray) -> FloatArray:
    """(states,): how long each combination of task counts lasts; ``hours`` (steps,), and counts may be of finer steps."""
    fine = np.repeat(hours / load.count_steps, load.count_steps)
    lasting = load.state_of_step >= 0
    return np.asarray(np.bincount(load.state_of_step[lasting], fine[lasting], len(load.distinct)), dtype=np.float64)


def demands(counts: FloatArray, hours: FloatArray) -> FloatArray:
    """(bands, services): mean tasks in bands of the load by its size, each of as many hours; least band first."""
    order = np.argsort(counts.sum(axis=1), kind="stable")
    lasting = order[hours[order] > 0]
    cumulated = np.cumsum(hours[lasting])
    band = np.minimum((cumulated - hours[lasting] / 2) / cumulated[-1] * N_DEMANDS, N_DEMANDS - 1).astype(np.int64)
    rows = [
        np.average(counts[lasting[band == at]], axis=0, weights=hours[lasting[band == at]])
        for at in range(N_DEMANDS)
        if (band == at).any()
    ]
    return np.stack(rows)


def _usd_per_instance_hour(kind: CapacityKind, search: Search) -> FloatArray:
    """(types,): an instance-hour with what every plan of the kind pays beside it; NaN where not priced."""
    rates = search.rates(kind)
    return total_usd(amounts_usd(np.array([1.0, 1.0, 0.0, 1.0, 0.0]), rates))


def _storage_usd_per_hour(run: RunningTasks, search: Search) -> float:
    """What a task adds at least to the root volume of its instance, whatever runs beside it."""
    (gp3_usd,) = search.catalog.rates_usd([GP3_GIB_MONTH], search.region)
    storage_gib = run.service.ephemeral_storage_gib
    own_gib = storage_gib if storage_gib > FARGATE_INCLUDED_STORAGE_GIB else 0
    return float(amounts_usd(root_volume_gib_months(np.ones(1), own_gib), gp3_usd)[0])


def bound_kinds(search: Search, *, has_spot: bool, has_host_ports: bool) -> tuple[CapacityKind, ...]:
    """Ways to get instances that the constraints allow.

    Managed Instances are never cheaper than EC2 unless they offer more, as where agents keep memory from tasks, or hold tasks
    together that fixed host ports keep apart on EC2.
    """
    capacity, allowed = search.candidates.capacity, search.constraints.launch_types
    launch_types = [t for t in (LaunchType.EC2, LaunchType.MANAGED_INSTANCES) if t in allowed]
    if (
        len(launch_types) > 1
        and not has_host_ports
        and (capacity[LaunchType.MANAGED_INSTANCES] <= capacity[LaunchType.EC2]).all()
    ):
        launch_types = [LaunchType.EC2]
    ways = [(launch_type, PurchaseOption.ON_DEMAND) for launch_type in launch_types]
    if has_spot and LaunchType.EC2 in launch_types:
        ways.append((LaunchType.EC2, PurchaseOption.SPOT))
    return tuple(
        CapacityKind(launch_type=launch_type, purchase_option=option, architecture=architecture)
        for launch_type, option in ways
        for architecture in (Architecture.ARM64, Architecture.X86_64)
    )
