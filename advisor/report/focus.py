"""Line items as FOCUS names them, to stand beside a bill."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from advisor.billing import LineItem
from advisor.recommend.result import Recommendation
from advisor.report.tables import spreadsheet_safe
from advisor.units import HOURS_PER_MONTH

FOCUS_COLUMNS: Final = (
    "BilledCost",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceIssuerName",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "ResourceId",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "SkuId",
    "Tags",
    "x_Alternative",
    "x_AsOf",
    "x_IsDerived",
    "x_Source",
)
"""Names of FOCUS 1.2 in alphabetical order, then our own with ``x_``, as the specification asks."""
_SERVICES: Final[dict[str, tuple[str, str]]] = {
    "fargate": ("Compute", "Amazon Elastic Container Service"),
    "ecs_managed_instances": ("Compute", "Amazon Elastic Container Service"),
    "ec2": ("Compute", "Amazon Elastic Compute Cloud"),
    "ebs": ("Storage", "Amazon Elastic Compute Cloud"),
    "vpc": ("Networking", "Amazon Virtual Private Cloud"),
}
"""Category and name of the service that bills a meter, by the first part of its name."""
_COMMITTED: Final = ("compute_savings_plan:", "ec2_instance_savings_plan:", "reserved_instance:")


def focus_csv(recommendation: Recommendation, alternative_id: str | None = None) -> str:
    """Line items of an alternative as rows with FOCUS column names; UTF-8 text, one header, LF.

    Parameters
    ----------
    alternative_id
        The recommended alternative when left out. One without a price has no rows.

    Notes
    -----
    The rows are a forecast, no bill: the charge period is the 730 hours after the measured load ends, and what only an invoice
    knows (accounts, invoices, list prices beside negotiated ones) has no column, so this is FOCUS in style and not conformant.
    Billed, contracted and effective cost are the same. Meters of the project stand in place of AWS's SKU.

    References
    ----------
    .. [1] FinOps Foundation, "FinOps Open Cost and Usage Specification", version 1.2,
       https://focus.finops.org/focus-specification/v1-2/
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, FOCUS_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in focus_rows(recommendation, alternative_id):
        writer.writerow({name: spreadsheet_safe(value) for name, value in row.items()})
    return text.getvalue()


def focus_rows(recommendation: Recommendation, alternative_id: str | None = None) -> Iterator[dict[str, object]]:
    """One row a line item, with the columns of :data:`FOCUS_COLUMNS`."""
    alternative = recommendation.recommended if alternative_id is None else recommendation.alternative(alternative_id)
    start = datetime.fromisoformat(recommendation.run.end)
    period = {"Start": _moment(start), "End": _moment(start + timedelta(hours=HOURS_PER_MONTH))}
    services = {service.name for service in recommendation.recommendation.services}
    for item in alternative.bill.line_items if alternative.bill else ():
        yield {
            **_cost(item),
            **{f"BillingPeriod{end}": moment for end, moment in period.items()},
            **{f"ChargePeriod{end}": moment for end, moment in period.items()},
            "BillingCurrency": "USD",
            "ChargeCategory": "Usage",
            "ChargeDescription": f"{item.part}: {item.meter}" + (f" ({item.note})" if item.note else ""),
            "ChargeFrequency": "Usage-Based",
            "InvoiceIssuerName": "AWS",
            "ProviderName": "AWS",
            "PublisherName": "AWS",
            "RegionId": recommendation.region,
            "ResourceId": item.part,
            "ResourceType": "ECS service" if item.part in services else "ECS capacity provider",
            "Tags": json.dumps({"cluster": recommendation.cluster}, ensure_ascii=False),
            "x_Alternative": alternative.id,
            "x_AsOf": item.as_of,
            "x_IsDerived": str(item.is_derived).lower(),
            "x_Source": item.source,
        }


def _cost(item: LineItem) -> dict[str, object]:
    meter = next((item.meter.removeprefix(kind) for kind in _COMMITTED if item.meter.startswith(kind)), "")
    category, service = _SERVICES.get((meter.split(":", 2)[-1] or item.meter).partition(":")[0], ("Other", "AWS"))
    unit = _unit(item.unit)
    return {
        **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost"), item.amount_usd),
        **dict.fromkeys(("ConsumedQuantity", "PricingQuantity"), item.quantity),
        **dict.fromkeys(("ConsumedUnit", "PricingUnit"), unit),
        "ContractedUnitPrice": item.rate_usd,
        "PricingCategory": "Committed" if meter else "Dynamic" if ":spot" in item.meter else "Standard",
        "ServiceCategory": category,
        "ServiceName": service,
        "SkuId": item.meter,
    }


def _unit(unit: str) -> str:
    """``vCPU-Hours``, as FOCUS writes units.

    >>> [_unit(each) for each in ("vCPU-hour", "instance-hour", "GiB-month")]
    ['vCPU-Hours', 'Instance-Hours', 'GiB-Months']
    """
    parts = unit.split("-")
    return "-".join(part if part in ("vCPU", "GiB", "GB") else part.capitalize() for part in parts) + "s"


def _moment(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
