"""README of the folder: what is in it, what to fill in, every command in order, and the way back."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from advisor.ecs import LaunchType, PurchaseOption
from advisor.emit.ecs import names
from advisor.emit.ecs.calls import INDEX, Call
from advisor.emit.ecs.notes import notes_section
from advisor.emit.ecs.placeholders import PLACEHOLDER_SCRIPT, Placeholder
from advisor.emit.ecs.roles import TRUST_EC2, TRUST_ECS, TRUST_TASKS, execution_policy_file
from advisor.plan import CapacityProvider, Plan, ScalingMetric, ServicePlan

_FILL: Final = f"find . -name '*.json' -exec sed -i.bak -f {PLACEHOLDER_SCRIPT} {{}} + && find . -name '*.json.bak' -delete"
_INSTANCE_POLICY: Final = {
    LaunchType.EC2: "service-role/AmazonEC2ContainerServiceforEC2Role",
    LaunchType.MANAGED_INSTANCES: "AmazonECSInstanceRolePolicyForManagedInstances",
}


def readme(plan: Plan, calls: Sequence[Call], placeholders: Sequence[Placeholder]) -> str:
    sections = [
        _summary(plan),
        _placeholder_section(placeholders),
        _roles_section(plan),
        _deploy_section(plan, calls),
        _update_section(plan),
        _way_back_section(plan),
        notes_section(plan),
    ]
    return "\n".join(sections)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _shell(commands: Iterable[str]) -> str:
    return "```sh\n" + "".join(f"{command}\n" for command in commands) + "```\n"


def _summary(plan: Plan) -> str:
    rows = [_service_row(name, plan.services[name]) for name in sorted(plan.services)]
    return (
        f"# Deploy files for cluster `{plan.cluster}` in `{plan.region}`\n\n"
        f"Each `.json` file outside `policies/` is the request of one AWS API call; `{INDEX}` lists them in order. The files\n"
        "create: where the cluster or a service exists already, read the last section first.\n\n"
        + _table(["service", "runs on", "task", "architecture", "tasks", "scaling"], rows)
    )


def _service_row(name: str, service: ServicePlan) -> list[str]:
    purchase = " Spot" if service.purchase_option is PurchaseOption.SPOT else ""
    where = f"{service.launch_type.replace('_', ' ')}{purchase}, `{service.capacity_provider}`"
    tasks = f"{service.desired_tasks}, between {service.min_tasks} and {service.max_tasks}"
    size = f"{service.task.cpu_units} CPU units, {service.task.memory_mib} MiB"
    return [f"`{name}`", where, size, f"`{service.architecture}`", tasks, _scaling_text(service)]


def _scaling_text(service: ServicePlan) -> str:
    if service.scaling_metric is ScalingMetric.CPU:
        return f"{service.scaling_target:g} % CPU"
    if service.scaling_metric is ScalingMetric.REQUESTS:
        return f"{service.scaling_target:g} requests per task and minute"
    return "none: the count is kept"


def _placeholder_section(placeholders: Sequence[Placeholder]) -> str:
    rows = [[f"`{placeholder.text}`", placeholder.meaning] for placeholder in placeholders]
    return (
        "## 1. Fill in the placeholders\n\n"
        f"Write the values into `{PLACEHOLDER_SCRIPT}`, then run this in a copy of the folder:\n\n"
        + _shell([_FILL])
        + "\n"
        + _table(["placeholder", "what it is"], rows)
    )


def _roles_section(plan: Plan) -> str:
    commands: list[str] = []
    for name in sorted(plan.services):
        execution, task = names.execution_role(plan.cluster, name), names.task_role(plan.cluster, name)
        document = f"file://{execution_policy_file(name)}"
        commands += [
            _create_role(execution, TRUST_TASKS),
            f"aws iam put-role-policy --role-name {execution} --policy-name execution --policy-document {document}",
            _create_role(task, TRUST_TASKS),
        ]
    for name in sorted(plan.capacity_providers):
        commands += _instance_role_commands(plan, plan.capacity_providers[name])
    if _has(plan, LaunchType.MANAGED_INSTANCES):
        role = names.infrastructure_role(plan.cluster)
        policy = "AmazonECSInfrastructureRolePolicyForManagedInstances"
        commands += [_create_role(role, TRUST_ECS), _attach(plan, role, policy)]
    return (
        "## 2. Make the roles\n\n"
        "The execution role is for ECS: it pulls this image and writes these logs. The task role is for your program and\n"
        "starts with no permission at all: add what the program calls.\n\n" + _shell(commands)
    )


def _create_role(role: str, trust: str) -> str:
    return f"aws iam create-role --role-name {role} --assume-role-policy-document file://{trust}"


def _attach(plan: Plan, role: str, policy: str) -> str:
    managed = f"arn:{names.partition(plan.region)}:iam::aws:policy/{policy}"
    return f"aws iam attach-role-policy --role-name {role} --policy-arn {managed}"


def _instance_role_commands(plan: Plan, provider: CapacityProvider) -> list[str]:
    if provider.launch_type is LaunchType.FARGATE:
        return []
    role = names.instance_role(plan.cluster, provider.name)
    return [
        _create_role(role, TRUST_EC2),
        _attach(plan, role, _INSTANCE_POLICY[provider.launch_type]),
        f"aws iam create-instance-profile --instance-profile-name {role}",
        f"aws iam add-role-to-instance-profile --instance-profile-name {role} --role-name {role}",
    ]


def _has(plan: Plan, launch_type: LaunchType) -> bool:
    return any(provider.launch_type is launch_type for provider in plan.capacity_providers.values())


def _deploy_section(plan: Plan, calls: Sequence[Call]) -> str:
    text = "## 3. Deploy\n\nRun from inside the folder, in this order.\n"
    for folder, group in groupby(calls, key=lambda call: call.folder):
        if folder.startswith("services/"):
            text += f"\nService `{folder.split('/')[1]}`:\n"
        text += "\n" + _call_blocks(plan, list(group))
    return text


def _call_blocks(plan: Plan, calls: Sequence[Call]) -> str:
    """Commands; the number of a target group is not known before its call, so a stop comes after that."""
    commands = [_command(plan, call) for call in calls]
    stop = next((index + 1 for index, call in enumerate(calls) if call.operation == "CreateTargetGroup"), 0)
    if not stop:
        return _shell(commands)
    target_group = calls[stop - 1].request["Name"]
    number = f"The last part of the ARN that this printed for `{target_group}` is its number."
    fill = f"\n{number} Write it into `{PLACEHOLDER_SCRIPT}`, then:\n\n"
    return _shell(commands[:stop]) + fill + _shell([_FILL, *commands[stop:]])


def _command(plan: Plan, call: Call) -> str:
    return f"aws {call.service} {call.command} --region {plan.region} --cli-input-json file://{call.file}"


def _update_section(plan: Plan) -> str:
    commands: list[str] = []
    for name in sorted(plan.services):
        commands += [
            f"aws ecs register-task-definition --region {plan.region} --cli-input-json file://services/{name}/register-task-definition.json",
            f"aws ecs update-service --region {plan.region} --cluster {plan.cluster} --service {name}"
            f" --task-definition {names.family(plan.cluster, name)}",
        ]
    return (
        "## 4. Later deployments\n\n"
        "Leave `desiredCount` out of updates: `create-service` needs it once, from then on the count belongs to service auto\n"
        "scaling, and an update that repeats the old number would undo what it did. `register-scalable-target` and\n"
        "`put-scaling-policy` may be run again with new values at any time.\n\n" + _shell(commands)
    )


def _way_back_section(plan: Plan) -> str:
    update = f"aws ecs update-service --region {plan.region} --cluster {plan.cluster}"
    return (
        "## 5. Way back\n\n"
        "A deployment whose tasks do not become healthy is rolled back by the circuit breaker. By hand, for one service:\n\n"
        + _shell([f"{update} --service NAME --task-definition FAMILY:REVISION"])
        + "\nTo take everything away again (log groups with their logs, roles and account settings stay):\n\n"
        + _shell(_removals(plan))
    )


def _removals(plan: Plan) -> list[str]:
    commands: list[str] = []
    for name in sorted(plan.services):
        commands += _service_removals(plan, name)
    commands.append(
        f"aws ecs put-cluster-capacity-providers --region {plan.region} --cluster {plan.cluster}"
        " --capacity-providers '[]' --default-capacity-provider-strategy '[]'"
    )
    for name in sorted(plan.capacity_providers):
        commands += _provider_removals(plan, plan.capacity_providers[name])
    return [*commands, f"aws ecs delete-cluster --region {plan.region} --cluster {plan.cluster}"]


def _service_removals(plan: Plan, name: str) -> list[str]:
    service, commands = plan.services[name], []
    if service.scaling_metric is not ScalingMetric.NONE:
        commands.append(
            f"aws application-autoscaling deregister-scalable-target --region {plan.region} --service-namespace ecs"
            f" --resource-id service/{plan.cluster}/{name} --scalable-dimension ecs:service:DesiredCount"
        )
    commands += [
        f"aws ecs delete-service --region {plan.region} --cluster {plan.cluster} --service {name} --force",
        f"aws ecs wait services-inactive --region {plan.region} --cluster {plan.cluster} --services {name}",
    ]
    if service.port is not None:
        commands += _load_balancing_removals(plan.region, names.target_group_name(plan.cluster, name))
    return commands


def _load_balancing_removals(region: str, target_group: str) -> list[str]:
    found = f"aws elbv2 describe-target-groups --region {region} --names {target_group}"
    return [
        f"# first `aws elbv2 delete-rule --rule-arn ARN`, with the ARN that create-rule printed for {target_group}",
        f"aws elbv2 delete-target-group --region {region}"
        f" --target-group-arn $({found} --query 'TargetGroups[0].TargetGroupArn' --output text)",
    ]


def _provider_removals(plan: Plan, provider: CapacityProvider) -> list[str]:
    if provider.launch_type is LaunchType.FARGATE:
        return []
    delete = f"aws ecs delete-capacity-provider --region {plan.region} --capacity-provider {provider.name}"
    if provider.launch_type is LaunchType.MANAGED_INSTANCES:
        return [f"{delete} --cluster {plan.cluster}"]
    group, template = names.group_name(plan.cluster, provider.name), names.launch_template_name(plan.cluster, provider.name)
    return [
        delete,
        f"aws autoscaling delete-auto-scaling-group --region {plan.region} --auto-scaling-group-name {group} --force-delete",
        f"aws ec2 delete-launch-template --region {plan.region} --launch-template-name {template}",
    ]
