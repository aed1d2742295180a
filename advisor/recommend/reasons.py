"""Why: sentences about this load, from its own numbers."""

from collections.abc import Sequence

import numpy as np

from advisor.ecs import LaunchType
from advisor.meters import sum_over_states
from advisor.optimize.parts import Part
from advisor.optimize.pricing import weighted_quantile
from advisor.recommend.result import Alternative
from advisor.units import HOURS_PER_DAY, FloatArray, ceil_whole

MOST_NAMED = 6
LITTLE_IDLE_FRACTION = 0.10
"""Instances that idle less than this lose by the price of a task's room on them."""


def percent(fraction: float) -> str:
    """``19 %``."""
    return f"{fraction:.0%}".replace("%", " %")


def named(names: Sequence[str]) -> str:
    """Names for a sentence, six at most, so that it reaches its point."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def folded(meters: Sequence[str]) -> str:
    """Meters in few words: ``fargate:linux:arm64:spot:*`` for several that differ in their last part."""
    by_stem: dict[str, list[str]] = {}
    for meter in meters:
        by_stem.setdefault(meter.rpartition(":")[0], []).append(meter)
    return ", ".join(names[0] if len(names) == 1 else f"{stem}:*" for stem, names in by_stem.items())


def load_sentence(tasks: FloatArray, hours: FloatArray) -> str:
    """How many tasks run when: ``2 tasks for 18 hours a day and 31 at the peak``."""
    known = (hours > 0) & ~np.isnan(tasks)
    values, weights = ceil_whole(tasks[known]), hours[known]  # means of what runs within a step are fractions
    if not values.size:
        return "no load was measured"
    quiet, peak = weighted_quantile(values, weights, 0.25), float(values.max())
    if peak - quiet <= 0.1 * peak:
        return f"{_count(peak)} all day, steady"
    hours_a_day = HOURS_PER_DAY * float(weights[values <= quiet].sum()) / float(weights.sum())
    when = f"for {hours_a_day:.0f} hours a day" if hours_a_day < HOURS_PER_DAY - 0.5 else "nearly all day"
    return f"{_count(quiet)}{' or fewer' if quiet else ''} {when} and {peak:.0f} at the peak"


def service_why(part: Part, hours: FloatArray, idle_fraction: float | None) -> str:
    """Why a service runs where it does, in a sentence about its own load."""
    sentence = load_sentence(part.tasks.sum(axis=0), hours)
    if part.provider.launch_type is LaunchType.FARGATE:
        if idle_fraction is None:
            return sentence
        if idle_fraction < LITTLE_IDLE_FRACTION:
            return f"{sentence}: instances would be {percent(1 - idle_fraction)} full, so prices decide, not idling"
        return f"{sentence}: instances would idle {percent(idle_fraction)} of the time"
    if idle_fraction is None:
        return sentence
    return f"{sentence}: instances stay {percent(1 - idle_fraction)} full"


def idle_fraction(alternative: Alternative | None) -> float | None:
    """Share of the instances' binding dimension that no task reserves; None without instances."""
    if alternative is None or alternative.instances is None:
        return None
    return max(0.0, 1.0 - alternative.instances.packed_fraction)


def rejected_why(alternative: Alternative, best: Alternative) -> str:
    """Why an alternative lost, in a clause."""
    if not alternative.feasible:
        return "; ".join(alternative.reasons) or "cannot run this workload"
    if alternative.monthly_usd is None:
        return f"no price for {folded(alternative.missing)}"
    if best.monthly_usd is None:
        return ""
    more = alternative.monthly_usd.mean - best.monthly_usd.mean
    share = more / best.monthly_usd.mean if best.monthly_usd.mean else 0.0
    clause = f"{'dearer' if more >= 0 else 'cheaper'} by ${abs(more):,.2f} a month ({percent(abs(share))})"
    if alternative.instances is not None:
        facts = alternative.instances
        clause += f"; its instances are {percent(facts.packed_fraction)} full, {facts.binding} binds"
    return clause


def change_needed(alternative: Alternative, best: Alternative) -> str:
    """What would have to change for an alternative to be as cheap as another; empty where it is, or has no price.

    Instances cost the same however full they are: what is on them alone sets how full they would have to be. Where part of an
    alternative runs without instances, only its price is spoken of.
    """
    if not alternative.feasible or alternative.monthly_usd is None or best.monthly_usd is None or alternative.plan is None:
        return ""
    ours, theirs = best.monthly_usd.mean, alternative.monthly_usd.mean
    if theirs <= ours or not ours:
        return ""
    cheaper = f"it would take a price {percent((theirs - ours) / theirs)} lower"
    services = alternative.plan.services.values()
    if alternative.instances is None or any(service.launch_type is LaunchType.FARGATE for service in services):
        return cheaper
    needed = alternative.instances.packed_fraction * theirs / ours
    if needed > 1.0:
        return f"{cheaper}: full instances would still cost more"
    more_load = (
        ", so more load than the least number of instances holds" if alternative.instances.binding == "minimum count" else ""
    )
    return f"{cheaper}, or instances {percent(needed)} full{more_load}"


def unmet_task_hours(parts: Sequence[Part], hours: FloatArray) -> float:
    """Task-hours a month that were needed beyond the upper bounds of service auto scaling."""
    unmet = np.sum([part.unmet_tasks for part in parts], axis=0)
    return float(sum_over_states(unmet, hours))


def _count(tasks: float) -> str:
    return {0: "no task", 1: "1 task"}.get(round(tasks), f"{tasks:g} tasks")
