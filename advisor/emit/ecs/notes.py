"""The last section of the README: what was decided for the reader, and what to do where it does not fit."""

from collections.abc import Sequence
from typing import Final

from advisor.ecs import LaunchType, PurchaseOption
from advisor.emit.ecs.alarms import HIGH_PERCENT
from advisor.emit.ecs.network import SPOT_DEREGISTRATION_S
from advisor.emit.ecs.registry import KEPT_IMAGES, open_images
from advisor.emit.ecs.service import HEALTH_CHECK_GRACE_S
from advisor.emit.ecs.task_definition import SPOT_STOP_TIMEOUT_S
from advisor.plan import CapacityProvider, ContainerInsights, Plan

_CLUSTER: Final = """
**Container Insights is off.** It bills custom metrics for every service and task, and service auto scaling does not need
it. Without it no metric holds the desired count, so the alarm on too few tasks watches healthy targets, or, without a load
balancer, only whether anything runs at all. `enabled` or `enhanced` in the plan's `container_insights` turns it on.
"""
_ALARMS: Final = f"""
**Alarms** watch CPU and memory above {HIGH_PERCENT} %, and too few tasks. They tell nobody yet: add the SNS topic that you
use as an alarm action.
"""
_STEPS: Final = """
**Each step policy has an alarm here that starts it.** One that starts a policy of the same name today goes on doing so: delete
it once the new one is there.
"""
_IMAGES: Final = f"""
**Repositories** scan each image when it is pushed, keep the newest {KEPT_IMAGES}, and let no tag be pushed twice.
"""
_EFS: Final = """
**EFS** traffic is encrypted. The security group of the file system must let the tasks' security group in on port 2049.
"""
_SECRETS: Final = """
**Secrets** are read by ECS with the execution role. One encrypted with a key of your own needs `kms:Decrypt` on that key
too.
"""
_CONNECT: Final = """
**Service Connect** keeps its namespace, which exists already; tasks of services in the same namespace may reach its port.
"""
_BATCH: Final = """
**Scheduled tasks** are started by EventBridge Scheduler, tried again three times within an hour. No service keeps them
running.
"""
_BATCH_DISABLED: Final = """
**A schedule that is disabled** stands where nobody stated when the job runs, or its times have no expression in EventBridge
Scheduler. Put your time and number of tasks (up to 10) in and enable it, or start the task definition yourself with
`run-task`.
"""
_TASKS: Final = """
**Tasks are locked down**: read-only root file system with a writable `/tmp`, no Linux capabilities, an init process, no
`execute-command`. An image that runs as root and changes user, or that binds a port below 1024, may need a capability back:
list the others under `drop` instead of `ALL` (Fargate adds none but SYS_PTRACE). `/tmp` belongs to root unless the image
declares it with `VOLUME`. Windows has none of these settings.
"""
_HEALTH: Final = """
**No container health check** where the plan has none. It runs a command of the image, which these files cannot know, and a
wrong one stops every deployment. Where the image has one, add it to the container.
"""
_LOAD_BALANCER: Final = f"""
**Load balancing** uses a load balancer that you have: a rule of an application load balancer's listener forwards one host
name to each service, a network load balancer gets a listener on the service's port. Health checks ask for `/` and accept
200 to 399; a new task has {HEALTH_CHECK_GRACE_S} s of grace. Change the target group and the service where the program
answers elsewhere or starts slower, and the rule's priority where the listener has rules. Tasks admit that load balancer's
security group on their port, and nothing else.
"""
_SPOT: Final = f"""
**Spot** ends tasks two minutes after a warning. Containers get SIGTERM and {SPOT_STOP_TIMEOUT_S} s, load balancers let open
requests end for {SPOT_DEREGISTRATION_S} s. Nothing replaces Spot capacity by On-Demand: while there is none, tasks wait.
"""
_INSTANCES: Final = """
**Instances** boot the newest ECS-optimized Amazon Linux 2023 of their architecture, demand IMDSv2 and keep tasks from the
instance's credentials. Capacity comes and goes with the tasks: the group starts {first}, and ECS alone changes its size.
"""
_SPARE_INSTANCES: Final = """
**A target capacity below 100** keeps spare instances. AWS then demands binpack before the spread over zones (else each task
gets an instance of its own), so zones are kept equal only as far as packing leaves a choice.
"""
_TRUNKING: Final = """
**awsvpc trunking** lets more tasks with their own interface fit on an instance, and the plan counts on it. The setting
holds for all clusters of the account in this Region, for instances launched after it, of types that can.
"""
_MANAGED: Final = """
**Managed Instances** choose among the types listed; they have no upper bound, no target capacity and no placement strategy.
What the plan says of these is kept in `advisor:` tags and changes nothing.
"""
_EXISTING: Final = """
**Where something exists already:** `put-cluster-capacity-providers` replaces the cluster's list, so add what it has to
`03-put-cluster-capacity-providers.json`. `create-service` refuses a name in use: then run `update-service` with the new
task definition, the capacity provider strategy of the file (for Fargate `capacityProvider=FARGATE,weight=1`, since one
launch type cannot become another) and `--force-new-deployment`.
"""
_FARGATE_QUOTAS: Final = {
    PurchaseOption.ON_DEMAND: ("On-Demand", "L-3032A538"),
    PurchaseOption.SPOT: ("Spot", "L-36FBB829"),
}


def notes_section(plan: Plan) -> str:
    return _section([*_notes_that_apply(plan), *_quotas(plan), _EXISTING])


def stack_notes_section(plan: Plan) -> str:
    """For formats that keep track themselves of what exists."""
    return _section([*_notes_that_apply(plan), *_quotas(plan)])


def _section(notes: list[str]) -> str:
    return "## What you may want to change\n\n" + "".join(f"- {' '.join(note.split())}\n" for note in notes)


def _notes_that_apply(plan: Plan) -> list[str]:
    services, providers = plan.services.values(), plan.capacity_providers.values()
    containers = [container for name, service in plan.services.items() for container in service.containers_of(name)]
    groups = [provider for provider in providers if provider.launch_type is LaunchType.EC2]
    applies = {
        _CLUSTER: plan.container_insights is ContainerInsights.DISABLED,
        _TASKS: bool(services),
        _HEALTH: any(container.health_check is None for container in containers),
        _ALARMS: bool(services),
        _STEPS: any(service.step_policies for service in services),
        _IMAGES: bool(open_images(plan)),
        _LOAD_BALANCER: any(service.port is not None for service in services),
        _CONNECT: any(service.service_connect is not None for service in services),
        _SECRETS: any(container.secrets for container in containers),
        _EFS: any(service.volumes for service in services),
        _BATCH: any(service.schedule is not None for service in services),
        _BATCH_DISABLED: any(not service.is_schedule_enabled for service in services),
        _SPOT: any(provider.purchase_option is PurchaseOption.SPOT for provider in providers),
        _INSTANCES.format(first=_first_size(groups)): bool(groups),
        _SPARE_INSTANCES: any(provider.target_capacity_percent < 100 for provider in groups),
        _TRUNKING: any(provider.has_trunking for provider in groups),
        _MANAGED: any(provider.launch_type is LaunchType.MANAGED_INSTANCES for provider in providers),
    }
    return [note for note, is_apt in applies.items() if is_apt]


def _first_size(groups: Sequence[CapacityProvider]) -> str:
    least = max((group.min_instances for group in groups), default=0)
    return f"with its minimum (up to {least})" if least else "empty"


def _quotas(plan: Plan) -> list[str]:
    notes: list[str] = []
    for option, (label, code) in _FARGATE_QUOTAS.items():
        mine = [s for s in plan.services.values() if s.launch_type is LaunchType.FARGATE and s.purchase_option is option]
        if mine:
            vcpu = sum(service.max_tasks * service.task.vcpu for service in mine)
            notes.append(
                f"**Quota {code}**, Fargate {label} vCPUs, is 6 in a new account. At its upper bounds this plan runs {vcpu:g},"
                " twice that while everything is deployed at once."
            )
    return notes
