"""Choices for a cluster that new commitments may make the cheapest, and whether the rates are known that this takes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from advisor.billing import commitment_rates
from advisor.ecs import Architecture, LaunchType, PurchaseOption
from advisor.meters import committed, fargate_gib_hour, fargate_vcpu_hour
from advisor.optimize.alternatives import Alternatives, alternatives
from advisor.optimize.choice import Choice, identity, is_default_spread, without_repeats
from advisor.optimize.cluster_choices import with_default_spread
from advisor.optimize.commitment_sizes import rated
from advisor.optimize.loads import cost_usd
from advisor.optimize.parts import Part
from advisor.optimize.purchases import plans_under, unrated
from advisor.optimize.search import CapacityKind, Search, on_default_spread, search_for
from advisor.optimize.titles import parts_title
from advisor.optimize.together import Together, cheapest_together
from advisor.plan import Terms
from advisor.pricing import PriceCatalog
from advisor.pricing.changed import changed_catalog
from advisor.pricing.instance_hours import hour_on
from advisor.units import BoolArray
from advisor.workload import Workload

_RETYPED = ":retyped"


def lacking(found: Alternatives, search: Search, terms: Terms) -> tuple[str, ...]:
    """Meters that a side of the choice, Fargate or instances, needs under some terms, where nothing of the side has a rate.

    With rates for one side only its discount would decide, and not the load: then nothing is compared. Instances have rates
    where some type has that a service can run on: the search at committed rates finds it.
    """
    is_usable = _is_usable(found, search)
    types = [hour_on(search.candidates.types[at], PurchaseOption.ON_DEMAND) for at in np.flatnonzero(is_usable).tolist()]
    of_types = commitment_rates(types, plans_under(types, terms), search.catalog, search.region)
    is_any_rated = bool(rated(of_types))
    missing: dict[bool, list[tuple[str, ...]]] = {}
    for part in _parts(found):
        meters = part.meters
        plans = plans_under(meters, terms)
        if plans:
            rates = commitment_rates(meters, plans, search.catalog, search.region)
            on_fargate = part.provider.launch_type is LaunchType.FARGATE
            missing.setdefault(on_fargate, []).append(() if is_any_rated and not on_fargate else unrated(rates))
    of_sides = [min(each, key=len) for each in missing.values() if all(each)]
    return tuple(dict.fromkeys(meter for side in of_sides for meter in side))


def _is_usable(found: Alternatives, search: Search) -> BoolArray:
    """(types,): which some service can run on, on demand."""
    runs = [load.run for load in (*found.loads, *found.right_sized.values())]
    kinds = [kind for kind in search.constraints.launch_types if kind is not LaunchType.FARGATE]
    usable = [
        search.usable(
            [run], CapacityKind(launch_type=kind, purchase_option=PurchaseOption.ON_DEMAND, architecture=architecture)
        )
        for run in runs
        for kind in kinds
        for architecture in run.service.architectures
    ]
    return np.asarray(np.any(usable or [np.zeros(len(search.candidates.types), dtype=np.bool_)], axis=0))


def with_choices_under_terms(workload: Workload, search: Search, found: Alternatives, terms: Terms) -> Alternatives:
    """Also the choices that are cheapest where everything has the rates of commitments, and the cheapest with both rates.

    Instance types, and which services share instances, are searched at on-demand rates otherwise. Every launch choice of either
    search, shared alike, is kept with the parts that are cheapest for it at committed rates, and under ECS's default placement
    where that stands beside it; of all ways of each service together, the cheapest plan.
    """
    at_rates = search_for(workload, committed_catalog(search, terms))
    at_committed = alternatives(workload, at_rates)
    cheapest = _cheapest_parts(at_committed, at_rates)
    by_kind: dict[frozenset[object], Choice] = {}
    on_demand = [replace(choice, id=f"{choice.id}{_RETYPED}") for choice in found.for_cluster]
    for choice in (*at_committed.for_cluster, *on_demand):
        if choice.parts and not choice.is_comparison:
            by_kind.setdefault(frozenset(map(_tasks_on, choice.parts)), _with_parts(choice, cheapest))
    more = [replace(choice, id=f"{choice.id}:{terms}") for choice in by_kind.values()]
    spread_beside = {each.base_id for each in (*at_committed.for_cluster, *found.for_cluster) if is_default_spread(each.id)}
    spread = [
        with_default_spread(f"{choice.id}:{terms}", [on_default_spread(search, part) for part in choice.parts])
        for choice in by_kind.values()
        if choice.id.removesuffix(_RETYPED) in spread_beside
    ]
    known = replace(found, for_cluster=(*found.for_cluster, *more))
    best = best_together(known, search, terms, more=[at_committed.by_service])
    if best is not None:
        more.append(Choice(id=f"cluster:together:{terms}", title=parts_title(best.parts), parts=best.parts))
    taken = {identity(part) for choice in more for part in choice.parts}
    by_service = {
        name: (*choices, *_further(choices, at_committed.by_service[name], taken, terms))
        for name, choices in found.by_service.items()
    }
    return replace(found, for_cluster=tuple(without_repeats((*found.for_cluster, *more, *spread))), by_service=by_service)


def _cheapest_parts(at_committed: Alternatives, search: Search) -> dict[object, Part]:
    """Of the parts of one kind for the same tasks the one that costs least at these rates."""
    usd: dict[object, tuple[float, Part]] = {}
    for part in _parts(at_committed):
        month = cost_usd(search, (part,), at_committed.common_hours)
        if month < usd.get(_tasks_on(part), (np.inf, part))[0]:
            usd[_tasks_on(part)] = month, part
    return {key: part for key, (_, part) in usd.items()}


def _tasks_on(part: Part) -> object:
    """What runs, and on what kind of capacity, whatever its architecture and instance types."""
    tasks, provider = frozenset((name, plan.task) for name, plan in part.services.items()), part.provider
    return provider.launch_type, provider.purchase_option, provider.placement, tasks


def _with_parts(choice: Choice, cheapest: Mapping[object, Part]) -> Choice:
    parts = tuple(cheapest.get(_tasks_on(part), part) for part in choice.parts)
    return replace(choice, parts=parts, title=choice.title.replace(parts_title(choice.parts), parts_title(parts)))


def with_cheapest_together(search: Search, found: Alternatives, terms: Terms) -> Alternatives:
    """Also the cheapest plan of all ways of each service as they are by now, unless it is there."""
    best = best_together(found, search, terms)
    if best is None:
        return found
    choice = Choice(id=f"cluster:together:{terms}:replayed", title=parts_title(best.parts), parts=best.parts)
    return replace(found, for_cluster=tuple(without_repeats((*found.for_cluster, choice))))


def _further(
    known: Sequence[Choice], of_service: Sequence[Choice], taken: Collection[object], terms: Terms
) -> Iterable[Choice]:
    """Choices of a service that some new choice for the cluster takes, and that are not known."""
    have = {identity(part) for choice in known for part in choice.parts}
    for choice in of_service:
        if any(identity(part) in taken and identity(part) not in have for part in choice.parts):
            yield replace(choice, id=f"{choice.id}:{terms}")


def best_together(
    found: Alternatives,
    search: Search,
    terms: Terms,
    asked: Sequence[Part] = (),
    more: Iterable[Mapping[str, Sequence[Choice]]] = (),
) -> Together | None:
    """The cheapest plan of all ways of each service with the Savings Plans of these terms; see :func:`cheapest_together`."""
    more = tuple(more)
    of_service = [choice for by_service in more for choices in by_service.values() for choice in choices]
    parts = [*_parts(found), *(part for choice in of_service for part in choice.parts)]
    meters = tuple(dict.fromkeys(meter for part in parts for meter in part.meters))
    rates = commitment_rates(meters, plans_under(meters, terms), search.catalog, search.region)
    return cheapest_together(found, search, rated(rates), more, asked)


def _parts(found: Alternatives) -> list[Part]:
    of_services = [choice for choices in found.by_service.values() for choice in choices]
    return [part for choice in (*found.for_cluster, *of_services) if not choice.is_comparison for part in choice.parts]


def committed_catalog(search: Search, terms: Terms) -> PriceCatalog:
    """The rates in force, with those of Savings Plans in place of on-demand ones where there are any."""
    types, region, catalog = search.candidates.types, search.region, search.catalog
    on_demand = PurchaseOption.ON_DEMAND
    meters = [hour_on(each, on_demand) for each in types]
    meters += [meter(arch, on_demand) for arch in Architecture for meter in (fargate_vcpu_hour, fargate_gib_hour)]
    usd = np.full(len(meters), np.inf)
    for kind in terms.kinds:
        asked = [committed(meter, kind, years=terms.years, payment=terms.payment) for meter in meters]
        usd = np.fmin(usd, catalog.rates_usd(asked, region))
    by_meter = {meter.id: rate for meter, rate in zip(meters, usd.tolist(), strict=True)}
    return changed_catalog(catalog, region, types, lambda meter, now: min(now, by_meter.get(meter, now)))
