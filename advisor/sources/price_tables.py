"""The tables of a price catalog: which file holds the rate of which meter, and how a row becomes a rate."""

import csv
import io
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from advisor.ecs import Architecture, PurchaseOption
from advisor.errors import InputError
from advisor.meters import (
    COMMITMENT_YEARS,
    FARGATE_EPHEMERAL_GIB_HOUR,
    FARGATE_WINDOWS_GIB_HOUR,
    FARGATE_WINDOWS_LICENSE_VCPU_HOUR,
    FARGATE_WINDOWS_VCPU_HOUR,
    CommitmentKind,
    Meter,
    PaymentOption,
    committed,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
    managed_instances_fee_hour,
    surplus_vcpu_hour,
    windows_instance_hour,
)
from advisor.pricing.known_meters import FIXED_METERS, unit_of
from advisor.pricing.rates import UNDATED, Rate, RateStatus, Source, first_day

_Value = TypeVar("_Value")

RATE_COLUMNS: Final = ("usd", "unit", "source_id", "as_of", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogFile:
    """One file of a catalog as it was read, so that what is parsed later is what was read at first."""

    path: Path
    content: bytes

    @property
    def name(self) -> str:
        """Region and name, such as ``us-east-1/ebs.csv``."""
        return f"{self.path.parent.name}/{self.path.name}"


class PriceTable(NamedTuple):
    """A file of a Region: the columns that say what is priced, and the meter that they mean."""

    file: str
    key: tuple[str, ...]
    meter: Callable[..., Meter]
    """Takes the cells of the key; raises KeyError where they mean nothing."""
    prefixes: tuple[str, ...] = ()
    """Where a file is read only when one of its meters is asked for: how the ids of its meters start."""


_FARGATE_METERS: Final[Mapping[tuple[str, ...], Meter]] = {
    **{
        (architecture, purchase_option, dimension): meter(architecture, purchase_option)
        for architecture in Architecture
        for purchase_option in PurchaseOption
        for dimension, meter in (("vcpu_hour", fargate_vcpu_hour), ("gib_hour", fargate_gib_hour))
    },
    ("any", "on_demand", "ephemeral_gib_hour"): FARGATE_EPHEMERAL_GIB_HOUR,
}
_FARGATE_WINDOWS_METERS: Final[Mapping[tuple[str, ...], Meter]] = {
    ("X86_64", "on_demand", "vcpu_hour"): FARGATE_WINDOWS_VCPU_HOUR,
    ("X86_64", "on_demand", "gib_hour"): FARGATE_WINDOWS_GIB_HOUR,
    ("X86_64", "on_demand", "os_license_vcpu_hour"): FARGATE_WINDOWS_LICENSE_VCPU_HOUR,
}
_BY_ID: Final = {meter.id: meter for meter in FIXED_METERS}
_INSTANCE_METERS: Final = {"linux": instance_hour, "windows": windows_instance_hour}
_YEARS: Final = {str(years): years for years in COMMITMENT_YEARS}
_PAYMENTS: Final = {payment.value: payment for payment in PaymentOption}
_PLANS: Final = {kind.value: kind for kind in (CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN, CommitmentKind.COMPUTE_SAVINGS_PLAN)}


def _instance(os: str, option: PurchaseOption) -> Callable[[str], Meter]:
    return lambda name: _INSTANCE_METERS[os](name, option)


def _item_of(service: str) -> Callable[..., Meter]:
    """Meters named by service, item and dimension, such as ``vpc:nat_gateway:hour``."""
    return lambda item, dimension: _BY_ID[f"{service}:{item}:{dimension}"]


def _reserved(instance_type: str, os: str, years: str, payment: str) -> Meter:
    covered = _INSTANCE_METERS[os](instance_type, PurchaseOption.ON_DEMAND)
    return committed(covered, CommitmentKind.RESERVED_INSTANCE, years=_YEARS[years], payment=_PAYMENTS[payment])


def _savings_plan(plan: str, covered: str, years: str, payment: str) -> Meter:
    service, _, instance_type = covered.rpartition(":")
    unit = unit_of(covered, {instance_type} if service.startswith("ec2:") else ())
    if unit is None or ":on_demand:" not in covered:
        raise KeyError(covered)
    return committed(Meter(id=covered, unit=unit), _PLANS[plan], years=_YEARS[years], payment=_PAYMENTS[payment])


_ITEM: Final = ("item", "dimension")
_FARGATE: Final = ("architecture", "purchase_option", "dimension")

PRICE_TABLES: Final = (
    PriceTable("ec2_on_demand.csv", ("instance_type",), _instance("linux", PurchaseOption.ON_DEMAND)),
    PriceTable("ec2_spot.csv", ("instance_type",), _instance("linux", PurchaseOption.SPOT)),
    PriceTable("ec2_surplus_credits.csv", ("family",), surplus_vcpu_hour),
    PriceTable("managed_instances.csv", ("instance_type",), managed_instances_fee_hour),
    PriceTable("fargate.csv", _FARGATE, lambda *key: _FARGATE_METERS[key]),
    PriceTable("fargate_windows.csv", _FARGATE, lambda *key: _FARGATE_WINDOWS_METERS[key]),
    PriceTable("ebs.csv", ("volume_type", "dimension"), _item_of("ebs")),
    PriceTable("vpc.csv", _ITEM, _item_of("vpc")),
    PriceTable("elb.csv", _ITEM, _item_of("elb")),
    PriceTable("data_transfer.csv", _ITEM, _item_of("data_transfer")),
    PriceTable("cloudwatch.csv", _ITEM, _item_of("cloudwatch")),
    PriceTable("ecr.csv", _ITEM, _item_of("ecr")),
    PriceTable(
        "ec2_windows_on_demand.csv",
        ("instance_type",),
        _instance("windows", PurchaseOption.ON_DEMAND),
        ("ec2:windows:on_demand:",),
    ),
    PriceTable("ec2_windows_spot.csv", ("instance_type",), _instance("windows", PurchaseOption.SPOT), ("ec2:windows:spot:",)),
    PriceTable(
        "ec2_reserved.csv",
        ("instance_type", "os", "term_years", "payment_option"),
        _reserved,
        (f"{CommitmentKind.RESERVED_INSTANCE}:",),
    ),
    PriceTable(
        "savings_plans.csv",
        ("plan", "covered_meter", "term_years", "payment_option"),
        _savings_plan,
        tuple(f"{plan}:" for plan in _PLANS),
    ),
)
"""Where the rate of each meter stands. What a Region has no prices for has no file."""


class BadCellError(Exception):
    """A cell that cannot be used; whoever reads the file adds where it stands."""

    def __init__(self, column: str | None, problem: str) -> None:
        super().__init__(problem)
        self.column, self.problem = column, problem


def parsed_rows(
    file: CatalogFile, columns: tuple[str, ...], parse: Callable[[list[str]], _Value]
) -> Iterator[tuple[int, _Value]]:
    """Line number and parsed cells of each row of a catalog file, which must have exactly these columns."""
    line = 1
    try:
        reader = csv.reader(io.StringIO(file.content.decode("utf-8"), newline=""), strict=True)
        if tuple(next(reader, ())) != columns:
            raise BadCellError(None, f"the header is not {','.join(columns)}")
        for cells in reader:
            line = reader.line_num
            if len(cells) != len(columns):
                raise BadCellError(None, f"the row has {len(cells)} cells, the header {len(columns)}")
            yield line, parse(cells)
    except BadCellError as bad:
        raise catalog_error(file.path, line, bad.problem, bad.column) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise catalog_error(file.path, line, f"the file cannot be read ({error})") from error


def catalog_error(path: Path, line: int, problem: str, column: str | None = None) -> InputError:
    """What is wrong with a catalog, where, and how to get it back."""
    fix = (
        "Restore the price data: refresh it, reinstall the package, or make pricing_data anew with tools/build_pricing_data.py."
    )
    return InputError(problem, fix=fix, file=str(path), line=line, column=column)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRates:
    """Rates of one table of a Region by meter id."""

    current: dict[str, Rate] = field(default_factory=dict)
    outdated: dict[str, tuple[RateStatus, Rate]] = field(default_factory=dict)
    """Newest superseded or stale rate of each meter that has any."""

    def over(self, older: "TableRates") -> "TableRates":
        """These rates over those of another catalog: the newer row of each meter holds, of two of one day the one of these.

        A meter that only has rows here that are no longer current has none there either, unless that one is newer.
        """
        current, outdated = older.current | self.current, dict(older.outdated)
        for meter_id, found in self.outdated.items():
            outdated[meter_id] = _newest(outdated.get(meter_id), found)
            beaten = older.current.get(meter_id)
            if beaten is not None and meter_id not in self.current and day(beaten) <= day(found[1]):
                del current[meter_id]
        for meter_id, rate in self.current.items():
            other = older.current.get(meter_id)
            if other is None or other == rate:
                continue
            if day(other) > day(rate):
                current[meter_id], other = other, rate
            if day(other) == day(current[meter_id]):
                continue  # read again on the same day: no older rate to compare with
            outdated[meter_id] = _newest(outdated.get(meter_id), (RateStatus.SUPERSEDED, other))
        return TableRates(current=current, outdated=outdated)


_NO_RATES: Final = TableRates()
_FURTHER_PREFIXES: Final = tuple(prefix for table in PRICE_TABLES for prefix in table.prefixes)


def _newest(one: tuple[RateStatus, Rate] | None, other: tuple[RateStatus, Rate]) -> tuple[RateStatus, Rate]:
    return other if one is None or day(one[1]) <= day(other[1]) else one


def day(rate: Rate) -> str:
    """Date of a rate for comparison: one without a date is older than any."""
    return "" if rate.as_of == UNDATED else rate.as_of


def read_rates(table: PriceTable, file: CatalogFile, known_types: Collection[str], sources: Mapping[str, Source]) -> TableRates:
    """Rates of one file.

    Raises
    ------
    InputError
        A row is at fault; the message names its line. No row wins over another one that is current too.
    """
    found = TableRates()
    lines: dict[str, int] = {}
    for line, (meter_id, rate, status) in rate_rows(table, file, known_types, sources):
        if status is not RateStatus.CURRENT:
            found.outdated[meter_id] = _newest(found.outdated.get(meter_id), (status, rate))
        elif meter_id in found.current:
            raise catalog_error(
                file.path,
                line,
                f"a second current rate of {meter_id}, {rate.usd:g} USD; the first is {found.current[meter_id].usd:g}"
                f" in line {lines[meter_id]}",
            )
        else:
            found.current[meter_id], lines[meter_id] = rate, line
    return found


def rate_rows(
    table: PriceTable, file: CatalogFile, known_types: Collection[str], sources: Mapping[str, Source]
) -> Iterator[tuple[int, tuple[str, Rate, RateStatus]]]:
    """Line, meter, rate and status of each row of one file."""
    n = len(table.key)
    has_type = table.key[0] == "instance_type"
    statuses: dict[tuple[str, ...], RateStatus] = {}

    def priced(cells: list[str]) -> tuple[str, Rate, RateStatus]:
        try:
            meter = table.meter(*cells[:n])
        except KeyError:
            raise BadCellError(table.key[-1], f"{' '.join(cells[:n])!r} is nothing that the catalog prices") from None
        if has_type and cells[0] not in known_types:
            raise BadCellError("instance_type", f"instance_types.csv has no {cells[0]!r}")
        usd, unit, source_id, as_of, status = cells[n:]
        if unit != meter.unit:
            raise BadCellError("unit", f"{meter.id} is counted in {meter.unit}, not {unit!r}")
        try:
            rate = Rate(float(usd), unit, source_id, as_of)
        except ValueError:
            raise BadCellError("usd", f"a rate is a number above zero, not {usd!r}") from None
        told = source_id, as_of, status
        if told not in statuses:  # the same for nearly every row of a file
            statuses[told] = checked_status(*told, sources)
        return meter.id, rate, statuses[told]

    return parsed_rows(file, (*table.key, *RATE_COLUMNS), priced)


def checked_status(source_id: str, as_of: str, status: str, sources: Mapping[str, Source]) -> RateStatus:
    """Status of a row with a source that is described and a date."""
    if source_id not in sources:
        raise BadCellError("source_id", f"sources.csv has no {source_id!r}")
    try:
        first_day(as_of)
    except ValueError:
        raise BadCellError("as_of", f"{as_of!r} is neither a date nor {UNDATED!r}") from None
    try:
        return RateStatus(status)
    except ValueError:
        raise BadCellError("status", f"{status!r} is none of {', '.join(RateStatus)}") from None


@dataclass(frozen=True, kw_only=True, eq=False)
class RegionTables:
    """Files of one Region, each layer over the one before, parsed when a meter of theirs is asked for."""

    layers: tuple[Mapping[str, CatalogFile], ...]
    """By file name, such as ``ebs.csv``."""
    known_types: Collection[str]
    sources: Mapping[str, Source]

    @cached_property
    def first(self) -> TableRates:
        """What every answer needs."""
        found = TableRates()
        for table in PRICE_TABLES:
            if not table.prefixes:
                rates = self._read(table)
                found.current.update(rates.current)
                found.outdated.update(rates.outdated)
        return found

    @cached_property
    def _parsed(self) -> dict[str, TableRates]:
        return {}

    def further(self, table: PriceTable) -> TableRates:
        """What few ask for."""
        if table.file not in self._parsed:
            self._parsed[table.file] = self._read(table)
        return self._parsed[table.file]

    def of(self, meter_id: str) -> TableRates:
        """Rates of the table that would hold a meter, of those that are parsed when they are asked for."""
        if meter_id.startswith(_FURTHER_PREFIXES):  # nearly no meter does, so that this must be quick
            for table in PRICE_TABLES:
                if table.prefixes and meter_id.startswith(table.prefixes):
                    return self.further(table)
        return _NO_RATES

    @cached_property
    def places(self) -> Mapping[str, str]:
        """File and line of the current rate of every meter."""
        found: dict[str, str] = {}
        for table in PRICE_TABLES:
            current = self.further(table).current if table.prefixes else self.first.current
            for layer in self.layers:
                if table.file in layer:
                    file = layer[table.file]
                    for line, (meter_id, rate, status) in rate_rows(table, file, self.known_types, self.sources):
                        if status is RateStatus.CURRENT and current.get(meter_id) == rate:
                            found[meter_id] = f"{file.name}, line {line}"
        return found

    def _read(self, table: PriceTable) -> TableRates:
        found = TableRates()
        for layer in self.layers:
            if table.file in layer:
                found = read_rates(table, layer[table.file], self.known_types, self.sources).over(found)
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class FurtherRates(Mapping[str, Rate]):
    """Current rates of the tables that are parsed when they are asked for."""

    tables: RegionTables

    def __getitem__(self, meter_id: str) -> Rate:
        return self.tables.of(meter_id).current[meter_id]

    def __contains__(self, meter_id: object) -> bool:
        return isinstance(meter_id, str) and meter_id in self.tables.of(meter_id).current

    def __iter__(self) -> Iterator[str]:
        for table in PRICE_TABLES:
            if table.prefixes:
                yield from self.tables.further(table).current

    def __len__(self) -> int:
        return sum(len(self.tables.further(table).current) for table in PRICE_TABLES if table.prefixes)


@dataclass(frozen=True, kw_only=True, eq=False)
class OutdatedRates(Mapping[str, tuple[RateStatus, Rate]]):
    """Superseded and stale rates of all tables."""

    tables: RegionTables

    def __getitem__(self, meter_id: str) -> tuple[RateStatus, Rate]:
        found = self.tables.first.outdated.get(meter_id)
        return found if found is not None else self.tables.of(meter_id).outdated[meter_id]

    def __iter__(self) -> Iterator[str]:
        yield from self.tables.first.outdated
        for table in PRICE_TABLES:
            if table.prefixes:
                yield from self.tables.further(table).outdated

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True, kw_only=True, eq=False)
class RatePlaces(Mapping[str, str]):
    """Where the current rate of a meter stands; the files are gone through again when one is asked for."""

    tables: RegionTables

    def __getitem__(self, meter_id: str) -> str:
        return self.tables.places[meter_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables.places)

    def __len__(self) -> int:
        return len(self.tables.places)
