"""Which rows of an offer file price what we bill."""

import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.sources.prices.download import BrokenFileError, PriceListError
from advisor.sources.prices.found import KEY_COLUMNS
from advisor.sources.prices.products import PRODUCTS, read_offer, usage_names
from advisor.sources.prices.savings_plans import read_savings_plans
from tests.prices.offers import (
    EC2_COLUMNS,
    ECS_COLUMNS,
    OTHER_COLUMNS,
    PLAN_COLUMNS,
    TRANSFER_COLUMNS,
    instance,
    ireland,
    offer_csv,
    plan,
    product,
    reserved,
    transfer,
    windows,
)

TODAY = "2026-11-25"


def read(offer, text, region="eu-west-1", today=TODAY):
    return read_offer(io.BytesIO(text.encode()), offer=offer, region=region, today=today)


def rates(offer, *rows, columns=EC2_COLUMNS, **options):
    """Prices as text by file and key."""
    found = read(offer, offer_csv(offer, columns, rows), **options).rows
    return {(name, *key): f"{rate.usd:f}" for name, keyed in found.items() for key, rate in keyed.items()}


def ec2(*rows, **options):
    return rates("AmazonEC2", *rows, **options)


def plans(*rows):
    text = offer_csv("AmazonComputeSavingsPlan", PLAN_COLUMNS, rows)
    found = read_savings_plans(io.BytesIO(text.encode()), region="eu-west-1", today=TODAY).rows["savings_plans.csv"]
    return {":".join(key): rate.usd for key, rate in found.items()}


# --- EC2 instances


def test_linux_and_windows_instances_with_shared_tenancy():
    assert ec2(instance("m5.large", "0.1070000000"), windows("m5.large", "0.1990000000")) == {
        ("ec2_on_demand.csv", "m5.large"): "0.1070000000",
        ("ec2_windows_on_demand.csv", "m5.large"): "0.1990000000",
    }


@pytest.mark.parametrize(
    "other",
    [
        {"Tenancy": "Dedicated"},
        {"Tenancy": "Host"},
        {"CapacityStatus": "UnusedCapacityReservation"},
        {"CapacityStatus": "AllocatedCapacityReservation"},
        {"CapacityStatus": ""},
        {"Pre Installed S/W": "SQL Web", "operation": "RunInstances:0200"},
        {"Pre Installed S/W": "SQL Std"},
        {"Operating System": "RHEL", "operation": "RunInstances:0010"},
        {"Operating System": "SUSE", "operation": "RunInstances:000g"},
        {"Operating System": "Ubuntu Pro", "operation": "RunInstances:0g00"},
        {"License Model": "Bring your own license"},
        {"MarketOption": "CapacityBlock", "operation": "RunInstances:CB", "PricePerUnit": "0.0000000000"},
        {"MarketOption": "CapacityBlock"},
        {"Currency": "CNY"},
        {"Region Code": "us-east-1"},
        {"Region Code": "us-west-2-lax-1", "Location Type": "AWS Local Zone"},
        {"Location Type": "AWS Local Zone"},
        {"Location Type": "AWS Wavelength Zone"},
        {"Location Type": "AWS Outposts"},
        {"EffectiveDate": "2026-12-01"},
        {"EffectiveDate": "2026-12-01T00:00:00Z"},
        {"Unit": "Quantity"},
        {"TermType": "FlatRate"},
        {"Product Family": "Dedicated Host"},
        {"PricePerUnit": "0.0000000000"},
    ],
    ids=lambda cells: ",".join(f"{name}={text}" for name, text in cells.items()),
)
def test_a_row_that_differs_in_one_thing_is_another_product(other):
    wanted, trap = instance("m5.large", "0.1070000000"), instance("m5.large", "9.9990000000") | other
    for rows in ([wanted, trap], [trap, wanted]):
        assert ec2(*rows) == {("ec2_on_demand.csv", "m5.large"): "0.1070000000"}
    assert not ec2(trap)


@pytest.mark.parametrize(
    "other",
    [
        {"License Model": "Bring your own license", "operation": "RunInstances:0800"},
        {"License Model": "License Included - Infrastructure", "operation": "RunInstances:0002:box"},
        {"License Model": "License Included - Infrastructure"},
        {"Pre Installed S/W": "SQL Ent", "operation": "RunInstances:0102"},
    ],
    ids=lambda cells: ",".join(cells.values()),
)
def test_windows_without_its_licence_is_another_product(other):
    """The three licence models of m5.xlarge in us-east-1, 2026-09: 0.376 with a licence, 0.192, and 0.192."""
    rows = [windows("m5.xlarge", "0.3760000000"), windows("m5.xlarge", "0.1920000000") | other]
    assert ec2(*rows) == {("ec2_windows_on_demand.csv", "m5.xlarge"): "0.3760000000"}


def test_bare_metal_is_an_instance():
    metal = instance("m5.metal", "5.1360000000") | {"Product Family": "Compute Instance (bare metal)"}
    assert ec2(metal) == {("ec2_on_demand.csv", "m5.metal"): "5.1360000000"}


def test_two_prices_for_one_instance_are_an_error_that_names_both():
    one, two = instance("m5.large", "0.1070000000"), instance("m5.large", "0.1080000000")
    with pytest.raises(PriceListError, match=r"two prices for ec2_on_demand.csv m5.large") as error:
        ec2(one, two)
    assert one["RateCode"] in str(error.value)
    assert two["RateCode"] in str(error.value)
    assert "0.1070000000 USD" in str(error.value)
    assert "0.1080000000 USD" in str(error.value)
    assert "line 7" in str(error.value)
    assert "line 8" in str(error.value)


def test_one_price_said_twice_is_one_price():
    assert len(ec2(instance("m5.large", "0.1070000000"), instance("m5.large", "0.107"))) == 1


def test_a_later_price_of_the_same_rate_replaces_the_earlier_one_whatever_the_order():
    before = instance("m5.large", "0.1070000000") | {"EffectiveDate": "2026-01-01"}
    after = before | {"PricePerUnit": "0.1000000000", "EffectiveDate": "2026-11-01"}
    later = before | {"PricePerUnit": "0.0900000000", "EffectiveDate": "2027-01-01"}
    for rows in ([before, after, later], [later, after, before]):
        assert ec2(*rows) == {("ec2_on_demand.csv", "m5.large"): "0.1000000000"}


def test_a_second_price_of_the_same_rate_on_the_same_day_is_an_error():
    row = instance("m5.large", "0.1070000000")
    with pytest.raises(PriceListError, match="two prices"):
        ec2(row, row | {"PricePerUnit": "0.2"})


def test_a_price_of_zero_is_named_and_is_no_price():
    text = offer_csv("AmazonEC2", EC2_COLUMNS, [instance("u-6tb1.metal", "0.0000000000"), instance("m5.large", "0.107")])
    found = read("AmazonEC2", text)
    assert list(found.rows["ec2_on_demand.csv"]) == [("m5.large",)]
    assert found.notes == ("1 instance types have a price of zero, which is none: u-6tb1.metal linux",)


@pytest.mark.parametrize("price", ["", "-0.1", "NaN", "Infinity", "0,107", "1e300"])
def test_what_is_no_price_is_an_error(price):
    with pytest.raises(PriceListError, match="line 7"):
        ec2(instance("m5.large", price))


def test_a_date_that_is_none_is_an_error():
    with pytest.raises(PriceListError, match="'01/01/2022' is not a date"):
        ec2(instance("m5.large", "0.1") | {"EffectiveDate": "01/01/2022"})


# --- reserved instances


def test_an_upfront_fee_is_spread_over_the_term():
    found = ec2(
        *reserved("m5.large", upfront="876", hourly="0", years=1, payment="All Upfront"),
        *reserved("m5.large", upfront="438", hourly="0.055", years=1, payment="Partial Upfront"),
        *reserved("m5.large", upfront="0", hourly="0.107", years=1, payment="No Upfront"),
        *reserved("m5.large", upfront="1314", hourly="0", years=3, payment="All Upfront"),
    )
    assert {key[1:]: Decimal(usd) for key, usd in found.items()} == {
        ("m5.large", "linux", "1", "all_upfront"): Decimal("0.1"),  # by hand: 876 / 8,760
        ("m5.large", "linux", "1", "partial_upfront"): Decimal("0.105"),  # 438 / 8,760 + 0.055
        ("m5.large", "linux", "1", "no_upfront"): Decimal("0.107"),
        ("m5.large", "linux", "3", "all_upfront"): Decimal("0.05"),  # 1,314 / 26,280
    }


def test_convertible_reserved_instances_stand_apart_from_standard_ones():
    found = ec2(
        *reserved("m5.large", upfront="876", hourly="0", years=1, payment="All Upfront"),
        *reserved("m5.large", upfront="1000", hourly="0", years=1, payment="All Upfront", offering="convertible"),
    )
    assert {key[0] for key in found} == {"ec2_reserved.csv", "ec2_reserved_convertible.csv"}


@pytest.mark.parametrize("kept", [0, 1])
def test_half_a_reserved_offer_is_left_out_and_counted(kept):
    half = list(reserved("m5.large", upfront="438", hourly="0.055", years=1, payment="Partial Upfront"))[kept]
    text = offer_csv("AmazonEC2", EC2_COLUMNS, [half, instance("m5.large", "0.107")])
    found = read("AmazonEC2", text)
    assert list(found.rows) == ["ec2_on_demand.csv"]
    assert found.notes == ("1 reserved offers lack their upfront fee or their hourly rate",)


def test_a_reserved_rate_of_a_dedicated_instance_is_another_product():
    rows = reserved("m5.large", upfront="876", hourly="0", years=1, payment="All Upfront")
    assert not ec2(*(row | {"Tenancy": "Dedicated"} for row in rows))


def test_two_upfront_fees_for_one_offer_are_an_error():
    rows = list(reserved("m5.large", upfront="876", hourly="0", years=1, payment="All Upfront"))
    more = list(reserved("m5.large", upfront="877", hourly="0", years=1, payment="All Upfront"))
    with pytest.raises(PriceListError, match=r"two prices for ec2_reserved.csv m5.large linux 1 all_upfront Quantity"):
        ec2(*rows, *more)


# --- everything else


def test_every_offer_of_a_region():
    found = {}
    for offer, text in ireland().items():
        if offer != "AWSComputeSavingsPlan":
            for name, keyed in read(offer, text).rows.items():
                found |= {(name, *key): f"{rate.usd.normalize():f} {rate.unit}" for key, rate in keyed.items()}
    side = {key: told for key, told in found.items() if not key[0].startswith(("ec2_on", "ec2_win", "ec2_res"))}
    assert side == {
        ("ec2_surplus_credits.csv", "t3"): "0.05 vCPU-hour",
        ("ec2_surplus_credits.csv", "t4g"): "0.04 vCPU-hour",
        ("ebs.csv", "gp3", "gib_month"): "0.088 GiB-month",
        ("vpc.csv", "nat_gateway", "hour"): "0.048 gateway-hour",
        ("vpc.csv", "nat_gateway", "gib"): "0.048 GiB",
        ("vpc.csv", "public_ipv4", "address_hour"): "0.005 address-hour",
        ("vpc.csv", "interface_endpoint", "hour"): "0.011 endpoint-hour",
        ("vpc.csv", "interface_endpoint", "gib"): "0.01 GiB",
        ("fargate.csv", "X86_64", "on_demand", "vcpu_hour"): "0.04048 vCPU-hour",
        ("fargate.csv", "X86_64", "on_demand", "gib_hour"): "0.004445 GiB-hour",
        ("fargate.csv", "ARM64", "on_demand", "vcpu_hour"): "0.03238 vCPU-hour",
        ("fargate.csv", "ARM64", "on_demand", "gib_hour"): "0.00356 GiB-hour",
        ("fargate.csv", "any", "on_demand", "ephemeral_gib_hour"): "0.000122 GiB-hour",
        ("fargate_windows.csv", "X86_64", "on_demand", "vcpu_hour"): "0.046552 vCPU-hour",
        ("fargate_windows.csv", "X86_64", "on_demand", "gib_hour"): "0.00511175 GiB-hour",
        ("fargate_windows.csv", "X86_64", "on_demand", "os_license_vcpu_hour"): "0.046 vCPU-hour",
        ("managed_instances.csv", "m5.large"): "0.01284 instance-hour",
        ("elb.csv", "application", "hour"): "0.0252 load-balancer-hour",
        ("elb.csv", "application", "lcu_hour"): "0.008 LCU-hour",
        ("elb.csv", "network", "hour"): "0.0253 load-balancer-hour",
        ("elb.csv", "network", "lcu_hour"): "0.006 LCU-hour",
        ("data_transfer.csv", "inter_az", "gib"): "0.01 GiB",
        ("data_transfer.csv", "internet_out_first_10tb", "gib"): "0.09 GiB",
        ("data_transfer.csv", "other_regions", "gib"): "0.02 GiB",
        ("cloudwatch.csv", "logs_ingested", "gib"): "0.57 GiB",
        ("cloudwatch.csv", "logs_stored", "gib_month"): "0.03 GiB-month",
        ("cloudwatch.csv", "custom_metric_first_10000", "metric_month"): "0.3 metric-month",
        ("cloudwatch.csv", "alarm_standard", "alarm_month"): "0.1 alarm-month",
        ("ecr.csv", "storage", "gib_month"): "0.1 GiB-month",
    }


def test_fargate_spot_where_it_is_listed():
    rows = [
        product("EU-SpotUsage-Fargate-vCPU-Hours:perCPU", "0.0130", "hours", "Compute"),
        product("EU-Fargate-vCPU-Hours:perCPU", "0.04048", "hours", "Compute"),
    ]
    assert rates("AmazonECS", *rows, columns=ECS_COLUMNS) == {
        ("fargate.csv", "X86_64", "spot", "vcpu_hour"): "0.0130",
        ("fargate.csv", "X86_64", "on_demand", "vcpu_hour"): "0.04048",
    }


def test_the_fee_of_a_type_whose_name_has_dashes():
    fee = product("EU-ECS-Managed-Instances:u-6tb1.56xlarge-management-hours", "5.46", "hours", "Compute")
    assert rates("AmazonECS", fee, columns=ECS_COLUMNS) == {("managed_instances.csv", "u-6tb1.56xlarge"): "5.46"}


def test_a_unit_that_is_not_the_expected_one_is_an_error():
    row = product("EU-Fargate-GB-Hours", "0.000001235", "GB-Seconds", "Compute")
    with pytest.raises(PriceListError, match="line 7: EU-Fargate-GB-Hours is counted in 'GB-Seconds'"):
        rates("AmazonECS", row, columns=ECS_COLUMNS)


def test_the_free_first_step_is_not_the_price():
    rows = [
        transfer("EU-DataTransfer-Out-Bytes", "0", "AWS Outbound", "", "Other", EndingRange="100"),
        transfer("EU-DataTransfer-Out-Bytes", "0.05", "AWS Outbound", "", "Other", StartingRange="153600"),
        transfer("EU-DataTransfer-Out-Bytes", "0.09", "AWS Outbound", "", "Other", StartingRange="100"),
    ]
    found = rates("AWSDataTransfer", *rows, columns=TRANSFER_COLUMNS)
    assert found == {("data_transfer.csv", "internet_out_first_10tb", "gib"): "0.09"}


def test_transfer_to_other_regions_has_the_rate_that_most_destinations_share():
    rows = [
        transfer(f"EU-{to}-AWS-Out-Bytes", usd, "InterRegion Outbound", to)
        for to, usd in (("USE1", "0.02"), ("USE2", "0.02"), ("EUN1", "0.01"), ("SAE1", "0.16"))
    ]
    rows.append(transfer("EU-LAX1-AWS-Out-Bytes", "0.5", "InterRegion Outbound", "us-west-2-lax-1", "AWS Local Zone"))
    found = rates("AWSDataTransfer", *rows, columns=TRANSFER_COLUMNS)
    assert found == {("data_transfer.csv", "other_regions", "gib"): "0.02"}


def test_transfer_from_another_region_is_left_out():
    row = transfer("USE1-EU-AWS-Out-Bytes", "0.02", "InterRegion Outbound", "eu-west-1") | {"From Region Code": "us-east-1"}
    assert not rates("AWSDataTransfer", row, columns=TRANSFER_COLUMNS)


@pytest.mark.parametrize(
    ("region", "usage_type", "name"),
    [
        ("us-east-1", "BoxUsage:m5.large", "BoxUsage:m5.large"),
        ("us-east-1", "USE1-Fargate-GB-Hours", "Fargate-GB-Hours"),
        ("us-east-1", "TS-LoadBalancerUsage", "TS-LoadBalancerUsage"),
        ("us-east-1", "EU-Fargate-GB-Hours", "EU-Fargate-GB-Hours"),
        ("eu-west-1", "EU-Fargate-GB-Hours", "Fargate-GB-Hours"),
        ("eu-west-1", "EU-TS-LoadBalancerUsage", "TS-LoadBalancerUsage"),
        ("eu-west-1", "eu-west-1-KMS-Keys", "KMS-Keys"),
        ("eu-west-1", "TS-LoadBalancerUsage", None),
        ("eu-west-1", "Global-DataTransfer-Out-Bytes", None),
        ("us-gov-west-1", "UGW1-BoxUsage:m5.large", "BoxUsage:m5.large"),
        ("ap-northeast-1", "APN1-CW:MetricMonitorUsage", "CW:MetricMonitorUsage"),
    ],
)
def test_the_prefix_of_a_region(region, usage_type, name):
    assert usage_names(region)(usage_type) == name


def test_us_east_1_writes_usage_types_without_a_prefix():
    rows = [
        product("LoadBalancerUsage", "0.0225", "Hrs", "Load Balancer-Application", operation="LoadBalancing:Application"),
        product("TS-LoadBalancerUsage", "0.0056", "Hrs", "Load Balancer-Application", operation="LoadBalancing:Application"),
    ]
    rows = [row | {"Region Code": "us-east-1"} for row in rows]
    found = rates("AWSELB", *rows, columns=OTHER_COLUMNS, region="us-east-1")
    assert found == {("elb.csv", "application", "hour"): "0.0225"}


def test_govcloud_has_the_same_files():
    row = instance("m5.large", "0.1210000000", region="us-gov-west-1", prefix="UGW1-")
    assert ec2(row, region="us-gov-west-1") == {("ec2_on_demand.csv", "m5.large"): "0.1210000000"}


def test_every_product_has_a_place_in_the_catalog():
    for each in PRODUCTS:
        assert not each.key or len(each.key) == len(KEY_COLUMNS[each.file])


# --- Savings Plans


def test_what_savings_plans_cover():
    found = read_savings_plans(io.BytesIO(ireland()["AWSComputeSavingsPlan"].encode()), region="eu-west-1", today=TODAY).rows[
        "savings_plans.csv"
    ]
    assert {" ".join(key): f"{rate.usd.normalize():f} {rate.unit}" for key, rate in found.items()} == {
        "compute_savings_plan ec2:linux:on_demand:m5.large 1 no_upfront": "0.078 instance-hour",
        "compute_savings_plan ec2:windows:on_demand:m5.large 1 no_upfront": "0.17 instance-hour",
        "ec2_instance_savings_plan ec2:linux:on_demand:m5.large 1 no_upfront": "0.069 instance-hour",
        "ec2_instance_savings_plan ec2:linux:on_demand:m5.large 3 all_upfront": "0.044 instance-hour",
        "compute_savings_plan fargate:linux:x86_64:on_demand:vcpu_hour 1 no_upfront": "0.032384 vCPU-hour",
        "compute_savings_plan fargate:linux:arm64:on_demand:gib_hour 1 partial_upfront": "0.002848 GiB-hour",
    }


@pytest.mark.parametrize(
    "other",
    [
        {"Currency": "EUR"},
        {"DiscountedRegionCode": "us-east-1"},
        {"EffectiveDate": "2026-12-01T00:00:00Z"},
        {"Product Family": "SageMakerSavingsPlans"},
        {"LeaseContractLengthUnit": "month"},
        {"DiscountedUsageType": "EU-HostBoxUsage:m5.large"},
        {"DiscountedUsageType": "USE1-HostUsage:m5"},
        {"DiscountedRate": "0"},
    ],
    ids=lambda cells: ",".join(cells.values()),
)
def test_a_plan_of_something_else(other):
    assert not plans(plan("EU-BoxUsage:m5.large", "0.0780000000") | other)


def test_two_rates_under_one_plan_are_an_error():
    with pytest.raises(PriceListError, match=r"two prices for compute_savings_plan ec2:linux:on_demand:m5.large"):
        plans(plan("EU-BoxUsage:m5.large", "0.078"), plan("EU-BoxUsage:m5.large", "0.079"))


# --- files that are not what they should be


def test_the_file_of_another_offer_is_refused():
    with pytest.raises(PriceListError, match="this is the offer file of 'AmazonRDS', not of AmazonEC2"):
        read("AmazonEC2", offer_csv("AmazonRDS", EC2_COLUMNS, [instance("m5.large", "0.1")]))
    text = offer_csv("AmazonEC2", PLAN_COLUMNS, [])
    with pytest.raises(PriceListError, match="not of AWSComputeSavingsPlan"):
        read_savings_plans(io.BytesIO(text.encode()), region="eu-west-1", today=TODAY)


@pytest.mark.parametrize("column", ["Tenancy", "CapacityStatus", "Pre Installed S/W", "License Model", "Region Code"])
def test_without_a_column_that_tells_products_apart_nothing_is_read(column):
    columns = [name for name in EC2_COLUMNS if name != column]
    row = {name: text for name, text in instance("m5.large", "0.1").items() if name != column}
    with pytest.raises(PriceListError, match=f"no column {column}"):
        read("AmazonEC2", offer_csv("AmazonEC2", columns, [row]))


def test_a_file_from_before_market_options_is_read():
    columns = [name for name in EC2_COLUMNS if name != "MarketOption"]
    row = {name: text for name, text in instance("m5.large", "0.1").items() if name != "MarketOption"}
    assert ec2(row, columns=columns) == {("ec2_on_demand.csv", "m5.large"): "0.1"}


def test_columns_are_known_in_any_order_and_spelling():
    columns = [name.upper() for name in reversed(EC2_COLUMNS) if name != "SKU"]
    row = {name.upper(): text for name, text in instance("m5.large", "0.1").items()}
    assert ec2(row, columns=["SKU", *columns]) == {("ec2_on_demand.csv", "m5.large"): "0.1"}


def test_a_column_that_stands_twice_is_refused():
    text = offer_csv("AmazonEC2", [*EC2_COLUMNS, "tenancy"], [])
    with pytest.raises(PriceListError, match="column Tenancy twice"):
        read("AmazonEC2", text)


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda text: text.replace("v1.0", "v2.0"), "format v1.0"),
        (lambda text: text.replace("2026-11-20T", "20-11-20T"), "publication date"),
        (lambda text: "<html>\n" * 30 + text, "no header that starts with SKU"),
        (lambda text: "x" * (2 << 20), "more than a megabyte"),
    ],
    ids=["format", "date", "page", "one line"],
)
def test_what_is_no_offer_file_is_refused(spoil, error):
    with pytest.raises(PriceListError, match=error):
        read("AmazonEC2", spoil(offer_csv("AmazonEC2", EC2_COLUMNS, [instance("m5.large", "0.1")])))


@given(st.data())
def test_a_file_cut_anywhere_is_broken_or_says_less_but_never_another_price(data):
    whole = offer_csv("AmazonEC2", EC2_COLUMNS, [instance("m5.large", "0.1"), instance("m5.xlarge", "0.2")]).encode()
    cut = data.draw(st.integers(0, len(whole) - 1))
    try:
        found = read_offer(io.BytesIO(whole[:cut]), offer="AmazonEC2", region="eu-west-1", today=TODAY).rows
    except BrokenFileError:
        return
    assert whole.index(b"SKU00") <= cut + 1  # the header is there
    prices = {key[0]: f"{rate.usd:f}" for key, rate in found.get("ec2_on_demand.csv", {}).items()}
    assert prices.items() <= {"m5.large": "0.1", "m5.xlarge": "0.2"}.items()


def test_a_file_cut_within_a_row_is_broken():
    text = offer_csv("AmazonEC2", EC2_COLUMNS, [instance("m5.large", "0.1"), instance("m5.xlarge", "0.2")])
    with pytest.raises(BrokenFileError, match="line 8"):
        read("AmazonEC2", text[:-60])


def test_a_file_that_is_not_utf_8_is_broken():
    text = offer_csv("AmazonEC2", EC2_COLUMNS, [instance("m5.large", "0.1")]).encode()
    with pytest.raises(BrokenFileError, match="UTF-8"):
        read_offer(io.BytesIO(text + b"\xff\xfe\n"), offer="AmazonEC2", region="eu-west-1", today=TODAY)
