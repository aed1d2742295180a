"""Fewer tasks are each sent more load: how many it takes for the memory of each, by hand and as a law."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from advisor.answer import advise
from advisor.bounds import Steps
from advisor.ecs import FARGATE_SIZES, TaskSize
from advisor.errors import InputError
from advisor.plan import ScheduledAction
from advisor.recommend.result import Verdict
from advisor.sizing import (
    MEMORY_MARGIN_FRACTION,
    ObservedTask,
    is_new_load,
    least_tasks_for_memory,
    memory_with_tasks_mib,
    needed_tasks,
    with_memory_kept,
)
from advisor.sources import read_catalog, read_workload
from advisor.workload import LoadForm, Scaling, Service

approx = pytest.approx
REGION = "us-east-1"
VCPU_USD, GIB_USD = 0.04048, 0.004445
"""Fargate, Linux x86, us-east-1, an hour: https://aws.amazon.com/fargate/pricing/."""
N_STEPS = 24 * 21


@pytest.fixture(scope="module")
def catalog():
    return read_catalog(REGION)


@pytest.fixture
def read(tmp_path):
    """Reads columns as a load file of three weeks: each a number or one number an hour."""

    def read_columns(scaling="{}", load="", **columns):
        times = np.datetime64("2026-09-07T00:00") + np.arange(N_STEPS) * np.timedelta64(1, "h")
        rows = zip(times, *(np.broadcast_to(np.asarray(c, float), N_STEPS).tolist() for c in columns.values()), strict=True)
        lines = [",".join((f"{time}Z", *map(repr, cells))) for time, *cells in rows]
        (tmp_path / "web.csv").write_text("\n".join([f"timestamp,{','.join(columns)}", *lines]) + "\n")
        entry = f"name: web, task: {{cpu: 1024, memory: 2048}}, load: {{file: web.csv{load}}}, scaling: {scaling}"
        path = tmp_path / "workload.yaml"
        path.write_text(f"cluster: c\nregion: {REGION}\nservices:\n  - {{{entry}}}\nconstraints: {{launch_types: [FARGATE]}}\n")
        return read_workload(path)

    return read_columns


def plan_of(answer):
    return answer.alternative("web:fargate_x86_64").plan.services["web"]


def usd_of(answer):
    return answer.alternative("web:fargate_x86_64").monthly_usd.mean


TASK_USD = 730 * (1 * VCPU_USD + 2 * GIB_USD)


def test_six_tasks_that_cpu_would_make_two_stay_four_for_their_memory(read, catalog):
    """6 x 204.8 = 1,228.8 units take two tasks at 60 %, each with three times the load: 3,072 MiB of 2,048.

    n tasks need 6 x 1,024 / n MiB each and 15 % more: 7,065.6 / n <= 2,048 from n = 3.45 on: four. They come of a target below
    1,228.8 / (3 x 1,024) = 40 %: in steps of 3 points from 60 %, 39 %.
    """
    answer = advise(read(tasks=6, cpu_percent=20, memory_percent_maximum=50), catalog)
    assert usd_of(answer) == approx(4 * TASK_USD)
    assert (plan_of(answer).min_tasks, plan_of(answer).scaling_target) == (1, 39)
    assert answer.recommendation.verdict is Verdict.RECOMMEND
    (sentence,) = [w for w in answer.warnings if "memory, not CPU" in w]
    assert "up to 4, where CPU alone would take 2" in sentence
    assert "scales at 39 % CPU with at least 1 instead of 60 % CPU with at least 1" in sentence


def test_memory_that_keeps_tasks_at_night_alone_is_not_said_to_set_the_peak(read, catalog):
    """By day 4 x 50 % take four at 60 % and at 54 %; by night 4 x 14 % one at 60 %, which none was seen to bear, or two."""
    cpu = np.where(np.arange(N_STEPS) % 24 < 12, 14.0, 50.0)
    answer = advise(read(tasks=4, cpu_percent=cpu, memory_percent_maximum=85), catalog)
    (sentence,) = [w for w in answer.warnings if "memory, not CPU" in w]
    assert sentence.startswith("web: memory, not CPU, sets how many tasks it takes, but not at its peak. ")


def test_memory_with_room_for_three_times_the_load_leaves_two_tasks(read, catalog):
    """3 x 10 % x 1.15 = 34.5 % of the size."""
    answer = advise(read(tasks=6, cpu_percent=20, memory_percent_maximum=10), catalog)
    assert usd_of(answer) == approx(2 * TASK_USD)
    assert (plan_of(answer).min_tasks, plan_of(answer).scaling_target) == (1, 60)
    assert not [w for w in answer.warnings if "memory, not CPU" in w]


def test_memory_that_is_nearly_full_keeps_as_many_tasks_as_ran(read, catalog):
    """95 % of the size with 15 % more is above it even with six: no fewer than ran, and no more; twelve ran for one hour."""
    tasks, cpu = np.full(N_STEPS, 6.0), np.full(N_STEPS, 20.0)
    tasks[300], cpu[300] = 12, 10
    for ran, percent in ((6, 20), (tasks, cpu)):
        answer = advise(read(tasks=ran, cpu_percent=percent, memory_percent_maximum=95), catalog)
        assert usd_of(answer) == approx(6 * TASK_USD)
        assert answer.recommendation.doubts == ()


def test_a_deployment_that_doubles_the_tasks_of_one_load_is_no_need_for_them(read, catalog):
    """Twelve instead of six tasks for one hour: five of 70 % x 6 / 5 x 1.15 = 96.6 % hold the load in every other hour."""
    tasks, cpu = np.full(N_STEPS, 6.0), np.full(N_STEPS, 20.0)
    tasks[300], cpu[300] = 12, 10
    answer = advise(read(tasks=tasks, cpu_percent=cpu, memory_percent_maximum=70), catalog)
    assert usd_of(answer) == approx(5 * TASK_USD)


def test_a_load_that_tasks_were_seen_to_bear_is_no_danger(read, catalog):
    """By day 4 tasks at 60 %, by night 4 at 15 %, memory 50 % throughout: at night one task at 60 % is what the day showed."""
    cpu = np.where(np.arange(N_STEPS) % 24 < 12, 15.0, 60.0)
    answer = advise(read(tasks=4, cpu_percent=cpu, memory_percent_maximum=50), catalog)
    assert (plan_of(answer).min_tasks, plan_of(answer).scaling_target) == (1, 60)
    assert usd_of(answer) < 2.6 * TASK_USD  # 4 by day, 1 by night, and a quarter of an hour of four more


def test_with_averages_alone_fewer_tasks_are_no_recommendation(read, catalog):
    """20 % on average becomes 60 %: that fits, but an average hides the task that uses most, and none was seen at 60 %."""
    answer = advise(read(tasks=6, cpu_percent=20, memory_percent=20), catalog)
    assert usd_of(answer) == approx(2 * TASK_USD)
    assert answer.recommendation.verdict is not Verdict.RECOMMEND
    (doubt,) = answer.recommendation.doubts
    assert doubt.startswith(
        "web: 2 tasks serve the load for which 6 ran; if memory grows with the load of a task, one uses 1,229"
    )
    assert "averages hide the peak" in doubt
    kept = advise(read(tasks=6, cpu_percent=20, memory_percent=20, scaling="{min: 6}"), catalog)
    assert (kept.recommendation.verdict, kept.recommendation.doubts) == (Verdict.RECOMMEND, ())


def test_fewer_tasks_are_told_where_no_memory_is_known(read, catalog):
    """6 x 8 % fit into one task at 60 %, which then has 6 x 8 = 48 %: six times the load that any was seen to bear."""
    warnings = advise(read(tasks=6, cpu_percent=8), catalog, replay_weeks=0).warnings
    said = "web: where 6 tasks ran, the plan has 1, with 6 times the load for their memory that was ever seen"
    assert len([each for each in warnings if each.startswith(said)]) == 1
    by_day = np.resize([8.0] * 12 + [1.0] * 12, N_STEPS)  # more tasks by night leave it as it is by day: 8 x 45 % in 6 are 60 %
    more = advise(read(tasks=by_day, cpu_percent=45, scaling="{min: 6}"), catalog, replay_weeks=0).warnings
    assert any("where 8 tasks ran, the plan has 6, with 1.3 times the load" in each for each in more)
    kept = advise(read(tasks=6, cpu_percent=8, scaling="{min: 6}"), catalog, replay_weeks=0).warnings
    assert not [each for each in kept if "ever seen" in each]


def test_an_upper_bound_below_what_memory_takes_is_a_doubt(read, catalog):
    answer = advise(read(tasks=6, cpu_percent=20, memory_percent_maximum=50, scaling="{min: 1, max: 3}"), catalog)
    assert usd_of(answer) == approx(3 * TASK_USD)
    assert answer.recommendation.verdict is not Verdict.RECOMMEND
    assert any("needs 2,048 MiB of its 2,048: raise scaling.min or scaling.max" in d for d in answer.recommendation.doubts)


def test_requests_per_task_are_lowered_like_a_target(read, catalog):
    """60 requests a second at 30 a task take two tasks; six ran at half their memory, so four: 15 <= r < 20, as 19.5."""
    answer = advise(read(tasks=6, requests_per_second=60, memory_percent_maximum=50, load=", requests_per_task: 30"), catalog)
    assert usd_of(answer) == approx(4 * TASK_USD)
    (sentence,) = [w for w in answer.warnings if "memory, not CPU" in w]
    assert "scales at 19.5 requests per second and task with at least 1 instead of 30" in sentence


def test_a_larger_task_that_costs_less_goes_before_more_tasks(read, catalog):
    """One task of 2 vCPU needs 6 x 1,024 x 1.15 = 7,066 MiB, so 7,168: 1 x (2 vCPU + 7 GiB) is below 4 x (1 + 2)."""
    answer = advise(read(tasks=6, cpu_percent_average=20, cpu_percent_maximum=25, memory_percent_maximum=50), catalog)
    plan = answer.alternative(answer.recommendation.alternative).plan.services["web"]
    assert plan.task == TaskSize(cpu_units=2048, memory_mib=7168)
    assert plan.scaling_target == 60


def test_a_step_without_a_count_counts_as_the_tasks_that_its_load_usually_had():
    """100 units a task were usual. At 600 units without a count, six ran: of 50 MiB each, 6 x 50 x 1.15 / 100 = 3.45."""
    seen = ObservedTask(
        running_tasks=np.array([2.0, 2.0, np.nan]),
        memory_mib=np.array([50.0, 50.0, np.nan]),
        is_memory_maximum=True,
        cpu_units_max=np.full(3, np.nan),
    )
    demand = np.array([200.0, 200.0, 600.0])
    assert least_tasks_for_memory(demand, seen, 100.0).tolist() == [2, 2, 4]
    assert_allclose(memory_with_tasks_mib(demand, np.array([2.0, 1.0, 4.0]), seen), [50, 100, 75])


def test_without_counts_or_without_memory_nothing_is_known_and_nothing_changes():
    unknown, known = np.full(2, np.nan), np.array([2.0, 2.0])
    service = Service(
        name="s", task=TaskSize(cpu_units=1024, memory_mib=2048), load_form=LoadForm.USAGE, scaling=Scaling(min_tasks=1)
    )
    for tasks, memory_mib in ((unknown, known * 900), (known, unknown)):
        seen = ObservedTask(running_tasks=tasks, memory_mib=memory_mib, is_memory_maximum=True, cpu_units_max=unknown)
        assert with_memory_kept(service, known * 100, seen) == service


def kept_with(*actions):
    """Two days by the hour: six tasks full of memory by day, two by night, each with a twentieth of its CPU."""
    ran = np.where((np.arange(48) % 24 >= 6) & (np.arange(48) % 24 < 20), 6.0, 2.0)
    seen = ObservedTask(
        running_tasks=ran,
        memory_mib=np.full(48, 2048.0),
        is_memory_maximum=True,
        cpu_units_max=np.full(48, np.nan),
    )
    service = Service(
        name="web",
        task=TaskSize(cpu_units=1024, memory_mib=2048),
        load_form=LoadForm.USAGE,
        scaling=Scaling(min_tasks=1, max_tasks=9, scheduled_actions=actions),
    )
    steps = Steps(start_s=0, step_s=3600, n_steps=48)
    scaling = with_memory_kept(service, 50 * ran, seen, steps).scaling
    return scaling.min_tasks, [(each.min_tasks, each.max_tasks) for each in scaling.scheduled_actions]


def at_hour(hour, least, most):
    return ScheduledAction(name=f"at-{hour}", schedule=f"cron(0 {hour} * * ? *)", min_tasks=least, max_tasks=most)


def test_an_upper_bound_of_a_night_takes_the_lower_bound_along_that_memory_raises():
    """AWS refuses an action that sets a maximum below the minimum that the one before left."""
    assert kept_with(at_hour(20, None, 2), at_hour(6, None, 9)) == (6, [(2, 2), (6, 9)])
    assert kept_with(at_hour(20, None, 7), at_hour(6, None, 9)) == (6, [(None, 7), (None, 9)])


def test_a_lower_bound_for_memory_above_what_may_have_been_the_upper_one_is_refused_by_name():
    with pytest.raises(InputError, match=r"web: .* 6 tasks .* at-6 sets a minimum of 6 and no maximum"):
        kept_with(at_hour(20, 1, 2), at_hour(6, 2, None), at_hour(5, 1, 9))


STEPS = st.lists(st.tuples(st.floats(1, 9_000), st.integers(0, 30), st.floats(1, 9_000)), min_size=1, max_size=20)


@given(
    declared=st.sampled_from(FARGATE_SIZES),
    steps=STEPS,
    least=st.integers(0, 4),
    most=st.one_of(st.none(), st.integers(4, 40)),
    is_maximum=st.booleans(),
)
def test_every_step_keeps_its_memory_or_as_many_tasks_as_ran(declared, steps, least, most, is_maximum):
    demand, ran, memory_mib = (np.array(column, float) for column in zip(*steps, strict=True))
    service = Service(name="s", task=declared, load_form=LoadForm.USAGE, scaling=Scaling(min_tasks=least, max_tasks=most))
    seen = ObservedTask(
        running_tasks=ran, memory_mib=memory_mib, is_memory_maximum=is_maximum, cpu_units_max=np.full(len(ran), np.nan)
    )
    kept = with_memory_kept(service, demand, seen)
    tasks = needed_tasks(kept, demand, declared).tasks
    assert (tasks >= needed_tasks(service, demand, declared).tasks).all()
    needed_mib = memory_with_tasks_mib(demand, tasks, seen) * (1 + MEMORY_MARGIN_FRACTION)
    is_kept = (needed_mib <= declared.memory_mib * (1 + 1e-6)) | ~is_new_load(demand, tasks, seen)
    assert (is_kept | (tasks == (np.inf if most is None else most))).all()


@given(declared=st.sampled_from(FARGATE_SIZES), steps=STEPS, factor=st.floats(1, 3))
def test_a_higher_peak_never_takes_fewer_task_hours(declared, steps, factor):
    demand, ran, memory_mib = (np.array(column, float) for column in zip(*steps, strict=True))
    service = Service(name="s", task=declared, load_form=LoadForm.USAGE, scaling=Scaling(min_tasks=1))
    hours = []
    for used_mib in (memory_mib, memory_mib * factor):
        seen = ObservedTask(
            running_tasks=ran, memory_mib=used_mib, is_memory_maximum=True, cpu_units_max=np.full(len(ran), np.nan)
        )
        hours.append(float(needed_tasks(with_memory_kept(service, demand, seen), demand, declared).tasks.sum()))
    assert hours[0] <= hours[1]
