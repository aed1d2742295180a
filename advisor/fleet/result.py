"""The answer for a fleet: totals, what to do first, and what could not be answered."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from advisor.committing.account import AccountCommitments
from advisor.fleet.account import HeldAgain
from advisor.fleet.records import Range, ServiceRecord, Status, WorkloadRecord
from advisor.fleet.stairs import FleetSteps, WithoutSteps, fleet_steps, without_steps

SCHEMA = "advisor/fleet/1"
DEFAULT_FOLD_BELOW_USD = 25.0
"""A month; services that cost less are one line of a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over the workloads that count; each says how many it covers. Dollars of a month."""

    n_workloads: int
    n_counted: int
    n_services: int
    n_services_counted: int
    best: Range | None
    """Low, high and quantiles as if all loads moved together, which is the widest that they can be."""
    now_usd: float | None
    """Of the ``n_now`` counted workloads whose cost today is known."""
    n_now: int
    best_of_now_usd: float | None
    """Cost of the best plans of the same workloads."""
    saving_now: Range | None
    fargate_usd: float | None
    """All on Fargate on demand as declared, of the ``n_fargate`` counted workloads whose cost today is not known."""
    n_fargate: int
    best_of_fargate_usd: float | None
    saving_fargate: Range | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedService:
    """A service with its place in the order of what to do first."""

    workload: str
    cluster: str
    region: str
    status: Status
    verdict: str
    probability: float | None
    service: ServiceRecord
    score: float | None
    """Saving x probability / effort; None where one of them is not known or nothing would change."""

    @property
    def saving_against(self) -> str:
        """``now`` or ``fargate``; empty without a saving."""
        if self.service.saving_usd is None:
            return ""
        return "fargate" if self.service.now_usd is None else "now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Advice on many workloads."""

    version: str
    records: tuple[WorkloadRecord, ...]
    """By name."""
    totals: Totals
    services: tuple[RankedService, ...]
    """Those of workloads that count: highest score first, then those without one by their saving."""
    steps: tuple[FleetSteps, ...] = ()
    """What each kind of change saves: of the workloads whose cost today is known, and of those where it is not."""
    without_steps: tuple[WithoutSteps, ...] = ()
    """Workloads that are in the totals and in no staircase."""
    commitments: AccountCommitments | None = None
    """For the recommended plans of all workloads together; None where they were not asked for."""
    held_again: HeldAgain | None = None
    """What the totals count more than once; None where nothing is."""
    notes: tuple[str, ...] = ()
    schema: str = field(default=SCHEMA)

    @property
    def best_usd(self) -> float | None:
        """A month at best, with what the account holds counted once as far as that is known."""
        again = self.held_again.usd if self.held_again is not None else None
        return None if self.totals.best is None else self.totals.best.mean - (again or 0.0)

    @property
    def with_commitments_usd(self) -> float | None:
        """The same with what the account should buy; None where that is nothing, or was not asked."""
        bought = self.commitments.purchase if self.commitments is not None else None
        return None if bought is None or self.best_usd is None else self.best_usd - bought.saving_usd

    @property
    def unanswered(self) -> tuple[WorkloadRecord, ...]:
        """Workloads that are in no total: without enough data, or failed."""
        return tuple(record for record in self.records if not record.counts)

    def folded(self, below_usd: float = DEFAULT_FOLD_BELOW_USD) -> tuple[tuple[RankedService, ...], "Tail | None"]:
        """Services worth a line each, and the rest together: those that cost less now (or at best) than ``below_usd``."""
        small = [each for each in self.services if _size_usd(each.service) < below_usd]
        if len(small) < 2:
            return self.services, None
        lines = tuple(each for each in self.services if _size_usd(each.service) >= below_usd)
        savings = [usd for each in small if (usd := each.service.saving_usd) is not None]
        return lines, Tail(
            n_services=len(small),
            below_usd=below_usd,
            best_usd=math.fsum(usd for each in small if (usd := each.service.best_usd) is not None),
            saving_usd=math.fsum(savings),
            n_savings=len(savings),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as in ``fleet.json``."""
        services = [
            {**{name: value for name, value in asdict(each).items() if name != "service"}, **_service(each)}
            for each in self.services
        ]
        workloads = [{name: value for name, value in record.to_dict().items() if name != "services"} for record in self.records]
        return {
            "schema": self.schema,
            "version": self.version,
            "totals": asdict(self.totals),
            "saving_steps": [asdict(each) for each in self.steps],
            "without_saving_steps": [asdict(each) for each in self.without_steps],
            "commitments": None if self.commitments is None else self.commitments.to_dict(),
            "held_again": None if self.held_again is None else asdict(self.held_again),
            "services": services,
            "workloads": workloads,
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """``fleet.json``: the same inputs give the same text, whatever the engine."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """Services too cheap for a line each."""

    n_services: int
    below_usd: float
    best_usd: float
    """Without what has no price at best; what costs something now has a line of its own then."""
    saving_usd: float
    """Of the ``n_savings`` services whose saving is known."""
    n_savings: int


def fleet_of(
    records: Sequence[WorkloadRecord],
    *,
    version: str,
    notes: Sequence[str] = (),
    commitments: AccountCommitments | None = None,
    held_again: HeldAgain | None = None,
) -> Fleet:
    """Add up and rank. The order of ``records`` means nothing."""
    ordered = tuple(sorted(records, key=lambda record: record.name))
    return Fleet(
        version=version,
        records=ordered,
        totals=_totals(ordered),
        services=tuple(_ranked(ordered)),
        steps=fleet_steps(ordered),
        without_steps=without_steps(ordered),
        commitments=commitments,
        held_again=held_again,
        notes=tuple(dict.fromkeys(notes)),
    )


def _totals(records: Sequence[WorkloadRecord]) -> Totals:
    counted = [record for record in records if record.counts]
    now = [record for record in counted if record.saving_against == "now"]
    fargate = [record for record in counted if record.saving_against == "fargate"]
    return Totals(
        n_workloads=sum(not record.part_of for record in records),
        n_counted=len(counted),
        n_services=sum(record.n_services for record in records),
        n_services_counted=sum(record.n_services for record in counted),
        best=summed([record.best for record in counted]),
        now_usd=_sum([record.now_usd for record in now]),
        n_now=len(now),
        best_of_now_usd=_sum([record.best.mean if record.best else None for record in now]),
        saving_now=summed([record.saving for record in now]),
        fargate_usd=_sum([record.fargate_usd for record in fargate]),
        n_fargate=len(fargate),
        best_of_fargate_usd=_sum([record.best.mean if record.best else None for record in fargate]),
        saving_fargate=summed([record.saving for record in fargate]),
    )


def summed(ranges: Sequence[Range | None]) -> Range | None:
    """Ranges added up as if all moved together; quantiles only where every one has them."""
    known = [each for each in ranges if each is not None]
    if not known or len(known) < len(ranges):
        return None

    def total(name: str) -> float | None:
        return _sum([getattr(each, name) for each in known])

    return Range(
        mean=math.fsum(each.mean for each in known),
        low=math.fsum(each.low for each in known),
        high=math.fsum(each.high for each in known),
        p10=total("p10"),
        p50=total("p50"),
        p90=total("p90"),
    )


def _sum(values: Sequence[float | None]) -> float | None:
    """The sum; None where one is missing or there is none."""
    known = [value for value in values if value is not None]
    return math.fsum(known) if known and len(known) == len(values) else None


def _ranked(records: Sequence[WorkloadRecord]) -> list[RankedService]:
    services = [
        RankedService(
            workload=record.name,
            cluster=record.cluster,
            region=record.region,
            status=record.status,
            verdict=record.verdict,
            probability=record.probability,
            service=service,
            score=score(service, record.probability),
        )
        for record in records
        if record.counts
        for service in record.services
    ]
    return sorted(
        services,
        key=lambda each: (
            each.score is None,
            -(each.score or 0.0),
            each.service.saving_usd is None,
            -(each.service.saving_usd or 0.0),
            each.workload,
            each.service.name,
        ),
    )


def score(service: ServiceRecord, probability: float | None) -> float | None:
    """Saving x probability / effort: what to do first."""
    if service.saving_usd is None or probability is None or not service.effort:
        return None
    return service.saving_usd * probability / service.effort


def _size_usd(service: ServiceRecord) -> float:
    """What a service costs; without a price it is never too small for a line."""
    known = [usd for usd in (service.now_usd, service.best_usd) if usd is not None]
    return max(known, default=math.inf)


def _service(ranked: RankedService) -> Mapping[str, Any]:
    service = asdict(ranked.service)
    return {**service, "saving_usd": ranked.service.saving_usd, "saving_against": ranked.saving_against}
