"""What a second run takes from the first: what is still true, and as it was read where the work was done."""

import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date
from multiprocessing import get_context

import pytest

import advisor
from advisor.fleet import FleetOptions, advise_fleet
from advisor.fleet.advised import catalog_of
from advisor.fleet.members import file_members
from advisor.fleet.run import advised
from advisor.fleet.screening import search_of
from advisor.sources.catalog import pricing_data_folder
from advisor.workload import Constraints
from tests.fleet.fleets import write_workload

QUICK = FleetOptions(replay_weeks=0)
FARGATE_VCPU = "0.04048"
"""An hour of it in us-east-1; x86."""


@pytest.fixture
def workload(tmp_path):
    return write_workload(tmp_path / "fleet" / "a", level=5, extra="constraints: {launch_types: [FARGATE]}\n")


@pytest.fixture
def prices(tmp_path):
    """A catalog of one Region."""
    folder, shipped = tmp_path / "prices", pricing_data_folder()
    shutil.copytree(shipped / "us-east-1", folder / "us-east-1")
    for file in shipped.glob("*.csv"):
        shutil.copy(file, folder)
    return folder


def make_dearer(prices):
    file = prices / "us-east-1" / "fargate.csv"
    text = file.read_text(encoding="utf-8")
    assert FARGATE_VCPU in text
    file.write_text(text.replace(FARGATE_VCPU, "0.08096"), encoding="utf-8")


def usd(fleet):
    return fleet.totals.best.mean


def test_prices_that_change_in_one_process_are_read_again(workload, prices, tmp_path):
    options = replace(QUICK, prices=prices)
    before = advise_fleet([workload], options=options, keep_in=tmp_path / "kept")
    make_dearer(prices)
    for keep_in in (None, tmp_path / "kept"):
        assert usd(advise_fleet([workload], options=options, keep_in=keep_in)) > usd(before)


def test_own_rates_that_change_in_one_process_are_read_again(workload, tmp_path):
    rates = tmp_path / "rates.csv"

    def with_rate(rate):
        rates.write_text(
            "meter,region,usd,unit,discount_fraction,source,as_of\n"
            f"fargate:linux:x86_64:on_demand:vcpu_hour,us-east-1,{rate},vCPU-hour,,ours,2026-11-01\n",
            encoding="utf-8",
        )
        return [usd(advise_fleet([workload], options=replace(QUICK, rates=rates), keep_in=keep)) for keep in (None, tmp_path)]

    assert max(with_rate(0.01)) < min(with_rate(0.02))


def test_a_search_of_older_prices_is_not_taken_for_newer_ones(prices):
    def search():
        return search_of(catalog_of("us-east-1", prices, None), "us-east-1", Constraints())

    before = search()
    assert search() is before
    make_dearer(prices)
    assert search() is not before


def test_what_a_worker_made_from_older_prices_is_not_kept_as_if_from_newer_ones(workload, prices, tmp_path):
    """The prices change after the worker read them and before its answer is kept."""
    options, members = replace(QUICK, prices=prices), file_members([workload])

    def mapped(function, tasks):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            found = list(pool.map(function, tasks))
        make_dearer(prices)
        yield from enumerate(found)

    (before,) = advised(members, options, mapped, keep_in=tmp_path / "kept")
    after = advise_fleet([workload], options=options, keep_in=tmp_path / "kept")
    assert usd(after) > before.best.mean


def test_what_was_noted_while_reading_is_in_the_answer_of_a_fleet(tmp_path):
    workload = write_workload(tmp_path / "a", level=5)
    load = tmp_path / "a" / "web.csv"
    load.write_text(load.read_text(encoding="utf-8").replace("Z,", ","), encoding="utf-8")
    alone = advisor.read_workload(workload)
    assert any("UTC" in note for note in alone.notes)
    for _ in range(2):  # made, and kept
        fleet = advise_fleet([workload], options=QUICK, keep_in=tmp_path / "kept")
        assert set(alone.notes) <= set(fleet.records[0].notes)


def test_old_rates_are_told_and_a_kept_answer_stays_true_until_another_one_ages(workload, tmp_path):
    def told(day):
        options, shares = replace(QUICK, today=day), []
        fleet = advise_fleet([workload], options=options, keep_in=tmp_path, on_share=lambda _, share: shares.append(share))
        return any("older than 90 days" in text for text in fleet.records[0].warnings), bool(shares)

    newest = date(2030, 1, 1)
    assert told(date(2020, 1, 1)) == (False, True)
    assert told(date(2020, 1, 2)) == (False, False)
    assert told(newest) == (True, True)
    assert told(date(2030, 1, 2)) == (True, False)
