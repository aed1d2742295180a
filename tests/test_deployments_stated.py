"""Deployments that a workload states: when they happen, what they cost on Fargate and on instances, and where that is said."""

from datetime import UTC, datetime

import pytest

from advisor import advise, read_catalog, read_workload
from advisor.errors import InputError
from advisor.optimize.deployments import deployment_steps

WORKLOAD = """
cluster: shop
region: us-east-1
services:
  - name: web
    task: {{cpu: 512, memory: 1024}}
    load: {{file: web.csv, requests_per_task: 40}}
    {more}
constraints: {{launch_types: [{launch_type}], instance_types: [m5.large]}}
"""
DAILY = "deployments: {per_week: 7}"
MONDAY = datetime(2026, 9, 7, tzinfo=UTC)
HOURS = 14 * 24


@pytest.fixture
def advised(tmp_path):
    """Two weeks of a load that four tasks carry; the result as data."""
    rows = [f"{MONDAY.replace(day=7 + hour // 24, hour=hour % 24):%Y-%m-%dT%H:%MZ},web,150" for hour in range(HOURS)]
    (tmp_path / "web.csv").write_text("\n".join(["time,service,requests_per_second", *rows, ""]))

    def advised(launch_type, more=""):
        path = tmp_path / "workload.yaml"
        path.write_text(WORKLOAD.format(launch_type=launch_type, more=more))
        workload = read_workload(path)
        return advise(workload, read_catalog(workload.region)).to_dict()

    return advised


def best(result):
    return next(each for each in result["alternatives"] if each["id"] == result["recommendation"]["alternative"])


def test_on_fargate_a_deployment_costs_every_task_from_its_start_until_the_old_one_is_gone(advised):
    """By hand: four tasks, a minute of start, 40 s until healthy (a whole minute in the replay) and ten minutes of draining."""
    without = best(advised("FARGATE"))
    found = best(advised("FARGATE", "deployments: {per_week: 7, drain_seconds: 600}"))
    hours_a_month = 730 / 24 * 12 / 60
    more_usd = without["monthly_usd"]["mean"] * hours_a_month / 730
    assert found["monthly_usd"]["mean"] - without["monthly_usd"]["mean"] == pytest.approx(more_usd, rel=1e-6)
    assert found["replay"]["deployments_monthly_usd"] == pytest.approx(more_usd, rel=1e-6)
    assert found["replay"]["deployments_per_month"] == pytest.approx(730 / 24)
    assert "deployments_instances_max" not in found["replay"]


@pytest.mark.parametrize(("port", "drain_s"), [("", 30), ("port: 80\n    ", 300)])
def test_by_default_old_tasks_drain_for_as_long_as_aws_lets_them(advised, port, drain_s):
    stated = best(advised("FARGATE", f"{port}deployments: {{per_week: 7, drain_seconds: {drain_s}}}"))
    assert best(advised("FARGATE", port + DAILY))["monthly_usd"] == stated["monthly_usd"]


def test_on_instances_the_surge_is_in_the_bill_in_its_layers_and_in_words(advised):
    """Four tasks fill an m5.large, of which two stand in two zones: four more tasks find room there, at no cost."""
    roomy = best(advised("EC2", DAILY))
    assert roomy["replay"]["deployments_monthly_usd"] == 0
    assert roomy["replay"]["deployments_instances_max"] == 0

    one_zone = "deployments: {per_week: 7}\n    scaling: {min: 8}"
    without, result = (advised("EC2", more) for more in ("scaling: {min: 8}", one_zone))
    found = best(result)
    surge_usd = found["replay"]["deployments_monthly_usd"]
    assert surge_usd == pytest.approx(found["monthly_usd"]["mean"] - best(without)["monthly_usd"]["mean"], rel=1e-6)
    assert found["replay"]["deployments_instances_max"] == 2
    (money,) = result["instance_money"]
    assert money["usd"]["deployments"] == pytest.approx(surge_usd, rel=1e-6)
    assert sum(money["usd"].values()) == pytest.approx(found["monthly_usd"]["mean"])
    assert any("deployments (web) are only in the bills of plans that were replayed" in each for each in result["warnings"])


def test_without_stated_deployments_none_are_in_a_bill(advised):
    result = advised("EC2")
    assert not any(name.startswith("deployments") for name in best(result)["replay"])
    assert not any("deployments" in each for each in result["warnings"])


def test_given_counts_of_tasks_take_no_deployments(tmp_path):
    path = tmp_path / "workload.yaml"
    text = WORKLOAD.format(launch_type="EC2", more=DAILY)
    path.write_text(text.replace("{file: web.csv, requests_per_task: 40}", "{tasks: 4}"))
    with pytest.raises(InputError, match="count of tasks given"):
        read_workload(path)


@pytest.mark.parametrize(
    ("per_week", "hour", "days", "hours"),
    [
        (7, None, 2, [12, 36]),  # a day apart, staggered by half of that
        (1, None, 14, [84, 252]),
        (7, 20, 2, [20.5, 44.5]),
        (14, 20, 1, [20.25, 20.75]),
        (0.1, None, 7, [84]),  # one at least, and its cost is scaled
    ],
)
def test_deployments_are_spread_evenly(per_week, hour, days, hours):
    steps = deployment_steps(per_week, hour, MONDAY, days * 1_440, 60, stagger=0.5)
    assert [step / 60 for step in steps] == hours


def test_an_hour_before_the_first_step_of_its_day_is_the_next_days():
    start = MONDAY.replace(hour=12)
    assert deployment_steps(7, 9, start, 1_440, 60, stagger=0.5) == ((21 * 60) + 30,)


def test_a_rare_deployment_costs_its_share_of_one(advised):
    weekly, rare = (best(advised("FARGATE", f"deployments: {{per_week: {rate}}}")) for rate in (0.5, 0.05))
    ratio = rare["replay"]["deployments_monthly_usd"] / weekly["replay"]["deployments_monthly_usd"]
    assert ratio == pytest.approx(0.1)
