"""What is kept of each workload of a fleet: a few kilobytes, which add up to the totals and the ranking."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

RECORD_SCHEMA = "advisor/fleet-record/1"


class Status(StrEnum):
    """What became of a workload."""

    ADVISED = "advised"
    """By the full model, replay and draws included."""
    SCREENED = "screened"
    """By the screening: services alone, on the packing model, without replay and draws."""
    NOT_ENOUGH_DATA = "not_enough_data"
    """Advised, and not to be relied on: less than a day of load."""
    FAILED = "failed"
    """There is no answer; ``problem`` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRecord:
    """One service: where it should run, and its share of the costs of its workload. Dollars are of a month."""

    name: str
    launch_type: str
    purchase_option: str
    architecture: str
    cpu: int
    memory: int
    instance_types: tuple[str, ...]
    now_usd: float | None
    """None where the cost of today is not known."""
    fargate_usd: float | None
    """As declared, all on Fargate on demand; None where that is excluded, impossible or without a price."""
    best_usd: float | None
    effort: int
    """Points for what would change against today, or against Fargate on demand where today is not stated."""
    changes: tuple[str, ...] = ()
    """What would change, in words."""
    low_usd: float | None = None
    """Of a screening, the lower end of ``best_usd``."""
    high_usd: float | None = None

    @property
    def before_usd(self) -> float | None:
        """What savings are counted from: today's cost, and where that is not known, Fargate on demand."""
        return self.fargate_usd if self.now_usd is None else self.now_usd

    @property
    def saving_usd(self) -> float | None:
        """Against ``before_usd``; None where that or the price of the best is not known."""
        return None if self.before_usd is None or self.best_usd is None else self.before_usd - self.best_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A cost or saving in dollars of a month, with what is known of its doubt."""

    mean: float
    low: float
    high: float
    p10: float | None = None
    p50: float | None = None
    p90: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSteps:
    """The staircase of one workload, in dollars of a month: ``start_usd`` less all that is saved is ``end_usd``."""

    start_usd: float
    """What ``saving_against`` names."""
    saves_usd: Mapping[str, float]
    """By kind of step, in order; negative where a step costs more."""
    end_usd: float
    """Of the recommended plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A service that could not be answered with the others of its workload."""

    service: str
    status: Status
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadRecord:
    """One workload of a fleet: the services of one cluster, or a service that shares with none."""

    name: str
    """Unique in the fleet."""
    status: Status
    cluster: str = ""
    region: str = ""
    part_of: str = ""
    """The workload that a service was left out of, which is no workload of its own."""
    problem: str = ""
    verdict: str = ""
    headline: str = ""
    probability: float | None = None
    """That the recommended launch choice is the cheapest."""
    best: Range | None = None
    now_usd: float | None = None
    now_missing: tuple[str, ...] = ()
    """What is not known of today's cost, where the workload says what runs today."""
    fargate_usd: float | None = None
    """As declared, all on Fargate on demand."""
    saving: Range | None = None
    """Against what runs today, and where that is not known, against all on Fargate on demand (``saving_against``)."""
    saving_against: str = ""
    """``now`` or ``fargate``; empty without a saving."""
    steps: WorkloadSteps | None = None
    """What each kind of change saves; None of a screening, or where the steps do not lead from one total to the other."""
    steps_missing: str = ""
    """Why an advised workload has no steps."""
    is_sharing: bool = False
    """Some of its services share instances."""
    services: tuple[ServiceRecord, ...] = ()
    service_names: tuple[str, ...] = ()
    """Of a workload without an answer, as far as they are known."""
    left_out: tuple[LeftOut, ...] = ()
    """Services of it that are in none of its figures; each is a record of its own in the fleet, too."""
    weeks: float | None = None
    unmet_task_hours: float = 0.0
    doubts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What was assumed and seen while the load and the prices were read."""
    terms: tuple[str, ...] = ()
    """Of new commitments, as the workload states them. None of its figures holds any: the account buys."""
    n_held: int = 0
    """Commitments that the workload says the account holds. Its figures count them in full."""
    rate_dates: tuple[str, ...] = ()
    """Of all rates that its alternatives are billed at."""
    plan: Mapping[str, Any] | None = None
    """As in ``recommendation.json``; None of a screening."""
    inputs: tuple[Mapping[str, str], ...] = ()
    """``path`` and ``sha256`` of each file that was read."""
    catalog: Mapping[str, str] = field(default_factory=dict)
    """Dates, name and SHA-256 of the prices."""
    usage: bytes | None = field(default=None, repr=False)
    """What commitments may cover of its plan, packed: kept beside the record, and in no result."""

    @property
    def counts(self) -> bool:
        """Whether its costs are in the totals."""
        return self.status in (Status.ADVISED, Status.SCREENED) and self.best is not None

    @property
    def alone(self) -> "tuple[WorkloadRecord, ...]":
        """Records of the services that were left out."""
        return tuple(
            WorkloadRecord(
                name=f"{each.service} of {self.name}",
                status=each.status,
                cluster=self.cluster,
                region=self.region,
                part_of=self.name,
                problem=each.problem,
                service_names=(each.service,),
            )
            for each in self.left_out
        )

    @property
    def n_services(self) -> int:
        return len(self.services) or len(self.service_names) or 1

    def to_dict(self) -> dict[str, Any]:
        """Plain data, without the packed usage."""
        return {name: value for name, value in asdict(self).items() if name != "usage"}

    def to_json(self) -> str:
        """On one line; the same record gives the same text."""
        return json.dumps({"schema": RECORD_SCHEMA, **self.to_dict()}, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of :meth:`to_json`.

        Raises
        ------
        ValueError, KeyError, TypeError
            The text is no such record.
        """
        data = json.loads(text)
        if data.pop("schema") != RECORD_SCHEMA:
            raise ValueError("another schema")
        for name in ("best", "saving"):
            data[name] = None if data[name] is None else Range(**data[name])
        data["steps"] = None if data["steps"] is None else WorkloadSteps(**data["steps"])
        services = [
            ServiceRecord(**{**one, "instance_types": tuple(one["instance_types"]), "changes": tuple(one["changes"])})
            for one in data["services"]
        ]
        data["left_out"] = tuple(LeftOut(**{**one, "status": Status(one["status"])}) for one in data["left_out"])
        lists = {name: tuple(value) for name, value in data.items() if isinstance(value, list)}
        return cls(**{**data, **lists, "services": tuple(services), "status": Status(data["status"])})
