"""The money that a change makes, by hand, and what the history says of it."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.ecs import Architecture, LaunchType, NetworkMode, PlacementStrategy, PurchaseOption, TaskSize
from advisor.errors import InputError
from advisor.gating import Limits, Safety, gate
from advisor.plan import ScheduledAction
from advisor.workload import Daemon, PresentService
from tests.as_advisor import as_catalog
from tests.gate.changes import (
    CATALOG,
    LARGE,
    N_HOURS,
    ON_EC2,
    ON_FARGATE,
    PRICES,
    changed,
    instances,
    web,
    workload,
)
from tests.strategies import workloads

approx = pytest.approx
BINPACK = PlacementStrategy.SPREAD_THEN_BINPACK
SPREAD = PlacementStrategy.DEFAULT_SPREAD
FARGATE_X86_TASK_MONTH = 730 * (1 * 0.04 + 2 * 0.004)
"""A task of 1 vCPU and 2 GiB for a month: $35.04."""


def test_twice_the_size_is_half_the_tasks_and_the_same_money():
    """4 tasks x 730 h x (1 x $0.04 + 2 x $0.004) = $140.16; then 2 tasks x 730 h x (2 x $0.04 + 4 x $0.004) = $140.16."""
    found = gate(workload(), changed(workload(), task=(2048, 4096)), CATALOG)
    assert (found.before_usd, found.after_usd) == (approx(140.16), approx(140.16))
    assert found.change_usd == approx(0, abs=1e-9)
    (web_change,) = found.services
    assert web_change.changed == ("cpu", "memory")
    assert (web_change.before.history.tasks_max, web_change.after.history.tasks_max) == (4, 2)


def test_more_memory_costs_what_it_adds_on_every_task():
    """4 tasks x 730 h x 2 GiB more x $0.004 = $23.36."""
    found = gate(workload(), changed(workload(), task=(1024, 4096)), CATALOG)
    assert found.change_usd == approx(23.36)
    assert found.change_fraction == approx(23.36 / 140.16)
    assert found.services[0].safety is Safety.SAFE  # as many tasks, each with no less of anything


def test_a_lower_target_takes_more_tasks():
    """2,048 units / (0.25 x 1,024) = 8 tasks in place of 4."""
    found = gate(workload(), changed(workload(), scaling={"target_cpu_fraction": 0.25}), CATALOG)
    assert found.change_usd == approx(4 * FARGATE_X86_TASK_MONTH)


def test_a_higher_minimum_is_paid_all_month():
    """6 tasks at least, where 4 would do."""
    found = gate(workload(), changed(workload(), scaling={"min_tasks": 6}), CATALOG)
    assert found.change_usd == approx(2 * FARGATE_X86_TASK_MONTH)
    assert found.services[0].changed == ("min_tasks",)
    assert found.services[0].safety is Safety.SAFE


def test_a_maximum_below_the_need_saves_money_and_is_not_safe():
    """3 of 4 tasks: one task-hour unmet in each of 730 hours, CPU at 2,048 / 3,072 = 67 % of 50 % in all 336 of the history."""
    found = gate(workload(), changed(workload(), scaling={"max_tasks": 3}), CATALOG)
    (change,) = found.services
    assert found.change_usd == approx(-FARGATE_X86_TASK_MONTH)
    assert change.safety is Safety.UNSAFE
    assert (change.before.history.hours_above_target, change.after.history.hours_above_target) == (0, N_HOURS)
    assert change.after.history.hours_above_full == 0
    assert change.after.history.unmet_task_hours == approx(730)
    assert any("hours above the CPU target: 0 before, 336 after" in reason for reason in change.reasons)


def test_a_fixed_count_that_is_too_small_runs_above_what_its_tasks_have():
    """1 task of 1,024 units for 2,048 in use."""
    found = gate(workload(), changed(workload(), scaling={"min_tasks": 1, "max_tasks": 1}), CATALOG)
    history = found.services[0].after.history
    assert (history.tasks_p50, history.hours_above_full) == (1, N_HOURS)
    assert found.after_usd == approx(FARGATE_X86_TASK_MONTH)


def test_another_architecture_has_its_own_rates_and_is_not_known_to_be_safe():
    to_arm = changed(workload(), present=replace(ON_FARGATE, architecture=Architecture.ARM64))
    found = gate(workload(), to_arm, CATALOG)
    assert found.change_usd == approx(-140.16 / 2)
    assert found.services[0].safety is Safety.UNKNOWN
    assert found.services[0].reasons == ("what it gets out of a vCPU of ARM64 is not measured",)


def test_fargate_spot_has_its_own_rates_and_may_be_interrupted():
    to_spot = changed(workload(), present=replace(ON_FARGATE, purchase_option=PurchaseOption.SPOT))
    found = gate(workload(), to_spot, CATALOG)
    assert found.change_usd == approx(-140.16 / 2)
    assert "interrupt" in found.services[0].reasons[0]
    assert gate(workload(), changed(to_spot, is_interruptible=True), CATALOG).services[0].safety is Safety.SAFE


def test_storage_and_addresses_are_in_the_bill():
    """4 tasks x 730 h x (30 GiB beyond 20 x $0.0001 + $0.005)."""
    found = gate(workload(), changed(workload(), ephemeral_storage_gib=50, has_public_ip=True), CATALOG)
    assert found.change_usd == approx(4 * 730 * (30 * 0.0001 + 0.005))


def test_ec2_is_billed_as_a_whole_cluster():
    """8 tasks of 1,024 units, 2 on an instance: 4 instances; with web at 2,048 units 2 + 2 as it takes half as many tasks.

    An instance is 730 h x $0.1 + 30 GiB x $0.08 = $75.40. At 4,096 CPU units nothing fits on two vCPU.
    """
    cluster = workload(web(), web(name="api"), present=ON_EC2, cluster=instances(m5_large=4))
    bigger = changed(cluster, task=(2048, 4096), scaling={"target_cpu_fraction": 0.25})
    found = gate(cluster, bigger, CATALOG, services=["web"], placement=BINPACK)
    assert found.before_usd == approx(4 * 75.40)
    assert found.after_usd == approx(6 * 75.40)  # 4 of web alone on an instance each, and 4 of api on two
    assert [change.service for change in found.services] == ["web"]
    assert found.instances_before.services == ("web", "api")
    assert found.services[0].before.monthly_usd is None
    none_fits = gate(cluster, changed(cluster, task=(4096, 4096)), CATALOG, placement=BINPACK)
    assert none_fits.change_usd is None
    assert none_fits.missing == ("an instance type that holds a task of web (4096/4096): m5.large does not",)


def test_from_ec2_to_fargate_the_rest_of_the_cluster_stays():
    """4 instances for 8 tasks; then 2 for api's 4 and $140.16 for web on Fargate."""
    cluster = workload(web(), web(name="api"), present=ON_EC2, cluster=instances(m5_large=4))
    moved = changed(cluster, present=ON_FARGATE)
    found = gate(cluster, moved, CATALOG, services=["web"], placement=BINPACK)
    assert found.change_usd == approx(2 * 75.40 + 140.16 - 4 * 75.40)
    assert found.instances_after.services == ("api",)
    back = gate(moved, cluster, CATALOG, services=["web"], placement=BINPACK)
    assert back.change_usd == approx(-found.change_usd)


def test_managed_instances_add_the_fee_and_say_that_it_is_derived():
    """2 instances for 4 tasks: a fee of 12 % on $0.1 for 2 x 730 h."""
    catalog = as_catalog([{**LARGE, "fee_usd_per_hour": 0.012}], PRICES)
    ec2 = workload(present=ON_EC2, cluster=instances(m5_large=2))
    managed = changed(ec2, present=PresentService(launch_type=LaunchType.MANAGED_INSTANCES))
    found = gate(ec2, managed, catalog, placement=BINPACK)
    assert found.change_usd == approx(2 * 730 * 0.012)
    assert any("ecs_managed_instances:fee:m5.large is derived" in note for note in found.notes)


def test_another_instance_type_moves_the_whole_cluster():
    cluster = workload(present=ON_EC2, cluster=instances(m5_large=4))
    found = gate(cluster, replace(cluster, present=instances(m5_xlarge=2)), CATALOG, placement=BINPACK)
    assert found.change_usd == approx(2 * (730 * 0.2 + 2.40) - 2 * 75.40)


@pytest.mark.parametrize("placement", ["random", "instance_spread"])
def test_a_placement_that_only_a_replay_follows_is_refused(placement):
    load = workload(web(), present=ON_EC2, cluster=instances(m5_large=4))
    with pytest.raises(InputError, match=f"under the placement {placement} costs come from a replay alone"):
        gate(load, load, CATALOG, placement=PlacementStrategy(placement))


def test_without_a_placement_that_decides_there_is_no_total():
    """Under the default spread the cluster keeps the instances of its busiest hour while it has as many tasks."""
    busy = web(demand=[8192.0] + [2048.0] * (N_HOURS - 1))
    cluster = workload(busy, present=ON_EC2, cluster=instances(m5_large=8))
    moved = changed(cluster, present=ON_FARGATE)
    found = gate(cluster, moved, CATALOG, limits=Limits(max_increase_usd=0))
    assert found.change_usd is None
    assert not found.passed
    spread, binpack = (gate(cluster, moved, CATALOG, placement=p).change_usd for p in (SPREAD, BINPACK))
    assert spread < binpack
    assert f"{spread:,.2f}".lstrip("-") in found.missing[0]
    assert f"{binpack:,.2f}".lstrip("-") in found.missing[0]
    assert gate(cluster, cluster, CATALOG).change_usd == 0


def test_mixed_or_unstated_instances_have_no_price_and_no_zero():
    for stated in (None, instances(m5_large=1, m5_xlarge=1), instances(m9_huge=1)):
        cluster = workload(present=ON_EC2, cluster=stated)
        found = gate(cluster, changed(cluster, task=(512, 1024)), CATALOG, placement=BINPACK)
        assert (found.before_usd, found.after_usd, found.change_usd, found.before_bill) == (None, None, None, None)
        assert found.missing


def test_a_missing_rate_is_named():
    found = gate(
        workload(),
        changed(workload(), present=replace(ON_FARGATE, architecture=Architecture.ARM64)),
        as_catalog([LARGE], {("X86_64", "on_demand"): PRICES["X86_64", "on_demand"]}),
        limits=Limits(max_monthly_usd=1e9),
    )
    assert found.change_usd is None
    assert "fargate:linux:arm64:on_demand:vcpu_hour" in found.missing
    assert not found.passed
    assert found.services[0].before.monthly_usd == approx(140.16)


def test_limits():
    after = changed(workload(), task=(1024, 4096))  # + $23.36 on $140.16: 16.7 %, $163.52 in all
    for limits, is_passed in [
        (Limits(), True),
        (Limits(max_increase_usd=23.37), True),
        (Limits(max_increase_usd=23.35), False),
        (Limits(max_increase_percent=16.7), True),
        (Limits(max_increase_percent=16.6), False),
        (Limits(max_monthly_usd=163.53), True),
        (Limits(max_monthly_usd=163.51), False),
        (Limits(max_increase_usd=0, max_increase_percent=0, max_monthly_usd=0), False),
    ]:
        assert gate(workload(), after, CATALOG, limits=limits).passed is is_passed
    assert len(gate(workload(), after, CATALOG, limits=Limits(max_increase_usd=0, max_monthly_usd=0)).failures) == 2
    assert not gate(workload(), after, CATALOG, limits=Limits(max_increase_usd=-1)).passed


def test_safety_can_be_required():
    unsafe, limits = changed(workload(), scaling={"max_tasks": 3}), Limits(is_safety_required=True)
    assert "unsafe" in gate(workload(), unsafe, CATALOG, limits=limits).failures[0]
    assert gate(workload(), workload(), CATALOG, limits=limits).passed


def test_memory_is_held_against_what_single_tasks_used():
    """1,000 MiB of 2,048 leave 51 %, of 1,024 only 2 %. Half as many tasks are each sent twice the load: 2,000 of 4,096."""
    seen = {
        "memory_mib": np.full((1, N_HOURS), 1000.0),
        "running_tasks": np.full((1, N_HOURS), 4.0),
        "is_memory_maximum": np.array([True]),
    }
    before = workload(**seen)
    found = gate(before, changed(before, task=(512, 1024)), CATALOG)
    assert found.services[0].before.history.memory_headroom_fraction == approx(1 - 1000 / 2048)
    assert found.services[0].after.history.memory_headroom_fraction == approx(1 - 1000 / 1024)
    assert found.services[0].safety is Safety.UNSAFE
    fewer = changed(before, task=(2048, 4096), scaling={"min_tasks": 1})
    assert gate(before, fewer, CATALOG).services[0].after.history.memory_headroom_fraction == approx(1 - 4000 / 4096 / 2)


def test_the_busiest_task_is_held_against_its_size():
    """900 of 1,024 CPU units; in a task of 512 it is 176 % where as many run."""
    seen = {"cpu_units_per_task_max": np.full((1, N_HOURS), 900.0), "running_tasks": np.full((1, N_HOURS), 4.0)}
    before = workload(**seen)
    (change,) = gate(before, changed(before, task=(512, 1024), scaling={"max_tasks": 4}), CATALOG).services
    assert change.before.history.busiest_task_fraction == approx(900 / 1024)
    assert change.after.history.busiest_task_fraction == approx(900 / 512)
    assert any("the busiest task would have had 176% of its CPU" in reason for reason in change.reasons)


def test_a_size_that_fargate_lacks_is_an_error_with_the_next_one():
    with pytest.raises(InputError, match=r"web: Fargate has no task size 600/1500.*1024/2048"):
        gate(workload(), changed(workload(), task=(600, 1500)), CATALOG)


def test_hours_above_the_target_as_it_ran():
    """With the 3 tasks that ran, CPU was at 67 % of a target of 50 %, every hour."""
    before = workload(running_tasks=np.full((1, N_HOURS), 3.0))
    found = gate(before, changed(before, scaling={"min_tasks": 5}), CATALOG)
    assert found.services[0].hours_above_target_as_ran == N_HOURS


def requests(**more):
    """40 requests per second, 10 a task at its target: 4 tasks."""
    return web(form="requests", demand=[40.0] * N_HOURS, requests_per_task=10, **more)


def test_requests_per_task_keep_the_count_whatever_the_size():
    """4 tasks x 730 h x (2 x $0.04 + 4 x $0.004) = $280.32: twice, and nobody knows whether it was needed."""
    before = workload(requests())
    found = gate(before, changed(before, task=(2048, 4096)), CATALOG)
    assert (found.before_usd, found.after_usd) == (approx(140.16), approx(280.32))
    assert found.services[0].after.history.hours_above_target is None
    assert any("whether a task of the new size serves as many is not measured" in note for note in found.notes)
    served = gate(before, changed(before, task=(2048, 4096), requests_per_task=20.0), CATALOG)
    assert served.after_usd == approx(140.16)
    assert served.services[0].after.history.hours_above_target == 0


def test_hours_above_a_target_of_requests():
    """At most 2 tasks for 40 requests per second: 20 a task where 10 are the target of 50 %, so at 100 % and not above."""
    before = workload(requests())
    history = gate(before, changed(before, scaling={"max_tasks": 2}), CATALOG).services[0].after.history
    assert (history.hours_above_target, history.hours_above_full) == (N_HOURS, 0)


def counts(values=None, **more):
    return web(form="tasks", demand=values or [4.0] * N_HOURS, **more)


def test_counts_that_ran_answer_a_fixed_or_a_tighter_count_only():
    before = workload(counts([3.0, 5.0] * (N_HOURS // 2), min=2, max=6))
    fixed = gate(before, changed(before, scaling={"min_tasks": 6, "max_tasks": 6}), CATALOG)
    assert fixed.change_usd == approx(2 * FARGATE_X86_TASK_MONTH)  # 6 in place of 4 on average
    tighter = gate(before, changed(before, scaling={"max_tasks": 4}), CATALOG)
    assert tighter.change_usd == approx(-0.5 * FARGATE_X86_TASK_MONTH)
    assert tighter.services[0].after.history.unmet_task_hours == approx(365)
    assert gate(before, changed(before, scaling={"max_tasks": 9}), CATALOG).change_usd == 0  # 6 was never reached
    assert gate(before, changed(before, scaling={"target_cpu_fraction": 0.7}), CATALOG).change_usd is None
    at_bound = workload(counts([2.0, 6.0] * (N_HOURS // 2), min=2, max=6))
    for looser in ({"min_tasks": 1}, {"max_tasks": 7}, {"max_tasks": None}):
        found = gate(at_bound, changed(at_bound, scaling=looser), CATALOG)
        assert found.change_usd is None
        assert "CPU in use" in found.missing[0]


@pytest.mark.parametrize("scaling", [{"scheduled_actions": ()}, {"min_tasks": 4}])
def test_counts_that_ran_under_scheduled_actions_do_not_answer_other_bounds(scaling):
    morning = ScheduledAction(name="day", schedule="cron(0 7 * * ? *)", min_tasks=5)
    before = changed(workload(counts(min=2, max=6)), scaling={"scheduled_actions": (morning,)})
    found = gate(before, changed(before, scaling=scaling), CATALOG)
    assert found.change_usd is None
    assert "scheduled actions" in found.missing[0]
    fixed = {"min_tasks": 6, "max_tasks": 6, "scheduled_actions": ()}
    assert gate(before, changed(before, scaling=fixed), CATALOG).change_usd == approx(2 * FARGATE_X86_TASK_MONTH)


@pytest.mark.parametrize(("fields", "changes"), [
    ({"network_mode": NetworkMode.HOST, "port": 80}, ("network_mode", "host_ports")),
    ({"has_distinct_instances": True}, ("has_distinct_instances",)),
])  # fmt: skip
def test_what_keeps_tasks_apart_is_a_change_that_is_named(fields, changes):
    """4 tasks on 4 instances, in place of the 2 that there are for the zones: 2 x $75.40."""
    before = workload(counts(), present=ON_EC2, cluster=instances(m5_large=2))
    found = gate(before, changed(before, **fields), CATALOG)
    assert found.services[0].changed == changes
    assert found.change_usd == approx(2 * 75.40)
    on_fargate = workload(counts())
    assert gate(on_fargate, changed(on_fargate, **fields), CATALOG).services[0].changed == ()


def test_a_stated_number_of_tasks_is_a_setting():
    def stated(tasks):
        load = workload(counts([float(tasks)] * N_HOURS, min=None, max=None))
        return changed(load, is_stated=True)

    found = gate(stated(4), stated(7), CATALOG)
    assert found.change_usd == approx(3 * FARGATE_X86_TASK_MONTH)


def test_percent_refers_to_what_ran_so_the_load_is_the_one_before():
    """The same file of percent under a larger task would be read as more load: the change must not be."""
    after = changed(workload(web(demand=[4096.0] * N_HOURS)), task=(2048, 4096))
    assert gate(workload(), after, CATALOG).change_usd == approx(0, abs=1e-9)


def test_services_must_match():
    with pytest.raises(InputError, match=r"no service 'web' in the workload after the change. Did you mean 'webs'"):
        gate(workload(), workload(web(name="webs")), CATALOG)
    with pytest.raises(InputError, match="nothing says where web runs"):
        gate(workload(present=None), workload(present=None), CATALOG)
    with pytest.raises(InputError, match="the same load"):
        gate(workload(), workload(counts()), CATALOG)


def test_the_bill_is_the_kernels():
    found = gate(workload(), changed(workload(), task=(1024, 4096)), CATALOG)
    for bill, usd in ((found.before_bill, found.before_usd), (found.after_bill, found.after_usd)):
        assert math.fsum(item.amount_usd for item in bill.line_items) == usd
        assert all(item.quantity * item.rate_usd == approx(item.amount_usd) and item.source for item in bill.line_items)


def test_json_holds_the_whole_result():
    found = gate(workload(), changed(workload(), task=(1024, 4096)), CATALOG, limits=Limits(max_increase_usd=1))
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["schema"] == "advisor/gate/1"
    assert (data["passed"], data["change_usd"]) == (False, approx(23.36))
    assert data["services"][0]["after"]["setup"]["memory"] == 4096


@given(load=workloads(max_steps=30, max_services=3), on_instances=st.booleans())
def test_no_change_is_exactly_nothing(load, on_instances):
    """Law U7, for every form of load, with gaps."""
    load["services"] = [{**s, "cpu": 512, "memory": 1024, "min": s["min"] or 0, "max": s["max"]} for s in load["services"]]
    present, cluster = (ON_EC2, instances(m5_large=3)) if on_instances else (ON_FARGATE, None)
    architecture = Architecture.X86_64
    both = as_placed(load, replace(present, architecture=architecture), cluster)
    found = gate(both, both, CATALOG)
    assert found.change_usd == 0
    assert found.passed
    assert found.missing == ()
    assert {change.safety for change in found.services} == {Safety.UNCHANGED}


def as_placed(load, present, cluster):
    from tests.as_advisor import as_workload

    drawn = as_workload(load)
    return replace(drawn, services=tuple(replace(s, present=present) for s in drawn.services), present=cluster)


@given(
    tasks=st.tuples(st.sampled_from([256, 512, 1024]), st.sampled_from([1024, 2048])),
    target=st.sampled_from([0.3, 0.5, 0.9]),
    bounds=st.tuples(st.integers(0, 3), st.integers(3, 9)),
    demand=st.lists(st.integers(0, 6000), min_size=24, max_size=48),
)
def test_a_gate_agrees_with_a_plain_loop(tasks, target, bounds, demand):
    """Tasks hour by hour, held for a quarter of an hour after they are not needed, times their price."""
    if tasks == (1024, 1024):
        tasks = (1024, 2048)
    load = workload(web(demand=[float(d) for d in demand]))
    after = changed(load, task=tasks, scaling={"target_cpu_fraction": target, "min_tasks": bounds[0], "max_tasks": bounds[1]})
    task_hours, last, weight = 0.0, None, 730 / len(demand)
    by_hour = {}
    for hour, used in enumerate(demand):
        need = min(max(math.ceil(used / (target * tasks[0]) - 1e-9), bounds[0], 1), bounds[1])
        quarters = [max(need, last if last is not None else need), need, need, need]
        by_hour.setdefault(hour % 168, []).append(sum(quarters) / 4)
        last = need
    task_hours = sum(weight * sum(hours) for hours in by_hour.values())
    usd = task_hours * (tasks[0] / 1024 * 0.04 + tasks[1] / 1024 * 0.004)
    assert gate(load, after, CATALOG).after_usd == approx(usd, rel=1e-9, abs=1e-9)


def test_the_library_exports_it():
    import advisor.gating
    from advisor import gate as exported

    assert exported is advisor.gating.gate
    assert advisor.gate is advisor.gating.gate


def test_unmet_tasks_of_two_sizes_are_compared_by_what_they_serve():
    """Need 4 tasks of 1,024 with 3 at most: 1 unmet. Of 2,048 need 2 with 1 at most: 1 unmet, which is twice the load."""
    before = workload(web(max=3))
    (change,) = gate(before, changed(before, task=(2048, 4096), scaling={"min_tasks": 1, "max_tasks": 1}), CATALOG).services
    assert change.before.history.unmet_task_hours == change.after.history.unmet_task_hours == approx(730)
    assert any("unmet" in reason for reason in change.reasons)


def test_daemons_take_their_share_of_every_instance():
    """A daemon of 1,024 units leaves room for one task of an m5.large: 4 instances x (730 h x $0.10 + 30 GiB x $0.08)."""
    agent = Daemon(name="agent", task=TaskSize(cpu_units=1024, memory_mib=4096))
    load = workload(present=ON_EC2, cluster=instances(m5_large=2), daemons=(agent,))
    found = gate(load, load, CATALOG, placement=BINPACK)
    assert found.before_usd == approx(4 * (730 * 0.1 + 30 * 0.08))
    big = gate(load, changed(load, task=(2048, 4096)), CATALOG, placement=BINPACK)
    assert big.after_usd is None
    assert "m5.large does not" in str(big)
