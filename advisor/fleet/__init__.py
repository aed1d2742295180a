"""Many workloads at once: from one laptop to a cluster, with the same answers."""

from advisor.fleet.account import CommitmentQuestion
from advisor.fleet.advised import FleetOptions
from advisor.fleet.engines import Engine
from advisor.fleet.records import Range, ServiceRecord, Status, WorkloadRecord, WorkloadSteps
from advisor.fleet.result import Fleet, RankedService, Totals, fleet_of
from advisor.fleet.run import advise_fleet
from advisor.fleet.stairs import FleetStep, FleetSteps, WithoutSteps

__all__ = [
    "CommitmentQuestion",
    "Engine",
    "Fleet",
    "FleetOptions",
    "FleetStep",
    "FleetSteps",
    "Range",
    "RankedService",
    "ServiceRecord",
    "Status",
    "Totals",
    "WithoutSteps",
    "WorkloadRecord",
    "WorkloadSteps",
    "advise_fleet",
    "fleet_of",
]
