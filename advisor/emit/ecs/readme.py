"""README of the folder: what is in it, the commands, what to fill in."""

from collections.abc import Iterable, Sequence
from typing import Final

from advisor.bounds import bounds_said
from advisor.ecs import Architecture, PurchaseOption
from advisor.emit.ecs.calls import INDEX
from advisor.emit.ecs.notes import notes_section
from advisor.emit.ecs.placeholders import PLACEHOLDER_SCRIPT, Placeholder
from advisor.emit.ecs.registry import open_images
from advisor.emit.ecs.scripts import DEPLOY, PUSH, REMOVE
from advisor.plan import Plan, ScalingMetric, ServicePlan

_TARGETS: Final = {
    ScalingMetric.CPU: "{:g} % CPU",
    ScalingMetric.MEMORY: "{:g} % memory",
    ScalingMetric.REQUESTS: "{:g} requests per task and minute",
}


def readme(plan: Plan, placeholders: Sequence[Placeholder]) -> str:
    return "\n".join([title(plan), _commands(plan), _placeholder_section(placeholders), _update(plan), notes_section(plan)])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def shell(commands: Iterable[str]) -> str:
    return "```sh\n" + "".join(f"{command}\n" for command in commands) + "```\n"


def title(plan: Plan) -> str:
    """What the folder puts into effect."""
    rows = [_service_row(plan, name) for name in sorted(plan.services)]
    head = ["service", "runs on", "task", "architecture", "tasks", "scaling"]
    return f"# Cluster `{plan.cluster}` in `{plan.region}`\n\n" + table(head, rows)


def _service_row(plan: Plan, name: str) -> list[str]:
    service = plan.services[name]
    where = ", ".join(_place(plan, service, number) for number in range(len(service.strategy_items)))
    tasks = f"{service.desired_tasks}, between {service.min_tasks} and {service.max_tasks}"
    if service.schedule is not None:
        tasks = f"{service.desired_tasks} at `{service.schedule}` {service.schedule_time_zone}"
        if not service.is_schedule_enabled:
            tasks = f"{service.desired_tasks} when you start it"
    size = f"{service.task.cpu_units} CPU units, {service.task.memory_mib} MiB"
    system = "" if service.operating_system == "LINUX" else f", {service.operating_system}"
    return [f"`{name}`", where, size, f"`{service.architecture}`{system}", tasks, _scaling_text(service)]


def _place(plan: Plan, service: ServicePlan, number: int) -> str:
    item = service.strategy_items[number]
    provider = plan.capacity_providers[item.capacity_provider]
    purchase = " Spot" if provider.purchase_option is PurchaseOption.SPOT else ""
    purchase += f" over {provider.on_demand_base} On-Demand" if provider.on_demand_base else ""
    mix = f" (base {item.base}, weight {item.weight})" if service.strategy else ""
    return f"{provider.launch_type.replace('_', ' ')}{purchase}, `{provider.name}`{mix}"


def _scaling_text(service: ServicePlan) -> str:
    parts = []
    if service.scaling_target is not None:
        parts.append(_TARGETS[service.scaling_metric].format(service.scaling_target))
    parts += [f"steps `{policy.name}`" for policy in service.step_policies]
    parts += [
        f"{bounds_said(action.min_tasks, action.max_tasks)} from `{action.schedule}` {action.time_zone}"
        for action in service.scheduled_actions
    ]
    return ", ".join(parts) or "none: the count is kept"


def _commands(plan: Plan) -> str:
    commands = [f"${{EDITOR:-vi}} {PLACEHOLDER_SCRIPT}  # fill in the values below"]
    if open_images(plan):
        commands.append(f"sh {PUSH} TAG SOURCE  # make the repositories, build and push the images")
    commands.append(f"sh {DEPLOY}")
    text = (
        "## Deploy\n\n"
        + shell(commands)
        + f"\n`sh {REMOVE}` is the way back. Every `.json` file outside `policies/` is the request of one AWS API call,\n"
        f"`{INDEX}` lists them in order, and `{DEPLOY}` makes them with the AWS CLI. It creates: where the cluster or a\n"
        "service exists already, read the last section first.\n"
    )
    if open_images(plan):
        folders = ", ".join(f"`SOURCE/{s if s == c else f'{s}/{c}'}`" for s, c in open_images(plan))
        text += f"\n`{PUSH}` builds {folders}. `TAG` is the image tag that you write into `{PLACEHOLDER_SCRIPT}`.\n"
    return text


def build_commands(plan: Plan, registry: str, repositories: Sequence[tuple[str, str, str]]) -> list[str]:
    """Log in, build, push: for each service, container and repository."""
    commands = [
        "ACCOUNT=$(aws sts get-caller-identity --query Account --output text) TAG=...  # the tag you gave above",
        f"aws ecr get-login-password --region {plan.region} | docker login --username AWS --password-stdin {registry}",
    ]
    for service, container, repository in repositories:
        image, folder = f"{registry}/{repository}:$TAG", service if container == service else f"{service}/{container}"
        platform = build_platform(plan.services[service])
        commands += [f"docker build --platform {platform} --tag {image} {folder}", f"docker push {image}"]
    return commands


def build_platform(service: ServicePlan) -> str:
    if service.is_windows:
        return "windows/amd64"
    return "linux/arm64" if service.architecture is Architecture.ARM64 else "linux/amd64"


def _placeholder_section(placeholders: Sequence[Placeholder]) -> str:
    rows = [[f"`{placeholder.text}`", placeholder.meaning] for placeholder in placeholders]
    return "## What only you know\n\n" + (table(["placeholder", "what it is"], rows) if rows else "Nothing.\n")


def _update(plan: Plan) -> str:
    return (
        "## Later deployments\n\n"
        "Leave `desiredCount` out of updates: `create-service` needs it once, from then on the count belongs to service auto\n"
        "scaling, and an update that repeats the old number would undo what it did. `register-scalable-target` and\n"
        "`put-scaling-policy` may be run again with new values at any time. A deployment whose tasks do not become healthy is\n"
        "rolled back by the circuit breaker; by hand:\n\n"
        + shell(
            [
                f"aws ecs update-service --region {plan.region} --cluster {plan.cluster}"
                " --service NAME --task-definition FAMILY:REVISION"
            ]
        )
    )
