"""What each change of a plan costs, on a load: the money of a difference."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from advisor.bounds import actions_of
from advisor.ecs import DEFAULT_COOLDOWN_S, Architecture, LaunchType, NetworkMode, PlacementStrategy, PurchaseOption, TaskSize
from advisor.emit.diff import (
    CLUSTER,
    CPU_METRIC,
    INSTANCE_TYPE,
    NEW_SERVICE,
    PLACEMENT,
    REQUESTS_METRIC,
    WITH_NEXT,
    Diff,
    FieldDiff,
    steps_said,
)
from advisor.errors import InputError, PlanError
from advisor.gating import gate
from advisor.plan import Plan, PortMapping
from advisor.plan.placement import DISTINCT_INSTANCE
from advisor.pricing import PriceCatalog
from advisor.workload import PresentCluster, PresentService, Service, Workload

_FURTHER: Final = "a further schedule of a batch: the workload prices all its schedules together"


def priced_diff(diff: Diff, plan: Plan, workload: Workload, catalog: PriceCatalog) -> Diff:
    """The diff with the money of each row, on the load of ``workload``.

    Rows are priced one after the other in :data:`MONEY_ORDER`, service by service, each on top of those before: their sum is
    the change of the whole. A row that has no price by itself, such as a launch type that its old task size does not fit, is
    priced together with the next one that has.

    Raises
    ------
    InputError
        The workload lacks a service that changes.

    Examples
    --------
    >>> import advisor, json
    >>> workload = advisor.read_workload("examples/shop/workload.yaml")
    >>> plan = advisor.read_recommendation("reports/shop").recommended.plan
    >>> with open("examples/gate/orders-today.json") as file:
    ...     difference = advisor.diff_plan(plan, [json.load(file)])
    >>> catalog = advisor.read_catalog(plan.region)
    >>> [row.field for row in advisor.priced_diff(difference, plan, workload, catalog).rows]
    ['architecture']
    """
    rows = [*_instance_rows(plan, workload), *diff.rows]
    names = [name for name in plan.services if any(row.service == name and row.has_money for row in rows)]
    known = {service.name for service in workload.services}
    further = {name for name in names if name not in known and plan.services[name].schedule is not None}
    if further:
        mine = replace(diff, rows=tuple(row for row in diff.rows if row.service not in further))
        others = tuple(replace(r, why_not=_FURTHER if r.has_money else r.why_not) for r in diff.rows if r.service in further)
        priced = priced_diff(mine, plan, workload, catalog)
        return replace(priced, rows=(*priced.rows, *others), before_usd=None, after_usd=None, total_usd=None)
    for name in names:
        if name not in known:
            raise InputError(f"the workload has no service {name!r}", fix="Give the workload that the result was made from.")
    noted = replace(diff, rows=tuple(rows), notes=_placement_notes(rows, plan))
    if not any(row.has_money for row in rows):
        return replace(noted, total_usd=0.0)
    pricer = _Pricer(plan, workload, catalog, tuple(plan.services))
    return pricer.priced(noted, rows)


def _placement_notes(rows: Sequence[FieldDiff], plan: Plan) -> tuple[str, ...]:
    """That services which stay on EC2 keep another number of instances under another strategy."""
    moved = {row.service for row in rows if row.field == "runs on" and str(row.before).startswith("FARGATE")}
    changed = (row.service for row in rows if row.field == PLACEMENT and row.service not in moved)
    names = [name for name in changed if plan.services[name].launch_type is LaunchType.EC2]
    if not names:
        return ()
    return (
        f"{', '.join(names)}: another placement strategy keeps another number of instances, which no figure here holds: both "
        "sides are under that of the plan. `advisor instances --levers` prices the strategies on the type of today.",
    )


class _Pricer:
    """Prices rows one on top of the other."""

    def __init__(self, plan: Plan, workload: Workload, catalog: PriceCatalog, names: Sequence[str]) -> None:
        self.plan, self.workload, self.catalog = plan, workload, catalog
        known = {service.name for service in workload.services}
        self.names = [name for name in names if name in known]
        placements = {p.placement for p in plan.capacity_providers.values() if p.placement is not None}
        self.placement: PlacementStrategy | None = placements.pop() if len(placements) == 1 else None

    def priced(self, diff: Diff, rows: list[FieldDiff]) -> Diff:
        start = state = reached = self._before(rows)
        pending: list[int] = []
        why = ""
        for at, row in enumerate(rows):
            if not row.has_money:
                continue
            if pending and rows[pending[-1]].service not in (CLUSTER, row.service):
                # What one service lacks is no reason to leave out the others.
                _leave_out(rows, pending, why)
                state, pending = reached, []
            changed = self._after(state, row)
            if changed is None:
                rows[at] = replace(row, why_not=_unpriced(row))
                continue
            state = changed
            pending.append(at)
            usd, why = self._change_usd(reached, state)
            if usd is not None:
                for earlier in pending[:-1]:
                    rows[earlier] = replace(rows[earlier], why_not=WITH_NEXT)
                rows[at] = replace(row, change_usd=usd)
                reached, pending = state, []
        _leave_out(rows, pending, why)
        is_whole = all(row.change_usd is not None or row.why_not == WITH_NEXT for row in rows if row.has_money)
        if not is_whole:
            return replace(diff, rows=tuple(rows))
        found = gate(start, state, self.catalog, services=self.names, placement=self.placement)
        total = sum(row.change_usd or 0.0 for row in rows)
        return replace(
            diff,
            rows=tuple(rows),
            before_usd=found.before_usd,
            after_usd=found.after_usd,
            total_usd=total,
            notes=(*found.notes, *diff.notes),
        )

    def _before(self, rows: Sequence[FieldDiff]) -> Workload:
        """What is live: where no row says otherwise, it is as planned."""
        state = _as_planned(self.workload, self.plan)
        for row in rows:
            if row.field == INSTANCE_TYPE:
                state = replace(state, present=self.workload.present)
            elif row.has_money and row.before is not None and _is_one_metric(row):
                state = _with_value(state, row.service, row.field, row.before, self.workload, self.plan) or state
        return state

    def _after(self, state: Workload, row: FieldDiff) -> Workload | None:
        """The state with a row's change; None where the change has no price of its own."""
        if row.field == INSTANCE_TYPE:
            return replace(state, present=_as_planned(self.workload, self.plan).present)
        if row.before is None or row.after is None or not _is_one_metric(row):
            return None
        is_known = _with_value(state, row.service, row.field, row.before, self.workload, self.plan) is not None
        return _with_value(state, row.service, row.field, row.after, self.workload, self.plan) if is_known else None

    def _change_usd(self, before: Workload, after: Workload) -> tuple[float | None, str]:
        try:
            found = gate(before, after, self.catalog, services=self.names, placement=self.placement)
        except InputError as error:  # a size in between that Fargate lacks
            return None, str(error)
        return found.change_usd, "; ".join(found.missing)


def _leave_out(rows: list[FieldDiff], pending: Sequence[int], why: str) -> None:
    for at in pending:
        rows[at] = replace(rows[at], why_not=why)


def _instance_rows(plan: Plan, workload: Workload) -> list[FieldDiff]:
    """Another type of container instances is a change of the cluster, not of a service."""
    planned, live = _planned_type(plan), workload.present
    if planned is None or live is None or list(live.instances) == [planned]:
        return []
    return [FieldDiff(service=CLUSTER, field=INSTANCE_TYPE, before=", ".join(live.instances), after=planned, has_money=True)]


def _planned_type(plan: Plan) -> str | None:
    types = {name for provider in plan.capacity_providers.values() for name in provider.instance_types}
    return types.pop() if len(types) == 1 else None


def _as_planned(workload: Workload, plan: Plan) -> Workload:
    """The workload's services as the plan runs them."""
    services = []
    for service in workload.services:
        planned = plan.services.get(service.name)
        if planned is None:
            services.append(service)
            continue
        scaling = service.scaling
        if planned.scaling_target is not None or planned.step_policies:
            scaling = replace(scaling, min_tasks=planned.min_tasks, max_tasks=planned.max_tasks, is_min_stated=True)
            scaling = replace(
                scaling,
                scheduled_actions=planned.scheduled_actions,
                out_cooldown_s=planned.scale_out_cooldown_s,
                in_cooldown_s=planned.scale_in_cooldown_s,
            )
            target = None if planned.scaling_target is None else scaling.target_cpu_fraction
            scaling = scaling.with_policies(planned.step_policies, target)
        where = PresentService(
            launch_type=planned.launch_type, purchase_option=planned.purchase_option, architecture=planned.architecture
        )
        services.append(
            replace(
                service,
                task=planned.task,
                scaling=scaling,
                ephemeral_storage_gib=planned.ephemeral_storage_gib,
                has_public_ip=planned.has_public_ip,
                has_distinct_instances=planned.has_distinct_instances,
                network_mode=NetworkMode(planned.network_mode),
                port_mappings=tuple(port for each in planned.containers for port in each.ports),
                present=where,
            )
        )
    instance_type, present = _planned_type(plan), workload.present
    if instance_type is not None:
        option = next(p.purchase_option for p in plan.capacity_providers.values() if p.instance_types)
        named = {instance_type: 0}
        present = PresentCluster(instances=named, windows_instances=named, purchase_option=option)
    return replace(workload, services=tuple(services), present=present)


def _with_value(state: Workload, name: str, field: str, text: str, workload: Workload, plan: Plan) -> Workload | None:
    """The state with one field of a service as the text says; None where the text cannot be priced."""
    service = next(each for each in state.services if each.name == name)
    found = _FIELDS[field](service, text, _original(workload, name), plan)
    if found is None:
        return None
    return replace(state, services=tuple(found if each.name == name else each for each in state.services))


def _original(workload: Workload, name: str) -> Service:
    return next(service for service in workload.services if service.name == name)


def _sized(service: Service, text: str, original: Service, plan: Plan) -> Service | None:
    cpu, _, memory = text.partition("/")
    if not (cpu.isdigit() and memory.isdigit() and int(cpu) and int(memory)):
        return None
    return replace(service, task=TaskSize(cpu_units=int(cpu), memory_mib=int(memory)))


def _stored(service: Service, text: str, original: Service, plan: Plan) -> Service | None:
    return replace(service, ephemeral_storage_gib=int(text))


def _built(service: Service, text: str, original: Service, plan: Plan) -> Service | None:
    assert service.present is not None  # noqa: S101 (set by _as_planned)
    return replace(service, present=replace(service.present, architecture=Architecture(text)))


def _run_on(service: Service, text: str, original: Service, plan: Plan) -> Service | None:
    """A launch type or a capacity provider: one of Fargate's, of the plan's, or of the cluster as the workload has it."""
    assert service.present is not None  # noqa: S101 (set by _as_planned)
    known = {
        "FARGATE": (LaunchType.FARGATE, PurchaseOption.ON_DEMAND),
        "FARGATE_SPOT": (LaunchType.FARGATE, PurchaseOption.SPOT),
        "EC2": (LaunchType.EC2, PurchaseOption.ON_DEMAND),
        "MANAGED_INSTANCES": (LaunchType.MANAGED_INSTANCES, PurchaseOption.ON_DEMAND),
    } | {provider.name: (provider.launch_type, provider.purchase_option) for provider in plan.capacity_providers.values()}
    found = known.get(text)
    if found is None and original.present is not None and original.present.launch_type is not LaunchType.FARGATE:
        found = original.present.launch_type, original.present.purchase_option
    if found is None:
        return None
    return replace(service, present=replace(service.present, launch_type=found[0], purchase_option=found[1]))


def _addressed(service: Service, text: str, original: Service, plan: Plan) -> Service | None:
    return replace(service, has_public_ip=text == "yes")


def _at_least(service: Service, text: str, original: Service, plan: Plan) -> Service | None:
    return replace(service, scaling=replace(service.scaling, min_tasks=int(text), is_min_stated=True))


def _at_most(service: Service, text: str, original: Service, plan: Plan) -> Service | None:
    return replace(service, scaling=replace(service.scaling, max_tasks=int(text)))


_TARGET: Final = re.compile(
    r"(?P<metric>\w+) (?P<value>[\d.e+-]+)(?: cooldowns (?P<out>\d+) s out and (?P<in>\d+) s in)?", re.ASCII
)
"""One target as :class:`~advisor.emit.diff.FieldDiff` has it; one that removes no tasks is none that is replayed."""


def _targeted(service: Service, text: str, original: Service, plan: Plan) -> Service | None:
    found = _TARGET.fullmatch(text)
    if found is None:
        return None
    metric, value = found["metric"], found["value"]
    out_s, in_s = (DEFAULT_COOLDOWN_S if found[name] is None else int(found[name]) for name in ("out", "in"))
    service = replace(service, scaling=replace(service.scaling, out_cooldown_s=out_s, in_cooldown_s=in_s))
    if metric == CPU_METRIC:
        fraction, served = float(value) / 100, original.requests_per_task
        if served is not None:  # what a task serves at its target grows with the target
            served *= fraction / original.scaling.target_cpu_fraction
        return replace(service, scaling=replace(service.scaling, target_cpu_fraction=fraction), requests_per_task=served)
    if metric == REQUESTS_METRIC and original.requests_per_task is not None:
        return replace(service, requests_per_task=float(value) / 60)
    return None


def _kept_apart(service: Service, text: str, _original: Service, _plan: Plan) -> Service | None:
    return replace(service, has_distinct_instances=text != "none") if text in ("none", DISTINCT_INSTANCE) else None


def _networked(service: Service, text: str, _original: Service, _plan: Plan) -> Service | None:
    return replace(service, network_mode=NetworkMode(text)) if text in list(NetworkMode) else None


def _mapped(service: Service, text: str, _original: Service, _plan: Plan) -> Service | None:
    """Fixed ports as ``container:host``, of udp with ``/udp``; other mappings have any port that is free."""
    try:
        stated = [_fixed(each) for each in text.split(", ") if text != "none"]
    except PlanError:  # a port that instances keep for themselves, or hand out
        return None
    fixed = {(each.container_port, each.protocol) for each in stated}
    free = (replace(each, host_port=0) for each in service.port_mappings if (each.container_port, each.protocol) not in fixed)
    return replace(service, port_mappings=(*free, *stated))


def _fixed(text: str) -> PortMapping:
    container, _, host = text.partition(":")
    number, _, protocol = host.partition("/")
    return PortMapping(container_port=int(container), host_port=int(number), protocol=protocol or "tcp")


def _scheduled(service: Service, text: str, _original: Service, _plan: Plan) -> Service | None:
    actions = () if text == "none" else actions_of(text)
    return None if actions is None else replace(service, scaling=replace(service.scaling, scheduled_actions=actions))


def _stepped(service: Service, text: str, original: Service, plan: Plan) -> Service | None:
    """Step policies of the plan or of the workload, or none beside a target."""
    target = service.scaling.target_cpu_fraction if service.scaling.has_target else None
    for policies in (plan.services[service.name].step_policies, original.scaling.step_policies, ()):
        if text == steps_said(policies) and (policies or target is not None):
            return replace(service, scaling=service.scaling.with_policies(policies, target))
    return None


_FIELDS: Final[Mapping[str, Callable[[Service, str, Service, Plan], Service | None]]] = {
    "task size": _sized,
    "ephemeral storage GiB": _stored,
    "architecture": _built,
    "runs on": _run_on,
    "placement constraints": _kept_apart,
    "network mode": _networked,
    "host ports": _mapped,
    "public IP": _addressed,
    "min tasks": _at_least,
    "max tasks": _at_most,
    "scheduled actions": _scheduled,
    "step scaling": _stepped,
    "scaling target": _targeted,
}


def _is_one_metric(row: FieldDiff) -> bool:
    """A change from one metric to another moves counts in a way that one load does not tell."""
    if row.field != "scaling target" or row.before is None or row.after is None:
        return True
    return row.before.partition(" ")[0] == row.after.partition(" ")[0] and "," not in row.before


def _unpriced(row: FieldDiff) -> str:
    if row.field == NEW_SERVICE:
        return "the service is new: all that it costs is in the plan's bill"
    if row.before is None or row.after is None:
        return "with or without scaling: the count is not comparable on one load"
    if row.field == "step scaling":
        return "only step policies that the workload file states, and the plan's, are replayed on its load"
    return f"the load does not tell what {row.before} makes of it"
