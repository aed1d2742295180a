"""Modelled against billed: bills in AWS's own forms, by the hour and by the month, and where the model is off."""

import csv
import gzip
import io
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from advisor import read_bill, read_catalog, reconcile
from advisor.cli import main
from advisor.ecs import Architecture, LaunchType
from advisor.errors import InputError
from advisor.reconciling import LineKind, meter_of, reasons
from advisor.report.reconciliation import reconciliation_csv, reconciliation_json, reconciliation_markdown, reconciliation_table
from advisor.workload import Constraints, PresentCluster, PresentService
from tests.as_advisor import MONDAY, as_workload

ARM_VCPU, ARM_GB = 0.03238, 0.00356
M5_LARGE, GP3 = 0.096, 0.08
CUR = [
    "identity/LineItemId",
    "identity/TimeInterval",
    "bill/BillType",
    "lineItem/UsageAccountId",
    "lineItem/LineItemType",
    "lineItem/UsageStartDate",
    "lineItem/UsageEndDate",
    "lineItem/ProductCode",
    "lineItem/UsageType",
    "lineItem/Operation",
    "lineItem/ResourceId",
    "lineItem/UsageAmount",
    "lineItem/CurrencyCode",
    "lineItem/UnblendedRate",
    "lineItem/UnblendedCost",
    "product/regionCode",
    "savingsPlan/SavingsPlanEffectiveCost",
    "reservation/EffectiveCost",
    "resourceTags/user:team",
]
FOCUS = [
    "AvailabilityZone",
    "BilledCost",
    "BillingAccountId",
    "BillingCurrency",
    "ChargeCategory",
    "ChargeClass",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountId",
    "ConsumedQuantity",
    "ConsumedUnit",
    "EffectiveCost",
    "ListCost",
    "ProviderName",
    "RegionId",
    "ResourceId",
    "ServiceName",
    "SkuId",
    "SkuMeter",
    "Tags",
    "x_Discounts",
    "x_Operation",
    "x_ServiceCode",
]
"""Columns that AWS writes, a part of them."""


@pytest.fixture(scope="module")
def catalog():
    return read_catalog("us-east-1")


def workload_of(n_hours=48, *, desired=6, instances=None, demand=None):
    """A service of six tasks on Fargate ARM64, and instances that are only paid for."""
    service = {
        "name": "web", "cpu": 512, "memory": 1024, "form": "requests", "requests_per_task": 10.0, "min": 1,
        "architectures": ["ARM64"], "demand": [30.0] * n_hours if demand is None else demand, "startup_s": 0,
    }  # fmt: skip
    workload = as_workload({"services": [service], "start_s": 0, "step_s": 3600})
    present = PresentService(launch_type=LaunchType.FARGATE, desired_count=desired, architecture=Architecture.ARM64)
    cluster = None if instances is None else PresentCluster(instances=instances)
    return replace(
        workload, region="us-east-1", constraints=Constraints(), present=cluster,
        services=(replace(workload.services[0], present=present),),
    )  # fmt: skip


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def cur_row(hour, usage_type, quantity, usd, *, kind="Usage", product="AmazonECS", operation="", n_hours=1, **more):
    start = MONDAY + timedelta(hours=hour)
    row = {
        "lineItem/LineItemType": kind, "lineItem/UsageStartDate": stamp(start),
        "lineItem/UsageEndDate": stamp(start + timedelta(hours=n_hours)), "lineItem/ProductCode": product,
        "lineItem/UsageType": usage_type, "lineItem/Operation": operation, "lineItem/UsageAmount": quantity,
        "lineItem/UnblendedCost": usd, "lineItem/CurrencyCode": "USD", "product/regionCode": "us-east-1",
    }  # fmt: skip
    return row | more


def written(path, columns, rows, rename=lambda name: name):
    text = io.StringIO()
    writer = csv.DictWriter(text, [rename(name) for name in columns])
    writer.writeheader()
    writer.writerows({rename(name): value for name, value in row.items()} for row in rows)
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def fargate_rows(n_hours=48, tasks=6, **more):
    rows = []
    for hour in range(n_hours):
        for _ in range(2):  # two resources
            half = tasks / 2
            rows.append(cur_row(hour, "USE1-Fargate-ARM-vCPU-Hours:perCPU", half * 0.5, half * 0.5 * ARM_VCPU, **more))
            rows.append(cur_row(hour, "USE1-Fargate-ARM-GB-Hours", half, half * ARM_GB, **more))
    return rows


def check_of(found, meter):
    return next(check for check in found.meters if check.meter == meter)


def test_a_bill_of_what_the_model_says_agrees_to_the_cent(tmp_path, catalog):
    """By hand: 6 x 0.5 vCPU x 48 h and 6 GiB x 48 h."""
    found = reconcile(workload_of(), catalog, read_bill(written(tmp_path / "cur.csv", CUR, fargate_rows())))
    vcpu = check_of(found, "fargate:linux:arm64:on_demand:vcpu_hour")
    assert (vcpu.modelled_quantity, vcpu.billed_quantity) == (pytest.approx(144), pytest.approx(144))
    assert vcpu.modelled_usd == pytest.approx(144 * ARM_VCPU)
    assert found.modelled_usd == pytest.approx(found.billed_usd)
    assert (found.hours, found.known_fraction) == (48, 1)
    assert reasons(found) == []
    assert "the model says as much as was billed" in reconciliation_table(found)


@pytest.mark.parametrize("form", ["cur.csv.gz", "cur2.csv", "focus.csv", "focus.csv.gz", "ce.json", "console.csv"])
def test_every_form_of_the_same_bill_says_the_same(tmp_path, catalog, form):
    rows = fargate_rows()
    path = tmp_path / form
    if form.startswith("cur2"):
        names = {
            "lineItem/LineItemType": "line_item_line_item_type", "lineItem/UsageStartDate": "line_item_usage_start_date",
            "lineItem/UsageEndDate": "line_item_usage_end_date", "lineItem/ProductCode": "line_item_product_code",
            "lineItem/UsageType": "line_item_usage_type", "lineItem/Operation": "line_item_operation",
            "lineItem/UsageAmount": "line_item_usage_amount", "lineItem/UnblendedCost": "line_item_unblended_cost",
            "lineItem/CurrencyCode": "line_item_currency_code", "product/regionCode": "product_region_code",
        }  # fmt: skip
        written(path, list(names), rows, names.get)
    elif form.startswith("cur"):
        written(path, CUR, rows)
    elif form.startswith("focus"):
        written(path, FOCUS, [focus_row(row) for row in rows])
    else:
        sums = {}
        for row in rows:
            key = row["lineItem/UsageType"]
            quantity, usd = sums.get(key, (0, 0))
            sums[key] = quantity + row["lineItem/UsageAmount"], usd + row["lineItem/UnblendedCost"]
        path.write_text(cost_explorer(sums) if form == "ce.json" else console(sums))
    found = reconcile(workload_of(), catalog, read_bill(path))
    assert found.billed_usd == pytest.approx(144 * ARM_VCPU + 288 * ARM_GB)
    assert found.modelled_usd == pytest.approx(found.billed_usd)
    assert (found.start[:10], found.end[:10]) == ("2026-09-07", "2026-09-09")


def focus_row(row, **more):
    return {
        "BilledCost": row["lineItem/UnblendedCost"], "EffectiveCost": row["lineItem/UnblendedCost"], "BillingCurrency": "USD",
        "ChargeCategory": "Usage", "ChargePeriodStart": row["lineItem/UsageStartDate"],
        "ChargePeriodEnd": row["lineItem/UsageEndDate"], "ConsumedQuantity": row["lineItem/UsageAmount"],
        "RegionId": "us-east-1", "ServiceName": "Amazon Elastic Container Service", "SkuMeter": row["lineItem/UsageType"],
        "x_ServiceCode": "AmazonECS", "SkuId": "8CESGAFWKAJ98PME",
    } | more  # fmt: skip


def cost_explorer(sums):
    """As ``aws ce get-cost-and-usage --granularity DAILY`` prints it."""
    days = [
        {
            "TimePeriod": {"Start": day, "End": end},
            "Total": {},
            "Groups": [
                {
                    "Keys": ["Amazon Elastic Container Service", usage_type],
                    "Metrics": {
                        "UnblendedCost": {"Amount": str(usd / 2), "Unit": "USD"},
                        "UsageQuantity": {"Amount": str(quantity / 2), "Unit": "hours"},
                    },
                }
                for usage_type, (quantity, usd) in sums.items()
            ],
            "Estimated": False,
        }
        for day, end in (("2026-09-07", "2026-09-08"), ("2026-09-08", "2026-09-09"))
    ]
    groups = [{"Type": "DIMENSION", "Key": "SERVICE"}, {"Type": "DIMENSION", "Key": "USAGE_TYPE"}]
    return json.dumps({"GroupDefinitions": groups, "ResultsByTime": days, "DimensionValueAttributes": []})


def console(sums):
    header = ["Usage type", *(f"{name}($)" for name in sums), "Total costs($)"]
    total = sum(usd for _, usd in sums.values())
    day = [usd / 2 for _, usd in sums.values()]
    rows = [["Usage type total", *(usd for _, usd in sums.values()), total]]
    rows += [[date, *day, total / 2] for date in ("2026-09-07", "2026-09-08")]
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    return text.getvalue()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["Usage type total,12,12"], "the export holds no row for a time, only totals"),
        ([], "the export holds no row for a time. In Cost Explorer"),
        (["Usage type total,12,12", "2026-09-07,,12"], "the export holds no cost of a usage type, only totals"),
    ],
)
def test_a_console_export_of_totals_alone_is_one_message(tmp_path, rows, said):
    path = tmp_path / "console.csv"
    path.write_text("\n".join(["Usage type,USE1-Fargate-GB-Hours($),Total costs($)", *rows]) + "\n")
    with pytest.raises(InputError, match=said):
        read_bill(path)


def test_instances_volumes_and_the_calendar_s_months(tmp_path, catalog):
    """September has 720 hours: two volumes of 30 GB for 48 hours are 4 GB-months, not 60 x 48 / 730."""
    rows = fargate_rows()
    rows += [cur_row(h, "BoxUsage:m5.large", 2, 2 * M5_LARGE, product="AmazonEC2", operation="RunInstances") for h in range(48)]
    rows += [
        cur_row(h, "EBS:VolumeUsage.gp3", 60 / 720, 60 / 720 * GP3, product="AmazonEC2", operation="CreateVolume-Gp3")
        for h in range(48)
    ]
    found = reconcile(workload_of(instances={"m5.large": 2}), catalog, read_bill(written(tmp_path / "cur.csv", CUR, rows)))
    volumes = check_of(found, "ebs:gp3:gib_month")
    assert volumes.modelled_quantity == pytest.approx(4)
    assert volumes.difference_usd == pytest.approx(0)
    assert check_of(found, "ec2:linux:on_demand:m5.large").modelled_usd == pytest.approx(96 * M5_LARGE)
    assert found.modelled_usd == pytest.approx(found.billed_usd)


def test_a_difference_of_quantity_is_told_from_one_of_rate(tmp_path, catalog):
    rows = fargate_rows(tasks=9)
    for row in rows:
        if "GB" in row["lineItem/UsageType"]:
            row["lineItem/UsageAmount"], row["lineItem/UnblendedCost"] = 3, 3 * ARM_GB * 0.8  # a negotiated rate
    found = reconcile(workload_of(), catalog, read_bill(written(tmp_path / "cur.csv", CUR, rows)))
    vcpu, memory = (check_of(found, f"fargate:linux:arm64:on_demand:{name}") for name in ("vcpu_hour", "gib_hour"))
    assert vcpu.by_quantity_usd == pytest.approx(-72 * ARM_VCPU)
    assert vcpu.by_rate_usd == pytest.approx(0)
    assert memory.by_quantity_usd == pytest.approx(0)
    assert memory.by_rate_usd == pytest.approx(288 * ARM_GB * 0.2)
    by_quantity, by_rate = reasons(found)
    assert "under the bill, by quantity: 144.0 modelled, 216.0 billed" in by_quantity
    assert "by rate: 0.00356 in the catalog, 0.002848 billed" in by_rate


def test_what_one_side_lacks_is_named(tmp_path, catalog):
    rows = fargate_rows()
    rows.append(cur_row(3, "USE1-NatGateway-Hours", 1, 45.0, product="AmazonEC2", operation="NatGateway"))
    rows.append(cur_row(3, "USE1-BoxUsage:c5.large", 10, 0.85, product="AmazonEC2", operation="RunInstances"))
    rows.append(cur_row(3, "USE1-BoxUsage:c5.large", 10, 1.77, product="AmazonEC2", operation="RunInstances:0002"))
    rows.append(cur_row(3, "USE1-Fargate-GB-Hours", 10, 0.04, product="AmazonEKS"))
    rows.append(cur_row(0, "", 0, 3.1, kind="Tax", n_hours=720))
    rows.append(cur_row(0, "USE1-Fargate-GB-Hours", 0, -2.0, kind="Credit"))
    rows.append(cur_row(0, "USE1-Fargate-GB-Hours", 0, -1.0, kind="Refund"))
    found = reconcile(workload_of(instances={"m5.large": 1}), catalog, read_bill(written(tmp_path / "cur.csv", CUR, rows)))
    assert [each.usage_type for each in found.unmodelled] == [
        "USE1-NatGateway-Hours",
        "USE1-BoxUsage:c5.large",
        "USE1-Fargate-GB-Hours",
    ]
    assert found.apart == {"credit": -2.0, "refund": -1.0, "tax": 3.1}
    assert check_of(found, "ec2:linux:on_demand:c5.large").modelled_usd == 0
    assert any("which was not billed: `present` has more than ran" in reason for reason in reasons(found))
    assert any("the model does not have" in reason for reason in reasons(found))
    text = reconciliation_table(found)
    assert "billed, and not modelled: USE1-NatGateway-Hours $45.00" in text
    assert "apart: credit $-2.00, refund $-1.00, tax $3.10" in text
    assert "$45.00" not in next(line for line in text.splitlines() if "total" in line)


def test_usage_under_a_savings_plan_has_its_effective_cost(tmp_path, catalog):
    rows = fargate_rows(kind="SavingsPlanCoveredUsage")
    for row in rows:
        row["savingsPlan/SavingsPlanEffectiveCost"] = row["lineItem/UnblendedCost"] * 0.8
    rows += [cur_row(0, "ComputeSP:1yrNoUpfront", 1, 40.0, kind="SavingsPlanRecurringFee", product="ComputeSavingsPlans")]
    rows += [cur_row(0, "USE1-Fargate-ARM-GB-Hours", 1, -5.0, kind="SavingsPlanNegation")]
    lines = read_bill(written(tmp_path / "cur.csv", CUR, rows))
    found = reconcile(workload_of(), catalog, lines)
    assert found.billed_usd == pytest.approx(0.8 * found.modelled_usd)
    assert all(check.covered_fraction == 1 for check in found.meters)
    assert found.apart == {"commitment": 35.0}
    assert "100% of it covered by a commitment" in reasons(found)[0]


def test_a_focus_correction_and_a_commitment_are_told_apart(tmp_path):
    base = fargate_rows(n_hours=1)[0]
    rows = [
        focus_row(base), focus_row(base, ChargeClass="Correction", BilledCost=-0.01),
        focus_row(base, CommitmentDiscountId="arn:aws:savingsplans::1:savingsplan/a", BilledCost=0, EffectiveCost=0.03),
        focus_row(base, ChargeCategory="Tax", SkuMeter="", ConsumedQuantity=""),
    ]  # fmt: skip
    lines = read_bill(written(tmp_path / "focus.csv", FOCUS, rows))
    assert {line.kind for line in lines} == {LineKind.USAGE, LineKind.REFUND, LineKind.COVERED, LineKind.TAX}
    (covered,) = [line for line in lines if line.kind is LineKind.COVERED]
    assert covered.usd == 0.03
    rows[2]["EffectiveCost"] = ""
    with pytest.raises(InputError, match=r"line 4.*no EffectiveCost"):
        read_bill(written(tmp_path / "focus.csv", FOCUS, rows))


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 100_000,
        '{"ResultsByTime": [{"TimePeriod": {"Start": "2024-01-01", "End": "2024-01-02"}, '
        '"Groups": [{"Keys": ["USE1-Fargate-GB-Hours"], "Metrics": {"UnblendedCost": []}}]}]}',
    ],
)
def test_a_bill_of_a_wrong_shape_is_refused(tmp_path, text):
    (tmp_path / "ce.json").write_text(text)
    with pytest.raises(InputError, match=r"nested too deeply|not the form of get-cost-and-usage"):
        read_bill(tmp_path / "ce.json")


@pytest.mark.parametrize("usd", ["nan", "inf"])
def test_a_cost_that_is_not_finite_is_refused(tmp_path, usd):
    row = cur_row(0, "USE1-Fargate-vCPU-Hours:perCPU", 1, usd)
    (tmp_path / "cur.csv").write_text(",".join(row) + "\n" + ",".join(str(value) for value in row.values()) + "\n")
    with pytest.raises(InputError, match="is not a number"):
        read_bill(tmp_path / "cur.csv")


def test_hours_in_which_the_load_is_not_known_are_left_out(tmp_path, catalog):
    demand = [30.0] * 48
    tasks = np.full((1, 48), 6.0)
    tasks[0, 10:20] = np.nan
    workload = replace(workload_of(demand=demand), running_tasks=tasks)
    rows = [*fargate_rows(), cur_row(0, "TimedStorage-ByteHrs", 1, 7.0, product="AmazonS3", n_hours=24)]
    found = reconcile(workload, catalog, read_bill(written(tmp_path / "cur.csv", CUR, rows)))
    assert [each.billed_usd for each in found.unmodelled] == [7.0]  # a daily line of something else changes nothing
    assert found.billed_usd == pytest.approx(38 / 48 * (144 * ARM_VCPU + 288 * ARM_GB))
    assert found.modelled_usd == pytest.approx(found.billed_usd)
    assert "10 hours in which the load is not known are left out on both sides" in found.notes


def test_a_daily_bill_scales_the_model_up_over_gaps(tmp_path, catalog):
    tasks = np.full((1, 48), 6.0)
    tasks[0, 10:22] = np.nan
    rows = [cur_row(day * 24, "USE1-Fargate-ARM-vCPU-Hours:perCPU", 72, 72 * ARM_VCPU, n_hours=24) for day in (0, 1)]
    found = reconcile(replace(workload_of(), running_tasks=tasks), catalog, read_bill(written(tmp_path / "cur.csv", CUR, rows)))
    assert check_of(found, "fargate:linux:arm64:on_demand:vcpu_hour").modelled_quantity == pytest.approx(144)
    assert "known for 75.0% of these hours: modelled quantities are scaled up" in found.notes[0]


def test_steps_shorter_than_an_hour(tmp_path, catalog):
    quarter = workload_of(48 * 4)
    workload = replace(quarter, step_s=900)
    found = reconcile(workload, catalog, read_bill(written(tmp_path / "cur.csv", CUR, fargate_rows())))
    assert found.modelled_usd == pytest.approx(found.billed_usd)


def test_the_tasks_that_ran_are_billed_and_not_those_of_the_plan(tmp_path, catalog):
    tasks = np.full((1, 48), 6.0)
    tasks[0, 24:] = 2.0
    rows = [*fargate_rows(24), *({**row, **_later(row, 24)} for row in fargate_rows(24, tasks=2))]
    workload = replace(workload_of(), running_tasks=tasks)
    found = reconcile(workload, catalog, read_bill(written(tmp_path / "cur.csv", CUR, rows)))
    assert found.modelled_usd == pytest.approx(found.billed_usd)


def _later(row, hours):
    names = ("lineItem/UsageStartDate", "lineItem/UsageEndDate")
    return {name: stamp(datetime.fromisoformat(row[name]).astimezone(UTC) + timedelta(hours=hours)) for name in names}


def test_lines_outside_the_load_and_of_other_regions_are_said(tmp_path, catalog):
    rows = [*fargate_rows(60), cur_row(1, "EUW1-Fargate-GB-Hours", 1, 9.0, **{"product/regionCode": "eu-west-1"})]
    found = reconcile(workload_of(), catalog, read_bill(written(tmp_path / "cur.csv", CUR, rows)))
    assert found.hours == 48
    assert found.modelled_usd == pytest.approx(found.billed_usd)
    assert any("other Regions than us-east-1 are left out: $9.00" in note for note in found.notes)
    assert any("across the ends of the load are left out" in note for note in found.notes)


def test_lines_can_be_chosen_by_column(tmp_path, catalog):
    rows = [*fargate_rows(**{"resourceTags/user:team": "shop"}), *fargate_rows(**{"resourceTags/user:team": "other"})]
    path = written(tmp_path / "cur.csv", CUR, rows)
    assert reconcile(workload_of(), catalog, read_bill(path)).billed_usd == pytest.approx(2 * (144 * ARM_VCPU + 288 * ARM_GB))
    chosen = read_bill(path, where={"resourceTags/user:team": "shop"})
    assert reconcile(workload_of(), catalog, chosen).billed_usd == pytest.approx(144 * ARM_VCPU + 288 * ARM_GB)
    with pytest.raises(InputError, match="the bill has no column 'team'"):
        read_bill(path, where={"team": "shop"})


@pytest.mark.parametrize(
    ("usage_type", "operation", "meter"),
    [
        ("USE1-Fargate-vCPU-Hours:perCPU", "", "fargate:linux:x86_64:on_demand:vcpu_hour"),
        ("APN1-Fargate-GB-Hours", "FargateTask", "fargate:linux:x86_64:on_demand:gib_hour"),
        ("USW2-SpotUsage-Fargate-ARM-GB-Hours", "", "fargate:linux:arm64:spot:gib_hour"),
        ("EU-Fargate-EphemeralStorage-GB-Hours", "", "fargate:ephemeral:gib_hour"),
        ("BoxUsage:m5.large", "RunInstances", "ec2:linux:on_demand:m5.large"),
        ("EUC1-SpotUsage:c7g.xlarge", "RunInstances:SV001", None),
        ("EUC1-SpotUsage:c7g.xlarge", "RunInstances", "ec2:linux:spot:c7g.xlarge"),
        ("USE1-PublicIPv4:InUseAddress", "AllocateAddressVPC", "vpc:public_ipv4:address_hour"),
        ("UGW1-CPUCredits:t3a", "", "ec2:linux:surplus:t3a"),
        ("USE2-EBS:VolumeUsage.gp2", "", None),
        ("USE1-Fargate-Windows-vCPU-Hours:perCPU", "", None),
        ("DataTransfer-Out-Bytes", "", None),
    ],
)
def test_usage_types_are_meters(usage_type, operation, meter):
    found = meter_of(usage_type, operation)
    assert (found.id if found else None) == meter


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "the columns are of no known bill"),
        ("", "the columns are of no known bill"),
        ("{", "not JSON"),
        ('{"Groups": []}', "has no ResultsByTime"),
        ('{"ResultsByTime": [], "NextPageToken": "x"}', "one page of several"),
        (
            '{"ResultsByTime": [{"TimePeriod": {"Start": "2026-09-01", "End": "2026-09-02"}, "Groups": [],'
            ' "Total": {"UnblendedCost": {"Amount": "4.1", "Unit": "USD"}}}]}',
            "not grouped by usage type",
        ),
        ('{"ResultsByTime": [{"Groups": []}]}', "not the form of get-cost-and-usage"),
        (
            '{"GroupDefinitions": [{"Type": "DIMENSION", "Key": "SERVICE"}],'
            ' "ResultsByTime": [{"TimePeriod": {"Start": "2026-09-01", "End": "2026-09-02"}, "Groups": []}]}',
            "grouped by SERVICE and not by usage type",
        ),
        ("Usage type,USE1-Fargate-GB-Hours(Hours)\n2026-09-01,3\n", "a column is not in dollars"),
        ("lineItem/UsageStartDate,lineItem/UnblendedCost\n", "has no column lineItem/UsageEndDate"),
    ],
)
def test_what_is_no_bill_is_refused(tmp_path, text, message):
    path = tmp_path / "bill"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_bill(path)


def test_a_broken_line_is_named(tmp_path):
    rows = fargate_rows(1)
    rows[1]["lineItem/UnblendedCost"] = "12,5"
    with pytest.raises(InputError, match=r"line 3, column lineItem/UnblendedCost: '12,5' is not a number"):
        read_bill(written(tmp_path / "cur.csv", CUR, rows))
    rows[1]["lineItem/UnblendedCost"], rows[1]["lineItem/CurrencyCode"] = 1, "CNY"
    with pytest.raises(InputError, match="the bill is in 'CNY'"):
        read_bill(written(tmp_path / "cur.csv", CUR, rows))


def test_without_present_or_a_common_time_there_is_nothing_to_compare(tmp_path, catalog):
    lines = read_bill(written(tmp_path / "cur.csv", CUR, fargate_rows()))
    workload = workload_of()
    with pytest.raises(InputError, match="does not say what runs today"):
        reconcile(replace(workload, services=(replace(workload.services[0], present=None),)), catalog, lines)
    with pytest.raises(InputError, match="lies within the load"):
        reconcile(replace(workload, start=workload.start + timedelta(days=30)), catalog, lines)


def test_reports_hold_every_meter(tmp_path, catalog):
    rows = [*fargate_rows(), cur_row(3, "USE1-NatGateway-Hours", 1, 45.0, product="AmazonEC2")]
    found = reconcile(workload_of(instances={"m5.large": 1}), catalog, read_bill(written(tmp_path / "cur.csv", CUR, rows)))
    assert [row["meter"] for row in csv.DictReader(io.StringIO(reconciliation_csv(found)))] == [
        *(check.meter for check in found.meters), "not modelled: USE1-NatGateway-Hours",
    ]  # fmt: skip
    assert json.loads(reconciliation_json(found))["reasons"] == reasons(found)
    assert reconciliation_markdown(found).count("\n| ") == 2 + len(found.meters)


def test_the_command_compares(tmp_path, monkeypatch, capsys):
    hours = [MONDAY + timedelta(hours=h) for h in range(48)]
    (tmp_path / "load.csv").write_text("timestamp,requests_per_second\n" + "".join(f"{stamp(h)},30\n" for h in hours))
    (tmp_path / "workload.yaml").write_text(
        "cluster: shop\nregion: us-east-1\nservices:\n"
        "  - name: web\n    task: {cpu: 512, memory: 1024, startup_seconds: 0}\n"
        "    load: {file: load.csv, requests_per_task: 10}\n    architectures: [ARM64]\n"
        "    present: {launch_type: FARGATE, desired_count: 6}\n"
    )
    bill = written(tmp_path / "cur.csv.gz", CUR, fargate_rows())

    def run(*arguments):
        monkeypatch.setattr(
            sys, "argv", ["advisor", "backtest", str(tmp_path / "workload.yaml"), "--quiet", *map(str, arguments)]
        )
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    status, out, err = run("--bill", bill)
    assert (status, err) == (0, "")
    assert "48 calendar hours): the model says as much as was billed" in out
    assert run("--bill", bill, "--bill-where", "nonsense")[0] == 2
    assert run("--bill", tmp_path / "none.csv")[0] == 1


def test_a_bill_without_a_quantity_in_a_cell_has_none_and_not_zero(tmp_path):
    row = cur_row(0, "USE1-Fargate-vCPU-Hours:perCPU", "", 3)
    path = tmp_path / "cur.csv"
    path.write_text(",".join(row) + "\n" + ",".join(str(value) for value in row.values()) + "\n")
    (line,) = read_bill(path)
    assert (line.quantity, line.usd) == (None, 3)
