"""The price catalog as files: ``pricing_data/``, and a user's own rates over it."""

import csv
import difflib
import io
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from advisor.ecs import Architecture, InstanceType, PurchaseOption
from advisor.errors import AdvisorError, InputError
from advisor.meters import (
    FARGATE_EPHEMERAL_GIB_HOUR,
    GP3_GIB_MONTH,
    INTERFACE_ENDPOINT_GIB,
    INTERFACE_ENDPOINT_HOUR,
    NAT_GATEWAY_GIB,
    NAT_GATEWAY_HOUR,
    PUBLIC_IPV4_HOUR,
    Meter,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
    managed_instances_fee_hour,
    surplus_vcpu_hour,
)
from advisor.pricing import FeeRatio, OwnRate, PriceCatalog, Rate, RateStatus, RegionPrices, Source
from advisor.pricing.rates import UNDATED
from advisor.sources.input_files import InputFiles, Place, listed
from advisor.sources.prices.cache import generation_in_force
from advisor.workload import InputFile

_Value = TypeVar("_Value")

RATE_COLUMNS: Final = ("usd", "unit", "source_id", "as_of", "status")
DATE: Final = re.compile(rf"{UNDATED}|20\d\d(-\d\d(-\d\d)?)?")

_FIXED_METERS: Final[Mapping[tuple[str, ...], Meter]] = {
    **{
        (architecture, purchase_option, dimension): meter(architecture, purchase_option)
        for architecture in Architecture
        for purchase_option in PurchaseOption
        for dimension, meter in (("vcpu_hour", fargate_vcpu_hour), ("gib_hour", fargate_gib_hour))
    },
    ("any", "on_demand", "ephemeral_gib_hour"): FARGATE_EPHEMERAL_GIB_HOUR,
    ("gp3", "gib_month"): GP3_GIB_MONTH,
    ("public_ipv4", "address_hour"): PUBLIC_IPV4_HOUR,
    ("nat_gateway", "hour"): NAT_GATEWAY_HOUR,
    ("nat_gateway", "gib"): NAT_GATEWAY_GIB,
    ("interface_endpoint", "hour"): INTERFACE_ENDPOINT_HOUR,
    ("interface_endpoint", "gib"): INTERFACE_ENDPOINT_GIB,
}


class _PriceTable(NamedTuple):
    """A file of a Region: the columns that say what is priced, and the meter that they mean."""

    file: str
    key: tuple[str, ...]
    meter: Callable[..., Meter]
    """Takes the cells of the key; raises KeyError where they mean nothing."""


CACHE_VARIABLE: Final = "ADVISOR_CACHE_DIR"
"""Environment variable that names the folder of refreshed prices."""


def _fixed_meter(*key: str) -> Meter:
    return _FIXED_METERS[key]


PRICE_TABLES: Final = (
    _PriceTable("ec2_on_demand.csv", ("instance_type",), lambda name: instance_hour(name, PurchaseOption.ON_DEMAND)),
    _PriceTable("ec2_spot.csv", ("instance_type",), lambda name: instance_hour(name, PurchaseOption.SPOT)),
    _PriceTable("ec2_surplus_credits.csv", ("family",), surplus_vcpu_hour),
    _PriceTable("fargate.csv", ("architecture", "purchase_option", "dimension"), _fixed_meter),
    _PriceTable("ebs.csv", ("volume_type", "dimension"), _fixed_meter),
    _PriceTable("vpc.csv", ("item", "dimension"), _fixed_meter),
    _PriceTable("managed_instances.csv", ("instance_type",), managed_instances_fee_hour),
)
"""Where the rate of each meter stands. What a Region has no prices for has no file."""


def pricing_data_folder() -> Path:
    """The catalog's files: inside an installed package, else beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "pricing_data", package.parent / "pricing_data"):
        if (folder / "sources.csv").is_file():
            return folder
    raise AdvisorError(f"no pricing_data folder in {package} or beside it. Install ecs-launch-advisor again.")


def price_cache_folder() -> Path:
    """Where refreshed prices are kept: the platform's cache folder, or what ``ADVISOR_CACHE_DIR`` says. It may not exist."""
    import platformdirs

    stated = os.environ.get(CACHE_VARIABLE)
    return Path(stated) if stated else platformdirs.user_cache_path("ecs-launch-advisor") / "pricing_data"


def regions(folder: Path | None = None) -> tuple[str, ...]:
    """Regions that have prices."""
    return tuple(sorted(path.parent.name for path in (folder or pricing_data_folder()).glob("*/ec2_on_demand.csv")))


def read_catalog(
    region: str, *more: str, folder: Path | None = None, cache: Path | None = None, rates_file: Path | None = None
) -> PriceCatalog:
    """Prices of one or several Regions, with what their instance types offer.

    Parameters
    ----------
    region, *more : str
        AWS Regions, such as ``eu-west-1``.
    folder : Path, optional
        Price data. By default those that come with the package, under those that were refreshed.
    cache : Path, optional
        Newer price data of the same layout, over those of ``folder``: of two rows for one meter the newer holds. By default
        :func:`price_cache_folder`, but none where ``folder`` is given: that is then the whole catalog.
    rates_file : Path, optional
        CSV of own rates over the catalog's: ``meter, region, usd, unit, discount_fraction, source, as_of``.

    Raises
    ------
    InputError
        A file is at fault; the message names the line. Nothing is repaired and no row wins over another.
    AdvisorError
        There is no such Region.

    Examples
    --------
    >>> from advisor.ecs import PurchaseOption
    >>> from advisor.meters import instance_hour
    >>> read_catalog("eu-west-1").rate(instance_hour("m5.large", PurchaseOption.ON_DEMAND), "eu-west-1").usd
    0.107
    """
    base = folder or pricing_data_folder()
    if cache is None and folder is None:
        cache = price_cache_folder()
    newer = generation_in_force(cache) if cache is not None else None
    folders = [base] if newer is None else [base, newer]
    known = sorted({name for each in folders for name in regions(each)})
    for each in (region, *more):
        _check_region(each, known)
    sources: dict[str, Source] = {}
    types: dict[str, InstanceType] = {}
    fee_scopes: dict[str, str] = {}
    for each_folder in folders:
        sources |= _read_sources(each_folder / "sources.csv")
        if (each_folder / "instance_types.csv").exists() or each_folder == base:
            more_types, more_scopes = _read_instance_types(each_folder / "instance_types.csv", sources)
            types |= more_types
            fee_scopes |= more_scopes
    ratios = _read_fee_ratios(base / "managed_instances_fee.csv", sources)
    own_rates, inputs = _read_own_rates(rates_file, base) if rates_file else ((), ())
    return PriceCatalog(
        regions={each: _read_layers([one / each for one in folders], types, sources) for each in (region, *more)},
        types=types,
        fee_ratios={name: ratios[scope] for name, scope in fee_scopes.items() if scope in ratios},
        sources=sources,
        own_rates=own_rates,
        inputs=inputs,
    )


def _read_layers(folders: Sequence[Path], types: Mapping[str, InstanceType], sources: Mapping[str, Source]) -> RegionPrices:
    """Prices of a Region, each folder over the one before: of two rows for one meter the newer holds."""
    first, *layers = (_read_region(folder, types, sources) for folder in folders)
    rates, outdated, zones = dict(first.rates), dict(first.outdated), dict(first.zones)
    for layer in layers:
        for meter_id, rate in layer.rates.items():
            if meter_id not in rates or _day(rates[meter_id].as_of) <= _day(rate.as_of):
                rates[meter_id] = rate
        outdated |= layer.outdated
        zones |= layer.zones
    return RegionPrices(rates=rates, outdated=outdated, zones=zones)


def _check_region(region: str, known: Sequence[str]) -> None:
    if region in known:
        return
    if region.startswith("cn-"):
        raise AdvisorError(
            f"{region} is priced in CNY, and the catalog holds USD, so China Regions are not in it. Pick another Region."
        )
    near = difflib.get_close_matches(region, known, n=3)
    raise AdvisorError(
        f"no prices for a Region {region!r}. " + (f"Closest: {listed(near)}." if near else f"There is {listed(known)}.")
    )


class _BadCellError(Exception):
    """A cell that cannot be used; whoever reads the file adds where it stands."""

    def __init__(self, column: str | None, problem: str) -> None:
        super().__init__(problem)
        self.column, self.problem = column, problem


def _rows(path: Path, columns: tuple[str, ...], parse: Callable[[list[str]], _Value]) -> Iterator[tuple[int, _Value]]:
    """Line number and parsed cells of each row of a catalog file, which must have exactly these columns."""
    line = 1
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            if tuple(next(reader, ())) != columns:
                raise _BadCellError(None, f"the header is not {','.join(columns)}")
            for cells in reader:
                line = reader.line_num
                if len(cells) != len(columns):
                    raise _BadCellError(None, f"the row has {len(cells)} cells, the header {len(columns)}")
                yield line, parse(cells)
    except _BadCellError as bad:
        raise _catalog_error(path, line, bad.problem, bad.column) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _catalog_error(path, line, f"the file cannot be read ({error})") from error


def _catalog_error(path: Path, line: int, problem: str, column: str | None = None) -> InputError:
    fix = "Restore the price data: reinstall the package, or make pricing_data anew with tools/build_pricing_data.py."
    return InputError(problem, fix=fix, file=str(path), line=line, column=column)


def _unique(rows: Iterator[tuple[int, tuple[str, _Value]]], path: Path) -> dict[str, _Value]:
    """Values by key; a key that comes twice is an error, because neither row is known to be the right one."""
    found: dict[str, _Value] = {}
    lines: dict[str, int] = {}
    for line, (key, value) in rows:
        if key in found:
            raise _catalog_error(path, line, f"{key} stands here and in line {lines[key]}")
        found[key], lines[key] = value, line
    return found


def _read_sources(path: Path) -> dict[str, Source]:
    def source(cells: list[str]) -> tuple[str, Source]:
        id_, where, date, note, licence = cells
        if not (id_ and where and date):
            raise _BadCellError(None, "a source has an id, a place and a date")
        return id_, Source(id=id_, where=where, date=date, note=note, licence=licence)

    return _unique(_rows(path, ("source_id", "where", "date", "note", "licence"), source), path)


def _read_region(folder: Path, types: Mapping[str, InstanceType], sources: Mapping[str, Source]) -> RegionPrices:
    rates: dict[str, Rate] = {}
    outdated: dict[str, tuple[RateStatus, Rate]] = {}
    for table in PRICE_TABLES:
        path = folder / table.file
        if path.exists():
            known = types if table.key == ("instance_type",) else None
            _read_rates(table, path, known, sources, rates, outdated)
    zones = folder / "zones.csv"
    return RegionPrices(rates=rates, outdated=outdated, zones=_read_zones(zones, sources) if zones.exists() else {})


def _read_rates(
    table: _PriceTable,
    path: Path,
    known_types: Mapping[str, InstanceType] | None,
    sources: Mapping[str, Source],
    rates: dict[str, Rate],
    outdated: dict[str, tuple[RateStatus, Rate]],
) -> None:
    """Adds the rows of a file: current ones to ``rates``, the newest of the others to ``outdated``."""
    n = len(table.key)
    statuses: dict[tuple[str, ...], RateStatus] = {}

    def priced(cells: list[str]) -> tuple[str, Rate, RateStatus]:
        try:
            meter = table.meter(*cells[:n])
        except KeyError:
            raise _BadCellError(table.key[-1], f"{' '.join(cells[:n])!r} is nothing that the catalog prices") from None
        if known_types is not None and cells[0] not in known_types:
            raise _BadCellError("instance_type", f"instance_types.csv has no {cells[0]!r}")
        usd, unit, source_id, as_of, status = cells[n:]
        if unit != meter.unit:
            raise _BadCellError("unit", f"{meter.id} is counted in {meter.unit}, not {unit!r}")
        try:
            rate = Rate(float(usd), unit, source_id, as_of)
        except ValueError:
            raise _BadCellError("usd", f"a rate is a number above zero, not {usd!r}") from None
        told = source_id, as_of, status
        if told not in statuses:  # the same for nearly every row of a file
            statuses[told] = _checked_status(*told, sources)
        return meter.id, rate, statuses[told]

    lines: dict[str, int] = {}
    for line, (meter_id, rate, status) in _rows(path, (*table.key, *RATE_COLUMNS), priced):
        if status is not RateStatus.CURRENT:
            outdated[meter_id] = max(
                outdated.get(meter_id, (status, rate)), (status, rate), key=lambda each: _day(each[1].as_of)
            )
        elif meter_id in rates:
            raise _catalog_error(path, line, f"a second current rate of {meter_id}; the first is in line {lines[meter_id]}")
        else:
            rates[meter_id], lines[meter_id] = rate, line


def _checked_status(source_id: str, as_of: str, status: str, sources: Mapping[str, Source]) -> RateStatus:
    if source_id not in sources:
        raise _BadCellError("source_id", f"sources.csv has no {source_id!r}")
    if not DATE.fullmatch(as_of):
        raise _BadCellError("as_of", f"{as_of!r} is neither a date nor {UNDATED!r}")
    try:
        return RateStatus(status)
    except ValueError:
        raise _BadCellError("status", f"{status!r} is none of {', '.join(RateStatus)}") from None


def _day(as_of: str) -> str:
    return "" if as_of == UNDATED else as_of


def _read_zones(path: Path, sources: Mapping[str, Source]) -> dict[str, int]:
    def zones(cells: list[str]) -> tuple[str, int]:
        name, az_ids, source_id = cells
        if not az_ids:
            raise _BadCellError("az_ids", f"no zone for {name}; a type that no zone is known to offer has no row")
        if source_id not in sources:
            raise _BadCellError("source_id", f"sources.csv has no {source_id!r}")
        return name, az_ids.count("|") + 1

    return _unique(_rows(path, ("instance_type", "az_ids", "source_id"), zones), path)


def _read_fee_ratios(path: Path, sources: Mapping[str, Source]) -> dict[str, FeeRatio]:
    """Ratio that holds now, by scope."""

    def fee(cells: list[str]) -> tuple[str, FeeRatio] | None:
        scope, ratio, valid_from, valid_to, source_id, as_of, status = cells
        is_current = _checked_status(source_id, as_of, status, sources) is RateStatus.CURRENT
        if is_current != (valid_to == ""):
            raise _BadCellError("status", f"{status!r} of a ratio that is valid to {valid_to or 'now'!r}")
        try:
            found = FeeRatio(scope=scope, ratio=float(ratio), source_id=source_id, as_of=as_of, valid_from=valid_from)
        except ValueError:
            raise _BadCellError("ratio_of_on_demand", f"a fee ratio lies between 0 and 1, not {ratio!r}") from None
        return (scope, found) if is_current else None

    columns = ("scope", "ratio_of_on_demand", "valid_from", "valid_to", "source_id", "as_of", "status")
    return _unique(((line, found) for line, found in _rows(path, columns, fee) if found is not None), path)


INSTANCE_TYPE_COLUMNS: Final = (
    "instance_type",
    "vcpu",
    "memory_mib",
    "registered_memory_mib",
    "registered_memory_basis",
    "registered_memory_as_of",
    "registered_memory_source_id",
    "architectures",
    "max_enis",
    "branch_interfaces",
    "tasks_with_trunking",
    "tasks_with_trunking_source_id",
    "baseline_percent",
    "coremark_per_thread",
    "current_generation",
    "bare_metal",
    "accelerator",
    "managed_instances_fee_scope",
    "spec_source_id",
)


def _read_instance_types(path: Path, sources: Mapping[str, Source]) -> tuple[dict[str, InstanceType], dict[str, str]]:
    """Instance types, and the scope of the Managed Instances fee of those that it offers, by name."""
    fee_scopes: dict[str, str] = {}

    def spec(cells: list[str]) -> tuple[str, InstanceType]:
        name, vcpu, mib, registered, basis, _, memory_source, architecture, enis, branches, tasks, _, *more = cells
        baseline_percent, coremark, is_current, is_bare_metal, has_accelerator, fee_scope, spec_source = more
        if memory_source not in sources or spec_source not in sources:
            raise _BadCellError(None, f"sources.csv lacks {memory_source!r} or {spec_source!r}")
        if fee_scope:
            fee_scopes[name] = fee_scope
        try:
            return name, InstanceType(
                name=name,
                vcpu=int(vcpu),
                memory_mib=int(mib),
                registered_memory_mib=int(registered),
                is_registered_memory_observed=_BASES[basis],
                architectures=_ARCHITECTURES[architecture],
                max_enis=int(enis) if enis else None,
                branch_interfaces=int(branches) if branches else None,
                trunked_tasks=int(tasks) if tasks else None,
                baseline_fraction=float(baseline_percent) / 100 if baseline_percent else None,
                coremark_per_thread=float(coremark) if coremark else None,
                is_current_generation=_FLAGS[is_current],
                is_bare_metal=_FLAGS[is_bare_metal],
                has_accelerator=_FLAGS[has_accelerator],
            )
        except (ValueError, KeyError) as error:
            raise _BadCellError(None, f"a cell of {name!r} does not fit its column ({error})") from None

    return _unique(_rows(path, INSTANCE_TYPE_COLUMNS, spec), path), fee_scopes


_FLAGS: Final = {"true": True, "false": False}
_BASES: Final = {"observed": True, "fitted": False}
_ARCHITECTURES: Final = {each.value: (each,) for each in Architecture}


OWN_RATES_COLUMNS: Final = ("meter", "region", "usd", "unit", "discount_fraction", "source", "as_of")


def _read_own_rates(path: Path, folder: Path) -> tuple[tuple[OwnRate, ...], tuple[InputFile, ...]]:
    """Rows of a rates file, whose columns may come in any order; what is not needed may be left out."""
    files = InputFiles()
    reader = csv.reader(io.StringIO(files.text(path), newline=""), strict=True)
    known_regions = {"*", *regions(folder)}
    rows: list[OwnRate] = []
    try:
        columns = [name.strip() for name in next(reader, ())]
        _check_columns(columns, path)
        for cells in reader:
            if any(cells):
                rows.append(_own_rate(cells, columns, Place(str(path), reader.line_num), known_regions))
    except csv.Error as error:
        raise Place(str(path), reader.line_num).error(f"this is not CSV ({error})", fix="Check the quotes.") from None
    return tuple(rows), files.inputs


def _check_columns(columns: Sequence[str], path: Path) -> None:
    place = Place(str(path), 1)
    for name in columns:
        if name not in OWN_RATES_COLUMNS or columns.count(name) > 1:
            near = difflib.get_close_matches(name, OWN_RATES_COLUMNS, n=1)
            fix = f"Did you mean {near[0]}?" if near and near[0] != name else f"Columns are {', '.join(OWN_RATES_COLUMNS)}."
            raise place.error(f"the column {name!r} is unknown or there twice", fix=fix)
    for name in ("meter", "region"):
        if name not in columns:
            raise place.error(f"the column {name!r} is missing", fix=f"Columns are {', '.join(OWN_RATES_COLUMNS)}.")


def _own_rate(cells: Sequence[str], columns: Sequence[str], place: Place, known_regions: Collection[str]) -> OwnRate:
    if len(cells) != len(columns):
        raise place.error(f"the row has {len(cells)} cells, the header {len(columns)}", fix="Give every column one cell.")
    cell = dict.fromkeys(OWN_RATES_COLUMNS, "") | {name: text.strip() for name, text in zip(columns, cells, strict=True)}
    if not cell["meter"]:
        raise place.error("the meter is empty", fix="Name a meter, or a pattern such as ec2:linux:on_demand:*.")
    if cell["region"] not in known_regions:
        near = difflib.get_close_matches(cell["region"], known_regions, n=3)
        fix = f"Closest: {listed(near)}." if near else "Name a Region, or *."
        raise place.error(f"no prices for a Region {cell['region']!r}", fix=fix)
    if cell["as_of"] and not DATE.fullmatch(cell["as_of"]):
        raise place.error(f"as_of {cell['as_of']!r} is not a date", fix="Write it as 2026-11-23, or leave it empty.")
    try:
        return OwnRate(
            meter=cell["meter"],
            region=cell["region"],
            usd=_number(cell["usd"], "usd"),
            unit=cell["unit"] or None,
            discount_fraction=_number(cell["discount_fraction"], "discount_fraction"),
            source=cell["source"],
            as_of=cell["as_of"],
            file=Path(place.file).name,
            line=place.line or 0,
        )
    except ValueError as error:
        fix = "Give usd with its unit, or a discount_fraction such as 0.18 for 18 %."
        raise place.error(str(error), fix=fix) from None


def _number(text: str, column: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{column} is a number, not {text!r}") from None
