"""The full advice on one workload of a fleet, reduced to its record."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from advisor.billing import Bill, MonthlyUsd
from advisor.ecs import Architecture, LaunchType, PurchaseOption, TaskSize
from advisor.errors import AdvisorError
from advisor.fleet.hashes import Stamp, stamps
from advisor.fleet.records import Range, ServiceRecord, Status, WorkloadRecord, WorkloadSteps
from advisor.optimize.held import HELD_PART
from advisor.optimize.present import present_name
from advisor.plan import Plan
from advisor.pricing import PriceCatalog
from advisor.recommend import Alternative, Recommendation, Verdict
from advisor.recommend.verdict import saving_against
from advisor.sources.load_options import LoadOptions
from advisor.workload import Service, Workload

if TYPE_CHECKING:
    from advisor.answer import Answer

EFFORT_OF_INSTANCES = 3
"""To move tasks onto instances: a capacity provider, an Auto Scaling group, images to patch."""
EFFORT_OF_FARGATE = 2
"""To move tasks from instances to Fargate."""
EFFORT_OF_ARCHITECTURE = 2
"""To build and test an image for another architecture."""
EFFORT_OF_SETTING = 1
"""To change a size or a capacity provider strategy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions:
    """What holds for every workload of a fleet. Files are named by absolute paths, for workers elsewhere."""

    region: str | None = None
    cpu: int | None = None
    memory: int | None = None
    requests_per_task: float | None = None
    cpu_ms_per_request: float | None = None
    reading: LoadOptions = field(default_factory=LoadOptions)
    rates: Path | None = None
    prices: Path | None = None
    replay_weeks: int = 2
    today: date | None = None
    """Rates that are older than 90 days on that day are named in a warning."""


class Member(Protocol):
    """A workload of a fleet that can be read where the work is done."""

    @property
    def name(self) -> str: ...

    def read(self, options: FleetOptions) -> Workload: ...


def advise_member(member: Member, options: FleetOptions) -> WorkloadRecord:
    """The record of a workload: advice, or why there is none. It raises nothing, so that one never stops the others."""
    names: tuple[str, ...] = ()
    try:
        workload = member.read(options)
        names = tuple(service.name for service in workload.services)
        return _advised(member.name, workload, options)
    except AdvisorError as error:
        problem = str(error)
    except MemoryError:
        problem = "there is not enough memory for it"
    except Exception as error:  # a fault of ours in one of ten thousand services is named beside it, not instead of all of them
        problem = f"a fault of the advisor, please report it: {type(error).__name__}: {error}"
    return WorkloadRecord(name=member.name, status=Status.FAILED, problem=problem, service_names=names)


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

    rates = options.rates or (Path(workload.rates_file) if workload.rates_file else None)
    catalog = catalog_of(workload.region, options.prices, rates)
    given = answer(workload, catalog, today=options.today).replayed(options.replay_weeks)
    return record_of(name, given, given.recommendation())


def record_of(name: str, given: "Answer", found: Recommendation) -> WorkloadRecord:
    """What a fleet keeps of a recommendation."""
    workload = given.workload
    advice, best = found.recommendation, found.recommended
    fargate = all_on_fargate(found, workload.services)
    now = None if found.present is None else found.present.monthly_usd
    saving, against = _saving(given, found, fargate)
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
        steps=_steps(found, saving, against),
        is_sharing=plan is not None and _is_sharing(plan),
        services=_services(workload, found, fargate),
        weeks=found.run.weeks,
        unmet_task_hours=best.unmet_task_hours,
        doubts=advice.doubts,
        warnings=found.warnings,
        notes=found.run.notes,
        rate_dates=_rate_dates(found),
        plan=_plan_of(found),
        inputs=found.run.inputs,
        catalog=found.run.catalog,
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


def _steps(found: Recommendation, saving: Range | None, against: str) -> WorkloadSteps | None:
    """The staircase where it starts and ends at the figures of the totals, so that those of a fleet add up to its saving."""
    stairs, best = found.saving_steps, found.recommended.monthly_usd
    if stairs is None or saving is None or best is None:
        return None
    leads_there = math.isclose(stairs.start_usd, best.mean + saving.mean, rel_tol=1e-9, abs_tol=1e-9) and math.isclose(
        stairs.end_usd, best.mean, rel_tol=1e-9, abs_tol=1e-9
    )
    if not leads_there or stairs.is_present != (against == "now"):
        return None
    saves_usd = {str(step.kind): step.saves_usd for step in stairs.steps}
    return WorkloadSteps(start_usd=stairs.start_usd, saves_usd=saves_usd, end_usd=stairs.end_usd)


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


def _services(workload: Workload, found: Recommendation, fargate: Alternative | None) -> tuple[ServiceRecord, ...]:
    plan = found.recommended.plan
    weights = _weights(workload, found)
    best_usd = shared_out(found.recommended.bill, _homes(plan), weights)
    fargate_usd = {} if fargate is None else shared_out(fargate.bill, _homes(fargate.plan), weights)
    present = found.present.bill if found.present else None
    now_usd = shared_out(present, _homes_now(workload), weights)
    records = []
    for service, advice in zip(workload.services, found.recommendation.services, strict=True):
        size = TaskSize(cpu_units=advice.task_size["cpu"], memory_mib=advice.task_size["memory"])
        effort, changes = effort_of(service, advice.launch_type, advice.purchase_option, advice.architecture, size)
        records.append(
            ServiceRecord(
                name=service.name,
                launch_type=str(advice.launch_type),
                purchase_option=str(advice.purchase_option),
                architecture=str(advice.architecture),
                cpu=advice.task_size["cpu"],
                memory=advice.task_size["memory"],
                instance_types=advice.instance_types,
                now_usd=now_usd.get(service.name),
                fargate_usd=fargate_usd.get(service.name),
                best_usd=best_usd.get(service.name),
                effort=effort,
                changes=changes,
            )
        )
    return tuple(records)


def _weights(workload: Workload, found: Recommendation) -> dict[str, float]:
    """By which services share the cost of instances: half by the vCPU that their tasks reserve over a month, half by memory."""
    hours = {view.name: math.fsum(float(n) * h for n, h in view.task_hours.items()) for view in found.views.services}
    vcpu = {service.name: hours.get(service.name, 0.0) * service.task.vcpu for service in workload.services}
    gib = {service.name: hours.get(service.name, 0.0) * service.task.memory_gib for service in workload.services}
    all_vcpu, all_gib = math.fsum(vcpu.values()), math.fsum(gib.values())
    if not all_vcpu or not all_gib:
        return dict.fromkeys(vcpu, 1.0)
    return {name: vcpu[name] / all_vcpu / 2 + gib[name] / all_gib / 2 for name in vcpu}


def _homes(plan: Plan | None) -> dict[str, list[str]]:
    """Services of each capacity provider with instances."""
    homes: dict[str, list[str]] = {}
    for name, service in plan.services.items() if plan else ():
        if service.launch_type is not LaunchType.FARGATE:
            homes.setdefault(service.capacity_provider, []).append(name)
    return homes


def _homes_now(workload: Workload) -> dict[str, list[str]]:
    """Services that run on the instances of today: those that do not run on Fargate, or all where every one does."""
    if workload.present is None:
        return {}
    names = [s.name for s in workload.services if s.present is None or s.present.launch_type is not LaunchType.FARGATE]
    return {present_name(each): names or [s.name for s in workload.services] for each in workload.present.instances}


def shared_out(bill: Bill | None, homes: Mapping[str, Sequence[str]], weights: Mapping[str, float]) -> dict[str, float]:
    """Dollars of each service: they add up to the bill.

    A line of instances is shared by those that run on them, what is not used of held commitments by all, and any other belongs
    to its service.

    Parameters
    ----------
    homes
        Services by capacity provider.
    weights
        Of all services, by name: the share of each in what is shared.
    """
    usd: dict[str, list[float]] = {}
    for item in bill.line_items if bill else ():
        names = list(weights) if item.part == HELD_PART else homes.get(item.part, [item.part])
        whole = math.fsum(weights.get(name, 0.0) for name in names)
        for name in names:
            share = weights.get(name, 0.0) / whole if whole else 1 / len(names)
            usd.setdefault(name, []).append(item.amount_usd * share)
    return {name: math.fsum(amounts) for name, amounts in usd.items()}


def effort_of(
    service: Service, launch_type: LaunchType, option: PurchaseOption, architecture: Architecture, size: TaskSize
) -> tuple[int, tuple[str, ...]]:
    """Points and words for what would change against today, or against Fargate on demand where today is not stated."""
    present = service.present
    now_type = present.launch_type if present else LaunchType.FARGATE
    now_option = present.purchase_option if present else PurchaseOption.ON_DEMAND
    now_architecture = present.architecture if present else service.architectures[0]
    changes: list[tuple[int, str]] = []
    if launch_type is not now_type:
        points = EFFORT_OF_FARGATE if launch_type is LaunchType.FARGATE else EFFORT_OF_INSTANCES
        changes.append((points, f"{now_type} to {launch_type}"))
    if option is not now_option:
        changes.append((EFFORT_OF_SETTING, f"{now_option} to {option}"))
    if architecture is not now_architecture:
        changes.append((EFFORT_OF_ARCHITECTURE, f"{now_architecture} to {architecture}"))
    if size != service.task:
        changes.append((EFFORT_OF_SETTING, f"{service.task} to {size}"))
    return sum(points for points, _ in changes), tuple(words for _, words in changes)
