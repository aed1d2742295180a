"""Line items with FOCUS column names."""

import csv
import io
import math
from datetime import datetime

import pytest

from advisor.report.focus import FOCUS_COLUMNS, focus_csv
from tests.report.results import PACKED, SPOT, UNPRICED, hostile, shop, small


def rows_of(recommendation, alternative_id=None):
    return list(csv.DictReader(io.StringIO(focus_csv(recommendation, alternative_id))))


@pytest.mark.parametrize("make", [shop, lambda: small(PACKED), lambda: small(SPOT)], ids=["shop", "packed", "spot"])
def test_the_rows_add_up_to_the_month(make):
    rows = rows_of(make())
    assert math.fsum(float(row["EffectiveCost"]) for row in rows) == pytest.approx(make().recommended.monthly_usd.mean)
    assert all(tuple(row) == FOCUS_COLUMNS for row in rows)


def test_each_cost_is_quantity_times_unit_price():
    for row in rows_of(shop()):
        assert float(row["PricingQuantity"]) * float(row["ContractedUnitPrice"]) == pytest.approx(float(row["ContractedCost"]))


def test_services_categories_and_units_are_those_of_focus():
    rows = {row["SkuId"].partition(":")[0]: row for row in rows_of(shop())}
    assert (rows["fargate"]["ServiceCategory"], rows["fargate"]["ServiceName"]) == (
        "Compute",
        "Amazon Elastic Container Service",
    )
    assert (rows["ec2"]["ServiceName"], rows["ec2"]["PricingUnit"]) == ("Amazon Elastic Compute Cloud", "Instance-Hours")
    assert (rows["ebs"]["ServiceCategory"], rows["ebs"]["PricingUnit"]) == ("Storage", "GiB-Months")


def test_the_charge_period_is_the_730_hours_after_the_load():
    row = rows_of(shop())[0]
    start, end = (datetime.fromisoformat(row[f"ChargePeriod{name}"]) for name in ("Start", "End"))
    assert start == datetime.fromisoformat(shop().run.end)
    assert (end - start).total_seconds() == 730 * 3600


def test_spot_is_priced_dynamically():
    assert {row["PricingCategory"] for row in rows_of(small(SPOT)) if ":spot" in row["SkuId"]} == {"Dynamic"}


def test_a_name_never_starts_a_formula():
    cells = [cell for row in rows_of(hostile()) for cell in row.values()]
    assert not any(cell[:1] in "=+-@" and not cell[1:2].isdigit() for cell in cells if cell)


def test_an_alternative_without_a_price_has_a_header_alone():
    unpriced = next(each for each in small(UNPRICED).of_scope("cluster") if each.monthly_usd is None)
    assert focus_csv(small(UNPRICED), unpriced.id) == ",".join(FOCUS_COLUMNS) + "\n"
