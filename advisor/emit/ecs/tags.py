"""Tags ``advisor:*`` that keep what no request can say, so that a folder of deploy files is the whole plan."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from advisor.ecs import Architecture, PlacementStrategy
from advisor.emit.ecs.calls import Request
from advisor.errors import InputError
from advisor.plan import CapacityProvider, LoadBalancer, ServicePlan

PROVIDER_FACTS: Final = (
    "architecture",
    "has_trunking",
    "max_instances",
    "name",
    "placement",
    "root_volume_gib",
    "target_capacity_percent",
)
SERVICE_FACTS: Final = (
    "desired_tasks",
    "ephemeral_storage_gib",
    "has_circuit_breaker",
    "has_public_ip",
    "has_zone_rebalancing",
    "load_balancer",
    "max_tasks",
    "maximum_percent",
    "min_tasks",
    "minimum_healthy_percent",
    "scale_in_cooldown_s",
    "scale_out_cooldown_s",
    "schedule_time_zone",
)

_PREFIX: Final = "advisor:"
_NONE: Final = "none"
_DECODERS: Final[Mapping[str, Callable[[str], object]]] = {
    "architecture": Architecture,
    "has_circuit_breaker": "true".__eq__,
    "has_public_ip": "true".__eq__,
    "has_trunking": "true".__eq__,
    "has_zone_rebalancing": "true".__eq__,
    "load_balancer": LoadBalancer,
    "name": str,
    "schedule_time_zone": str,
    "placement": PlacementStrategy,
}
"""What is not listed is a whole number."""

Fact = TypeVar("Fact", CapacityProvider, ServicePlan)


def tags_beyond(requests_say: Fact, fact: Fact, fields: Iterable[str], *, of: str = "") -> list[Request]:
    """Tags for the fields in which what the requests say falls short of the fact. ``of`` tells whose they are."""
    short = [field for field in fields if getattr(requests_say, field) != getattr(fact, field)]
    return [{"key": _key(field, of), "value": _encode(getattr(fact, field))} for field in sorted(short)]


def with_tags(requests_say: Fact, tags: Iterable[Mapping[str, str]], fields: Iterable[str], *, of: str = "") -> Fact:
    """The inverse: what the requests say, corrected by tags."""
    values = {tag["key"]: tag["value"] for tag in tags}
    facts: dict[str, Any] = {}
    for field in fields:
        key = _key(field, of)
        if key in values:
            facts[field] = _decode(field, key, values[key])
    return replace(requests_say, **facts)


def _key(field: str, of: str) -> str:
    return _PREFIX + of + field.replace("_", "-")


def _encode(value: object) -> str:
    if value is None:
        return _NONE
    return str(value).lower() if isinstance(value, bool) else str(value)


def _decode(field: str, key: str, text: str) -> object:
    try:
        return None if text == _NONE else _DECODERS.get(field, int)(text)
    except ValueError as error:
        raise InputError(f"tag {key} has the value {text!r}", fix="Emit the folder again.") from error
