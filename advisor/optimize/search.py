"""The cheapest instance type for one service alone, or for several services on one cluster."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from advisor.billing import amounts_usd, total_usd
from advisor.ecs import Architecture, LaunchType, PlacementStrategy, PurchaseOption, TaskSize
from advisor.errors import InputError
from advisor.meters import GP3_GIB_MONTH, PUBLIC_IPV4_HOUR, sum_over_states
from advisor.optimize.candidates import Candidates, candidates
from advisor.optimize.packed import PackedLoad, dedicated_instances, instances_on, known_counts, least_instances, packed_load
from advisor.optimize.parts import MANAGED_FEE_RANGE, PACKING_RANGE, Part, instances_part
from advisor.optimize.providers import OnDemandBase, base_of, instance_provider
from advisor.plan import CapacityProvider, Commitment
from advisor.pricing import PriceCatalog
from advisor.simulate.credits import net_vcpu, surplus_vcpu
from advisor.simulate.instances import (
    MAX_VOLUME_GIB,
    dedicated_instance_hours,
    most_tasks,
    reservation,
    root_volume_gib,
    root_volume_gib_months,
)
from advisor.simulate.packing import tasks_per_instance
from advisor.simulate.scaling import RunningTasks
from advisor.simulate.timeline import COUNTS_STEP_S, Timeline, timeline, trailing_maximum
from advisor.units import BoolArray, FloatArray, IntArray, TextArray
from advisor.workload import Constraints, Service, Workload

SPOT_POOL_TYPES = 6
"""A Spot plan names this many types of one size, so that it does not hang on one price or one capacity pool."""


SURE_OF_SURPLUS = 0.9
"""Of what a load takes above the baseline in the mean of a month, the share that is charged whatever the order of the hours,
of which a month weighs some a little more than others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityKind:
    """One way to get container instances."""

    launch_type: LaunchType
    purchase_option: PurchaseOption
    architecture: Architecture

    @property
    def n_types(self) -> int:
        return SPOT_POOL_TYPES if self.purchase_option is PurchaseOption.SPOT else 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Search:
    """What every search of one workload shares."""

    catalog: PriceCatalog
    region: str
    axis: Timeline
    constraints: Constraints
    candidates: Candidates
    held: tuple[Commitment, ...] = ()
    """Commitments of the account that some plan may use."""
    idle: tuple[Commitment, ...] = ()
    """Commitments of the account that no plan can use."""
    idle_usd_per_hour: float = 0.0
    """Due for the idle ones."""
    bought: tuple[Commitment, ...] = ()
    """New commitments of the one plan that is looked at."""
    replay_step_s: int = COUNTS_STEP_S
    """Seconds of a step of the replay, at most."""

    def root_volume_gib(self, runs: Sequence[RunningTasks], launch_type: LaunchType) -> IntArray:
        """(types,): of an instance that runs tasks of these services."""
        capacity = self.candidates.capacity[launch_type]
        return root_volume_gib([(run.service, run.size) for run in runs], launch_type, capacity)

    def rates_for(self, runs: Sequence[RunningTasks], kind: CapacityKind) -> FloatArray:
        """(types, 5): the rates of instances that run tasks of these services."""
        has_public_ip = any(run.service.has_public_ip for run in runs)
        return self.rates(kind, has_public_ip=has_public_ip, volume_gib=self.root_volume_gib(runs, kind.launch_type))

    def rates(self, kind: CapacityKind, *, has_public_ip: bool = False, volume_gib: IntArray | None = None) -> FloatArray:
        """(types, 5): USD for an instance-hour, its fee, its public address, its root volume, a surplus vCPU-hour.

        NaN where not priced; but an address without a price, which no type can do without, counts 0 and keeps none out.
        """
        c = self.candidates
        instance = c.spot_pool_usd if kind.purchase_option is PurchaseOption.SPOT else c.on_demand_usd
        is_managed = kind.launch_type is LaunchType.MANAGED_INSTANCES
        fee = c.managed_fee_usd if is_managed else np.zeros(len(c.types))
        gp3_usd, address_usd = self.catalog.rates_usd([GP3_GIB_MONTH, PUBLIC_IPV4_HOUR], self.region)
        volume = amounts_usd(
            root_volume_gib_months(np.ones(len(c.types)), c.image_gib if volume_gib is None else volume_gib), gp3_usd
        )
        address = np.full(len(c.types), np.nan_to_num(address_usd) if has_public_ip else 0.0)
        return np.stack([instance, fee, address, volume, c.surplus_usd], axis=-1)

    def usable(self, runs: Sequence[RunningTasks], kind: CapacityKind) -> BoolArray:
        """(types,): the architecture fits, each task fits on an instance, and there is a price."""
        c = self.candidates
        if any(run.service.why_off(kind.launch_type) is not None for run in runs):
            return np.zeros(len(c.types), dtype=np.bool_)
        fits = np.all([self.holds(run.size, run.service, kind.launch_type) for run in runs], axis=0)
        fits &= self.root_volume_gib(runs, kind.launch_type) <= MAX_VOLUME_GIB
        is_cpu_known = all(run.cpu_units is not None for run in runs) and not c.daemons  # what daemons use is not known
        # Managed Instances are not offered as T nano and micro, and run burstable types unlimited like EC2.
        return np.asarray(
            fits & c.of(kind.architecture) & ~np.isnan(self.rates(kind)).any(axis=-1) & (is_cpu_known | ~c.is_burstable)
        )

    def holds(self, size: TaskSize, service: Service, launch_type: LaunchType) -> BoolArray:
        """(types,): which hold a task of a service in a size, and are hosts for its tasks."""
        c = self.candidates
        fits = tasks_per_instance(reservation(service, size, launch_type), c.capacity[launch_type]) >= 1
        return np.asarray(fits & c.suits(service))

    def names(self, index: IntArray) -> TextArray:
        """Names of candidate types."""
        return np.asarray(self.candidates.names[index])

    def month_usd(self, instance_hours: FloatArray, surplus_hours: FloatArray, rates: FloatArray) -> FloatArray:
        """(types,): USD of a month from instance-hours and surplus vCPU-hours: the upper end, by which plans are ranked."""
        amounts = amounts_usd(np.stack([*[instance_hours] * 4, surplus_hours], axis=-1), rates)
        return total_usd(amounts) * (1 + PACKING_RANGE) + MANAGED_FEE_RANGE * amounts[..., 1]


def search_for(workload: Workload, catalog: PriceCatalog) -> Search:
    """Candidates and time axis of a workload.

    Raises
    ------
    InputError
        The workload names a file of its own rates, and the catalog was read without any.
    """
    if workload.rates_file is not None and not catalog.has_own_rates:
        raise InputError(
            f"the workload has its own rates ({workload.rates_file}), and the catalog was read without them",
            fix="Read it with read_catalog(workload.region, rates_file=Path(workload.rates_file)).",
        )
    axis = timeline(workload.start, workload.step_s, workload.n_steps)
    types = candidates(catalog, workload.region, workload.constraints, workload.daemons, workload.services)
    return Search(
        catalog=catalog,
        region=workload.region,
        axis=axis,
        constraints=workload.constraints,
        candidates=types,
        held=workload.commitments,
    )


def dedicated_part(search: Search, run: RunningTasks, kind: CapacityKind, hours: FloatArray) -> Part | None:
    """One service alone on its own capacity provider, on the cheapest type; None where no type can serve it."""
    usable = np.flatnonzero(search.usable([run], kind))
    zones, delay = search.constraints.zones, search.axis.delay_steps
    per_instance = most_tasks(run.service, run.size, kind.launch_type, search.candidates.capacity[kind.launch_type][usable])
    fine_hours = np.repeat(hours / run.count_steps, run.count_steps)
    tasks = trailing_maximum(known_counts(run), delay * run.count_steps)
    instance_hours = dedicated_instance_hours(tasks, fine_hours, per_instance, zones)
    rates = search.rates_for([run], kind)[usable]
    # A lower bound: surplus credits, and what zones hold back, are worked out for types that may win.
    usd = search.month_usd(instance_hours, np.zeros(usable.size), rates)
    if run.counts is not None or search.candidates.is_burstable[usable].any():
        usd = _worked_out(search, run, usd, usable, per_instance, hours, rates, _groups(search, usable, kind), kind.n_types)
    pools = [_cheapest(usd, search.names(usable), group, kind.n_types) for group in _groups(search, usable, kind)]
    if not pools:
        return None
    best = min(pools, key=lambda pool: float(usd[pool].mean()))
    series = [dedicated_instances(run, per_instance[at], zones, delay) for at in best]
    return _part(search, [run], usable[best], kind, series, name=f"{run.service.name}-{_label(search, usable[best], kind)}")


def _worked_out(
    search: Search,
    run: RunningTasks,
    least_usd: FloatArray,
    usable: IntArray,
    per_instance: IntArray,
    hours: FloatArray,
    rates: FloatArray,
    groups: Sequence[IntArray],
    n_types: int,
) -> FloatArray:
    """(types,): exact costs of the types that may be among the ``n_types`` cheapest of a group; infinite for all others."""
    usd = np.full(least_usd.size, np.inf)
    by_room: dict[int, FloatArray] = {}
    for group in groups:
        for at in group[np.argsort(least_usd[group], kind="stable")].tolist():
            limit = float(np.sort(usd[group])[n_types - 1]) * (1 + 1e-9)
            if least_usd[at] > limit:
                break
            room = int(per_instance[at])
            if room not in by_room:
                _, by_room[room] = dedicated_instances(run, room, search.constraints.zones, search.axis.delay_steps)
            usd[at] = _usd_up_to(limit, search, int(usable[at]), [run], by_room[room], hours, rates[at])
    return usd


def shared_part(
    search: Search, load: PackedLoad, kind: CapacityKind, hours: FloatArray, *, name: str, give_up_at_usd: float = np.inf
) -> Part | None:
    """Services together on one capacity provider, on the cheapest type.

    Types are packed exactly in the order of a bound that no packing can beat, until the bound of the next one is no better than
    what is already found: the result is that of packing all types.

    Returns
    -------
    Part or None
        None where no type can serve all, or where even the bound is not below ``give_up_at_usd`` a month.
    """
    load = load.on(kind.launch_type)
    usable = np.flatnonzero(search.usable(load.runs, kind))
    packing = _SharedPacking(search, load, kind, hours, usable)
    groups = _groups(search, usable, kind)
    best, best_usd = None, give_up_at_usd
    for group in sorted(groups, key=lambda group: packing.bound_usd(group)):
        if packing.bound_usd(group) > best_usd:
            break
        pool = packing.cheapest(group, best_usd)
        if pool is not None and float(packing.usd[pool].mean()) <= best_usd:
            best, best_usd = pool, float(packing.usd[pool].mean())
    if best is None:
        return None
    series = [packing.series[at] for at in best.tolist()]
    return _part(search, load.runs, usable[best], kind, series, name=f"{name}-{_label(search, usable[best], kind)}")


class _SharedPacking:
    """Costs of one shared cluster by instance type, exact ones only where a bound does not settle it."""

    def __init__(self, search: Search, load: PackedLoad, kind: CapacityKind, hours: FloatArray, usable: IntArray) -> None:
        self.search, self.load, self.hours, self.n_types, self.usable = search, load, hours, kind.n_types, usable
        self.launch_type = kind.launch_type
        self.rates = search.rates_for(load.runs, kind)[usable]
        self.capacity = search.candidates.capacity[kind.launch_type][usable]
        least = load.least_instance_hours(self.capacity, hours, search.constraints.zones)
        self.least_usd = search.month_usd(least, np.zeros(usable.size), self.rates)
        self.names = search.names(usable)
        self.usd = np.full(usable.size, np.inf)
        """(usable types,): upper end of the exact cost where it was worked out."""
        self.series: dict[int, tuple[FloatArray, FloatArray]] = {}

    def bound_usd(self, group: IntArray) -> float:
        """Least that a pool of the group can cost."""
        return float(np.sort(self.least_usd[group])[: self.n_types].mean())

    def cheapest(self, group: IntArray, give_up_at_usd: float) -> IntArray | None:
        """The cheapest types of a group; None where a single type cannot be below ``give_up_at_usd``."""
        for at in group[np.lexsort((self.names[group], self.least_usd[group]))].tolist():
            nth_best = np.sort(self.usd[group])[self.n_types - 1]
            limit = min(nth_best, give_up_at_usd) if self.n_types == 1 else nth_best
            if self.least_usd[at] > limit:
                break
            self._pack(at, float(limit))
        if np.count_nonzero(np.isfinite(self.usd[group])) < self.n_types:
            return None
        return _cheapest(self.usd, self.names, group, self.n_types)

    def _pack(self, at: int, limit: float) -> None:
        search, zones, delay = self.search, self.search.constraints.zones, self.search.axis.delay_steps
        self.series[at] = instances_on(self.load.runs, self.launch_type, self.capacity[at], zones, delay, load=self.load)
        index, running = int(self.usable[at]), self.series[at][1]
        self.usd[at] = _usd_up_to(limit, search, index, self.load.runs, running, self.hours, self.rates[at])


def on_default_spread(search: Search, part: Part, *, load: PackedLoad | None = None) -> Part:
    """A part on instances as ECS's default placement would run it, on the same types: an upper figure where services share."""
    if part.provider.placement is None:
        return part
    provider = replace(part.provider, placement=PlacementStrategy.DEFAULT_SPREAD)
    return part_on_provider(search, part.runs, provider, load=load)


def part_on_provider(
    search: Search, runs: Sequence[RunningTasks], provider: CapacityProvider, *, load: PackedLoad | None = None
) -> Part:
    """Services on a given capacity provider with instances: its types and placement are kept, nothing is searched."""
    is_windows = any(run.service.is_windows for run in runs)
    index = search.candidates.members(provider.instance_types, is_windows=is_windows)
    zones, delay = provider.zones, search.axis.delay_steps
    if load is None and len(runs) > 1:
        load = packed_load(runs)  # once for all types of a pool
    load = load and load.on(provider.launch_type)
    series = [
        instances_on(runs, provider.launch_type, capacity, zones, delay, placement=provider.placement, load=load)
        for capacity in search.candidates.capacity_of(provider, is_windows=is_windows)
    ]
    kind = CapacityKind(
        launch_type=provider.launch_type,
        purchase_option=provider.purchase_option,
        architecture=provider.architecture or Architecture.X86_64,
    )
    return _part(search, runs, index, kind, series, name=provider.name, placement=provider.placement, base=base_of(provider))


def _part(
    search: Search,
    runs: Sequence[RunningTasks],
    index: IntArray,
    kind: CapacityKind,
    series: Sequence[tuple[FloatArray, FloatArray]],
    *,
    name: str,
    placement: PlacementStrategy | None = PlacementStrategy.SPREAD_THEN_BINPACK,
    base: OnDemandBase | None = None,
) -> Part:
    types = [search.candidates.types[i] for i in index]
    packed, running = (np.stack(rows) for rows in zip(*series, strict=True))
    provider = instance_provider(
        name,
        kind.launch_type,
        kind.purchase_option,
        types,
        kind.architecture,
        float(np.nanmax(running, initial=0.0)),
        constraints=search.constraints,
        placement=placement or PlacementStrategy.SPREAD_THEN_BINPACK,
        # Managed Instances have no group with a least size.
        min_instances=least_instances(runs, search.constraints.zones) if kind.launch_type is LaunchType.EC2 else 0,
        # A Spot pool starts all of its types from one launch template.
        root_volume_gib=int(search.root_volume_gib(runs, kind.launch_type)[index].max()),
        base=base,
    )
    return instances_part(
        runs,
        types,
        running,
        packed,
        search.candidates.capacity[kind.launch_type][index].astype(np.float64),
        provider=provider,
        step_hours=search.axis.step_hours,
        work_per_vcpu=float(search.candidates.work_per_vcpu[index].min()),
    )


def _usd_up_to(
    limit: float,
    search: Search,
    index: int,
    runs: Sequence[RunningTasks],
    running: FloatArray,
    hours: FloatArray,
    rates: FloatArray,
) -> float:
    """USD of a month of a type with its surplus credits; infinite where these cannot be so few that it is within a limit."""
    instance_type, work = search.candidates.types[index], search.candidates.work_per_vcpu[index]
    month = np.array(sum_over_states(np.nan_to_num(running), hours))
    if instance_type.baseline_fraction is None:
        return float(search.month_usd(month, np.zeros(()), rates))
    cpu_units = np.sum([run.cpu_units for run in runs if run.cpu_units is not None], axis=0) / work
    least = SURE_OF_SURPLUS * max(0.0, float(sum_over_states(net_vcpu(instance_type, cpu_units, running), hours)))
    if search.month_usd(month, np.array(least), rates) > limit:
        return float("inf")
    surplus = surplus_vcpu(instance_type, cpu_units, running, step_hours=search.axis.step_hours)
    return float(search.month_usd(month, np.array(sum_over_states(surplus, hours)), rates))


def _groups(search: Search, usable: IntArray, kind: CapacityKind) -> list[IntArray]:
    """Types, as positions in ``usable``, that may stand in for each other.

    All of them where one is chosen. A Spot pool takes types with the same number of vCPU, which do the same work each: ECS
    counts instances, not their sizes, so that a pool of unequal ones is neither packed nor scaled as planned, and its tasks
    have one size.
    """
    everything = np.arange(usable.size)
    if kind.n_types == 1:
        return [everything] if usable.size else []
    vcpu = np.array([search.candidates.types[i].vcpu for i in usable], dtype=np.float64)
    _, alike = np.unique(np.stack([vcpu, search.candidates.work_per_vcpu[usable]]), axis=1, return_inverse=True)
    groups = [everything[alike.ravel() == number] for number in range(int(alike.max(initial=-1)) + 1)]
    return [group for group in groups if group.size >= kind.n_types]


def _cheapest(usd: FloatArray, names: TextArray, group: IntArray, n: int) -> IntArray:
    """The ``n`` cheapest of a group; equal costs are broken by name."""
    return np.asarray(group[np.lexsort((names[group], np.round(usd[group], 9)))[:n]], dtype=np.int64)


def _label(search: Search, index: IntArray, kind: CapacityKind) -> str:
    first = search.candidates.types[int(index[0])].name
    suffix = {LaunchType.EC2: "", LaunchType.MANAGED_INSTANCES: "-managed", LaunchType.FARGATE: ""}[kind.launch_type]
    return f"{first.replace('.', '-')}{suffix}" if kind.n_types == 1 else f"spot-{kind.architecture.lower().replace('_', '-')}"
