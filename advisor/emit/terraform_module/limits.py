"""What the module cannot express, or what nobody has held against it. Each refusal gives the reason and the way out."""

from advisor.ecs import LaunchType
from advisor.emit.ecs.scaling import scales
from advisor.errors import PlanError
from advisor.plan import Plan, ServicePlan


def check_module(plan: Plan) -> None:
    """Raise `PlanError` for what the module's inputs cannot say, with the service or capacity provider and the reason."""
    for name, provider in plan.capacity_providers.items():
        if provider.launch_type is LaunchType.MANAGED_INSTANCES:
            raise PlanError(
                f"terraform-module cannot express capacity provider {name!r}: Managed Instances are not held against the"
                " module's inputs. Emit cloudformation or ecs instead."
            )
    for name, service in plan.services.items():
        reason = _reason(service)
        if reason:
            raise PlanError(f"terraform-module cannot express service {name!r}: {reason}")


def _reason(service: ServicePlan) -> str:
    if service.schedule is not None:
        return "the module has services, not tasks on a schedule. Emit terraform instead."
    if service.metric_resolution_s != 60:
        return "the module has no input for metrics every 20 s. Emit cloudformation or ecs instead, or plan with 60 s."
    if service.is_windows:
        return "the module leaves out members of containers on Windows, which is not checked. Emit terraform instead."
    if scales(service) and not service.min_tasks <= service.desired_tasks <= service.max_tasks:
        return "the module widens the bounds of scaling to the desired number of tasks. Emit terraform instead."
    return ""
