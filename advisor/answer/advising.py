"""From a workload and a price catalog to a recommendation: the whole flow."""

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np

from advisor.answer.given import Answer
from advisor.answer.with_terms import recommended
from advisor.errors import InputError
from advisor.optimize.alternatives import alternatives, wholly_unpriced
from advisor.optimize.held import with_idle
from advisor.optimize.history import RecentLoad
from advisor.optimize.loads import ServiceLoad
from advisor.optimize.replayed import DEFAULT_REPLAY_WEEKS
from advisor.optimize.search import search_for
from advisor.pricing import PriceCatalog
from advisor.recommend.held_types import with_choices_of_held_types
from advisor.recommend.result import Recommendation
from advisor.recommend.since_step import with_choices_since_a_step
from advisor.recommend.unpriced import wholly_without_price
from advisor.workload import LoadForm, Workload

SHARE_OF_SEARCH, SHARE_OF_REPLAYS = 0.4, 0.7
"""Of the time of an answer, roughly: where its search and its replays end."""


def answer(
    workload: Workload,
    catalog: PriceCatalog,
    *,
    today: date | None = None,
    on_progress: Callable[[float], None] = lambda _share: None,
) -> Answer:
    """What :func:`advise` makes its recommendation from: every choice, with its parts. Raises what it raises."""
    search = search_for(workload, catalog)
    found = alternatives(workload, search, on_progress)
    _check_that_tasks_run(found.loads)
    missing = wholly_unpriced(found.by_service, search)
    if missing:
        raise wholly_without_price(*missing, search)
    found = with_choices_of_held_types(workload, search, with_choices_since_a_step(workload, search, found))
    search = with_idle(search, [choice.parts for choice in found.for_cluster])
    return Answer(workload, search, found, RecentLoad(workload, search, found.common_measured), today)


def _check_that_tasks_run(loads: Sequence[ServiceLoad]) -> None:
    """Where no task ever runs all launch types cost nothing, or what scaling keeps of it, and any of them would win."""
    for load in loads:
        is_kept = load.service.load_form is not LoadForm.TASKS and (
            load.run.min_tasks > 0 or any(each.min_tasks for each in load.run.scheduled_actions)
        )
        if not is_kept and not np.nanmax(load.demand, initial=0.0) > 0:
            raise InputError(
                f"{load.service.name}: no task ever runs: its load is 0 throughout and scaling.min is 0",
                fix="Set scaling.min to 1, leave the service out, or give a load in which it ran.",
            )


def advise(
    workload: Workload,
    catalog: PriceCatalog,
    *,
    today: date | None = None,
    replay_weeks: int = DEFAULT_REPLAY_WEEKS,
    on_progress: Callable[[float], None] = lambda _share: None,
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
    on_progress : callable, optional
        Told the share of the work that is done, from 0 to 1.

    Returns
    -------
    Recommendation
        Alternatives for the cluster and for each service, ranked, and the one to take. Money is in USD for 730 hours. Where the
        workload states terms of commitments, each alternative for the cluster has those that are best for it in its bill, and
        ``under_terms`` says what that changes.

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
    searched, replayed = within(on_progress, 0.0, SHARE_OF_SEARCH), within(on_progress, SHARE_OF_SEARCH, SHARE_OF_REPLAYS)
    given = answer(workload, catalog, today=today, on_progress=searched).replayed(replay_weeks, replayed)
    _, found = recommended(given, replay_weeks)
    on_progress(1.0)
    return found


def within(on_progress: Callable[[float], None], low: float, high: float) -> Callable[[float], None]:
    """What a part of the work tells of itself, as a share of the whole."""
    return lambda share: on_progress(low + (high - low) * share)
