"""Choices on instance types that held commitments cover: without them another type may be cheaper."""

from dataclasses import replace

import numpy as np

from advisor.optimize.alternatives import Alternatives, alternatives, without_repeats
from advisor.optimize.search import Search
from advisor.workload import Workload

HELD_TYPES = ":held_types"
"""Ends the id of a choice whose instance types are of a family that commitments of the account cover."""


def with_choices_of_held_types(workload: Workload, search: Search, found: Alternatives) -> Alternatives:
    """Where commitments for instances are held, also the choices that are cheapest among the types of their families."""
    candidates = search.candidates
    families = {each.family or (each.instance_type or "").partition(".")[0] for each in search.held}
    more = []
    for family in sorted(families & {t.family for t in candidates.types}):
        is_held = np.array([t.family == family for t in candidates.types])
        of_family = replace(
            candidates,
            on_demand_usd=np.where(is_held, candidates.on_demand_usd, np.nan),
            spot_pool_usd=np.where(is_held, candidates.spot_pool_usd, np.nan),
        )
        more += [
            replace(choice, id=f"{choice.id}:{family}{HELD_TYPES}")
            for choice in alternatives(workload, replace(search, candidates=of_family)).for_cluster
            if choice.parts and not choice.is_comparison
        ]
    return replace(found, for_cluster=tuple(without_repeats([*found.for_cluster, *more]))) if more else found
