"""Instance types ranked for a cluster: what each would hold, cost, and take to survive the loss of a zone or a deployment."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from advisor.ecs import Architecture, InstanceType, LaunchType, PurchaseOption
from advisor.errors import InputError
from advisor.optimize.held import left_aside
from advisor.optimize.levers import Levers, price_levers
from advisor.optimize.loads import ServiceLoad, by_host, service_loads
from advisor.optimize.packed import PackedLoad, by_step, packed_load
from advisor.optimize.parts import PACKING_RANGE, Part, instances_part
from advisor.optimize.pricing import PricedParts, instance_facts, price_parts
from advisor.optimize.providers import instance_provider
from advisor.optimize.replayed import DEFAULT_REPLAY_WEEKS, replayed_parts
from advisor.optimize.search import CapacityKind, Search, part_on_provider, search_for
from advisor.optimize.strategies import PresentStrategies, price_present_strategies
from advisor.optimize.work import work_sentence
from advisor.pricing import PriceCatalog
from advisor.simulate.instances import held, with_zone_floor
from advisor.simulate.packing import first_fit_decreasing
from advisor.simulate.timeline import COUNTS_STEP_S, SCALE_IN_DELAY_S
from advisor.units import HOURS_PER_MONTH, SECONDS_PER_HOUR, FloatArray, IntArray
from advisor.workload import Workload

DEFAULT_MOST = 20
DEFAULT_REPLAYS = 5
DEFAULT_DEPLOYMENT_MINUTES = 10
REPLAY_STEPS_S = (20, COUNTS_STEP_S)
"""Periods of CloudWatch's metrics of a service."""
DEPLOYED_TASKS = 2
"""Tasks during a rolling deployment over those before it, at the default maximumPercent of 200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneLoss:
    """Capacity with which all tasks still fit when one of the zones is gone."""

    instances_per_zone: int
    """In the zone with most, at the busiest moment."""
    instances_max: int
    """In all zones together."""
    monthly_usd: float | None
    """Of all instances; None where something has no price."""
    extra_monthly_usd: float | None
    """More than without this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSurge:
    """What one deployment of all services at once takes while old and new tasks run side by side."""

    minutes: float
    """How long the tasks are doubled; an assumption."""
    instances_p95: float
    """That the doubled tasks keep running."""
    instances_max: float
    extra_usd: float | None
    """Of one deployment at an average moment, with the scale-in delay after it; None where something has no price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedType:
    """What a replay of the last weeks found for an instance type."""

    weeks: float
    monthly_usd: float | None
    over_packing: float
    """Instance-hours over those of the packing model."""
    instances_max: int
    waiting_task_hours: float
    """Task-hours a month in PROVISIONING."""
    hours_above_target: float
    """Service-hours a month in which the scaling metric is above its target."""
    hours_above_full: float
    """Service-hours a month in which the load is more than the running tasks can do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedInstanceType:
    """One instance type under all services that share its architecture."""

    instance_type: str
    architecture: Architecture
    services: tuple[str, ...]
    vcpu: int
    memory_mib: int
    """Nominal."""
    is_registered_memory_observed: bool
    """False: what it registers in ECS is this project's fit."""
    instances_p50: float
    instances_p95: float
    instances_max: float
    packed_fraction: float
    """Share of the binding dimension that tasks reserve, over the month."""
    binding: str
    """``CPU``, ``memory``, ``network`` or ``minimum count``."""
    monthly_usd: float | None
    """By the packing model; None where something has no price."""
    missing: tuple[str, ...]
    """Meters without a price."""
    zone_loss: ZoneLoss | None
    """None with a single zone, whose loss nothing survives."""
    deployment: DeploymentSurge
    replayed: ReplayedType | None
    """None where it was not replayed."""
    levers: Levers | None = None
    """What settings of scaling are worth on this type; None where that was not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRanking:
    """Instance types for a cluster, best first.

    Types under the same services are ranked together; services without a common architecture make one ranking after another.
    Within a ranking those that were replayed come first, by their replayed cost; the others follow by the packing model.
    """

    cluster: str
    region: str
    zones: int
    instances: tuple[RankedInstanceType, ...]
    notes: tuple[str, ...]
    present: PresentStrategies | None = None
    """The present cluster under every placement strategy; None where it is not stated, or levers were not asked for."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as ``advisor instances --format json`` prints it."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ranked:
    """A type with what its figures are made from."""

    instance_type: InstanceType
    index: int
    """Among the candidates."""
    architecture: Architecture
    part: Part
    priced: PricedParts

    @property
    def sort_usd(self) -> float:
        """Upper end of what has a price."""
        return self.priced.priced_usd * (1 + PACKING_RANGE)

    @property
    def sort_key(self) -> tuple[bool, float, str]:
        return self.priced.monthly_usd is None, round(self.sort_usd, 9), self.instance_type.name


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Group:
    """Services that share a cluster, and the hours of the month that each step of their load stands for."""

    load: PackedLoad
    hours: FloatArray

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(run.service.name for run in self.load.runs)


def rank_instances(
    workload: Workload,
    catalog: PriceCatalog,
    *,
    most: int | None = DEFAULT_MOST,
    replays: int = 0,
    replay_weeks: int = DEFAULT_REPLAY_WEEKS,
    replay_step_s: int = COUNTS_STEP_S,
    deployment_minutes: float = DEFAULT_DEPLOYMENT_MINUTES,
    has_levers: bool = False,
) -> InstanceRanking:
    """Rank On-Demand instance types for all services of a workload together, by the cost of a month.

    Services keep their declared task sizes. Where some lack an architecture, the types of that architecture hold the others.

    Parameters
    ----------
    most
        Types in each ranking, at most; None for all that hold the tasks. The first ones are found without packing the rest: a
        bound that no packing can beat rules them out.
    replays
        The first so many of each ranking are replayed as ECS runs them.
    replay_weeks
        Last weeks of the load that they are replayed on.
    replay_step_s
        Seconds of a step of the replay, 20 or 60; a load in steps of 20 s is replayed in these.
    deployment_minutes
        How long a deployment keeps old and new tasks side by side. [min]
    has_levers
        Replay the first type of each ranking also with settings of scaling changed, one at a time; replays at least that type.
        Where the workload states its present instances, they are replayed under each placement strategy as well.

    Returns
    -------
    InstanceRanking
        Types by the cost of a month [USD], instances at the median, in 95 % of the hours and at most, and what binds.

    Raises
    ------
    InputError
        No moment at which the load of every service is known, no instance type holds the tasks, or a replay has no weeks or
        other steps.

    Examples
    --------
    >>> import advisor
    >>> workload = advisor.read_workload("examples/cloudwatch/workload.yaml")
    >>> catalog = advisor.read_catalog(workload.region)
    >>> ranking = advisor.rank_instances(workload, catalog, most=3)
    >>> [each.instance_type for each in ranking.instances]
    ['c6g.medium', 'c7g.medium', 'm6g.medium']
    """
    n_replays = max(replays, 1 if has_levers else 0)
    if n_replays and replay_weeks < 1:
        raise InputError("a replay needs at least one week of load", fix="Give replay_weeks of 1 or more, or no replays.")
    if replay_step_s not in REPLAY_STEPS_S:
        raise InputError(f"a replay has steps of 20 or 60 s, not of {replay_step_s}", fix="Give replay_step_s of 20 or 60.")
    search = replace(search_for(workload, catalog), replay_step_s=replay_step_s)
    loads = service_loads(workload, search.axis)
    measured = np.all([load.measured for load in loads], axis=0)
    if not measured.any():
        raise InputError(
            "there is no moment at which the load of every service is known",
            fix="Give loads of the same period, or a workload for each group of services that were measured together.",
        )
    hours = search.axis.month_hours(measured)
    assumed = _assumptions(search.constraints.zones, deployment_minutes)
    notes = ["task sizes as declared", assumed, *left_aside(workload)]
    rankings: dict[tuple[str, ...], tuple[_Group, list[_Ranked]]] = {}
    for architecture, alike in product(Architecture, by_host(loads)):
        members = [load for load in alike if architecture in load.service.architectures]
        kind = CapacityKind(launch_type=LaunchType.EC2, purchase_option=PurchaseOption.ON_DEMAND, architecture=architecture)
        if not members or not search.candidates.of(architecture).any():
            continue
        notes += _left_out(members, alike, kind, search)
        names = tuple(load.service.name for load in members)
        group, found = rankings.setdefault(names, (_Group(load=packed_load([load.run for load in members]), hours=hours), []))
        found += _packed_types(search, group, kind, most)
    present, unpriced = None, None
    if has_levers:
        present, unpriced = price_present_strategies(workload, loads, search, hours, weeks=replay_weeks)
    notes += [unpriced] if unpriced else []
    result: list[RankedInstanceType] = []
    for _, (group, found) in sorted(rankings.items(), key=lambda item: -len(item[0])):
        rows = _rows(sorted(found, key=lambda each: each.sort_key)[:most], group, search, deployment_minutes)
        if n_replays and rows:
            rows, note = _with_replays(rows, found, workload, search, hours, n_replays, replay_weeks, has_levers=has_levers)
            notes += note
        result += rows
    if not result:
        raise InputError(
            f"no priced instance type in {workload.region} holds a task of every service that shares its architecture",
            fix="Widen constraints.instance_types, add a price with --rates, or split the cluster.",
        )
    told = work_sentence(search.candidates.work_of([row.instance_type for row in result]), search.constraints.work_per_vcpu)
    notes += [told] if told else []
    return InstanceRanking(
        cluster=workload.cluster,
        region=workload.region,
        zones=search.constraints.zones,
        instances=tuple(result),
        notes=(*search.candidates.notes, *notes),
        present=present,
    )


def _assumptions(zones: int, minutes: float) -> str:
    lost = "a lost zone: all tasks packed anew on what is left" if zones > 1 else "one zone: nothing survives its loss"
    return (
        f"{lost}; a deployment: all services at once, tasks doubled for {minutes:g} minutes, "
        f"instances held {SCALE_IN_DELAY_S // 60} minutes longer"
    )


def _left_out(members: Sequence[ServiceLoad], loads: Sequence[ServiceLoad], kind: CapacityKind, search: Search) -> list[str]:
    """Services and types that a ranking does not hold, one sentence each."""
    notes = []
    rest = [load.service.name for load in loads if load not in members]
    if rest:
        notes.append(f"{kind.architecture} types are ranked without {', '.join(rest)}, which do not support that architecture")
    of_kind = search.candidates.of(kind.architecture) & search.candidates.suits(members[0].service)
    unpriced = int((of_kind & np.isnan(search.rates(kind)).any(axis=-1)).sum())
    if unpriced:
        what = f"{kind.architecture}{' Windows' if members[0].service.is_windows else ''}"
        notes.append(f"{unpriced} of {int(of_kind.sum())} candidate {what} types have no price and are not ranked")
    return notes


def _packed_types(search: Search, group: _Group, kind: CapacityKind, most: int | None) -> list[_Ranked]:
    """Types with their exact packing, in the order of a bound, until that rules out the rest."""
    usable = np.flatnonzero(search.usable(group.load.runs, kind))
    zones = search.constraints.zones
    least = group.load.least_instance_hours(search.candidates.capacity[kind.launch_type][usable], group.hours, zones)
    bound_usd = search.month_usd(least, np.zeros(usable.size), search.rates_for(group.load.runs, kind)[usable])
    found: list[_Ranked] = []
    for at in np.lexsort((search.names(usable), bound_usd)).tolist():
        if most is not None and len(found) >= most:
            nth_usd = sorted(each.sort_usd for each in found)[most - 1]
            if bound_usd[at] > nth_usd * (1 + 1e-9):
                break
        found.append(_packed_type(search, group, kind, int(usable[at])))
    return found


def _packed_type(search: Search, group: _Group, kind: CapacityKind, index: int) -> _Ranked:
    instance_type = search.candidates.types[index]
    provider = instance_provider(
        instance_type.name,
        kind.launch_type,
        kind.purchase_option,
        [instance_type],
        kind.architecture,
        0.0,  # the part's own provider holds the peak
        constraints=search.constraints,
    )
    part = part_on_provider(search, group.load.runs, provider, load=group.load)
    priced = price_parts([part], group.hours, search.catalog, search.region)
    return _Ranked(instance_type=instance_type, index=index, architecture=kind.architecture, part=part, priced=priced)


def _rows(found: Sequence[_Ranked], group: _Group, search: Search, minutes: float) -> list[RankedInstanceType]:
    return [_row(each, group, search, minutes) for each in found]


def _row(each: _Ranked, group: _Group, search: Search, minutes: float) -> RankedInstanceType:
    facts = instance_facts([each.part], group.hours)
    if facts is None:
        raise ValueError(f"{each.instance_type.name} has no instances")
    return RankedInstanceType(
        instance_type=each.instance_type.name,
        architecture=each.architecture,
        services=group.services,
        vcpu=each.instance_type.vcpu,
        memory_mib=each.instance_type.memory_mib,
        is_registered_memory_observed=each.instance_type.is_registered_memory_observed,
        instances_p50=facts.p50,
        instances_p95=facts.p95,
        instances_max=facts.max,
        packed_fraction=facts.packed_fraction,
        binding=facts.binding,
        monthly_usd=_usd(each.priced),
        missing=each.priced.missing,
        zone_loss=_zone_loss(each, group, search),
        deployment=_deployment(each, group, search, minutes),
        replayed=None,
    )


def _zone_loss(each: _Ranked, group: _Group, search: Search) -> ZoneLoss | None:
    r"""Instances with which the tasks still fit, repacked, when the zone with most instances is gone.

    Notes
    -----
    :math:`P` instances hold the tasks. Spread as evenly as can be over :math:`z` zones, the least number that leaves :math:`P`
    without the largest zone is

    .. math:: n = P + \lceil P / (z - 1) \rceil

    and not less than one in each zone.
    """
    zones = search.constraints.zones
    if zones < 2:
        return None
    packed = _per_state(group.load, _capacity(each, search))
    needed = with_zone_floor(packed + -(-packed // (zones - 1)), group.load.distinct.sum(axis=1), zones)
    part = _with_instances(each, group, needed, packed, search)
    priced = price_parts([part], group.hours, search.catalog, search.region)
    running = _running(part)
    most = int(running[group.hours > 0].max(initial=0.0))
    return ZoneLoss(
        instances_per_zone=-(-most // zones),
        instances_max=most,
        monthly_usd=_usd(priced),
        extra_monthly_usd=_difference(_usd(priced), _usd(each.priced)),
    )


def _deployment(each: _Ranked, group: _Group, search: Search, minutes: float) -> DeploymentSurge:
    """The cluster with every service's tasks doubled, for as long as a deployment lasts and instances are held after it."""
    doubled = _per_state(group.load, _capacity(each, search), times=DEPLOYED_TASKS)
    floor = with_zone_floor(doubled, group.load.distinct.sum(axis=1), search.constraints.zones)
    part = _with_instances(each, group, floor, doubled, search)
    facts = instance_facts([part], group.hours)
    if facts is None:
        raise ValueError(f"{each.instance_type.name} has no instances")
    extra = _difference(_usd(price_parts([part], group.hours, search.catalog, search.region)), _usd(each.priced))
    lasts_h = minutes / 60 + SCALE_IN_DELAY_S / SECONDS_PER_HOUR
    return DeploymentSurge(
        minutes=minutes,
        instances_p95=facts.p95,
        instances_max=facts.max,
        extra_usd=None if extra is None else extra / HOURS_PER_MONTH * lasts_h,
    )


def _capacity(each: _Ranked, search: Search) -> IntArray:
    (offered,) = search.candidates.capacity_of(each.part.provider, is_windows=each.part.is_windows)
    return np.asarray(offered)


def _per_state(load: PackedLoad, capacity: IntArray, *, times: int = 1) -> IntArray:
    """(states,): instances that first-fit decreasing fills with ``times`` the tasks."""
    return first_fit_decreasing(times * load.distinct, load.sizes, load.offered(capacity))


def _with_instances(each: _Ranked, group: _Group, per_state: IntArray, packed: IntArray, search: Search) -> Part:
    """The same services with other numbers of instances, (states,), held for the scale-in delay."""
    load = group.load
    running = by_step(held(load.over_time(per_state), search.axis.delay_steps * load.count_steps), load.count_steps)
    return instances_part(
        load.runs,
        [each.instance_type],
        running[np.newaxis],
        by_step(load.over_time(packed), load.count_steps)[np.newaxis],
        _capacity(each, search)[np.newaxis].astype(np.float64),
        provider=each.part.provider,
        step_hours=search.axis.step_hours,
        work_per_vcpu=float(search.candidates.work_per_vcpu[each.index]),
    )


def _with_replays(
    rows: Sequence[RankedInstanceType],
    found: Sequence[_Ranked],
    workload: Workload,
    search: Search,
    hours: FloatArray,
    replays: int,
    weeks: int,
    *,
    has_levers: bool,
) -> tuple[list[RankedInstanceType], list[str]]:
    """The first rows with what a replay found, in the order of that, before the rest; and what to know about the rest."""
    parts: Mapping[str, Part] = {each.instance_type.name: each.part for each in found}
    first, rest = list(rows[:replays]), list(rows[replays:])
    replayed = replayed_parts([parts[row.instance_type] for row in first], workload, search, weeks=weeks)
    if any(part.replay is None for part in replayed):
        return list(rows), [f"not replayed: the last {weeks} weeks hold too little of the load of all services together"]
    first = [replace(row, replayed=_replayed(part, search, hours)) for row, part in zip(first, replayed, strict=True)]
    first.sort(key=_replayed_key)
    if has_levers:
        part = next(part for part in replayed if first[0].instance_type in part.provider.instance_types)
        first[0] = replace(first[0], levers=price_levers(part, workload, search, hours, weeks=weeks))
    best = first[0].replayed if first else None
    if best is None or best.monthly_usd is None:
        return [*first, *rest], []
    open_ones = [row.instance_type for row in rest if row.monthly_usd is not None and row.monthly_usd < best.monthly_usd]
    note = (
        [f"not replayed, and cheaper on paper than the best replayed one: {', '.join(open_ones)}; replay more of them"]
        if open_ones
        else []
    )
    return [*first, *rest], note


def _replayed(part: Part, search: Search, hours: FloatArray) -> ReplayedType:
    facts = part.replay
    if facts is None:
        raise ValueError(f"{part.name} was not replayed")
    return ReplayedType(
        weeks=facts.weeks,
        monthly_usd=_usd(price_parts([part], hours, search.catalog, search.region)),
        over_packing=facts.factor,
        instances_max=facts.instances_max,
        waiting_task_hours=facts.waiting_task_hours,
        hours_above_target=facts.hours_above_target,
        hours_above_full=facts.hours_above_full,
    )


def _replayed_key(row: RankedInstanceType) -> tuple[bool, float, str]:
    usd = row.replayed.monthly_usd if row.replayed else None
    return usd is None, 0.0 if usd is None else round(usd, 9), row.instance_type


def _running(part: Part) -> FloatArray:
    if part.on_instances is None:
        raise ValueError(f"{part.name} has no instances")
    return part.on_instances.running


def _usd(priced: PricedParts) -> float | None:
    return None if priced.monthly_usd is None else priced.monthly_usd.mean


def _difference(usd: float | None, base_usd: float | None) -> float | None:
    return None if usd is None or base_usd is None else usd - base_usd
