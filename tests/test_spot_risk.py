"""Interruptions of Spot in numbers: by hand, against a simulation, and in an answer."""

import shutil
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import advisor
from advisor.errors import InputError
from advisor.pricing import InterruptionBand
from advisor.recommend.spot_risk import LEVEL, NO_FARGATE_RATE, OPEN_BAND_FRACTION
from advisor.report.html import render_html
from advisor.report.spot import spot_line, spot_sentences
from advisor.simulate.spot import (
    chance_in_month,
    chance_now,
    chance_with_pools,
    interruptions_per_month,
    least_on_demand,
    missing_fraction,
)
from advisor.sources.catalog import pricing_data_folder
from advisor.units import HOURS_PER_MONTH

WORKLOAD = """\
cluster: batch
region: {region}
services:
  - name: encoder
    task: {{cpu: 1024, memory: 2048}}
    load: {{tasks: 40}}
    interruptible: true
    architectures: [X86_64]
  - name: thumbnails
    task: {{cpu: 512, memory: 1024}}
    load: {{tasks: 8}}
    interruptible: true
    architectures: [X86_64]
{more}"""


def test_the_rate_of_a_place_follows_from_the_chance_of_an_instance():
    assert interruptions_per_month(0.20) == pytest.approx(0.223144, abs=1e-6)
    assert interruptions_per_month(0.0) == 0.0
    # 0.2231 times 0.1 h in 730 h: 3.0568e-5 of the time that it is up.
    assert missing_fraction(interruptions_per_month(0.20), 0.1) == pytest.approx(3.0567e-5, rel=1e-4)


def test_chance_at_a_moment_by_hand():
    # Three places, each missing a tenth of the time: 3 x 0.01 x 0.9 + 0.001 for more than one, 1 - 0.729 for any.
    assert chance_now(3, 1, 0.1) == pytest.approx(0.028)
    assert chance_now(3, 0, 0.1) == pytest.approx(0.271)
    assert chance_now(3, 3, 0.1) == 0.0
    assert chance_now(3, -1, 0.1) == 1.0
    assert chance_now(3, 0, 0.0) == 0.0
    assert chance_now(3, 2, 1.0) == 1.0


def test_with_nothing_to_spare_a_month_is_the_chance_of_any_interruption():
    # Ten instances of 5 % each, replaced in no time: 1 - 0.95^10.
    assert chance_in_month(10, 0, interruptions_per_month(0.05), 0.0) == pytest.approx(0.401263, abs=1e-6)
    assert chance_in_month(10, 10, 1.0, 1.0) == 0.0
    assert chance_in_month(0, 0, 1.0, 1.0) == 0.0
    assert chance_in_month(4, -1, 0.0, 1.0) == 1.0


def test_pools_that_hold_two_instances_are_two_lost_at_once():
    rate = interruptions_per_month(0.05)
    # 24 instances in 12 pools, one to spare: the loss of any pool is too much, 1 - 0.95^12.
    assert chance_with_pools(24, 1, rate, 0.0, pools=12) == pytest.approx(0.459640, abs=1e-6)
    # 12 in 12: one pool may be lost, and nothing is missing for longer than a moment.
    assert chance_with_pools(12, 1, rate, 0.0, pools=12) == 0.0
    assert chance_with_pools(0, 0, rate, 1.0, pools=12) == 0.0


def test_the_least_base_by_hand():
    rate = interruptions_per_month(0.05)
    # Any one of n lost is too much: 1 - 0.95^n is at most 10 % for n of 2 (9.75 %), not for 3 (14.3 %).
    assert least_on_demand(10, 0.10, lambda places: chance_in_month(places, 0, rate, 0.0)) == 8
    # 24 instances in 12 pools with one to spare: 12 on demand leave one in each pool.
    assert least_on_demand(24, 0.01, lambda places: chance_with_pools(places, 1, rate, 0.0, pools=12)) == 12
    assert least_on_demand(5, 0.01, lambda places: 0.0) == 0
    assert least_on_demand(5, 0.01, lambda places: float(places > 0)) == 5


def simulated(places: int, spare: int, per_month: float, replacement_h: float, *, months: int) -> tuple[float, float]:
    """Share of months in which too many places are down at some time, and share of time: a plain walk of events."""
    rng = np.random.default_rng(7)
    bad_months, bad_h = 0, 0.0
    warm_h = 20 * replacement_h
    for _ in range(months):
        events = []
        for _ in range(places):
            t = rng.exponential(HOURS_PER_MONTH / per_month)
            while t < warm_h + HOURS_PER_MONTH:
                events += [(t, 1), (t + replacement_h, -1)]
                t += replacement_h + rng.exponential(HOURS_PER_MONTH / per_month)
        down, since, is_bad = 0, 0.0, False
        for t, step in [*sorted(events), (warm_h + HOURS_PER_MONTH, 0)]:
            within = min(t, warm_h + HOURS_PER_MONTH) - max(since, warm_h)
            if down > spare and within > 0:
                bad_h += within
                is_bad = True
            down, since = down + step, t
        bad_months += is_bad
    return bad_months / months, bad_h / (months * HOURS_PER_MONTH)


@pytest.mark.parametrize(
    ("places", "spare", "per_month", "replacement_h"),
    [(6, 0, 0.05, 0.1), (6, 0, 0.2, 20.0), (10, 1, 1.0, 5.0), (20, 1, 0.3, 2.0), (12, 2, 2.0, 10.0)],
)
def test_closed_forms_against_a_simulation(places, spare, per_month, replacement_h):
    months = 3000
    in_month, now = simulated(places, spare, per_month, replacement_h, months=months)
    expected = chance_in_month(places, spare, per_month, replacement_h)
    error = 4 * np.sqrt(expected * (1 - expected) / months)
    # Clusters make the form high, never low: by a few percent of itself where much is down.
    assert in_month - error <= expected <= in_month * 1.10 + error
    if now:
        exact = chance_now(places, spare, missing_fraction(per_month, replacement_h))
        assert now == pytest.approx(exact, rel=0.25)


@settings(max_examples=60, deadline=None)
@given(
    places=st.integers(1, 60),
    spare=st.integers(0, 4),
    chance=st.floats(0.001, 0.5),
    hours=st.floats(0.01, 1.0),
    pools=st.integers(1, 12),
)
def test_more_places_on_spot_never_lower_the_chance_and_the_base_is_the_least(places, spare, chance, hours, pools):
    rate = interruptions_per_month(chance)

    def by_pool(left: int) -> float:
        return chance_with_pools(left, spare, rate, hours, pools=pools)

    def alone(left: int) -> float:
        return chance_in_month(left, spare, rate, hours)

    for of in (by_pool, alone):
        found = [of(left) for left in range(places + 1)]
        assert all(0 <= one <= 1 for one in found)
        assert all(one <= other + 1e-12 for one, other in pairwise(found))
        base = least_on_demand(places, LEVEL, of)
        assert of(places - base) <= LEVEL
        assert base == 0 or of(places - base + 1) > LEVEL


def answered(folder: Path, *, region: str = "us-east-1", more: str = "") -> advisor.Recommendation:
    path = folder / "workload.yaml"
    path.write_text(WORKLOAD.format(region=region, more=more), encoding="utf-8")
    return advisor.advise(advisor.read_workload(path), catalog(region), replay_weeks=0)


@cache
def catalog(region: str) -> advisor.PriceCatalog:
    return advisor.read_catalog(region, folder=pricing_data_folder())


@pytest.fixture(scope="module")
def pooled(tmp_path_factory):
    """Everything on an EC2 Spot pool."""
    return answered(tmp_path_factory.mktemp("pooled"), more="constraints: {launch_types: [EC2]}\n")


def test_a_spot_pool_has_its_bands_and_chances(pooled):
    (risk, *_) = pooled.spot_risks
    assert risk.alternative == pooled.recommended.id
    assert set(risk.services) == {"encoder", "thumbnails"}
    assert risk.tasks == 48
    assert risk.replacement_s == 120 + 120 + 60
    assert len(risk.types) == 6
    assert risk.pools == 12
    assert {each.as_of for each in risk.types} <= {"2025-06-28", None}
    per_instance = -(-risk.tasks // risk.instances)
    assert risk.fewest_tasks == 48 - per_instance
    known = [each for each in risk.types if each.low_fraction is not None]
    highs = [OPEN_BAND_FRACTION if each.high_fraction is None else each.high_fraction for each in risk.types]
    assert risk.interrupted_fraction.high == pytest.approx(sum(highs) / 6)
    if len(known) == 6:
        assert risk.interrupted_fraction.low == pytest.approx(sum(each.low_fraction for each in known) / 6)
    rate = sum(map(interruptions_per_month, highs)) / 6
    assert risk.chance_in_month.high == pytest.approx(chance_in_month(risk.instances, 1, rate, 300 / 3600))
    assert risk.chance_now.high < risk.chance_in_month.high <= risk.chance_in_month_by_pool.high
    assert risk.on_demand_instances <= risk.on_demand_instances_by_pool <= risk.instances


def test_it_is_told_and_survives_the_file(pooled):
    assert advisor.Recommendation.from_dict(pooled.to_dict()) == pooled
    told = " ".join(spot_sentences(pooled))
    assert "interrupted in a month: " in told
    assert "AWS Spot Instance Advisor of 2025-06-28" in told
    assert "if whole pools are taken at once" in told
    for text in (advisor.render_markdown(pooled), advisor.explain_markdown(pooled), render_html(pooled)):
        assert "too few within a month" in " ".join(text.split())
    assert spot_sentences(pooled, "encoder")
    assert "  spot   " in advisor.render_summary(pooled)
    assert spot_line(pooled)


def test_fargate_spot_has_no_number(tmp_path):
    answer = answered(tmp_path, more="constraints: {launch_types: [FARGATE]}\n", region="us-east-1")
    (risk,) = [each for each in answer.spot_risks if each.alternative == answer.recommended.id]
    assert risk.note == NO_FARGATE_RATE
    assert risk.services == ("encoder", "thumbnails")
    assert {
        getattr(risk, name) for name in ("chance_now", "chance_in_month", "interrupted_fraction", "on_demand_instances")
    } == {None}
    assert NO_FARGATE_RATE in " ".join(advisor.render_summary(answer).split())


def test_without_spot_nothing_is_said():
    shop = advisor.read_recommendation("reports/shop")
    assert shop.spot_risks == ()
    assert "spot_risks" not in shop.to_dict()
    assert spot_line(shop) == ""


def with_bands(pooled: advisor.Recommendation, folder: Path, bands: dict[str, InterruptionBand]) -> advisor.Recommendation:
    path = folder / "workload.yaml"
    path.write_text(WORKLOAD.format(region="us-east-1", more="constraints: {launch_types: [EC2]}\n"), encoding="utf-8")
    known = catalog("us-east-1")
    prices = replace(known.region_prices("us-east-1"), interruptions=bands)
    return advisor.advise(advisor.read_workload(path), known.with_list_rates("us-east-1", prices), replay_weeks=0)


def test_a_pool_without_any_band_has_no_chance_and_says_so(pooled, tmp_path):
    (risk, *_) = with_bands(pooled, tmp_path, {}).spot_risks
    assert risk.interrupted_fraction is None
    assert risk.chance_in_month_by_pool is None
    assert risk.on_demand_instances is None
    assert risk.tasks_left_without_a_pool is not None
    assert "not known" in risk.note


def test_a_type_without_a_band_is_not_taken_as_seldom_interrupted(pooled, tmp_path):
    first = pooled.spot_risks[0].types[0].instance_type
    band = InterruptionBand(low_fraction=0.05, high_fraction=0.10, source_id="spotinfo_advisor", as_of="2025-06-28")
    (risk, *_) = with_bands(pooled, tmp_path, {first: band}).spot_risks
    assert risk.interrupted_fraction.low is None
    assert risk.interrupted_fraction.high == pytest.approx((0.10 + 5 * OPEN_BAND_FRACTION) / 6)
    assert "no band is known of" in risk.note


def test_what_an_interruption_leaves_unmet_is_replayed(tmp_path):
    path = tmp_path / "workload.yaml"
    path.write_text(WORKLOAD.format(region="us-east-1", more="constraints: {launch_types: [EC2]}\n"), encoding="utf-8")
    answer = advisor.advise(advisor.read_workload(path), catalog("us-east-1"), replay_weeks=1)
    (risk, *_) = answer.spot_risks
    # 120 s of boot and 60 s of start, seen a step late, for the tasks of an instance where no other has room for them.
    assert 0 < risk.unmet_task_minutes_each <= 4 * risk.tasks
    assert risk.unmet_task_minutes.high == pytest.approx(risk.interruptions_per_month.high * risk.unmet_task_minutes_each)
    assert "task-minutes unmet" in " ".join(spot_sentences(answer))
    assert advisor.Recommendation.from_dict(answer.to_dict()) == answer


@pytest.mark.parametrize(
    ("region", "name", "low", "high"),
    # As the collected copy of the Spot Instance Advisor has them.
    [("af-south-1", "c5.12xlarge", 0.20, None), ("af-south-1", "c5.24xlarge", 0.15, 0.20)],
)
def test_bands_as_collected(region, name, low, high):
    band = catalog(region).interruption_band(name, region)
    assert (band.low_fraction, band.high_fraction, band.as_of) == (low, high, "2025-06-28")
    assert catalog(region).interruption_band("no.such", region) is None


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("m5.large,5,5,spotinfo_advisor,2025-06-28", "no band"),
        ("m5.large,much,,spotinfo_advisor,2025-06-28", "are not percent"),
        ("m5.large,5,10,hearsay,2025-06-28", "sources.csv has no 'hearsay'"),
        ("m5.large,nan,10,spotinfo_advisor,2025-06-28", "no band"),
        ("m5.large,5,10,spotinfo_advisor,2025-06-28\nm5.large,5,10,spotinfo_advisor,2025-06-28", "stands here twice"),
    ],
)
def test_a_bad_row_is_named_when_the_bands_are_asked_for(tmp_path, row, problem):
    shutil.copytree(pricing_data_folder() / "eu-west-1", tmp_path / "eu-west-1")
    for path in pricing_data_folder().glob("*.csv"):
        shutil.copy(path, tmp_path)
    header = "instance_type,percent_from,percent_to,source_id,as_of\n"
    (tmp_path / "eu-west-1/ec2_spot_interruptions.csv").write_text(f"{header}{row}\n", encoding="utf-8")
    found = advisor.read_catalog("eu-west-1", folder=tmp_path)
    with pytest.raises(InputError, match=problem):
        found.interruption_band("m5.large", "eu-west-1")
