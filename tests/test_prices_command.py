"""``advisor prices show`` and ``check``, ``--catalog``, and the age of rates in an answer."""

import csv
import datetime
import io
import json
import shutil
from pathlib import Path

import pytest

import advisor
from advisor.billing import LineItem
from advisor.cli.application import main
from advisor.recommend.price_age import price_age_warnings
from advisor.sources.catalog import pricing_data_folder

ROOT = Path(__file__).parents[1]
SHOP = ROOT / "examples" / "shop" / "workload.yaml"
CLOUDWATCH = ROOT / "examples" / "cloudwatch" / "workload.yaml"
DATA = pricing_data_folder()


@pytest.fixture
def run(capsys, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795564800")  # 2026-11-25

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["advisor", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code or 0
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture
def other(tmp_path):
    """A catalog of us-east-1 alone in which two rates differ."""
    folder = tmp_path / "other"
    folder.mkdir()
    for path in DATA.glob("*.csv"):
        shutil.copy(path, folder)
    shutil.copytree(DATA / "us-east-1", folder / "us-east-1")
    for file, old, new in (
        ("fargate.csv", "ARM64,on_demand,vcpu_hour,0.03238,", "ARM64,on_demand,vcpu_hour,0.03,"),
        ("ec2_spot.csv", "\nm5.large,", "\nm5.large,0.0"),
    ):
        path = folder / "us-east-1" / file
        text = path.read_text()
        if file == "ec2_spot.csv":
            at = text.index(old) + len(old)
            text = text[:at] + "0.08" + text[text.index(",", at) :]
        else:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
    return folder


# --- show


def test_rates_are_shown_with_source_date_and_age(run):
    _, out, _ = run("prices", "show", "vpc:nat*", "--region", "us-east-1")
    header, gib, _, footer = out.splitlines()
    assert header.split() == ["meter", "region", "USD", "unit", "as", "of", "days", "old", "source"]
    assert gib.split() == ["vpc:nat_gateway:gib", "us-east-1", "0.045", "GiB", "2026-10-13", "43", "finops_mcp"]
    assert footer.startswith("2 rates of us-east-1, which holds 2024-07-01 to 2026-10-13, 1 undated; catalog shipped with ")


def meters(out):
    return [row["meter"] for row in csv.DictReader(io.StringIO(out))]


def test_rates_are_filtered_by_type_and_option_in_several_regions(run):
    def shown(*more):
        return meters(run("prices", "show", *more, "--format", "csv")[1])

    gov = ("--region", "us-gov-west-1")
    assert shown("--type", "m7g.large", "--option", "on_demand", *gov) == ["ec2:linux:on_demand:m7g.large"]
    assert len(shown("--type", "m7g.large", "--option", "reserved_instance", *gov)) == 6
    assert (
        shown("--option", "fee", "--type", "m5.large", *gov, "--region", "us-east-1")
        == ["ecs_managed_instances:fee:m5.large"] * 2
    )
    assert shown("ec2:windows:*", "--type", "m5.*large", *gov)[0] == "ec2:windows:on_demand:m5.12xlarge"


def test_json_names_the_catalog_and_the_error_of_a_derived_rate(run):
    arguments = ("--type", "m5.large", "--option", "ec2_instance_savings_plan", "--region", "us-east-1", "--format", "json")
    found = json.loads(run("prices", "show", "*:ec2:linux:*", *arguments)[1])
    assert len(found["catalog"]["us-east-1"]["sha256"]) == 64
    row = next(row for row in found["rates"] if ":1y:no_upfront:" in row["meter"])
    assert (row["derived"], row["error_fraction"], row["age_days"]) == (True, 0.007, 143)
    assert found["sources"][row["source"]]["where"].startswith("GitHub vantage-sh/ec2instances.info")


def test_a_rate_without_a_date_is_of_unknown_age(run):
    _, out, _ = run("prices", "show", "*:surplus:t4g", "--region", "us-east-1", "--format", "markdown")
    assert "| ec2:linux:surplus:t4g | us-east-1 | 0.04 | vCPU-hour | undated | unknown | gitlab_t4g_note |" in out


# --- check


def test_the_shipped_catalog_passes(run):
    status, out, err = run("prices", "check", "--catalog", DATA)
    assert (status, out, err) == (0, "", "36 Regions: every rule holds\n")


def test_a_broken_rule_is_status_1_and_names_file_line_and_value(run, other):
    path = other / "us-east-1" / "ebs.csv"
    path.write_text(path.read_text().replace(",0.08,", ",80,"))
    status, out, err = run("prices", "check", "--catalog", other, "--against", "shipped")
    assert status == 1
    assert out == "us-east-1/ebs.csv, line 2: ebs:gp3:gib_month moved from 0.08 (2025-10-28) to 80, by a factor of 1e+03\n"
    assert err.startswith("error: 1 breach of what must be true of prices.")
    status, out, _ = run("prices", "check", "--catalog", other, "--against", "shipped", "--accept", "ebs:*", "--format", "csv")
    assert status == 0
    assert "ebs:gp3:gib_month,rose,0.08," in out


def test_a_row_that_cannot_be_read_is_a_finding_too(run, other):
    path = other / "us-east-1" / "ebs.csv"
    path.write_text(path.read_text().replace(",0.08,", ",-0.08,"))
    status, out, _ = run("prices", "check", "--catalog", other, "--format", "json")
    (found,) = json.loads(out)["violations"]
    assert (status, found["rule"], found["place"]) == (1, "unreadable", "us-east-1/ebs.csv, line 2")


def test_what_rose_and_fell_is_said(run, other):
    status, out, _ = run("prices", "check", "--catalog", other, "--against", "shipped")
    assert status == 0
    assert [line.split() for line in out.splitlines()[1:]] == [
        ["us-east-1", "ec2:linux:spot:m5.large", "0.04366", "0.08", "+83.23%", "rose"],
        ["us-east-1", "fargate:linux:arm64:on_demand:vcpu_hour", "0.03238", "0.03", "-7.35%", "fell"],
        ["1", "rose,", "1", "fell"],
    ]


def test_a_region_that_the_other_catalog_lacks_is_named(run, other):
    status, _, err = run("prices", "check", "--against", other, "--region", "eu-west-1")
    assert status == 1
    assert "holds us-east-1, not eu-west-1" in err


def test_what_a_change_does_to_a_bill(run, other):
    arguments = (
        "prices",
        "check",
        "--catalog",
        other,
        "--against",
        "shipped",
        "--workload",
        SHOP,
        "--format",
        "json",
        "--quiet",
    )
    bill = json.loads(run(*arguments)[1])
    assert bill["n_rates_that_differ"] == 2
    lines = {(line["part"], line["meter"]): line for line in bill["line_items"]}
    search = lines["search", "fargate:linux:arm64:on_demand:vcpu_hour"]
    assert search["before_usd"] == pytest.approx(search["quantity"] * 0.03238)
    assert search["after_usd"] == pytest.approx(search["quantity"] * 0.03)
    changed = [line for line in lines.values() if line["before_usd"] != pytest.approx(line["after_usd"])]
    assert {line["meter"] for line in changed} == {"fargate:linux:arm64:on_demand:vcpu_hour"}
    assert bill["before_usd"] == pytest.approx(sum(line["before_usd"] for line in lines.values()))
    assert bill["after_usd"] == pytest.approx(sum(line["after_usd"] for line in lines.values()))


def test_a_price_that_stands_alone_is_held_against_the_shipped_one(run, other):
    path = other / "us-east-1" / "elb.csv"
    text = path.read_text(encoding="utf-8")
    assert "application,hour,0.0225," in text
    path.write_text(text.replace("application,hour,0.0225,", "application,hour,22.5,"), encoding="utf-8")
    status, out, _ = run("prices", "check", "--catalog", other)
    assert status == 1
    assert "moved from 0.0225" in " ".join(out.split())


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_prices_is_no_other_catalog(run, tmp_path, name):
    (tmp_path / "empty").mkdir()
    status, out, err = run("prices", "check", "--against", tmp_path / name)
    assert (status, out) == (1, "")
    assert f"--against: no prices in '{tmp_path / name}'" in err


def test_own_rates_without_effect_are_said(run, tmp_path):
    rates = tmp_path / "rates.csv"
    rates.write_text(
        "meter,region,usd,unit,discount_fraction,source,as_of\nfargte:*,us-east-1,,,0.2,agreement,2026-10-01\n",
        encoding="utf-8",
    )
    load = tmp_path / "w.yaml"
    load.write_text(
        "cluster: c\nregion: us-east-1\nservices:\n  - {name: web, task: {cpu: 256, memory: 512}, load: {tasks: 2}}\n",
        encoding="utf-8",
    )
    said = "rates.csv, line 2: fargte:* matches no rate of us-east-1, so the row has no effect"
    for command in (("recommend", load, "--replay-weeks", 0), ("prices", "show", "fargate:*", "--region", "us-east-1")):
        status, _, err = run(*command, "--rates", rates)
        assert status == 0
        assert said in err


def test_own_rates_far_from_the_list_are_said_with_the_answer(run, tmp_path):
    rates = tmp_path / "rates.csv"
    rates.write_text(
        "meter,region,usd,unit,discount_fraction,source,as_of\n"
        "fargate:linux:x86_64:on_demand:vcpu_hour,us-east-1,0.4,vCPU-hour,,agreement,2026-10-01\n",
        encoding="utf-8",
    )
    load = tmp_path / "w.yaml"
    load.write_text(
        "cluster: c\nregion: us-east-1\nservices:\n  - {name: web, task: {cpu: 256, memory: 512}, load: {tasks: 2}}\n",
        encoding="utf-8",
    )
    out = json.loads(run("recommend", load, "--replay-weeks", 0, "--rates", rates, "--format", "json")[1])
    assert "is 9.88 times the list rate 0.04048: check the unit" in out["warnings"][0]


def test_a_workload_needs_another_catalog(run):
    status, _, err = run("prices", "check", "--workload", SHOP)
    assert (status, "--against" in err) == (1, True)


# --- the catalog of an answer


def test_an_answer_is_made_again_from_the_catalog_that_it_names(run, tmp_path):
    first = json.loads(run("recommend", CLOUDWATCH, "--quiet", "--format", "json")[1])
    assert first["run"]["catalog"]["name"].startswith("shipped with ")
    kept = tmp_path / "kept"
    kept.mkdir()
    for path in DATA.glob("*.csv"):
        shutil.copy(path, kept)
    shutil.copytree(DATA / "eu-west-1", kept / "eu-west-1")
    again = json.loads(run("recommend", CLOUDWATCH, "--quiet", "--format", "json", "--catalog", kept)[1])
    assert again["run"]["catalog"].pop("name") == "folder kept"
    assert first["run"]["catalog"].pop("name")
    assert again == first


def test_govcloud_is_priced_and_china_is_refused(run, tmp_path):
    load = tmp_path / "w.yaml"
    load.write_text(
        "cluster: c\nregion: us-gov-west-1\nservices:\n  - {name: web, task: {cpu: 256, memory: 512}, load: {tasks: 2}}\n"
        "  - {name: jobs, task: {cpu: 1024, memory: 4096}, load: {tasks: 9}, interruptible: true, "
        "architectures: [X86_64, ARM64]}\n",
        encoding="utf-8",
    )
    found = json.loads(run("recommend", load, "--quiet", "--format", "json")[1])
    assert found["run"]["catalog"]["region"] == "us-gov-west-1"
    assert any(each["monthly_usd"] for each in found["alternatives"])
    for command in (["prices", "show"], ["recommend", SHOP]):
        status, out, err = run(*command, "--region", "cn-north-1")
        assert (status, out) == (1, "")
        assert "China" in err


# --- old rates


def bill(**dates):
    """Lines priced at rates of these dates, by meter."""
    return [
        LineItem(part="web", meter=meter, quantity=1.0, unit="h", rate_usd=1.0, amount_usd=1.0, source="list", as_of=as_of)
        for meter, as_of in dates.items()
    ]


TODAY = datetime.date(2026, 11, 25)


def told(best, compared=(), today=TODAY):
    return price_age_warnings(best, compared, region="eu-west-1", today=today)


def test_rates_of_up_to_90_days_need_no_words():
    assert told(bill(a="2026-08-27", b="2026-11-25", c="2026-12-01")) == ()


def test_a_rate_older_than_90_days_is_named_with_its_date():
    (sentence,) = told(bill(a="2026-08-26", b="2026-11-25"))
    assert sentence == (
        "rates used are older than 90 days: a (2026-08-26); `advisor prices refresh --region eu-west-1` fetches them anew"
    )


def test_the_rates_of_the_recommended_plan_come_first_and_the_rest_is_counted():
    best = bill(z="2026-07-05")
    (sentence,) = told(best, bill(**{f"m{n}": "2026-01-01" for n in range(6)}))
    assert "z (2026-07-05), m0 (2026-01-01), m1 (2026-01-01), m2 (2026-01-01) and 3 more" in sentence


def test_a_year_alone_is_as_old_as_it_can_be_and_no_date_is_said():
    (sentence,) = told(bill(a="2026", b="undated", c="2026-11-01"))
    assert sentence.startswith("rates used are older than 90 days, or have no date: a (2026), b (undated); ")


def test_rates_more_than_a_year_apart_are_named_whatever_the_day():
    sentences = told(bill(a="2025-01-01", b="2026-01-02"), today=None)
    assert sentences == ("the rates of the recommended plan are more than a year apart: a of 2025-01-01, b of 2026-01-02",)
    assert told(bill(a="2025-01-01", b="2026-01-01"), today=None) == ()


def test_an_answer_names_old_rates_on_a_day_and_is_the_same_on_the_next(tmp_path):
    (tmp_path / "web.csv").write_text(
        "time,tasks\n" + "".join(f"2026-09-0{d}T{h:02}:00Z,3\n" for d in (1, 2) for h in range(24))
    )
    load = advisor.read_workload(tmp_path / "web.csv", region="us-east-1", cpu=512, memory=1024)
    catalog = advisor.read_catalog(load.region)
    one, two = (advisor.advise(load, catalog, today=TODAY + datetime.timedelta(days=n)).to_json() for n in (0, 1))
    assert one == two
    assert "older than 90 days: " in one
