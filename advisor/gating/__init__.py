"""What a change of a service costs on its real load, and whether it was safe on the history."""

from advisor.gating.comparison import gate
from advisor.gating.result import (
    Gate,
    History,
    InstancesSide,
    Limits,
    Safety,
    ServiceChange,
    Setup,
    Side,
)
from advisor.gating.sides import check_same_services, launch_type_of, unknown_service

__all__ = [
    "Gate",
    "History",
    "InstancesSide",
    "Limits",
    "Safety",
    "ServiceChange",
    "Setup",
    "Side",
    "check_same_services",
    "gate",
    "launch_type_of",
    "unknown_service",
]
