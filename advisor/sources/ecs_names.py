"""Names that ECS and AWS accept."""

import re
from typing import Final

from advisor.sources.input_files import shown

ECS_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}")
"""Of clusters and services."""
_REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]+){1,3}-[0-9]{1,2}")


def ecs_name_problem(name: str) -> tuple[str, str] | None:
    """What is wrong with the name of a cluster or service, and the fix; None when nothing is."""
    if ECS_NAME.fullmatch(name):
        return None
    rule = "letters, digits, hyphens and underscores, at most 255, beginning with a letter or digit"
    return f"{shown(name)} is not a name that ECS accepts", f"Use {rule}."


def region_problem(region: str) -> tuple[str, str] | None:
    """What is wrong with the code of an AWS Region, and the fix; None when nothing is."""
    if _REGION.fullmatch(region):
        return None
    return f"{shown(region)} is not an AWS Region", "Give its code, such as eu-west-1."


def name_from_stem(stem: str) -> str:
    """A name for ECS made from the name of a file, its odd characters turned into hyphens; "service" when nothing is left.

    >>> name_from_stem("CPU load (1)")
    'CPU-load-1'
    """
    return re.sub(r"[^A-Za-z0-9_]+", "-", stem).strip("-_")[:255] or "service"
