"""The answer as data: what ``recommendation.json`` holds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Any

from advisor.billing import Bill, MonthlyUsd
from advisor.ecs import Architecture, LaunchType, PurchaseOption
from advisor.errors import InputError
from advisor.optimize.instance_money import InstanceMoney
from advisor.optimize.lost_zone import LostZoneFacts
from advisor.optimize.parts import ReplayedWeek
from advisor.optimize.pricing import InstanceFacts
from advisor.optimize.targets import TargetOutcome, TargetProposal
from advisor.plan import OPTIONAL, Plan, StrategyItem
from advisor.recommend.as_data import nest_task_sizes, plain
from advisor.recommend.commitments import CommitmentAdvice
from advisor.recommend.quotas import Quota
from advisor.recommend.sensitivity import Sensitivity
from advisor.recommend.spot_risk import SpotRisk
from advisor.recommend.steps import SavingSteps
from advisor.recommend.under_terms import UnderTerms
from advisor.recommend.unit_costs import UnitCost
from advisor.recommend.what_ifs import CheapestMap, WhatIf

if TYPE_CHECKING:
    from pandas import DataFrame

SCHEMA = "advisor/recommendation/1"
CLUSTER_SCOPE = "cluster"
_VIEWS_GO_HERE = "views go here"


class Verdict(StrEnum):
    """How far the recommendation can be trusted."""

    RECOMMEND = "recommend"
    BEST_OF_PRICED = "best_of_priced"
    """Something that has no price might win."""
    TOO_CLOSE_TO_CALL = "too_close_to_call"
    NOT_ENOUGH_DATA = "not_enough_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySummary:
    """What a replay of the last weeks found for an alternative."""

    weeks: float
    instances_over_packing: float | None
    """Instance-hours of the replay over those of the packing model; None without instances."""
    fargate_tasks_over_model: float | None = None
    """vCPU-hours that tasks on Fargate take in the replay over those of the fast model; None without Fargate. Bills hold it."""
    waiting_task_hours: float
    """Task-hours a month in PROVISIONING."""
    hours_above_target: float
    """Service-hours a month in which the scaling metric is above its target."""
    hours_above_full: float
    """Service-hours a month in which the load is more than the running tasks can do."""
    instances_max: int
    """Most instances at a time, with deployments where they are stated."""
    deployments_per_month: float | None = field(default=None, metadata=OPTIONAL)
    """Of all services, as stated; None where none are. The bill holds them."""
    deployments_monthly_usd: float | None = field(default=None, metadata=OPTIONAL)
    """What they take of the bill, before commitments; negative where new tasks are packed better. None without a price."""
    deployments_instances_max: int | None = field(default=None, metadata=OPTIONAL)
    """Instances at the most with deployments, less those without them; None without instances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One complete choice for the cluster or for one service."""

    id: str
    scope: str
    """``cluster`` or the name of a service."""
    title: str
    plan: Plan | None
    """None where no valid plan exists; ``reasons`` say why."""
    usage: Mapping[str, float]
    """Quantity of each meter in a month."""
    bill: Bill | None
    monthly_usd: MonthlyUsd | None
    missing: tuple[str, ...] = ()
    """Meters that are used and have no price."""
    probability_cheapest: float | None = None
    """Share of the draws of next month in which it is the cheapest of its scope; None without draws or as a comparison."""
    expected_usd: float | None = None
    """Mean of the draws, by which alternatives are ranked."""
    expected_regret_usd: float | None = None
    """Mean of what it costs more than the cheapest of the same draw."""
    unmet_task_hours: float = 0.0
    feasible: bool = True
    reasons: tuple[str, ...] = ()
    instances: InstanceFacts | None = None
    replay: ReplaySummary | None = None
    """None where it was not replayed."""
    is_comparison: bool = False
    """Shown to compare with, never recommended."""
    buys: tuple[str, ...] = field(default=(), metadata=OPTIONAL)
    """New commitments in its bill, in words; left out where none are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeAdvice:
    """Why another task size than the declared one, and how safe it would have been on the history."""

    declared: Mapping[str, int]
    """``cpu`` in CPU units and ``memory`` in MiB."""
    hours_above_target_today: float
    """Hours in which CPU in use was above the scaling target, with the tasks that ran."""
    hours_above_target: float
    hours_above_full: float
    """Hours above what the tasks have."""
    memory_headroom_fraction: float | None
    """Memory left at the worst moment, as a share of the size; None where memory was not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAdvice:
    """What to do with one service."""

    name: str
    launch_type: LaunchType
    purchase_option: PurchaseOption
    capacity_provider_strategy: tuple[StrategyItem, ...]
    """Empty for plain Fargate, which a launch type expresses."""
    task_size: Mapping[str, int]
    """``cpu`` in CPU units and ``memory`` in MiB; ``gpus`` where its tasks ask for any."""
    architecture: Architecture
    instance_types: tuple[str, ...]
    tasks_p50: float
    tasks_max: float
    why: str
    size: SizeAdvice | None = None
    """None where the declared size stays."""
    targets: tuple[TargetOutcome, ...] = field(default=(), metadata=OPTIONAL)
    """What scaling targets would have cost, and how safe they were; empty where the count follows no CPU target of its own."""
    proposed_target: TargetProposal | None = field(default=None, metadata=OPTIONAL)
    """A target that would have been safe and is better than the plan's; never applied. None where none is known to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Difference of two alternatives in a month."""

    against: str
    """Id of the alternative, or ``present``."""
    mean: float
    low: float
    high: float
    fraction: float
    p10: float | None = None
    p50: float | None = None
    p90: float | None = None
    weeks_cheaper: int | None = None
    weeks: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """How far the load may move before another launch choice is cheaper, on the last weeks' load."""

    against: str
    """Id of the alternative."""
    lower_load_factor: float | None
    """Load over today's below which the other is cheaper; None where it is not within a quarter of today's load."""
    upper_load_factor: float | None
    """Load over today's above which the other is cheaper; None where it is not within four times today's load."""
    dearer_fraction: float | None
    """How much dearer the recommended plan may get while the other does not; None without a saving."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The recommendation proper."""

    alternative: str
    verdict: Verdict
    headline: str
    why: str
    services: tuple[ServiceAdvice, ...]
    saving: Saving | None
    saving_against_present: Saving | None
    doubts: tuple[str, ...]
    """Why the verdict is not ``recommend``, and what would settle it."""
    probability: float | None = None
    """That the cheapest plan has the launch types and purchase options of the recommended one; None without draws."""
    draws_error_fraction: float | None = None
    """Standard error of the recommended plan's median by the number of draws alone, as a share of it."""
    break_even: "BreakEven | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What runs today costs this."""

    monthly_usd: MonthlyUsd | None
    bill: Bill | None
    missing: tuple[str, ...]
    with_commitments_usd: MonthlyUsd | None = field(default=None, metadata=OPTIONAL)
    """With new commitments of the recommended plan's terms that are best for it, which that plan is compared with; left out
    where none are stated, and where rates that this needs are missing."""
    buys: tuple[str, ...] = field(default=(), metadata=OPTIONAL)
    """What these are, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideCostsBill:
    """What surrounds the tasks costs this, whatever they run on; in no alternative's total."""

    bill: Bill
    monthly_usd: float | None
    """None where something has no price."""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stairs:
    """Dollars per hour against number of tasks, for one service."""

    fargate_usd_per_task_hour: float | None
    fargate_title: str
    instance_type: str | None
    usd_per_instance_hour: float | None
    """With its root volume and, for burstable types, the mean of its surplus credits."""
    tasks_per_instance: int | None
    zones: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceView:
    """One service over time, for tables and charts."""

    name: str
    load_form: str
    load_unit: str
    coverage_fraction: float
    hourly_load: tuple[float | None, ...]
    """Mean of each hour; None in a gap."""
    hourly_tasks: tuple[float | None, ...]
    """Most tasks running in each hour, with the declared task size."""
    task_hours: Mapping[str, float]
    """Hours of a month that each number of running tasks lasts."""
    stairs: Stairs
    fargate_rounding_fraction: float | None = None
    """Share of a task's cost on Fargate that rounding up to its grid adds; None without a price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstancesView:
    """Instances over time of the best alternative on instances."""

    alternative: str
    title: str
    hourly_instances: tuple[float | None, ...]
    """Whole ones, as packed: what a replay found multiplies their hours in the bill, and says nothing of one moment."""
    hourly_bound: tuple[float | None, ...]
    """Instances that no packing can beat."""
    hourly_tasks: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """Series for tables and charts, by the hour."""

    start: str
    services: tuple[ServiceView, ...]
    instances: InstancesView | None
    replayed_week: ReplayedWeek | None = None
    """Of the recommended plan's instances; None where it has none or they were not replayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the answer was made from."""

    version: str
    inputs: tuple[Mapping[str, str], ...]
    """``path`` and ``sha256`` of each file."""
    catalog: Mapping[str, str]
    """Region, oldest and newest date of its prices; name of the catalog and SHA-256 of its files, which find it again."""
    seed: int | None
    defaults: Mapping[str, str]
    notes: tuple[str, ...]
    start: str
    end: str
    step_s: int
    weeks: float
    coverage_fraction: float
    is_stated: bool = field(default=False, metadata=OPTIONAL)
    """No load was measured: ``start``, ``end`` and the coverage are those of an example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """Ranked alternatives and the recommended one.

    ``alternatives`` are sorted by scope, then by the upper end of their cost.
    """

    cluster: str
    region: str
    run: Run
    alternatives: tuple[Alternative, ...]
    recommendation: Advice
    present: Present | None
    views: Views
    lower_bound: Mapping[str, float | str] | None = None
    """``monthly_usd`` that no plan of the ``class`` can cost less than under the packing model; ``gap_fraction`` of the
    recommended one over it, under the same model, where it costs ``packing_usd``; ``price_of_ecs_fraction`` that the bill is
    above that. None where nothing is proven."""
    saving_steps: SavingSteps | None = None
    """None where neither today nor a start on Fargate has a price."""
    warnings: tuple[str, ...] = ()
    side_costs: SideCostsBill | None = None
    """None where the workload states none."""
    instance_money: tuple[InstanceMoney, ...] = ()
    """Where the money for the recommended plan's instances goes, by capacity provider."""
    unit_costs: tuple[UnitCost, ...] = ()
    """What a task-hour and a million requests cost under the recommended plan, by service."""
    quotas: tuple[Quota, ...] = ()
    """Service quotas that the recommended plan uses, those that a new account's default does not hold first."""
    spot_risks: tuple[SpotRisk, ...] = field(default=(), metadata=OPTIONAL)
    """What interruptions do to the recommended plan and to its rival, by capacity provider on Spot; left out where none is."""
    lost_zones: tuple[LostZoneFacts, ...] = field(default=(), metadata=OPTIONAL)
    """What the loss of a zone does to the recommended plan, by replayed capacity provider on EC2; left out where none is."""
    what_ifs: tuple[WhatIf, ...] = ()
    """Empty where it was not asked: see :func:`advisor.explore`."""
    cheapest_map: CheapestMap | None = None
    """The cheapest launch types by load and by price of EC2; None where it was not asked, or a side has no price."""
    sensitivity: Sensitivity | None = None
    """Inputs ranked by how far they move what EC2 saves; None where it was not asked, or cannot be told."""
    under_terms: UnderTerms | None = field(default=None, metadata=OPTIONAL)
    """What new commitments make of the choice; left out where the workload states no terms of any. Where they were compared,
    the bills of all alternatives for the cluster have those that are best for each."""
    commitments: CommitmentAdvice | None = None
    """What to commit to on top of the recommended plan; None where it was not asked: see :func:`advisor.explore`."""
    schema: str = field(default=SCHEMA)

    def alternative(self, alternative_id: str) -> Alternative:
        """The alternative with this id."""
        for alternative in self.alternatives:
            if alternative.id == alternative_id:
                return alternative
        raise KeyError(alternative_id)

    @property
    def recommended(self) -> Alternative:
        """The alternative that is recommended."""
        return self.alternative(self.recommendation.alternative)

    def of_scope(self, scope: str) -> tuple[Alternative, ...]:
        """Alternatives for the cluster or for one service, cheapest first, those without a price last."""
        return tuple(a for a in self.alternatives if a.scope == scope)

    def alternatives_frame(self) -> "DataFrame":
        """One row an alternative, as a pandas DataFrame."""
        frame: DataFrame = _report("frames").alternatives_frame(self)
        return frame

    def line_items_frame(self, alternative_id: str | None = None) -> "DataFrame":
        """Line items of one alternative, by default the recommended one, as a pandas DataFrame."""
        frame: DataFrame = _report("frames").line_items_frame(self, alternative_id)
        return frame

    def hourly_frame(self) -> "DataFrame":
        """Load and tasks by the hour, as a pandas DataFrame indexed by the UTC start of each hour."""
        frame: DataFrame = _report("frames").hourly_frame(self)
        return frame

    def _repr_html_(self) -> str:
        """What Jupyter shows."""
        page: str = _report("notebook").render_notebook(self)
        return page

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as in ``recommendation.json``."""
        data = plain(self)
        return {"schema": data.pop("schema"), **data}

    def to_json(self, *, generated_at: str | None = None) -> str:
        """``recommendation.json``; with the time of writing only where it is given."""
        data = self.to_dict()
        if generated_at is not None:
            data["run"]["generated_at"] = generated_at
        views = json.dumps(data["views"], ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text = json.dumps({**data, "views": _VIEWS_GO_HERE}, indent=1, ensure_ascii=False, allow_nan=False)
        # Thousands of numbers belong on one line; the place is unique because it is a key and no text of the input.
        return text.replace(f'\n "views": "{_VIEWS_GO_HERE}"', f'\n "views": {views}') + "\n"

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Recommendation":
        """The inverse of :meth:`to_dict`.

        Raises
        ------
        InputError
            The data does not follow the schema.
        """
        from pydantic import TypeAdapter, ValidationError

        if data.get("schema") != SCHEMA:
            raise InputError(
                f"not a recommendation: schema is {data.get('schema')!r}", fix=f"Need a file with schema {SCHEMA!r}."
            )
        try:
            return TypeAdapter(cls).validate_python(nest_task_sizes(data))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InputError(
                f"not a recommendation: {where}: {first['msg']}", fix="Make it again with `advisor recommend`."
            ) from error


def recommendation_schema() -> dict[str, Any]:
    """JSON Schema of ``recommendation.json``.

    Examples
    --------
    >>> import advisor
    >>> "alternatives" in advisor.recommendation_schema()["properties"]
    True
    """
    from pydantic import TypeAdapter

    schema = TypeAdapter(Recommendation).json_schema()
    service = schema["$defs"]["ServicePlan"]
    del service["properties"]["task"], schema["$defs"]["TaskSize"]
    for name, title in (("cpu", "CPU units"), ("memory", "MiB")):
        service["properties"][name] = {"title": title, "type": "integer"}
    service["required"] = [name for name in service["required"] if name != "task"] + ["cpu", "memory"]
    return schema


def _report(module: str) -> Any:
    """A module of ``advisor.report``, which is built on this one: found when a notebook calls it, not imported here."""
    return import_module(f"advisor.report.{module}")
