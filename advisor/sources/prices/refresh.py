"""Prices fetched anew from AWS into the user's cache, Region by Region, each checked before it comes into force."""

import difflib
import fnmatch
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from advisor.errors import AdvisorError, InputError
from advisor.pricing import PriceCatalog, Violation, violations
from advisor.sources.aws.errors import AwsError
from advisor.sources.aws.session import Aws
from advisor.sources.catalog import INSTANCE_TYPE_COLUMNS, price_cache_folder, pricing_data_folder, read_catalog, regions
from advisor.sources.places import listed
from advisor.sources.prices.cache import FORMAT, MANIFEST, PriceCache, generation_in_force
from advisor.sources.prices.download import PRICE_LIST_URL, PriceList, PriceListError
from advisor.sources.prices.found import KEY_COLUMNS, FoundRate, Key
from advisor.sources.prices.products import PRODUCTS, OfferPrices, read_offer
from advisor.sources.prices.savings_plans import OFFER as SAVINGS_PLANS
from advisor.sources.prices.savings_plans import read_savings_plans
from advisor.sources.prices.tables import (
    SOURCE_COLUMNS,
    SPOT_HISTORY_COLUMNS,
    ZONE_COLUMNS,
    Table,
    csv_text,
    fetched_table,
    put_over,
)
from advisor.version import __version__

INDEX: Final = "/offers/v1.0/aws/index.json"

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
class Fetched:
    """A part of the catalog that was fetched for a Region."""

    region: str
    part: str
    n_rows: int
    source: str
    published: str


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


@dataclass(slots=True)
class _RegionPart:
    """Everything fetched for a Region, before it is written."""

    region: str
    rates: list[tuple[str, dict[Key, FoundRate], str]] = field(default_factory=list)
    """File, rates, id of the source."""
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)
    zones: dict[str, tuple[str, ...]] = field(default_factory=dict)
    types: list[tuple[str, ...]] = field(default_factory=list)
    history: list[tuple[str, ...]] = field(default_factory=list)
    fetched: list[Fetched] = field(default_factory=list)


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
        offers = _Offers(price_list)
        for region in dict.fromkeys(wanted):
            found = _RegionPart(region)
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


@dataclass(slots=True)
class _Offers:
    """Where the price list has the files of each Region."""

    price_list: PriceList
    _index: dict[str, Any] | None = None
    _regions: dict[str, Mapping[str, str]] = field(default_factory=dict)
    _failed: dict[str, PriceListError] = field(default_factory=dict)
    """Offers whose index could not be had: it is not asked for again in each Region."""

    def path(self, offer: str, region: str) -> str:
        """Path of the CSV file of an offer in a Region.

        Raises
        ------
        PriceListError
            AWS does not offer it there, or an index is not what it was.
        """
        if offer in self._failed:
            raise self._failed[offer]
        if offer not in self._regions:
            try:
                self._regions[offer] = self._region_paths(offer)
            except PriceListError as error:
                self._failed[offer] = error
                raise
        if region not in self._regions[offer]:
            near = difflib.get_close_matches(region, self._regions[offer], n=3)
            raise PriceListError(f"AWS lists no {offer} in {region}" + (f" (closest: {listed(near)})." if near else "."))
        return self._regions[offer][region]

    def _region_paths(self, offer: str) -> Mapping[str, str]:
        if self._index is None:
            self._index = self._offers()
        # Savings Plans have no entry of their own: the offers that they cover name their index
        holder, name = (
            ("AmazonEC2", "currentSavingsPlanIndexUrl") if offer == SAVINGS_PLANS else (offer, "currentRegionIndexUrl")
        )
        told = self._index.get(holder)
        if not isinstance(told, dict) or not isinstance(told.get(name), str):
            raise PriceListError(f"the index of the price list names no file of {offer} by Region.")
        listed_regions = self._json(told[name]).get("regions")
        entries = listed_regions.values() if isinstance(listed_regions, dict) else listed_regions
        if not isinstance(entries, Iterable):
            raise PriceListError(f"{told[name]} lists no Regions.")
        found: dict[str, str] = {}
        for entry in entries:
            path = entry.get("currentVersionUrl") or entry.get("versionUrl") if isinstance(entry, dict) else None
            if not isinstance(path, str) or not isinstance(entry.get("regionCode"), str):
                raise PriceListError(f"{told[name]} has an entry without a Region or a file: {str(entry)[:100]}.")
            found[entry["regionCode"]] = _csv_path(path)
        return found

    def _offers(self) -> dict[str, Any]:
        offers = self._json(INDEX).get("offers")
        if not isinstance(offers, dict):
            raise PriceListError(f"{INDEX} lists no offers.")
        return offers

    def _json(self, path: str) -> dict[str, Any]:
        if not path.startswith("/") or path.startswith("//"):
            raise PriceListError(f"the price list names a file elsewhere: {path[:100]!r}. Nothing was read from there.")
        found = self.price_list.json(path)
        if not isinstance(found, dict):
            raise PriceListError(f"{path} is not an index.")
        return found


def _csv_path(path: str) -> str:
    if not path.startswith("/") or path.startswith("//") or not path.endswith(".json"):
        raise PriceListError(f"the price list names a file elsewhere: {path[:100]!r}. Nothing was read from there.")
    return path.removesuffix(".json") + ".csv"


def _fetch_offers(found: _RegionPart, offers: _Offers, options: RefreshOptions, done: Refreshed) -> None:
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
    found: _RegionPart, offer: str, parts: Sequence[str], prices: OfferPrices, source: str, done: Refreshed
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
    found: _RegionPart, account: Callable[[str], Aws] | None, options: RefreshOptions, done: Refreshed, shipped: Path
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


def _fetch_types(found: _RegionPart, aws: Aws, options: RefreshOptions, shipped: Path) -> None:
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


def _fetch_spot(found: _RegionPart, aws: Aws, options: RefreshOptions, shipped: Path) -> None:
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
    found: _RegionPart, prices: PriceCache, shipped: Path, check: Check, options: RefreshOptions, done: Refreshed
) -> None:
    """Make a generation with a Region's new rows, and put it in force if it passes the check."""

    def make(before: Path | None, staging: Path) -> None:
        if before is not None:
            _link_tree(before, staging)
        notes = _write_region(found, before, staging, shipped, options)
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


def _write_region(found: _RegionPart, before: Path | None, staging: Path, shipped: Path, options: RefreshOptions) -> list[str]:
    """Write the files that change; returns what was left out."""
    today = options.now().date().isoformat()
    folder = staging / found.region
    folder.mkdir(exist_ok=True)

    def table(path: str) -> Table | None:
        file = before / path if before is not None else None
        return Table.read(file.read_text(encoding="utf-8")) if file is not None and file.is_file() else None

    types = _over(table("instance_types.csv"), INSTANCE_TYPE_COLUMNS, found.types)
    known = {row[0] for row in types.rows}
    known |= {row[0] for row in Table.read((shipped / "instance_types.csv").read_text(encoding="utf-8")).rows}
    without_specs: set[str] = set()
    rows: dict[str, Table] = {}
    for name, rates, source in found.rates:
        priced = {key: rate for key, rate in rates.items() if (lacking := _type_of(name, key)) is None or lacking in known}
        without_specs |= {str(_type_of(name, key)) for key in rates if key not in priced}
        rows[name] = fetched_table(
            KEY_COLUMNS[name],
            priced,
            source_id=source,
            as_of=today,
            before=rows.get(name) or table(f"{found.region}/{name}"),
        )
    files = {f"{found.region}/{name}": each.text() for name, each in rows.items() if each.rows}
    if found.zones:
        source = f"aws_ec2_api_{found.region}"
        zones = [(name, "|".join(ids), source) for name, ids in found.zones.items()]
        files[f"{found.region}/zones.csv"] = csv_text(ZONE_COLUMNS, sorted(zones))
    if found.history:
        files[f"{found.region}/ec2_spot_history.csv"] = csv_text(SPOT_HISTORY_COLUMNS, found.history)
    if types.rows:
        files["instance_types.csv"] = types.text()
        found.sources |= _sources_of(types, shipped)
    files["sources.csv"] = _over(table("sources.csv"), SOURCE_COLUMNS, found.sources.values()).text()
    manifest = {"format": FORMAT, "advisor": __version__, "refreshed_at": options.now().isoformat(timespec="seconds")}
    files[MANIFEST] = json.dumps(manifest, indent=1) + "\n"
    for path, text in files.items():
        (staging / path).unlink(missing_ok=True)  # it may be the same file on disk as in the generation before
        (staging / path).write_text(text, encoding="utf-8", newline="\n")
    if without_specs:
        some = listed(sorted(without_specs))
        return [
            f"{found.region}: {len(without_specs)} instance types have prices, and the catalog does not know what they are, so "
            f"they are left out: {some}. Refresh instance_types with an account"
        ]
    return []


def _over(older: Table | None, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    newer = Table(columns=columns, rows=tuple(sorted(rows)))
    return newer if older is None else put_over(older, newer)


def _sources_of(types: Table, shipped: Path) -> dict[str, tuple[str, ...]]:
    """Sources that rows of instance types name, as far as the shipped catalog describes them."""
    places = [i for i, name in enumerate(types.columns) if name.endswith("source_id")]
    named = {row[i] for row in types.rows for i in places}
    sources = Table.read((shipped / "sources.csv").read_text(encoding="utf-8"))
    return {row[0]: row for row in sources.rows if row[0] in named}


def _type_of(name: str, key: Key) -> str | None:
    """Instance type that a row is about, if it is about one."""
    columns = KEY_COLUMNS[name]
    if columns[0] == "instance_type":
        return key[0]
    if name == "savings_plans.csv" and key[1].startswith("ec2:"):
        return key[1].rpartition(":")[2]
    return None


def _link_tree(source: Path, target: Path) -> None:
    """The files of a generation in the next one, without their content being written again where the disk can do that."""
    for path in _files(source):
        to = target / path
        to.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source / path, to)
        except OSError:
            shutil.copyfile(source / path, to)


def _files(folder: Path) -> Iterator[Path]:
    return (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())


def write_shipped(generation: Path, folder: Path) -> list[str]:
    """Put refreshed prices into the price data of a checkout, for a maintainer to look through and commit.

    Parameters
    ----------
    generation : Path
        Refreshed prices.
    folder : Path
        A ``pricing_data/``. Rows that were not refreshed stay.

    Returns
    -------
    list of str
        Files that changed.

    Raises
    ------
    AdvisorError
        ``folder`` holds no price data.
    OutputError
        It cannot be written; nothing was changed.
    """
    from advisor.files import write_files

    if not (folder / "sources.csv").is_file():
        raise AdvisorError(f"{folder} holds no price data. Name the pricing_data folder of a checkout.")
    changed: dict[str, bytes] = {}
    for path in _files(generation):
        if path.name == MANIFEST:
            continue
        newer, shipped = Table.read((generation / path).read_text(encoding="utf-8")), folder / path
        before = shipped.read_text(encoding="utf-8") if shipped.is_file() else None
        text = (newer if before is None else put_over(Table.read(before), newer)).text()
        if text != before:
            changed[path.as_posix()] = text.encode()
    if changed:
        write_files(folder, changed)
    return sorted(changed)


__all__ = [
    "ACCOUNT_PARTS",
    "OFFERS_OF_PARTS",
    "PARTS",
    "Fetched",
    "NotFetched",
    "RefreshOptions",
    "Refreshed",
    "refresh_prices",
    "write_shipped",
]
