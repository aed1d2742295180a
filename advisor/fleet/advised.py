"""The full advice on one workload of a fleet, reduced to its record."""

import math
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from advisor.billing import MonthlyUsd
from advisor.ecs import LaunchType, PurchaseOption
from advisor.errors import AdvisorError
from advisor.fleet.hashes import Stamp, stamps
from advisor.fleet.records import LeftOut, Range, Status, WorkloadRecord, WorkloadSteps
from advisor.fleet.services import service_records
from advisor.fleet.usage import pack_usage
from advisor.plan import Plan, terms_of
from advisor.pricing import PriceCatalog
from advisor.recommend import Alternative, Recommendation, Verdict
from advisor.recommend.verdict import saving_against
from advisor.sources.load_options import LoadOptions
from advisor.sources.places import listed
from advisor.workload import Service, Workload

if TYPE_CHECKING:
    from advisor.answer import Answer

LEAST_HOURS = 24.0
"""Less load than this is no ground for a recommendation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions:
    """What holds for every workload of a fleet. Files are named by absolute paths, for workers elsewhere."""

    region: str | None = None
    cpu: int | str | None = None
    memory: int | str | None = None
    requests_per_task: float | None = None
    cpu_ms_per_request: float | None = None
    reading: LoadOptions = field(default_factory=LoadOptions)
    rates: Path | None = None
    prices: Path | None = None
    replay_weeks: int = 2
    today: date | None = None
    """Rates that are older than 90 days on that day are named in a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadWorkload:
    """A workload, and its services that are not in it."""

    workload: Workload
    left_out: tuple[LeftOut, ...] = ()


class Member(Protocol):
    """A workload of a fleet that can be read where the work is done."""

    @property
    def name(self) -> str: ...

    @property
    def service_names(self) -> tuple[str, ...]:
        """As far as they are known before any load is read."""

    def read(self, options: FleetOptions) -> ReadWorkload: ...


def too_short(hours: float) -> str:
    """Why so many hours of load are no ground for a recommendation; empty where they are."""
    return "" if hours >= LEAST_HOURS else f"only {hours:.0f} h of load were measured: at least {LEAST_HOURS:.0f} h are needed"


def short_services(workload: Workload) -> dict[str, str]:
    """Services that leave a workload without an answer in which others have one, with the reason."""
    hours = workload.measured.sum(axis=1) * workload.step_hours
    short = {each.name: too_short(float(n)) for each, n in zip(workload.services, hours, strict=True)}
    return {name: why for name, why in short.items() if why} if not all(short.values()) else {}


def advise_member(member: Member, options: FleetOptions) -> WorkloadRecord:
    """The record of a workload: advice, or why there is none. It raises nothing, so that one never stops the others."""
    try:
        found = member.read(options)
        try:
            record = _advised(member.name, found.workload, options)
        except Exception:  # whatever it is: where a service fails alone, too, the others do without it
            rest = _without_unanswerable(found, options)
            if rest is None:
                raise
            found, record = rest, _advised(member.name, rest.workload, options)
    except Exception as error:  # a fault of ours in one of ten thousand services is named beside it, not instead of all of them
        return WorkloadRecord(
            name=member.name, status=Status.FAILED, problem=problem_of(error), service_names=member.service_names
        )
    if not found.left_out:
        return record
    warning = f"what {listed(each.service for each in found.left_out)} need is in no figure: they are left out, and named apart"
    return replace(record, left_out=found.left_out, warnings=(*record.warnings, warning))


def _without_unanswerable(found: ReadWorkload, options: FleetOptions) -> ReadWorkload | None:
    """The workload without the services that have no answer even alone; None where that leaves none, or all."""
    workload = found.workload
    problems: dict[int, str] = {}
    for row in range(len(workload.services)):
        try:
            _advised(workload.services[row].name, workload.of_rows([row]), options)
        except Exception as error:  # said of this service, whatever it is
            problems[row] = problem_of(error)
    rows = [row for row in range(len(workload.services)) if row not in problems]
    if not rows or not problems:
        return None
    names = listed(workload.services[row].name for row in problems)
    stated = {"Instances that run today": workload.present, "Side costs": workload.side_costs}
    notes = tuple(f"{what} are left out: they are of {names}, too." for what, each in stated.items() if each is not None)
    rest = replace(workload.of_rows(rows), present=None, side_costs=None, notes=(*workload.notes, *notes))
    left_out = [
        LeftOut(service=workload.services[row].name, status=Status.FAILED, problem=why) for row, why in problems.items()
    ]
    return ReadWorkload(workload=rest, left_out=(*found.left_out, *left_out))


def problem_of(error: Exception) -> str:
    """Why there is no answer, in words; of a fault of ours with the place in the code, the same on every machine."""
    if isinstance(error, AdvisorError):
        return str(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    root = Path(__file__).parents[2]
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(root / "advisor")]
    at = "".join(f" ({Path(each.filename).relative_to(root).as_posix()}:{each.lineno})" for each in ours[-1:])
    return f"a fault of the advisor, please report it: {type(error).__name__}: {error}{at}"


def catalog_of(region: str, prices: Path | None, rates: Path | None) -> PriceCatalog:
    """A catalog, read again in each process only when one of its files changed."""
    from advisor.sources.catalog import catalog_folders

    folders = [each for folder in catalog_folders(prices) for each in (folder, folder / region)]
    return _catalog(region, prices, rates, tuple(stamp for path in (*folders, rates) if path for stamp in stamps(path)))


@lru_cache(maxsize=32)
def _catalog(region: str, prices: Path | None, rates: Path | None, _stamps: tuple[Stamp, ...]) -> PriceCatalog:
    from advisor.sources import read_catalog

    return read_catalog(region, folder=prices, rates_file=rates)


def _advised(name: str, workload: Workload, options: FleetOptions) -> WorkloadRecord:
    from advisor.answer import answer

    given = answer(workload, _catalog_for(workload, options), today=options.today).replayed(options.replay_weeks)
    return record_of(name, given, given.recommendation())


def _catalog_for(workload: Workload, options: FleetOptions) -> PriceCatalog:
    rates = options.rates or (Path(workload.rates_file) if workload.rates_file else None)
    return catalog_of(workload.region, options.prices, rates)


def record_of(name: str, given: "Answer", found: Recommendation) -> WorkloadRecord:
    """What a fleet keeps of a recommendation."""
    workload = given.workload
    advice, best = found.recommendation, found.recommended
    fargate = all_on_fargate(found, workload.services)
    now = None if found.present is None else found.present.monthly_usd
    saving, against = _saving(given, found, fargate)
    steps, missing = _steps(found, saving, against)
    is_known = advice.verdict is not Verdict.NOT_ENOUGH_DATA
    plan = best.plan
    return WorkloadRecord(
        name=name,
        status=Status.ADVISED if is_known else Status.NOT_ENOUGH_DATA,
        problem="" if is_known else "; ".join(advice.doubts) or "less than a day of load",
        cluster=found.cluster,
        region=found.region,
        verdict=str(advice.verdict),
        headline=advice.headline,
        probability=advice.probability,
        best=_range(best.monthly_usd),
        now_usd=None if now is None else now.mean,
        now_missing=found.present.missing if found.present else (),
        fargate_usd=None if fargate is None or fargate.monthly_usd is None else fargate.monthly_usd.mean,
        saving=saving,
        saving_against=against,
        steps=steps,
        steps_missing=missing,
        is_sharing=plan is not None and _is_sharing(plan),
        services=service_records(workload, found, fargate),
        weeks=found.run.weeks,
        unmet_task_hours=best.unmet_task_hours,
        doubts=advice.doubts,
        warnings=found.warnings,
        notes=found.run.notes,
        terms=tuple(map(str, terms_of(workload.constraints.terms))),
        n_held=len(workload.commitments),
        rate_dates=_rate_dates(found),
        plan=_plan_of(found),
        inputs=found.run.inputs,
        catalog=found.run.catalog,
        usage=pack_usage(given, found) if is_known else None,
    )


def all_on_fargate(found: Recommendation, services: Sequence[Service]) -> Alternative | None:
    """Every service on Fargate on demand as declared, on its first architecture; None where that is not among the answers."""
    first = {service.name: service.architectures[0] for service in services}
    for alternative in found.of_scope("cluster"):
        plan = alternative.plan
        if plan is None or alternative.is_comparison or alternative.id.endswith((":right_sized", ":since_step")):
            continue
        if all(
            each.launch_type is LaunchType.FARGATE
            and each.purchase_option is PurchaseOption.ON_DEMAND
            and each.architecture is first.get(name, each.architecture)
            for name, each in plan.services.items()
        ):
            return alternative
    return None


def _saving(given: "Answer", found: Recommendation, fargate: Alternative | None) -> tuple[Range | None, str]:
    """What the best plan saves a month; ``low`` and ``high`` are the models' own ranges, the quantiles those of the draws."""
    saving, against = found.recommendation.saving_against_present, "now"
    if saving is None:
        drawn = {item.alternative.id: item for item in given.drawn_for_cluster().items}
        best = drawn[found.recommendation.alternative]
        if fargate is None or fargate.monthly_usd is None or best.alternative.monthly_usd is None:
            return None, ""
        saving, against = saving_against(best, drawn[fargate.id]), "fargate"
    return Range(mean=saving.mean, low=saving.low, high=saving.high, p10=saving.p10, p50=saving.p50, p90=saving.p90), against


def _steps(found: Recommendation, saving: Range | None, against: str) -> tuple[WorkloadSteps | None, str]:
    """The staircase where it starts and ends at the figures of the totals, so that those of a fleet add up; else why not."""
    stairs, best = found.saving_steps, found.recommended.monthly_usd
    if saving is None or best is None:
        return None, "the cost of neither today nor all on Fargate as declared is known"
    if stairs is None:
        return None, "its steps start from every service on Fargate in its declared size, and that has no price"
    leads_there = math.isclose(stairs.start_usd, best.mean + saving.mean, rel_tol=1e-9, abs_tol=1e-9) and math.isclose(
        stairs.end_usd, best.mean, rel_tol=1e-9, abs_tol=1e-9
    )
    if not leads_there or stairs.is_present != (against == "now"):
        return None, "its steps do not lead from the cost before to the cost at best of the totals"
    saves_usd = {str(step.kind): step.saves_usd for step in stairs.steps}
    return WorkloadSteps(start_usd=stairs.start_usd, saves_usd=saves_usd, end_usd=stairs.end_usd), ""


def _range(usd: MonthlyUsd | None) -> Range | None:
    if usd is None:
        return None
    return Range(mean=usd.mean, low=usd.low, high=usd.high, p10=usd.p10, p50=usd.p50, p90=usd.p90)


def _is_sharing(plan: Plan) -> bool:
    on_instances = [each.capacity_provider for each in plan.services.values() if each.launch_type is not LaunchType.FARGATE]
    return len(on_instances) > len(set(on_instances))


def _rate_dates(found: Recommendation) -> tuple[str, ...]:
    bills = [each.bill for each in found.alternatives]
    bills += [each.bill for each in (found.present, found.side_costs) if each is not None]
    return tuple(sorted({item.as_of for bill in bills if bill for item in bill.line_items}))


def _plan_of(found: Recommendation) -> Mapping[str, object] | None:
    plans = (each["plan"] for each in found.to_dict()["alternatives"] if each["id"] == found.recommendation.alternative)
    plan: Mapping[str, object] | None = next(plans)
    return plan
