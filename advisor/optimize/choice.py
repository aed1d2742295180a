"""One choice of what runs a service or a cluster, before it is billed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from advisor.ecs import LaunchType, PurchaseOption
from advisor.optimize.parts import Part

DEFAULT_SPREAD_ID = "default_spread"
"""Ends the id of a choice that shows what ECS's default placement would cost."""
OVER_BASE_ID = "over_on_demand_base"
_BESIDE = (DEFAULT_SPREAD_ID, OVER_BASE_ID)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """An alternative before its bill: parts, or the reason why there are none."""

    id: str
    title: str
    kind: tuple[LaunchType, PurchaseOption] | None = None
    """Of a choice for one service."""
    parts: tuple[Part, ...] = ()
    missing: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    is_comparison: bool = False
    is_right_sized: bool = False
    """Some task has another size than the declared one, and not only because Fargate lacks that."""

    @property
    def is_feasible(self) -> bool:
        return bool(self.parts) or bool(self.missing)

    @property
    def base_id(self) -> str:
        """Of a comparison, the choice that it stands beside."""
        return base_id(self.id)


def base_id(choice_id: str) -> str:
    """The id of the choice that a comparison stands beside; of others their own."""
    return ":".join(word for word in choice_id.split(":") if word not in _BESIDE)


def is_default_spread(choice_id: str) -> bool:
    """Whether a choice stands under ECS's default placement beside the same packed."""
    return DEFAULT_SPREAD_ID in choice_id.split(":")


def without_repeats(choices: Iterable[Choice]) -> Iterable[Choice]:
    """The same plan is offered once, under its first name; what stands beside it to compare goes by that name, too.

    What cannot run is told once for one reason.
    """
    first_of: dict[frozenset[object], str] = {}
    refused: set[tuple[str, tuple[str, ...]]] = set()
    now_called: dict[str, str] = {}
    offered: set[str] = set()
    for choice in choices:
        key = frozenset(identity(part) for part in choice.parts)
        if choice.parts and key in first_of:
            now_called[choice.id] = first_of[key]
            continue
        if choice.is_comparison and choice.base_id in now_called:
            beside = [word for word in choice.id.split(":") if word in _BESIDE]
            choice = replace(choice, id=":".join([now_called[choice.base_id], *beside]))
        if not choice.is_feasible:
            if (choice.title, choice.reasons) in refused:
                continue
            refused.add((choice.title, choice.reasons))
        if choice.id not in offered:
            first_of.setdefault(key, choice.id)
            offered.add(choice.id)
            yield choice


def identity(part: Part) -> tuple[object, ...]:
    """What a part runs and on what, whatever its capacity provider is called: a service alone on a "shared" one is the same."""
    services = frozenset((name, plan.architecture, plan.task) for name, plan in part.services.items())
    provider = part.provider
    kind = provider.launch_type, provider.purchase_option, part.on_demand_base, provider.on_demand_base
    return *kind, provider.instance_types, provider.placement, services
