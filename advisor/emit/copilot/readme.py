"""README of a Copilot workspace: three commands, and what Copilot decides by itself."""

from collections.abc import Mapping
from typing import Final

from advisor.emit.copilot.limits import main_container, on_demand_base
from advisor.plan import LoadBalancer, Plan, ServicePlan

SUPPORT_ENDED: Final = "AWS ended its support for the Copilot CLI on 2026-06-12."
_SUCCESSORS: Final = "Its source stays open. For a new start take `express`, `cloudformation` or `terraform`."


def readme(plan: Plan, environment: str, variables: Mapping[str, str]) -> str:
    return "\n".join([_summary(plan), _commands(plan, environment, variables), _notes(plan, environment)])


def _summary(plan: Plan) -> str:
    head = f"# Copilot workspace for `{plan.cluster}` in `{plan.region}`\n\n> {SUPPORT_ENDED} {_SUCCESSORS}\n\n"
    lines = ["| manifest | runs on | task | tasks |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{name}` | {_capacity(plan, each)} | {_size(each)} | {_tasks(each)} |"
        for name, each in sorted(plan.services.items())
    ]
    return head + "\n".join(lines) + "\n"


def _capacity(plan: Plan, service: ServicePlan) -> str:
    base = None if service.schedule is not None else on_demand_base(plan, service)
    if base is None:
        return "Fargate"
    return f"Fargate for the first {base}, then Fargate Spot" if base else "Fargate Spot"


def _size(service: ServicePlan) -> str:
    platform = service.operating_system if service.is_windows else service.architecture
    return f"{service.task.cpu_units} CPU units, {service.task.memory_mib} MiB, `{platform}`"


def _tasks(service: ServicePlan) -> str:
    if service.schedule is not None:
        return f"`{service.schedule}` in UTC"
    if service.scaling_target is None:
        return str(service.desired_tasks)
    unit = "requests per task and minute" if service.scaling_metric == "requests" else f"% {service.scaling_metric}"
    return f"{service.min_tasks} to {service.max_tasks}, {service.scaling_target:g} {unit}"


def _commands(plan: Plan, environment: str, variables: Mapping[str, str]) -> str:
    """Copilot looks for the folder ``copilot`` and for a git repository around it."""
    text = "## Deploy\n\nRun in this folder, inside a git repository, with the Copilot CLI 1.34.1 or newer"
    if variables:
        text += ", after naming the images that the plan does not know:\n\n```sh\n"
        text += (
            "".join(f"export {name}=repository-url/image:tag  # {owner}\n" for name, owner in variables.items()) + "```\n\nThen"
        )
    deploy = (
        f"copilot deploy --all --init-wkld --deploy-env --env {environment}"
        if plan.services
        else f"copilot env deploy --name {environment}"
    )
    return (
        f"{text}:\n\n```sh\n"
        f"copilot app init {plan.cluster}\n"
        f"copilot env init --name {environment} --region {plan.region} --profile default --default-config\n"
        f"{deploy}\n```\n\n"
        "`copilot svc package` and `copilot job package` print the CloudFormation templates first. The way back: a deployment\n"
        f"whose tasks do not become healthy is rolled back; `copilot svc delete` takes one service away, `copilot app delete`\n"
        "everything.\n"
    )


def _notes(plan: Plan, environment: str) -> str:
    notes = [
        f"**The cluster** gets its name from Copilot, `{plan.cluster}-{environment}-Cluster-...`, and every container some"
        " variables that begin with `COPILOT_`.",
        *_notes_on_scaling(plan),
        *_notes_on_network(plan),
        *_notes_on_containers(plan),
    ]
    return "## What Copilot decides by itself\n\n" + "".join(f"- {note}\n" for note in notes)


def _notes_on_scaling(plan: Plan) -> list[str]:
    scaled = [name for name, service in sorted(plan.services.items()) if service.scaling_target is not None]
    if not scaled:
        return []
    return [
        "**Tasks to start with** are the fewest of the range, later those that run. The plan would start "
        + ", ".join(f"`{name}` with {plan.services[name].desired_tasks}" for name in scaled)
        + ".",
        "**Cooldowns** in the manifest mean what they say: `in` is for scaling in. Copilot's documentation has them swapped.",
    ]


def _notes_on_network(plan: Plan) -> list[str]:
    services = sorted(plan.services.items())
    notes: list[str] = []
    if any(not service.has_public_ip for _, service in services):
        notes.append(
            "**Private subnets** make Copilot build a NAT gateway per zone, which AWS bills by the hour and by traffic;"
            " the plan's cost does not hold it. An existing network goes into the environment's manifest, under"
            " `network.vpc.id` and `subnets`."
        )
    balanced = [name for name, each in services if each.port is not None and each.load_balancer is LoadBalancer.APPLICATION]
    if balanced:
        paths = "the path `/`" if len(balanced) == 1 else "a path each, " + ", ".join(f"`/{name}`" for name in balanced)
        notes.append(
            f"**Load balancing**: one public Application Load Balancer for the environment, with {paths}, over HTTP until"
            " the application has a domain. Health checks ask for `/`."
        )
    if any(service.port is not None and service.load_balancer is LoadBalancer.NETWORK for _, service in services):
        notes.append("**Network Load Balancers** are public, one for each service that has one.")
    return notes


def _notes_on_containers(plan: Plan) -> list[str]:
    notes: list[str] = []
    renamed = [
        f"`{main_container(name, service).name}` becomes `{name}`"
        for name, service in sorted(plan.services.items())
        if service.containers and main_container(name, service).name != name
    ]
    if renamed:
        notes.append(f"**Main containers** are called like their service: {', '.join(renamed)}.")
    if any(container.secrets for name, service in plan.services.items() for container in service.containers_of(name)):
        notes.append(
            "**Secrets** are readable to the tasks only with the tags `copilot-application` and `copilot-environment` on the"
            " parameter or secret."
        )
    return notes
