"""A change of ECS services from a Terraform plan, as `terraform show -json` prints it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from advisor.bounds import why_bounds_clash
from advisor.ecs import LaunchType, PurchaseOption
from advisor.gating import launch_type_of
from advisor.plan import ScheduledAction
from advisor.plan.placement import has_distinct_instances
from advisor.plan.step_documents import METRIC_NAMES, NAMESPACE
from advisor.sources.changes import Change, service_in, with_definition, with_service
from advisor.sources.input_files import Place, listed, shown
from advisor.workload import PresentService, Service, Workload

_DEFINITION: Final = "aws_ecs_task_definition"
_SERVICE: Final = "aws_ecs_service"
_TARGET: Final = "aws_appautoscaling_target"
_POLICY: Final = "aws_appautoscaling_policy"
_ACTION: Final = "aws_appautoscaling_scheduled_action"
_PROVIDER: Final = "aws_ecs_capacity_provider"
_ALARM: Final = "aws_cloudwatch_metric_alarm"
_TRACKING: Final = "target_tracking_scaling_policy_configuration"
_STEPS: Final = "step_scaling_policy_configuration"
_TYPES: Final = frozenset({_DEFINITION, _SERVICE, _TARGET, _POLICY, _ACTION, _ALARM, _PROVIDER})
_FARGATE: Final = {"FARGATE": PurchaseOption.ON_DEMAND, "FARGATE_SPOT": PurchaseOption.SPOT}
_CPU_METRIC: Final = "ECSServiceAverageCPUUtilization"
_REQUESTS_METRIC: Final = "ALBRequestCountPerTarget"
_FIX: Final = "Save what `terraform show -json PLANFILE` prints."

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One resource before and after."""

    address: str
    kind: str
    before: Values | None
    """None: the plan makes it."""
    after: Values | None
    """None: the plan removes it."""
    unknown: Values
    """Attributes that are known only after the plan is applied."""
    place: Place

    def side(self, is_after: bool) -> Values | None:
        return self.after if is_after else self.before

    def known(self, name: str, is_after: bool) -> Any:
        """An attribute of one side.

        Raises
        ------
        InputError
            It is known only after the plan is applied.
        """
        self._check_known(name, is_after and self.unknown.get(name))
        return (self.side(is_after) or {}).get(name)

    def block(self, name: str, is_after: bool) -> Values:
        """A nested block of one side, which Terraform holds as a list of one; empty where it is absent.

        Raises
        ------
        InputError
            It, or an attribute of it, is known only after the plan is applied.
        """
        blocks = self.known(name, is_after)
        unknown = self.unknown.get(name) if is_after else None
        for key, is_unknown in (unknown[0] if unknown else {}).items():
            self._check_known(key, is_unknown)
        found: Values = blocks[0] if blocks else {}
        return found

    def _check_known(self, name: str, is_unknown: object) -> None:
        if is_unknown is True:
            raise self.place.error(f"{name} is known only after the plan is applied", fix="Give it a value in the plan.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TerraformPlan:
    """The ECS resources of a plan."""

    resources: tuple[Planned, ...]
    references: Mapping[str, Sequence[str]]
    """By address of a service without its index: what its ``task_definition`` refers to, in its own module."""
    place: Place

    def of(self, kind: str) -> Iterator[Planned]:
        return (resource for resource in self.resources if resource.kind == kind)


def parse_plan(text: str, file: str) -> TerraformPlan:
    """The ECS resources of a plan in JSON.

    Raises
    ------
    InputError
        The text is no such plan.
    """
    place = Place(file)
    try:
        plan = json.loads(text)
    except json.JSONDecodeError as error:
        raise Place(file, error.lineno, error.colno).error(f"not valid JSON ({error.msg})", fix=_FIX) from None
    except RecursionError as error:
        raise place.error("nested too deeply to be a plan", fix=_FIX) from error
    changes = plan.get("resource_changes") if isinstance(plan, dict) else None
    if not isinstance(changes, list) or "format_version" not in plan:
        raise place.error("not a Terraform plan: no resource_changes", fix=_FIX)
    try:
        resources = tuple(_planned(change, file) for change in changes if change["type"] in _TYPES and _is_managed(change))
        references = dict(_references((plan.get("configuration") or {}).get("root_module") or {}, ""))
    except (AttributeError, KeyError, TypeError) as error:
        raise place.error(f"not a Terraform plan: {type(error).__name__} at {error}", fix=_FIX) from error
    return TerraformPlan(resources=resources, references=references, place=place)


def _is_managed(change: Values) -> bool:
    """Not data that is read, nor what a failed run left behind to be destroyed."""
    return bool(change.get("mode", "managed") == "managed" and "deposed" not in change)


def _planned(change: Values, file: str) -> Planned:
    what = change["change"]
    unknown = what.get("after_unknown")
    return Planned(
        address=change["address"],
        kind=change["type"],
        before=what.get("before"),
        after=what.get("after"),
        unknown=unknown if isinstance(unknown, dict) else {},
        place=Place(file, column=change["address"]),
    )


def _references(module: Values, path: str) -> Iterator[tuple[str, Sequence[str]]]:
    for resource in module.get("resources") or []:
        if resource.get("type") == _SERVICE:
            expression = (resource.get("expressions") or {}).get("task_definition") or {}
            yield path + resource["address"], [path + name for name in expression.get("references") or []]
    for name, call in (module.get("module_calls") or {}).items():
        yield from _references(call.get("module") or {}, f"{path}module.{name}.")


def planned_change(workload: Workload, plan: TerraformPlan, only: str | None = None) -> Change:
    """Both sides of what a plan does to the services of ``workload``.

    Task size, architecture and storage come from the task definition; launch type and provider from the service; bounds and
    target from Application Auto Scaling, or a fixed ``desired_count`` where the plan has none for the service.

    Raises
    ------
    InputError
        The plan changes a service that the workload does not have, or what it changes is not known before it is applied.
    """
    before, after = workload, workload
    names: list[str] = []
    missing: list[str] = []
    notes: list[str] = []
    for resource in plan.of(_SERVICE):
        name = str((resource.after or resource.before or {}).get("name"))
        is_ours = name in {service.name for service in workload.services}
        if only is not None and name != only:
            continue
        related = _related(plan, resource, name)
        if not any(_differs(each) for each in related) and not is_ours:
            notes.append(f"{resource.address}: not in the workload and unchanged, left out.")
            continue
        service = service_in(workload, name)
        if resource.before is None or resource.after is None:
            verb = "makes" if resource.before is None else "removes"
            missing.append(f"a load of {name} on both sides: the plan {verb} it")
            continue
        names.append(name)
        _check_steps(service, plan, related)
        if _is_scaled_elsewhere(service, related):
            notes.append(f"{name}: the plan holds no scaling of it, so bounds and target are those of the workload file.")
        before = with_service(before, _planned_service(service, workload, plan, related, is_after=False))
        after = with_service(after, _planned_service(service, workload, plan, related, is_after=True))
    if not names and not missing:
        known = listed(sorted({str((r.after or r.before or {}).get("name")) for r in plan.of(_SERVICE)}))
        raise plan.place.error(
            f"the plan holds no {_SERVICE} of the workload" + (f" named {only!r}" if only else ""),
            fix=f"Services in the plan: {known or 'none'}.",
        )
    return Change(before=before, after=after, services=tuple(names), missing=tuple(missing), notes=tuple(notes))


def _related(plan: TerraformPlan, service: Planned, name: str) -> list[Planned]:
    """The service with its task definition, its scalable target, policies and scheduled actions."""
    definition = _definition_of(plan, service)
    ours = [service] if definition is None else [service, definition]
    for resource in (*plan.of(_TARGET), *plan.of(_POLICY), *plan.of(_ACTION)):
        ids = {str((side or {}).get("resource_id")) for side in (resource.before, resource.after)}
        if any(_is_resource_of(each, service, name) for each in ids):
            ours.append(resource)
    return ours


def _watches(alarm: Values, name: str) -> bool:
    """Whether an alarm is on the CPU or memory that a step policy of the service follows."""
    is_utilization = alarm.get("metric_name") in METRIC_NAMES.values() and alarm.get("namespace") == NAMESPACE
    return is_utilization and (alarm.get("dimensions") or {}).get("ServiceName") == name


def _check_steps(service: Service, plan: TerraformPlan, related: Sequence[Planned]) -> None:
    """A change of step scaling has its alarm and its policy apart, and the plan does not tell which starts which.

    Raises
    ------
    InputError
        The plan changes it.
    """
    for resource in (*related, *(plan.of(_ALARM) if service.scaling.step_policies else ())):
        sides = [side for side in (resource.before, resource.after) if side]
        is_policy = resource.kind == _POLICY and any(side.get(_STEPS) for side in sides)
        is_alarm = resource.kind == _ALARM and any(_watches(side, service.name) for side in sides)
        if (is_policy or is_alarm) and _differs(resource):
            raise resource.place.error(
                f"{service.name}: the plan changes its step scaling ({resource.address})",
                fix="Price it by two workload files with scaling.step_scaling instead.",
            )


def _is_resource_of(resource_id: str, service: Planned, name: str) -> bool:
    """``service/CLUSTER/NAME``; the cluster of a service is a name or an ARN."""
    parts = resource_id.split("/")
    if len(parts) != 3 or parts[2] != name:
        return False
    clusters = {str((side or {}).get("cluster") or "default").rpartition("/")[2] for side in (service.before, service.after)}
    return parts[1] in clusters


def _definition_of(plan: TerraformPlan, service: Planned) -> Planned | None:
    """The task definition of a service: by the address it refers to, else by the family in its ARN.

    Raises
    ------
    InputError
        Several could be it.
    """
    definitions = list(plan.of(_DEFINITION))
    plain = re.sub(r"\[[^\]]*\]", "", service.address)
    referred = {name.removesuffix(".arn") for name in plan.references.get(plain, ()) if _DEFINITION in name}
    index = re.search(r"\[[^\]]*\]$", service.address)
    found = [d for d in definitions if re.sub(r"\[[^\]]*\]", "", d.address) in referred and _same_module(d, service)]
    if len(found) > 1 and index:
        found = [d for d in found if d.address.endswith(index[0])]
    if not found:
        families = {_family((side or {}).get("task_definition")) for side in (service.before, service.after)} - {""}
        found = [d for d in definitions if {(side or {}).get("family") for side in (d.before, d.after)} & families]
    if len(found) > 1:
        raise service.place.error(
            f"the plan holds several task definitions that it may use: {listed(d.address for d in found)}",
            fix="Give the two task definitions with --old and --new instead.",
        )
    return found[0] if found else None


def _same_module(definition: Planned, service: Planned) -> bool:
    """Whether both are in the same instance of a module."""
    modules = [each.address[: each.address.rfind("aws_ecs_")] for each in (definition, service)]
    return modules[0] == modules[1]


def _family(task_definition: object) -> str:
    """The family of an ARN or of ``family:revision``."""
    return str(task_definition or "").rpartition("/")[2].partition(":")[0]


def _differs(resource: Planned) -> bool:
    return resource.before != resource.after or any(value is True for value in resource.unknown.values())


def _planned_service(
    service: Service, workload: Workload, plan: TerraformPlan, related: Sequence[Planned], *, is_after: bool
) -> Service:
    resource = next(each for each in related if each.kind == _SERVICE)
    placed = _placed(service, workload, plan, resource, is_after=is_after)
    for definition in related:
        if definition.kind == _DEFINITION and definition.side(is_after) is not None:
            placed = _with_planned_definition(placed, workload, definition, is_after=is_after)
    constraints = {"placementConstraints": resource.known("placement_constraints", is_after)}
    scaled = replace(
        placed,
        has_public_ip=_has_public_ip(resource, is_after),
        has_distinct_instances=has_distinct_instances(constraints),
    )
    target = _only(related, _TARGET, is_after)
    if target is None:
        count = resource.known("desired_count", is_after)
        if _is_scaled_elsewhere(service, related) or count is None:
            return scaled
        return replace(scaled, scaling=replace(service.scaling, min_tasks=int(count), max_tasks=int(count)))
    bounds = replace(
        scaled.scaling,
        min_tasks=int(target.known("min_capacity", is_after)),
        max_tasks=int(target.known("max_capacity", is_after)),
        is_min_stated=True,
        scheduled_actions=_scheduled_actions(service, related, is_after),
    )
    clash = why_bounds_clash(bounds)
    if clash is not None:
        raise target.place.error(clash, fix="Give every scheduled action both min_capacity and max_capacity.")
    tracked = _only(related, _POLICY, is_after)
    if tracked is None and any(each.block(_TRACKING, not is_after) for each in related if each.kind == _POLICY):
        bounds = bounds.with_policies(bounds.step_policies, None)  # the other side alone has a target
    return _with_policy(replace(scaled, scaling=bounds), tracked, is_after=is_after)


def _scheduled_actions(service: Service, related: Sequence[Planned], is_after: bool) -> tuple[ScheduledAction, ...]:
    """Of one side; those of the workload file where the plan holds none of the service on either side."""
    planned = [each for each in related if each.kind == _ACTION]
    if not planned:
        return service.scaling.scheduled_actions
    return tuple(_scheduled_action(each, is_after) for each in planned if each.side(is_after) is not None)


def _scheduled_action(planned: Planned, is_after: bool) -> ScheduledAction:
    from pydantic import ValidationError

    from advisor.sources.scaling_models import ScheduledActionEntry

    said = {name: planned.known(name, is_after) for name in ("name", "schedule", "timezone")}
    bounds = planned.block("scalable_target_action", is_after)
    said |= {name: int(bounds[name]) for name in ("min_capacity", "max_capacity") if bounds.get(name) not in (None, "")}
    try:
        return ScheduledActionEntry.model_validate(said).action(1)
    except ValidationError as error:
        raise planned.place.error(error.errors()[0]["msg"], fix="Price it by two workload files instead.") from None


def _is_scaled_elsewhere(service: Service, related: Sequence[Planned]) -> bool:
    """The plan knows no scaling of a service whose bounds the workload states: its desired count is only a start."""
    is_stated = service.scaling.is_bounded
    return is_stated and not any(each.kind == _TARGET for each in related)


def _only(related: Sequence[Planned], kind: str, is_after: bool) -> Planned | None:
    """The one resource of a kind on a side; of policies the target tracking ones."""
    found = [each for each in related if each.kind == kind and each.side(is_after) is not None]
    if kind == _POLICY:
        found = [each for each in found if each.block(_TRACKING, is_after)]
    if len(found) > 1:
        raise found[1].place.error(
            f"the service has several of {kind}: {listed(each.address for each in found)}",
            fix="Price it by two workload files instead: which of them decides depends on the load of both metrics.",
        )
    return found[0] if found else None


def _with_policy(service: Service, policy: Planned | None, *, is_after: bool) -> Service:
    """The target of a tracking policy, in the form that the load has."""
    if policy is None:
        return service
    tracking = policy.block(_TRACKING, is_after)
    metrics = tracking.get("predefined_metric_specification")
    metric = metrics[0].get("predefined_metric_type") if metrics else None
    if tracking.get("disable_scale_in"):
        raise policy.place.error(
            f"{service.name} has a target that removes no tasks, so that nothing tells its count",
            fix="Compare two recommendations of counts as they ran.",
        )
    # The AWS provider sends 0 where the plan gives no cooldown, not AWS's default.
    out_s, in_s = (int(tracking.get(key) or 0) for key in ("scale_out_cooldown", "scale_in_cooldown"))
    service = replace(service, scaling=replace(service.scaling, out_cooldown_s=out_s, in_cooldown_s=in_s))
    if metric == _CPU_METRIC:
        fraction = tracking["target_value"] / 100
        served = service.requests_per_task
        if served is not None:  # what a task serves at its target grows with the target
            served *= fraction / service.scaling.target_cpu_fraction
        scaling = service.scaling.with_policies(service.scaling.step_policies, fraction)
        return replace(service, scaling=scaling, requests_per_task=served)
    if metric == _REQUESTS_METRIC and service.requests_per_task is not None:
        return replace(service, requests_per_task=tracking["target_value"] / 60)
    raise policy.place.error(
        f"{service.name} scales on {shown(metric or 'a metric of its own')}, which its load does not tell",
        fix="Measure it: a load with cpu_percent answers a CPU target, one with requests_per_task a target of requests.",
    )


def _placed(service: Service, workload: Workload, plan: TerraformPlan, resource: Planned, *, is_after: bool) -> Service:
    """Where the service runs on one side: its launch type, or its one capacity provider."""
    known = launch_type_of(service, workload)
    launch_type, option = known, service.present.purchase_option if service.present else PurchaseOption.ON_DEMAND
    strategy = resource.known("capacity_provider_strategy", is_after) or []
    names = [item.get("capacity_provider") for item in strategy if item.get("weight") or item.get("base") or len(strategy) == 1]
    if len(set(names)) > 1:
        raise resource.place.error(
            f"{service.name} is spread over {listed(str(name) for name in names)}, which a gate does not price",
            fix="Give it one capacity provider in the plan, or compare two recommendations.",
        )
    if names and names[0] in _FARGATE:
        launch_type, option = LaunchType.FARGATE, _FARGATE[names[0]]
    elif names:
        launch_type, option = _of_provider(plan, str(names[0]), known, resource), PurchaseOption.ON_DEMAND
    elif resource.known("launch_type", is_after):
        launch_type, option = LaunchType(str(resource.known("launch_type", is_after))), PurchaseOption.ON_DEMAND
    if launch_type is None:
        raise resource.place.error(
            f"nothing says where {service.name} runs: neither launch_type nor a capacity provider",
            fix="Give --launch-type, or `present: {launch_type: FARGATE}` in the workload file.",
        )
    present = service.present
    architecture = present.architecture if present else service.architectures[0]
    count = present.desired_count if present else None
    where = PresentService(launch_type=launch_type, purchase_option=option, architecture=architecture, desired_count=count)
    return replace(service, present=where)


def _of_provider(plan: TerraformPlan, name: str, known: LaunchType | None, resource: Planned) -> LaunchType:
    """What is behind a capacity provider: as the plan has it, else as the workload says."""
    for provider in plan.of(_PROVIDER):
        values = provider.after or provider.before or {}
        if values.get("name") == name:
            return LaunchType.MANAGED_INSTANCES if values.get("managed_instances_provider") else LaunchType.EC2
    if known in (LaunchType.EC2, LaunchType.MANAGED_INSTANCES):
        return known
    raise resource.place.error(
        f"nothing says what is behind the capacity provider {shown(name)}",
        fix="Give the service `present: {launch_type: EC2}` (or MANAGED_INSTANCES) in the workload file.",
    )


def _has_public_ip(resource: Planned, is_after: bool) -> bool:
    network = (resource.side(is_after) or {}).get("network_configuration") or []
    return bool(network and network[0].get("assign_public_ip"))


def _with_planned_definition(service: Service, workload: Workload, definition: Planned, *, is_after: bool) -> Service:
    for name in ("cpu", "memory", "container_definitions"):
        definition.known(name, is_after)
    if (definition.before or {}).get("network_mode"):  # where none is stated, Terraform knows none before it has asked AWS
        definition.known("network_mode", is_after)
    values = definition.side(is_after) or {}
    platform, storage = (definition.block(name, is_after) for name in ("runtime_platform", "ephemeral_storage"))
    try:
        containers = json.loads(values.get("container_definitions") or "[]")
    except json.JSONDecodeError as error:
        raise definition.place.error(f"container_definitions is not JSON ({error.msg})", fix="Mend it.") from None
    document = {
        "containerDefinitions": containers,
        "cpu": values.get("cpu"),
        "memory": values.get("memory"),
        "networkMode": values.get("network_mode") or None,
        "runtimePlatform": {
            "cpuArchitecture": platform.get("cpu_architecture") or None,
            "operatingSystemFamily": platform.get("operating_system_family") or "LINUX",
        },
        "ephemeralStorage": {"sizeInGiB": storage.get("size_in_gib")} if storage else None,
    }
    # Where it runs is the service's to say: a definition may allow more.
    return with_definition(service, workload, document, f"{definition.place.file}, {definition.address}")
