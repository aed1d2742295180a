"""Numbers as tables write them: decimal comma or point, thousands, percent signs and units, marks of what is missing."""

import math
import re
from collections.abc import Iterable
from typing import Final

from advisor.sources.meanings import PERCENTAGES, Meaning
from advisor.sources.places import shown

MISSING: Final = frozenset(
    {
        "",
        "na",
        "n/a",
        "#n/a",
        "none",
        "null",
        "nil",
        "-",
        "--",
        "\u2013",
        "\u2014",
        "nan",
        "?",
        "missing",
        "undefined",
        "\\n",
        "(null)",
    }
)
"""What stands for nothing measured, in lower case."""
NUMBER_FIX: Final = "Write a plain number such as 12.5, or leave the cell empty where nothing was measured."
_PLAIN: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_WITH_UNIT: Final = re.compile(r"(?P<number>[+-]?[\d.,' \u00a0\u202f]*\d)\s*(?P<unit>%|[A-Za-z]{1,5}(?:/s)?)", re.ASCII)
_GROUPED: Final = {
    ".": re.compile(r"[+-]?\d{1,3}(?:(?P<mark>[,' \u00a0\u202f])\d{3})(?:(?P=mark)\d{3})*(?:\.\d+)?"),
    ",": re.compile(r"[+-]?\d{1,3}(?:(?P<mark>[.' \u00a0\u202f])\d{3})(?:(?P=mark)\d{3})*(?:,\d+)?"),
}
_EITHER: Final = re.compile(r"[1-9]\d{0,2},\d{3}")
_SUFFIXES: Final = {
    **{meaning: {"%": 1.0} for meaning in PERCENTAGES},
    Meaning.CPU_UNITS: {"m": 1.024, "vcpu": 1024.0, "cores": 1024.0, "core": 1024.0},
    Meaning.MEMORY_MIB: {
        "b": 1 / 1_048_576, "ki": 1 / 1024, "kib": 1 / 1024, "kb": 1e3 / 1_048_576,
        "mi": 1.0, "mib": 1.0, "mb": 1e6 / 1_048_576, "gi": 1024.0, "gib": 1024.0, "gb": 1e9 / 1_048_576,
    },
    Meaning.REQUESTS: {"k": 1e3},
    Meaning.REQUESTS_PER_SECOND: {"k": 1e3, "req/s": 1.0, "reqs/s": 1.0, "rps": 1.0, "ops/s": 1.0, "c/s": 1.0},
}  # fmt: skip
"""Units that cells of a meaning may carry, and what one is in the unit of the meaning."""


def meaning_of_units(cells: Iterable[str], meanings: Iterable[Meaning]) -> Meaning | None:
    """The meaning whose units all cells carry, but for empty ones; None where some carry none, or several meanings would do.

    >>> meaning_of_units(["250m", "-", "1.5 cores"], [Meaning.CPU_PERCENT, Meaning.CPU_UNITS])
    <Meaning.CPU_UNITS: 'cpu_units'>
    """
    texts = [text for cell in cells if (text := cell.strip()).lower() not in MISSING]
    matches = [_WITH_UNIT.fullmatch(text) for text in texts]
    units = {match["unit"].lower() for match in matches if match}
    if not texts or not all(matches):
        return None
    found = [meaning for meaning in meanings if units <= set(_SUFFIXES[meaning])]
    return found[0] if len(found) == 1 else None


def decimal_sign(cells: Iterable[str]) -> str | None:
    """The decimal sign that cells prove; None where none does. A comma before three digits proves nothing.

    >>> [decimal_sign([cell]) for cell in ("1.234,50", "0,5", "1,234.5", "1,234,567", "1,234", "12.5")]
    [',', ',', '.', '.', None, None]
    """
    for cell in cells:
        text = cell.strip()
        if ("," not in text and text.count(".") < 2) or not text[-1:].isdigit() or not text.lstrip("+-")[:1].isdigit():
            continue
        if text.translate(_NO_DIGITS) not in _SIGNS and not _GROUPED["."].fullmatch(text) and not _GROUPED[","].fullmatch(text):
            continue
        for sign, other in ((",", "."), (".", ",")):
            is_grouped = text.count(other) and _GROUPED[sign].fullmatch(text) and (sign in text or text.count(other) > 1)
            if is_grouped:
                return sign
        if text.count(",") == 1 and "." not in text and not _EITHER.fullmatch(text.lstrip("+-")):
            return ","
    return None


HIGHEST_NUMBER: Final = 1e16
_NO_DIGITS: Final = str.maketrans("", "", "0123456789+-")
_SIGNS: Final = frozenset({",", ".,", ",."})


class NumberError(ValueError):
    """A cell that is no number of a load; the text says why, and ``fix`` what to do."""

    def __init__(self, problem: str, fix: str = NUMBER_FIX) -> None:
        super().__init__(problem)
        self.fix = fix


def parse_number(
    cell: str, meaning: Meaning, decimal: str | None, column_factor: float = 1.0, *, needs_unit: bool = False
) -> float:
    """The number in a cell, not negative; NaN where it is marked as missing.

    Parameters
    ----------
    decimal
        The decimal sign; None where nothing proves one, which reads a point.
    column_factor
        What the caller multiplies the column by, for the unit in its header. A unit in the cell goes before it.
    needs_unit
        Whether only the cells tell their unit: one without it is refused, but for zero.

    Raises
    ------
    NumberError
        When it is none, or may be two.
    """
    text = cell.strip()
    if text.lower() in MISSING:
        return math.nan
    number, factor = text, 1.0
    with_unit = _WITH_UNIT.fullmatch(text) if not text[-1].isdigit() else None
    if with_unit:
        factors = _SUFFIXES.get(meaning, {})
        if with_unit["unit"].lower() not in factors:
            raise NumberError(f"{shown(cell)} is not a number")
        number, factor = with_unit["number"].strip(), factors[with_unit["unit"].lower()]
    value = _value(number, cell, decimal)
    if value < 0:
        raise NumberError(f"{shown(cell)} is negative; a load cannot be")
    if math.isinf(value):
        raise NumberError(f"{shown(cell)} is not finite; a load cannot be")
    if value > HIGHEST_NUMBER:
        raise NumberError(f"{shown(cell)} is too large; a load cannot be")
    if needs_unit and with_unit is None and value != 0:
        raise NumberError(
            f"{shown(cell)} has no unit, which other cells of the column have", "Write every number with its unit."
        )
    is_own_unit = with_unit is not None and with_unit["unit"].lower() != "k"
    return value * factor / column_factor if is_own_unit else value * factor


def _value(text: str, cell: str, decimal: str | None) -> float:
    sign = decimal or "."
    if decimal is None and _EITHER.fullmatch(text):
        thousands, fraction = text.replace(",", ""), text.replace(",", ".")
        raise NumberError(
            f"{shown(cell)} is not a number beyond doubt: it can be {thousands} or {fraction}",
            "Say --decimal point or --decimal comma, or write a plain number such as 12.5.",
        )
    if _GROUPED[sign].fullmatch(text):
        text = re.sub(f"[{'.' if sign == ',' else ','}' \u00a0\u202f]", "", text)
    if sign == ",":
        if "." in text:
            raise NumberError(
                f"{shown(cell)} is not a number with a decimal comma", "Say --decimal point, or write all numbers alike."
            )
        text = text.replace(",", ".")
    if _PLAIN.fullmatch(text):
        return float(text)
    if text.lower().lstrip("+-") in ("inf", "infinity"):
        return math.inf if text[0] != "-" else -math.inf
    raise NumberError(f"{shown(cell)} is not a number")
