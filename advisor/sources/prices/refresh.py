"""Prices fetched anew from AWS into the user's cache, Region by Region, each checked before it comes into force."""

import difflib
import fnmatch
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from advisor.errors import AdvisorError, InputError
from advisor.pricing import PriceCatalog, Violation, violations
from advisor.sources.aws.errors import AwsError
from advisor.sources.aws.session import Aws
from advisor.sources.catalog import INSTANCE_TYPE_COLUMNS, price_cache_folder, pricing_data_folder, read_catalog, regions
from advisor.sources.places import listed
from advisor.sources.prices.cache import PriceCache, generation_in_force
from advisor.sources.prices.download import PRICE_LIST_URL, PriceList, PriceListError
from advisor.sources.prices.found import KEY_COLUMNS
from advisor.sources.prices.generation import Fetched, RegionRows, link_tree, write_region
from advisor.sources.prices.offer_index import OfferIndex
from advisor.sources.prices.products import PRODUCTS, OfferPrices, read_offer
from advisor.sources.prices.savings_plans import OFFER as SAVINGS_PLANS
from advisor.sources.prices.savings_plans import read_savings_plans
from advisor.sources.prices.tables import (
    Table,
)

OFFERS_OF_PARTS: Final[Mapping[str, str]] = {
    "ec2": "AmazonEC2",
    "ebs": "AmazonEC2",
    "nat": "AmazonEC2",
    "fargate": "AmazonECS",
    "managed_instances": "AmazonECS",
    "vpc": "AmazonVPC",
    "load_balancers": "AWSELB",
    "data_transfer": "AWSDataTransfer",
    "cloudwatch": "AmazonCloudWatch",
    "ecr": "AmazonECR",
    "savings_plans": SAVINGS_PLANS,
}
"""What can be refreshed, and the offer file that has it."""
ACCOUNT_PARTS: Final = ("instance_types", "spot")
"""What can be refreshed with an account only."""
PARTS: Final = (*OFFERS_OF_PARTS, *ACCOUNT_PARTS)

_PART_OF: Final[Mapping[tuple[str, str], str]] = {
    **{("AmazonEC2", name): "ec2" for name in KEY_COLUMNS if name.startswith("ec2_")},
    ("AmazonEC2", "ebs.csv"): "ebs",
    ("AmazonEC2", "vpc.csv"): "nat",
    ("AmazonECS", "fargate.csv"): "fargate",
    ("AmazonECS", "fargate_windows.csv"): "fargate",
    ("AmazonECS", "managed_instances.csv"): "managed_instances",
    ("AmazonVPC", "vpc.csv"): "vpc",
    ("AWSELB", "elb.csv"): "load_balancers",
    ("AWSDataTransfer", "data_transfer.csv"): "data_transfer",
    ("AmazonCloudWatch", "cloudwatch.csv"): "cloudwatch",
    ("AmazonECR", "ecr.csv"): "ecr",
    (SAVINGS_PLANS, "savings_plans.csv"): "savings_plans",
}
_REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d")

Check = Callable[[PriceCatalog, PriceCatalog | None], Sequence[object]]
"""Takes the catalog with what was fetched, and the one before; returns what is wrong, each as what ``str`` makes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFetched:
    """A part that was not: its rows stay as they were, with their dates."""

    region: str
    part: str
    why: str


@dataclass(slots=True, kw_only=True)
class Refreshed:
    """What a refresh did."""

    fetched: list[Fetched] = field(default_factory=list)
    not_fetched: list[NotFetched] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What was left out of what was fetched, and why."""
    refused: list[str] = field(default_factory=list)
    """Regions whose new prices failed a check, so that the old ones stay in force."""
    generation: Path | None = None
    """Where the refreshed prices are; None where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshOptions:
    """How to refresh; the defaults are the real thing."""

    parts: Sequence[str] = PARTS
    price_list_url: str = PRICE_LIST_URL
    shipped: Path | None = None
    """Price data that the cache lies over; those of the package by default."""
    spot_days: int = 7
    """How many days of Spot prices to average."""
    accept: Sequence[str] = ()
    """Patterns of what a check finds that are to be accepted, such as a price that moved a lot and is known to have."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep
    on_progress: Callable[[str], None] = lambda _: None


def refresh_prices(
    wanted: Sequence[str],
    cache: Path | None = None,
    *,
    check: Check | None = None,
    account: Callable[[str], Aws] | None = None,
    options: RefreshOptions | None = None,
) -> Refreshed:
    """Fetch the prices of some Regions from AWS and put them in force.

    Each Region comes into force by itself, whole or not at all. What could not be fetched is listed and keeps its rows, with
    their dates. Two refreshes at once do not harm each other: each adds its rows to what is then in force.

    Parameters
    ----------
    wanted : sequence of str
        Regions, such as ``eu-west-1``.
    cache : Path, optional
        Folder for refreshed prices; by default the one that :func:`advisor.read_catalog` reads.
    check : callable, optional
        What is wrong with the new catalog, held against the one before; a Region with anything wrong is refused. By default
        :func:`faults_of_new`.
    account : callable, optional
        Opens an account in a Region, for Spot prices and instance types. Without one these are not fetched.
    options : RefreshOptions, optional
        How to refresh.

    Returns
    -------
    Refreshed
        What was fetched, what was not, and why.

    Raises
    ------
    InputError
        There is no such Region or part.
    AdvisorError
        The cache lies in the package's own data.
    OutputError
        The cache cannot be written.

    Examples
    --------
    >>> import advisor  # doctest: +SKIP
    >>> advisor.refresh_prices(["eu-west-1"], options=advisor.RefreshOptions(parts=("fargate",))).fetched  # doctest: +SKIP
    """
    options, cache, check = options or RefreshOptions(), cache or price_cache_folder(), check or faults_of_new
    shipped = (options.shipped or pricing_data_folder()).resolve()
    _check_arguments(wanted, options.parts, shipped, cache)
    done = Refreshed(generation=generation_in_force(cache))
    prices = PriceCache(folder=cache, sleep=options.sleep)
    with prices.work_folder() as work:
        price_list = PriceList(
            url=options.price_list_url, folder=work, sleep=options.sleep, now=options.now, on_progress=options.on_progress
        )
        offers = OfferIndex(price_list)
        for region in dict.fromkeys(wanted):
            found = RegionRows(region)
            _fetch_offers(found, offers, options, done)
            _fetch_account(found, account, options, done, shipped)
            if found.fetched:
                _put_in_force(found, prices, shipped, check, options, done)
    return done


def faults_of_new(catalog: PriceCatalog, previous: PriceCatalog | None, *, today: date | None = None) -> tuple[Violation, ...]:
    """What every catalog must fulfil, and this one does not.

    Which gaps are known is a list of the shipped catalog; what a refresh did not get, it lists by itself.
    """
    return tuple(found for found in violations(catalog, previous, today=today) if found.rule != "gap")


def _check_arguments(wanted: Sequence[str], parts: Sequence[str], shipped: Path, cache: Path) -> None:
    if cache.resolve() == shipped or shipped in cache.resolve().parents:
        raise AdvisorError(f"{cache} is part of the price data of the package. Name another folder with --cache-dir.")
    if (cache / "sources.csv").is_file():
        raise AdvisorError(f"{cache} holds price data that no refresh made. Name another folder with --cache-dir.")
    for part in parts:
        if part not in PARTS:
            near = difflib.get_close_matches(part, PARTS, n=1)
            raise InputError(
                f"there is nothing to refresh called {part!r}",
                fix=f"Did you mean {near[0]}?" if near else f"There is {', '.join(PARTS)}.",
            )
    known = regions(shipped)
    for region in wanted:
        if region.startswith("cn-"):
            raise AdvisorError(
                f"{region} is priced in CNY and has a price list of its own, so China Regions are not refreshed. Pick another "
                "Region."
            )
        if region not in known and not _REGION.fullmatch(region):  # a Region newer than the catalog may be in the price list
            near = difflib.get_close_matches(region, known, n=3)
            fix = f"Closest: {listed(near)}." if near else f"There is {listed(known)}."
            raise InputError(f"there is no Region {region!r}", fix=fix)


def _fetch_offers(found: RegionRows, offers: OfferIndex, options: RefreshOptions, done: Refreshed) -> None:
    region, today = found.region, options.now().date().isoformat()
    parts_by_offer: dict[str, list[str]] = {}
    for part in options.parts:
        if part in OFFERS_OF_PARTS:
            parts_by_offer.setdefault(OFFERS_OF_PARTS[part], []).append(part)
    for offer, parts in parts_by_offer.items():
        options.on_progress(f"{region}: {offer} for {', '.join(parts)}")
        try:
            path = offers.path(offer, region)
            prices = _read(offers.price_list, path, offer, region, today)
        except PriceListError as error:
            done.not_fetched += [NotFetched(region=region, part=part, why=str(error)) for part in parts]
            continue
        source = f"aws_price_list_{offer}_{region}"
        found.sources[source] = (
            source,
            offers.price_list.url + path,
            today,
            f"version {prices.about.version}, published {prices.about.published}, in force on {today}",
            "AWS Price List, public",
        )
        done.notes += [f"{offer} in {region}: {note}" for note in prices.notes]
        _sort_by_part(found, offer, parts, prices, source, done)


def _read(price_list: PriceList, path: str, offer: str, region: str, today: str) -> OfferPrices:
    if offer == SAVINGS_PLANS:
        prices = price_list.read(path, lambda file: read_savings_plans(file, region=region, today=today))
    else:
        prices = price_list.read(path, lambda file: read_offer(file, offer=offer, region=region, today=today))
    if prices.about.published > today:
        raise PriceListError(
            f"the {offer} file of {region} was published on {prices.about.published}, and this machine says that it is "
            f"{today}. Which prices are in force hangs on the date: set the clock right."
        )
    return prices


def _sort_by_part(
    found: RegionRows, offer: str, parts: Sequence[str], prices: OfferPrices, source: str, done: Refreshed
) -> None:
    expected = {(each.file, each.key) for each in PRODUCTS if each.offer == offer and each.key and "spot" not in each.key}
    for part in parts:
        files = {name: rates for name, rates in prices.rows.items() if _PART_OF[offer, name] == part and rates}
        if not files:
            why = f"the {offer} file of {prices.about.published} lists no price for it"
            done.not_fetched.append(NotFetched(region=found.region, part=part, why=why))
            continue
        found.rates += [(name, rates, source) for name, rates in files.items()]
        n_rows = sum(map(len, files.values()))
        found.fetched.append(
            Fetched(region=found.region, part=part, n_rows=n_rows, source=source, published=prices.about.published)
        )
        missing = sorted(
            f"{name.removesuffix('.csv')} {' '.join(key)}"
            for name, key in expected
            if _PART_OF[offer, name] == part and key not in prices.rows.get(name, {})
        )
        if missing:
            done.notes.append(f"{offer} in {found.region} lists no {listed(missing)}; older rates of these stay")


def _fetch_account(
    found: RegionRows, account: Callable[[str], Aws] | None, options: RefreshOptions, done: Refreshed, shipped: Path
) -> None:
    parts = [part for part in ACCOUNT_PARTS if part in options.parts]
    if not parts:
        return
    if account is None:
        why = "it needs an AWS account, and none was given"
        done.not_fetched += [NotFetched(region=found.region, part=part, why=why) for part in parts]
        return
    fetch = {"instance_types": _fetch_types, "spot": _fetch_spot}
    for part in parts:
        options.on_progress(f"{found.region}: {part}")
        try:
            fetch[part](found, account(found.region), options, shipped)
        except AwsError as error:
            done.not_fetched.append(NotFetched(region=found.region, part=part, why=str(error)))


def _fetch_types(found: RegionRows, aws: Aws, options: RefreshOptions, shipped: Path) -> None:
    from advisor.sources.prices.account import fetch_instance_types, fetch_zones_by_type, type_rows

    today = options.now().date().isoformat()
    types, zones = fetch_instance_types(aws), fetch_zones_by_type(aws)
    source = f"aws_ec2_api_{found.region}"
    found.sources[source] = (
        source,
        f"EC2 API of {found.region}: instance types, and zones that offer them",
        today,
        "",
        "facts",
    )
    known = {
        row[0]: dict(zip(INSTANCE_TYPE_COLUMNS, row, strict=True))
        for row in Table.read((shipped / "instance_types.csv").read_text(encoding="utf-8")).rows
    }
    found.types = type_rows(types, INSTANCE_TYPE_COLUMNS, known, source)
    found.zones = zones
    found.fetched.append(Fetched(region=found.region, part="instance_types", n_rows=len(types), source=source, published=today))


def _fetch_spot(found: RegionRows, aws: Aws, options: RefreshOptions, shipped: Path) -> None:
    from advisor.sources.prices.account import fetch_spot_prices, history_rows

    now = options.now()
    today = now.date().isoformat()
    spot = fetch_spot_prices(aws, now=now, days=options.spot_days, on_progress=options.on_progress)
    if not spot.rows:
        raise AwsError(f"EC2 has no Spot prices of {found.region} in the past {options.spot_days} days.")
    source = f"aws_spot_price_history_{found.region}"
    note = f"mean over the zones of the prices of {options.spot_days} days, each counted for as long as it held"
    found.sources[source] = (source, f"EC2 API of {found.region}: DescribeSpotPriceHistory", today, note, "facts")
    found.rates += [(name, rates, source) for name, rates in spot.rows.items()]
    found.history = history_rows(spot, source_id=source, as_of=today)
    found.fetched.append(
        Fetched(region=found.region, part="spot", n_rows=sum(map(len, spot.rows.values())), source=source, published=today)
    )


class _RefusedError(AdvisorError):
    """The new catalog failed a check."""


def _put_in_force(
    found: RegionRows, prices: PriceCache, shipped: Path, check: Check, options: RefreshOptions, done: Refreshed
) -> None:
    """Make a generation with a Region's new rows, and put it in force if it passes the check."""

    def make(before: Path | None, staging: Path) -> None:
        if before is not None:
            link_tree(before, staging)
        notes = write_region(found, before, staging, shipped, now=options.now())
        findings = _findings(found.region, shipped, before, staging, check)
        wrong = [each for each in findings if not any(fnmatch.fnmatchcase(each, f"*{one}*") for one in options.accept)]
        notes += [f"accepted: {each}" for each in findings if each not in wrong]
        if wrong:
            some = "; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
            raise _RefusedError(f"its new prices were refused: {some}")
        done.notes += notes

    try:
        done.generation = prices.publish(make)
        done.fetched += found.fetched
    except _RefusedError as error:
        done.refused.append(found.region)
        done.not_fetched += [NotFetched(region=found.region, part=each.part, why=str(error)) for each in found.fetched]


def _findings(region: str, shipped: Path, before: Path | None, staging: Path, check: Check) -> list[str]:
    """What is wrong with the new catalog of a Region."""
    if region not in {*regions(shipped), *regions(staging)}:
        return [f"a Region needs prices of EC2 instances to be in the catalog, and {region} has none; refresh ec2, too"]
    new = read_catalog(region, folder=shipped, cache=staging)
    was_there = region in regions(shipped) or (before is not None and region in regions(before))
    old = read_catalog(region, folder=shipped, cache=before) if was_there else None
    return [str(each) for each in check(new, old)]


__all__ = [
    "ACCOUNT_PARTS",
    "OFFERS_OF_PARTS",
    "PARTS",
    "NotFetched",
    "RefreshOptions",
    "Refreshed",
    "refresh_prices",
]
