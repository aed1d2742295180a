"""Results as plain data, as JSON takes them, and back."""

import json
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from typing import Any

from advisor.plan import OMIT_DEFAULT, Plan


def plain(value: Any) -> Any:
    """Dataclasses as dicts, enums as their values, tuples as lists."""
    if isinstance(value, Plan):
        return _plan_data(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if not _is_left_out(value, f)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _is_left_out(value: Any, of: Field[Any]) -> bool:
    """What most plans leave at its default is not written."""
    return OMIT_DEFAULT in of.metadata and bool(getattr(value, of.name) == of.default)


def _plan_data(plan: Plan) -> dict[str, Any]:
    """A plan with ``cpu`` and ``memory`` beside each other, as in a task definition."""
    data = {f.name: plain(getattr(plan, f.name)) for f in fields(plan) if not _is_left_out(plan, f)}
    for service in data["services"].values():
        size = service.pop("task")
        service["cpu"], service["memory"] = size["cpu_units"], size["memory_mib"]
    return data


def nest_task_sizes(data: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of :func:`_plan_data` over all alternatives; data of another shape is left for the validation to name."""
    result: dict[str, Any] = json.loads(json.dumps(data))
    alternatives = result.get("alternatives")
    for alternative in alternatives if isinstance(alternatives, list) else ():
        plan = alternative.get("plan") if isinstance(alternative, dict) else None
        services = plan.get("services") if isinstance(plan, dict) else None
        for service in services.values() if isinstance(services, dict) else ():
            if not isinstance(service, dict):
                continue
            service["task"] = {"cpu_units": service.pop("cpu", None), "memory_mib": service.pop("memory", None)}
    return result
