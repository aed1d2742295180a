"""Names, schedules and limits that several parts of a plan share."""

import re
from typing import Final

from advisor.errors import PlanError

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,254}", re.ASCII)
_SECRET_NAME: Final = re.compile(
    r"(.*_)?(PASSWORD|PASSWD|SECRET|TOKEN|PRIVATE_?KEY|API_?KEY|ACCESS_?KEY|CREDENTIALS)", re.IGNORECASE
)
_SECRET_VALUE: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|\b(AKIA|ASIA)[0-9A-Z]{16}\b")
_SCHEDULE: Final = re.compile(
    r"cron\([0-9A-Za-z*/,?#-]+( [0-9A-Za-z*/,?#-]+){5}\)"
    r"|rate\(1 (minute|hour|day)\)|rate\(([2-9]|[1-9][0-9]+) (minute|hour|day)s\)"
    r"|at\([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\)",
    re.ASCII,
)
_TIME_ZONE: Final = re.compile(r"[A-Za-z]+([/_+-][A-Za-z0-9]+)*", re.ASCII)
OMIT_DEFAULT: Final = "omit_default"
"""Metadata of fields that a saved plan leaves out while they have their default."""

OPTIONAL: Final = {OMIT_DEFAULT: True}
"""Most plans leave these alone: results stay as small as they were, and old ones can be read."""
MAX_PORT: Final = 65_535
RESERVED_HOST_PORTS: Final = frozenset({22, 2375, 2376, 51678, 51679, 51680})
"""Of SSH, Docker and the agent: of tcp, as instances register no port of udp as theirs."""
FIRST_DYNAMIC_PORT: Final = 32_768
"""From here on Docker hands out host ports."""
MAX_TASKS: Final = 5_000


def check_ecs_name(kind: str, name: str) -> None:
    """Raises :class:`PlanError` for a name that ECS does not allow."""
    if not _NAME.fullmatch(name):
        raise PlanError(f"{kind} name {name!r}: ECS allows up to 255 letters, digits, hyphens and underscores, no hyphen first")


def check_no_secret(where: str, variable: str, value: str) -> None:
    """Raises :class:`PlanError` for a variable that looks like a secret in plain text."""
    if _SECRET_NAME.fullmatch(variable) or _SECRET_VALUE.search(value):
        raise PlanError(f"{where}: the variable {variable!r} looks like a secret: give it under secrets, by reference")


def check_schedule(where: str, schedule: str, time_zone: str) -> None:
    """Raises :class:`PlanError` for what is no schedule of Application Auto Scaling or EventBridge Scheduler."""
    if not _SCHEDULE.fullmatch(schedule) or (schedule.startswith("cron") and "?" not in schedule.split(" ")[2:5:2]):
        raise PlanError(
            f"{where}: schedule {schedule!r} is none of cron(...) with six fields, one of the days ?, rate(...) and at(...)"
        )
    if not _TIME_ZONE.fullmatch(time_zone):
        raise PlanError(f"{where}: time zone {time_zone!r} is not a name such as Europe/Berlin")
