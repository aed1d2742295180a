import csv
import math
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from advisor.billing import amounts_usd, total_usd
from advisor.ecs import Architecture, PurchaseOption
from advisor.errors import AdvisorError, InputError, PriceNotFoundError
from advisor.meters import (
    FARGATE_EPHEMERAL_GIB_HOUR,
    GP3_GIB_MONTH,
    PUBLIC_IPV4_HOUR,
    CommitmentKind,
    Meter,
    PaymentOption,
    committed,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
    managed_instances_fee_hour,
    spot_pool_hour,
    surplus_vcpu_hour,
    windows_instance_hour,
)
from advisor.pricing import FeeRatio, OwnRate, PriceCatalog, Rate, RegionPrices, Source
from advisor.sources.catalog import pricing_data_folder, read_catalog, regions

X86, ARM = Architecture.X86_64, Architecture.ARM64
ON_DEMAND, SPOT = PurchaseOption.ON_DEMAND, PurchaseOption.SPOT
M5 = instance_hour("m5.large", ON_DEMAND)


@pytest.fixture(scope="module")
def virginia():
    return read_catalog("us-east-1")


@pytest.fixture(scope="module")
def ireland():
    return read_catalog("eu-west-1")


@pytest.fixture
def copied_data(tmp_path) -> Path:
    """A catalog of us-east-1 and eu-west-1 that a test may spoil."""
    folder = tmp_path / "pricing_data"
    for path in pricing_data_folder().iterdir():
        if path.suffix == ".csv":
            folder.mkdir(exist_ok=True)
            shutil.copy(path, folder)
        elif path.name in {"us-east-1", "eu-west-1"}:
            shutil.copytree(path, folder / path.name)
    return folder


# --- rates


def test_a_rate_names_its_unit_source_and_date(virginia):
    rate = virginia.rate(instance_hour("m5.large", ON_DEMAND), "us-east-1")
    assert (rate.usd, rate.unit, rate.source_id, rate.as_of) == (0.096, "instance-hour", "vantage_landscape", "2026-07-05")
    assert not rate.is_derived
    assert not rate.note
    assert "Price List" in virginia.source(rate.source_id).note


def test_arm_is_not_priced_as_x86_where_it_has_no_rate():
    oregon = read_catalog("us-west-2")
    assert oregon.rate(fargate_vcpu_hour(X86, ON_DEMAND), "us-west-2").usd == 0.04048
    with pytest.raises(
        PriceNotFoundError, match=r"fargate:linux:arm64:on_demand:vcpu_hour in us-west-2 \(catalog of 20"
    ) as caught:
        oregon.rate(fargate_vcpu_hour(ARM, ON_DEMAND), "us-west-2")
    assert caught.value.similar[0] == "fargate:linux:x86_64:on_demand:vcpu_hour"
    assert len(caught.value.similar) <= 3


def test_a_stale_rate_prices_nothing_and_is_named_with_its_date():
    tokyo = read_catalog("ap-northeast-1")
    with pytest.raises(PriceNotFoundError, match=r"only a stale rate of 2021-01-14 \(fgcalc_2021_01\), which prices nothing"):
        tokyo.rate(fargate_vcpu_hour(X86, SPOT), "ap-northeast-1")


def test_the_current_rate_is_used_beside_two_superseded_ones(virginia):
    # The feed of 2026-09-28; not 0.01268 of 2026-08-22, nor 0.01264355 of 2021.
    rate = virginia.rate(fargate_vcpu_hour(X86, SPOT), "us-east-1")
    assert (rate.usd, rate.as_of) == (0.01288871, "2026-09-28")


def test_rates_of_a_sweep_are_nan_where_there_is_none(ireland):
    meters = [instance_hour("m5.large", ON_DEMAND), PUBLIC_IPV4_HOUR, surplus_vcpu_hour("t3.large"), GP3_GIB_MONTH]
    assert_allclose(ireland.rates_usd(meters, "eu-west-1"), [0.107, np.nan, np.nan, 0.088])


def test_a_sweep_of_no_meters_has_no_rates(ireland):
    assert ireland.rates_usd([], "eu-west-1").shape == (0,)


@given(names=st.lists(st.sampled_from(["m5.large", "m5.larg", "t3.micro", "g6.xlarge", "p5.48xlarge", "x"]), max_size=4))
def test_a_sweep_and_single_questions_agree(ireland, names):
    meters = [
        meter
        for name in names
        for meter in (
            instance_hour(name, SPOT),
            spot_pool_hour(name),
            managed_instances_fee_hour(name),
            surplus_vcpu_hour(name),
        )
    ]
    for meter, usd in zip(meters, ireland.rates_usd(meters, "eu-west-1"), strict=True):
        if math.isnan(usd):
            with pytest.raises(PriceNotFoundError):
                ireland.rate(meter, "eu-west-1")
        else:
            assert ireland.rate(meter, "eu-west-1").usd == usd


def test_a_meter_counted_in_another_unit_is_refused(virginia):
    per_gb = Meter(id=GP3_GIB_MONTH.id, unit="GB-month")
    for ask in (virginia.rate, lambda meter, region: virginia.rates_usd([meter], region)):
        with pytest.raises(AdvisorError, match=r"counted in GB-month.*per GiB-month"):
            ask(per_gb, "us-east-1")


def test_a_region_that_was_not_read_is_refused(virginia):
    with pytest.raises(AdvisorError, match=r"holds us-east-1, not eu-west-1"):
        virginia.rate(GP3_GIB_MONTH, "eu-west-1")


def test_several_regions_in_one_catalog_stay_apart():
    both = read_catalog("us-east-1", "eu-west-1")
    m5 = instance_hour("m5.large", ON_DEMAND)
    assert both.regions == ("us-east-1", "eu-west-1")
    assert [both.rate(m5, region).usd for region in both.regions] == [0.096, 0.107]


# --- derived rates


def test_the_managed_instances_fee_is_derived_from_the_on_demand_rate(virginia):
    def fee(name):
        return virginia.rate(managed_instances_fee_hour(name), "us-east-1")

    assert fee("c6a.2xlarge").usd == pytest.approx(0.03672)  # 0.12 x 0.306; AWS's example fee is 0.037
    assert fee("g6e.48xlarge").usd == pytest.approx(0.078 * 30.1312)  # since 2026-07; 0.12 x 30.13 = 3.6157 before
    assert fee("p5.48xlarge").usd == pytest.approx(2.64192)  # 0.048 x 55.04
    assert fee("m5.large").is_derived
    assert "0.12 of the on-demand rate 0.096" in fee("m5.large").note
    assert fee("m5.large").as_of == "2026-05-26"  # the older of the ratio's date and the rate's


def test_managed_instances_have_no_fee_for_what_they_do_not_offer(virginia):
    assert virginia.rate(managed_instances_fee_hour("t3.small"), "us-east-1").usd == pytest.approx(0.12 * 0.0208)
    for name in ("t3.micro", "t3.nano"):
        with pytest.raises(PriceNotFoundError):
            virginia.rate(managed_instances_fee_hour(name), "us-east-1")


def test_a_member_of_a_spot_pool_costs_the_mean_over_zones_and_their_spread(ireland):
    spot = ireland.rate(instance_hour("m5.large", SPOT), "eu-west-1")
    pool = ireland.rate(spot_pool_hour("m5.large"), "eu-west-1")
    assert pool.usd == pytest.approx(1.19 * spot.usd)
    assert pool.is_derived
    assert "1.19" in pool.note
    assert (pool.source_id, pool.as_of) == (spot.source_id, spot.as_of)


def test_govcloud_has_no_spot_rates_and_so_no_pools():
    catalog = read_catalog("us-gov-west-1")
    for meter in (instance_hour("m5.large", SPOT), spot_pool_hour("m5.large")):
        with pytest.raises(PriceNotFoundError):
            catalog.rate(meter, "us-gov-west-1")


# --- what a Region offers


def test_instance_types_are_those_with_an_on_demand_rate_by_name(ireland):
    types = ireland.instance_types("eu-west-1")
    names = [each.name for each in types]
    assert len(names) == 1039  # rows of Linux in the Region eu-west-1 in the collected prices
    assert names == sorted(names)
    assert not np.isnan(ireland.rates_usd([instance_hour(name, ON_DEMAND) for name in names], "eu-west-1")).any()


def test_an_instance_type_that_does_not_exist_gets_near_names(ireland):
    assert ireland.instance_type("m7g.large").architectures == (ARM,)
    with pytest.raises(AdvisorError, match=r"no instance type 'm7g.larg' in the catalog \(closest: m7g.large"):
        ireland.instance_type("m7g.larg")


def test_zones_are_counted_or_not_known(virginia):
    assert virginia.zones_offering("a1.2xlarge", "us-east-1") == 3  # use1-az2, use1-az4, use1-az6
    emirates = read_catalog("me-central-1", "ap-east-2")
    assert emirates.zones_offering("t3.large", "me-central-1") is None  # priced there, but not in the recorded offerings
    assert emirates.zones_offering("m7i.large", "ap-east-2") is None  # offerings of the whole Region were not recorded


def test_dates_are_those_of_the_list_rates_and_undated_ones_are_named(virginia):
    dates = virginia.dates("us-east-1")
    assert (dates.oldest, dates.newest) == ("2024-07-01", "2026-10-13")
    assert dates.undated == ("ec2:linux:surplus:t4g",)
    assert virginia.catalog_date("us-east-1") == "2026-10-13"
    assert str(dates) == "2024-07-01 to 2026-10-13, 1 undated"


def test_a_region_that_does_not_exist_gets_near_names():
    with pytest.raises(AdvisorError, match=r"no prices for a Region 'us-east1'\. Closest: us-east-1"):
        read_catalog("us-east1")
    with pytest.raises(AdvisorError, match=r"no prices for a Region 'moon'\. There is af-south-1"):
        read_catalog("us-east-1", "moon")


@pytest.mark.parametrize("region", ["..", "", "us-east-1/..", "US-EAST-1"])
def test_a_region_is_not_a_path(region):
    with pytest.raises(AdvisorError, match="no prices for a Region"):
        read_catalog(region)


def test_china_regions_are_refused_for_their_currency():
    with pytest.raises(AdvisorError, match=r"cn-north-1 is priced in CNY"):
        read_catalog("cn-north-1")


# --- faults in the files


def spoil(path: Path, line: int, edit) -> None:
    """Rewrite one line of a CSV: ``edit`` takes its cells and returns rows for its place."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    rows[line - 1 : line] = edit(rows[line - 1])
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def cell(column: int, text: str):
    return lambda row: [[*row[:column], text, *row[column + 1 :]]]


def twice(row):
    return [row, row]


ON_DEMAND_FILE, FARGATE_FILE = "us-east-1/ec2_on_demand.csv", "us-east-1/fargate.csv"
FAULTS = {
    "instance type twice": (ON_DEMAND_FILE, 7, twice, 8, "second current rate of ec2:linux:on_demand:.*line 7"),
    "fargate rate twice": (FARGATE_FILE, 2, twice, 3, "second current rate of fargate:linux:arm64"),
    "surplus rate twice": ("us-east-1/ec2_surplus_credits.csv", 3, twice, 4, "second current rate"),
    "zero": (ON_DEMAND_FILE, 9, cell(1, "0"), 9, "number above zero, not '0'"),
    "negative": (ON_DEMAND_FILE, 9, cell(1, "-0.1"), 9, "number above zero"),
    "text": (ON_DEMAND_FILE, 9, cell(1, "0,096"), 9, "number above zero, not '0,096'"),
    "empty": (ON_DEMAND_FILE, 9, cell(1, ""), 9, "number above zero"),
    "nan": (ON_DEMAND_FILE, 9, cell(1, "nan"), 9, "number above zero"),
    "infinite": (ON_DEMAND_FILE, 9, cell(1, "inf"), 9, "number above zero"),
    "unit": (ON_DEMAND_FILE, 9, cell(2, "instance-month"), 9, "counted in instance-hour, not 'instance-month'"),
    "unknown source": (ON_DEMAND_FILE, 9, cell(3, "hearsay"), 9, "sources.csv has no 'hearsay'"),
    "no source": (ON_DEMAND_FILE, 9, cell(3, ""), 9, "sources.csv has no ''"),
    "no date": (ON_DEMAND_FILE, 9, cell(4, ""), 9, "neither a date nor 'undated'"),
    "no day": (ON_DEMAND_FILE, 9, cell(4, "2026-02-30"), 9, "'2026-02-30' is neither a date"),
    "other date": (ON_DEMAND_FILE, 9, cell(4, "05.07.2026"), 9, "neither a date"),
    "status": (ON_DEMAND_FILE, 9, cell(5, "good"), 9, "'good' is none of current, superseded, stale"),
    "type without specs": (ON_DEMAND_FILE, 9, cell(0, "m5.larg"), 9, "instance_types.csv has no 'm5.larg'"),
    "unknown dimension": (FARGATE_FILE, 2, cell(2, "gb_hour"), 2, "nothing that the catalog prices"),
    "short row": (ON_DEMAND_FILE, 9, lambda row: [row[:-1]], 9, "5 cells, the header 6"),
    "long row": (ON_DEMAND_FILE, 9, lambda row: [[*row, "x"]], 9, "7 cells, the header 6"),
    "header": (ON_DEMAND_FILE, 1, cell(1, "price"), 1, "the header is not instance_type,usd,unit"),
    "specs twice": ("instance_types.csv", 5, twice, 6, "stands here and in line 5"),
    "specs in words": ("instance_types.csv", 5, cell(1, "four"), 5, "does not fit its column"),
    "specs architecture": ("instance_types.csv", 5, cell(7, "i386"), 5, "does not fit its column"),
    "specs source": ("instance_types.csv", 5, cell(19, "hearsay"), 5, "sources.csv lacks .*'hearsay'"),
    "zones twice": ("us-east-1/zones.csv", 5, twice, 6, "stands here and in line 5"),
    "zone of another Region": (
        "us-east-1/zones.csv",
        5,
        cell(1, "use1-az1|euw1-az2"),
        5,
        "are not zones of us-east-1, whose ids start with use1-az",
    ),
    "no zone": ("us-east-1/zones.csv", 5, cell(1, ""), 5, "no zone for"),
    "zone source": ("us-east-1/zones.csv", 5, cell(2, "hearsay"), 5, "sources.csv has no 'hearsay'"),
    "fee twice": ("managed_instances_fee.csv", 2, twice, 3, "default stands here and in line 2"),
    "fee in percent": ("managed_instances_fee.csv", 2, cell(1, "12"), 2, "between 0 and 1, not '12'"),
    "fee that has ended": ("managed_instances_fee.csv", 2, cell(3, "2026-06-30"), 2, "'current' of a ratio that is valid to"),
    "ratio twice": ("commitment_ratios.csv", 3, twice, 4, "1y:partial_upfront stands here and in line 3"),
    "ratio below one": ("commitment_ratios.csv", 3, cell(2, "0.98"), 3, "lies between 1 and 2, not 0.98"),
    "ratio of no payment": ("commitment_ratios.csv", 3, cell(1, "half_upfront"), 3, "'1y:half_upfront' is none of"),
    "gap twice": ("gaps.csv", 3, twice, 4, "stands here and in line 3"),
    "fee source": ("managed_instances_fee.csv", 2, cell(4, "hearsay"), 2, "sources.csv has no 'hearsay'"),
    "source twice": ("sources.csv", 3, twice, 4, "stands here and in line 3"),
    "source without a place": ("sources.csv", 3, cell(1, ""), 3, "an id, a place and a date"),
}


@pytest.mark.parametrize(("file", "line", "edit", "found_in", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_refused_with_file_and_line(copied_data, file, line, edit, found_in, message):
    read_catalog("us-east-1", folder=copied_data)
    spoil(copied_data / file, line, edit)
    with pytest.raises(InputError, match=message) as caught:
        read_catalog("us-east-1", folder=copied_data)
    assert caught.value.file == str(copied_data / file)
    assert caught.value.line == found_in


def test_a_row_that_is_not_current_may_stand_beside_a_current_one(copied_data):
    path = copied_data / ON_DEMAND_FILE
    spoil(path, 7, lambda row: [[*row[:1], "99", *row[2:-1], "superseded"], row])
    meter = instance_hour(path.read_text().splitlines()[6].split(",")[0], ON_DEMAND)
    assert read_catalog("us-east-1", folder=copied_data).rate(meter, "us-east-1").usd < 99


def test_a_price_that_only_has_superseded_rows_is_missing(copied_data):
    spoil(copied_data / "us-east-1/ebs.csv", 2, cell(6, "superseded"))
    with pytest.raises(PriceNotFoundError, match=r"only a superseded rate of 2025-10-28"):
        read_catalog("us-east-1", folder=copied_data).rate(GP3_GIB_MONTH, "us-east-1")


def test_a_file_in_another_encoding_is_refused(copied_data):
    path = copied_data / "sources.csv"
    path.write_bytes(path.read_bytes().replace(b"facts only", b"caf\xe9", 1))
    with pytest.raises(InputError, match="cannot be read"):
        read_catalog("us-east-1", folder=copied_data)


def test_a_missing_file_of_specs_is_named(copied_data):
    (copied_data / "instance_types.csv").unlink()
    with pytest.raises(InputError, match=r"instance_types\.csv.*cannot be read"):
        read_catalog("us-east-1", folder=copied_data)


def test_a_region_without_a_concept_lacks_only_that(copied_data):
    (copied_data / FARGATE_FILE).unlink()
    (copied_data / "us-east-1/fargate_windows.csv").unlink()
    catalog = read_catalog("us-east-1", folder=copied_data)
    assert catalog.rate(instance_hour("m5.large", ON_DEMAND), "us-east-1").usd == 0.096
    with pytest.raises(PriceNotFoundError, match="nothing similar"):
        catalog.rate(fargate_gib_hour(X86, ON_DEMAND), "us-east-1")


# --- further rates, read when they are asked for


def test_a_fault_in_a_file_that_nobody_asks_for_hurts_nobody_and_whoever_asks_is_told(copied_data):
    spoil(copied_data / "us-east-1/ec2_windows_on_demand.csv", 9, cell(1, "0"))
    catalog = read_catalog("us-east-1", folder=copied_data)
    assert catalog.rate(M5, "us-east-1").usd == 0.096
    with pytest.raises(InputError, match="number above zero, not '0'") as caught:
        catalog.rate(windows_instance_hour("m5.large", ON_DEMAND), "us-east-1")
    assert (Path(caught.value.file).name, caught.value.line) == ("ec2_windows_on_demand.csv", 9)


def test_what_is_read_later_is_what_was_there_at_first(copied_data):
    catalog = read_catalog("us-east-1", folder=copied_data)
    (copied_data / "us-east-1/ec2_windows_on_demand.csv").unlink()
    assert catalog.rate(windows_instance_hour("m5.large", ON_DEMAND), "us-east-1").usd == 0.188


def test_a_catalog_survives_pickling(virginia):
    other = pickle.loads(pickle.dumps(virginia))  # noqa: S301
    for meter in (M5, windows_instance_hour("m5.large", ON_DEMAND), managed_instances_fee_hour("m5.large")):
        assert other.rate(meter, "us-east-1") == virginia.rate(meter, "us-east-1")


def test_a_derived_commitment_says_how_and_how_far_it_may_be_off(virginia):
    meter = committed(M5, CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN, years=3, payment=PaymentOption.PARTIAL_UPFRONT)
    rate = virginia.rate(meter, "us-east-1")
    assert rate.usd == pytest.approx(1.06383 * 0.036111)  # by hand, from the two tables
    assert (rate.is_derived, rate.error_fraction, rate.as_of) == (True, 0.007, "2026-07-05")
    assert rate.note == (
        "derived: 1.06383 x the all-upfront Reserved Instance rate 0.036111 (vantage_landscape, 2026-07-05), within 0.7%,"
        " which an EC2 Instance Savings Plan equals"
    )


# --- refreshed prices over the shipped ones


@pytest.fixture
def refreshed(tmp_path):
    """Writes rows of us-east-1 into a folder of refreshed prices."""

    def write(file: str, *rows: str) -> Path:
        folder = tmp_path / "cache"
        (folder / "us-east-1").mkdir(parents=True, exist_ok=True)
        header = (pricing_data_folder() / "us-east-1" / file).read_text().splitlines()[0]
        (folder / "us-east-1" / file).write_text("\n".join((header, *rows)) + "\n")
        (folder / "sources.csv").write_text("source_id,where,date,note,licence\nrefreshed,the price list,2026-11-20,,\n")
        return folder

    return write


def gp3(usd, as_of, status="current"):
    return f"gp3,gib_month,{usd},GiB-month,refreshed,{as_of},{status}"


def test_a_newer_rate_holds_and_the_others_stay(refreshed):
    catalog = read_catalog("us-east-1", cache=refreshed("ebs.csv", gp3("0.07", "2026-11-20")))
    rate = catalog.rate(GP3_GIB_MONTH, "us-east-1")
    assert (rate.usd, rate.as_of, catalog.source(rate.source_id).where) == (0.07, "2026-11-20", "the price list")
    assert catalog.rate(M5, "us-east-1").usd == 0.096
    status, old = catalog.region_prices("us-east-1").outdated[GP3_GIB_MONTH.id]
    assert (status, old.usd) == ("superseded", 0.08)


def test_an_older_rate_of_the_cache_does_not_hold(refreshed):
    catalog = read_catalog("us-east-1", cache=refreshed("ebs.csv", gp3("0.07", "2024-01-31")))
    assert catalog.rate(GP3_GIB_MONTH, "us-east-1").usd == 0.08


def test_of_two_rates_of_one_day_the_refreshed_one_holds(refreshed):
    catalog = read_catalog("us-east-1", cache=refreshed("ebs.csv", gp3("0.07", "2025-10-28")))
    assert catalog.rate(GP3_GIB_MONTH, "us-east-1").usd == 0.07


def test_a_rate_that_a_refresh_superseded_is_gone(refreshed):
    cache = refreshed("ebs.csv", gp3("0.08", "2026-11-20", "superseded"))
    with pytest.raises(PriceNotFoundError, match="only a superseded rate of 2026-11-20"):
        read_catalog("us-east-1", cache=cache).rate(GP3_GIB_MONTH, "us-east-1")


def test_a_fault_in_the_cache_names_its_file(refreshed):
    with pytest.raises(InputError, match="above zero") as caught:
        read_catalog("us-east-1", cache=refreshed("ebs.csv", gp3("0", "2026-11-20")))
    assert "cache/us-east-1/ebs.csv" in caught.value.file


def test_the_cache_that_the_environment_names_is_used_unless_a_folder_is_given(refreshed, monkeypatch):
    monkeypatch.setenv("ADVISOR_CACHE_DIR", str(refreshed("ebs.csv", gp3("0.07", "2026-11-20"))))
    assert read_catalog("us-east-1").rate(GP3_GIB_MONTH, "us-east-1").usd == 0.07
    assert read_catalog("us-east-1", folder=pricing_data_folder()).rate(GP3_GIB_MONTH, "us-east-1").usd == 0.08


def test_of_several_generations_the_one_in_force_is_read(refreshed, tmp_path):
    folder = refreshed("ebs.csv", gp3("0.07", "2026-11-20"))
    cache = tmp_path / "platform"
    (cache / "generations").mkdir(parents=True)
    shutil.copytree(folder, cache / "generations" / "000002")
    (cache / "generations/000002/refresh.json").write_text('{"format": 1}')
    (cache / "current").write_text("000002\n")
    assert read_catalog("us-east-1", cache=cache).rate(GP3_GIB_MONTH, "us-east-1").usd == 0.07
    (cache / "current").write_text("../../elsewhere\n")
    assert read_catalog("us-east-1", cache=cache).rate(GP3_GIB_MONTH, "us-east-1").usd == 0.08


def test_a_listed_fee_goes_before_the_derived_one(refreshed):
    folder = refreshed("ec2_on_demand.csv")
    rate = "usd,unit,source_id,as_of,status"
    row = "m5.large,0.0116,instance-hour,refreshed,2026-11-20,current"
    (folder / "us-east-1/managed_instances.csv").write_text(f"instance_type,{rate}\n{row}\n")
    catalog = read_catalog("us-east-1", cache=folder)
    assert catalog.rate(managed_instances_fee_hour("m5.large"), "us-east-1") == Rate(
        0.0116, "instance-hour", "refreshed", "2026-11-20"
    )
    assert catalog.rate(managed_instances_fee_hour("m5.xlarge"), "us-east-1").is_derived


# --- the same catalog again


def test_a_catalog_is_named_by_its_content_wherever_it_lies(copied_data, virginia, tmp_path):
    one = read_catalog("us-east-1", folder=copied_data).origin("us-east-1")
    other = read_catalog("us-east-1", folder=copied_data.rename(tmp_path / "moved")).origin("us-east-1")
    assert (one.sha256, one.name, other.name) == (other.sha256, "folder pricing_data", "folder moved")
    assert one.sha256 == virginia.origin("us-east-1").sha256
    assert virginia.origin("us-east-1").name.startswith("shipped with ")
    spoil(tmp_path / "moved/us-east-1/ec2_reserved.csv", 9, lambda row: [])  # also what is read only when asked for
    assert read_catalog("us-east-1", folder=tmp_path / "moved").origin("us-east-1").sha256 != one.sha256


def test_a_refreshed_catalog_has_another_name_and_hash(refreshed, virginia):
    catalog = read_catalog("us-east-1", cache=refreshed("ebs.csv", gp3("0.07", "2026-11-20")))
    origin = catalog.origin("us-east-1")
    assert origin.name.endswith(", refreshed")
    assert origin.sha256 != virginia.origin("us-east-1").sha256


def test_a_folder_without_prices_is_named(tmp_path):
    with pytest.raises(AdvisorError, match=r"no prices in .*nothing: a catalog has a folder for each Region"):
        read_catalog("us-east-1", folder=tmp_path / "nothing")


# --- own rates

HEADER = "meter,region,usd,unit,discount_fraction,source,as_of"


@pytest.fixture
def with_rates(tmp_path):
    def read(*rows: str, header: str = HEADER, region: str = "eu-west-1"):
        path = tmp_path / "own.csv"
        path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        return read_catalog(region, rates_file=path)

    return read


def test_an_own_rate_wins_and_says_so(with_rates):
    catalog = with_rates("ec2:linux:on_demand:m5.large,eu-west-1,0.09,instance-hour,,our agreement,2026-11-01")
    rate = catalog.rate(M5, "eu-west-1")
    assert (rate.usd, rate.source_id, rate.as_of) == (0.09, "own rates: own.csv, line 2", "2026-11-01")
    assert rate.note == "own rates, line 2; our agreement"
    assert catalog.source(rate.source_id).where == "own.csv"
    assert catalog.notes == ()
    assert [each.path.endswith("own.csv") for each in catalog.inputs] == [True]


def test_an_own_rate_may_add_a_price_that_the_catalog_lacks(with_rates):
    catalog = with_rates("vpc:public_ipv4:address_hour,*,0.005,address-hour,,,", "ec2:linux:surplus:t3a,*,0.05,vCPU-hour,,,")
    assert catalog.rate(PUBLIC_IPV4_HOUR, "eu-west-1").usd == 0.005
    assert catalog.rate(surplus_vcpu_hour("t3a.large"), "eu-west-1").as_of == "undated"


def test_an_added_instance_rate_brings_the_type_its_fee_and_its_pool(with_rates, ireland):
    assert "c9g.large" not in {each.name for each in ireland.instance_types("eu-west-1")}
    catalog = with_rates(
        "ec2:linux:on_demand:c9g.large,*,0.1,instance-hour,,,", "ec2:linux:spot:c9g.large,*,0.05,instance-hour,,,"
    )
    assert "c9g.large" in {each.name for each in catalog.instance_types("eu-west-1")}
    assert catalog.rate(managed_instances_fee_hour("c9g.large"), "eu-west-1").usd == pytest.approx(0.012)
    assert catalog.rate(spot_pool_hour("c9g.large"), "eu-west-1").usd == pytest.approx(0.0595)


def test_a_discount_by_pattern_lowers_each_rate_once(with_rates, ireland):
    catalog = with_rates("*,*,,,0.1,private pricing,")
    meters = [
        M5,
        instance_hour("m5.large", SPOT),
        spot_pool_hour("m5.large"),
        managed_instances_fee_hour("m5.large"),
        GP3_GIB_MONTH,
    ]
    assert_allclose(catalog.rates_usd(meters, "eu-west-1"), 0.9 * ireland.rates_usd(meters, "eu-west-1"))
    note = catalog.rate(M5, "eu-west-1").note
    assert note == "own rates, line 2; private pricing: 0.1 off 0.107 (vantage_landscape, 2026-07-05)"
    assert catalog.rate(M5, "eu-west-1").as_of == "2026-07-05"  # as old as the rate that it lowers


def test_a_discount_on_instances_does_not_lower_the_fee_on_their_list_rate(with_rates, ireland):
    fee = managed_instances_fee_hour("m5.large")
    catalog = with_rates("ec2:*,*,,,0.5,,")
    assert catalog.rate(M5, "eu-west-1").usd == pytest.approx(0.0535)
    assert catalog.rate(fee, "eu-west-1") == ireland.rate(fee, "eu-west-1")


def test_the_more_exact_row_wins_whatever_the_order(with_rates):
    rows = ["ec2:*,*,,,0.1,,", "ec2:linux:on_demand:m5.*,*,,,0.2,,", "ec2:linux:on_demand:m5.large,*,,,0.3,,"]
    rows.append("ec2:linux:on_demand:m5.large,eu-west-1,,,0.4,,")
    meters = [instance_hour(name, ON_DEMAND) for name in ("m5.large", "m5.xlarge", "c5.large")]
    expected = [0.107 * 0.6, 0.214 * 0.8, 0.096 * 0.9]
    assert_allclose(with_rates(*rows).rates_usd(meters, "eu-west-1"), expected)
    assert_allclose(with_rates(*reversed(rows)).rates_usd(meters, "eu-west-1"), expected)


def test_two_rows_that_are_as_exact_contradict_each_other(with_rates):
    with pytest.raises(InputError, match=r"own\.csv, line 3: ec2:linux:on_demand:m5\.large is priced here and in line 2"):
        with_rates("ec2:linux:on_demand:m5.large,*,,,0.1,,", "ec2:linux:on_demand:m5.large,*,,,0.1,,")


def test_a_row_that_matches_nothing_is_noted(with_rates):
    catalog = with_rates(
        "fargate:linux:arm:*,*,,,0.1,,", "fargate:linux:arm64:*,us-east-1,,,0.1,,", "vpc:public_ipv4:address_hour,*,,,0.1,,"
    )
    assert [note.split(", so")[0] for note in catalog.notes] == [
        "own.csv, line 2: fargate:linux:arm:* matches no rate of eu-west-1",
        "own.csv, line 4: vpc:public_ipv4:address_hour matches no rate of eu-west-1",  # a discount on a price that is missing
    ]


def test_a_pattern_that_matches_nothing_is_told_what_is_close(with_rates):
    (note,) = with_rates("fargate:linux:arm:on_demand:*,*,,,0.1,,").notes
    assert "has no effect. Closest: fargate:linux:arm64:on_demand:" in note


def test_a_meter_that_does_not_exist_is_refused_with_close_ones(with_rates):
    for row in (
        "ec2:linux:on_demand:m5.larg,*,0.1,instance-hour,,,",
        "ec2:linux:on_demand:m5.larg,us-east-1,,,0.1,,",  # of another Region: still no meter
    ):
        with pytest.raises(InputError, match=r"line 2: there is no meter 'ec2:linux:on_demand:m5\.larg'. Closest: .*m5\.large"):
            with_rates(row)


def test_every_line_of_a_bill_with_an_own_rate_names_file_and_row(with_rates):
    catalog = with_rates("fargate:*,*,,,20%,our agreement,", "ebs:*,*,,,0.05,,")
    listed = read_catalog("eu-west-1")
    for meter, line, share in ((fargate_vcpu_hour(X86, ON_DEMAND), 2, 0.8), (GP3_GIB_MONTH, 3, 0.95)):
        rate = catalog.rate(meter, "eu-west-1")
        assert rate.source_id == f"own rates: own.csv, line {line}"
        assert rate.usd == pytest.approx(share * listed.rate(meter, "eu-west-1").usd)
        assert catalog.source(rate.source_id).where == "own.csv"


def test_a_glob_with_a_rate_reaches_only_meters_of_its_unit(with_rates):
    with pytest.raises(InputError, match=r"line 2: fargate:.*gib_hour is counted in GiB-hour, not vCPU-hour"):
        with_rates("fargate:linux:x86_64:on_demand:*,*,0.03,vCPU-hour,,,")
    catalog = with_rates("fargate:linux:*:on_demand:vcpu_hour,*,0.03,vCPU-hour,,,")
    assert catalog.rate(fargate_vcpu_hour(ARM, ON_DEMAND), "eu-west-1").usd == 0.03


def test_discounts_do_not_pile_up(with_rates):
    catalog = with_rates("ec2:*,*,,,10%,,", "ec2:linux:on_demand:*,*,,,20%,,")
    assert catalog.rate(M5, "eu-west-1").usd == pytest.approx(0.107 * 0.8)  # the more exact row alone, not 0.9 x 0.8


def test_an_own_rate_far_from_the_list_is_named(with_rates):
    (note,) = with_rates("ec2:linux:on_demand:m5.large,*,78.11,instance-hour,,per month by mistake,").notes
    assert note.startswith("own.csv, line 2: 78.11 USD per instance-hour of ec2:linux:on_demand:m5.large is 730 times the list")


def test_commitments_follow_the_rate_that_the_user_has(with_rates):
    terms = {"years": 1, "payment": PaymentOption.NO_UPFRONT}
    meter = committed(M5, CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN, **terms)
    own = with_rates(f"{committed(M5, CommitmentKind.RESERVED_INSTANCE, **terms).id},*,0.05,instance-hour,,,")
    rate = own.rate(meter, "eu-west-1")
    assert (rate.usd, rate.is_derived, rate.error_fraction) == (0.05, True, 0.007)
    assert "own rates: own.csv, line 2" in rate.note


def test_govcloud_takes_own_rates_and_china_does_not(with_rates):
    catalog = with_rates("ec2:linux:spot:m5.large,us-gov-west-1,0.05,instance-hour,,,", region="us-gov-west-1")
    assert catalog.rate(instance_hour("m5.large", SPOT), "us-gov-west-1").usd == 0.05
    with pytest.raises(InputError, match=r"line 2, column region.*CNY|line 2: cn-north-1 is priced in CNY"):
        with_rates("ec2:*,cn-north-1,,,0.1,,")


def test_rows_of_other_regions_change_nothing(with_rates, ireland):
    catalog = with_rates("*,us-east-1,,,0.5,,")
    assert catalog.rate(M5, "eu-west-1") == ireland.rate(M5, "eu-west-1")


def test_columns_may_be_left_out_and_in_any_order(with_rates):
    catalog = with_rates("*, 0.25 ,fargate:*", "", header="region,discount_fraction,meter")
    assert catalog.rate(fargate_vcpu_hour(X86, ON_DEMAND), "eu-west-1").usd == pytest.approx(0.03036)


ROW_FAULTS = {
    "both": ("m,*,1,GiB-hour,0.1,,", "either usd or discount_fraction"),
    "neither": ("m,*,,,,,", "either usd or discount_fraction"),
    "no unit": ("m,*,1,,,,", "usd needs a unit"),
    "zero": ("m,*,0,GiB-hour,,,", "number above zero, not 0"),
    "nan": ("m,*,nan,GiB-hour,,,", "number above zero"),
    "text": ("m,*,$1,GiB-hour,,,", r"usd is a number, not '\$1'"),
    "percent": ("m,*,,,18,,", r"fraction from 0 to under 1, not 18.*0\.18 for 18 %"),
    "percent of twenty": ("m,*,,,20,,", r"under 1, not 20 \(20 % is 0\.2\)"),
    "percent sign alone": ("m,*,,,%,,", "discount_fraction is a number, not '%'"),
    "hundred percent": ("m,*,,,100%,,", "fraction from 0 to under 1, not 1"),
    "dearer": ("m,*,,,-0.1,,", "fraction from 0 to under 1, not -0.1"),
    "negative": ("m,*,-1,GiB-hour,,,", "number above zero, not -1"),
    "everything off": ("m,*,,,1,,", "fraction from 0 to under 1"),
    "nan off": ("m,*,,,nan,,", "fraction from 0 to under 1"),
    "region": ("m,us-east1,1,GiB-hour,,,", "no prices for a Region 'us-east1'. Closest: us-east-1"),
    "no region": ("m,,1,GiB-hour,,,", "no prices for a Region ''"),
    "no meter": (",*,1,GiB-hour,,,", "the meter is empty"),
    "date": ("m,*,1,GiB-hour,,,yesterday", "'yesterday' is not a date"),
    "cells": ("m,*,1", "3 cells, the header 7"),
    "meter's unit": ("ebs:gp3:gib_month,*,0.07,GB-month,,,", "counted in GiB-month, not GB-month"),
}


@pytest.mark.parametrize(("row", "message"), ROW_FAULTS.values(), ids=ROW_FAULTS)
def test_a_faulty_own_rate_is_refused_with_file_and_line(with_rates, row, message):
    with pytest.raises(InputError, match=message) as caught:
        with_rates("fargate:*,*,,,0.1,,", row)
    assert caught.value.file.endswith("own.csv")
    assert caught.value.line == 3


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("meter,regoin,usd", "'regoin' is unknown or there twice. Did you mean region"),
        ("meter,region,usd,usd", "'usd' is unknown or there twice"),
        ("meter,usd,unit", "the column 'region' is missing"),
    ],
)
def test_a_faulty_header_of_own_rates_is_refused(with_rates, header, message):
    with pytest.raises(InputError, match=message):
        with_rates(header=header)


def test_a_missing_rates_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv"):
        read_catalog("eu-west-1", rates_file=tmp_path / "none.csv")


@pytest.fixture(scope="module")
def small(ireland):
    """Makes a catalog of five list rates with own rates over them."""
    names = ("m5.large", "t3.large")
    listed = {
        instance_hour(name, option).id: Rate(0.1, "instance-hour", "list", "2026")
        for name in names
        for option in PurchaseOption
    }
    listed[GP3_GIB_MONTH.id] = Rate(0.08, "GiB-month", "list", "2026")

    def catalog(*own: OwnRate) -> PriceCatalog:
        return PriceCatalog(
            regions={"eu-west-1": RegionPrices(rates=listed, outdated={}, zones={})},
            types={name: ireland.instance_type(name) for name in names},
            fee_ratios=dict.fromkeys(
                names, FeeRatio(scope="default", ratio=0.12, source_id="list", as_of="2026", valid_from="2026")
            ),
            sources={"list": Source(id="list", where="here", date="2026", note="", licence="")},
            own_rates=own,
        )

    return catalog


patterns = st.sampled_from(
    ["*", "ec2:*", "fargate:*", "*:m5.large", "ec2:linux:spot:*", "ecs_managed_instances:*", GP3_GIB_MONTH.id]
)


@given(rows=st.dictionaries(patterns, st.floats(0, 0.99), max_size=4), order=st.randoms(use_true_random=False))
def test_a_discount_never_raises_a_rate_and_the_order_of_rows_means_nothing(small, rows, order):
    own = [
        OwnRate(meter=pattern, region="*", discount_fraction=discount, file="own.csv", line=line)
        for line, (pattern, discount) in enumerate(rows.items(), 2)
    ]
    before, after = small().rates("eu-west-1"), small(*own).rates("eu-west-1")
    order.shuffle(own)
    assert small(*own).rates("eu-west-1") == after
    assert after.keys() == before.keys()
    assert all(after[meter].usd <= before[meter].usd for meter in before)


def test_rows_that_contradict_each_other_are_of_no_matter_where_a_more_exact_one_wins(small):
    rows = [("ec2:linux:on_demand:m5.large", 0.3), ("*:m5.*", 0.1), ("ec2:*", 0.2)]  # the last two are as exact
    own = [
        OwnRate(meter=meter, region="*", discount_fraction=discount, file="own.csv", line=line)
        for line, (meter, discount) in enumerate(rows, 2)
    ]
    for rates in (own[:1], own[:2], own[1::-1], [own[0], own[2]], [own[2], own[0]]):
        assert small(*rates).rate(M5, "eu-west-1").usd == pytest.approx(0.07)
    for rates in (own, own[::-1]):
        with pytest.raises(InputError, match=r"line 4: ec2:linux:spot:m5\.large is priced here and in line 3"):
            small(*rates)


USED = [fargate_vcpu_hour(X86, ON_DEMAND), fargate_gib_hour(X86, ON_DEMAND), M5, GP3_GIB_MONTH]
UNUSED = [instance_hour("c7g.large", ON_DEMAND), fargate_vcpu_hour(ARM, ON_DEMAND), instance_hour("m5.large", SPOT)]


@given(
    removed=st.sets(st.sampled_from([*USED, *UNUSED])),
    quantity=st.lists(st.floats(0.1, 1e6), min_size=len(USED), max_size=len(USED)),
)
def test_a_rate_that_is_gone_never_lowers_a_total_and_one_that_is_not_used_changes_none(ireland, removed, quantity):
    gone = {meter.id for meter in removed}
    listed = {meter: rate for meter, rate in ireland.region_prices("eu-west-1").rates.items() if meter not in gone}
    less = PriceCatalog(
        regions={"eu-west-1": RegionPrices(rates=listed, outdated={}, zones={})}, types={}, fee_ratios={}, sources={}
    )
    before, after = (amounts_usd(np.array(quantity), catalog.rates_usd(USED, "eu-west-1")) for catalog in (ireland, less))
    assert math.isnan(total_usd(after)) == any(meter in removed for meter in USED)
    for meter, one, other in zip(USED, before, after, strict=True):
        if meter in removed:
            with pytest.raises(PriceNotFoundError, match=f"no price for {meter.id} in eu-west-1"):
                less.rate(meter, "eu-west-1")
        else:
            assert one == other


@pytest.mark.parametrize("usd", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_is_above_zero(usd):
    with pytest.raises(ValueError, match="above zero"):
        Rate(usd, "GiB-month", "list", "2026")


def test_every_region_can_be_read():
    names = regions()
    assert len(names) == 36
    catalog = read_catalog(*names)
    for region in names:
        usd = catalog.rates_usd([instance_hour(each.name, ON_DEMAND) for each in catalog.instance_types(region)], region)
        assert (usd > 0).all()
        assert catalog.rate(GP3_GIB_MONTH, region).usd > 0
    assert catalog.rate(FARGATE_EPHEMERAL_GIB_HOUR, "eu-west-1").as_of == "2022-01-01"
