"""The loss of a zone in words."""

from datetime import datetime

from advisor.optimize.lost_zone import LostZoneFacts
from advisor.recommend.result import Recommendation
from advisor.report.words import money


def lost_zone_sentences(recommendation: Recommendation) -> tuple[str, ...]:
    """Of each capacity provider of the recommended plan on EC2: what a lost zone leaves unmet, and what surviving it costs."""
    return tuple(f"{facts.part}: {_told(facts, is_stated=recommendation.run.is_stated)}" for facts in recommendation.lost_zones)


def _told(facts: LostZoneFacts, *, is_stated: bool) -> str:
    back = "for more than three hours" if facts.minutes is None else f"for {facts.minutes:,.0f} minutes"
    moment = "of the stated load" if is_stated else f"({datetime.fromisoformat(facts.moment):%Y-%m-%d %H:%M} UTC)"
    if facts.minutes == 0 and not facts.unmet_task_minutes:
        left = "leaves every task its place"
    else:
        left = f"leaves {facts.unmet_task_minutes:,.0f} task-minutes unmet, and fewer tasks running {back}"
    extra = "have no price" if facts.surviving_extra_usd is None else f"cost {money(facts.surviving_extra_usd)} a month more"
    return (
        f"a zone lost at the busiest moment {moment} {left}; instances with which every task keeps its place in any of "
        f"{facts.zones} zones lost, up to {facts.surviving_instances_max}, {extra}"
    )
