"""What has no price and might win, or leaves nothing to recommend."""

from collections.abc import Iterator, Mapping, Sequence

from advisor.ecs import LaunchType
from advisor.errors import PriceNotFoundError
from advisor.meters import CommitmentKind
from advisor.optimize.parts import Part
from advisor.optimize.pricing import price_parts
from advisor.optimize.search import Search
from advisor.recommend.reasons import folded
from advisor.recommend.verdict import Ranked
from advisor.units import FloatArray

_COMMITMENTS = tuple(f"{kind}:" for kind in CommitmentKind)


def unpriced(parts: Sequence[Part], by_service: Mapping[str, Sequence[Ranked]], hours: FloatArray, search: Search) -> list[str]:
    """Choices without a price whose priced part is below what the service costs now: they might win."""
    names: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for part in parts:
        now_usd = price_parts([part], hours, search.catalog, search.region).priced_usd
        for service in part.services:
            for item in by_service[service]:
                other = item.alternative
                if other.monthly_usd is None and other.feasible and item.priced_usd < now_usd:
                    names.setdefault((other.title, other.missing), []).append(service)
    return [
        f"{title} ({', '.join(services)}) has no price for {folded(missing)} and might win: give it with --rates FILE"
        for (title, missing), services in names.items()
    ]


def unpriced_with_commitments(ranked: Sequence[Ranked]) -> list[str]:
    """Alternatives for which a commitment has no rate, and whose priced part is below the first one's cost."""
    first = ranked[0].alternative.monthly_usd
    best_usd = first.mean if first else 0.0
    missing: dict[tuple[str, ...], str] = {}
    for item in ranked:
        other = item.alternative
        is_open = other.monthly_usd is None and other.feasible and not other.is_comparison and item.priced_usd < best_usd
        if is_open and any(meter.startswith(_COMMITMENTS) for meter in other.missing):
            missing.setdefault(other.missing, other.title)
    return [
        f"{title} has no price for {folded(meters)}, which commitments need, and might win: give it with --rates FILE"
        for meters, title in missing.items()
    ]


def on_demand_for_want_of_rates(title: str, uncovered: Sequence[str]) -> Iterator[str]:
    """What to know of a bill in which new commitments leave something on demand because they have no rate."""
    if uncovered:
        rates = folded(uncovered)
        yield f"{title} may cost less: without a rate for {rates} its usage is counted on demand: give it with --rates FILE"


def refuse_unpriced_commitments(ranked: Sequence[Ranked], search: Search) -> None:
    """Where nothing has a price because of a held commitment, its rate is what is missing."""
    missing = [meter for item in ranked for meter in item.alternative.missing if meter.startswith(_COMMITMENTS)]
    if missing:
        region, catalog = search.region, search.catalog
        raise PriceNotFoundError(meter=missing[0], region=region, catalog_date=catalog.catalog_date(region))


def wholly_without_price(launch_type: LaunchType, meters: Sequence[str], search: Search) -> PriceNotFoundError:
    """What to raise where a launch type has no price at all for some service, with how to compare the others."""
    is_fargate = launch_type is LaunchType.FARGATE
    others = [each for each in search.constraints.launch_types if (each is LaunchType.FARGATE) is not is_fargate]
    is_its_own = meters[0].startswith("fargate:" if is_fargate else "ec2:")  # an address or a volume the others lack, too
    without = f"leave {launch_type.called} out with `constraints: {{launch_types: [{', '.join(others)}]}}`"
    return PriceNotFoundError(
        meter=meters[0],
        also=tuple(meters[1:]),
        region=search.region,
        catalog_date=search.catalog.catalog_date(search.region),
        without=without if others and is_its_own else None,
    )


def nothing_fits(ranked: Sequence[Ranked]) -> str:
    first = ranked[0].alternative if ranked else None
    sentences = (sentence for item in ranked for sentence in (*item.alternative.reasons, *item.alternative.missing))
    reasons = "; ".join(dict.fromkeys(sentences)) or "none is allowed"
    what = f"{first.title}: " if first else ""
    return f"no launch choice can run this workload ({what}{reasons}). Widen the constraints or the task sizes."
