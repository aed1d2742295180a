"""Everything that the parts of a recommendation are made from, and how they are put together."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

import numpy as np

from advisor.answer.present_money import present_money, saving_against_present
from advisor.billing import Bill
from advisor.ecs import PurchaseOption
from advisor.errors import AdvisorError
from advisor.optimize.alternatives import (
    Alternatives,
    with_cheapest_of_each,
)
from advisor.optimize.certificate import as_dict, lower_bound
from advisor.optimize.choice import OVER_BASE_ID, Choice, base_id, without_repeats
from advisor.optimize.committable import committable
from advisor.optimize.held import UNUSED_PARTS, beside_held, price_plan, weekly_plan_usd, without_held
from advisor.optimize.history import RecentLoad
from advisor.optimize.instance_money import instance_money
from advisor.optimize.interrupted import unmet_task_minutes
from advisor.optimize.lost_zone import lost_zones
from advisor.optimize.parts import Part
from advisor.optimize.pricing import PricedParts, instance_facts
from advisor.optimize.purchases import Purchase, as_unrated, best_purchase
from advisor.optimize.replayed import best_replayed, can_replay, replayed_parts
from advisor.optimize.search import Search, on_default_spread
from advisor.optimize.side_costs import price_side_costs
from advisor.optimize.spot_base import over_on_demand_base
from advisor.optimize.titles import parts_title
from advisor.plan import Commitment, Terms
from advisor.recommend.advice import first_on_instances, service_advice, why
from advisor.recommend.doubt import Drawn, break_even, drawn, with_odds
from advisor.recommend.held_types import HELD_TYPES
from advisor.recommend.instance_work import instance_work, without_instances
from advisor.recommend.made_from import run_of
from advisor.recommend.plans import plan_of
from advisor.recommend.price_age import price_age_warnings
from advisor.recommend.price_faults import price_fault_warnings
from advisor.recommend.quotas import quotas
from advisor.recommend.reasons import unmet_task_hours
from advisor.recommend.replay_summary import replay_summary
from advisor.recommend.result import (
    CLUSTER_SCOPE,
    Advice,
    Alternative,
    BreakEven,
    Recommendation,
    Saving,
    SideCostsBill,
)
from advisor.recommend.saving_steps import saving_steps
from advisor.recommend.since_step import SINCE_STEP
from advisor.recommend.spot_risk import SpotRisk, spot_risks
from advisor.recommend.trend import trend_doubt
from advisor.recommend.unit_costs import unit_costs
from advisor.recommend.unpriced import (
    nothing_fits,
    on_demand_for_want_of_rates,
    refuse_unpriced_commitments,
    unpriced,
    unpriced_with_commitments,
)
from advisor.recommend.verdict import (
    LEAST_OF_A_BILL,
    MOST_OF_A_BILL,
    Judgement,
    Ranked,
    contender,
    finalists,
    judge,
    rank,
    service_doubts,
    with_cheaper_placements,
)
from advisor.recommend.views import views_of
from advisor.recommend.warnings import memory_doubts, side_cost_sentences, warnings_for
from advisor.recommend.zone_stops import zone_stops
from advisor.simulate.timeline import Weeks
from advisor.uncertainty import quantile_error_fraction
from advisor.units import HOURS_PER_WEEK, BoolArray, FloatArray
from advisor.workload import Workload

NO_ERROR = 1e-9
"""Below this a plan's draws are all the same number."""
MAX_REPLAYS = 8
"""Rounds of replaying the first plan and its rival: each replay may make another plan first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Billed:
    ranked: Ranked
    priced: PricedParts
    bought: tuple[Commitment, ...]


@dataclass(frozen=True)
class Answer:
    """Everything that the parts of a recommendation are made from."""

    workload: Workload
    search: Search
    found: Alternatives
    recent: RecentLoad
    today: date | None = None
    terms: Terms | None = None
    """Of Savings Plans that every alternative for the cluster has in its bill, in the sizes that are best for it."""
    purchases: dict[Hashable, tuple[tuple[Part, ...], Purchase]] = field(default_factory=dict, compare=False, repr=False)
    """What is best bought for some parts under some terms, so far; with the parts, so that no others get their ids."""
    bills: dict[Hashable, tuple[Choice, "_Billed"]] = field(default_factory=dict, compare=False, repr=False)
    """What choices cost, so far: a replay exchanges the parts of a few, and the rest stay as they are."""

    def purchase(self, parts: tuple[Part, ...]) -> Purchase | None:
        """What is best bought for a plan of the whole cluster; None without terms."""
        if self.terms is None or not parts:
            return None
        key = self.terms, tuple(id(part) for part in parts)
        if key not in self.purchases:
            case = committable(self.workload, self.search, parts, self.found.common_hours)
            self.purchases[key] = parts, best_purchase(case, self.terms)
        return self.purchases[key][1]

    def with_purchase(self, parts: tuple[Part, ...]) -> Search:
        """The search with what is bought for a plan of the whole cluster."""
        purchase = self.purchase(parts)
        return self.search if purchase is None else replace(self.search, bought=purchase.commitments)

    def uncovered(self, parts: tuple[Part, ...]) -> tuple[str, ...]:
        """Meters of commitments that a plan of the whole cluster has on demand in its bill, for want of a rate."""
        purchase = self.purchase(parts)
        return () if purchase is None else purchase.uncovered

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
            refuse_unpriced_commitments(for_cluster, self.search)
            raise AdvisorError(nothing_fits(for_cluster or [r for ranked in by_service.values() for r in ranked]))
        best = for_cluster[0]
        parts = self.found.parts_of(best.alternative.id)
        open_choices = [
            *unpriced(parts, by_service, found.common_hours, self.search),
            *unpriced_with_commitments(for_cluster),
        ]
        # Of one service alone, nobody can say what commitments of the whole cluster would make of its other choices.
        in_doubt = service_doubts(best.alternative, by_service) if self.terms is None else []
        most = [text for share, text in in_doubt if share >= MOST_OF_A_BILL]
        judgement = self.judge(cluster, for_cluster, open_choices, most)
        present = present_money(workload, self.search, found, self.terms)
        side = (
            None if workload.side_costs is None else price_side_costs(workload.side_costs, self.search.catalog, workload.region)
        )
        return Recommendation(
            cluster=workload.cluster,
            region=workload.region,
            run=run_of(workload, self.search, parts),
            alternatives=tuple(r.alternative for ranked in (for_cluster, *by_service.values()) for r in ranked),
            recommendation=Advice(
                alternative=best.alternative.id,
                verdict=judgement.verdict,
                headline=best.alternative.title,
                why=why(parts, by_service, found.common_hours, self.search),
                services=tuple(service_advice(load, parts, by_service, found, self.search) for load in found.loads),
                saving=judgement.saving,
                saving_against_present=saving_against_present(best, present, self.terms),
                doubts=judgement.doubts,
                probability=judgement.probability,
                draws_error_fraction=_draws_error(best),
                break_even=self._break_even(judgement.saving, parts),
            ),
            present=present,
            views=views_of(workload, found, self.search, parts, first_on_instances(for_cluster)),
            warnings=(
                *self.search.catalog.notes,
                *self._price_faults(for_cluster),
                *warnings_for(workload, self.search, found, parts, best.alternative, self.today),
                *zone_stops(parts, workload, self.search, found.common_hours, without_instances(for_cluster)),
                *beside_held(workload.commitments, self.with_purchase(parts).bought),
                *on_demand_for_want_of_rates(best.alternative.title, self.uncovered(parts)),
                *(text for share, text in in_doubt if LEAST_OF_A_BILL <= share < MOST_OF_A_BILL),
                *side_cost_sentences(side),
                *instance_work(for_cluster),
                *self._price_age(
                    best.alternative, for_cluster, judgement, [present.bill if present else None, side.bill if side else None]
                ),
            ),
            saving_steps=saving_steps(workload, found, self.with_purchase(parts), present, parts),
            lower_bound=as_dict(bound) if (bound := lower_bound(found, parts, self.search, self.terms)) else None,
            instance_money=instance_money(parts, workload, self.search, found.common_hours),
            unit_costs=unit_costs(parts, found.loads, self.search, found.common_hours),
            quotas=quotas(parts, self.search.candidates.types),
            spot_risks=self._spot_risks(best.alternative.id, judgement.saving),
            lost_zones=lost_zones(parts, workload, self.search, found.common_hours),
            side_costs=side and SideCostsBill(bill=side.bill, monthly_usd=side.monthly_usd, missing=side.missing),
        )

    def _spot_risks(self, best: str, saving: Saving | None) -> tuple[SpotRisk, ...]:
        named = dict.fromkeys((best, saving.against if saving else best))
        over_base = {each.base_id: each.id for each in self.found.for_cluster if each.parts and f":{OVER_BASE_ID}" in each.id}
        ids = [each for one in named for each in (one, over_base.get(one)) if each]
        catalog, region, hours = self.search.catalog, self.workload.region, self.found.common_hours
        found: list[SpotRisk] = []
        for each in ids:
            parts = self.found.parts_of(each)
            found += spot_risks(each, parts, catalog, region, hours, self._unmet_by_interruptions(parts))
        return tuple(found)

    def _unmet_by_interruptions(self, parts: Sequence[Part]) -> dict[str, float]:
        """Task-minutes that one interruption leaves unmet, by the first service of each part on Spot that was replayed."""
        on_spot = [part for part in parts if part.replay and part.provider.purchase_option is PurchaseOption.SPOT]
        found = {next(iter(part.services)): unmet_task_minutes(part, self.workload, self.search) for part in on_spot}
        return {name: minutes for name, minutes in found.items() if minutes is not None}

    def replayed(self, weeks: int, on_progress: Callable[[float], None] = lambda _share: None) -> "Answer":
        """The same choices, with the instances of the recommended plan and of its rival replayed on the last weeks.

        A replay may change the order: it goes on until the first plan, its rival and what might undercut them are replayed, or
        have nothing to replay.
        """
        current, left = self, 1.0
        for _ in range(MAX_REPLAYS if weeks else 0):
            ranked = rank(current.drawn_for_cluster().items)
            done: dict[int, Part] = {}
            found = current.found

            def is_open(alternative: Alternative, found: Alternatives = found) -> bool:
                return any(part.replay is None and can_replay(part) for part in found.parts_of(alternative.id))

            for item in (*finalists(ranked), *contender(ranked, is_open)):
                parts = current.found.parts_of(item.alternative.id)
                pending = [part for part in parts if part.replay is None and can_replay(part) and id(part) not in done]
                # These types were chosen on other weeks than the bill's, or because commitments cover them.
                if item.alternative.id.endswith((SINCE_STEP, HELD_TYPES)) or self.search.held or self.terms:
                    replays = replayed_parts(pending, self.workload, self.search, weeks=weeks)
                else:
                    replays = best_replayed(pending, self.workload, self.search, self.found.common_hours, weeks=weeks)
                done |= {id(part): found for part, found in zip(pending, replays, strict=True) if found.replay is not None}
                left /= 2  # how many more there will be is not known
                on_progress(1 - left)
            if done:
                current = replace(current, found=current._with_parts(done))
                continue
            wider = with_cheapest_of_each(current.found, self.search, has_rival=len(finalists(ranked)) > 1)
            if wider is current.found:
                break
            current = replace(current, found=wider)
        return replace(current, found=current._with_replayed_comparisons(weeks)) if weeks else current

    def _with_replayed_comparisons(self, weeks: int) -> Alternatives:
        """What is shown to compare placements with, on the instance types of the replayed choice and replayed as well."""
        by_id = {choice.id: choice for choice in self.found.for_cluster}

        def compared(choice: Choice) -> Choice:
            base = by_id.get(choice.base_id)
            if not choice.is_comparison or base is None or base is choice:
                return choice
            if not all(part.replay for part in base.parts if part.on_instances):
                return choice
            if f":{OVER_BASE_ID}" in choice.id:
                parts = tuple(over_on_demand_base(part, self.search) for part in base.parts)
            elif all(part.replay for part in choice.parts):  # as one of the first plans
                return choice
            else:
                spread = [on_default_spread(self.search, part) for part in base.parts]
                parts = tuple(replayed_parts(spread, self.workload, self.search, weeks=weeks))
            return replace(choice, parts=parts, title=choice.title.replace(parts_title(choice.parts), parts_title(parts)))

        return replace(self.found, for_cluster=tuple(compared(choice) for choice in self.found.for_cluster))

    def _with_parts(self, done: Mapping[int, Part]) -> Alternatives:
        """The choices with some parts exchanged, wherever they stand; their titles follow the instance types."""

        def exchanged(choice: Choice) -> Choice:
            if not any(id(part) in done for part in choice.parts):
                return choice
            parts = tuple(done.get(id(part), part) for part in choice.parts)
            return replace(choice, parts=parts, title=choice.title.replace(parts_title(choice.parts), parts_title(parts)))

        return replace(
            self.found,
            for_cluster=tuple(without_repeats([exchanged(choice) for choice in self.found.for_cluster])),
            by_service={name: tuple(exchanged(c) for c in choices) for name, choices in self.found.by_service.items()},
        )

    def drawn_for_cluster(self) -> Drawn:
        """Alternatives for the cluster with their draws."""
        return self._drawn_for_cluster

    @cached_property
    def _drawn_for_cluster(self) -> Drawn:
        """Without a price where new commitments lack a rate, but for the plan that is the cheapest on demand even so."""
        hours, measured = self.found.common_hours, self.found.common_measured
        lacking = [choice.id for choice in self.found.for_cluster if self.uncovered(choice.parts)]
        drawn = self._drawn(CLUSTER_SCOPE, self.found.for_cluster, hours, measured, at_most=lacking)
        if lacking:
            first = base_id(rank(with_cheaper_placements(drawn.items))[0].alternative.id)
            at_most = [each for each in lacking if base_id(each) == first]
            drawn = self._drawn(CLUSTER_SCOPE, self.found.for_cluster, hours, measured, at_most)
        return replace(drawn, items=with_odds(with_cheaper_placements(drawn.items)))  # chances count a new choice

    def drawn_alone(self, choice: Choice) -> Ranked:
        """One choice for the cluster with its draws, whether it is among the alternatives or not, and at most its cost."""
        found = self._drawn(CLUSTER_SCOPE, [choice], self.found.common_hours, self.found.common_measured, [choice.id])
        return found.items[0]

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
        compared = [item for bill in bills if bill for item in bill.line_items if item.part not in UNUSED_PARTS]
        of_best = [item for item in best.bill.line_items if item.part not in UNUSED_PARTS] if best.bill else []
        return price_age_warnings(of_best, compared, region=self.workload.region, today=self.today)

    def _drawn(
        self, scope: str, choices: Sequence[Choice], hours: FloatArray, measured: BoolArray, at_most: Collection[str] = ()
    ) -> Drawn:
        """Choices with their draws; those of ``at_most`` have a price where new commitments lack a rate, too."""
        is_of_cluster = scope == CLUSTER_SCOPE
        # Commitments are shared by all services: what one of them would use of them alone, nobody can say.
        search = self.search if is_of_cluster else without_held(self.search)
        weeks, recent = (self.recent.weeks, self.recent) if is_of_cluster else (None, None)
        found = [self._billed(scope, choice, search, hours, weeks, choice.id in at_most) for choice in choices]
        return drawn(
            [each.ranked for each in found],
            [choice.parts for choice in choices],
            [each.priced for each in found],
            self.workload,
            search,
            measured,
            recent,
            [each.bought for each in found],
        )

    def _billed(
        self, scope: str, choice: Choice, search: Search, hours: FloatArray, weeks: Weeks | None, is_at_most: bool
    ) -> "_Billed":
        key = scope, self.terms, id(choice), is_at_most
        if key not in self.bills:
            purchase = self.purchase(choice.parts) if scope == CLUSTER_SCOPE else None
            is_unrated = purchase is not None and bool(purchase.uncovered) and not is_at_most
            here = search if purchase is None or is_unrated else replace(search, bought=purchase.commitments)
            priced = price_plan(choice.parts, hours, here)
            if purchase is not None and is_unrated:
                priced = as_unrated(priced, purchase)
            ranked = self._ranked(scope, choice, priced, here, hours, weeks)
            self.bills[key] = choice, _Billed(ranked=ranked, priced=priced, bought=here.bought)
        return self.bills[key][1]

    def _ranked(
        self, scope: str, choice: Choice, priced: PricedParts, search: Search, hours: FloatArray, weeks: Weeks | None
    ) -> Ranked:
        alternative = Alternative(
            id=choice.id,
            scope=scope,
            title=choice.title,
            plan=plan_of(choice.parts, self.workload) if choice.parts else None,
            usage=priced.usage,
            bill=priced.bill if choice.parts else None,
            monthly_usd=priced.monthly_usd if choice.parts else None,
            missing=choice.missing or priced.missing,
            unmet_task_hours=unmet_task_hours(choice.parts, hours) if choice.parts else 0.0,
            feasible=choice.is_feasible,
            reasons=choice.reasons,
            instances=instance_facts(choice.parts, hours),
            replay=replay_summary(choice.parts, hours, self.search),
            is_comparison=choice.is_comparison,
            buys=tuple(map(str, search.bought)),
        )
        weekly = np.zeros(0) if weeks is None else weekly_plan_usd(choice.parts, weeks, hours, search)
        return Ranked(alternative=alternative, weekly_usd=weekly, priced_usd=priced.priced_usd)

    def judge(self, cluster: Drawn, ranked: Sequence[Ranked], unpriced: Sequence[str], doubts: Sequence[str] = ()) -> Judgement:
        """The verdict on the first of ``ranked``; ``doubts`` are those of services that make most of its bill."""
        measured, axis = self.found.common_measured, self.search.axis
        return judge(
            ranked,
            unpriced=unpriced,
            measured_hours=float(measured.sum()) * axis.step_hours,
            weeks=self.workload.span_hours / HOURS_PER_WEEK,
            known_weeks=len(axis.week_hours(measured).hours),
            is_stated=all(service.is_stated for service in self.workload.services),
            settle=cluster.settle,
            trend_doubt=trend_doubt(ranked[0], self.workload, self.found, self.search, self.terms),
            service_doubts=doubts,
            memory_doubts=memory_doubts(self.found, self.search, self.found.parts_of(ranked[0].alternative.id)),
        )

    def _break_even(self, saving: Saving | None, parts: tuple[Part, ...]) -> BreakEven | None:
        if saving is None:
            return None
        theirs = self.found.parts_of(saving.against)
        recents = [self.recent.with_bought(self.with_purchase(each).bought) for each in (parts, theirs)]
        return break_even(saving.against, parts, theirs, *recents)


def _draws_error(best: Ranked) -> float | None:
    if best.draws_usd is None:
        return None
    error = float(quantile_error_fraction(best.draws_usd[:, np.newaxis])[0])
    return float(f"{error:.3g}") if error > NO_ERROR else 0.0
