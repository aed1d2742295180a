"""Both sides of a change, billed on one load and held against each other."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

from advisor.ecs import PACKED_PLACEMENTS, InstanceType, LaunchType, PlacementStrategy, fargate_grid
from advisor.errors import InputError
from advisor.gating.history import Witness
from advisor.gating.result import NO_LIMITS, Gate, InstancesSide, Limits, Safety, ServiceChange, Setup, Side
from advisor.gating.running import Running, running_sides
from advisor.gating.sides import ON_INSTANCES, check_same_services, launch_type_of, named
from advisor.optimize.candidates import instance_capacity
from advisor.optimize.held import left_aside
from advisor.optimize.packed import packed_load, shared_instances
from advisor.optimize.parts import PACKING_RANGE, Part, fargate_part, instances_part
from advisor.optimize.pricing import PricedParts, instance_facts, price_parts
from advisor.optimize.providers import instance_provider
from advisor.pricing import PriceCatalog
from advisor.simulate.instances import reservation, root_volume_gib
from advisor.simulate.packing import tasks_per_instance
from advisor.simulate.scaling import RunningTasks
from advisor.simulate.timeline import timeline
from advisor.units import BoolArray
from advisor.workload import Workload

MORE: Final = f"{PACKING_RANGE:.0%}".replace("%", " %")
_INSTANCES_NOTE: Final = "Container instances:"


def gate(
    before: Workload,
    after: Workload,
    catalog: PriceCatalog,
    *,
    services: Collection[str] | None = None,
    limits: Limits = NO_LIMITS,
    placement: PlacementStrategy | None = None,
    missing: Sequence[str] = (),
) -> Gate:
    """Bill what runs before and after a change on the same measured load, and hold the difference against limits.

    Parameters
    ----------
    before : Workload
        Its load is the one that both sides are billed on: a CPU percent refers to the tasks that ran.
    after : Workload
        The same services with other task sizes, counts, scaling, launch types or architectures. Of its load only a stated
        constant number of tasks and batch runs are taken: they are settings, not measurements.
    services : names, optional
        What the change is about; all services by default. What shares instances with them is in the bill too.
    placement : PlacementStrategy, optional
        How ECS places tasks on container instances, on both sides. Where it is not given and decides the figures, there is no
        total: the two strategies can differ in the sign of a change.
    missing : sentences, optional
        What the caller already knows to be without a price, such as a service without a load: no total then.

    Returns
    -------
    Gate
        With no change the difference is exactly 0.

    Raises
    ------
    InputError
        The services of the two workloads differ, a service that is to be priced does not state its launch type, or the
        placement is one that the packing model does not follow.

    Notes
    -----
    Launch type and purchase option are those of each side's ``present``. On instances the whole cluster is billed before and
    after: the number of instances follows the tasks, on the one instance type stated.

    Examples
    --------
    >>> import advisor
    >>> workload = advisor.read_workload("examples/cloudwatch/workload.yaml")
    >>> found = advisor.gate(workload, workload, advisor.read_catalog(workload.region))
    >>> found.change_usd, found.passed
    (0.0, True)
    """
    check_same_services(before, after)
    names = [s.name for s in before.services if services is None or s.name in services]
    if placement is not None and placement not in PACKED_PLACEMENTS:
        raise InputError(
            f"under the placement {placement} costs come from a replay alone, and a gate has none",
            fix=f"Compare under one of {', '.join(PACKED_PLACEMENTS)}; `advisor instances` replays the others.",
        )
    given = list(PACKED_PLACEMENTS) if placement is None else [placement]
    found = []
    for strategy in given:
        comparison = _Comparison(before, after, catalog, names, strategy)
        found.append(comparison.gate(limits, tuple(missing)))
        if not comparison.is_with_instances:
            break
    return found[0] if len(found) == 1 else _whatever_the_placement(dict(zip(given, found, strict=True)))


def _whatever_the_placement(found: Mapping[PlacementStrategy, Gate]) -> Gate:
    """What holds under every placement; without a total where that decides it."""
    first, *others = found.values()
    if all((other.before_usd, other.after_usd) == (first.before_usd, first.after_usd) for other in others):
        return first
    if first.change_usd == 0 and all(other.change_usd == 0 for other in others):
        strategy = next(iter(found))
        return replace(first, notes=(*first.notes, f"The costs are those under {strategy}; the change is nothing under any."))
    texts = [f"{_change_text(gate.change_usd)} under {strategy}" for strategy, gate in found.items()]
    missing = (*first.missing, f"the placement strategy on the instances (--placement): {', '.join(texts)}")
    sides = [
        None if side is None else replace(side, monthly_usd=side.monthly_usd if not side.services else None)
        for side in (first.instances_before, first.instances_after)
    ]
    return replace(
        first,
        instances_before=sides[0],
        instances_after=sides[1],
        before_usd=None,
        after_usd=None,
        change_usd=None,
        before_bill=None,
        after_bill=None,
        missing=missing,
        failures=tuple(_failures(first.limits, None, None, missing, first.services)),
        notes=tuple(note for note in first.notes if not note.startswith(_INSTANCES_NOTE)),
    )


def _change_text(usd: float | None) -> str:
    return "no price" if usd is None else f"{'-' if usd < 0 else '+'}${abs(usd):,.2f} a month"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _BilledSide:
    by_service: Mapping[str, PricedParts]
    """Of the services of the change on Fargate."""
    whole: PricedParts
    instances: InstancesSide | None
    missing: tuple[str, ...]


class _Comparison:
    """Both sides of a change on one time axis."""

    def __init__(
        self,
        before: Workload,
        after: Workload,
        catalog: PriceCatalog,
        names: Sequence[str],
        placement: PlacementStrategy,
    ) -> None:
        self.before, self.after, self.catalog, self.names, self.placement = before, after, catalog, names, placement
        self.axis = timeline(before.start, before.step_s, before.n_steps)
        self.notes: list[str] = [*left_aside(before)]
        self.is_with_instances = any(
            launch_type_of(named(workload, name), workload) in ON_INSTANCES for workload in (before, after) for name in names
        )
        self.priced_names = [s.name for s in before.services if s.name in names or self._shares_instances(s.name)]
        self.sides = running_sides(before, after, self.priced_names, self.axis, self.notes)
        self.measured = self._measured()
        self.hours = self.axis.month_hours(self.measured)
        self.witness = Witness(load=before, axis=self.axis, measured=self.measured, hours=self.hours, notes=self.notes)

    def gate(self, limits: Limits, missing: tuple[str, ...]) -> Gate:
        before, after = (self._billed(side, w) for side, w in zip(self.sides, (self.before, self.after), strict=True))
        changes = tuple(self._change(name, before, after) for name in self.names)
        every = tuple(dict.fromkeys((*missing, *before.missing, *after.missing)))
        before_usd, after_usd = (None if every else side.whole.priced_usd for side in (before, after))
        change_usd = None if before_usd is None or after_usd is None else after_usd - before_usd
        self._note_derived_rates(before.whole, after.whole)
        dates = self.catalog.dates(self.before.region)
        return Gate(
            cluster=self.before.cluster,
            region=self.before.region,
            services=changes,
            instances_before=before.instances,
            instances_after=after.instances,
            before_usd=before_usd,
            after_usd=after_usd,
            change_usd=change_usd,
            missing=every,
            limits=limits,
            failures=tuple(_failures(limits, before_usd, after_usd, every, changes)),
            notes=tuple(dict.fromkeys(self.notes)),
            before_bill=None if every else before.whole.bill,
            after_bill=None if every else after.whole.bill,
            catalog={"region": self.before.region, "oldest": dates.oldest, "newest": dates.newest},
            step_s=self.before.step_s,
            history_hours=float(self.measured.sum()) * self.axis.step_hours,
        )

    def _note_derived_rates(self, *priced: PricedParts) -> None:
        items = [item for side in priced if side.bill is not None for item in side.bill.line_items if item.is_derived]
        for meter, note in dict.fromkeys((item.meter, item.note) for item in items):
            self.notes.append(f"The rate of {meter} is derived, not published{f': {note}' if note else ''}.")

    def _shares_instances(self, name: str) -> bool:
        """Whether a service that is not in the change is on the instances that the change is billed with."""
        return self.is_with_instances and any(
            launch_type_of(named(workload, name), workload) in ON_INSTANCES for workload in (self.before, self.after)
        )

    def _measured(self) -> BoolArray:
        """(steps,): the load of every service that is priced is known."""
        runs = [running.run for side in self.sides for running in side.values() if running.run is not None]
        known = np.ones(self.axis.n_steps, dtype=np.bool_)
        for run in runs:
            known &= ~np.isnan(run.tasks)
        if not known.any():
            raise InputError(
                "there is no moment at which the load of every service that the change touches is known",
                fix="Give loads of the same period.",
            )
        return known

    def _billed(self, side: Mapping[str, Running], workload: Workload) -> _BilledSide:
        parts: list[Part] = []
        missing = [running.missing for running in side.values() if running.missing]
        by_service: dict[str, PricedParts] = {}
        for name in self.names:
            running = side[name]
            if running.setup.launch_type is LaunchType.FARGATE and running.run is not None:
                part = self._on_fargate(running, workload)
                parts.append(part)
                by_service[name] = price_parts([part], self.hours, self.catalog, workload.region)
        instances, unknown = self._on_instances(side, workload)
        parts += instances
        whole = price_parts(parts, self.hours, self.catalog, workload.region)
        seen = self._instances_side(instances, side, workload) if self.is_with_instances else None
        return _BilledSide(by_service=by_service, whole=whole, instances=seen, missing=(*missing, *unknown, *whole.missing))

    def _on_fargate(self, running: Running, workload: Workload) -> Part:
        size, name = running.service.task, running.service.name
        grid = fargate_grid(running.service.operating_system)
        if size not in grid:
            larger = next((s for s in grid if size.fits_in(s)), None)
            raise InputError(
                f"{name}: Fargate has no task size {size}",
                fix=f"The next one that holds it is {larger}." if larger else "No size of Fargate holds it.",
            )
        assert running.run is not None  # noqa: S101 (the caller has looked)
        setup = running.setup
        return fargate_part(running.run, setup.architecture, setup.purchase_option, self.axis, zones=workload.constraints.zones)

    def _on_instances(self, side: Mapping[str, Running], workload: Workload) -> tuple[list[Part], list[str]]:
        """The whole cluster's instances, each launch type by itself; what is missing to price them."""
        parts: list[Part] = []
        missing: list[str] = []
        groups = {kind: [r for r in side.values() if r.setup.launch_type is kind] for kind in ON_INSTANCES}
        used = {kind: group for kind, group in groups.items() if group}
        if len(used) > 1:
            return [], ["present.instances of EC2 and of Managed Instances apart: the cluster has services on both"]
        for kind, group in used.items():
            runs = [running.run for running in group if running.run is not None]
            found = self._instance_type(workload, group, kind)
            if isinstance(found, str):
                missing.append(found)
            elif len(runs) == len(group):
                parts.append(self._packed_part(runs, found, kind, workload))
        return parts, missing

    def _instance_type(self, workload: Workload, group: Sequence[Running], kind: LaunchType) -> InstanceType | str:
        """The one type that is stated and holds every task, or what is missing."""
        systems = {running.service.operating_system for running in group}
        if len(systems) > 1:
            return f"the instances of each operating system apart: the cluster has services on {', '.join(sorted(systems))}"
        if len({running.service.host for running in group}) > 1:
            return "the instances of the services that ask for GPUs apart: the cluster has others beside them"
        is_windows = group[0].service.is_windows
        today = workload.present
        stated = [] if today is None else list(today.windows_instances if is_windows else today.instances)
        if len(stated) != 1:
            what = f"has {', '.join(stated)}" if stated else "not given"
            where = f"present.{'windows_' if is_windows else ''}instances"
            return f"one instance type in {where} ({what}), or --instance-type: the cluster is packed on one type"
        known = {t.name: t for t in self.catalog.instance_types(workload.region)}
        if stated[0] not in known:
            return f"the size of {stated[0]}: not in the catalog of {workload.region}"
        found = known[stated[0]].on_windows() if is_windows else known[stated[0]]
        if found.is_windows and found.baseline_fraction is not None:
            return f"a rate of surplus credits on Windows: {found.name} charges for CPU above its baseline"
        services = [running.service for running in group]
        offered = instance_capacity(found, kind, workload.constraints, workload.daemons, services)
        for running in group:
            name, size = running.service.name, running.service.task
            if running.setup.architecture not in found.architectures:
                return f"an instance type of {running.setup.architecture} for {name}: {found.name} is not"
            if size.gpus and found.gpus is None:
                return f"an instance type with GPUs for {name}: {found.name} has none"
            if int(tasks_per_instance(reservation(running.service, size, kind), offered)) < 1:
                return f"an instance type that holds a task of {name} ({size}): {found.name} does not"
            if found.baseline_fraction is not None and workload.daemons:
                return f"CPU in use of the daemons: {found.name} charges for CPU above its baseline"
            if found.baseline_fraction is not None and running.run is not None and running.run.cpu_units is None:
                return f"CPU in use of {name}: {found.name} charges for CPU above its baseline"
        return found

    def _packed_part(
        self, runs: Sequence[RunningTasks], instance_type: InstanceType, kind: LaunchType, workload: Workload
    ) -> Part:
        """The services on one instance type, as many as the tasks keep under ECS's default placement."""
        assert workload.present is not None  # noqa: S101 (the type came from there)
        zones = workload.constraints.zones
        services = [run.service for run in runs]
        offered = instance_capacity(instance_type, kind, workload.constraints, workload.daemons, services)
        if workload.constraints.work_per_vcpu is not None:
            self.notes.append(
                f"{_INSTANCES_NOTE} task definitions count as they are written; constraints.work_per_vcpu changes nothing here."
            )
        is_spread = self.placement is PlacementStrategy.DEFAULT_SPREAD
        packed, running = shared_instances(
            packed_load(runs).on(kind), offered, zones, self.axis.delay_steps, is_default=is_spread
        )
        provider = instance_provider(
            f"{workload.cluster}-{instance_type.name}",
            kind,
            workload.present.purchase_option,
            [instance_type],
            instance_type.architectures[0],
            float(np.nanmax(running, initial=0.0)),
            constraints=workload.constraints,
            placement=self.placement,
            root_volume_gib=int(root_volume_gib([(run.service, run.size) for run in runs], kind, offered)),
        )
        how = "ECS's default placement (an upper figure)" if is_spread else f"AZ spread, then binpack (up to {MORE} more)"
        self.notes.append(
            f"{_INSTANCES_NOTE} the whole cluster is billed before and after, on {instance_type.name}, as many as its tasks "
            f"keep under {how}, in their network modes. A group of fixed size costs the same until it is resized."
        )
        return instances_part(
            runs,
            [instance_type],
            running[np.newaxis],
            packed[np.newaxis],
            offered[np.newaxis].astype(float),
            provider=provider,
            step_hours=self.axis.step_hours,
        )

    def _instances_side(self, parts: Sequence[Part], side: Mapping[str, Running], workload: Workload) -> InstancesSide:
        names = tuple(name for name, running in side.items() if running.setup.launch_type in ON_INSTANCES)
        today = workload.present
        types = () if today is None else tuple(dict.fromkeys((*today.instances, *today.windows_instances)))
        facts = instance_facts(parts, self.hours)
        if facts is None:
            usd = 0.0 if not names else None
            return InstancesSide(
                instance_types=types if names else (), services=names, monthly_usd=usd, instances_p50=0.0, instances_max=0.0
            )
        monthly = price_parts(parts, self.hours, self.catalog, workload.region).monthly_usd
        return InstancesSide(
            instance_types=types,
            services=names,
            monthly_usd=None if monthly is None else monthly.mean,
            instances_p50=facts.p50,
            instances_max=facts.max,
        )

    def _change(self, name: str, before: _BilledSide, after: _BilledSide) -> ServiceChange:
        sides = [
            Side(setup=side[name].setup, history=self.witness.history(side[name]), monthly_usd=_monthly(billed, name))
            for side, billed in zip(self.sides, (before, after), strict=True)
        ]
        old, new = sides
        changed = tuple(f.name for f in fields(Setup) if getattr(old.setup, f.name) != getattr(new.setup, f.name))
        is_moved = bool(changed) or old.history != new.history
        before_run, after_run = (side[name] for side in self.sides)
        unchanged: tuple[Safety, tuple[str, ...]] = (Safety.UNCHANGED, ())
        safety, reasons = self.witness.safety(old, new, before_run, after_run) if is_moved else unchanged
        usd = None if old.monthly_usd is None or new.monthly_usd is None else new.monthly_usd - old.monthly_usd
        return ServiceChange(
            service=name,
            changed=changed,
            before=old,
            after=new,
            change_usd=usd,
            hours_above_target_as_ran=self.witness.hours_as_ran(before_run),
            safety=safety,
            reasons=reasons,
        )


def _monthly(billed: _BilledSide, name: str) -> float | None:
    priced = billed.by_service.get(name)
    return None if priced is None or priced.monthly_usd is None else priced.monthly_usd.mean


def _failures(
    limits: Limits,
    before_usd: float | None,
    after_usd: float | None,
    missing: Sequence[str],
    changes: Sequence[ServiceChange],
) -> Iterator[str]:
    if before_usd is None or after_usd is None:
        if limits.needs_money:
            yield f"the change cannot be priced: {'; '.join(missing)}"
    else:
        change = after_usd - before_usd
        if limits.max_increase_usd is not None and change > limits.max_increase_usd:
            yield f"adds ${change:,.2f} a month, more than the ${limits.max_increase_usd:,.2f} allowed"
        percent = math.inf if change > 0 and not before_usd else 100 * change / before_usd if before_usd else 0.0
        if limits.max_increase_percent is not None and percent > limits.max_increase_percent:
            yield f"adds {percent:.1f} % a month, more than the {limits.max_increase_percent:g} % allowed"
        if limits.max_monthly_usd is not None and after_usd > limits.max_monthly_usd:
            yield f"costs ${after_usd:,.2f} a month, more than the ${limits.max_monthly_usd:,.2f} allowed"
    if limits.is_safety_required:
        for change_of in changes:
            if change_of.safety in (Safety.UNSAFE, Safety.UNKNOWN):
                yield f"{change_of.service} is {change_of.safety} on the history: {'; '.join(change_of.reasons)}"
