"""The replayed week: what the result holds of it, by hand, and what the chart draws."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from matplotlib.patches import StepPatch
from numpy.testing import assert_array_equal

import advisor
from advisor.ecs import LaunchType, TaskSize
from advisor.optimize.parts import ReplayedWeek
from advisor.optimize.replayed_week import together
from advisor.report.charts import render_charts
from advisor.workload import Constraints, LoadForm, Scaling, Service, Workload
from tests.report.results import SHORT, small


@pytest.fixture(scope="module")
def jump():
    """Four tasks for ten days, then sixteen, on m5.large of one zone, which hold four."""
    demand = np.full((1, 240 + 24), 4 * 256.0)
    demand[0, 240:] *= 4
    service = Service(
        name="web",
        task=TaskSize(cpu_units=512, memory_mib=1024),
        load_form=LoadForm.USAGE,
        scaling=Scaling(min_tasks=1, target_cpu_fraction=0.5),
    )
    workload = Workload(
        cluster="c",
        region="us-east-1",
        services=(service,),
        start=datetime(2024, 1, 1, tzinfo=UTC),
        step_s=3600,
        demand=demand,
        constraints=Constraints(instance_types=("m5.large",), zones=1, launch_types=(LaunchType.EC2,)),
    )
    return advisor.advise(workload, advisor.read_catalog("us-east-1"))


def test_the_last_week_ends_with_the_load_and_shows_the_jump(jump):
    """The jump comes 144 h into the last 168: 576 quarters of an hour.

    At twice full use the metric stops at 2 over the target, so that tasks double, wait for instances, and double again.
    """
    week = jump.views.replayed_week
    assert (week.start, week.step_s, len(week.instances)) == ("2024-01-05T00:00:00+00:00", 900, 168 * 4)
    before, after = slice(0, 576), slice(580, None)
    for name, value in (("needed", 4), ("running", 4), ("placed", 4), ("waiting", 0), ("instances", 1), ("active", 1)):
        assert set(getattr(week, name)[before]) == {value}, name
    for name, value in (("needed", 16), ("running", 16), ("placed", 16), ("waiting", 0), ("instances", 4), ("active", 4)):
        assert set(getattr(week, name)[after]) == {value}, name
    assert max(week.waiting) > 0


def test_the_chart_draws_the_series_of_the_result(jump):
    week = jump.views.replayed_week
    figure = advisor.plot_replayed_week(jump)
    tasks, waiting, instances = figure.axes
    drawn = [[patch.get_data().values for patch in axes.patches if isinstance(patch, StepPatch)] for axes in figure.axes]
    assert_array_equal(drawn[0], [week.needed, week.placed, week.running])
    assert_array_equal(drawn[1], [week.waiting])
    assert_array_equal(drawn[2], [week.instances, week.active])
    assert tasks.get_xlim() == waiting.get_xlim() == instances.get_xlim() == (0, 168)
    assert figure.finding.startswith("As ECS would have run the last week: 1 to 4 instances, and at most ")


def test_instances_by_the_hour_are_whole_ones_as_packed(jump):
    """What the replay found multiplies the hours of instances, and no count of one hour."""
    assert jump.recommended.replay.instances_over_packing != 1
    assert set(jump.views.instances.hourly_instances) == {1, 4}


def test_the_chart_is_a_file_of_plans_on_instances_alone(jump):
    assert {"charts/replayed-week.png", "charts/replayed-week.svg"} <= set(render_charts(jump))
    without = replace(jump, views=replace(jump.views, replayed_week=None))
    assert "charts/replayed-week.png" not in render_charts(without)
    assert advisor.plot_replayed_week(without).finding == "The recommended plan has no instances that were replayed"
    assert small(SHORT).views.replayed_week is None


def test_parts_of_a_plan_are_added_and_a_gap_of_one_is_a_gap_of_all():
    one = ReplayedWeek(
        start="2024-01-05T00:00:00+00:00", step_s=900, needed=(1.0, None), running=(1.0, 2.0), placed=(1.0, 2.0),
        waiting=(0.0, 1.0), instances=(1.0, 1.0), active=(1.0, 0.0),
    )  # fmt: skip
    both = together([one, replace(one, needed=(2.0, 5.0), instances=(3.0, 4.0))])
    assert (both.needed, both.instances, both.waiting) == ((3.0, None), (4.0, 5.0), (0.0, 2.0))
    assert together([]) is None


def test_the_result_reads_back_with_its_week(jump):
    assert advisor.Recommendation.from_dict(jump.to_dict()).views.replayed_week == jump.views.replayed_week
