"""Names of alternatives, as a reader would say them."""

from collections.abc import Sequence

from advisor.ecs import Architecture, LaunchType, PurchaseOption
from advisor.optimize.parts import Part
from advisor.optimize.search import CapacityKind

FARGATE_TITLES = {PurchaseOption.ON_DEMAND: "Fargate", PurchaseOption.SPOT: "Fargate Spot"}
_FEE_DERIVED = ", fee derived"
_OPTIONS = {PurchaseOption.ON_DEMAND: "", PurchaseOption.SPOT: "Spot"}


def capacity_title(kind: CapacityKind, instance_types: Sequence[str], how: str = "") -> str:
    """``EC2 shared m7g.large``; on-demand unless it says Spot."""
    if not instance_types:
        types = str(kind.architecture)
    elif len(instance_types) == 1:
        types = instance_types[0]
    else:
        types = f"{instance_types[0]} and {len(instance_types) - 1} more"
    words = [kind.launch_type.called, how, types, _OPTIONS[kind.purchase_option]]
    return _with_remark(" ".join(word for word in words if word), kind.launch_type is LaunchType.MANAGED_INSTANCES)


def parts_title(parts: Sequence[Part]) -> str:
    """A name for parts together, equal ones folded: ``Fargate ARM64 + EC2 c6a.2xlarge (worker)``."""
    by_title: dict[str, list[str]] = {}
    for part in parts:
        by_title.setdefault(_part_title(part), []).extend(part.services)
    n_most = max(len(names) for names in by_title.values())
    most = next(title for title, names in by_title.items() if len(names) == n_most)
    titles = sorted(by_title.items(), key=lambda item: item[0] != most)
    joined = " + ".join(title if title == most else f"{title} ({_few(names)})" for title, names in titles)
    return _with_remark(joined, any(part.provider.launch_type is LaunchType.MANAGED_INSTANCES for part in parts))


def _with_remark(title: str, has_fee: bool) -> str:
    return f"{title}{_FEE_DERIVED}" if has_fee else title


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 2 else f"{names[0]} and {len(names) - 1} more"


def _part_title(part: Part) -> str:
    if part.provider.launch_type is LaunchType.FARGATE:
        (service,) = part.services.values()
        over = f" over an On-Demand base of {part.on_demand_base}" if part.on_demand_base else ""
        return f"{FARGATE_TITLES[part.provider.purchase_option]} {service.architecture}{over}"
    kind = CapacityKind(
        launch_type=part.provider.launch_type,
        purchase_option=part.provider.purchase_option,
        architecture=part.provider.architecture or Architecture.X86_64,
    )
    title = capacity_title(kind, part.provider.instance_types, "shared" if len(part.services) > 1 else "")
    base = part.provider.on_demand_base
    over = f" over an On-Demand base of {base} instance{'s' if base > 1 else ''}" if base else ""
    return title.removesuffix(_FEE_DERIVED) + over
