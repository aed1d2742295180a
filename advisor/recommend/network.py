"""What network modes change: where a plan leaves the stated one, and where interfaces are what instances run out of."""

from collections.abc import Iterable, Sequence

from advisor.ecs import LaunchType, NetworkMode
from advisor.optimize.parts import Part
from advisor.optimize.pricing import BINDING_NAMES
from advisor.recommend.reasons import named
from advisor.recommend.result import Alternative
from advisor.workload import Constraints


def network_changes(parts: Sequence[Part]) -> Iterable[str]:
    """Services whose tasks are on the network in another way than is stated."""
    alike: dict[tuple[NetworkMode, LaunchType, bool], list[str]] = {}
    for part in parts:
        for service in (run.service for run in part.runs):
            launch_type = part.provider.launch_type
            if service.network_mode_on(launch_type) is not service.network_mode:
                alike.setdefault((service.network_mode, launch_type, service.port is not None), []).append(service.name)
    for (stated, launch_type, is_balanced), names in alike.items():
        needed = "subnets, a security group and a target group of type ip" if is_balanced else "subnets and a security group"
        yield (
            f"{named(names)}: stated in {stated} mode, and on {launch_type.called} the plan has {NetworkMode.AWSVPC} mode: "
            f"tasks get addresses of their own, and need {needed}"
        )


def lost_addresses(parts: Sequence[Part]) -> Iterable[str]:
    """Services with public addresses on instances: their tasks in awsvpc mode get none there."""
    for part in parts:
        launch_type = part.provider.launch_type
        services = [run.service for run in part.runs if run.service.has_public_ip]
        names = [each.name for each in services if each.network_mode_on(launch_type) is NetworkMode.AWSVPC]
        if names and part.on_instances:
            yield (
                f"{', '.join(names)}: on {launch_type.called} instances have public addresses, and tasks in awsvpc mode get "
                "none: they reach the internet by NAT gateways or endpoints alone, which are in no alternative's bill"
            )


def short_interfaces(best: Alternative, parts: Sequence[Part], constraints: Constraints) -> Iterable[str]:
    """Where network slots bind on EC2: what would free them."""
    if best.instances is None or best.instances.binding != BINDING_NAMES[2]:
        return
    on_ec2 = [run.service for part in parts if part.provider.launch_type is LaunchType.EC2 for run in part.runs]
    if any(service.network_mode is NetworkMode.AWSVPC and not service.is_windows for service in on_ec2):
        trunking = "" if constraints.has_trunking else "trunking (constraints.trunking) allows more of them, and "
        yield (
            f"instances run out of network interfaces before CPU or memory: {trunking}on EC2 network_mode: bridge takes none"
        )
