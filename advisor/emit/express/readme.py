"""README of an Express Mode folder: three commands, and what AWS decides by itself."""

from collections.abc import Mapping

from advisor.plan import Plan, ServicePlan


def readme(plan: Plan, placeholders: Mapping[str, str]) -> str:
    return "\n".join([_summary(plan), _commands(plan, placeholders), _notes(plan)])


def _summary(plan: Plan) -> str:
    rows = [
        f"| `{name}` | {service.task.cpu_units} CPU units, {service.task.memory_mib} MiB, `{service.architecture}` |"
        f" {_tasks(service)} |"
        for name, service in sorted(plan.services.items())
    ]
    return (
        f"# ECS Express Mode in cluster `{plan.cluster}`, `{plan.region}`\n\n"
        "Express Mode is ECS on Fargate by one call a service, `create-express-gateway-service`, at no charge of its own.\n\n"
        "| service | task | tasks |\n| --- | --- | --- |\n" + "".join(f"{row}\n" for row in rows)
    )


def _tasks(service: ServicePlan) -> str:
    if service.scaling_target is None:
        return str(service.desired_tasks)
    unit = "requests per task and minute" if service.scaling_metric == "requests" else f"% {service.scaling_metric}"
    return f"{service.min_tasks} to {service.max_tasks}, {service.scaling_target:g} {unit}"


def _commands(plan: Plan, placeholders: Mapping[str, str]) -> str:
    names = sorted(plan.services)
    watched = (
        f"aws ecs describe-services --region {plan.region} --cluster {plan.cluster} --services {' '.join(names[:10])}"
        if names
        else f"aws ecs describe-clusters --region {plan.region} --clusters {plan.cluster}"
    )
    rows = "".join(f"| `{text}` | {meaning} |\n" for text, meaning in placeholders.items())
    return (
        "## Deploy\n\nIn a copy of this folder:\n\n```sh\n"
        '"${EDITOR:-vi}" placeholders.sed  # values between the second pair of bars\n'
        "sh deploy.sh\n"
        f"{watched}\n```\n\n"
        f"| placeholder | what it is |\n| --- | --- |\n{rows}\n"
        "Later deployments are `aws ecs update-express-gateway-service --service-arn ARN` with the members that change. The\n"
        "way back: alarms undo a bad deployment; `aws ecs delete-express-gateway-service --service-arn ARN` takes a service\n"
        "away with all that was made for it.\n"
    )


def _notes(plan: Plan) -> str:
    notes = [
        "**Load balancing**: AWS makes an Application Load Balancer with HTTPS, which services of one network share, and"
        " charges for it. Health checks ask for `/`.",
        "**Deployments** are canaries: a small part of the requests first, then all, watched by alarms; both versions run"
        " meanwhile.",
        "**Containers** run as their images say: Express Mode has no member for a read-only root file system or dropped"
        " capabilities. Where that matters, take `ecs`, `cloudformation` or `terraform`.",
    ]
    scaled = [name for name, service in sorted(plan.services.items()) if service.scaling_target is not None]
    if scaled:
        starts = ", ".join(f"`{name}` with {plan.services[name].desired_tasks}" for name in scaled)
        notes.append(
            f"**Tasks to start with** are the fewest that the range allows; the plan would start {starts}, which a tag keeps."
            " Cooldowns are AWS's 300 s, as in the plan."
        )
    fixed = [f"`{name}`" for name, service in sorted(plan.services.items()) if service.scaling_target is None]
    if fixed:
        notes.append(f"**A kept count** is a range without room: {', '.join(fixed)}.")
    return "## What AWS decides by itself\n\n" + "".join(f"- {note}\n" for note in notes)
