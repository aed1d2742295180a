"""An answer together with what would change it, and what to commit to: what-ifs, break-even, inputs ranked, Savings Plans."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, partial

import numpy as np

from advisor.answer import Answer, answer, recommended, within
from advisor.billing import MonthlyUsd
from advisor.committing import commit_after
from advisor.ecs import LaunchType, PurchaseOption
from advisor.errors import AdvisorError
from advisor.meters import sum_over_states
from advisor.optimize.alternatives import Alternatives, alternatives
from advisor.optimize.fixed import on_load
from advisor.optimize.packed import packed_load
from advisor.optimize.parts import PACKING_RANGE, Part, fargate_part, times_instances
from advisor.optimize.pricing import price_parts
from advisor.optimize.replayed import DEFAULT_REPLAY_WEEKS
from advisor.optimize.search import Search, search_for
from advisor.optimize.titles import parts_title
from advisor.pricing import PriceCatalog
from advisor.recommend.reasons import percent
from advisor.recommend.result import Recommendation
from advisor.recommend.sensitivity import Sensitivity
from advisor.recommend.what_ifs import WhatIf, WhatIfKind
from advisor.sweeping.axes import AxisName
from advisor.sweeping.cheapest import cheapest_map
from advisor.sweeping.inputs import sensitivity
from advisor.sweeping.sides import Circumstances, scaled_workload
from advisor.units import FloatArray
from advisor.workload import Workload

LOADS = (0.5, 0.75, 1.25, 1.5, 2.0)
PRICE_CHANGES = (-0.2, 0.2)
SPOT_SHARES = (0.5, 1.0)
MOST_RANKED_SERVICES = 12
"""With more services, ranking the inputs takes long: it is left to ``advisor sweep --rank``."""
MOST_MAPPED_SERVICES = 20
"""With more services there is no map."""
MOST_SEARCHED_SERVICES = 60
"""With more services what-ifs ask about the recommended plan alone: a search for each would take minutes."""
SHARE_OF_ADVICE, UNTIL_MAP, UNTIL_RANKING = 0.3, 0.6, 0.85
"""Of the time that all of it takes, roughly: where the answer, the what-ifs and the map end."""

OnProgress = Callable[[float], None]


def explore(
    workload: Workload,
    catalog: PriceCatalog,
    *,
    today: date | None = None,
    replay_weeks: int = DEFAULT_REPLAY_WEEKS,
    on_progress: OnProgress = lambda _share: None,
) -> Recommendation:
    """As :func:`advisor.advise`, with what would change the answer.

    It also says what to commit to on top of it, as :func:`advisor.commit` does. What would change it: what-ifs (load, prices,
    Spot, packing), a map of the cheapest launch types by load and price of EC2, and inputs ranked by how far they move what EC2
    saves. All these stand on the last four weeks of the measured load and on the packing model. Of many services there is less,
    because each what-if is a search of its own: no ranking above 12, no map above 20, and above 60 what-ifs of the recommended
    plan alone and nothing on commitments.

    Parameters
    ----------
    today, replay_weeks
        As of :func:`advisor.advise`.
    on_progress
        Told the share of the work that is done, from 0 to 1.

    Returns
    -------
    Recommendation
        With the what-ifs, the map, the ranking of inputs and the commitments in it.

    Raises
    ------
    PriceNotFoundError, InputError
        As :func:`advisor.advise`.

    Examples
    --------
    >>> import advisor
    >>> workload = advisor.read_workload("examples/published-claims/vantage-m5.yaml")
    >>> catalog = advisor.read_catalog(workload.region)
    >>> explored = advisor.explore(workload, catalog, replay_weeks=0)
    >>> explored.recommendation.verdict.value
    'recommend'
    """
    searched, replayed = (
        within(on_progress, 0.0, SHARE_OF_ADVICE / 2),
        within(on_progress, SHARE_OF_ADVICE / 2, SHARE_OF_ADVICE),
    )
    given = answer(workload, catalog, today=today, on_progress=searched).replayed(replay_weeks, replayed)
    found, recommendation = recommended(given, replay_weeks)
    recent, search = found.recent.workload, search_for(found.recent.workload, catalog)

    @cache
    def at_load(factor: float) -> Alternatives:
        """What a search finds at a load: what-ifs and the map ask at some of the same loads."""
        return alternatives(scaled_workload(recent, factor), search)

    circumstances = Circumstances(recent, catalog)

    @cache
    def prices(axis: AxisName, change: float) -> Search:
        return circumstances.scenario({axis: change}).search

    @cache
    def at_price(axis: AxisName, change: float) -> Alternatives:
        """The same at a price, and today's load."""
        return alternatives(recent, prices(axis, change))

    def at_load_and_prices(factor: float) -> list[Alternatives]:
        """At today's load also what is found at other prices of instances, which may be another plan than the one today."""
        others = [at_price(AxisName.EC2_PRICE, change) for change in PRICE_CHANGES] if factor == 1.0 else []
        return [at_load(factor), *others]

    progress = within(on_progress, SHARE_OF_ADVICE, UNTIL_MAP)
    what_ifs = tuple(_what_ifs(found, recommendation, search, at_load, prices, at_price, progress))
    where_cheapest = None
    if len(workload.services) <= MOST_MAPPED_SERVICES:
        where_cheapest = cheapest_map(
            at_load_and_prices,
            search,
            Circumstances(workload, catalog),
            within(on_progress, UNTIL_MAP, UNTIL_RANKING),
        )
    ranked = _ranked(workload, catalog) if len(workload.services) <= MOST_RANKED_SERVICES else None
    commitments = commit_after(found, recommendation) if len(workload.services) <= MOST_SEARCHED_SERVICES else None
    on_progress(1.0)
    return replace(recommendation, what_ifs=what_ifs, cheapest_map=where_cheapest, sensitivity=ranked, commitments=commitments)


def _ranked(workload: Workload, catalog: PriceCatalog) -> Sensitivity | None:
    try:
        return sensitivity(workload, catalog)
    except AdvisorError:  # one of the sides has no price
        return None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Here:
    """A workload, the rates in force, and the recommended plan on it by the packing model."""

    workload: Workload
    search: Search
    hours: FloatArray
    kept: tuple[Part, ...]
    find: Callable[[], Alternatives]
    """All plans for it."""

    def monthly_usd(self, parts: Sequence[Part]) -> MonthlyUsd | None:
        return price_parts(parts, self.hours, self.search.catalog, self.search.region).monthly_usd


def _what_ifs(
    found: Answer,
    recommendation: Recommendation,
    search: Search,
    at_load: Callable[[float], Alternatives],
    prices: Callable[[AxisName, float], Search],
    at_price: Callable[[AxisName, float], Alternatives],
    on_progress: OnProgress,
) -> Iterator[WhatIf]:
    """On the last four weeks of the measured history, all by the packing model, so that rows compare."""
    recent = found.recent.workload
    plan = [replace(part, replay=None) for part in found.found.parts_of(recommendation.recommendation.alternative)]
    today = _here(recent, search, plan, partial(at_load, 1.0))

    def changed_price(axis: AxisName, change: float) -> _Here:
        return _here(recent, prices(axis, change), plan, partial(at_price, axis, change))

    changed: list[tuple[WhatIfKind, float, str, Callable[[], _Here]]] = [
        (WhatIfKind.TODAY, 0.0, "as in the last four weeks", lambda: today)
    ]
    changed += [
        (
            WhatIfKind.LOAD,
            factor,
            f"load times {factor:g}",
            partial(_here, scaled_workload(recent, factor), search, plan, partial(at_load, factor)),
        )
        for factor in LOADS
    ]
    changed += [
        (
            kind,
            change,
            f"{what} {percent(abs(change))} {'dearer' if change > 0 else 'cheaper'}",
            partial(changed_price, axis, change),
        )
        for kind, axis, what in (
            (WhatIfKind.FARGATE_PRICE, AxisName.FARGATE_PRICE, "Fargate"),
            (WhatIfKind.EC2_PRICE, AxisName.EC2_PRICE, "EC2 instances"),
        )
        for change in PRICE_CHANGES
    ]
    for done, (kind, value, words, here) in enumerate(changed):
        yield _asked(kind, value, words, here())
        on_progress((done + 1) / (len(changed) + 2))
    yield from _spot(today)
    on_progress((len(changed) + 1) / (len(changed) + 2))
    yield from _packing(today)
    on_progress(1.0)


def _here(workload: Workload, search: Search, plan: Sequence[Part], find: Callable[[], Alternatives]) -> _Here:
    measured = np.repeat(np.asarray(workload.measured.all(axis=0)), search.axis.steps_per_input_step)
    kept = on_load(plan, workload, search)
    return _Here(
        workload=workload,
        search=search,
        hours=search.axis.month_hours(measured),
        kept=kept,
        find=find,
    )


def _asked(kind: WhatIfKind, value: float, words: str, here: _Here) -> WhatIf:
    kept = here.monthly_usd(here.kept)
    if len(here.workload.services) > MOST_SEARCHED_SERVICES:
        return _of_kept(kind, value, words, kept)
    parts, cheapest = here.kept, kept
    found = here.find()
    together = [choice.parts for choice in found.for_cluster if choice.parts and not choice.is_comparison]
    for each in (*together, _each_by_itself(found, here)):
        monthly = here.monthly_usd(each) if each else None
        if monthly is not None and (cheapest is None or _middle(monthly) < _middle(cheapest) * (1 - 1e-9)):
            parts, cheapest = each, monthly
    return WhatIf(
        kind=kind,
        value=value,
        words=words,
        kept=kept,
        cheapest=cheapest,
        cheapest_title=parts_title(parts),
        is_same_choice=None if cheapest is None else _choice(parts) == _choice(here.kept),
    )


def _each_by_itself(found: Alternatives, here: _Here) -> tuple[Part, ...]:
    """Every service where it is cheapest on its own, by the middle of the range, as the map has it; empty without a price."""
    parts: list[Part] = []
    for choices in found.by_service.values():
        priced = [(monthly, choice.parts) for choice in choices if choice.parts and (monthly := here.monthly_usd(choice.parts))]
        if not priced:
            return ()
        parts += min(priced, key=lambda each: _middle(each[0]))[1]
    return tuple(parts)


def _of_kept(kind: WhatIfKind, value: float, words: str, kept: MonthlyUsd | None) -> WhatIf:
    """About the recommended plan alone."""
    return WhatIf(kind=kind, value=value, words=words, kept=kept, cheapest=None, cheapest_title="", is_same_choice=None)


def _middle(monthly: MonthlyUsd) -> float:
    """Of the range that stands for placement, which is not replayed here."""
    return monthly.mean + monthly.high


def _choice(parts: Sequence[Part]) -> dict[str, tuple[LaunchType, PurchaseOption]]:
    return {name: (part.provider.launch_type, part.provider.purchase_option) for part in parts for name in part.services}


def _spot(here: _Here) -> Iterator[WhatIf]:
    """Tasks on Fargate split over ``FARGATE`` and ``FARGATE_SPOT``, and the cheapest plan if everything may be interrupted."""
    on_fargate = [part for part in here.kept if part.provider.launch_type is LaunchType.FARGATE]
    on_demand = [
        part
        for part in on_fargate
        if part.provider.purchase_option is PurchaseOption.ON_DEMAND and not any(run.service.is_windows for run in part.runs)
    ]
    others = [part for part in here.kept if part not in on_demand]
    for share in SPOT_SHARES if on_demand else ():
        halves = [half for part in on_demand for half in _split(part, share, here.search)]
        words = f"{percent(share)} of the tasks on Fargate run on Fargate Spot, if they may be interrupted"
        yield _of_kept(WhatIfKind.SPOT, share, words, here.monthly_usd([*halves, *others]))
    services = tuple(replace(service, is_interruptible=True) for service in here.workload.services)
    if len(services) <= MOST_SEARCHED_SERVICES and any(not each.is_interruptible for each in here.workload.services):
        workload = replace(here.workload, services=services)
        free = replace(here, workload=workload, find=partial(alternatives, workload, here.search))
        yield _asked(WhatIfKind.SPOT, 1.0, "every service may be interrupted, and Spot be chosen", free)


def _split(part: Part, share: float, search: Search) -> list[Part]:
    ((run, plan),) = zip(part.runs, part.services.values(), strict=True)
    spot = fargate_part(run, plan.architecture, PurchaseOption.SPOT, search.axis, zones=part.provider.zones)
    shares = ((part, 1 - share), (spot, share))
    return [replace(each, quantity_per_hour=each.quantity_per_hour * fraction) for each, fraction in shares if fraction]


def _packing(here: _Here) -> Iterator[WhatIf]:
    """Instances as few as the tasks' volume allows, and as many as ECS's placement was seen to take."""
    if not any(part.on_instances for part in here.kept):
        return
    bound = [_times(part, _bound_fraction(part, here), here) for part in here.kept]
    loose = [_times(part, 1 + PACKING_RANGE, here) for part in here.kept]
    for words, value, parts in (
        ("instances packed as densely as no packing can beat", 0.0, bound),
        (f"ECS's placement takes {percent(PACKING_RANGE)} more instances than packed", PACKING_RANGE, loose),
    ):
        monthly = here.monthly_usd(parts)
        exact = None if monthly is None else replace(monthly, high=monthly.mean)  # packing is what is asked about
        yield _of_kept(WhatIfKind.PACKING, value, words, exact)


def _times(part: Part, factor: float, here: _Here) -> Part:
    if part.on_instances is None:
        return part
    search = here.search
    return replace(part, quantity_per_hour=times_instances(part, factor, search.candidates, step_hours=search.axis.step_hours))


def _bound_fraction(part: Part, here: _Here) -> float:
    """Instance-hours at the volume bound, one in each zone while a task runs, over those of the packing model."""
    if part.on_instances is None:
        return 1.0
    load = packed_load(part.runs).on(part.provider.launch_type)
    per_type = [
        np.maximum(load.bound(each), _floor(part))
        for each in here.search.candidates.capacity_of(part.provider, is_windows=part.is_windows)
    ]
    running, least = part.on_instances.running, np.mean(per_type, axis=0)
    known = (here.hours > 0) & ~np.isnan(running) & ~np.isnan(least)
    total = float(sum_over_states(running[known], here.hours[known]))
    return float(sum_over_states(np.minimum(least, running)[known], here.hours[known])) / total if total else 1.0


def _floor(part: Part) -> FloatArray:
    return np.where(part.tasks.sum(axis=0) > 0, part.provider.zones, 0.0)
