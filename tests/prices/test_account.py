"""What needs an account: answers of EC2 by botocore's Stubber, page by page."""

from datetime import UTC, datetime, timedelta

import boto3
import numpy as np
import pytest
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from advisor.ecs import Architecture, PurchaseOption
from advisor.meters import instance_hour
from advisor.sources.aws.errors import AccessDeniedError, AwsError, LostDataError, ThrottledError
from advisor.sources.aws.session import Aws
from advisor.sources.catalog import read_catalog
from advisor.sources.prices.account import (
    REGION_ROW,
    fetch_instance_types,
    fetch_spot_prices,
    fetch_zones_by_type,
    spot_summary,
)
from advisor.sources.prices.refresh import RefreshOptions, refresh_prices

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONES = {
    "AvailabilityZones": [
        {"ZoneName": "eu-west-1a", "ZoneId": "euw1-az2", "ZoneType": "availability-zone"},
        {"ZoneName": "eu-west-1b", "ZoneId": "euw1-az3", "ZoneType": "availability-zone"},
        {"ZoneName": "eu-west-1-lhr-1a", "ZoneId": "euw1-lhr1-az1", "ZoneType": "local-zone"},
    ]
}
ASKED = {"StartTime": ANY, "EndTime": ANY, "ProductDescriptions": ["Linux/UNIX", "Windows"], "MaxResults": 1000}


@pytest.fixture(scope="module")
def ec2():
    return boto3.client("ec2", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")


@pytest.fixture
def answers(ec2):
    with Stubber(ec2) as stubber:
        yield stubber


@pytest.fixture
def aws(ec2, answers):
    return Aws({"ec2": ec2})


def change(hours_ago, usd, *, zone="eu-west-1a", name="m5.large", system="Linux/UNIX"):
    return {
        "InstanceType": name,
        "ProductDescription": system,
        "AvailabilityZone": zone,
        "SpotPrice": usd,
        "Timestamp": NOW - hours_ago * HOUR,
    }


def pages(answers, *found, token="NextToken"):
    answers.add_response("describe_availability_zones", ZONES, {})
    for i, page in enumerate(found):
        more = {"NextToken": f"page {i + 1}" if i + 1 < len(found) else ""}
        asked = ASKED | ({token: f"page {i}"} if i else {})
        answers.add_response("describe_spot_price_history", {"SpotPriceHistory": page, **more}, asked)


# --- the summary


def test_a_price_counts_for_as_long_as_it_held():
    # by hand, from 0 to 10: 1 USD for 5, 2 USD for 4, 4 USD for 1
    found = spot_summary(np.array([0.0, 5, 9]), np.array([1.0, 2, 4]), 0, 10)
    assert (found.mean_usd, found.p50_usd, found.p90_usd, found.spread_ratio) == (1.7, 1, 2, 4)


def test_the_price_in_force_at_the_start_counts_from_the_start():
    found = spot_summary(np.array([8.0, -100]), np.array([2.0, 1]), 0, 10)
    assert_allclose([found.mean_usd, found.hours], [1.2, 10 / 3600])


def test_a_pool_that_appeared_in_between_counts_from_then():
    found = spot_summary(np.array([5.0]), np.array([3.0]), 0, 10)
    assert_allclose([found.mean_usd, found.hours], [3, 5 / 3600])


def test_a_pool_without_a_price_in_that_time_has_no_summary():
    assert spot_summary(np.array([11.0]), np.array([3.0]), 0, 10) is None


@given(st.lists(st.tuples(st.integers(-50, 99), st.floats(0.01, 100)), min_size=1, max_size=20, unique_by=lambda each: each[0]))
def test_a_summary_agrees_with_the_price_minute_by_minute(changes):
    times, usd = (np.array(each, float) for each in zip(*changes, strict=True))
    found = spot_summary(times, usd, 0, 100)
    by_minute = [
        usd[np.flatnonzero(times == times[times <= minute].max())[0]] for minute in range(100) if (times <= minute).any()
    ]
    assert_allclose(found.mean_usd, np.mean(by_minute))
    assert_allclose(found.hours, len(by_minute) / 3600)
    assert found.p50_usd == np.quantile(by_minute, 0.5, method="inverted_cdf")
    assert found.p90_usd == np.quantile(by_minute, 0.9, method="inverted_cdf")


# --- Spot prices


def test_spot_prices_over_all_pages(aws, answers):
    pages(
        answers,
        [change(200, "0.04"), change(12, "0.06")],
        [change(200, "0.03", zone="eu-west-1b"), change(200, "0.11", system="Windows")],
        [change(200, "0.09", zone="eu-west-1-lhr-1a")],
    )
    spot = fetch_spot_prices(aws, now=NOW, days=1)
    answers.assert_no_pending_responses()
    # by hand: 12 h at 0.04 and 12 h at 0.06 in one zone, 0.03 in the other; the Local Zone does not count
    assert_allclose(float(spot.rows["ec2_spot.csv"]["m5.large",].usd), (0.05 + 0.03) / 2)
    assert_allclose(float(spot.rows["ec2_windows_spot.csv"]["m5.large",].usd), 0.11)
    zone = spot.history["m5.large", "linux", "euw1-az2"]
    assert_allclose([zone.mean_usd, zone.p50_usd, zone.p90_usd, zone.spread_ratio], [0.05, 0.04, 0.06, 1.5])
    region = spot.history["m5.large", "linux", REGION_ROW]
    assert_allclose([region.mean_usd, region.p50_usd, region.p90_usd], [0.04, 0.03, 0.06])
    assert_allclose([region.spread_ratio, region.hours], [0.05 / 0.03, 48])
    assert {pool[2] for pool in spot.history} == {"euw1-az2", "euw1-az3", REGION_ROW}


def test_a_page_that_repeats_its_token_is_lost_data(aws, answers):
    answers.add_response("describe_availability_zones", ZONES, {})
    for asked in (ASKED, ASKED | {"NextToken": "again"}):
        answers.add_response("describe_spot_price_history", {"SpotPriceHistory": [], "NextToken": "again"}, asked)
    with pytest.raises(LostDataError, match="it repeats a token"):
        fetch_spot_prices(aws, now=NOW, days=1)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("UnauthorizedOperation", 403, AccessDeniedError),
        ("RequestLimitExceeded", 503, ThrottledError),
        ("InternalError", 500, AwsError),
        ("AuthFailure", 401, AwsError),
        ("InvalidParameterValue", 400, AwsError),
    ],
)
def test_every_error_of_the_second_page_is_said(aws, answers, code, status, kind):
    answers.add_response("describe_availability_zones", ZONES, {})
    answers.add_response("describe_spot_price_history", {"SpotPriceHistory": [], "NextToken": "page 1"}, ASKED)
    answers.add_client_error("describe_spot_price_history", code, "no", http_status_code=status)
    with pytest.raises(kind, match="ec2:DescribeSpotPriceHistory"):
        fetch_spot_prices(aws, now=NOW, days=1)


@pytest.mark.parametrize("broken", [{"SpotPrice": "dear"}, {"SpotPrice": "0"}, {"SpotPrice": "nan"}])
def test_a_price_that_is_none_is_lost_data(aws, answers, broken):
    pages(answers, [change(5, "1") | broken])
    with pytest.raises(LostDataError, match="DescribeSpotPriceHistory"):
        fetch_spot_prices(aws, now=NOW, days=1)


# --- instance types


def facts(name="m5.large", *, vcpu=2, mib=8192, architectures=("x86_64",), burstable=False, **more):
    return {
        "InstanceType": name,
        "CurrentGeneration": True,
        "BareMetal": False,
        "BurstablePerformanceSupported": burstable,
        "ProcessorInfo": {"SupportedArchitectures": list(architectures)},
        "VCpuInfo": {"DefaultVCpus": vcpu},
        "MemoryInfo": {"SizeInMiB": mib},
        "NetworkInfo": {"MaximumNetworkInterfaces": 3},
    } | more


def described(answers, *found):
    for i, page in enumerate(found):
        more = {"NextToken": f"page {i + 1}"} if i + 1 < len(found) else {}
        asked = {"MaxResults": 100} | ({"NextToken": f"page {i}"} if i else {})
        answers.add_response("describe_instance_types", {"InstanceTypes": page, **more}, asked)


def offered(answers, *found):
    for i, page in enumerate(found):
        more = {"NextToken": f"page {i + 1}"} if i + 1 < len(found) else {}
        asked = {"MaxResults": 1000, "LocationType": "availability-zone-id"} | ({"NextToken": f"page {i}"} if i else {})
        offerings = [{"InstanceType": name, "LocationType": "availability-zone-id", "Location": zone} for name, zone in page]
        answers.add_response("describe_instance_type_offerings", {"InstanceTypeOfferings": offerings, **more}, asked)


def test_instance_types_over_all_pages(aws, answers):
    described(
        answers,
        [facts(), facts("mac2.metal", architectures=("arm64_mac",))],
        [facts("m99g.large", architectures=("arm64",), GpuInfo={"TotalGpuMemoryInMiB": 1})],
    )
    found = fetch_instance_types(aws)
    assert [each.name for each in found] == ["m5.large", "m99g.large"]
    assert (found[1].architecture, found[1].has_accelerator, found[1].max_enis) == ("ARM64", True, 3)


def test_an_instance_type_without_memory_is_lost_data(aws, answers):
    described(answers, [{name: told for name, told in facts().items() if name != "MemoryInfo"}])
    with pytest.raises(LostDataError, match="ec2:DescribeInstanceTypes"):
        fetch_instance_types(aws)


def test_zones_over_all_pages(aws, answers):
    offered(answers, [("m5.large", "euw1-az3"), ("m5.large", "euw1-az1")], [("c5.large", "euw1-az1")])
    assert fetch_zones_by_type(aws) == {"m5.large": ("euw1-az1", "euw1-az3"), "c5.large": ("euw1-az1",)}


# --- in a refresh


def refresh(aws, cache, shipped, server, *parts):
    return refresh_prices(
        ["eu-west-1"],
        cache,
        check=lambda new, old: (),
        account=lambda region: aws,
        options=RefreshOptions(parts=parts, now=lambda: NOW, shipped=shipped, price_list_url=server.url),
    )


def test_spot_rates_come_into_force_with_their_history(aws, answers, server, tmp_path, shipped):
    pages(answers, [change(200, "0.05"), change(200, "0.07", zone="eu-west-1b")])
    done = refresh(aws, tmp_path, shipped, server, "spot")
    catalog = read_catalog("eu-west-1", folder=shipped, cache=tmp_path)
    rate = catalog.rate(instance_hour("m5.large", PurchaseOption.SPOT), "eu-west-1")
    assert (rate.usd, rate.as_of) == (pytest.approx(0.06), "2026-11-25")
    assert "7 days" in catalog.source(rate.source_id).note
    assert (done.generation / "eu-west-1/ec2_spot_history.csv").read_text() == (
        "instance_type,os,az_id,mean_usd,p50_usd,p90_usd,spread_ratio,hours,source_id,as_of\n"
        "m5.large,linux,*,0.06,0.05,0.07,1.4,336.0,aws_spot_price_history_eu-west-1,2026-11-25\n"
        "m5.large,linux,euw1-az2,0.05,0.05,0.05,1,168.0,aws_spot_price_history_eu-west-1,2026-11-25\n"
        "m5.large,linux,euw1-az3,0.07,0.07,0.07,1,168.0,aws_spot_price_history_eu-west-1,2026-11-25\n"
    )


def test_spot_rates_that_could_not_be_fetched_keep_their_date(aws, answers, server, tmp_path, shipped):
    answers.add_client_error("describe_availability_zones", "UnauthorizedOperation", "no", http_status_code=403)
    done = refresh(aws, tmp_path, shipped, server, "spot")
    assert "AWS does not allow ec2:DescribeAvailabilityZones" in done.not_fetched[0].why
    catalog = read_catalog("eu-west-1", folder=shipped, cache=tmp_path)
    assert catalog.rate(instance_hour("m5.large", PurchaseOption.SPOT), "eu-west-1").as_of == "2026-07-05"


def test_no_spot_price_at_all_is_no_news(aws, answers, server, tmp_path, shipped):
    pages(answers, [])
    done = refresh(aws, tmp_path, shipped, server, "spot")
    assert "no Spot prices" in done.not_fetched[0].why


def test_a_new_instance_type_is_known_from_then_on(aws, answers, server, tmp_path, shipped):
    described(answers, [facts(), facts("m99g.large", vcpu=4, mib=16384, architectures=("arm64",))])
    offered(answers, [("m99g.large", "euw1-az1"), ("m5.large", "euw1-az1")])
    pages(answers, [change(200, "0.05", name="m99g.large")])
    refresh(aws, tmp_path, shipped, server, "instance_types", "spot")
    catalog = read_catalog("eu-west-1", folder=shipped, cache=tmp_path)
    found = catalog.instance_type("m99g.large")
    assert (found.vcpu, found.memory_mib, found.architectures) == (4, 16384, (Architecture.ARM64,))
    # by hand: 16,384 - (30 x 16 + 30 x 4 + 212 + 64)
    assert (found.registered_memory_mib, found.is_registered_memory_observed) == (15508, False)
    assert (found.max_enis, found.trunked_tasks) == (3, None)
    assert catalog.zones_offering("m99g.large", "eu-west-1") == 1
    assert catalog.rate(instance_hour("m99g.large", PurchaseOption.SPOT), "eu-west-1").usd == 0.05


def test_what_is_known_of_a_type_stays_when_ec2_says_the_same(aws, answers, server, tmp_path, shipped):
    described(answers, [facts(CurrentGeneration=False)])
    offered(answers, [("m5.large", "euw1-az1")])
    done = refresh(aws, tmp_path, shipped, server, "instance_types")
    assert not (done.generation / "instance_types.csv").exists()
    before = read_catalog("eu-west-1", folder=shipped).instance_type("m5.large")
    assert read_catalog("eu-west-1", folder=shipped, cache=tmp_path).instance_type("m5.large") == before


def test_a_type_that_changed_keeps_what_ec2_does_not_say(aws, answers, server, tmp_path, shipped):
    described(answers, [facts(mib=9000)])
    offered(answers, [("m5.large", "euw1-az1")])
    refresh(aws, tmp_path, shipped, server, "instance_types")
    before = read_catalog("eu-west-1", folder=shipped).instance_type("m5.large")
    after = read_catalog("eu-west-1", folder=shipped, cache=tmp_path).instance_type("m5.large")
    assert (after.memory_mib, after.coremark_per_thread) == (9000, before.coremark_per_thread)
    assert not after.is_registered_memory_observed
