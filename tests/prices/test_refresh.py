"""A refresh: what comes into force, what stays, and what is said."""

import csv
import json
import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from advisor.ecs import Architecture, PurchaseOption
from advisor.errors import AdvisorError, InputError, OutputError
from advisor.meters import (
    PUBLIC_IPV4_HOUR,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
    managed_instances_fee_hour,
)
from advisor.sources.catalog import pricing_data_folder, read_catalog
from advisor.sources.prices.cache import MANIFEST, generation_in_force, manifest_of
from advisor.sources.prices.generation import write_shipped
from advisor.sources.prices.refresh import OFFERS_OF_PARTS, RefreshOptions, refresh_prices
from tests.prices.offers import EC2_COLUMNS, ECS_COLUMNS, instance, ireland, offer_csv, product, windows
from tests.prices.server import breaks_off_after, refuses

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OFFERED = tuple(OFFERS_OF_PARTS)
ON_DEMAND = PurchaseOption.ON_DEMAND
M5_LARGE = instance_hour("m5.large", ON_DEMAND)
EC2_FILE = "/offers/v1.0/aws/AmazonEC2/20261120225308/eu-west-1/index.csv"


@pytest.fixture
def refresh(shipped):
    """Refreshes a cache over a few shipped prices."""

    def one(server, cache, *regions, check=lambda new, old: (), now=NOW, **options):
        options = {"parts": ("ec2", "fargate"), "shipped": shipped} | options
        return refresh_prices(
            regions or ("eu-west-1",),
            cache,
            check=check,
            options=RefreshOptions(price_list_url=server.url, now=lambda: now, sleep=lambda _: None, **options),
        )

    return one


@pytest.fixture
def read(shipped):
    """The catalog of Regions, by default of eu-west-1, with a cache over a few shipped prices."""
    return lambda cache, *regions: read_catalog(*regions or ("eu-west-1",), folder=shipped, cache=cache)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def with_m5_large_at(server, usd):
    """The next version of the EC2 offer."""
    server.files[EC2_FILE] = offer_csv("AmazonEC2", EC2_COLUMNS, [instance("m5.large", usd)]).encode()


def whole_content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- what comes into force


def test_every_part_of_a_region(price_list, tmp_path, refresh):
    done = refresh(price_list, tmp_path, parts=OFFERED)
    assert {each.part for each in done.fetched} == set(OFFERED)
    assert not done.not_fetched
    assert {each.published for each in done.fetched} == {"2026-11-20"}
    region = done.generation / "eu-west-1"
    assert sorted(path.name for path in region.iterdir()) == [
        "cloudwatch.csv",
        "data_transfer.csv",
        "ebs.csv",
        "ec2_on_demand.csv",
        "ec2_reserved.csv",
        "ec2_reserved_convertible.csv",
        "ec2_surplus_credits.csv",
        "ec2_windows_on_demand.csv",
        "ecr.csv",
        "elb.csv",
        "fargate.csv",
        "fargate_windows.csv",
        "managed_instances.csv",
        "savings_plans.csv",
        "vpc.csv",
    ]


def test_a_row_has_its_date_and_a_source_that_says_where_it_was_read(price_list, tmp_path, refresh):
    done = refresh(price_list, tmp_path)
    (row,) = [row for row in rows(done.generation, "eu-west-1/ec2_on_demand.csv") if row["instance_type"] == "m5.large"]
    assert row == {
        "instance_type": "m5.large",
        "usd": "0.107",
        "unit": "instance-hour",
        "source_id": "aws_price_list_AmazonEC2_eu-west-1",
        "as_of": "2026-11-25",
        "status": "current",
    }
    (source,) = [
        row for row in rows(done.generation, "sources.csv") if row["source_id"] == "aws_price_list_AmazonEC2_eu-west-1"
    ]
    assert source["where"] == price_list.url + EC2_FILE
    assert source["note"] == "version 20261120225308, published 2026-11-20, in force on 2026-11-25"


def test_the_catalog_takes_fetched_rates_and_keeps_the_others_with_their_dates(price_list, tmp_path, refresh, read):
    with_m5_large_at(price_list, "0.1234")
    refresh(price_list, tmp_path, parts=("ec2", "vpc"))
    before, catalog = read(None), read(tmp_path)
    assert catalog.rate(M5_LARGE, "eu-west-1").usd == 0.1234
    assert catalog.rate(M5_LARGE, "eu-west-1").as_of == "2026-11-25"
    other = instance_hour("m6i.large", ON_DEMAND)
    assert catalog.rate(other, "eu-west-1") == before.rate(other, "eu-west-1")
    assert catalog.rate(PUBLIC_IPV4_HOUR, "eu-west-1").usd == 0.005


def test_a_listed_fee_of_managed_instances_goes_before_the_derived_one(price_list, tmp_path, refresh, read):
    refresh(price_list, tmp_path, parts=("managed_instances",))
    catalog = read(tmp_path)
    listed = catalog.rate(managed_instances_fee_hour("m5.large"), "eu-west-1")
    derived = catalog.rate(managed_instances_fee_hour("m6i.large"), "eu-west-1")
    assert (listed.usd, listed.is_derived, derived.is_derived) == (0.01284, False, True)


def test_the_environment_names_the_cache(price_list, tmp_path, monkeypatch):
    with_m5_large_at(price_list, "0.1234")
    refresh_prices(
        ["eu-west-1"],
        tmp_path,
        check=lambda new, old: (),
        options=RefreshOptions(price_list_url=price_list.url, now=lambda: NOW, parts=("ec2",)),
    )
    monkeypatch.setenv("ADVISOR_CACHE_DIR", str(tmp_path))
    assert read_catalog("eu-west-1").rate(M5_LARGE, "eu-west-1").usd == 0.1234
    assert read_catalog("eu-west-1", folder=pricing_data_folder()).rate(M5_LARGE, "eu-west-1").usd == 0.107


def test_a_newer_shipped_row_goes_before_an_older_refreshed_one(price_list, tmp_path, refresh, read, shipped):
    """After an upgrade of the package; shipped EC2 rates are of 2026-07-05."""
    with_m5_large_at(price_list, "0.1234")
    price_list.files[EC2_FILE] = price_list.files[EC2_FILE].replace(b"2026-11-01", b"2026-05-01")
    price_list.files[EC2_FILE] = price_list.files[EC2_FILE].replace(b"2026-11-20T", b"2026-05-20T")
    refresh(price_list, tmp_path, now=datetime(2026, 6, 1, tzinfo=UTC))
    assert read(tmp_path).rate(M5_LARGE, "eu-west-1").usd == 0.107


def test_a_second_refresh_keeps_what_it_does_not_fetch(price_list, tmp_path, refresh, read):
    refresh(price_list, tmp_path, parts=("fargate",), now=datetime(2026, 11, 24, tzinfo=UTC))
    with_m5_large_at(price_list, "0.1234")
    refresh(price_list, tmp_path, parts=("ec2",))
    catalog = read(tmp_path)
    assert catalog.rate(fargate_gib_hour(Architecture.ARM64, ON_DEMAND), "eu-west-1").as_of == "2026-11-24"
    assert catalog.rate(M5_LARGE, "eu-west-1").as_of == "2026-11-25"


def test_only_the_files_of_the_wanted_parts_are_downloaded(price_list, tmp_path, refresh):
    refresh(price_list, tmp_path, parts=("fargate", "managed_instances"))
    assert [path for path in price_list.asked if path.endswith(".csv")] == [
        "/offers/v1.0/aws/AmazonECS/20261120225308/eu-west-1/index.csv"
    ]


def test_two_parts_of_one_file_of_the_catalog_stand_in_it_together(price_list, tmp_path, refresh):
    done = refresh(price_list, tmp_path, parts=("nat", "vpc"))
    assert [(row["item"], row["dimension"]) for row in rows(done.generation, "eu-west-1/vpc.csv")] == [
        ("interface_endpoint", "gib"),
        ("interface_endpoint", "hour"),
        ("nat_gateway", "gib"),
        ("nat_gateway", "hour"),
        ("public_ipv4", "address_hour"),
    ]


def test_an_instance_type_that_nobody_describes_is_left_out_and_named(price_list, tmp_path, refresh, read):
    text = offer_csv("AmazonEC2", EC2_COLUMNS, [instance("m99.large", "0.1"), instance("m5.large", "0.107")])
    price_list.files[EC2_FILE] = text.encode()
    done = refresh(price_list, tmp_path, parts=("ec2",))
    assert [row["instance_type"] for row in rows(done.generation, "eu-west-1/ec2_on_demand.csv")] == ["m5.large"]
    assert any("1 instance types have prices, and the catalog does not know what they are" in note for note in done.notes)
    assert any("m99.large" in note for note in done.notes)
    read(tmp_path)


def test_a_product_that_the_file_does_not_list_is_named(price_list, tmp_path, refresh, read):
    arm = [product("EU-Fargate-vCPU-Hours:perCPU", "0.04048", "hours", "Compute")]
    price_list.files["/offers/v1.0/aws/AmazonECS/20261120225308/eu-west-1/index.csv"] = offer_csv(
        "AmazonECS", ECS_COLUMNS, arm
    ).encode()
    done = refresh(price_list, tmp_path, parts=("fargate",))
    assert any("lists no" in note and "fargate ARM64 on_demand vcpu_hour" in note for note in done.notes)
    catalog = read(tmp_path)
    assert catalog.rate(fargate_vcpu_hour(Architecture.ARM64, ON_DEMAND), "eu-west-1").as_of < "2026-11-25"


def test_govcloud(server, tmp_path, refresh, read):
    row = instance("m5.large", "0.1210000000", region="us-gov-west-1", prefix="UGW1-")
    server.offer("AmazonEC2", "us-gov-west-1", offer_csv("AmazonEC2", EC2_COLUMNS, [row]))
    refresh(server, tmp_path, "us-gov-west-1", parts=("ec2",))
    assert read(tmp_path, "us-gov-west-1").rate(M5_LARGE, "us-gov-west-1").usd == 0.121


def test_a_region_newer_than_the_catalog(server, tmp_path, refresh, read):
    row = instance("m5.large", "0.2", region="ap-southeast-9", prefix="APS9-")
    server.offer("AmazonEC2", "ap-southeast-9", offer_csv("AmazonEC2", EC2_COLUMNS, [row]))
    refresh(server, tmp_path, "ap-southeast-9", parts=("ec2",))
    assert read(tmp_path, "ap-southeast-9").rate(M5_LARGE, "ap-southeast-9").usd == 0.2


# --- what cannot be fetched


def test_what_could_not_be_fetched_is_listed_and_keeps_its_old_row(price_list, tmp_path, refresh, read):
    price_list.faults[EC2_FILE] = [refuses(503)] * 6
    done = refresh(price_list, tmp_path, parts=("ec2", "ebs", "fargate"))
    assert {each.part for each in done.fetched} == {"fargate"}
    assert {each.part for each in done.not_fetched} == {"ec2", "ebs"}
    assert "could not be read in 6 attempts" in done.not_fetched[0].why
    assert read(tmp_path).rate(M5_LARGE, "eu-west-1").as_of == "2026-07-05"


def test_a_part_that_a_later_refresh_fails_to_fetch_keeps_the_row_of_the_earlier_one(price_list, tmp_path, refresh, read):
    with_m5_large_at(price_list, "0.1234")
    refresh(price_list, tmp_path, now=datetime(2026, 11, 24, tzinfo=UTC))
    price_list.faults[EC2_FILE] = [refuses(404)]
    refresh(price_list, tmp_path)
    rate = read(tmp_path).rate(M5_LARGE, "eu-west-1")
    assert (rate.usd, rate.as_of) == (0.1234, "2026-11-24")


def test_a_file_that_contradicts_itself_is_not_taken(price_list, tmp_path, refresh):
    text = offer_csv("AmazonEC2", EC2_COLUMNS, [instance("m5.large", "0.1"), instance("m5.large", "0.2")])
    price_list.files[EC2_FILE] = text.encode()
    done = refresh(price_list, tmp_path, parts=("ec2", "fargate"))
    (failed,) = done.not_fetched
    assert "two prices for ec2_on_demand.csv m5.large" in failed.why


def test_a_file_that_was_cut_at_a_wrong_length_is_downloaded_again(price_list, tmp_path, refresh):
    whole = price_list.files[EC2_FILE]
    price_list.faults[EC2_FILE] = [lambda handler, content: handler.answer(200, content[:-50])]
    done = refresh(price_list, tmp_path, parts=("ec2",))
    assert done.fetched
    assert price_list.asked.count(EC2_FILE) == 2
    assert price_list.files[EC2_FILE] == whole


def test_a_clock_that_goes_wrong_is_noticed(price_list, tmp_path, refresh):
    done = refresh(price_list, tmp_path, now=datetime(2020, 1, 1, tzinfo=UTC))
    assert not done.fetched
    assert "published on 2026-11-20, and this machine says that it is 2020-01-01" in done.not_fetched[0].why


def test_an_index_that_cannot_be_had_is_asked_for_once(price_list, tmp_path, refresh):
    index = "/offers/v1.0/aws/AmazonEC2/current/region_index.json"
    price_list.faults[index] = [refuses(503)] * 6
    done = refresh(price_list, tmp_path, "eu-west-1", "eu-west-2", "us-east-1", parts=("ec2",))
    assert len(done.not_fetched) == 3
    assert price_list.asked.count(index) == 6


def test_without_a_way_to_aws_it_soon_gives_up(tmp_path):
    waits = []
    done = refresh_prices(
        ("eu-west-1", "us-east-1"),
        tmp_path,
        check=lambda new, old: (),
        options=RefreshOptions(price_list_url="http://127.0.0.1:9", sleep=waits.append, parts=OFFERED),
    )
    assert len(done.not_fetched) == 2 * len(OFFERED)
    assert "no connection" in done.not_fetched[0].why
    assert "was not tried: there was no connection for 3 files in a row" in done.not_fetched[-1].why
    assert sum(waits) == 3 * 31


def test_files_that_are_broken_stop_no_other(price_list, tmp_path, refresh):
    for path in [path for path in price_list.files if path.endswith(".csv") and "ECR" not in path]:
        price_list.faults[path] = [breaks_off_after(100)] * 6
    done = refresh(price_list, tmp_path, parts=OFFERED)
    assert [each.part for each in done.fetched] == ["ecr"]


def test_an_offer_that_a_region_does_not_have(price_list, tmp_path, refresh):
    done = refresh(price_list, tmp_path, "eu-west-1", "eu-west-2", parts=("ecr",))
    assert [(each.region, each.why) for each in done.not_fetched] == [
        ("eu-west-2", "AWS lists no AmazonECR in eu-west-2 (closest: eu-west-1).")
    ]


def test_an_offer_file_without_anything_of_ours(price_list, tmp_path, refresh):
    text = offer_csv("AmazonEC2", EC2_COLUMNS, [instance("m5.large", "0.1", region="us-east-1")])
    price_list.files[EC2_FILE] = text.encode()
    done = refresh(price_list, tmp_path, parts=("ec2",))
    assert [each.why for each in done.not_fetched] == ["the AmazonEC2 file of 2026-11-20 lists no price for it"]
    assert generation_in_force(tmp_path) is None


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("/offers/v1.0/aws/index.json", {"offers": []}, "lists no offers"),
        ("/offers/v1.0/aws/index.json", {"offers": {}}, "names no file of AmazonECR by Region"),
        ("/offers/v1.0/aws/index.json", [], "is not an index"),
        ("/offers/v1.0/aws/AmazonECR/current/region_index.json", {}, "lists no Regions"),
        ("/offers/v1.0/aws/AmazonECR/current/region_index.json", {"regions": {"eu-west-1": {}}}, "without a Region or a file"),
        (
            "/offers/v1.0/aws/AmazonECR/current/region_index.json",
            {"regions": {"eu-west-1": {"regionCode": "eu-west-1", "currentVersionUrl": "https://example.com/x.json"}}},
            "names a file elsewhere",
        ),
        (
            "/offers/v1.0/aws/AmazonECR/current/region_index.json",
            {"regions": {"eu-west-1": {"regionCode": "eu-west-1", "currentVersionUrl": "//example.com/x.json"}}},
            "names a file elsewhere",
        ),
        (
            "/offers/v1.0/aws/index.json",
            {"offers": {"AmazonECR": {"currentRegionIndexUrl": "https://example.com/region_index.json"}}},
            "names a file elsewhere",
        ),
    ],
)
def test_an_index_that_is_not_what_it_was(price_list, tmp_path, path, content, why, refresh):
    price_list.files[path] = json.dumps(content).encode()
    done = refresh(price_list, tmp_path, parts=("ecr",))
    assert why in done.not_fetched[0].why


def test_without_an_account_spot_and_instance_types_are_listed(price_list, tmp_path, refresh):
    done = refresh(price_list, tmp_path, parts=("ecr", "instance_types", "spot"))
    assert [(each.part, each.why) for each in done.not_fetched] == [
        ("instance_types", "it needs an AWS account, and none was given"),
        ("spot", "it needs an AWS account, and none was given"),
    ]


# --- what is refused


def test_china_regions_are_refused(server, tmp_path, refresh):
    with pytest.raises(AdvisorError, match="cn-north-1 is priced in CNY"):
        refresh(server, tmp_path, "cn-north-1")
    assert not server.asked


@pytest.mark.parametrize("region", ["eu-west", "Ireland", "us-west-2-lax-1", "../eu-west-1", ""])
def test_what_is_no_region_is_refused(server, tmp_path, region, refresh):
    with pytest.raises(InputError, match="there is no Region"):
        refresh(server, tmp_path, region)


def test_a_part_that_there_is_not_is_refused(server, tmp_path, refresh):
    with pytest.raises(InputError, match=r"nothing to refresh called 'fargte'. Did you mean fargate\?"):
        refresh(server, tmp_path, parts=("fargte",))


def test_the_package_is_never_written_to(server, tmp_path, refresh, shipped):
    for folder in (shipped, shipped / "cache"):
        with pytest.raises(AdvisorError, match="part of the price data of the package"):
            refresh(server, folder)


def test_price_data_that_no_refresh_made_is_not_written_to(server, tmp_path, refresh):
    (tmp_path / "sources.csv").write_text("source_id,where,date,note,licence\n")
    with pytest.raises(AdvisorError, match="holds price data that no refresh made"):
        refresh(server, tmp_path)


def test_prices_that_fail_a_check_do_not_come_into_force(price_list, tmp_path, refresh):
    refresh(price_list, tmp_path)
    before = whole_content(generation_in_force(tmp_path))
    with_m5_large_at(price_list, "107")
    seen = []

    def check(new, old):
        seen.append((new.rate(M5_LARGE, "eu-west-1").usd, old.rate(M5_LARGE, "eu-west-1").usd))
        return ["eu-west-1/ec2_on_demand.csv, line 2: m5.large rose by a factor of 1,000"]

    done = refresh(price_list, tmp_path, check=check, parts=("ec2",))
    assert seen == [(107.0, 0.107)]
    assert done.refused == ["eu-west-1"]
    assert not done.fetched
    assert "its new prices were refused: eu-west-1/ec2_on_demand.csv, line 2: m5.large rose" in done.not_fetched[0].why
    assert whole_content(generation_in_force(tmp_path)) == before


def test_a_finding_that_is_accepted_is_named(price_list, tmp_path, refresh):
    with_m5_large_at(price_list, "107")
    done = refresh(price_list, tmp_path, check=lambda new, old: ["m5.large rose"], accept=("m5.*rose",), parts=("ec2",))
    assert done.fetched
    assert "accepted: m5.large rose" in done.notes


def test_a_region_that_fails_a_check_stops_no_other(price_list, tmp_path, refresh):
    price_list.offer(
        "AmazonEC2", "us-east-1", offer_csv("AmazonEC2", EC2_COLUMNS, [instance("m5.large", "9", region="us-east-1")])
    )
    done = refresh(
        price_list,
        tmp_path,
        "us-east-1",
        "eu-west-1",
        check=lambda new, old: ["too dear"] if "us-east-1" in new.regions else [],
        parts=("ec2",),
    )
    assert done.refused == ["us-east-1"]
    assert {each.region for each in done.fetched} == {"eu-west-1"}
    assert not (generation_in_force(tmp_path) / "us-east-1").exists()


# --- the cache


def test_a_generation_says_when_it_was_made(price_list, tmp_path, refresh):
    refresh(price_list, tmp_path)
    assert manifest_of(generation_in_force(tmp_path))["refreshed_at"] == "2026-11-25T12:00:00+00:00"


def test_nothing_but_the_last_two_generations_is_kept(price_list, tmp_path, refresh):
    for day in range(20, 25):
        refresh(price_list, tmp_path, parts=("ecr",), now=datetime(2026, 11, day, tzinfo=UTC))
    assert sorted(path.name for path in (tmp_path / "generations").iterdir()) == ["000004", "000005"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "generations", "lock"]


def test_a_reader_of_the_generation_before_is_not_disturbed(price_list, tmp_path, refresh):
    refresh(price_list, tmp_path, parts=("ecr",))
    before = generation_in_force(tmp_path)
    content = whole_content(before)
    price_list.files["/offers/v1.0/aws/AmazonECR/20261120225308/eu-west-1/index.csv"] = price_list.files[
        "/offers/v1.0/aws/AmazonECR/20261120225308/eu-west-1/index.csv"
    ].replace(b"0.1000000000", b"0.2000000000")
    refresh(price_list, tmp_path, parts=("ecr",))
    assert whole_content(before) == content
    assert generation_in_force(tmp_path) != before


def test_two_refreshes_at_once_lose_nothing_of_each_other(price_list, tmp_path, read, shipped):
    for region, prefix in (("us-east-1", ""), ("us-east-2", "USE2-"), ("us-west-2", "USW2-")):
        rows_ = [instance("m5.large", "0.1", region=region, prefix=prefix)]
        price_list.offer("AmazonEC2", region, offer_csv("AmazonEC2", EC2_COLUMNS, rows_))
    regions = ("eu-west-1", "us-east-1", "us-east-2", "us-west-2")
    failed = []

    def one(region):
        try:
            refresh_prices(
                (region,),
                tmp_path,
                check=lambda new, old: (),
                options=RefreshOptions(price_list_url=price_list.url, now=lambda: NOW, parts=("ec2",), shipped=shipped),
            )
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=one, args=(region,)) for region in regions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    catalog = read(tmp_path, *regions)
    assert {catalog.rate(M5_LARGE, region).as_of for region in regions} == {"2026-11-25"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "generations", "lock"]


def test_a_refresh_that_holds_the_lock_for_too_long_is_named(price_list, tmp_path, refresh):
    from advisor.sources.prices.cache import _Lock

    tmp_path.joinpath("lock").touch()
    lock = _Lock(tmp_path / "lock")
    assert lock.take()
    with pytest.raises(OutputError, match="another refresh has been writing"):
        refresh(price_list, tmp_path, parts=("ecr",))
    lock.release()
    assert refresh(price_list, tmp_path, parts=("ecr",)).fetched


def test_a_cache_that_cannot_be_written_is_named(price_list, tmp_path, refresh):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot keep prices in .*--cache-dir"):
        refresh(price_list, tmp_path / "file")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "current").write_text("999999\n"),
        lambda folder: (folder / "current").write_text(""),
        lambda folder: (folder / "current").write_text("../../.."),
        lambda folder: (folder / "current").write_bytes(b"\xff\xfe"),
        lambda folder: (generation_in_force(folder) / MANIFEST).unlink(),
        lambda folder: (generation_in_force(folder) / MANIFEST).write_text('{"format": 99}'),
        lambda folder: (generation_in_force(folder) / MANIFEST).write_text("[]"),
    ],
    ids=["gone", "empty", "path", "bytes", "no manifest", "later format", "list"],
)
def test_a_cache_that_is_not_understood_is_none_and_is_made_anew(price_list, tmp_path, spoil, refresh, read):
    refresh(price_list, tmp_path)
    spoil(tmp_path)
    assert generation_in_force(tmp_path) is None
    assert read(tmp_path).rate(M5_LARGE, "eu-west-1").as_of == "2026-07-05"
    refresh(price_list, tmp_path)
    assert read(tmp_path).rate(M5_LARGE, "eu-west-1").as_of == "2026-11-25"


def test_a_folder_with_the_layout_of_price_data_is_a_cache_too(tmp_path, read):
    (tmp_path / "eu-west-1").mkdir()
    (tmp_path / "sources.csv").write_text("source_id,where,date,note,licence\nmine,desk,2026-11-25,,\n")
    (tmp_path / "eu-west-1/ec2_on_demand.csv").write_text(
        "instance_type,usd,unit,source_id,as_of,status\nm5.large,0.5,instance-hour,mine,2026-11-25,current\n"
    )
    assert read(tmp_path).rate(M5_LARGE, "eu-west-1").usd == 0.5


# --- the shipped price data


@pytest.fixture
def checkout(tmp_path, shipped):
    folder = tmp_path / "checkout"
    shutil.copytree(shipped, folder)
    return folder


def test_a_maintainer_writes_the_shipped_prices(price_list, tmp_path, checkout, refresh):
    price_list.files[EC2_FILE] = offer_csv(
        "AmazonEC2", EC2_COLUMNS, [instance("m5.large", "0.1234"), windows("m5.large", "0.2")]
    ).encode()
    done = refresh(price_list, tmp_path / "cache", parts=("ec2",))
    changed = write_shipped(done.generation, checkout)
    assert changed == ["eu-west-1/ec2_on_demand.csv", "eu-west-1/ec2_windows_on_demand.csv", "sources.csv"]
    catalog = read_catalog("eu-west-1", folder=checkout)
    assert catalog.rate(M5_LARGE, "eu-west-1").usd == 0.1234
    assert catalog.rate(instance_hour("m6i.large", ON_DEMAND), "eu-west-1").as_of == "2026-07-05"
    old = [row for row in rows(checkout, "eu-west-1/ec2_on_demand.csv") if row["instance_type"] == "m5.large"]
    assert [(row["usd"], row["status"]) for row in old] == [("0.107", "superseded"), ("0.1234", "current")]
    assert write_shipped(done.generation, checkout) == []


def test_what_is_no_price_data_is_not_written_to(price_list, tmp_path, refresh):
    done = refresh(price_list, tmp_path / "cache", parts=("ecr",))
    with pytest.raises(AdvisorError, match="holds no price data"):
        write_shipped(done.generation, tmp_path)


def test_a_download_that_breaks_off_goes_on(price_list, tmp_path, refresh):
    price_list.faults[EC2_FILE] = [breaks_off_after(3_000)]
    assert refresh(price_list, tmp_path, parts=("ec2",)).fetched
    assert ireland()["AmazonEC2"]
