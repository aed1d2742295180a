"""Choices on instance types that held commitments cover: without them another type may be cheaper, or have a rate."""

from dataclasses import replace

import numpy as np

from advisor.billing import commitment_rates, covers
from advisor.ecs import PurchaseOption
from advisor.meters import CommitmentKind
from advisor.optimize.alternatives import Alternatives, alternatives
from advisor.optimize.choice import without_repeats
from advisor.optimize.loads import cost_usd
from advisor.optimize.search import Search
from advisor.pricing.instance_hours import hour_on
from advisor.units import HOURS_PER_MONTH
from advisor.workload import Workload

HELD_TYPES = ":held_types"
"""Ends the id of a choice whose instance types are of those that commitments of the account cover."""


def with_choices_of_held_types(workload: Workload, search: Search, found: Alternatives) -> Alternatives:
    """Where commitments for instances are held, also the choices that are cheapest among the types that they cover."""
    more = [
        replace(choice, id=f"{choice.id}:{name}{HELD_TYPES}")
        for name, of_types in searches_of_held_types(search, found).items()
        for choice in alternatives(workload, of_types).for_cluster
        if choice.parts and not choice.is_comparison
    ]
    return replace(found, for_cluster=tuple(without_repeats([*found.for_cluster, *more]))) if more else found


def searches_of_held_types(search: Search, found: Alternatives) -> dict[str, Search]:
    """The search among the types of each family that commitments for instances cover, in order of the families, and ``rated``.

    That is, where Savings Plans are held, among the types for which all that cover them have rates: the bill of a plan on any
    other type is not known. Types are ranked there by what is left to pay for them, not by their on-demand rates alone.
    """
    candidates = search.candidates
    families = {each.family or (each.instance_type or "").partition(".")[0] for each in search.held}
    searches = {
        family: replace(search, candidates=candidates.only(np.array([t.family == family for t in candidates.types])))
        for family in sorted(families & {t.family for t in candidates.types})
    }
    rated = _rated(search, found)
    return searches if rated is None else {**searches, "rated": rated}


def _rated(search: Search, found: Alternatives) -> Search | None:
    """None where it would be no other search."""
    candidates = search.candidates
    plans = [each for each in search.held if each.instance_type is None]
    if not plans:
        return None
    meters = [hour_on(t, PurchaseOption.ON_DEMAND) for t in candidates.types]
    committed_usd = commitment_rates(meters, plans, search.catalog, search.region).committed_usd
    covered = np.array([[covers(plan, meter) for meter in meters] for plan in plans], dtype=np.bool_)
    is_rated = np.all(~covered | ~np.isnan(committed_usd), axis=0)
    is_compute = np.array([plan.kind is CommitmentKind.COMPUTE_SAVINGS_PLAN for plan in plans], dtype=np.bool_)
    if not is_rated.any() or (is_rated.all() and not is_compute.any()):
        return None
    on_demand_usd = candidates.on_demand_usd
    # Of the cheapest plan's instance-hours, those that each Compute Savings Plan pays on a type.
    usd = min(
        (cost_usd(search, choice.parts, found.common_hours) for choice in found.for_cluster if choice.parts), default=np.inf
    )
    due = np.array([plan.plan_usd_per_hour for plan in plans])[is_compute, np.newaxis]
    shares = due / (usd / HOURS_PER_MONTH) * on_demand_usd / committed_usd[is_compute]
    shares /= np.maximum(shares.sum(axis=0), 1.0)
    left_usd = on_demand_usd - (shares * (on_demand_usd - committed_usd[is_compute])).sum(axis=0)
    return replace(search, candidates=replace(candidates.only(is_rated), on_demand_usd=np.where(is_rated, left_usd, np.nan)))
