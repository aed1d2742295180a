"""What ``ECS_RESERVED_MEMORY`` seems to be: no API tells it, but instances register so much less than others of their type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from advisor.ecs import InstanceType

_UNSURE_FRACTION: Final = 0.01
"""Of what a type registers: images differ by less, and our fit of types that nobody observed by 0.4 % at worst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedMemory:
    """Memory that container instances lack against others of their type."""

    mib: int | None
    """None where they lack so unlike amounts that no one setting makes them."""
    told_by: str
    """``m6i.large registers 7,565 of 7,821 MiB``."""


def reserved_memory(
    registered_memory_mib: Mapping[str, frozenset[int]], types: Mapping[str, InstanceType]
) -> ReservedMemory | None:
    """What all instances lack against their types; None where one of them does not, or where no type is known.

    Parameters
    ----------
    registered_memory_mib
        What instances of each type registered. [MiB]
    types
        What they register without the setting.

    References
    ----------
    Amazon ECS Developer Guide, "Reserving Amazon ECS Linux container instance memory": an instance registers what its system
    reports, less ``ECS_RESERVED_MEMORY``.
    """
    seen = [(types[name], mib) for name, found in registered_memory_mib.items() if name in types for mib in found]
    if not seen:
        return None
    less = {(each.name, mib): each.registered_memory_mib - mib for each, mib in seen}
    unsure = {(each.name, mib): each.registered_memory_mib * _UNSURE_FRACTION for each, mib in seen}
    if any(less[key] <= unsure[key] for key in less):
        return None
    told_by = ", ".join(f"{each.name} registers {mib:,} of {each.registered_memory_mib:,} MiB" for each, mib in sorted(
        seen, key=lambda pair: (pair[0].registered_memory_mib, pair[0].name, pair[1])
    )[:3])  # fmt: skip
    surest = min(less, key=lambda key: (unsure[key], key))
    is_one = all(abs(less[key] - less[surest]) <= unsure[key] for key in less)
    return ReservedMemory(mib=less[surest] if is_one else None, told_by=told_by)
