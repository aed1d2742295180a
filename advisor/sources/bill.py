"""Bills from files: Cost and Usage Report (both versions), FOCUS, and Cost Explorer's JSON and CSV, packed or not."""

import csv
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from advisor.errors import InputError
from advisor.reconciling import BilledLine, LineKind, meter_of
from advisor.sources.input_files import InputFiles, Place
from advisor.sources.packed_bytes import Unpacked, unpacked
from advisor.sources.places import listed, shown

Key = tuple[datetime, datetime, LineKind, str, str, str, str]

_USD: Final = "USD"
_FORMATS_FIX: Final = (
    "Give a Cost and Usage Report (CSV), a FOCUS export (CSV), or Cost Explorer by usage type: JSON of"
    " `aws ce get-cost-and-usage --group-by Type=DIMENSION,Key=USAGE_TYPE` or the console's CSV."
)
_CUR_KINDS: Final[Mapping[str, LineKind]] = {
    "Usage": LineKind.USAGE,
    "DiscountedUsage": LineKind.COVERED,
    "SavingsPlanCoveredUsage": LineKind.COVERED,
    "SavingsPlanNegation": LineKind.COMMITMENT,
    "SavingsPlanRecurringFee": LineKind.COMMITMENT,
    "SavingsPlanUpfrontFee": LineKind.COMMITMENT,
    "RIFee": LineKind.COMMITMENT,
    "Fee": LineKind.OTHER,
    "Tax": LineKind.TAX,
    "Credit": LineKind.CREDIT,
    "Refund": LineKind.REFUND,
    "BundledDiscount": LineKind.DISCOUNT,
    "EdpDiscount": LineKind.DISCOUNT,
    "PrivateRateDiscount": LineKind.DISCOUNT,
    "RiVolumeDiscount": LineKind.DISCOUNT,
    "Discount": LineKind.DISCOUNT,
}
"""AWS's line item types."""
_FOCUS_KINDS: Final[Mapping[str, LineKind]] = {
    "Usage": LineKind.USAGE,
    "Purchase": LineKind.COMMITMENT,
    "Tax": LineKind.TAX,
    "Credit": LineKind.CREDIT,
    "Adjustment": LineKind.OTHER,
}
"""FOCUS's charge categories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Where a table of line items keeps what is needed; several names for one thing are tried in order."""

    name: str
    start: tuple[str, ...]
    end: tuple[str, ...]
    kind: tuple[str, ...]
    service: tuple[str, ...]
    usage_type: tuple[str, ...]
    operation: tuple[str, ...]
    region: tuple[str, ...]
    quantity: tuple[str, ...]
    usd: tuple[str, ...]
    currency: tuple[str, ...]
    covered_usd: tuple[str, ...]
    """Effective cost of usage that a commitment covers."""


def _cur(separator: Callable[[str, str], str], name: str) -> _Columns:
    def of(*pairs: tuple[str, str]) -> tuple[str, ...]:
        return tuple(separator(group, column) for group, column in pairs)

    return _Columns(
        name=name,
        start=of(("lineItem", "UsageStartDate")),
        end=of(("lineItem", "UsageEndDate")),
        kind=of(("lineItem", "LineItemType")),
        service=of(("lineItem", "ProductCode")),
        usage_type=of(("lineItem", "UsageType")),
        operation=of(("lineItem", "Operation")),
        region=of(("product", "regionCode"), ("product", "region")),
        quantity=of(("lineItem", "UsageAmount")),
        usd=of(("lineItem", "UnblendedCost")),
        currency=of(("lineItem", "CurrencyCode")),
        covered_usd=of(("savingsPlan", "SavingsPlanEffectiveCost"), ("reservation", "EffectiveCost")),
    )


def _snake(group: str, column: str) -> str:
    return "_".join(re.sub(r"(?<!^)(?=[A-Z])", "_", part).lower() for part in (group, column))


_TABLES: Final = (
    _cur(lambda group, column: f"{group}/{column}", "Cost and Usage Report"),
    _cur(_snake, "Cost and Usage Report 2.0"),
    _Columns(
        name="FOCUS",
        start=("ChargePeriodStart",),
        end=("ChargePeriodEnd",),
        kind=("ChargeCategory",),
        service=("x_ServiceCode", "ServiceName"),
        usage_type=("x_UsageType", "SkuMeter"),
        operation=("x_Operation",),
        region=("RegionId", "Region"),
        quantity=("ConsumedQuantity", "PricingQuantity", "UsageQuantity"),
        usd=("BilledCost",),
        currency=("BillingCurrency",),
        covered_usd=("EffectiveCost",),
    ),
)


def read_bill(path: str | Path, *, where: Mapping[str, str] | None = None) -> tuple[BilledLine, ...]:
    """Lines of a bill, those that differ only in their resource added up.

    Parameters
    ----------
    path
        Cost and Usage Report (CSV, either version), FOCUS export (CSV), ``aws ce get-cost-and-usage`` (JSON, grouped by
        USAGE_TYPE) or the console's Cost Explorer CSV by usage type. May be packed with gzip.
    where
        Column and value that lines of a report have to have, such as ``{"lineItem/UsageAccountId": "123456789012"}``.

    Raises
    ------
    InputError
        Naming file, line, column and fix; also for another currency than USD.

    Examples
    --------
    >>> import advisor
    >>> lines = advisor.read_bill("examples/cloudwatch/bill.json")
    >>> lines[0].usage_type, lines[0].quantity
    ('EU-Fargate-vCPU-Hours:perCPU', 49.44)
    """
    path = Path(path)
    files = InputFiles()
    with unpacked(path, None) as opened:
        if opened.is_parquet:
            raise Place(str(path)).error("the bill is a Parquet table", fix="Export it as CSV (TEXT_OR_CSV).")
        lines = _text_lines(files, opened, path)
        first = next((line for line in lines if line.strip()), "")
        if first.lstrip().startswith(("{", "[")):
            return _from_json(first + "".join(lines), path, where)
        try:
            return _from_table(_chained(first, lines), path, where)
        except csv.Error as error:
            raise Place(str(path)).error(f"not a CSV that can be read ({error})", fix=_FORMATS_FIX) from None


def _text_lines(files: InputFiles, opened: Unpacked, path: Path) -> Iterator[str]:
    for block in files.blocks(opened, path):
        for line in block.decode("utf-8").split("\n"):
            if line:
                yield f"{line}\n"


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _from_table(lines: Iterator[str], path: Path, where: Mapping[str, str] | None) -> tuple[BilledLine, ...]:
    reader = csv.reader(lines)
    header = [name.strip() for name in next(reader, [])]
    table = next((each for each in _TABLES if {each.start[0], each.usd[0]} <= set(header)), None)
    if table is not None:
        return _from_line_items(reader, header, table, path, where)
    if header and header[0].strip().lower() == "usage type":
        return _from_console(reader, header, path, where)
    raise Place(str(path), 1).error(f"the columns are of no known bill ({listed(header) or 'none'})", fix=_FORMATS_FIX)


# --- tables of line items -------------------------------------------------------------------------------------------------


def _from_line_items(
    reader: Any, header: Sequence[str], table: _Columns, path: Path, where: Mapping[str, str] | None
) -> tuple[BilledLine, ...]:
    at = {name: number for number, name in enumerate(header)}

    def column(names: Sequence[str], *, is_needed: bool = True) -> int | None:
        found = next((at[name] for name in names if name in at), None)
        if found is None and is_needed:
            raise Place(str(path), 1).error(f"this {table.name} has no column {names[0]}", fix="Export it with that column.")
        return found

    start, end, kind = (column(names) for names in (table.start, table.end, table.kind))
    usage_type, usd, quantity = (column(names) for names in (table.usage_type, table.usd, table.quantity))
    service, operation, region, currency = (
        column(names, is_needed=False) for names in (table.service, table.operation, table.region, table.currency)
    )
    covered = [number for name in table.covered_usd if (number := at.get(name)) is not None]
    filters = [(_filter_column(name, at, path), value) for name, value in (where or {}).items()]
    sums: dict[Key, list[float]] = {}
    for row in reader:
        place = Place(str(path), reader.line_num)
        if len(row) != len(header):
            if not any(cell.strip() for cell in row):
                continue
            raise place.error(f"{len(row)} cells where the header has {len(header)}", fix="Export the bill again.")
        if any(row[number] != value for number, value in filters):
            continue
        if currency is not None and row[currency] not in ("", _USD):
            raise Place(str(path), reader.line_num, header[currency]).error(
                f"the bill is in {shown(row[currency])}", fix="This version compares bills in USD."
            )
        line_kind = _kind(row[kind or 0], table)
        cost = _number(row, usd, header, place)
        if table.name == "FOCUS":
            line_kind, cost = _focus(row, at, line_kind, cost, header, place)
        elif line_kind is LineKind.COVERED:
            known = [value for number in covered if (value := _number(row, number, header, place))]
            cost = known[0] if known else cost
        key: Key = (
            _time(row, start, header, place),
            _time(row, end, header, place),
            line_kind,
            _cell(row, service),
            _cell(row, usage_type),
            _cell(row, operation),
            _cell(row, region),
        )
        totals = sums.setdefault(key, [0.0, 0.0])
        totals[0] += _number(row, quantity, header, place) if _cell(row, quantity) else math.nan
        totals[1] += cost
    return tuple(_line(key, None if math.isnan(totals[0]) else totals[0], totals[1]) for key, totals in sums.items())


def _focus(
    row: Sequence[str], at: Mapping[str, int], kind: LineKind, cost: float, header: Sequence[str], place: Place
) -> tuple[LineKind, float]:
    """Covered usage has its cost in EffectiveCost; a correction of usage is a refund."""
    if kind is LineKind.USAGE and _cell(row, at.get("ChargeClass")) == "Correction":
        return LineKind.REFUND, cost
    if kind is LineKind.USAGE and _cell(row, at.get("CommitmentDiscountId")):
        if not _cell(row, at.get("EffectiveCost")):
            raise place.error("usage under a commitment has no EffectiveCost", fix="Export the bill with that column.")
        return LineKind.COVERED, _number(row, at["EffectiveCost"], header, place)
    return kind, cost


def _filter_column(name: str, at: Mapping[str, int], path: Path) -> int:
    if name not in at:
        raise Place(str(path), 1).error(f"the bill has no column {shown(name)}", fix=f"Its columns are {listed(at)}.")
    return at[name]


def _kind(text: str, table: _Columns) -> LineKind:
    kinds = _FOCUS_KINDS if table.name == "FOCUS" else _CUR_KINDS
    return kinds.get(text.strip(), LineKind.OTHER)


def _cell(row: Sequence[str], number: int | None) -> str:
    return "" if number is None else row[number].strip().strip('"')


def _number(row: Sequence[str], number: int | None, header: Sequence[str], place: Place) -> float:
    """A number; an empty cell is nothing, as in AWS's own files."""
    text = "" if number is None else row[number].strip()
    try:
        return _finite(text or 0.0)
    except ValueError:
        raise Place(place.file, place.line, header[number or 0]).error(
            f"{shown(text)} is not a number", fix="Export the bill again."
        ) from None


def _time(row: Sequence[str], number: int | None, header: Sequence[str], place: Place) -> datetime:
    text = "" if number is None else row[number].strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Place(place.file, place.line, header[number or 0]).error(
            f"{shown(text)} is not a time", fix="Need one such as 2026-09-01T00:00:00Z."
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _finite(value: str | float) -> float:
    found = float(value)
    if not math.isfinite(found):
        raise ValueError(f"{value} is not finite")
    return found


def _line(key: Key, quantity: float | None, usd: float) -> BilledLine:
    start, end, kind, service, usage_type, operation, region = key
    return BilledLine(
        start=start, end=end, kind=kind, service=service, usage_type=usage_type, operation=operation, region=region,
        quantity=quantity, usd=usd,
    )  # fmt: skip


# --- Cost Explorer --------------------------------------------------------------------------------------------------------


def _from_json(text: str, path: Path, where: Mapping[str, str] | None) -> tuple[BilledLine, ...]:
    _no_filter(where, path)
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise Place(str(path), error.lineno, error.colno).error(
            f"not JSON: {error.msg}", fix="Save the whole output."
        ) from None
    except RecursionError:
        raise Place(str(path)).error("the JSON is nested too deeply", fix=_FORMATS_FIX) from None
    if not isinstance(data, dict) or "ResultsByTime" not in data:
        raise Place(str(path)).error("the JSON has no ResultsByTime", fix=_FORMATS_FIX)
    if data.get("NextPageToken"):
        raise Place(str(path)).error("the output is one page of several", fix="Ask without --max-items, so that it is whole.")
    try:
        return tuple(line for period in data["ResultsByTime"] for line in _of_period(period, data, path))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Place(str(path)).error(
            f"not the form of get-cost-and-usage ({type(error).__name__}: {error})", fix=_FORMATS_FIX
        ) from None


def _of_period(period: Mapping[str, Any], data: Mapping[str, Any], path: Path) -> Iterator[BilledLine]:
    start, end = (datetime.fromisoformat(period["TimePeriod"][name]) for name in ("Start", "End"))
    start, end = (each if each.tzinfo else each.replace(tzinfo=UTC) for each in (start, end))
    names = [each.get("Key", "") for each in data.get("GroupDefinitions", [])]
    if names and "USAGE_TYPE" not in names:
        raise Place(str(path)).error(f"the cost is grouped by {listed(names)} and not by usage type", fix=_FORMATS_FIX)
    if not period.get("Groups") and any(float(each["Amount"]) for each in period.get("Total", {}).values()):
        raise Place(str(path)).error("the cost is not grouped by usage type", fix=_FORMATS_FIX)
    for group in period.get("Groups", []):
        keys = dict(zip(names, group["Keys"], strict=True)) if len(names) == len(group["Keys"]) else {}
        usage_type = keys.get("USAGE_TYPE") or _usage_type_of(group["Keys"], path)
        metrics = group["Metrics"]
        cost = next((metrics[name] for name in ("UnblendedCost", "AmortizedCost", "NetUnblendedCost") if name in metrics), None)
        if cost is None:
            raise KeyError("UnblendedCost")
        if cost.get("Unit", _USD) != _USD:
            raise Place(str(path)).error(f"the bill is in {shown(cost['Unit'])}", fix="This version compares bills in USD.")
        amount = metrics.get("UsageQuantity")
        kind = _CUR_KINDS.get(_record_type(keys.get("RECORD_TYPE", "Usage")), LineKind.OTHER)
        if usage_type == "NoUsageType":
            kind = LineKind.TAX if kind is LineKind.USAGE else kind
        yield BilledLine(
            start=start,
            end=end,
            kind=kind,
            service=keys.get("SERVICE", ""),
            usage_type=usage_type,
            operation=keys.get("OPERATION", ""),
            region=keys.get("REGION", ""),
            quantity=None if amount is None else _finite(amount["Amount"]),
            usd=_finite(cost["Amount"]),
        )


def _record_type(text: str) -> str:
    """Cost Explorer says ``Savings Plan Covered Usage`` where a report says ``SavingsPlanCoveredUsage``."""
    return text.replace(" ", "").removesuffix("s") if text != "Usage" else text


def _usage_type_of(keys: Sequence[str], path: Path) -> str:
    """The one key of a group, or the one that is a usage type; older outputs do not say what their keys are."""
    found = [key for key in keys if meter_of(key) is not None]
    if len(found) == 1 or len(keys) == 1:
        return found[0] if found else keys[0]
    return keys[-1]


def _from_console(reader: Any, header: Sequence[str], path: Path, where: Mapping[str, str] | None) -> tuple[BilledLine, ...]:
    """Usage types as columns ``USE1-Fargate-GB-Hours($)``, dates as rows; it holds cost alone."""
    _no_filter(where, path)
    rows = [row for row in reader if row and row[0].strip()]
    dated = [(number + 2, row) for number, row in enumerate(rows) if not row[0].strip().lower().startswith("usage type")]
    starts = [_time(row, 0, header, Place(str(path), line)) for line, row in dated]
    lines = []
    for number, (line, row) in enumerate(dated):
        end = starts[number + 1] if number + 1 < len(starts) else _end_of_last(starts)
        for at, name in enumerate(header[1:], start=1):
            usage_type = re.sub(r"\s*\(\$\)$", "", name.strip())
            if usage_type.lower() == "total costs" or at >= len(row) or not row[at].strip():
                continue
            if name.strip() == usage_type:
                raise Place(str(path), 1, name).error("a column is not in dollars", fix="Export cost and not usage, in USD.")
            cells = [cell.replace(",", "").replace("$", "") for cell in row]
            kind = LineKind.TAX if usage_type in ("Tax", "No usage type", "NoUsageType") else LineKind.USAGE
            key: Key = (starts[number], end, kind, "", usage_type, "", "")
            lines.append(_line(key, None, _number(cells, at, header, Place(str(path), line))))
    if not lines:
        what = "no row for a time" if not dated else "no cost of a usage type"
        raise Place(str(path)).error(
            f"the export holds {what}{', only totals' if rows else ''}",
            fix="In Cost Explorer, group by usage type, choose a range of days or months, and download the CSV again.",
        )
    return tuple(lines)


def _end_of_last(starts: Sequence[datetime]) -> datetime:
    """The last row is as long as the others: a day, an hour, or a month where all begin one."""
    last = starts[-1]
    if all(start.day == 1 for start in starts):
        return (last.replace(day=28) + timedelta(days=4)).replace(day=1)
    return last + (last - starts[-2] if len(starts) > 1 else timedelta(days=1))


def _no_filter(where: Mapping[str, str] | None, path: Path) -> None:
    if where:
        raise InputError(
            "lines of a Cost Explorer export cannot be chosen by column", fix="Filter in Cost Explorer.", file=str(path)
        )
