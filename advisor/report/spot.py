"""The risk of Spot in words."""

from advisor.recommend.result import Recommendation
from advisor.recommend.spot_risk import SpotEnds, SpotRisk, TypeInterruptions

NO_ENDS = "not known"


def spot_sentences(recommendation: Recommendation, service: str | None = None) -> tuple[str, ...]:
    """Of each capacity provider on Spot in the recommended plan and its rival: bands, chances, bases, what is not known.

    Parameters
    ----------
    service
        Only what this service of the recommended plan runs on; everything without it.
    """
    best = recommendation.recommended.id
    return tuple(
        f"{_subject(recommendation, risk)}: {told}"
        for risk in recommendation.spot_risks
        if service is None or (service in risk.services and risk.alternative == best)
        for told in _told(risk)
    )


def spot_line(recommendation: Recommendation) -> str:
    """For the first screen: the main figures of each; empty where nothing is on Spot."""
    return "; ".join(f"{_subject(recommendation, risk)}: {_short(risk)}" for risk in recommendation.spot_risks)


def _subject(recommendation: Recommendation, risk: SpotRisk) -> str:
    if risk.on_demand_base is not None:
        base = f"an On-Demand base of {risk.on_demand_base} instance{'s' if risk.on_demand_base > 1 else ''}"
        return f"{risk.capacity_provider} over {base} (only to compare)"
    whose = "" if risk.alternative == recommendation.recommended.id else " of the rival"
    return f"{risk.capacity_provider}{whose}"


def _short(risk: SpotRisk) -> str:
    if risk.chance_in_month_by_pool is None or risk.interrupted_fraction is None:
        return risk.note
    return (
        f"{_ends(risk.interrupted_fraction)} of instances interrupted in a month; fewer than {risk.fewest_tasks} of "
        f"{risk.tasks} tasks within a month: {_ends(risk.chance_in_month_by_pool)} where whole pools are taken; "
        f"{_base(risk.on_demand_instances_by_pool, risk, 'that')}"
    )


def _told(risk: SpotRisk) -> tuple[str, ...]:
    """How often, too few one by one, too few by whole pools, what is not known."""
    unmet = _unmet(risk)
    if risk.instances is None:
        return (f"{risk.note}; {unmet}" if unmet else risk.note,)
    often = f"interrupted in a month: {', '.join(map(_band, risk.types))}{_origin(risk.types)}"
    if risk.interruptions_per_month is not None:
        often += f"; {_number(risk.interruptions_per_month)} interruptions a month, {risk.replacement_s:g} s until replaced"
    often += f"; {unmet}" if unmet else ""
    alone = f"at the busiest {risk.instances} instances run {risk.tasks} tasks; too few are less than {risk.fewest_tasks}"
    if risk.chance_now is not None and risk.chance_in_month is not None:
        alone += (
            f": at a given moment {_ends(risk.chance_now)}, within a month {_ends(risk.chance_in_month)}, if instances are "
            f"interrupted independently ({_base(risk.on_demand_instances, risk, 'the month')})"
        )
    pools = f"without one of {risk.pools} pools (a type in a zone) {risk.tasks_left_without_a_pool} tasks are left"
    if risk.chance_in_month_by_pool is not None:
        pools += (
            f"; too few within a month: {_ends(risk.chance_in_month_by_pool)}, if whole pools are taken at once "
            f"({_base(risk.on_demand_instances_by_pool, risk, 'that')})"
        )
    return often, alone, pools, risk.note


def _unmet(risk: SpotRisk) -> str:
    if risk.unmet_task_minutes_each is None:
        return ""
    told = f"in the replay one interruption leaves {risk.unmet_task_minutes_each:.2g} task-minutes unmet"
    month = "" if risk.unmet_task_minutes is None else f", {_number(risk.unmet_task_minutes)} a month"
    return f"{told}{month}, where Spot has capacity for the replacement"


def _base(instances: int | None, risk: SpotRisk, what: str) -> str:
    level = _chance(risk.level or 0.0)
    if not instances:
        return f"no On-Demand base is needed for {level}"
    return f"an On-Demand base of {instances} of {risk.instances} instances keeps {what} to {level}"


def _band(each: TypeInterruptions) -> str:
    if each.low_fraction is None:
        return f"{each.instance_type} {NO_ENDS}"
    if each.high_fraction is None:
        return f"{each.instance_type} over {each.low_fraction * 100:g} %"
    return f"{each.instance_type} {each.low_fraction * 100:g} to {each.high_fraction * 100:g} %"


def _origin(types: tuple[TypeInterruptions, ...]) -> str:
    dates = sorted({each.as_of for each in types if each.as_of})
    return f" (AWS Spot Instance Advisor of {', '.join(dates)})" if dates else ""


def _number(ends: SpotEnds) -> str:
    return f"at most {ends.high:.2g}" if ends.low is None else f"{ends.low:.2g} to {ends.high:.2g}"


def _ends(ends: SpotEnds) -> str:
    low, high = None if ends.low is None else _chance(ends.low), _chance(ends.high)
    if low is None:
        return high if high.startswith("below") else f"at most {high}"
    return high if low == high else f"{low} to {high}"


def _chance(fraction: float) -> str:
    if 0 < fraction < 1e-5:
        return "below 0.001 %"
    return f"{fraction * 100:.2g} %" if fraction < 0.995 else f"{fraction * 100:.3g} %"
