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
    more = [
        replace(choice, id=f"{choice.id}:{family}{HELD_TYPES}")
        for family, of_family in searches_of_held_families(search).items()
        for choice in alternatives(workload, of_family).for_cluster
        if choice.parts and not choice.is_comparison
    ]
    return replace(found, for_cluster=tuple(without_repeats([*found.for_cluster, *more]))) if more else found


def searches_of_held_families(search: Search) -> dict[str, Search]:
    """The search among the types of each family that commitments for instances cover, in order of the families."""
    candidates = search.candidates
    families = {each.family or (each.instance_type or "").partition(".")[0] for each in search.held}
    return {
        family: replace(search, candidates=candidates.only(np.array([t.family == family for t in candidates.types])))
        for family in sorted(families & {t.family for t in candidates.types})
    }
