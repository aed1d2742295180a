"""What the recommended plan says of a lost zone."""

import pytest

from advisor import advise, read_catalog, read_workload
from advisor.report.explain import explain_text
from advisor.report.lost_zone import lost_zone_sentences

WORKLOAD = """
cluster: shop
region: us-east-1
services:
  - {{name: web, task: {{cpu: 512, memory: 1024}}, load: {{tasks: {tasks}}}}}
constraints: {{launch_types: [{launch_type}], instance_types: [m5.large], zones: {zones}}}
"""
M5_LARGE_USD = 730 * 0.096 + 30 * 0.08


@pytest.fixture
def advised(tmp_path):
    def advised(tasks, launch_type="EC2", zones=2, **more):
        path = tmp_path / "workload.yaml"
        path.write_text(WORKLOAD.format(tasks=tasks, launch_type=launch_type, zones=zones))
        workload = read_workload(path)
        return advise(workload, read_catalog(workload.region), **more)

    return advised


def test_tasks_of_a_lost_zone_are_away_until_another_instance_has_booted(advised):
    """By hand: eight tasks fill two m5.large. Four are away for the minute of the loss, two of boot and one of start.

    With two instances more, two in each zone, either zone holds all eight.
    """
    result = advised(8)
    (facts,) = result.lost_zones
    assert (facts.zones, facts.unmet_task_minutes, facts.minutes) == (2, 16, 4)
    assert facts.surviving_instances_max == 4
    assert facts.surviving_extra_usd == pytest.approx(2 * M5_LARGE_USD, rel=1e-6)
    (sentence,) = lost_zone_sentences(result)
    assert "leaves 16 task-minutes unmet, and fewer tasks running for 4 minutes" in sentence
    assert sentence in " ".join(explain_text(result, width=10_000).split())


def test_where_the_other_zone_has_room_tasks_are_away_for_their_start_and_surviving_costs_nothing(advised):
    """Four tasks, two in each zone, an instance in each: either one holds all four."""
    (facts,) = advised(4).lost_zones
    assert (facts.unmet_task_minutes, facts.minutes) == (2, 1)
    assert facts.surviving_instances_max == 2
    assert facts.surviving_extra_usd == pytest.approx(0)


@pytest.mark.parametrize("more", [{"launch_type": "FARGATE"}, {"zones": 1}, {"replay_weeks": 0}])
def test_without_zones_that_can_be_lost_or_a_replay_nothing_is_said(advised, more):
    result = advised(8, **more)
    assert result.lost_zones == ()
    assert "lost_zones" not in result.to_dict()
