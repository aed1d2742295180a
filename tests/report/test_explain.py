"""What `advisor explain` prints: a sum that a reader can check with a calculator, and why the others lost."""

import csv
import io
import json
import re
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.cli import main
from advisor.errors import InputError
from advisor.report.explain import explain_csv, explain_data, explain_markdown, explain_text
from advisor.report.explanation import explain, sources_of
from advisor.report.hand_sum import agreeing
from advisor.sources import read_catalog
from tests.report.results import LONG, PACKED, SHORT, SPOT, UNPRICED, changed, hostile, shop, small

RESULTS = [shop, lambda: small(PACKED), lambda: small(SPOT), lambda: small(UNPRICED), lambda: small(SHORT)]
NAMES = ["shop", "packed", "spot", "unpriced", "short"]
CENT = Decimal("0.01")

every_result = pytest.mark.parametrize("make", RESULTS, ids=NAMES)


def by_calculator(calculation: str) -> Decimal:
    """What a reader gets who types the numbers of a calculation."""
    outer, bracket, inner = calculation.partition("(")
    product = Decimal(1)
    for factor in outer.split(" x "):
        number = re.match(r"\$?([\d,]+(\.\d+)?)(?= |$)", factor)
        product *= Decimal(number[1].replace(",", "")) if number else 1
    if not bracket:
        return product
    return product * sum(by_calculator(term) for term in inner.removesuffix(")").split(" + "))


def test_the_calculator_itself():
    assert by_calculator("2 x c6a.2xlarge x 730 h x $0.306") == Decimal("446.76")  # by hand
    assert by_calculator("1,000 task-hours x (0.5 vCPU x $0.04 + 2 GiB x $0.005)") == Decimal("30")  # 1000 x (0.02 + 0.01)


@every_result
def test_each_printed_product_is_the_printed_amount(make):
    recommendation = make()
    for scope in (None, *(service.name for service in recommendation.recommendation.services)):
        for line in explain_data(recommendation, scope)["sum"]:
            amount = Decimal(f"{line['amount_usd']:.2f}")
            assert abs(by_calculator(line["calculation"]) - amount) <= CENT / 2 + Decimal("1e-6"), line["calculation"]


@every_result
def test_the_printed_amounts_add_up_to_the_printed_total(make):
    recommendation = make()
    for scope in (None, *(service.name for service in recommendation.recommendation.services)):
        section = explain_text(recommendation, scope).partition("The sum by hand")[2].partition("\nSources")[0]
        amounts = [
            Decimal(text.replace("$", "").replace(",", ""))
            for text in re.findall(r"(-?\$[\d,]+\.\d\d)(?: \[|$)", section, re.M)
        ]
        assert len(amounts) > 1
        assert sum(amounts[:-1]) == amounts[-1]


@every_result
def test_the_sum_holds_every_line_item_once_and_nothing_else(make):
    recommendation = make()
    items = [item for line in explain_data(recommendation)["sum"] for item in line["items"]]
    bill = recommendation.recommended.bill
    assert sorted((i["meter"], i["amount_usd"]) for i in items) == sorted((i.meter, i.amount_usd) for i in bill.line_items)
    assert all(item["source"] and item["as_of"] for item in items)


@every_result
def test_the_total_is_the_mean_that_the_result_shows(make):
    recommendation = make()
    assert explain_data(recommendation)["total_usd"] == pytest.approx(recommendation.recommended.monthly_usd.mean, abs=1e-9)


@given(
    quantity=st.floats(0, 1e7).map(lambda q: round(q, 6)),
    micro_usd=st.integers(1, 50_000_000),
)
def test_a_quantity_shows_the_digits_that_its_amount_needs(quantity, micro_usd):
    rate = Decimal(micro_usd) / 1_000_000
    amount = quantity * float(rate)
    shown = Decimal(agreeing(quantity, rate, amount).replace(",", ""))
    assert abs(shown * rate - Decimal(f"{amount:.2f}")) <= CENT / 2 + Decimal("1e-5")


def test_instances_read_as_count_times_hours_times_price():
    text = explain_text(small(PACKED), "cache")
    assert re.search(r"\d+ x [a-z0-9]+\.[a-z0-9]+ x 730 h x \$0\.\d+ =", text)
    assert re.search(r"\d+ x 30 GiB of gp3 x \$0\.08 =", text)


def test_fargate_reads_as_task_hours_times_size_times_rates():
    text = explain_text(small(PACKED), "quiet")
    # By hand: two tasks that always run are 2 x 730 = 1,460 task-hours of 0.25 vCPU and 0.5 GiB.
    assert re.search(r"1,460 task-hours x \(0\.25 vCPU x \$[\d.]+ \+ 0\.5 GiB x \$[\d.]+\) = +\$\d+\.\d\d \[1\]", text)


def test_sources_stand_with_their_date_and_place():
    recommendation = small(PACKED)
    sources = sources_of(recommendation, read_catalog(recommendation.region))
    text = explain_text(recommendation, sources=sources)
    for item in recommendation.recommended.bill.line_items:
        assert f"] {item.source}, {item.as_of}" in text
    assert all(
        " ".join(source.where.split())[:30] in " ".join(text.split()) for name, source in sources.items() if f"{name}," in text
    )


def test_a_derived_rate_says_how_it_was_derived():
    recommendation = small(SPOT)
    items = [item for item in recommendation.recommended.bill.line_items if item.is_derived]
    assert items
    text = " ".join(explain_text(recommendation).split())
    assert all(item.note in text for item in items)


def test_every_alternative_that_lost_is_there_with_the_reason():
    recommendation = small(UNPRICED)
    rejected = explain_data(recommendation)["rejected"]
    others = [a.id for a in recommendation.of_scope("cluster") if a.id != recommendation.recommended.id]
    assert [each["id"] for each in rejected] == others
    assert all(each["why"] for each in rejected)
    assert any(each["monthly_usd"] is None and "no price" in each["why"] for each in rejected)


def test_a_service_on_shared_instances_says_with_whom_and_what_it_would_cost_alone():
    recommendation = small(PACKED)
    told = explain(recommendation, "jobs")
    assert told.monthly_usd is None
    assert "together for api, jobs, cache" in told.sum_title
    assert told.rejected_title == "What it would cost alone"
    assert {each.id for each in told.rejected} == {a.id for a in recommendation.of_scope("jobs")}


def test_a_service_on_its_own_leaves_itself_out_of_what_lost():
    told = explain(small(PACKED), "quiet")
    assert told.rejected_title == "The alternatives that lost"
    assert told.title.startswith("Fargate ARM64")
    assert "Fargate ARM64" not in [each.title for each in told.rejected]


def test_what_binds_names_the_dimension_of_the_instances():
    recommendation = small(PACKED)
    assert explain(recommendation).binds[0].startswith(f"{recommendation.recommended.instances.binding} on the instances")


def test_doubts_are_reasons_too():
    assert any("at least 24 h are needed" in reason for reason in explain(small(SHORT)).reasons)


@every_result
def test_lines_fit_a_terminal(make):
    recommendation = make()
    for scope in (None, recommendation.recommendation.services[0].name):
        assert max(map(len, explain_text(recommendation, scope).splitlines())) <= 80
    assert "\u00a0" not in explain_text(recommendation)


def test_text_of_the_input_cannot_steer_the_terminal():
    for text in (explain_text(hostile()), explain_markdown(hostile()), explain_csv(hostile())):
        assert all(letter.isprintable() for letter in text.replace("\n", ""))
        text.encode()
    assert "<script>" not in explain_markdown(hostile()).replace("\\<script\\>", "")
    assert LONG[:40] in explain_text(hostile())


def test_an_unknown_service_names_the_nearest():
    with pytest.raises(InputError, match=r"no service 'quite'.*Did you mean 'quiet'.*api, jobs, cache, quiet"):
        explain_text(small(PACKED), "quite")


def test_the_same_result_from_a_file_is_explained_in_the_same_words():
    recommendation = small(PACKED)
    again = changed(recommendation, lambda data: None)
    assert explain_text(again) == explain_text(recommendation)


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """`advisor explain` on a saved result: status, stdout, stderr."""
    (tmp_path / "recommendation.json").write_text(small(PACKED).to_json(), encoding="utf-8")

    def run_command(*arguments):
        monkeypatch.setattr(sys, "argv", ["advisor", "explain", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run_command


def test_a_folder_and_its_file_are_the_same(run, tmp_path):
    from_folder, from_file = run(tmp_path), run(tmp_path / "recommendation.json")
    assert from_folder == from_file
    assert from_folder[0] == 0
    assert "The sum by hand" in from_folder[1]


def test_formats(run, tmp_path):
    data = json.loads(run(tmp_path, "quiet", "--format", "json")[1])
    rows = list(csv.DictReader(io.StringIO(run(tmp_path, "quiet", "--format", "csv")[1])))
    assert [row["meter"] for row in rows] == [item["meter"] for line in data["sum"] for item in line["items"]]
    assert run(tmp_path, "quiet", "--format", "markdown")[1].startswith("# quiet in packed, us-east-1: Fargate ARM64")


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "recommendation.json"), ("{", "line 1"), ("[]", "not a result"), ('{"schema": "other/1"}', "'other/1'")],
)
def test_what_is_no_result_is_one_message(run, tmp_path, content, says):
    folder = tmp_path / "other"
    folder.mkdir()
    if content is not None:
        (folder / "recommendation.json").write_text(content, encoding="utf-8")
    status, out, err = run(folder)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert says in err


def test_it_says_how_sure_in_quantiles_chances_regret_and_what_was_replayed():
    recommendation = shop()
    best, monthly = recommendation.recommended, recommendation.recommended.monthly_usd
    for text in (explain_text(recommendation), explain_markdown(recommendation).replace("\\", "")):
        words = " ".join(text.split())
        assert f"next month ${monthly.p10:,.0f} (P10), ${monthly.p50:,.0f} (P50), ${monthly.p90:,.0f} (P90)" in words
        assert f"${best.expected_regret_usd:,.2f} a month dearer than the cheapest on average" in words
        assert "replay: the last 2 weeks minute by minute" in words
    told = explain_data(recommendation)["rejected"][0]
    assert told["probability_cheapest"] == recommendation.alternative(told["id"]).probability_cheapest
