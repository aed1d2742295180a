"""Step scaling of services: counts that alarms and steps set, in money, plans, files, gates and refusals."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import advise, read_catalog, read_workload
from advisor.ecs import LaunchType, TaskSize
from advisor.emit import render_ecs
from advisor.emit.ecs import parse_ecs
from advisor.errors import InputError, PlanError
from advisor.gating import gate
from advisor.optimize.loads import service_loads
from advisor.optimize.service_plans import step_policies_of
from advisor.plan import AdjustmentType, ScalingMetric, Step, StepPolicy
from advisor.recommend.hybrid import hybrid_plan
from advisor.report.gate import render_gate
from advisor.report.sure import replay_sentence
from advisor.simulate.scaling import running_tasks
from advisor.simulate.timeline import timeline
from advisor.sizing import fargate_sizes
from advisor.sources.input_files import Place
from advisor.sources.scaling_entries import check_steps, steps_note
from advisor.workload import LoadForm, PresentService, Scaling

VIRGINIA = read_catalog("us-east-1")
ALARM = "metric_name: CPUUtilization, statistic: Average, period: 60"
OUT = f"""
        - name: cpu-out
          {ALARM.replace(", ", chr(10) + "          ")}
          evaluation_periods: 3
          comparison_operator: GreaterThanOrEqualToThreshold
          threshold: 70
          adjustment_type: ChangeInCapacity
          step_adjustments:
            - {{metric_interval_lower_bound: 0, metric_interval_upper_bound: 15, scaling_adjustment: 2}}
            - {{metric_interval_lower_bound: 15, scaling_adjustment: 4}}"""
IN = f"""
        - name: cpu-in
          {ALARM.replace(", ", chr(10) + "          ")}
          evaluation_periods: 5
          comparison_operator: LessThanOrEqualToThreshold
          threshold: 40
          adjustment_type: ChangeInCapacity
          step_adjustments: [{{metric_interval_upper_bound: 0, scaling_adjustment: -1}}]"""
AN_HOUR = [1.0] * 10 + [1.5] * 20 + [2.7] * 30
"""vCPU in use, minute by minute."""


@pytest.fixture(scope="module")
def stated(tmp_path_factory):
    def read(
        policies=OUT + IN, vcpu=AN_HOUR, *, step_s=60, task="{cpu: 1024, memory: 2048}", bounds="min: 2\n      max: 20", more=""
    ):
        folder, first = tmp_path_factory.mktemp("steps"), datetime(2026, 1, 5, tzinfo=UTC)
        rows = [f"{(first + timedelta(seconds=step_s * n)).isoformat()},{100 * used / 4},4" for n, used in enumerate(vcpu)]
        (folder / "web.csv").write_text("\n".join(["timestamp,cpu_percent,tasks", *rows]))
        (folder / "workload.yaml").write_text(
            f"cluster: shop\nregion: us-east-1\nservices:\n  - name: web\n    task: {task}\n    load: {{file: web.csv}}\n"
            f"    port: 80\n    image: web:1\n{more}    scaling:\n      {bounds}\n      step_scaling:{policies}\n"
        )
        return read_workload(folder / "workload.yaml")

    return read


@pytest.fixture(scope="module")
def hour(stated):
    return stated()


@pytest.fixture(scope="module")
def advised(hour):
    return advise(hour, VIRGINIA)


def counts(workload):
    """As replayed, with how long each lasts, in count steps."""
    run = service_loads(workload, timeline(workload.start, workload.step_s, workload.n_steps))[0].run
    ends = np.flatnonzero(np.diff(run.counts, append=-1))
    return list(zip(run.counts[ends].tolist(), np.diff(ends, prepend=-1).tolist(), strict=True))


def test_counts_minute_by_minute(hour):
    """By hand. Two tasks at 75 % from minute 10 on: the alarm is on at minute 12, so 4 from 13 on, which run at 14.

    They are at 37.5 %: after five minutes, at 18, one goes. Three at 90 % from minute 30 on get 4 more at 33. Seven, running at
    34, are at 38.6 %: one goes at 39. Six are at 45 % and stay.
    """
    assert counts(hour) == [(2, 13), (4, 6), (3, 14), (7, 6), (6, 21)]


def test_the_bill_is_of_those_counts(advised):
    """By hand: 260 task-minutes in 60, each task of 1 vCPU and 2 GiB, for 730 hours."""
    best = advised.recommended
    assert best.plan.services["web"].launch_type == "FARGATE"
    assert best.monthly_usd.mean == pytest.approx(260 / 60 * 730 * (0.04048 + 2 * 0.004445))


def test_an_hourly_load_is_replayed_by_the_minute(stated):
    """Two hours of 1.0 and 1.5 vCPU: the count goes up in the third minute of the second, not at once and not by a target."""
    assert counts(stated(vcpu=[1.0, 1.5], step_s=3600)) == [(2, 63), (4, 6), (3, 51)]


def test_beside_a_target_the_largest_count_holds(stated):
    """A target of 30 % asks for 5 of 1.5 vCPU at minute 2, the steps for 4; the steps alone may take tasks away again."""
    both = stated(bounds="min: 2\n      max: 20\n      target_cpu: 30", vcpu=[0.6] * 3 + [1.5] * 7)
    assert counts(both) == [(2, 6), (5, 4)]


@pytest.mark.parametrize(
    ("running", "percent", "least", "count"),
    [(10, 25, None, 12), (2, 10, None, 3), (10, -25, None, 8), (2, -10, None, 1), (4, 25, 2, 6), (10, -5, 3, 7), (9, 0, 3, 9)],
)
def test_percents_make_whole_tasks(running, percent, least, count):
    """Application Auto Scaling User Guide: 2.5 are 2, 0.2 is 1, -2.5 are -2, -0.2 is -1; the magnitude is the least."""
    assert AdjustmentType.PERCENT_CHANGE_IN_CAPACITY.count_from(running, percent, least) == count


def test_on_instances_the_same_counts_are_replayed_with_placement(hour):
    """Two tasks of 1 vCPU and 2 GiB fill a t3.medium of 2 vCPU by CPU, one by memory: as many instances as tasks."""
    on_ec2 = replace(hour, constraints=replace(hour.constraints, launch_types=(LaunchType.EC2,), instance_types=("t3.medium",)))
    found = advise(on_ec2, VIRGINIA)
    assert found.recommended.replay.instances_max == 7
    assert [each.unmet_task_minutes > 0 for each in found.lost_zones] == [True]


def test_a_plan_keeps_the_policies_and_has_no_target(advised, hour):
    plan = advised.recommended.plan
    service = plan.services["web"]
    assert (service.scaling_metric, service.scaling_target) == (ScalingMetric.NONE, None)
    assert service.step_policies == hour.services[0].scaling.step_policies
    files = render_ecs(plan)
    assert b'"Threshold": 70.0' in files["services/web/put-metric-alarm-step-cpu-out.json"]
    assert parse_ecs(files).services["web"].step_policies == service.step_policies


def test_a_result_says_what_the_load_is_held_against_and_why_no_size_was_tried(advised):
    """Above 70 % in the four minutes until more tasks run, twice an hour: 97.3 of 730 hours."""
    assert "97.3 service-hours a month above the threshold from which on step policies add tasks" in replay_sentence(advised)
    assert any("the task size was not questioned, because step policies count tasks of it" in said for said in advised.warnings)


def test_no_size_is_right_and_only_as_many_tasks_of_a_larger_size_stand_in(hour):
    declared = replace(hour.services[0], task=TaskSize(cpu_units=768, memory_mib=2048))
    assert all(size.is_count_kept for size in fargate_sizes(declared))
    assert any(not size.is_count_kept for size in fargate_sizes(replace(declared, scaling=Scaling(min_tasks=2))))


policies = st.builds(
    lambda threshold, is_in, change, adjustment: StepPolicy(
        name="p",
        metric=ScalingMetric.CPU,
        threshold_percent=threshold,
        steps=(
            Step(from_percent=0, change=-change if is_in else change),
            Step(from_percent=9, change=-2 * change if is_in else 2 * change),
        ),
        is_scale_in=is_in,
        adjustment=adjustment,
    ),
    st.integers(20, 80),
    st.booleans(),
    st.integers(1, 40),
    st.sampled_from([AdjustmentType.CHANGE_IN_CAPACITY, AdjustmentType.PERCENT_CHANGE_IN_CAPACITY]),
)


@settings(max_examples=25)
@given(policy=policies, load=st.lists(st.sampled_from([0.5, 1.0, 3.0, 4.4]), min_size=2, max_size=6))
def test_as_many_larger_tasks_under_the_shrunk_percentages_of_their_plan_run_as_many(hour, policy, load):
    vcpu = np.repeat(load, 12) * 1024
    service = replace(hour.services[0], scaling=hour.services[0].scaling.with_policies((policy, replace(UP, name="up")), None))
    axis, larger = timeline(hour.start, 60, vcpu.size), TaskSize(cpu_units=4096, memory_mib=8192)
    kept = running_tasks(service, vcpu, larger, axis, is_count_kept=True)
    planned = replace(service, task=larger, scaling=service.scaling.with_policies(step_policies_of(kept), None))
    assert running_tasks(planned, vcpu, larger, axis).counts.tolist() == kept.counts.tolist()


UP = StepPolicy(name="up", metric=ScalingMetric.CPU, threshold_percent=90, steps=(Step(from_percent=0, change=1),))


def changed(old, new):
    text = OUT + IN
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("policies", "problem", "fix"),
    [
        (changed("upper_bound: 15", "upper_bound: 10"), "steps leave a gap from 10 to 15", "where the one before ends"),
        (changed("upper_bound: 15", "upper_bound: 20"), "steps overlap from 15 to 20", "where the one before ends"),
        (
            changed("bound: 15, scaling_adjustment: 4", "bound: 15, scaling_adjustment: 4, metric_interval_upper_bound: 30"),
            "beyond 30",
            "upper_bound of the",
        ),
        (changed("lower_bound: 0", "lower_bound: 5"), "a lower bound of 5, not one of 0", "lower_bound: 0"),
        (changed("scaling_adjustment: 4", "scaling_adjustment: -4"), "every step must add tasks", "add tasks above"),
        (changed("CPUUtilization", "MemoryUtilization"), "MemoryUtilization is not replayed", "CPUUtilization"),
        (changed("period: 60", "period: 300"), "a period of 300 s is not replayed", "Give 60"),
        (changed("statistic: Average", "statistic: Maximum"), "statistic Maximum is not replayed", "Give Average"),
        (changed("cpu-in", "cpu-out"), "two step policies have one name", "a name of its own"),
        (IN, "no step policy adds tasks, and no target does", "or target_cpu"),
        (changed("          threshold: 70\n", ""), "threshold", "missing"),
        (changed("threshold: 70", "threshold: 0"), "threshold", "a number above 0"),
    ],
)
def test_what_aws_refuses_or_no_replay_knows_is_refused_with_its_place(stated, policies, problem, fix):
    with pytest.raises(InputError) as raised:
        stated(policies)
    said = str(raised.value)
    assert "workload.yaml" in said
    assert problem in said
    assert fix in said


def test_policies_between_equal_bounds_are_refused(stated):
    with pytest.raises(InputError, match="so that no step policy moves the count"):
        stated(bounds="min: 2\n      max: 2")


def test_policies_follow_a_load_that_tells_cpu(hour):
    with pytest.raises(InputError, match="follow CPU, which its load does not tell"):
        check_steps(replace(hour.services[0], load_form=LoadForm.REQUESTS, requests_per_task=9.0), Place("workload.yaml"))


def test_counts_that_ran_stay_as_they_ran_and_say_so(hour):
    assert "are not applied: task counts are taken as they ran" in steps_note(
        replace(hour.services[0], load_form=LoadForm.TASKS)
    )


def test_a_gate_names_and_prices_another_policy(hour):
    """By hand: with steps of 6 from 85 % on, nine tasks from minute 33 on, eight from 39 on, seven from 44, and six from 49."""
    service = replace(hour.services[0], present=PresentService(launch_type=LaunchType.FARGATE))
    more, fewer = service.scaling.step_policies
    more = replace(more, steps=(more.steps[0], replace(more.steps[1], change=6)))
    other = replace(service, scaling=service.scaling.with_policies((more, fewer), None))
    found = gate(*(replace(hour, services=(each,)) for each in (service, other)), VIRGINIA)
    (change,) = found.services
    assert change.changed == ("step_policies",)
    minutes = 13 * 2 + 6 * 4 + 14 * 3 + 6 * 9 + 5 * 8 + 5 * 7 + 11 * 6
    assert found.change_usd == pytest.approx((minutes - 260) / 60 * 730 * (0.04048 + 2 * 0.004445))
    said = " ".join(render_gate(found).split())
    assert "step policies: cpu-out: cpu >= 70 % for 3 min: ChangeInCapacity +2, from 85 % +4, cooldown 300 s -> cpu-out" in said
    assert "cpu-in" not in said
    assert "hours above CPU threshold of steps" in said


def test_a_hybrid_of_steps_is_refused(advised):
    with pytest.raises(PlanError, match="count tasks of the whole service"):
        hybrid_plan(advised, {"web": 2})
