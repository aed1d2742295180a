"""The two sides of the choice under changed circumstances: what Fargate costs there, and EC2 with its types chosen anew."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from advisor.ecs import Architecture, LaunchType, PurchaseOption
from advisor.errors import InputError
from advisor.optimize.candidates import Candidates, candidates
from advisor.optimize.loads import ServiceLoad, cheapest_fargate_part, cost_usd, service_loads
from advisor.optimize.packed import PackedLoad, packed_load
from advisor.optimize.parts import Part
from advisor.optimize.pricing import price_parts
from advisor.optimize.search import CapacityKind, Search, dedicated_part, search_for, shared_part
from advisor.pricing import PriceCatalog
from advisor.pricing.changed import changed_catalog
from advisor.pricing.instance_hours import hour_on, is_instance_price
from advisor.simulate.scaling import RunningTasks
from advisor.simulate.timeline import Weeks, timeline
from advisor.sweeping.axes import AxisName, AxisValue
from advisor.sweeping.committed import NO_COMMITMENT, committed_usd
from advisor.uncertainty import HORIZON_WEEKS
from advisor.units import HOURS_PER_DAY, BoolArray, FloatArray
from advisor.workload import LoadForm, Service, Workload

Settings = Mapping[AxisName, AxisValue]
_Key = tuple[tuple[str, AxisValue], ...]
_OF_LOADS: Final = (AxisName.SERVICES, AxisName.UTILIZATION, AxisName.LOAD_FACTOR, AxisName.HOURS_PER_DAY)
"""What changes counts of tasks; the others change rates."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """What one side of the choice costs, and with what."""

    usd: float
    """A month of 730 h, by the packing model. [USD]"""
    high_usd: float
    """The upper end, by which plans are chosen."""
    instance_types: tuple[str, ...]
    unmet_task_hours: float
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """Services with their load and the rates in force, on the last weeks of a history."""

    loads: tuple[ServiceLoad, ...]
    """By the hours that all of them share."""
    search: Search
    hours: FloatArray
    """(steps,): hours of the month that each step stands for."""
    terms: str = NO_COMMITMENT
    """Of the Savings Plans that either side buys."""
    unrated: list[str] = field(default_factory=list)
    """Meters that a side lacked: grows as sides are worked out."""
    _packed: dict[tuple[str, ...], PackedLoad] = field(init=False, default_factory=dict)

    def packed(self, runs: Sequence[RunningTasks]) -> PackedLoad:
        """Services of declared size ready to be packed; what was packed for one family serves the next."""
        key = tuple(run.service.name for run in runs)
        if key not in self._packed:
            self._packed[key] = packed_load(runs)
        return self._packed[key]

    def side(self, parts: Sequence[Part]) -> Side | None:
        """Parts with their cost; None where something has no price."""
        priced = price_parts(parts, self.hours, self.search.catalog, self.search.region)
        if priced.monthly_usd is None:
            return None
        usd = priced.monthly_usd.mean
        if self.terms != NO_COMMITMENT:
            committed, missing = committed_usd(parts, self.hours, self.search, self.terms)
            self.unrated.extend(missing)
            if committed is None:
                return None
            usd = committed
        unmet = float(np.nansum(np.sum([np.nan_to_num(part.unmet_tasks) for part in parts], axis=0) * self.hours))
        types = dict.fromkeys(name for part in parts for name in part.provider.instance_types)
        return Side(
            usd=usd,
            high_usd=usd + priced.monthly_usd.high - priced.monthly_usd.mean,
            instance_types=tuple(types),
            unmet_task_hours=unmet,
            parts=tuple(parts),
        )


def fargate_side(scenario: Scenario, option: PurchaseOption) -> Side | None:
    """All services on Fargate, each on its cheapest architecture; None without a price.

    With Spot, those services run on it that may be interrupted.
    """
    parts = []
    for load in scenario.loads:
        is_spot = option is PurchaseOption.SPOT and load.service.may_be_spot(LaunchType.FARGATE)
        own = PurchaseOption.SPOT if is_spot else PurchaseOption.ON_DEMAND
        best = cheapest_fargate_part(load, load.service.architectures, own, scenario.search)
        if best is None:
            return None
        parts.append(best)
    return scenario.side(parts)


def ec2_side(scenario: Scenario, option: PurchaseOption, among: BoolArray | None = None) -> Side | None:
    """All services on EC2 instances, shared or each on its own, whichever is cheaper; instance types are chosen anew.

    Parameters
    ----------
    among : (types,), optional
        Candidate types that may be chosen.

    Returns
    -------
    Side or None
        None where no type serves a service, or none has a price.
    """
    search = (
        scenario.search if among is None else replace(scenario.search, candidates=_among(scenario.search.candidates, among))
    )
    if not search.candidates.types:
        return None
    is_spot = [option is PurchaseOption.SPOT and load.service.may_be_spot(LaunchType.EC2) for load in scenario.loads]
    groups = [
        ([load.run for load, spot in zip(scenario.loads, is_spot, strict=True) if spot], PurchaseOption.SPOT),
        ([load.run for load, spot in zip(scenario.loads, is_spot, strict=True) if not spot], PurchaseOption.ON_DEMAND),
    ]
    parts: list[Part] = []
    for group, own in groups:
        if group:
            best = _cheapest_of_group(scenario, search, group, own)
            if best is None:
                return None
            parts += best
    return scenario.side(parts)


def _cheapest_of_group(
    scenario: Scenario, search: Search, runs: Sequence[RunningTasks], option: PurchaseOption
) -> list[Part] | None:
    kinds = [
        CapacityKind(launch_type=LaunchType.EC2, purchase_option=option, architecture=each)
        for each in Architecture
        if search.candidates.of(each).any()
    ]
    alone = [
        [
            part
            for kind in kinds
            if kind.architecture in run.service.architectures
            if (part := dedicated_part(search, run, kind, scenario.hours))
        ]
        for run in runs
    ]
    ways: list[list[Part]] = []
    if all(alone):
        ways.append([min(each, key=lambda part: cost_usd(search, [part], scenario.hours)) for each in alone])
    for kind in kinds if len(runs) > 1 else ():
        shared = _shared(scenario, search, runs, kind)
        if shared:
            ways.append(shared)
    return min(ways, key=lambda parts: cost_usd(search, parts, scenario.hours), default=None)


def _shared(scenario: Scenario, search: Search, runs: Sequence[RunningTasks], kind: CapacityKind) -> list[Part] | None:
    """One cluster of an architecture, and one of the other for what lacks it; for each kind of hosts that the tasks need."""
    (other_architecture,) = (each for each in Architecture if each is not kind.architecture)
    other = replace(kind, architecture=other_architecture)
    groups = []
    for host in sorted({run.service.host for run in runs}):
        alike = [run for run in runs if run.service.host == host]
        groups += [
            ([run for run in alike if kind.architecture in run.service.architectures], kind),
            ([run for run in alike if kind.architecture not in run.service.architectures], other),
        ]
    parts = []
    for group, one in groups:
        if group:
            part = shared_part(search, scenario.packed(group), one, scenario.hours, name="shared")
            if part is None:
                return None
            parts.append(part)
    return parts if any(group and one is kind for group, one in groups) else None


def _among(every: Candidates, chosen: BoolArray) -> Candidates:
    index = np.flatnonzero(chosen)
    return replace(
        every,
        types=tuple(every.types[i] for i in index),
        capacity={launch_type: capacity[index] for launch_type, capacity in every.capacity.items()},
        work_per_vcpu=every.work_per_vcpu[index],
        on_demand_usd=every.on_demand_usd[index],
        spot_pool_usd=every.spot_pool_usd[index],
        managed_fee_usd=every.managed_fee_usd[index],
        surplus_usd=every.surplus_usd[index],
    )


class Circumstances:
    """Makes scenarios of a workload's last four weeks from settings; searches of the same rates are made once."""

    def __init__(self, workload: Workload, catalog: PriceCatalog) -> None:
        self.whole = workload
        self.whole_axis = timeline(workload.start, workload.step_s, workload.n_steps)
        self.workload = workload.last_weeks(HORIZON_WEEKS)
        self.catalog = catalog
        self.axis = timeline(self.workload.start, workload.step_s, self.workload.n_steps)
        measured = np.asarray(self.workload.measured.all(axis=0))
        if not measured.any():
            raise InputError(
                "there is no moment in the last four weeks at which the load of every service is known",
                fix="Give loads of the same period.",
            )
        self.hours = self.axis.month_hours(np.repeat(measured, self.axis.steps_per_input_step))
        self.unrated: list[str] = []
        """Rates of commitments that were needed and are missing."""
        self._searches: dict[tuple[tuple[AxisName, AxisValue], ...], Search] = {}
        self._scenarios: dict[_Key, Scenario] = {}
        self._known_loads: dict[_Key, tuple[ServiceLoad, ...]] = {}
        self._all = search_for(self.workload, catalog).candidates

    @property
    def weeks(self) -> Weeks:
        """Whole weeks of the whole history in which the load of every service was measured."""
        measured = np.asarray(self.whole.measured.all(axis=0))
        return self.whole_axis.week_hours(np.repeat(measured, self.whole_axis.steps_per_input_step))

    def reserved_cpu(self, row: int) -> float:
        """CPU units that a service reserves on average, in its declared size."""
        run = self.base.loads[row].run
        return float((np.nan_to_num(run.tasks) * self.hours).sum() / self.hours.sum()) * run.size.cpu_units

    @property
    def base(self) -> Scenario:
        return self.scenario({})

    def scenario(self, settings: Settings) -> Scenario:
        """The workload under these settings; what they do not name is as today."""
        key = _key(settings, set(AxisName) - {AxisName.INSTANCE_TYPE})
        if key not in self._scenarios:
            self._scenarios[key] = Scenario(
                loads=self._loads(settings),
                search=self._search(settings),
                hours=self.hours,
                terms=str(settings.get(AxisName.COMMITMENT, NO_COMMITMENT)),
                unrated=self.unrated,
            )
        return self._scenarios[key]

    def scenario_of(self, services: Sequence[Service]) -> Scenario:
        """The workload with other settings of its services, in their order; all else is as today."""
        return replace(self.base, loads=self._loads_of(replace(self.workload, services=tuple(services))))

    def among(self, settings: Settings) -> BoolArray | None:
        """(types,): the candidate that an instance-type setting names; None where it names none."""
        name = settings.get(AxisName.INSTANCE_TYPE)
        return None if name is None else np.array([each.name == name for each in self._all.types], dtype=np.bool_)

    def now(self, name: AxisName) -> AxisValue | None:
        """Today's value on an axis; None where services differ, or the load does not tell."""
        if name is AxisName.LOAD_FACTOR:
            return 1.0
        if name is AxisName.SERVICES:
            return float(len(self.workload.services))
        if name is AxisName.HOURS_PER_DAY:
            return float(HOURS_PER_DAY)
        if name in (AxisName.FARGATE_PRICE, AxisName.EC2_PRICE, AxisName.SPOT_PRICE):
            return 0.0
        if name is AxisName.UTILIZATION:
            targets = {service.scaling.target_cpu_fraction for service in self.workload.services if has_target(service)}
            return targets.pop() if len(targets) == 1 else None
        if name is AxisName.SPOT_DISCOUNT:
            return self._spot_discount()
        return NO_COMMITMENT if name is AxisName.COMMITMENT else None

    def check(self, name: AxisName) -> None:
        """Whether an axis says anything about this workload.

        Raises
        ------
        InputError
            It does not.
        """
        services = self.workload.services
        if name is AxisName.UTILIZATION and not any(has_target(service) for service in services):
            raise InputError(
                "utilization cannot be swept: no count follows a target, but task counts as they ran, or step policies",
                fix="Give a load of CPU utilization or requests and no step_scaling, or sweep load_factor.",
            )
        if name in (AxisName.SPOT_DISCOUNT, AxisName.SPOT_PRICE) and not any(service.is_interruptible for service in services):
            raise InputError(
                f"{name} cannot be swept: no service may be interrupted, so none may run on Spot",
                fix="Write `interruptible: true` for a service that may, or sweep ec2_price.",
            )

    def _loads(self, settings: Settings) -> tuple[ServiceLoad, ...]:
        key = _key(settings, _OF_LOADS)
        if key not in self._known_loads:
            loads = self._loads_of(self._changed(settings))
            is_on = self._is_on(settings.get(AxisName.HOURS_PER_DAY))
            self._known_loads[key] = loads if is_on is None else tuple(load.while_on(is_on) for load in loads)
        return self._known_loads[key]

    def _loads_of(self, workload: Workload) -> tuple[ServiceLoad, ...]:
        return tuple(replace(load, hours=self.hours) for load in service_loads(workload, self.axis))

    def _changed(self, settings: Settings) -> Workload:
        """The workload with as many services, with the target and the load that the settings name."""
        own = self.workload.services
        n = int(settings.get(AxisName.SERVICES, len(own)))
        workload = self.workload.of_rows([at % len(own) for at in range(n)])
        target = settings.get(AxisName.UTILIZATION)
        services = []
        for service, name in zip(workload.services, _names([service.name for service in own], n), strict=True):
            named = replace(service, name=name)
            services.append(named if target is None else with_target(named, float(target)))
        return scaled_workload(replace(workload, services=tuple(services)), float(settings.get(AxisName.LOAD_FACTOR, 1.0)))

    def _search(self, settings: Settings) -> Search:
        prices = (AxisName.FARGATE_PRICE, AxisName.EC2_PRICE, AxisName.SPOT_DISCOUNT, AxisName.SPOT_PRICE)
        key = tuple((name, settings[name]) for name in prices if name in settings)
        terms = str(settings.get(AxisName.COMMITMENT, NO_COMMITMENT))
        if key and terms != NO_COMMITMENT:
            key = (*key, (AxisName.COMMITMENT, terms))
        if key not in self._searches:
            catalog, constraints, region = self.catalog, self.workload.constraints, self.workload.region
            types = self._all
            if key:
                catalog = self._with_prices(dict(key))
                types = candidates(catalog, region, constraints, types.daemons, types.services)
            self._searches[key] = Search(
                catalog=catalog, region=region, axis=self.axis, constraints=constraints, candidates=types
            )
        return self._searches[key]

    def _with_prices(self, settings: Settings) -> PriceCatalog:
        names = AxisName.FARGATE_PRICE, AxisName.EC2_PRICE, AxisName.SPOT_PRICE
        fargate, ec2, spot = (1 + float(settings.get(name, 0.0)) for name in names)
        discount = settings.get(AxisName.SPOT_DISCOUNT)
        meters = [hour_on(each, PurchaseOption.ON_DEMAND) for each in self._all.types]
        listed = dict(zip((m.id for m in meters), self.catalog.rates_usd(meters, self.workload.region).tolist(), strict=True))

        def usd(meter: str, now: float) -> float:
            if meter.startswith("fargate:"):
                return now * fargate
            if not is_instance_price(meter):
                return now
            if ":spot_pool:" not in meter:
                return now * ec2
            if discount is not None:
                on_demand: float = listed[meter.replace(":spot_pool:", ":on_demand:")]
                return on_demand * ec2 * (1 - float(discount))
            return now * ec2 * spot

        terms = settings.get(AxisName.COMMITMENT)
        return changed_catalog(
            self.catalog, self.workload.region, self._all.types, usd, terms=None if terms is None else str(terms)
        )

    def _is_on(self, hours_per_day: AxisValue | None) -> BoolArray | None:
        """(steps,): within the busiest hours of the day, one after the other."""
        if hours_per_day is None or hours_per_day == HOURS_PER_DAY:
            return None
        n = int(hours_per_day)
        of_input = self.axis.hour_of_week[:: self.axis.steps_per_input_step] % HOURS_PER_DAY
        with np.errstate(invalid="ignore", divide="ignore"):
            relative = np.nansum(self.workload.demand / np.nanmean(self.workload.demand, axis=1, keepdims=True), axis=0)
        busy = np.bincount(of_input, weights=np.nan_to_num(relative), minlength=HOURS_PER_DAY)
        window = [sum(busy[(first + at) % HOURS_PER_DAY] for at in range(n)) for first in range(HOURS_PER_DAY)]
        first = int(np.argmax(np.round(window, 9)))
        return np.repeat((of_input - first) % HOURS_PER_DAY < n, self.axis.steps_per_input_step)

    def _spot_discount(self) -> float | None:
        """Of the pool that is cheapest today."""
        side = ec2_side(self.base, PurchaseOption.SPOT)
        if side is None:
            return None
        every = self._all
        names = {
            n
            for part in side.parts
            if part.provider.purchase_option is PurchaseOption.SPOT
            for n in part.provider.instance_types
        }
        at = [i for i, each in enumerate(every.types) if each.name in names]
        return float(round(1 - (every.spot_pool_usd[at] / every.on_demand_usd[at]).mean(), 4)) if at else None


def has_target(service: Service) -> bool:
    """Whether the number of tasks follows a CPU target."""
    return service.load_form is not LoadForm.TASKS and service.scaling.has_target


def with_target(service: Service, target: float) -> Service:
    """What one task serves goes with the target."""
    if not has_target(service):
        return service
    per_task = service.requests_per_task
    scaled = None if per_task is None else per_task * target / service.scaling.target_cpu_fraction
    return replace(service, scaling=replace(service.scaling, target_cpu_fraction=target), requests_per_task=scaled)


def _key(settings: Settings, names: Collection[AxisName]) -> _Key:
    return tuple(sorted((str(name), value) for name, value in settings.items() if name in names))


def scaled_workload(workload: Workload, factor: float) -> Workload:
    """Every load times a factor, also those that are stated."""
    return workload if factor == 1.0 else workload.times(np.full(len(workload.services), factor))


def _names(own: Sequence[str], n: int) -> list[str]:
    """The first ``n`` services and then copies, each with a name of its own."""
    names = list(own[:n])
    used = set(own)
    while len(names) < n:
        number, row = divmod(len(names), len(own))
        name = f"{own[row]}-{number + 1}"
        while name in used:
            name += "-copy"
        used.add(name)
        names.append(name)
    return names
