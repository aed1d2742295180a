"""What a plan would change in what is live, field by field."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from advisor.bounds import bounds_said
from advisor.ecs import DEFAULT_COOLDOWN_S, FARGATE_INCLUDED_STORAGE_GIB
from advisor.emit.ecs import parse_calls, render_ecs
from advisor.emit.ecs.names import family as family_of
from advisor.emit.ecs.names import schedule_name, step_policy
from advisor.emit.merge import whole
from advisor.errors import InputError
from advisor.plan import Plan, StepPolicy
from advisor.plan.placement import fixed_ports
from advisor.plan.step_documents import StepsError, started_policy

Document = Mapping[str, Any]

NEW_SERVICE: Final = "service"
INSTANCE_TYPE: Final = "instance type"
CLUSTER: Final = "(cluster)"
PLACEMENT: Final = "placement strategy"
MONEY_ORDER: Final = (
    INSTANCE_TYPE,
    "task size",
    "ephemeral storage GiB",
    "architecture",
    "runs on",
    "placement constraints",
    "network mode",
    "host ports",
    "public IP",
    "min tasks",
    "max tasks",
    "scheduled actions",
    "step scaling",
    "scaling target",
)
"""Fields that cost, in the order in which their changes are priced, each on top of those before it."""
WITH_NEXT: Final = "priced with the next row"
CPU_METRIC: Final = "ECSServiceAverageCPUUtilization"
REQUESTS_METRIC: Final = "ALBRequestCountPerTarget"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDiff:
    """A field that differs."""

    service: str
    field: str
    before: str | None
    """None: there is none."""
    after: str | None
    has_money: bool
    """Whether a change of the field is priced; another placement strategy costs, and is not."""
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
    wanted = {
        "RegisterTaskDefinition",
        "CreateService",
        "RegisterScalableTarget",
        "PutScalingPolicy",
        "PutScheduledAction",
        "PutMetricAlarm",
        "CreateSchedule",
    }
    return (
        *(request for _, operation, request in parse_calls(files) if operation in wanted),
        # What the folder does not hold, there is not.
        {"ScalableTargets": [], "ScalingPolicies": [], "ScheduledActions": [], "MetricAlarms": []},
    )


def diff_plan(plan: Plan, documents: Iterable[Document], service: str | None = None) -> Diff:
    """Field by field, what the plan changes in what ``documents`` say is live; no money yet.

    Parameters
    ----------
    documents
        Answers of DescribeServices, DescribeTaskDefinition, DescribeScalableTargets, DescribeScalingPolicies,
        DescribeScheduledActions and, for step scaling, DescribeAlarms, or requests of the same, in any order. What none of
        them tells is not compared, and that is said.
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
        self.actions: dict[str, list[Document]] = {}
        self.alarms: list[Document] = []
        self.has_services = self.has_targets = self.has_policies = self.has_actions = self.has_alarms = False
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
        for action in _listed(document, "ScheduledActions", "ScheduledActionName"):
            self.actions.setdefault(str(action["ResourceId"]), []).append(action)
        self.alarms += [document] if "AlarmName" in document else document.get("MetricAlarms") or []
        self.has_alarms |= "MetricAlarms" in document or "AlarmName" in document
        self.has_actions |= "ScheduledActions" in document or "ScheduledActionName" in document
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
        if self.has_actions:
            values["scheduled actions"] = _actions(self.actions.get(resource, []))
        else:
            unknown.append("scheduled scaling")
        if self.has_policies:
            policies = self.policies.get(resource, [])
            values["scaling target"] = _targets(policies)
            stepped = [policy for policy in policies if "StepScalingPolicyConfiguration" in policy]
            if self.has_alarms or not stepped:
                values["step scaling"] = steps_said(_stepped(cluster, name, policy, self.alarms) for policy in stepped)
            else:
                unknown.append("alarms of step scaling")
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
    constraints = service.get("placementConstraints") or []
    yield "placement constraints", ", ".join(f"{c['type']} {c.get('expression', '')}".strip() for c in constraints) or "none"
    yield PLACEMENT, ", ".join(f"{p['type']} {p.get('field', '')}".strip() for p in placement) or None
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
    yield "host ports", ", ".join(map(str, sorted(fixed_ports(definition)))) or "none"


def _actions(actions: Sequence[Document]) -> str:
    """As :func:`advisor.bounds.action_said`; one that begins or ends on a date says so."""
    texts = []
    for action in actions:
        bounds = action.get("ScalableTargetAction") or {}
        text = f"{bounds_said(bounds.get('MinCapacity'), bounds.get('MaxCapacity'))} from {action.get('Schedule')}"
        span = "".join(
            f", {word} {action[key]}" for word, key in (("not before", "StartTime"), ("until", "EndTime")) if key in action
        )
        texts.append(f"{text} {action.get('Timezone') or 'UTC'}{span}")
    return "; ".join(sorted(texts)) or "none"


def steps_said(policies: Iterable[object]) -> str:
    """Step policies as a row has them."""
    return "; ".join(sorted(str(policy) for policy in policies)) or "none"


def _stepped(cluster: str, service: str, policy: Document, alarms: Sequence[Document]) -> StepPolicy | str:
    """A policy with its alarm, or in words why it is none that can be held against another."""
    arns = {str(policy.get("PolicyARN")), step_policy(service, str(policy["PolicyName"]))}
    try:
        return started_policy(policy, alarms, arns, cluster, service)[0]
    except StepsError as error:
        return f"{policy['PolicyName']}: {error.problem}"


def _targets(policies: Sequence[Document]) -> str | None:
    texts = []
    for policy in policies:
        tracking = policy.get("TargetTrackingScalingPolicyConfiguration")
        if "StepScalingPolicyConfiguration" in policy:
            continue
        if tracking is None:
            texts.append(str(policy.get("PolicyType")))
            continue
        metric = (tracking.get("PredefinedMetricSpecification") or {}).get("PredefinedMetricType", "a metric of its own")
        texts.append(f"{metric} {float(tracking['TargetValue']):g}{_rest(tracking)}")
    return ", ".join(sorted(texts)) or None


def _rest(tracking: Document) -> str:
    """What is not AWS's default of a target: cooldowns, and whether it removes tasks."""
    out_s, in_s = (int(tracking.get(key, DEFAULT_COOLDOWN_S)) for key in ("ScaleOutCooldown", "ScaleInCooldown"))
    is_default = (out_s, in_s) == (DEFAULT_COOLDOWN_S, DEFAULT_COOLDOWN_S)
    cooldowns = "" if is_default else f" cooldowns {out_s} s out and {in_s} s in"
    return cooldowns + (" without scale-in" if tracking.get("DisableScaleIn") else "")
