"""Where services run, in few words."""

from collections.abc import Iterator, Sequence

from advisor.ecs import Architecture, LaunchType, PurchaseOption
from advisor.plan import Plan
from advisor.recommend.result import Alternative, Recommendation
from advisor.report.words import where

LONG_TITLE, LONG_NAME = 60, 24


def headline(recommendation: Recommendation) -> str:
    """Where the services run, in few words: ``Fargate ARM64 for 4 services, EC2 m7g.large for chat``."""
    places = [(where(service), service.name) for service in recommendation.recommendation.services]
    return _grouped(places, most=4)


def short_title(alternative: Alternative) -> str:
    """The title, or the choices with how many services have each where names make it long."""
    if len(alternative.title) <= LONG_TITLE or alternative.plan is None:
        return alternative.title
    return _grouped(list(_places(alternative.plan)), most=3)


def _places(plan: Plan) -> Iterator[tuple[str, str]]:
    for name, service in plan.services.items():
        types = plan.capacity_providers[service.capacity_provider].instance_types
        yield _place(service.launch_type, service.purchase_option, service.architecture, types), name


def _place(launch_type: LaunchType, option: PurchaseOption, architecture: Architecture, types: Sequence[str]) -> str:
    launch = launch_type.called + (" Spot" if option is PurchaseOption.SPOT else "")
    return f"{launch} {types[0] if types else architecture}"


def _grouped(places: Sequence[tuple[str, str]], most: int) -> str:
    """``Fargate ARM64 for 4 services, EC2 c6a.2xlarge for worker`` from places and the services that run there."""
    groups: dict[str, list[str]] = {}
    for place, name in places:
        groups.setdefault(place, []).append(name)
    if len(groups) == 1 and len(places) > 1:
        return f"{next(iter(groups))} for all {len(places)} services"
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    shown = ordered if len(ordered) <= most else ordered[: most - 1]
    n_left = sum(len(names) for _, names in ordered[len(shown) :])
    said = [f"{place} for {_who(names, is_first=number == 0)}" for number, (place, names) in enumerate(shown)]
    return ", ".join([*said, f"others for {n_left}"] if n_left else said)


def _who(names: Sequence[str], *, is_first: bool) -> str:
    """A short name, or a number: ``4 services`` where it comes first, else ``4``."""
    if len(names) == 1 and len(names[0]) <= LONG_NAME:
        return names[0]
    noun = " service" if len(names) == 1 else " services"
    return f"{len(names)}{noun if is_first else ''}"


def argument(name: str) -> str:
    """A name as every shell takes it, or a placeholder."""
    return name if name.isascii() and all(letter.isalnum() or letter in "-_." for letter in name) else "SERVICE"
