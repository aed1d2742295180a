"""From a workload and a price catalog to a recommendation: the whole flow."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import count

import numpy as np

from advisor.billing import Bill, amounts_usd, total_usd
from advisor.ecs import LaunchType, PurchaseOption, TaskSize
from advisor.errors import AdvisorError, InputError, PriceNotFoundError
from advisor.meters import CommitmentKind, Meter, Usage
from advisor.optimize.alternatives import (
    DEFAULT_SPREAD_ID,
    Alternatives,
    Choice,
    alternatives,
    wholly_unpriced,
    without_repeats,
)
from advisor.optimize.certificate import as_dict, lower_bound
from advisor.optimize.held import HELD_PART, price_plan, weekly_plan_usd, with_idle, without_held
from advisor.optimize.history import RecentLoad
from advisor.optimize.instance_money import instance_money
from advisor.optimize.loads import ServiceLoad
from advisor.optimize.parts import ROOT_VOLUME_GIB, Part, batch_plans
from advisor.optimize.present import has_present, hours_known, present_parts
from advisor.optimize.pricing import PricedParts, instance_facts, price_parts, weighted_quantile
from advisor.optimize.replayed import DEFAULT_REPLAY_WEEKS, best_replayed, can_replay, replayed_parts, together
from advisor.optimize.search import Search, on_default_spread, packed_load, search_for
from advisor.optimize.side_costs import price_side_costs
from advisor.optimize.targets import proposed_target, target_outcomes
from advisor.optimize.titles import parts_title
from advisor.plan import CapacityProvider, Plan, ServicePlan, StrategyItem
from advisor.pricing import PriceCatalog
from advisor.recommend.changes import ChangeKind, changes, weekly_load
from advisor.recommend.doubt import Drawn, break_even, drawn
from advisor.recommend.held_types import HELD_TYPES, with_choices_of_held_types
from advisor.recommend.price_age import price_age_warnings
from advisor.recommend.price_faults import price_fault_warnings
from advisor.recommend.quotas import quotas
from advisor.recommend.reasons import folded, idle_fraction, service_why, unmet_task_hours
from advisor.recommend.result import (
    CLUSTER_SCOPE,
    Advice,
    Alternative,
    BreakEven,
    InstancesView,
    Present,
    Recommendation,
    ReplaySummary,
    Run,
    Saving,
    ServiceAdvice,
    SideCostsBill,
    SizeAdvice,
    Stairs,
    Views,
)
from advisor.recommend.saving_steps import saving_steps
from advisor.recommend.since_step import SINCE_STEP, with_choices_since_a_step
from advisor.recommend.spot_risk import SpotRisk, spot_risks
from advisor.recommend.unit_costs import unit_costs
from advisor.recommend.verdict import Judgement, Ranked, finalists, judge, launch_choice, rank, saving_against
from advisor.recommend.views import first_hour, instances_view, service_view
from advisor.recommend.warnings import memory_doubts, side_cost_sentences, warnings_for
from advisor.simulate.fargate import fargate_quantities
from advisor.simulate.instances import reservation
from advisor.simulate.packing import tasks_per_instance
from advisor.simulate.scaling import RunningTasks
from advisor.simulate.timeline import Weeks
from advisor.uncertainty import HORIZON_WEEKS, SEED, quantile_error_fraction
from advisor.units import HOURS_PER_WEEK, SECONDS_PER_HOUR, BoolArray, FloatArray
from advisor.version import __version__
from advisor.workload import LoadForm, Workload

NO_ERROR = 1e-9
"""Below this a plan's draws are all the same number."""
MAX_REPLAYS = 6
"""Rounds of replaying the first plan and its rival: each replay may make another plan first."""
TREND_LOOK_AHEAD_WEEKS = (0, 4, 8, 13, 26)
"""Weeks after the end of the history at which a trend is asked whether the answer would still hold."""


def advise(
    workload: Workload, catalog: PriceCatalog, *, today: date | None = None, replay_weeks: int = DEFAULT_REPLAY_WEEKS
) -> Recommendation:
    """Price every launch choice for a workload and recommend one.

    Parameters
    ----------
    workload : Workload
        From :func:`advisor.read_workload`.
    catalog : PriceCatalog
        Prices of the workload's Region, from :func:`advisor.read_catalog`.
    replay_weeks : int
        Last weeks of the load that the recommended plan and its rival are replayed on, minute by minute, where they run on
        instances; 0 leaves EC2 a range instead.
    today : date, optional
        Rates that are older than 90 days on that day are named in a warning.

    Returns
    -------
    Recommendation
        Alternatives for the cluster and for each service, ranked, and the one to take. Money is in USD for 730 hours.

    Raises
    ------
    PriceNotFoundError
        Fargate or EC2 has no price at all for a service, and the constraints do not exclude it.
    InputError
        No instance type matches the constraints.

    Examples
    --------
    >>> import advisor
    >>> workload = advisor.read_workload("examples/cloudwatch/workload.yaml")
    >>> catalog = advisor.read_catalog(workload.region)
    >>> answer = advisor.advise(workload, catalog, replay_weeks=0)
    >>> answer.recommendation.headline, answer.recommendation.verdict.value
    ('Fargate ARM64', 'recommend')
    """
    return answer(workload, catalog, today=today).replayed(replay_weeks).recommendation()


def answer(workload: Workload, catalog: PriceCatalog, *, today: date | None = None) -> "Answer":
    """What :func:`advise` makes its recommendation from: every choice, with its parts. Raises what it raises."""
    search = search_for(workload, catalog)
    found = alternatives(workload, search)
    _check_that_tasks_run(found.loads)
    unpriced = wholly_unpriced(found.by_service, search)
    if unpriced:
        raise PriceNotFoundError(meter=unpriced[1], region=workload.region, catalog_date=catalog.catalog_date(workload.region))
    found = with_choices_of_held_types(workload, search, with_choices_since_a_step(workload, search, found))
    search = with_idle(search, [choice.parts for choice in found.for_cluster])
    return Answer(workload, search, found, RecentLoad(workload, search, found.common_measured), today)


def _check_that_tasks_run(loads: Sequence[ServiceLoad]) -> None:
    """Where no task ever runs all launch types cost nothing, and any of them would win."""
    for load in loads:
        if not np.nanmax(load.run.tasks, initial=0.0) > 0:
            raise InputError(
                f"{load.service.name}: no task ever runs: its load is 0 throughout and scaling.min is 0",
                fix="Set scaling.min to 1, leave the service out, or give a load in which it ran.",
            )


@dataclass(frozen=True)
class Answer:
    """Everything that the parts of a recommendation are made from."""

    workload: Workload
    search: Search
    found: Alternatives
    recent: RecentLoad
    today: date | None = None

    def recommendation(self) -> Recommendation:
        workload, found = self.workload, self.found
        cluster = self.drawn_for_cluster()
        for_cluster = rank(cluster.items)
        by_service = {
            load.service.name: rank(
                self._drawn(load.service.name, found.by_service[load.service.name], load.hours, load.measured).items
            )
            for load in found.loads
        }
        if not for_cluster or for_cluster[0].alternative.monthly_usd is None:
            self._refuse_unpriced_commitments(for_cluster)
            raise AdvisorError(_nothing_fits(for_cluster or [r for ranked in by_service.values() for r in ranked]))
        best = for_cluster[0]
        parts = self._parts_of(best.alternative)
        unpriced = [*self._unpriced(parts, by_service), *self._unpriced_with_held(for_cluster)]
        judgement = self.judge(cluster, for_cluster, unpriced)
        present = self._present()
        side = (
            None if workload.side_costs is None else price_side_costs(workload.side_costs, self.search.catalog, workload.region)
        )
        return Recommendation(
            cluster=workload.cluster,
            region=workload.region,
            run=self._run(parts),
            alternatives=tuple(r.alternative for ranked in (for_cluster, *by_service.values()) for r in ranked),
            recommendation=Advice(
                alternative=best.alternative.id,
                verdict=judgement.verdict,
                headline=best.alternative.title,
                why=self._why(parts, by_service),
                services=tuple(self._service_advice(load, parts, by_service) for load in found.loads),
                saving=judgement.saving,
                saving_against_present=self._saving_against_present(best, present),
                doubts=judgement.doubts,
                probability=judgement.probability,
                draws_error_fraction=_draws_error(best),
                break_even=self._break_even(judgement.saving, parts),
            ),
            present=present,
            views=self._views(for_cluster),
            warnings=(
                *self._price_faults(for_cluster),
                *warnings_for(workload, self.search, found, parts, best.alternative),
                *side_cost_sentences(side),
                *self._price_age(
                    best.alternative, for_cluster, judgement, [present.bill if present else None, side.bill if side else None]
                ),
            ),
            saving_steps=saving_steps(workload, found, self.search, present, parts),
            lower_bound=as_dict(bound) if (bound := lower_bound(found, parts, self.search)) else None,
            instance_money=instance_money(parts, workload, self.search, found.common_hours),
            unit_costs=unit_costs(parts, found.loads, self.search, found.common_hours),
            quotas=quotas(parts, self.search.candidates.types),
            spot_risks=self._spot_risks(best.alternative.id, judgement.saving),
            side_costs=side and SideCostsBill(bill=side.bill, monthly_usd=side.monthly_usd, missing=side.missing),
        )

    def _spot_risks(self, best: str, saving: Saving | None) -> tuple[SpotRisk, ...]:
        known = {choice.id for choice in self.found.for_cluster if choice.parts}
        ids = [each for each in dict.fromkeys((best, saving.against if saving else best)) if each in known]
        found = (spot_risks(each, self.parts_of_id(each), self.search.catalog, self.workload.region) for each in ids)
        return tuple(risk for risks in found for risk in risks)

    def _refuse_unpriced_commitments(self, ranked: Sequence[Ranked]) -> None:
        """Where nothing has a price because of a held commitment, its rate is what is missing."""
        prefixes = tuple(f"{kind}:" for kind in CommitmentKind)
        missing = [meter for item in ranked for meter in item.alternative.missing if meter.startswith(prefixes)]
        if missing:
            region, catalog = self.workload.region, self.search.catalog
            raise PriceNotFoundError(meter=missing[0], region=region, catalog_date=catalog.catalog_date(region))

    def replayed(self, weeks: int) -> "Answer":
        """The same choices, with the instances of the recommended plan and of its rival replayed on the last weeks.

        A replay may change the order: it goes on until the first plan and its rival are replayed, or have nothing to replay.
        """
        current = self
        for _ in range(MAX_REPLAYS if weeks else 0):
            ranked = rank(current.drawn_for_cluster().items)
            done: dict[int, Part] = {}
            for item in finalists(ranked):
                parts = current.parts_of_id(item.alternative.id)
                pending = [part for part in parts if part.replay is None and can_replay(part) and id(part) not in done]
                # These types were chosen on other weeks than the bill's, or because commitments cover them.
                if item.alternative.id.endswith((SINCE_STEP, HELD_TYPES)) or self.search.held:
                    replays = replayed_parts(pending, self.workload, self.search, weeks=weeks)
                else:
                    replays = best_replayed(pending, self.workload, self.search, self.found.common_hours, weeks=weeks)
                done |= {id(part): found for part, found in zip(pending, replays, strict=True) if found.replay is not None}
            if not done:
                break
            current = replace(current, found=current._with_parts(done))
        return replace(current, found=current._with_replayed_comparisons(weeks)) if weeks else current

    def _with_replayed_comparisons(self, weeks: int) -> Alternatives:
        """What is shown to compare placements with, on the instance types of the replayed choice and replayed as well."""
        by_id = {choice.id: choice for choice in self.found.for_cluster}

        def compared(choice: Choice) -> Choice:
            base = by_id.get(choice.id.removesuffix(f":{DEFAULT_SPREAD_ID}"))
            if not choice.is_comparison or base is None or not all(part.replay for part in base.parts if part.on_instances):
                return choice
            spread = [on_default_spread(self.search, part) for part in base.parts]
            parts = tuple(replayed_parts(spread, self.workload, self.search, weeks=weeks))
            return replace(choice, parts=parts, title=choice.title.replace(parts_title(choice.parts), parts_title(parts)))

        return replace(self.found, for_cluster=tuple(compared(choice) for choice in self.found.for_cluster))

    def _with_parts(self, done: Mapping[int, Part]) -> Alternatives:
        """The choices with some parts exchanged, wherever they stand; their titles follow the instance types."""

        def exchanged(choice: Choice) -> Choice:
            parts = tuple(done.get(id(part), part) for part in choice.parts)
            if not parts:
                return choice
            return replace(choice, parts=parts, title=choice.title.replace(parts_title(choice.parts), parts_title(parts)))

        return replace(
            self.found,
            for_cluster=tuple(without_repeats([exchanged(choice) for choice in self.found.for_cluster])),
            by_service={name: tuple(exchanged(c) for c in choices) for name, choices in self.found.by_service.items()},
        )

    def drawn_for_cluster(self) -> Drawn:
        """Alternatives for the cluster with their draws."""
        return self._drawn(CLUSTER_SCOPE, self.found.for_cluster, self.found.common_hours, self.found.common_measured)

    def _price_faults(self, ranked: Sequence[Ranked]) -> tuple[str, ...]:
        """What to know before anything else: rates that cannot be true."""
        bills = [each.alternative.bill for each in ranked]
        meters = {item.meter for bill in bills if bill for item in bill.line_items}
        return price_fault_warnings(self.search.catalog, self.workload.region, sorted(meters))

    def _price_age(
        self, best: Alternative, ranked: Sequence[Ranked], judgement: Judgement, beside: Sequence[Bill | None]
    ) -> tuple[str, ...]:
        """What to know about the age of the rates of the recommended plan and of what it is compared with."""
        against = judgement.saving.against if judgement.saving else ""
        bills = [*(each.alternative.bill for each in ranked if each.alternative.id == against), *beside]
        compared = [item for bill in bills if bill for item in bill.line_items if item.part != HELD_PART]
        of_best = [item for item in best.bill.line_items if item.part != HELD_PART] if best.bill else []
        return price_age_warnings(of_best, compared, region=self.workload.region, today=self.today)

    def _drawn(self, scope: str, choices: Sequence[Choice], hours: FloatArray, measured: BoolArray) -> Drawn:
        weeks = self.search.axis.week_hours(measured) if scope == CLUSTER_SCOPE else None
        # Commitments are shared by all services: what one of them would use of them alone, nobody can say.
        search = self.search if scope == CLUSTER_SCOPE else without_held(self.search)
        priced = [price_plan(choice.parts, hours, search) for choice in choices]
        items = [self._ranked(scope, choice, bill, hours, weeks) for choice, bill in zip(choices, priced, strict=True)]
        recent = self.recent if scope == CLUSTER_SCOPE else None
        return drawn(items, [choice.parts for choice in choices], priced, self.workload, search, measured, recent)

    def _ranked(self, scope: str, choice: Choice, priced: PricedParts, hours: FloatArray, weeks: Weeks | None) -> Ranked:
        alternative = Alternative(
            id=choice.id,
            scope=scope,
            title=choice.title,
            plan=self._plan(choice.parts) if choice.parts else None,
            usage=priced.usage,
            bill=priced.bill if choice.parts else None,
            monthly_usd=priced.monthly_usd if choice.parts else None,
            missing=choice.missing or priced.missing,
            unmet_task_hours=unmet_task_hours(choice.parts, hours) if choice.parts else 0.0,
            feasible=choice.is_feasible,
            reasons=choice.reasons,
            instances=instance_facts(choice.parts, hours),
            replay=_replay_summary(choice.parts),
            is_comparison=choice.is_comparison,
        )
        weekly = np.zeros(0) if weeks is None else weekly_plan_usd(choice.parts, weeks, hours, self.search)
        return Ranked(alternative=alternative, weekly_usd=weekly, priced_usd=priced.priced_usd)

    def _plan(self, parts: Sequence[Part]) -> Plan:
        """The parts as one plan; two of the same name with different contents are told apart by their service."""
        services: dict[str, ServicePlan] = {}
        providers: dict[str, CapacityProvider] = {}
        for part in parts:
            name = part.name
            if providers.get(name, part.provider) != part.provider:
                name = f"{name}-{next(iter(part.services))}"
            providers[name] = replace(part.provider, name=name)
            for service, plan in part.services.items():
                services[service] = replace(plan, capacity_provider=name)
        order = [service.name for service in self.workload.services if service.name in services]
        further = {
            run.service.name: batch_plans(run, part.provider, services[run.service.name].architecture)[1:]
            for part in parts
            for run in part.runs
            if run.service.is_batch
        }
        for batch, plans in further.items():
            for plan in plans:
                name = _free_name(batch, {*services, *(service.name for service in self.workload.services)})
                services[name] = replace(plan, capacity_provider=services[batch].capacity_provider)
                order.append(name)
        return Plan(
            cluster=self.workload.cluster,
            region=self.workload.region,
            services={name: services[name] for name in order},
            capacity_providers=providers,
        )

    def _unpriced(self, parts: Sequence[Part], by_service: Mapping[str, Sequence[Ranked]]) -> list[str]:
        """Choices without a price whose priced part is below what the service costs now: they might win."""
        hours, catalog, region = self.found.common_hours, self.search.catalog, self.search.region
        names: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for part in parts:
            now_usd = price_parts([part], hours, catalog, region).priced_usd
            for service in part.services:
                for item in by_service[service]:
                    other = item.alternative
                    if other.monthly_usd is None and other.feasible and item.priced_usd < now_usd:
                        names.setdefault((other.title, other.missing), []).append(service)
        return [
            f"{title} ({', '.join(services)}) has no price for {folded(missing)} and might win: give it with --rates FILE"
            for (title, missing), services in names.items()
        ]

    def _unpriced_with_held(self, ranked: Sequence[Ranked]) -> list[str]:
        """Alternatives for which a held commitment has no rate, and whose priced part is below the first one's cost."""
        best_usd = ranked[0].priced_usd
        prefixes = tuple(f"{kind}:" for kind in CommitmentKind)
        missing: dict[tuple[str, ...], str] = {}
        for item in ranked:
            other = item.alternative
            is_open = other.monthly_usd is None and other.feasible and not other.is_comparison and item.priced_usd < best_usd
            if is_open and any(meter.startswith(prefixes) for meter in other.missing):
                missing.setdefault(other.missing, other.title)
        return [
            f"{title} has no price for {folded(meters)}, which the held commitments need, and might win: give it with "
            "--rates FILE"
            for meters, title in missing.items()
        ]

    def judge(self, cluster: Drawn, ranked: Sequence[Ranked], unpriced: Sequence[str]) -> Judgement:
        """The verdict on the first of ``ranked``."""
        measured_hours = float(self.found.common_measured.sum()) * self.search.axis.step_hours
        return judge(
            ranked,
            unpriced=unpriced,
            measured_hours=measured_hours,
            weeks=self.workload.span_hours / HOURS_PER_WEEK,
            is_stated=all(service.is_stated for service in self.workload.services),
            settle=cluster.settle,
            trend_doubt=self._trend_doubt(ranked[0]),
            memory_doubts=memory_doubts(self.found, self.search, self._parts_of(ranked[0].alternative)),
        )

    def _trend_doubt(self, best: Ranked) -> str:
        """Whether the launch types and purchase options would be others at the load that a trend leads to."""
        growth = {
            load.service.name: change.fraction
            for load in self.found.loads
            if not load.service.is_stated
            for change in changes(weekly_load(self.search.axis.spread(load.demand), self._weeks_of(load)), "")
            if change.kind is ChangeKind.TREND
        }
        plan = best.alternative.plan
        if not growth or plan is None:
            return ""
        n_steps = min(self.workload.n_steps, HORIZON_WEEKS * HOURS_PER_WEEK * SECONDS_PER_HOUR // self.workload.step_s)
        recent = self.workload.between(self.workload.n_steps - n_steps, self.workload.n_steps)
        for n_weeks in TREND_LOOK_AHEAD_WEEKS:
            factor = np.array([[(1 + growth.get(service.name, 0.0)) ** n_weeks] for service in recent.services])
            title = self._cheapest_of_another_choice(replace(recent, demand=recent.demand * factor), plan)
            if title and n_weeks:
                return f"if the trend goes on, {title} is cheaper in {n_weeks} weeks: say by growth whether it does"
            if title:
                return f"the load has a trend, and on its last four weeks {title} is cheaper"
        return ""

    def _cheapest_of_another_choice(self, workload: Workload, plan: Plan) -> str:
        """Title of the choice that is cheapest for a workload, where its launch types or purchase options are others."""
        if not workload.measured.all(axis=0).any():
            return ""
        search = replace(search_for(workload, self.search.catalog), candidates=self.search.candidates)
        found = alternatives(workload, search)
        priced = [
            (monthly.mean + monthly.high, choice.title, choice.parts)
            for choice in found.for_cluster
            if choice.parts and not choice.is_comparison
            if (monthly := price_plan(choice.parts, found.common_hours, search).monthly_usd)
        ]
        _, title, parts = min(priced, key=lambda each: each[:2], default=(0.0, "", ()))
        return title if parts and launch_choice(self._plan(parts)) != launch_choice(plan) else ""

    def _weeks_of(self, load: ServiceLoad) -> Weeks:
        return self.search.axis.week_hours(load.measured)

    def _break_even(self, saving: Saving | None, parts: Sequence[Part]) -> BreakEven | None:
        if saving is None:
            return None
        theirs = self.parts_of_id(saving.against)
        return break_even(saving.against, parts, theirs, self.recent)

    def parts_of_id(self, alternative_id: str) -> tuple[Part, ...]:
        """The parts of an alternative of any scope."""
        choices = [*self.found.for_cluster, *(c for choices in self.found.by_service.values() for c in choices)]
        return next(choice.parts for choice in choices if choice.id == alternative_id)

    def _parts_of(self, alternative: Alternative) -> tuple[Part, ...]:
        return self.parts_of_id(alternative.id)

    def _why(self, parts: Sequence[Part], by_service: Mapping[str, Sequence[Ranked]]) -> str:
        """A sentence about the costliest part of each launch type."""
        hours, catalog, region = self.found.common_hours, self.search.catalog, self.search.region
        sentences: dict[LaunchType, str] = {}
        for part in sorted(parts, key=lambda part: -price_parts([part], hours, catalog, region).priced_usd):
            sentences.setdefault(
                part.provider.launch_type, f"{_subject(part)} {service_why(part, hours, self._idle(part, by_service))}"
            )
        return "; ".join(sentences.values())

    def _idle(self, part: Part, by_service: Mapping[str, Sequence[Ranked]]) -> float | None:
        """How much of its instances a part leaves idle; on Fargate, of the instances that it would have alone."""
        facts = instance_facts([part], self.found.common_hours)
        if facts is not None:
            return 1 - facts.packed_fraction
        return idle_fraction(_first_on_instances(by_service[next(iter(part.services))]))

    def _service_advice(
        self, load: ServiceLoad, parts: Sequence[Part], by_service: Mapping[str, Sequence[Ranked]]
    ) -> ServiceAdvice:
        name = load.service.name
        part = next(part for part in parts if name in part.services)
        plan = part.services[name]
        is_plain = plan.launch_type is LaunchType.FARGATE and plan.purchase_option is PurchaseOption.ON_DEMAND
        strategy = () if is_plain else (StrategyItem(capacity_provider=plan.capacity_provider),)
        known = load.hours > 0
        row = list(part.services).index(name)
        alone = replace(part, tasks=part.tasks[row : row + 1], services={name: plan})
        targets = target_outcomes(load, part, self.search)
        return ServiceAdvice(
            name=name,
            launch_type=plan.launch_type,
            purchase_option=plan.purchase_option,
            capacity_provider_strategy=strategy,
            task_size={"cpu": plan.task.cpu_units, "memory": plan.task.memory_mib},
            architecture=plan.architecture,
            instance_types=part.provider.instance_types,
            tasks_p50=weighted_quantile(part.tasks[row][known], load.hours[known], 0.5),
            tasks_max=float(part.tasks[row][known].max(initial=0.0)),
            why=service_why(alone, load.hours, self._idle(part, by_service)),
            size=self._size_advice(load, plan),
            targets=targets,
            proposed_target=proposed_target(targets, load, part, self.search),
        )

    def _size_advice(self, load: ServiceLoad, plan: ServicePlan) -> SizeAdvice | None:
        right = self.found.right_sized.get(load.service.name)
        if right is None or right.right_size is None or right.run.size != plan.task:
            return None
        return SizeAdvice(
            declared={"cpu": load.service.task.cpu_units, "memory": load.service.task.memory_mib},
            hours_above_target_today=right.right_size.hours_above_target_today,
            hours_above_target=right.right_size.hours_above_target,
            hours_above_full=right.right_size.hours_above_full,
            memory_headroom_fraction=right.right_size.memory_headroom_fraction,
        )

    def _present(self) -> Present | None:
        if not has_present(self.workload):
            return None
        parts, unknown = present_parts(self.workload, self.found.loads, self.search)
        hours = hours_known(parts, self.found.common_measured, self.search.axis)
        priced = price_plan(parts, hours, self.search)
        missing = unknown + priced.missing
        if not hours.any():
            missing += ("tasks that ran at a moment at which every load is known",)
        if missing or priced.monthly_usd is None:
            return Present(monthly_usd=None, bill=None, missing=missing)
        exact = replace(priced.monthly_usd, high=priced.monthly_usd.mean)  # what runs today needs no model of packing
        return Present(monthly_usd=exact, bill=priced.bill, missing=())

    def _saving_against_present(self, best: Ranked, present: Present | None) -> Saving | None:
        if present is None or present.monthly_usd is None:
            return None
        today = replace(best.alternative, id="present", monthly_usd=present.monthly_usd)
        none = np.zeros(0)
        saving = saving_against(replace(best, weekly_usd=none), Ranked(alternative=today, weekly_usd=none, priced_usd=0.0))
        return replace(saving, weeks_cheaper=None, weeks=None)

    def _views(self, ranked: Sequence[Ranked]) -> Views:
        start, axis = self.workload.start, self.search.axis
        everything = np.ones(axis.n_steps, dtype=np.bool_)
        services = tuple(
            replace(
                service_view(load, axis, start, everything, self._stairs(load)), fargate_rounding_fraction=self._rounding(load)
            )
            for load in self.found.loads
        )
        weeks = [part.replay.week for part in self._parts_of(ranked[0].alternative) if part.replay and part.replay.week]
        return Views(
            start=first_hour(start).isoformat(),
            services=services,
            instances=self._instances_view(ranked),
            replayed_week=together(weeks),
        )

    def _stairs(self, load: ServiceLoad) -> Stairs:
        name = load.service.name
        fargate = self._own_part(name, LaunchType.FARGATE)
        ec2 = self._own_part(name, LaunchType.EC2)
        task_usd, fargate_title = None, "Fargate"
        if fargate is not None:
            plan = fargate.services[name]
            task_usd, fargate_title = self._task_hour_usd(plan.task, plan, fargate.meters), f"Fargate {plan.architecture}"
        if ec2 is None:
            return Stairs(
                fargate_usd_per_task_hour=task_usd, fargate_title=fargate_title, instance_type=None,
                usd_per_instance_hour=None, tasks_per_instance=None, zones=self.search.constraints.zones,
            )  # fmt: skip
        (type_name,) = ec2.provider.instance_types
        instance_type = next(t for t in self.search.candidates.types if t.name == type_name)
        offered = self.search.candidates.capacity_of(instance_type)
        return Stairs(
            fargate_usd_per_task_hour=task_usd,
            fargate_title=fargate_title,
            instance_type=type_name,
            usd_per_instance_hour=self._instance_hour_usd(ec2, load.hours),
            tasks_per_instance=int(tasks_per_instance(reservation(load.run.size), offered)),
            zones=self.search.constraints.zones,
        )

    def _instance_hour_usd(self, part: Part, hours: FloatArray) -> float | None:
        """What one instance costs for an hour, with its root volume and, of burstable types, its mean surplus credits."""
        totals = Usage(meters=part.meters, quantity_per_hour=part.quantity_per_hour, hours=hours).totals
        return self._usd(totals / totals[0], part.meters) if totals[0] > 0 else None

    def _rounding(self, load: ServiceLoad) -> float | None:
        """Share of a task's cost on Fargate that rounding its declared size up to the grid adds."""
        part = self._own_part(load.service.name, LaunchType.FARGATE, is_declared=True)
        if part is None:
            return None
        plan, declared = part.services[load.service.name], load.service.task
        if not declared.fits_in(plan.task):
            return None
        exact_usd, rounded_usd = (
            self._task_hour_usd(declared, plan, part.meters),
            self._task_hour_usd(plan.task, plan, part.meters),
        )
        return None if exact_usd is None or not rounded_usd else 1.0 - exact_usd / rounded_usd

    def _task_hour_usd(self, size: TaskSize, plan: ServicePlan, meters: Sequence[Meter]) -> float | None:
        """What one task of a size costs for an hour on Fargate."""
        quantity = fargate_quantities(
            np.ones(1), size, ephemeral_storage_gib=plan.ephemeral_storage_gib, has_public_ip=plan.has_public_ip
        )
        return self._usd(quantity[:, 0], meters)

    def _usd(self, quantity: FloatArray, meters: Sequence[Meter]) -> float | None:
        usd = float(total_usd(amounts_usd(quantity, self.search.catalog.rates_usd(meters, self.search.region))))
        return None if np.isnan(usd) else usd

    def _own_part(self, service: str, launch_type: LaunchType, *, is_declared: bool = False) -> Part | None:
        """The cheapest on-demand part of a service alone; ``is_declared``: not in another size for its own sake."""
        choices = [c for c in self.found.by_service[service] if c.parts and not (is_declared and c.is_right_sized)]
        parts = [choice.parts[0] for choice in choices]
        eligible = [
            part
            for part in parts
            if part.provider.launch_type is launch_type and part.provider.purchase_option is PurchaseOption.ON_DEMAND
        ]
        hours = next(load.hours for load in self.found.loads if load.service.name == service)
        priced = [(price_parts([part], hours, self.search.catalog, self.search.region).monthly_usd, part) for part in eligible]
        return min(((usd.high, i, part) for i, (usd, part) in enumerate(priced) if usd), default=(0, 0, None))[2]

    def _instances_view(self, ranked: Sequence[Ranked]) -> InstancesView | None:
        """Of the recommended alternative, or else of the cheapest one with instances."""
        alternative = _first_on_instances(ranked)
        if alternative is None:
            return None
        parts = [(part, part.on_instances) for part in self._parts_of(alternative) if part.on_instances is not None]
        bounds = []
        for part, _ in parts:
            types = [t for t in self.search.candidates.types if t.name in part.provider.instance_types]
            load = packed_load([self._run_of(name, plan) for name, plan in part.services.items()])
            per_type = [load.bound(self.search.candidates.capacity_of(t)) for t in types]
            bounds.append(np.mean(per_type, axis=0))
        series = (
            np.sum([use.running for _, use in parts], axis=0),
            np.sum(bounds, axis=0),
            np.sum([part.tasks.sum(axis=0) for part, _ in parts], axis=0),
        )
        return instances_view(alternative.id, alternative.title, series, self.search.axis, self.workload.start)

    def _run_of(self, service: str, plan: ServicePlan) -> RunningTasks:
        """Tasks over time with the size of the plan."""
        right = self.found.right_sized.get(service)
        if right is not None and right.run.size == plan.task:
            return right.run
        return next(load.run for load in self.found.loads if load.service.name == service)

    def _fitted_memory(self, parts: Sequence[Part]) -> dict[str, str]:
        """Registered memory of the recommended instance types that nobody observed."""
        chosen = {name for part in parts for name in part.provider.instance_types}
        fitted = [t for t in self.search.candidates.types if t.name in chosen and not t.is_registered_memory_observed]
        return {f"registered memory of {t.name}": f"{t.registered_memory_mib:,} MiB (our fit)" for t in fitted}

    def _run(self, parts: Sequence[Part]) -> Run:
        workload, catalog = self.workload, self.search.catalog
        end = workload.start + timedelta(hours=workload.span_hours)
        return Run(
            version=__version__,
            inputs=tuple({"path": file.path, "sha256": file.sha256} for file in (*workload.inputs, *catalog.inputs)),
            catalog=_catalog_dates(catalog, workload.region),
            seed=SEED,
            defaults={**workload.defaults_used, **_model_defaults(workload), **self._fitted_memory(parts)},
            notes=(*workload.notes, *catalog.notes, *self.search.candidates.notes),
            start=workload.start.isoformat(),
            end=end.isoformat(),
            step_s=workload.step_s,
            weeks=workload.span_hours / HOURS_PER_WEEK,
            coverage_fraction=float(workload.measured.mean()),
        )


def _free_name(like: str, taken: Collection[str]) -> str:
    """The next name like another one that is not taken, in the length that ECS allows."""
    return next(name for number in count(2) if (name := f"{like[:240]}-{number}") not in taken)


MODEL_DEFAULTS: Mapping[str, str] = {
    "root volume": f"{ROOT_VOLUME_GIB} GiB gp3",
    "target capacity": "100 %",
    "daemons": "none",
    "work per vCPU": "1",
}
"""What no input of this version changes."""


def _draws_error(best: Ranked) -> float | None:
    if best.draws_usd is None:
        return None
    error = float(quantile_error_fraction(best.draws_usd[:, np.newaxis])[0])
    return float(f"{error:.3g}") if error > NO_ERROR else 0.0


def _replay_summary(parts: Sequence[Part]) -> ReplaySummary | None:
    """What the replays of an alternative's parts found together; None unless all that can be were replayed."""
    facts = [part.replay for part in parts if part.replay is not None]
    if not facts or any(part.replay is None and part.on_instances is not None for part in parts):
        return None
    uses = [(part.on_instances.running, part.replay.factor) for part in parts if part.on_instances and part.replay]
    running = [float(np.nanmean(series)) for series, _ in uses]
    packed = [mean / factor for mean, (_, factor) in zip(running, uses, strict=True)]
    fargate = [
        (float(np.nanmean(part.quantity_per_hour[0])), part.replay.factor)
        for part in parts
        if part.replay and part.provider.launch_type is LaunchType.FARGATE
    ]
    modelled_vcpu = sum(vcpu / factor for vcpu, factor in fargate if factor)
    return ReplaySummary(
        weeks=min(each.weeks for each in facts),
        instances_over_packing=sum(running) / sum(packed) if sum(packed) else None,
        fargate_tasks_over_model=sum(vcpu for vcpu, _ in fargate) / modelled_vcpu if modelled_vcpu else None,
        waiting_task_hours=sum(each.waiting_task_hours for each in facts),
        hours_above_target=sum(each.hours_above_target for each in facts),
        hours_above_full=sum(each.hours_above_full for each in facts),
        instances_max=sum(each.instances_max for each in facts),
    )


def _model_defaults(workload: Workload) -> Mapping[str, str]:
    defaults = {name: value for name, value in MODEL_DEFAULTS.items() if name != "daemons" or not workload.daemons}
    if workload.growth.is_none:
        is_assumed = any(service.is_stated and service.load_form is not LoadForm.TASKS for service in workload.services)
        defaults["growth"] = "0 beyond what an assumed load states" if is_assumed else "0"
    return defaults


def _catalog_dates(catalog: PriceCatalog, region: str) -> Mapping[str, str]:
    dates = catalog.dates(region)
    origin = catalog.origin(region)
    named = {} if origin is None else {"name": origin.name, "sha256": origin.sha256}
    return {"region": region, "newest": dates.newest, "oldest": dates.oldest, **named}


def _subject(part: Part) -> str:
    names = list(part.services)
    return f"{names[0]} runs" if len(names) == 1 else f"{len(names)} services together run"


def _first_on_instances(ranked: Sequence[Ranked]) -> Alternative | None:
    for item in ranked:
        if item.alternative.instances is not None and item.alternative.monthly_usd and not item.alternative.is_comparison:
            return item.alternative
    return None


def _nothing_fits(ranked: Sequence[Ranked]) -> str:
    first = ranked[0].alternative if ranked else None
    sentences = (sentence for item in ranked for sentence in (*item.alternative.reasons, *item.alternative.missing))
    reasons = "; ".join(dict.fromkeys(sentences)) or "none is allowed"
    what = f"{first.title}: " if first else ""
    return f"no launch choice can run this workload ({what}{reasons}). Widen the constraints or the task sizes."
