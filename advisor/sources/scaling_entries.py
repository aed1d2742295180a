"""Service auto scaling from a workload file: bounds, target, scheduled actions and step policies of the model."""

from typing import TYPE_CHECKING

from advisor.bounds import action_said, why_bounds_clash
from advisor.ecs import DEFAULT_COOLDOWN_S
from advisor.sources.input_files import Place
from advisor.workload import LoadForm, Scaling, Service

if TYPE_CHECKING:
    from advisor.sources.workload_models import ServiceEntry


def scaling_of(entry: "ServiceEntry", zones: int) -> Scaling:
    """Bounds and target. A load-balanced service in two zones keeps two tasks, so that the loss of a zone leaves one."""
    stated = entry.scaling
    min_tasks = stated.min if stated.min is not None else 2 if entry.port and zones >= 2 else 1
    if stated.max is not None:
        min_tasks = min(min_tasks, stated.max)
    scaling = Scaling(
        min_tasks=min_tasks,
        max_tasks=stated.max,
        is_min_stated=stated.min is not None,
        scheduled_actions=stated.actions(),
        out_cooldown_s=_or_default(stated.scale_out_cooldown),
        in_cooldown_s=_or_default(stated.scale_in_cooldown),
    )
    return scaling.with_policies(stated.policies(), None if stated.target_cpu is None else stated.target_cpu / 100)


def _or_default(cooldown_s: int | None) -> int:
    return DEFAULT_COOLDOWN_S if cooldown_s is None else cooldown_s


def check_scheduled(service: Service, place: Place) -> None:
    """Refuse scheduled actions that Application Auto Scaling would, once they run, or that no policy can follow."""
    clash = why_bounds_clash(service.scaling)
    if clash is not None:
        raise place.error(f"{service.name}: {clash}", fix="Give every action both min_capacity and max_capacity.")
    if service.is_batch and service.scaling.scheduled_actions:
        raise place.error(f"{service.name} is a batch, which no service auto scaling runs", fix="Leave scheduled_actions out.")


def scheduled_note(service: Service) -> str:
    """What its scheduled actions do, as a sentence."""
    moves = "; ".join(action_said(action) for action in service.scaling.scheduled_actions)
    if service.load_form is LoadForm.TASKS:
        return f"{service.name}: its scheduled actions ({moves}) are not applied: task counts are taken as they ran."
    return f"{service.name}: scheduled actions move the bounds of its count: {moves}."


def check_cooldowns(service: Service, place: Place) -> None:
    """Refuse cooldowns of what never scales."""
    if service.is_batch and service.scaling.has_own_cooldowns:
        raise place.error(
            f"{service.name} is a batch, which no service auto scaling runs",
            fix="Leave scale_out_cooldown and scale_in_cooldown out.",
        )


def cooldowns_note(service: Service) -> str:
    """That counts which ran know none, as a sentence."""
    return f"{service.name}: its cooldowns are not applied: task counts are taken as they ran."


def check_steps(service: Service, place: Place) -> None:
    """Refuse step policies that nothing could replay, or that could never act."""
    scaling = service.scaling
    if not scaling.step_policies:
        return
    if service.is_batch:
        raise place.error(f"{service.name} is a batch, which no service auto scaling runs", fix="Leave step_scaling out.")
    if scaling.is_fixed:
        raise place.error(
            f"{service.name}: min and max are both {scaling.min_tasks}, so that no step policy moves the count",
            fix="Give a higher max, or leave step_scaling out.",
        )
    if service.load_form is LoadForm.REQUESTS and not service.is_cpu_known:
        raise place.error(
            f"{service.name}: step policies follow CPU, which its load does not tell",
            fix="Give load.cpu_ms_per_request instead of requests_per_task, or a load of CPU.",
        )


def steps_note(service: Service) -> str:
    """What its step policies do, as a sentence."""
    policies = "; ".join(str(policy) for policy in service.scaling.step_policies)
    if service.load_form is LoadForm.TASKS:
        return f"{service.name}: its step policies ({policies}) are not applied: task counts are taken as they ran."
    beside = " beside its target" if service.scaling.has_target else ""
    return (
        f"{service.name}: step policies move its count{beside}: {policies}. They are "
        "replayed by the minute, whatever the steps of the load, and count tasks of the declared size."
    )
