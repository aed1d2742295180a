"""What a plan would change in what is live: field by field, and the money of each change."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from advisor.ecs import FARGATE_INCLUDED_STORAGE_GIB, Architecture, LaunchType, PlacementStrategy, PurchaseOption, TaskSize
from advisor.emit.ecs import parse_calls, render_ecs
from advisor.emit.ecs.names import family as family_of
from advisor.emit.ecs.names import schedule_name
from advisor.emit.merge import whole
from advisor.errors import InputError
from advisor.gating import gate
from advisor.plan import Plan
from advisor.pricing import PriceCatalog
from advisor.workload import PresentCluster, PresentService, Service, Workload

Document = Mapping[str, Any]

NEW_SERVICE: Final = "service"
INSTANCE_TYPE: Final = "instance type"
CLUSTER: Final = "(cluster)"
MONEY_ORDER: Final = (
    INSTANCE_TYPE,
    "task size",
    "ephemeral storage GiB",
    "architecture",
    "runs on",
    "public IP",
    "min tasks",
    "max tasks",
    "scaling target",
)
"""Fields that cost, in the order in which their changes are priced, each on top of those before it."""
WITH_NEXT: Final = "priced with the next row"
_CPU: Final = "ECSServiceAverageCPUUtilization"
_REQUESTS: Final = "ALBRequestCountPerTarget"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDiff:
    """A field that differs."""

    service: str
    field: str
    before: str | None
    """None: there is none."""
    after: str | None
    has_money: bool
    """Whether a change of the field can cost at all."""
    change_usd: float | None = None
    """A month, on top of the rows before; None where it has no money, no price, or is priced together with a later row."""
    why_not: str = ""
    """Why there is no price, where there could be one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """What a plan changes in what is live. Empty rows: nothing."""

    rows: tuple[FieldDiff, ...]
    not_compared: tuple[str, ...]
    """What was not given of what is live."""
    before_usd: float | None = None
    after_usd: float | None = None
    total_usd: float | None = None
    """The sum of the rows; None where one of them that could cost has no price."""
    notes: tuple[str, ...] = ()
    is_compared: bool = True
    """False where nothing was given of any service of the plan."""


def emitted_documents(files: Mapping[str, bytes]) -> tuple[Document, ...]:
    """The requests of an emitted folder, to be held against a plan."""
    wanted = {"RegisterTaskDefinition", "CreateService", "RegisterScalableTarget", "PutScalingPolicy", "CreateSchedule"}
    return (
        *(request for _, operation, request in parse_calls(files) if operation in wanted),
        {"ScalableTargets": [], "ScalingPolicies": []},  # what the folder does not hold, there is not
    )


def diff_plan(plan: Plan, documents: Iterable[Document], service: str | None = None) -> Diff:
    """Field by field, what the plan changes in what ``documents`` say is live; no money yet.

    Parameters
    ----------
    documents
        Answers of DescribeServices, DescribeTaskDefinition, DescribeScalableTargets and DescribeScalingPolicies, or requests of
        the same, in any order. What none of them tells is not compared, and that is said.
    service
        That a task definition belongs to whose family does not tell it; the others are not looked at.

    Returns
    -------
    Diff
        Rows of field, before and after, in the words of the ECS API.

    Raises
    ------
    InputError
        The plan has no such service.

    Examples
    --------
    >>> import advisor, json
    >>> plan = advisor.read_recommendation("reports/shop").recommended.plan
    >>> with open("examples/gate/orders-today.json") as file:
    ...     today = json.load(file)
    >>> [row.field for row in advisor.diff_plan(plan, [today]).rows]
    ['architecture']
    """
    if service is not None and service not in plan.services:
        raise InputError(f"the plan has no service {service!r}", fix=f"Use one of {', '.join(sorted(plan.services))}.")
    live = _Live(documents, service)
    planned = _Live(emitted_documents(render_ecs(plan)))
    rows: list[FieldDiff] = []
    unknown: dict[str, list[str]] = {}
    is_compared = False
    for name in sorted(plan.services) if service is None else (service,):
        facts = _Live.facts if plan.services[name].schedule is None else _Live.job_facts
        before, after = facts(live, plan.cluster, name), facts(planned, plan.cluster, name)
        if before is None:
            rows.append(FieldDiff(service=name, field=NEW_SERVICE, before=None, after="new", has_money=True))
            is_compared = True
            continue
        for what in before.unknown:
            unknown.setdefault(what, []).append(name)
        assert after is not None  # noqa: S101 (a plan tells all of its services)
        known = [field for field in after.values if field in before.values]
        is_compared |= bool(known)
        differing = [field for field in known if before.values[field] != after.values[field]]
        for field in sorted(differing, key=_rank):
            rows.append(
                FieldDiff(
                    service=name,
                    field=field,
                    before=before.values[field],
                    after=after.values[field],
                    has_money=field in MONEY_ORDER,
                )
            )
    said = tuple(f"{what} of {', '.join(names)}" for what, names in unknown.items())
    return Diff(rows=tuple(rows), not_compared=said, is_compared=is_compared)


def _rank(field: str) -> tuple[int, str]:
    return (MONEY_ORDER.index(field) if field in MONEY_ORDER else len(MONEY_ORDER), field)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    values: Mapping[str, str | None]
    unknown: tuple[str, ...]


class _Live:
    """Documents, taken apart by what they are about."""

    def __init__(self, documents: Iterable[Document], service: str | None = None) -> None:
        self.service = service
        self.services: dict[str, Document] = {}
        self.definitions: dict[str, Document] = {}
        self.targets: dict[str, Document] = {}
        self.policies: dict[str, list[Document]] = {}
        self.schedules: dict[str, Document] = {}
        self.has_services = self.has_targets = self.has_policies = False
        for document in documents:
            self._add(document)

    def _add(self, document: Document) -> None:
        definition = document.get("taskDefinition", document)
        if isinstance(definition, Mapping) and "containerDefinitions" in definition:
            self.definitions[str(definition.get("family"))] = definition
            return
        if "ScheduleExpression" in document:
            self.schedules[str(document.get("Name"))] = document
            return
        services = document.get("services")
        if services is None and isinstance(document.get("service"), Mapping):
            services = [document["service"]]
        if services is None and "serviceName" in document:
            services = [document]
        if services is not None:
            self.has_services = True
            self.services |= {str(service["serviceName"]): service for service in services if _is_there(service)}
        for target in _listed(document, "ScalableTargets", "MinCapacity"):
            self.targets[str(target["ResourceId"])] = target
        for policy in _listed(document, "ScalingPolicies", "PolicyName"):
            self.policies.setdefault(str(policy["ResourceId"]), []).append(policy)
        self.has_targets |= "ScalableTargets" in document or "MinCapacity" in document
        self.has_policies |= "ScalingPolicies" in document or "PolicyName" in document

    def facts(self, cluster: str, name: str) -> _Facts | None:
        """What is known of a service; None where it does not exist."""
        values: dict[str, str | None] = {}
        unknown: list[str] = []
        service = self.services.get(name)
        if service is None and self.has_services:
            return None
        if service is None:
            unknown.append("launch type, network, placement")
        else:
            values |= dict(_of_service(service))
        definition = self._definition(service, cluster, name)
        if definition is None:
            unknown.append("task definition")
        else:
            values |= dict(_of_definition(definition))
        resource = f"service/{cluster}/{name}"
        if self.has_targets:
            target = self.targets.get(resource, {})
            for field, key in (("min tasks", "MinCapacity"), ("max tasks", "MaxCapacity")):
                values[field] = str(target[key]) if key in target else None
        else:
            unknown.append("bounds of scaling")
        if self.has_policies:
            values["scaling target"] = _targets(self.policies.get(resource, []))
        else:
            unknown.append("scaling policy")
        return _Facts(values=values, unknown=tuple(unknown))

    def job_facts(self, cluster: str, name: str) -> _Facts:
        """What is known of a scheduled task: there is no service, and nothing scales it."""
        values: dict[str, str | None] = {}
        unknown: list[str] = []
        definition, schedule = self._definition(None, cluster, name), self.schedules.get(schedule_name(cluster, name))
        if definition is None:
            unknown.append("task definition")
        else:
            values |= dict(_of_definition(definition))
        if schedule is None:
            unknown.append("schedule")
        else:
            values |= dict(_of_schedule(schedule))
        return _Facts(values=values, unknown=tuple(unknown))

    def _definition(self, service: Document | None, cluster: str, name: str) -> Document | None:
        """By the family that the service uses; without the service by the name of the family, or as it was said."""
        used = str((service or {}).get("taskDefinition", "")).rpartition("/")[2].partition(":")[0]
        for family in (used, name, f"{cluster}-{name}", family_of(cluster, name)):
            if family in self.definitions:
                return self.definitions[family]
        return next(iter(self.definitions.values())) if name == self.service and len(self.definitions) == 1 else None


def _is_there(service: Document) -> bool:
    return str(service.get("status", "ACTIVE")) != "INACTIVE"


def _listed(document: Document, key: str, of_one: str) -> Sequence[Document]:
    found = document.get(key)
    if isinstance(found, list):
        return found
    return [document] if of_one in document and "ResourceId" in document else []


def _of_schedule(schedule: Document) -> Iterator[tuple[str, str | None]]:
    parameters = (schedule.get("Target") or {}).get("EcsParameters") or {}
    off = " (disabled)" if schedule.get("State") == "DISABLED" else ""
    yield "schedule", f"{schedule['ScheduleExpression']} {schedule.get('ScheduleExpressionTimezone', 'UTC')}{off}"
    yield "tasks a run", str(parameters.get("TaskCount", 1))
    strategy = parameters.get("CapacityProviderStrategy") or []
    providers = " + ".join(sorted(str(item["capacityProvider"]) for item in strategy))
    yield "runs on", providers or str(parameters.get("LaunchType", "EC2"))


def _of_service(service: Document) -> Iterator[tuple[str, str | None]]:
    strategy = service.get("capacityProviderStrategy") or []
    providers = sorted({str(item["capacityProvider"]) for item in strategy})
    if len(providers) > 1:
        texts = (f"{i['capacityProvider']} (base {i.get('base', 0)}, weight {i.get('weight', 0)})" for i in strategy)
        yield "runs on", " + ".join(texts)
    else:
        yield "runs on", providers[0] if providers else str(service.get("launchType", "EC2"))
    network = (service.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if network is not None:
        yield "public IP", "yes" if network.get("assignPublicIp") == "ENABLED" else "no"
    placement = service.get("placementStrategy") or []
    yield "placement strategy", ", ".join(f"{p['type']} {p.get('field', '')}".strip() for p in placement) or None
    deployment = service.get("deploymentConfiguration") or {}
    if deployment:
        breaker = deployment.get("deploymentCircuitBreaker") or {}
        yield "deployment circuit breaker", "on" if breaker.get("enable") else "off"
        yield "maximum percent", str(deployment.get("maximumPercent"))
        yield "minimum healthy percent", str(deployment.get("minimumHealthyPercent"))
    if "availabilityZoneRebalancing" in service:
        yield "zone rebalancing", str(service["availabilityZoneRebalancing"])


def _of_definition(definition: Document) -> Iterator[tuple[str, str | None]]:
    containers = definition["containerDefinitions"]
    cpu = definition.get("cpu") or sum(container.get("cpu") or 0 for container in containers)
    reserved = (container.get("memoryReservation") or container.get("memory") or 0 for container in containers)
    yield "task size", f"{whole(cpu)}/{whole(definition.get('memory') or sum(reserved))}"
    yield "architecture", str((definition.get("runtimePlatform") or {}).get("cpuArchitecture", "X86_64"))
    storage = (definition.get("ephemeralStorage") or {}).get("sizeInGiB", FARGATE_INCLUDED_STORAGE_GIB)
    yield "ephemeral storage GiB", str(storage)
    yield "network mode", str(definition.get("networkMode", "bridge"))


def _targets(policies: Sequence[Document]) -> str | None:
    texts = []
    for policy in policies:
        tracking = policy.get("TargetTrackingScalingPolicyConfiguration")
        if tracking is None:
            texts.append(str(policy.get("PolicyType", "step scaling")))
            continue
        metric = (tracking.get("PredefinedMetricSpecification") or {}).get("PredefinedMetricType", "a metric of its own")
        texts.append(f"{metric} {float(tracking['TargetValue']):g}")
    return ", ".join(sorted(texts)) or None


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
        mine = Diff(rows=tuple(row for row in diff.rows if row.service not in further), not_compared=diff.not_compared)
        others = tuple(replace(r, why_not=_FURTHER if r.has_money else r.why_not) for r in diff.rows if r.service in further)
        priced = priced_diff(mine, plan, workload, catalog)
        return replace(priced, rows=(*priced.rows, *others), before_usd=None, after_usd=None, total_usd=None)
    for name in names:
        if name not in known:
            raise InputError(f"the workload has no service {name!r}", fix="Give the workload that the result was made from.")
    if not any(row.has_money for row in rows):
        return replace(diff, rows=tuple(rows), total_usd=0.0)
    pricer = _Pricer(plan, workload, catalog, tuple(plan.services))
    return pricer.priced(diff, rows)


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
        for at in pending:
            rows[at] = replace(rows[at], why_not=why)
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
            notes=found.notes,
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
        if planned.scaling_target is not None:
            scaling = replace(scaling, min_tasks=planned.min_tasks, max_tasks=planned.max_tasks, is_min_stated=True)
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
                present=where,
            )
        )
    instance_type, present = _planned_type(plan), workload.present
    if instance_type is not None:
        option = next(p.purchase_option for p in plan.capacity_providers.values() if p.instance_types)
        present = PresentCluster(instances={instance_type: 0}, purchase_option=option)
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


def _targeted(service: Service, text: str, original: Service, plan: Plan) -> Service | None:
    metric, _, value = text.partition(" ")
    if metric == _CPU:
        fraction, served = float(value) / 100, original.requests_per_task
        if served is not None:  # what a task serves at its target grows with the target
            served *= fraction / original.scaling.target_cpu_fraction
        return replace(service, scaling=replace(service.scaling, target_cpu_fraction=fraction), requests_per_task=served)
    if metric == _REQUESTS and original.requests_per_task is not None:
        return replace(service, requests_per_task=float(value) / 60)
    return None


_FIELDS: Final[Mapping[str, Callable[[Service, str, Service, Plan], Service | None]]] = {
    "task size": _sized,
    "ephemeral storage GiB": _stored,
    "architecture": _built,
    "runs on": _run_on,
    "public IP": _addressed,
    "min tasks": _at_least,
    "max tasks": _at_most,
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
    return f"the load does not tell what {row.before} makes of it"
