"""The scripts of the folder: deploy, push images, and the way back. POSIX shell and the AWS CLI, nothing else."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from advisor.ecs import LaunchType
from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Call, cli_name
from advisor.emit.ecs.placeholders import PLACEHOLDER_SCRIPT
from advisor.emit.ecs.registry import open_images
from advisor.emit.ecs.scaling import scales
from advisor.plan import Plan

DEPLOY: Final = "deploy.sh"
PUSH: Final = "push.sh"
REMOVE: Final = "remove.sh"

_HEAD: Final = f"""#!/bin/sh
# {{title}}
set -eu
cd "$(dirname "$0")"
here=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R . "$work" && cd "$work"

# Replaces a placeholder in the copies of the requests.
fill() {{{{
    find . -name '*.json' -exec sed -i.bak "s|$1|$2|g" {{{{}}}} +
    find . -name '*.json.bak' -exec rm {{{{}}}} +
}}}}
find . -name '*.json' -exec sed -i.bak -f {PLACEHOLDER_SCRIPT} {{{{}}}} +
find . -name '*.json.bak' -exec rm {{{{}}}} +
account=$(aws sts get-caller-identity --query Account --output text)
fill '{names.ACCOUNT}' "$account"
"""
_COMPLETE: Final = f"""
if grep -v '^#' "$here/{PLACEHOLDER_SCRIPT}" | grep -E '^s[|]([^|]*)[|]\\1[|]g$' >&2; then
    echo 'error: fill in these lines of {PLACEHOLDER_SCRIPT} first' >&2
    exit 1
fi
"""


def scripts(plan: Plan, calls: Sequence[Call]) -> dict[str, str]:
    files = {DEPLOY: _deploy(plan, calls), REMOVE: _remove(plan)}
    if open_images(plan):
        files[PUSH] = _push(plan, calls)
    return files


def _deploy(plan: Plan, calls: Sequence[Call]) -> str:
    lines = [_HEAD.format(title=f"Creates what the plan needs in {plan.region}, in this order."), _COMPLETE]
    for folder, group in groupby((call for call in calls if call.service != "ecr"), key=lambda call: call.folder):
        lines.append(f"\necho '{folder or 'cluster'}'\n")
        for call in group:
            lines += _commands(plan, call)
    return "".join(lines)


def command(plan: Plan, call: Call) -> str:
    documents = "".join(f" --{cli_name(member)} file://{document.file}" for member, document in call.documents.items())
    return f"aws {call.service} {call.command} --region {plan.region} --cli-input-json file://{call.file}{documents}"


def _commands(plan: Plan, call: Call) -> list[str]:
    if call.capture is None:
        return [f"{command(plan, call)} >/dev/null\n"]
    # Of a target group the number at the end of the ARN is needed, which stands in its ARN and in its metrics' name.
    value = '"${answer##*/}"' if call.operation == "CreateTargetGroup" else '"$answer"'
    return [
        f"answer=$({command(plan, call)} --query '{call.capture.query}' --output text)\n",
        f"fill '{call.capture.placeholder}' {value}\n",
    ]


def _push(plan: Plan, calls: Sequence[Call]) -> str:
    registry = f"$account.dkr.ecr.{plan.region}.amazonaws.com" + (".cn" if names.partition(plan.region) == "aws-cn" else "")
    lines = [_HEAD.format(title="Makes the repositories, then builds and pushes: sh push.sh TAG [FOLDER WITH THE DOCKERFILES]")]
    lines.append("\ntag=${1:?the tag}\nsource=${2:-$here}\n")
    lines += [f"{command(plan, call)} >/dev/null || true  # it may exist\n" for call in calls if call.service == "ecr"]
    login = f"aws ecr get-login-password --region {plan.region}"
    lines.append(f'{login} | docker login --username AWS --password-stdin "{registry}"\n')
    for service, container in open_images(plan):
        image = f"{registry}/{names.repository_name(plan.cluster, service, container)}:$tag"
        platform = "linux/arm64" if plan.services[service].architecture == "ARM64" else "linux/amd64"
        if plan.services[service].is_windows:
            platform = "windows/amd64"
        folder = service if container == service else f"{service}/{container}"
        lines.append(f'docker build --platform {platform} --tag "{image}" "$source/{folder}"\ndocker push "{image}"\n')
    return "".join(lines)


def _remove(plan: Plan) -> str:
    head = (
        f"#!/bin/sh\n# Takes away what {DEPLOY} made; what is already gone is passed over. Log groups with their logs,\n"
        "# images and the account setting stay.\nset -u\n"
    )
    return head + "".join(f"{line}\n" for line in _removals(plan))


def _removals(plan: Plan) -> list[str]:
    region = f"--region {plan.region}"
    lines: list[str] = []
    for name in sorted(plan.services):
        lines += _service_removals(plan, name)
    lines.append(
        f"aws ecs put-cluster-capacity-providers {region} --cluster {plan.cluster}"
        " --capacity-providers '[]' --default-capacity-provider-strategy '[]'"
    )
    for name in sorted(plan.capacity_providers):
        lines += _provider_removals(plan, name)
    if any(service.schedule is None for service in plan.services.values()):
        lines.append(f"aws cloudwatch delete-dashboards {region} --dashboard-names {plan.cluster}")
    lines.append(f"aws ecs delete-cluster {region} --cluster {plan.cluster}")
    for kind, owner in _security_groups(plan):
        name = names.security_group_name(kind, plan.cluster, owner)
        found = f"aws ec2 describe-security-groups {region} --filters Name=group-name,Values={name}"
        found += " --query 'SecurityGroups[0].GroupId' --output text"
        lines.append(f'aws ec2 delete-security-group {region} --group-id "$({found})"')
    return [*lines, *_role_removals(plan)]


def _security_groups(plan: Plan) -> list[tuple[str, str]]:
    tasks = [("tasks", name) for name in sorted(plan.services) if plan.services[name].network_mode == "awsvpc"]
    providers = plan.capacity_providers.items()
    return tasks + [("instances", name) for name, p in sorted(providers) if p.launch_type is not LaunchType.FARGATE]


def _service_removals(plan: Plan, name: str) -> list[str]:
    service, region = plan.services[name], f"--region {plan.region}"
    if service.schedule is not None:
        return [f"aws scheduler delete-schedule {region} --name {names.schedule_name(plan.cluster, name)}"]
    lines: list[str] = []
    if scales(service):
        lines.append(
            f"aws application-autoscaling deregister-scalable-target {region} --service-namespace ecs"
            f" --resource-id service/{plan.cluster}/{name} --scalable-dimension ecs:service:DesiredCount"
        )
    kinds = ["cpu", "memory", "tasks", *(f"step-{policy.name}" for policy in service.step_policies)]
    alarms = " ".join(names.alarm(plan.cluster, name, kind) for kind in kinds)
    lines += [
        f"aws cloudwatch delete-alarms {region} --alarm-names {alarms}",
        f"aws ecs delete-service {region} --cluster {plan.cluster} --service {name} --force",
        f"aws ecs wait services-inactive {region} --cluster {plan.cluster} --services {name}",
    ]
    if service.port is not None and service.shares_target_group_of is None:
        lines += _load_balancing_removals(plan, name)
    return lines


def _load_balancing_removals(plan: Plan, name: str) -> list[str]:
    """The rule or listener that forwards to the target group goes first, else the group is in use."""
    region = f"--region {plan.region}"
    found = f"aws elbv2 describe-target-groups {region} --names {names.target_group_name(plan.cluster, name)}"
    lines = [
        f"group=$({found} --query 'TargetGroups[0].TargetGroupArn' --output text)",
        f"balancer=$({found} --query 'TargetGroups[0].LoadBalancerArns[0]' --output text)",
        f'for listener in $(aws elbv2 describe-listeners {region} --load-balancer-arn "$balancer"'
        " --query 'Listeners[].ListenerArn' --output text); do",
        f'    for rule in $(aws elbv2 describe-rules {region} --listener-arn "$listener"'
        " --query \"Rules[?!IsDefault && Actions[?TargetGroupArn=='$group']].RuleArn\" --output text); do",
        f'        aws elbv2 delete-rule {region} --rule-arn "$rule"',
        "    done",
        "done",
        f'aws elbv2 delete-target-group {region} --target-group-arn "$group"',
    ]
    if plan.services[name].load_balancer == "network":
        query = "Listeners[?DefaultActions[?TargetGroupArn=='$group']].ListenerArn"
        lines[2:7] = [
            f'for listener in $(aws elbv2 describe-listeners {region} --load-balancer-arn "$balancer"'
            f' --query "{query}" --output text); do',
            f'    aws elbv2 delete-listener {region} --listener-arn "$listener"',
            "done",
        ]
    return lines


def _provider_removals(plan: Plan, name: str) -> list[str]:
    provider, region = plan.capacity_providers[name], f"--region {plan.region}"
    if provider.launch_type is LaunchType.FARGATE:
        return []
    delete = f"aws ecs delete-capacity-provider {region} --capacity-provider {name}"
    if provider.launch_type is LaunchType.MANAGED_INSTANCES:
        return [f"{delete} --cluster {plan.cluster}"]
    group, template = names.group_name(plan.cluster, name), names.launch_template_name(plan.cluster, name)
    return [
        delete,
        f"aws autoscaling delete-auto-scaling-group {region} --auto-scaling-group-name {group} --force-delete",
        f"aws ec2 delete-launch-template {region} --launch-template-name {template}",
    ]


def _role_removals(plan: Plan) -> list[str]:
    lines: list[str] = []
    inline: dict[str, list[str]] = {}
    for name, service in sorted(plan.services.items()):
        inline[names.execution_role(plan.cluster, name)] = ["execution"]
        mounts = any(volume.access_point_id for volume in service.volumes)
        inline[names.task_role(plan.cluster, name)] = ["file-systems"] if mounts else []
        if service.schedule is not None:
            inline[names.scheduler_role(plan.cluster, name)] = ["run-task"]
    for role, policies in inline.items():
        lines += [f"aws iam delete-role-policy --role-name {role} --policy-name {policy}" for policy in policies]
        lines.append(f"aws iam delete-role --role-name {role}")
    attached = [names.instance_role(plan.cluster, n) for k, n in _security_groups(plan) if k == "instances"]
    lines += [
        line
        for role in attached
        for line in (
            f"aws iam remove-role-from-instance-profile --instance-profile-name {role} --role-name {role}",
            f"aws iam delete-instance-profile --instance-profile-name {role}",
        )
    ]
    if any(provider.launch_type is LaunchType.MANAGED_INSTANCES for provider in plan.capacity_providers.values()):
        attached.append(names.infrastructure_role(plan.cluster))
    for role in attached:
        found = f"aws iam list-attached-role-policies --role-name {role}"
        lines += [
            f"for policy in $({found} --query 'AttachedPolicies[].PolicyArn' --output text); do",
            f'    aws iam detach-role-policy --role-name {role} --policy-arn "$policy"',
            "done",
            f"aws iam delete-role --role-name {role}",
        ]
    return lines
