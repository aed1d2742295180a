"""What must be true of a catalog, and that a copy with a deliberate fault is refused."""

import csv
import datetime
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.meters import GP3_GIB_MONTH
from advisor.pricing import PriceCatalog, Rate, RegionPrices, missing_meters, violations
from advisor.pricing.invariants import NOT_LINEAR
from advisor.recommend.price_faults import price_fault_warnings
from advisor.sources.catalog import pricing_data_folder, read_catalog, regions
from advisor.sources.catalog_check import check_catalog

DATA = pricing_data_folder()
BUILT = datetime.date(2026, 11, 23)
FAMILIES = {"c5", "c7g", "m5", "m6i", "m7g", "m7i", "r7i", "t3"}
COPIED = ("ap-northeast-1", "eu-west-1", "us-east-1", "us-west-2")


@pytest.fixture(scope="module")
def everything():
    return read_catalog(*regions(), folder=DATA)


def test_the_shipped_catalog_breaks_no_rule(everything):
    assert violations(everything, everything, today=BUILT) == ()


def test_what_the_shipped_catalog_lacks_is_listed_and_what_it_lists_is_lacking(everything):
    for region in regions():
        assert set(missing_meters(everything, region)) == set(everything.region_prices(region).gaps)


def test_the_exceptions_are_needed(everything):
    known = {meter.rpartition(":")[2] for region in regions() for meter in everything.region_prices(region).rates}
    assert set(NOT_LINEAR) <= known


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """Four Regions with a few families, so that reading them takes no time."""
    folder = tmp_path_factory.mktemp("shipped") / "prices"
    folder.mkdir()
    for path in DATA.glob("*.csv"):
        shutil.copy(path, folder)
    for region in COPIED:
        (folder / region).mkdir()
        for path in (DATA / region).iterdir():
            rows = rows_of(path)
            kept = [row for row in rows[1:] if "." not in row[0] or row[0].partition(".")[0] in FAMILIES]
            write(folder / region / path.name, [rows[0], *kept])
    return folder


@pytest.fixture(scope="module")
def shipped(small):
    return read_catalog(*COPIED, folder=small)


@pytest.fixture
def copy(small, tmp_path) -> Path:
    return shutil.copytree(small, tmp_path / "prices")


def test_the_copy_is_as_good(copy, shipped):
    assert check_catalog(copy, previous=shipped, today=BUILT) == ()


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def spoil(path: Path, key: tuple[str, ...], edit) -> int:
    """Replace the current row that starts with ``key`` by what ``edit`` makes of it; its line."""
    rows = rows_of(path)
    (at,) = (i for i, row in enumerate(rows) if tuple(row[: len(key)]) == key and row[-1] == "current")
    rows[at : at + 1] = edit(rows[at])
    write(path, rows)
    return at + 1


def usd(text):
    return lambda row: [[*row[:-5], text, *row[-4:]]]


def times(factor):
    return lambda row: [[*row[:-5], repr(float(row[-5]) * factor), *row[-4:]]]


def dated(as_of):
    return lambda row: [[*row[:-2], as_of, row[-1]]]


X86 = ("X86_64", "on_demand", "vcpu_hour")
# ruff: noqa: E501
# File, key of the row, what becomes of it, rule that is broken, and what the message says beside file and line.
FAULTS = {
    "twice": ("us-east-1/ebs.csv", ("gp3",), lambda row: [row, row], "unreadable", "second current rate of ebs:gp3.*0.08"),
    "twice, another price": (
        "us-east-1/ec2_on_demand.csv", ("m5.large",), lambda row: [row, [row[0], "0.1", *row[2:]]],
        "unreadable", "second current rate of .*m5.large, 0.1 USD; the first is 0.096 in line",
    ),
    "reserved twice": (
        "eu-west-1/ec2_reserved.csv", ("m5.large", "linux", "1"), lambda row: [row, row], "unreadable", "second current rate",
    ),
    "zero": ("us-east-1/fargate.csv", X86, usd("0"), "unreadable", "above zero, not '0'"),
    "negative": ("us-east-1/vpc.csv", ("nat_gateway", "hour"), usd("-0.045"), "unreadable", "above zero, not '-0.045'"),
    "no date": ("us-east-1/elb.csv", ("application", "hour"), dated(""), "unreadable", "'' is neither a date"),
    "no source": (
        "us-east-1/ecr.csv", ("storage",), lambda row: [[*row[:-3], "", *row[-2:]]], "unreadable", "sources.csv has no ''",
    ),
    "future": ("us-east-1/ebs.csv", ("gp3",), dated("2027-01-31"), "future_date", "0.08 is dated 2027-01-31, after 2026-11-23"),
    "future year": ("us-east-1/ebs.csv", ("gp3",), dated("2027"), "future_date", "dated 2027, after"),
    "no specs": (
        "eu-west-1/ec2_windows_on_demand.csv", ("m5.large",), lambda row: [["m99.large", *row[1:]]],
        "unreadable", "instance_types.csv has no 'm99.large'",
    ),
    "twins": (
        "us-east-1/ebs.csv", ("gp3",), lambda row: [row, [*row[:-5], "0.07", *row[-4:-1], "superseded"]],
        "twins", "0.08 of 2025-10-28 is current beside a superseded rate of 2025-10-28, 0.07",
    ),
    "a thousand times": (
        "us-east-1/ec2_on_demand.csv", ("m7g.large",), times(1000), "not_linear", r"m7g.large at 81.6 stands .*apart",
    ),
    "a thousand times, moved": (
        "us-east-1/ec2_on_demand.csv", ("m7g.large",), times(1000), "moved", r"from 0.0816 .* to 81.6, by a factor of 1e\+03",
    ),
    "a thousand times, Fargate": (
        "us-west-2/fargate.csv", X86, times(1000), "unlike_other_regions", "at 40.48 is .* times the median of 4 Regions, 0.0",
    ),
    "a thousandth, reserved": (
        "us-east-1/ec2_reserved.csv", ("m7g.large", "linux", "3"), times(0.001), "committed_too_low", "under 15% of on-demand, 0.08",
    ),
    "a thousandth, Spot": ("us-east-1/ec2_spot.csv", ("m7g.large",), times(0.001), "spot_too_low", "under 5% of on-demand, 0.08"),
    "a little off": (
        "eu-west-1/ec2_on_demand.csv", ("c7g.xlarge",), times(1.05), "not_linear", "c7g.xlarge at .* stands 5.0% apart",
    ),
    "Spot above": ("us-east-1/ec2_spot.csv", ("m5.large",), usd("0.0961"), "spot_above_on_demand", "0.0961 is above on-demand, 0.096"),
    "Fargate Spot above": (
        "us-east-1/fargate.csv", ("ARM64", "spot", "gib_hour"), usd("0.004"), "spot_above_on_demand", "0.004 is above on-demand, 0.00356",
    ),
    "ARM above x86": (
        "us-east-1/fargate.csv", ("ARM64", "on_demand", "vcpu_hour"), usd("0.05"), "arm_above_x86", "0.05 is above the 0.04048",
    ),
    "reserved above": (
        "us-east-1/ec2_reserved.csv", ("m5.large", "linux", "1"), usd("0.097"), "committed_above_on_demand", "0.097 is above on-demand",
    ),
    "above without upfront": (
        "us-east-1/ec2_reserved.csv", ("m5.large", "linux", "1"), usd("0.09"), "committed_above_on_demand", "makes 0.0964287 without",
    ),
    "Savings Plan above": (
        "us-east-1/savings_plans.csv", ("compute_savings_plan", "fargate:linux:x86_64:on_demand:gib_hour", "1"), usd("0.0045"),
        "committed_above_on_demand", "0.0045 is above on-demand, 0.004445",
    ),
    "Windows below": (
        "us-east-1/ec2_windows_on_demand.csv", ("m5.large",), usd("0.0959"), "windows_below_linux", "0.0959 is below Linux, 0.096",
    ),
    "Fargate Windows below": (
        "us-east-1/fargate_windows.csv", X86, usd("0.04"), "windows_below_linux", "0.04 is below Linux, 0.04048",
    ),
    "three years above one": (
        "us-east-1/ec2_reserved.csv", ("m5.large", "linux", "3"), usd("0.0565"), "terms", "0.0565 is above 0.056393, .* for 1 year",
    ),
    "upfront above none": (
        "us-east-1/savings_plans.csv", ("compute_savings_plan", "fargate:linux:x86_64:on_demand:vcpu_hour", "1", "all_upfront"),
        usd("0.0325"), "terms", "0.0325 is above 0.032384, .* with no upfront",
    ),
    "gone": ("us-east-1/ecr.csv", ("storage",), lambda row: [], "gap", "us-east-1 has no rate of ecr:storage:gib_month"),
    "another unit": (
        "us-east-1/ebs.csv", ("gp3",), lambda row: [[*row[:-4], "GB-month", *row[-3:]]], "unreadable", "counted in GiB-month, not 'GB-month'",
    ),
    "a payment that is none": (
        "us-east-1/ec2_reserved.csv", ("m5.large", "linux", "1"), lambda row: [[*row[:3], "upfront", *row[4:]]],
        "unreadable", "'m5.large linux 1 upfront' is nothing that the catalog prices",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("file", "key", "edit", "rule", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_refused_with_file_line_and_value(copy, shipped, file, key, edit, rule, message):
    line = spoil(copy / file, key, edit)
    found = check_catalog(copy, previous=shipped, today=BUILT)
    (fault,) = (each for each in found if each.rule == rule)
    assert re.search(message, str(fault)), str(fault)
    if rule != "gap":
        assert fault.place in (f"{file}, line {line}", f"{file}, line {line + 1}"), str(fault)
    assert fault.region == file.partition("/")[0]


def swap(folder: Path, one: str, other: str, *files: str) -> None:
    for file in files or ("",):
        a, b, aside = folder / one / file, folder / other / file, folder / "aside"
        a.rename(aside)
        b.rename(a)
        aside.rename(b)


def test_regions_that_were_swapped_are_refused(copy, shipped):
    swap(copy, "eu-west-1", "us-east-1", "ec2_on_demand.csv", "ec2_spot.csv")
    found = [each for each in check_catalog(copy, previous=shipped, today=BUILT) if each.rule == "swapped"]
    assert [str(each) for each in found] == [
        "eu-west-1: the rates of eu-west-1 are those that us-east-1 had: Regions were swapped",
        "us-east-1: the rates of us-east-1 are those that eu-west-1 had: Regions were swapped",
    ]


def test_whole_folders_that_were_swapped_are_refused_by_their_zones(copy):
    swap(copy, "eu-west-1", "us-east-1")
    found = [str(each) for each in check_catalog(copy, today=BUILT) if each.rule == "unreadable"]
    assert len(found) == 2
    assert re.search(r"eu-west-1/zones.csv, line 2: use1-az.* are not zones of eu-west-1", found[0])


def test_rates_of_one_region_that_stand_for_another_are_refused(copy):
    shutil.copy(copy / "us-east-1/ec2_spot.csv", copy / "us-west-2/ec2_spot.csv")
    (found,) = (each for each in check_catalog(copy, today=BUILT) if each.rule == "same_region")
    assert re.search(r"us-west-2: (\d+) of \1 Spot rates of us-west-2 equal those of us-east-1", str(found))


def test_a_whole_region_that_moved_is_refused(copy, shipped):
    path = copy / "us-west-2/ec2_on_demand.csv"
    header, *rows = rows_of(path)
    write(path, [header, *(times(2.5)(row)[0] for row in rows)])
    path = copy / "us-west-2/ec2_spot.csv"
    header, *rows = rows_of(path)
    write(path, [header, *(times(2.5)(row)[0] for row in rows)])
    found = {each.rule: each for each in check_catalog(copy, previous=shipped, today=BUILT)}
    assert "half of the rates of us-west-2 moved by a factor of 2.5 or more" in str(found["region_moved"])


def test_a_move_that_someone_looked_at_may_stand(copy, shipped):
    spoil(copy / "us-east-1/cloudwatch.csv", ("alarm_standard",), usd("0.5"))
    (found,) = check_catalog(copy, previous=shipped, today=BUILT)
    assert found.rule == "moved"
    assert check_catalog(copy, previous=shipped, today=BUILT, accepted=["cloudwatch:alarm*"]) == ()


def test_every_fault_is_listed_whatever_region_it_is_in(copy):
    spoil(copy / "us-east-1/ebs.csv", ("gp3",), usd("x"))
    spoil(copy / "eu-west-1/ec2_reserved.csv", ("m5.large", "linux", "1"), usd("-1"))
    spoil(copy / "us-west-2/ec2_spot.csv", ("m5.large",), usd("7"))
    assert {(each.region, each.rule) for each in check_catalog(copy, today=BUILT)} == {
        ("us-east-1", "unreadable"),
        ("eu-west-1", "unreadable"),
        ("us-west-2", "spot_above_on_demand"),
    }


@given(factor=st.floats(0.01, 100))
def test_a_rate_may_move_by_a_factor_of_three_and_no_further(factor):
    def catalog(usd):
        rates = {GP3_GIB_MONTH.id: Rate(usd, GP3_GIB_MONTH.unit, "list", "2026-09-01")}
        regions = {"eu-north-1": RegionPrices(rates=rates, outdated={}, zones={})}
        return PriceCatalog(regions=regions, types={}, fee_ratios={}, sources={})

    moved = [each for each in violations(catalog(0.1 * factor), catalog(0.1)) if each.rule == "moved"]
    if factor < 0.33333 or factor > 3.00001:
        assert len(moved) == 1
    elif 0.33334 < factor < 2.99999:
        assert not moved


def test_an_answer_that_rests_on_a_wrong_price_says_so_first(copy):
    for name in ("m7g.large", "m7g.xlarge", "m7g.2xlarge"):
        spoil(copy / "us-east-1" / "ec2_on_demand.csv", (name,), times(1e-3))
    catalog = read_catalog("us-east-1", folder=copy)
    meters = ("ec2:linux:on_demand:m7g.large", GP3_GIB_MONTH.id)
    (sentence,) = price_fault_warnings(catalog, "us-east-1", meters)
    assert sentence.startswith("prices behind this answer look wrong")
    assert "m7g.large" in sentence
    assert price_fault_warnings(catalog, "us-east-1", ("ec2:linux:on_demand:m5.large",)) == ()


def test_fargate_priced_as_x86_for_arm_is_refused(copy):
    path = copy / "us-east-1" / "fargate.csv"
    rows = rows_of(path)
    x86 = {row[2]: row[3] for row in rows if row[:2] == ["X86_64", "on_demand"] and row[-1] == "current"}
    arm = [[*row[:3], x86[row[2]], *row[4:]] if row[:2] == ["ARM64", "on_demand"] else row for row in rows]
    write(path, arm)
    assert {each.rule for each in check_catalog(copy, today=BUILT)} >= {"arm_above_x86"}


def test_a_file_cut_off_at_the_end_of_a_line_is_refused(copy):
    path = copy / "us-east-1" / "ec2_on_demand.csv"
    rows = rows_of(path)
    write(path, rows[: len(rows) // 2])
    found = [each for each in check_catalog(copy, today=BUILT) if each.rule == "no_on_demand"]
    assert found
    assert "rows were lost" in str(found[0])


def test_specs_that_no_other_size_of_the_family_bears_out_are_refused(copy):
    path = copy / "instance_types.csv"
    header, *rows = rows_of(path)
    at = header.index("vcpu")
    write(path, [header, *([*row[:at], "20", *row[at + 1 :]] if row[0] == "m7g.large" else row for row in rows)])
    assert {each.rule for each in check_catalog(copy, today=BUILT)} == {"specs"}
