"""Launch types that cannot run a service at any price."""

from collections.abc import Iterable

from advisor.ecs import LaunchType, PurchaseOption
from advisor.optimize.alternatives import Alternatives
from advisor.recommend.reasons import named


def left_out(found: Alternatives) -> Iterable[str]:
    """Why there is no alternative there, so that nobody takes it for a dearer one."""
    services: dict[tuple[LaunchType, str], list[str]] = {}
    for load in found.loads:
        name = load.service.name
        for launch_type in LaunchType:
            kind = launch_type, PurchaseOption.ON_DEMAND
            choices = [choice for choice in found.by_service[name] if choice.kind == kind]
            if choices and not any(choice.is_feasible for choice in choices):
                services.setdefault((launch_type, choices[0].reasons[0]), []).append(name)
    for (launch_type, reason), names in services.items():
        yield f"{launch_type.called} cannot run {named(names)}: {reason}"
