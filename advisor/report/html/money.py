"""What the total is made of: line items with rate, source and date."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from advisor.billing import Bill, LineItem
from advisor.pricing import Source
from advisor.recommend.result import Recommendation
from advisor.report.hand_sum import agreeing, rate, usd
from advisor.report.words import money

NO_PLACE = "named in pricing_data/sources.csv or in your own rates"


def money_made_of(recommendation: Recommendation, sources: Mapping[str, Source]) -> dict[str, Any]:
    best, present = recommendation.recommended, recommendation.present
    bills = [best.bill, present.bill if present else None]
    used = dict.fromkeys((item.source, item.as_of) for bill in bills if bill for item in bill.line_items)
    numbers = {key: number for number, key in enumerate(used, 1)}
    monthly = best.monthly_usd
    is_range = monthly is not None and monthly.high > monthly.mean
    return {
        "total": _sum(best.bill, numbers) if best.bill else None,
        "upper_end": money(monthly.high) if monthly is not None and is_range else "",
        "present_total": _sum(present.bill, numbers) if present and present.bill else None,
        "sources": [
            {"number": number, "id": name, "as_of": as_of, "where": sources[name].where if name in sources else NO_PLACE}
            for (name, as_of), number in numbers.items()
        ],
    }


def _sum(bill: Bill, numbers: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    """Line items by part, and what is left between the cents shown and the cents of the total."""
    parts: dict[str, list[LineItem]] = {}
    for item in bill.line_items:
        parts.setdefault(item.part, []).append(item)
    total = Decimal(f"{math.fsum(item.amount_usd for item in bill.line_items):.2f}")
    rounding = total - sum((Decimal(f"{item.amount_usd:.2f}") for item in bill.line_items), Decimal(0))
    return {
        "parts": [{"name": name, "lines": [_line(item, numbers) for item in items]} for name, items in parts.items()],
        "rounding": usd(rounding) if rounding else "",
        "amount": usd(total),
    }


def _line(item: LineItem, numbers: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    price = rate(item)
    return {
        "meter": item.meter,
        "quantity": f"{agreeing(item.quantity, Decimal(price.removeprefix('$')), item.amount_usd)} {item.unit}s",
        "rate": price,
        "is_derived": item.is_derived,
        "amount": usd(item.amount_usd),
        "source": item.source,
        "source_number": numbers[item.source, item.as_of],
        "as_of": item.as_of,
        "note": item.note,
    }
