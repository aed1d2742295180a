"""The oracle against numbers worked out by hand. Prices are those of us-east-1 in AWS's own examples."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import strategies
from tests.oracle import model, packing, plans

approx = pytest.approx

RATES = {
    "fargate_usd_per_vcpu_hour": 0.04048,
    "fargate_usd_per_gib_hour": 0.004445,
    "ephemeral_usd_per_gib_hour": 0.000111,
    "ipv4_usd_per_hour": 0.005,
    "gp3_usd_per_gib_month": 0.08,
}
C6A_2XLARGE = {
    "name": "c6a.2xlarge",
    "vcpu": 8,
    "memory_mib": 15_463,
    "slots": 40,
    "usd_per_hour": 0.306,
    "spot_usd_per_hour": 0.1,
    "fee_usd_per_hour": 0.037,
    "baseline_fraction": None,
}
T3_LARGE = {
    "name": "t3.large",
    "vcpu": 2,
    "memory_mib": 7_800,
    "slots": 2,
    "usd_per_hour": 0.0832,
    "baseline_fraction": 0.3,
    "surplus_usd_per_vcpu_hour": 0.05,
}


def workload(*services, step_s=3600, start_s=0):
    return {"start_s": start_s, "step_s": step_s, "services": list(services)}


def counted(tasks, cpu=256, memory=512, **more):
    return {"name": "worker", "form": "tasks", "demand": tasks, "cpu": cpu, "memory": memory, **more}


def utilized(cpu_units, cpu=1024, memory=2048, target=0.5, **more):
    return {
        "name": "web",
        "form": "utilization",
        "demand": cpu_units,
        "cpu": cpu,
        "memory": memory,
        "target": target,
        **more,
    }


# Time axis


@pytest.mark.parametrize(
    ("step_s", "grid_s"),
    [(3600, 900), (1800, 900), (1200, 300), (900, 900), (600, 300), (300, 300), (60, 60), (20, 20), (24, 12)],
)
def test_the_grid_divides_the_step_and_the_quarter_hour(step_s, grid_s):
    assert model.grid_seconds(step_s) == grid_s


@pytest.mark.parametrize("step_s", [10, 7200, 700])
def test_steps_that_do_not_divide_the_hour_are_refused(step_s):
    with pytest.raises(ValueError, match="divides the hour"):
        model.grid_seconds(step_s)


def test_an_hour_of_fewer_tasks_starts_with_a_quarter_of_the_old_count():
    # 512, 2048, 512 units at 512 a task: 1, 4, 1 tasks; the third hour runs 4 tasks for 15 min and 1 for 45 min.
    service = utilized([512, 2048, 512], min=1)
    need, _, running = plans.declared_counts(workload(service), service)
    assert need == [1, 1, 1, 1, 4, 4, 4, 4, 1, 1, 1, 1]
    assert running == [1, 1, 1, 1, 4, 4, 4, 4, 4, 1, 1, 1]


def test_instances_wait_another_quarter_hour_after_their_tasks():
    # One task an instance, one zone: the third hour has 4 instances for 30 min and 1 for 30 min.
    service = utilized([512, 2048, 512], min=1)
    _, _, running = plans.declared_counts(workload(service), service)
    assert packing.dedicated_instances(running, 1, 900, zones=1) == [1, 1, 1, 1, 4, 4, 4, 4, 4, 4, 1, 1]
    assert packing.dedicated_instances(running, 2, 900, zones=2) == [2] * 12


@pytest.mark.parametrize(("grid_s", "extra"), [(900, 1), (300, 3), (60, 15), (20, 45)])
def test_the_trailing_maximum_lasts_900_s_on_every_grid(grid_s, extra):
    series = [1, 7] + [2] * 50
    assert model.trailing_maximum(series, grid_s) == [1, 7] + [7] * extra + [2] * (50 - extra)


def test_a_gap_stays_a_gap_and_is_passed_over_by_the_maximum():
    assert model.trailing_maximum([4, None, 1], 900) == [4, None, 1]  # the window of the last is itself and the gap
    assert model.trailing_maximum([4, None, 1, 1, 1], 300) == [4, None, 4, 4, 1]
    assert model.trailing_maximum([None, 0, 3], 900) == [None, 0, 3]


def test_measured_task_counts_have_no_trailing_maximum_but_their_instances_have():
    service = counted([1, 4, 1])
    _, _, running = plans.declared_counts(workload(service), service)
    assert running == [1] * 4 + [4] * 4 + [1] * 4
    assert packing.dedicated_instances(running, 1, 900, zones=1) == [1] * 4 + [4] * 4 + [4] + [1] * 3


# Months and weeks


@pytest.mark.parametrize("weeks", [1, 2, 5])
@pytest.mark.parametrize("start_s", [0, 3600 * 50, 1234])
def test_whole_weeks_have_the_plain_mean(weeks, start_s):
    n = 168 * 4 * weeks
    weights = model.month_weights([True] * n, start_s, 900)
    assert weights == approx([730 / n] * n)
    values = [now % 7 for now in range(n)]
    assert model.month_total(values, weights) == approx(730 * sum(values) / n)


def test_the_hours_measured_twice_weigh_half():
    # 8 days from Monday: Monday's 24 hours were seen twice, the other 144 once.
    weights = model.month_weights([True] * 192, 0, 3600)
    assert weights == approx([730 / 336] * 24 + [730 / 168] * 144 + [730 / 336] * 24)
    assert sum(weights) == approx(730)


def test_a_day_stands_for_all_days_and_a_gap_for_nothing():
    assert model.month_weights([True] * 24, 0, 3600) == approx([730 / 24] * 24)
    # Two weeks with the first hour of the first week missing: the second week's first hour counts for both.
    weights = model.month_weights([False] + [True] * 335, 0, 3600)
    assert weights[0] == 0
    assert weights[168] == approx(730 / 168)
    assert weights[1] == approx(730 / 336)


def test_a_part_of_an_hour_stands_for_the_hour():
    # Quarter hours: one of the first hour, four of the second; each hour stands for half of the month.
    measured = [False, True, False, False, True, True, True, True]
    assert model.month_weights(measured, 0, 900) == approx([0, 365, 0, 0, 91.25, 91.25, 91.25, 91.25])


def test_the_week_starts_on_monday_and_repeats():
    assert [model.hour_of_week(now, 167 * 3600, 1800) for now in range(5)] == [167, 167, 0, 0, 1]


def test_nothing_measured_is_no_cost_at_all():
    assert model.month_total([None, None], model.month_weights([False, False], 0, 900)) is None


def test_a_weight_without_a_value_is_an_error():
    with pytest.raises(ValueError, match="no value"):
        model.month_total([None, 1], [0.5, 0.5])


def test_weeks_are_counted_back_from_the_end():
    # 30 hours at 9 $, then a week at 1 $ and a week at 2 $: 168 $ and 336 $; the 30 hours are in no whole week.
    usd = [9] * 30 + [1] * 168 + [2] * 168
    assert model.weekly_usd(usd, [True] * len(usd), 0, 3600) == approx([168, 336])


def test_a_week_with_gaps_is_scaled_to_168_hours():
    # 84 hours at 1 $, 42 at 3 $, 42 missing: 168 / 126 x (84 + 126) = 280 $.
    usd = [1] * 84 + [3] * 42 + [None] * 42
    assert model.weekly_usd(usd, model.known(usd), 5 * 3600, 3600) == approx([280])
    # Half hours, one of an hour missing: the other half stands for the hour, 2 $ + 167 x 1 $.
    usd = [None, 2] + [1] * 334
    assert model.weekly_usd(usd, model.known(usd), 0, 1800) == approx([169])


def test_a_week_less_than_half_measured_has_no_cost():
    usd = [None] * 168 + [1] * 168
    assert model.weekly_usd(usd, model.known(usd), 0, 3600) == [None, approx(168)]
    half = [None] * 84 + [1] * 84
    assert model.weekly_usd(half, model.known(half), 0, 3600) == [approx(168)]
    less = [None] * 85 + [1] * 83
    assert model.weekly_usd(less, model.known(less), 0, 3600) == [None]
    assert model.weekly_usd([1] * 167, [True] * 167, 0, 3600) == []


# Tasks


def test_exact_multiples_do_not_round_up():
    assert model.round_up(0.1 * 3 / 0.1) == 3  # 3.0000000000000004
    assert model.round_up(2.9999999999999996) == 3
    assert model.round_up(3.00001) == 4
    assert model.round_up(1e-12) == 1  # a trickle is not nothing
    assert model.round_up(0) == 0
    # 60 % of 256 units is 153.6 a task, and 7 x 153.6 are 7 tasks.
    service = utilized([7 * 153.6, 7 * 0.6 * 256], cpu=256, memory=512, target=0.6)
    assert model.needed_tasks(service, service["demand"], 256, 1)[0] == [7, 7]


def test_need_stays_between_minimum_and_maximum_and_tells_what_is_missing():
    # 512 units a task: 0, 1, 4, 8 tasks wanted, 2 to 5 allowed.
    service = utilized([0, 512, 2048, 4096, None], min=2, max=5)
    assert model.needed_tasks(service, service["demand"], 1024, 2) == ([2, 2, 4, 5, None], [0, 0, 0, 3, None])


def test_requests_become_cpu_or_tasks():
    # 100 requests a second of 20 ms are 2 vCPU = 2048 units; at 60 % of 512 units: 2048 / 307.2 = 6.67, so 7 tasks.
    by_cpu = {"form": "requests", "cpu_ms_per_request": 20, "target": 0.6, "max": None}
    assert model.cpu_units_in_use(by_cpu, [100, None]) == [approx(2048), None]
    assert model.needed_tasks(by_cpu, [100], 512, 1) == ([7], [0])
    # 100 requests a second at 40 a task: 3 tasks, whatever the target.
    by_task = {"form": "requests", "requests_per_task": 40, "target": 0.1, "max": 2}
    assert model.cpu_units_in_use(by_task, [100]) is None
    assert model.needed_tasks(by_task, [100, 80], 512, 1) == ([2, 2], [1, 0])


def test_task_counts_are_taken_as_they_are():
    service = {"form": "tasks", "max": 2, "min": 1}
    assert model.needed_tasks(service, [0, 0.5, 7, None], 256, 1) == ([0, 0.5, 7, None], [0, 0, 0, None])


def test_cloudwatch_percent_is_of_what_all_tasks_reserve():
    assert model.cpu_units_from_percent(50, 4, 512) == 1024


def test_a_load_balanced_service_has_two_tasks_unless_it_says_otherwise():
    assert model.minimum_tasks({"port": 80, "min": None}) == 2
    assert model.minimum_tasks({"port": 80, "min": 1}) == 1
    assert model.minimum_tasks({"port": 80}, zones=1) == 1
    assert model.minimum_tasks({"port": None}) == 1


# Fargate


def test_fargate_has_77_sizes():
    sizes = model.fargate_sizes()
    assert len(sizes) == len(set(sizes)) == 77
    assert (256, 512) in sizes
    assert (32_768, 249_856) in sizes
    assert (8192, 18 * 1024) not in sizes


@pytest.mark.parametrize(
    ("cpu", "memory", "size"),
    [
        (256, 512, (256, 512)),  # on the grid: as declared
        (256, 700, (256, 1024)),
        (300, 700, (512, 1024)),
        (256, 4096, (512, 4096)),  # 256 units have 2 GiB at most
        (16_384, 130_000, (32_768, 249_856)),
    ],
)
def test_as_many_tasks_run_in_the_cheapest_size_that_holds_them(cpu, memory, size):
    service = counted([3], cpu=cpu, memory=memory)
    plan = plans.fargate_plan(workload(service), service, RATES)
    assert plan["size"] == size
    assert plan["need"] == [3] * 4


def test_no_fargate_size_holds_a_task_above_32_vcpu_or_244_gib():
    assert model.fargate_ways(40_000, 512, True) == []
    service = counted([3], cpu=256, memory=250_000)
    assert plans.fargate_plan(workload(service), service, RATES) is None


def test_a_size_on_the_grid_is_the_only_one():
    assert model.fargate_ways(1024, 8192, True) == [(1024, 8192, True)]


def test_fewer_larger_tasks_need_memory_in_proportion():
    ways = model.fargate_ways(300, 700, True)
    assert (512, 1024, True) in ways
    assert (512, 1024, False) not in ways  # 700 x 512 / 300 = 1195 MiB
    assert (512, 2048, False) in ways
    assert all(is_count_kept for _, _, is_count_kept in model.fargate_ways(300, 700, False))
    # 16 MiB a unit, and no Fargate size has more than 8.
    assert all(is_count_kept for _, _, is_count_kept in model.fargate_ways(256, 4096, True))
    # The same CPU: both ways mean the same.
    assert model.fargate_ways(256, 700, True)[:2] == [(256, 1024, True), (256, 1024, False)]


def test_fewer_larger_tasks_may_be_cheaper():
    # 600 units at 50 %: 600 / 150 = 4 tasks of 300 units, 600 / 256 = 2.3 -> 3 tasks of 512. Minimum 3 x 300 / 512 -> 2.
    # 4 x 512/1024 in the first hour and a quarter, then 3: 3.625 x 0.024685 = 0.0895 $ an hour;
    # 3 x 512/2048, then 2: 2.625 x 0.02913 = 0.0765 $; 2 x 1024/3072, then 1: 1.625 x 0.053815 = 0.0874 $.
    service = utilized([600, 0], cpu=300, memory=700, min=3)
    assert plans.declared_counts(workload(service), service)[0] == [4] * 4 + [3] * 4
    plan = plans.fargate_plan(workload(service), service, RATES)
    assert plan["size"] == (512, 2048)
    assert not plan["is_count_kept"]
    assert plan["minimum"] == 2
    assert plan["need"] == [3] * 4 + [2] * 4
    assert plan["month"]["total_usd"] == approx(730 * 2.625 * 0.02913)
    kept = plans.fargate_plan(workload(service), service, RATES, size=(512, 1024))
    assert kept["is_count_kept"]
    assert kept["month"]["total_usd"] == approx(730 * 3.625 * 0.024685)


@pytest.mark.parametrize(
    ("minimum", "cpu", "new_cpu", "load_balanced", "new_minimum"),
    [
        (3, 300, 512, False, 2),  # 1.76
        (8, 256, 512, True, 4),
        (4, 256, 4096, False, 1),
        (4, 256, 4096, True, 2),  # 0.25, but two zones
        (1, 256, 4096, True, 1),  # one was enough
        (0, 256, 4096, True, 0),
        (3, 300, 300, False, 3),
    ],
)
def test_the_minimum_keeps_its_cpu_and_two_tasks_behind_a_load_balancer(minimum, cpu, new_cpu, load_balanced, new_minimum):
    assert model.minimum_after_resize(minimum, cpu, new_cpu, load_balanced) == new_minimum


def test_counts_that_do_not_follow_cpu_keep_their_minimum_on_larger_tasks():
    # 512/1024 holds 300/700, and 100 requests at 40 a task are 3 tasks; the minimum of 5 stays 5.
    service = {"name": "api", "form": "requests", "demand": [100], "requests_per_task": 40, "cpu": 300, "memory": 700, "min": 5}
    plan = plans.fargate_plan(workload(service), service, RATES)
    assert plan["size"] == (512, 1024)
    assert plan["minimum"] == 5
    assert plan["need"] == [5] * 4


def test_the_example_of_the_fargate_pricing_page():
    # "5 ECS tasks running for 10 minutes every day for a month, 1 vCPU and 2 GB": 5 x 30 x 10/60 = 25 task-hours; $1.01 for CPU
    # and $0.22 for memory: 25 x 0.04048 = 1.012, 50 x 0.004445 = 0.22225.
    day = [5] + [0] * 143
    grid_s = model.grid_seconds(600)
    running = model.substeps(day * 30, 600)
    hours = [grid_s / 3600] * len(running)
    month = model.fargate_month_usd(running, grid_s, hours, 1024, 2048, RATES, startup_s=0)
    assert month["task_hours"] == approx(25)
    assert month["vcpu_hours"] == approx(25)
    assert month["gib_hours"] == approx(50)
    assert month["usd"] == approx({"vcpu": 1.012, "memory": 0.22225, "ephemeral": 0, "ipv4": 0})
    assert month["total_usd"] == approx(1.23425)


def test_the_same_example_in_a_month_of_730_hours_with_start_up():
    # All days alike, so 730 / 720 of the 25 task-hours. 60 s more for each start: 30 days, the first step has no start before
    # it, but that Monday midnight hour is seen 5 times, with 4 starts. 7 days x 5 tasks x 1/60 h = 0.58333 h a week less the
    # share 1/5 of one day's 5/60 h, times 730 / 168.
    service = counted(([5] + [0] * 143) * 30, cpu=1024, memory=2048)
    month = plans.fargate_plan(workload(service, step_s=600), service, RATES)["month"]
    startup = (7 - 1 / 5) * 5 / 60 * 730 / 168
    assert month["startup_task_hours"] == approx(startup)
    assert month["task_hours"] == approx(25 * 730 / 720 + startup)


def test_starts_are_increases_between_known_counts():
    assert model.tasks_started([1, 3, 2, None, 5, 5.5]) == [0, 2, 0, None, 0, 0.5]
    # Two starts of 60 s in a substep of 300 s: 60 / 300 x 2 = 0.4 tasks more.
    assert model.fargate_billed_tasks([1, 3, 2, None], 300) == [1, approx(3.4), 2, None]


def test_storage_above_20_gib_and_addresses_are_billed_by_the_task_hour():
    month = model.fargate_month_usd([2, 2], 900, [365, 365], 256, 512, RATES, ephemeral_gib=50, public_ipv4=True)
    assert month["ephemeral_gib_hours"] == approx(1460 * 30)
    assert month["usd"]["ephemeral"] == approx(1460 * 30 * 0.000111)  # 4.86 $
    assert month["usd"]["ipv4"] == approx(7.3)  # 1460 h x 0.005 $


def test_fractional_counts_are_billed_as_they_are():
    service = counted([2.5] * 24)
    month = plans.fargate_plan(workload(service), service, RATES)["month"]
    assert month["task_hours"] == approx(1825)  # 2.5 x 730


def test_gaps_are_neither_billed_nor_zero():
    # Hours 0 and 2 measured, hour 1 not: each stands for 365 h; 2 x 365 + 4 x 365 task-hours, no start after the gap.
    service = counted([2, None, 4])
    plan = plans.fargate_plan(workload(service), service, RATES)
    assert plan["month"]["task_hours"] == approx(2190)
    assert plan["usd_per_hour"][4:8] == [None] * 4


# Instances


def test_tasks_per_instance_is_the_tightest_of_cpu_memory_and_slots():
    # 8192 / 256 = 32, 15463 / 512 = 30.2, 40 slots.
    assert packing.tasks_per_instance(256, 512, C6A_2XLARGE) == 30
    assert packing.tasks_per_instance(512, 512, C6A_2XLARGE) == 16
    assert packing.tasks_per_instance(128, 128, C6A_2XLARGE) == 40
    assert packing.tasks_per_instance(256, 16_384, C6A_2XLARGE) == 0
    # 4 interfaces without trunking: 3 tasks.
    assert packing.network_slots(4) == 3
    assert packing.network_slots(4, 40) == 40
    assert packing.tasks_per_instance(256, 512, C6A_2XLARGE | {"slots": packing.network_slots(4)}) == 3


def test_a_steady_worker_of_60_tasks_on_c6a_2xlarge():
    # 30 tasks an instance: 2 instances. 2 x 730 x 0.306 = 446.76, 2 x 30 GiB x 0.08 = 4.80.
    service = counted([60] * 48)
    plan = plans.dedicated_plan(workload(service), service, C6A_2XLARGE, RATES)
    assert set(plan["instances"]) == {2}
    assert plan["month"]["usd"] == approx({"instances": 446.76, "ebs": 4.80, "fee": 0, "ipv4": 0, "surplus": 0})
    assert plan["month"]["total_usd"] == approx(451.56)
    # Fargate: 60 x 730 x (0.25 x 0.04048 + 0.5 x 0.004445) = 43,800 x 0.0123425 = 540.60; EC2 is 16.5 % cheaper.
    fargate = plans.fargate_plan(workload(service), service, RATES)["month"]["total_usd"]
    assert fargate == approx(540.6015)
    assert 1 - 451.56 / fargate == approx(0.1647, abs=1e-4)


def test_managed_instances_add_their_fee_for_each_instance_hour():
    # 2 x 730 x 0.037 = 54.02
    service = counted([60] * 48)
    plan = plans.dedicated_plan(workload(service), service, C6A_2XLARGE, RATES, "managed")
    assert plan["month"]["usd"] == approx({"instances": 446.76, "ebs": 4.80, "fee": 54.02, "ipv4": 0, "surplus": 0})


def test_instances_of_services_with_public_addresses_have_one_each():
    # 2 x 730 x 0.005 = 7.30, for 60 tasks as for one.
    service = counted([60] * 48, public_ipv4=True)
    plan = plans.dedicated_plan(workload(service), service, C6A_2XLARGE, RATES)
    assert plan["month"]["usd"] == approx({"instances": 446.76, "ebs": 4.80, "fee": 0, "ipv4": 7.30, "surplus": 0})


def test_spot_rates_carry_their_dispersion_and_volumes_do_not():
    # 2 x 730 x 0.1 x 1.19 = 173.74
    service = counted([60] * 48)
    plan = plans.dedicated_plan(workload(service), service, C6A_2XLARGE, RATES, "spot")
    assert plan["month"]["usd"] == approx({"instances": 173.74, "ebs": 4.80, "fee": 0, "ipv4": 0, "surplus": 0})


def test_a_spot_pool_costs_the_mean_of_its_six_cheapest_types():
    totals = {"g": 70, "f": 60, "e": 50, "d": 40, "c": 30, "b": 20, "a": 10, "none": None}
    vcpu = dict.fromkeys(totals, 4)
    assert model.spot_pool_members(totals, vcpu) == ["a", "b", "c", "d", "e", "f"]
    assert model.spot_pool_month_usd(totals, vcpu) == 35
    assert model.spot_pool_month_usd({"a": 10, "b": 20, "none": None}, vcpu) is None


def test_all_types_of_a_spot_pool_have_the_same_size():
    # Pools of two: 2 vCPU cost (10 + 40) / 2, 4 vCPU (20 + 25) / 2; the 8 vCPU type is alone.
    totals = {"two-a": 10, "two-b": 40, "four-a": 20, "four-b": 25, "eight": 1}
    vcpu = {"two-a": 2, "two-b": 2, "four-a": 4, "four-b": 4, "eight": 8}
    assert model.spot_pool_members(totals, vcpu, size=2) == ["four-a", "four-b"]
    assert model.spot_pool_month_usd(totals, vcpu, size=2) == 22.5
    assert model.spot_pool_members(totals, vcpu, size=3) is None


def test_two_zones_while_any_task_runs_and_none_when_none_does():
    running = [0, 0, 0.5, 3, 0, 0, 0]
    assert packing.dedicated_instances(running, 10, 900) == [0, 0, 2, 2, 2, 0, 0]
    assert packing.dedicated_instances(running, 1, 900, zones=1) == [0, 0, 1, 3, 3, 0, 0]
    assert packing.dedicated_instances(running, 0, 900) is None


def test_surplus_credits_are_charged_above_the_baseline():
    # Two t3.large have 2 x 2 x 0.3 = 1.2 vCPU; 2048 units are 2. For ever, two hours take 3 and earn 2.4 vCPU-hours.
    assert model.surplus_vcpu([2048, 1024, None], [2, 2, None], 2, 0.3, 1) == [approx(0.6), 0, None]
    # 8 vCPU wanted, but two instances have 4: 4 - 1.2.
    assert model.surplus_vcpu([8192], [2], 2, 0.3, 1) == [approx(2.8)]
    # A second instance for an hour: both take 1 vCPU then. It owes 0.4 and pays that as it ends; the first earns 0.6 - 0.4.
    assert model.surplus_vcpu([0, 2048], [1, 2], 2, 0.3, 1) == [0, approx(0.4)]
    service = utilized([2048] * 24, cpu=512, memory=1024)
    # 8 tasks of 512 units at 50 %, 2 an instance (slots): 4 instances with 2.4 vCPU baseline, so no surplus.
    plan = plans.dedicated_plan(workload(service), service, T3_LARGE, RATES)
    assert set(plan["instances"]) == {4}
    assert plan["month"]["usd"]["surplus"] == 0
    # At a target of 100 %: 4 tasks, 2 instances; 0.8 vCPU x 730 h x 0.05 $ = 29.20 $.
    service["target"] = 1.0
    plan = plans.dedicated_plan(workload(service), service, T3_LARGE, RATES)
    assert plan["month"]["usd"]["surplus"] == approx(29.2)
    assert plan["month"]["total_usd"] == approx(29.2 + 2 * 730 * 0.0832 + 4.8)


def test_surplus_credits_need_the_cpu_in_use():
    service = counted([1, 2])
    with pytest.raises(ValueError, match="not known"):
        plans.dedicated_plan(workload(service), service, T3_LARGE, RATES)


# Packing


def bins_of(sizes, capacity):
    bins = packing.first_fit_decreasing([(size,) for size in sizes], (capacity,))
    return [[sizes[number] for number in one] for one in bins]


def test_first_fit_decreasing_may_need_more_bins_when_they_are_larger():
    # Into 44: 22 does not join 23. Into 45 it does, and 15 + 15, 14 + 14 + 12 ... leave holes.
    sizes = [24, 24, 23, 22, 15, 15, 14, 14, 12, 12, 10, 10, 8, 7, 5]
    assert bins_of(sizes, 44) == [[24, 15, 5], [24, 15], [23, 14, 7], [22, 14, 8], [12, 12, 10, 10]]
    assert bins_of(sizes, 45) == [[24, 15, 5], [24, 15], [23, 22], [14, 14, 12], [12, 10, 10, 8], [7]]


def test_first_fit_decreasing_may_need_fewer_bins_for_a_larger_task():
    before = [16, 16, 15, 15, 11, 11, 10, 9, 8, 8, 7, 7, 6, 4]
    after = [16, 16, 16, 15, 11, 11, 10, 9, 8, 8, 7, 7, 6, 4]
    assert bins_of(before, 30) == [[16, 11], [16, 11], [15, 15], [10, 9, 8], [8, 7, 7, 6], [4]]
    assert bins_of(after, 30) == [[16, 11], [16, 11], [16, 10, 4], [15, 9, 6], [8, 8, 7, 7]]


def test_first_fit_decreasing_of_two_copies_may_need_more_than_twice_the_bins():
    one = [34, 32, 32, 22, 15, 13, 12, 7]
    assert bins_of(one, 36) == [[34], [32], [32], [22, 13], [15, 12, 7]]
    assert len(bins_of(one + one, 36)) == 11


def test_tasks_are_ordered_by_their_largest_share_then_cpu_then_memory():
    # Instance of 2048 units, 4000 MiB, 4 slots. Shares: a (1024 / 2048) 0.5, b (1000 MiB, or 1 slot) 0.25, c (2000 MiB) 0.5.
    sizes = [(256, 1000), (256, 2000), (1024, 512)]
    tasks = packing.tasks_of_services([2, 2, 1], sizes)
    assert tasks == [(256, 1000, 1)] * 2 + [(256, 2000, 1)] * 2 + [(1024, 512, 1)]
    # Order: 4 (a, more CPU), 2 and 3 (c), 0 and 1 (b). c joins a: 1280 units, 2512 MiB; the second c (4512 MiB) opens an
    # instance; b fits the first (3512 MiB), the next b (4512 MiB) goes to the second.
    assert packing.first_fit_decreasing(tasks, (2048, 4000, 4)) == [[4, 2, 0], [3, 1]]
    # Both take half of the CPU; the one with more memory comes first, and the two of 1500 MiB share what is left.
    tasks = packing.tasks_of_services([2, 2], [(1024, 1500), (1024, 1900)])
    assert packing.first_fit_decreasing(tasks, (2048, 4000, 4)) == [[2, 3], [0, 1]]


def test_network_slots_may_be_what_binds():
    # 5 tiny tasks, 2 slots: 3 instances; the volume bound says ceil(5 / 2) = 3 too.
    tiny = [(128, 128, 1)] * 5
    assert packing.first_fit_instances(tiny, (2048, 4000, 2)) == 3
    assert packing.volume_bound_instances(tiny, (2048, 4000, 2)) == 3


def test_the_volume_bound_cuts_tasks_into_pieces():
    # 3 tasks of 60 % of an instance: 1.8 instances by volume, 3 in truth.
    tasks = [(600, 100, 1)] * 3
    assert packing.volume_bound_instances(tasks, (1000, 1000, 9)) == 2
    assert packing.first_fit_instances(tasks, (1000, 1000, 9)) == 3
    assert packing.volume_bound_instances([], (1000, 1000, 9)) == 0
    assert packing.first_fit_instances([], (1000, 1000, 9)) == 0


def test_a_task_that_fits_nowhere_is_an_error():
    with pytest.raises(ValueError, match="does not fit"):
        packing.first_fit_decreasing([(5,)], (4,))


def test_a_shared_cluster_has_zones_gaps_and_the_trailing_maximum():
    # One task of either service fills half of an instance by CPU.
    half = {"vcpu": 1, "memory_mib": 4000, "slots": 9}
    running = [[1, 3, 1, None, 1, 0], [0, 3, 0.5, 1, 1, 0]]
    shared = packing.shared_instances(running, [(512, 1000)] * 2, half, 900)
    assert shared["tasks"] == [1, 6, 2, None, 2, 0]
    assert shared["packed"] == [2, 3, 2, None, 2, 0]
    assert shared["instances"] == [2, 3, 3, None, 2, 2]
    assert shared["tasks_trailing"] == [1, 6, 6, None, 2, 2]
    assert packing.shared_instances(running, [(512, 1000), (2048, 1000)], half, 900) is None


def test_the_default_spread_keeps_instances_while_there_are_as_many_tasks():
    assert packing.default_spread_instances([2, 5, 5, 2, 2], [4, 12, 12, 12, 3]) == [2, 5, 5, 5, 3]
    assert packing.default_spread_instances([5, None, 2, 2], [12, None, 4, 0]) == [5, None, 4, 2]


def test_a_cluster_is_billed_where_all_its_services_were_measured():
    # Hours 0 and 1: both, then one alone. Two instances in hour 0 and 4 in hour 1, and hour 2 has no weight.
    a = counted([30, 60, 60])
    b = counted([30, 60, None])
    plan = plans.shared_plan(workload(a, b), C6A_2XLARGE, RATES)
    assert plan["instances"] == [2] * 4 + [4] * 4 + [None] * 4
    assert plan["month"]["instance_hours"] == approx(365 * 2 + 365 * 4)


@given(
    count=st.integers(1, 60),
    cpu=st.integers(1, 40),
    memory=st.integers(1, 40),
    slots=st.integers(1, 9),
    fewer=st.integers(0, 59),
)
def test_equal_tasks_pack_perfectly(count, cpu, memory, slots, fewer):
    instance = (100, 100, slots)
    per_instance = min(100 // cpu, 100 // memory, slots)
    tasks = [(cpu, memory, 1)] * count
    assert packing.first_fit_instances(tasks, instance) == -(-count // per_instance)
    assert packing.volume_bound_instances(tasks[fewer:], instance) <= packing.volume_bound_instances(tasks, instance)


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50), st.just(1)), max_size=40))
def test_no_instance_is_overfull_and_every_task_is_on_one(tasks):
    instance = (50, 60, 5)
    bins = packing.first_fit_decreasing(tasks, instance)
    assert sorted(number for one in bins for number in one) == list(range(len(tasks)))
    for one in bins:
        for dimension in range(3):
            assert sum(tasks[number][dimension] for number in one) <= instance[dimension]
    assert packing.volume_bound_instances(tasks, instance) <= len(bins)


def fewest_bins(sizes, capacity):
    """By trying everything: each item into each bin that has room, or into a new one."""
    best = len(sizes)

    def place(position, free):
        nonlocal best
        if len(free) >= best:
            return
        if position == len(sizes):
            best = len(free)
            return
        for number in range(len(free)):
            if sizes[position] <= free[number]:
                place(position + 1, [*free[:number], free[number] - sizes[position], *free[number + 1 :]])
        place(position + 1, [*free, capacity - sizes[position]])

    place(0, [])
    return best


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=8))
def test_first_fit_decreasing_is_within_eleven_ninths_of_the_fewest(sizes):
    fewest = fewest_bins(sizes, 20)
    tasks = [(size,) for size in sizes]
    assert packing.volume_bound_instances(tasks, (20,)) <= fewest
    assert fewest <= packing.first_fit_instances(tasks, (20,)) <= (11 * fewest + 6) // 9


def test_the_order_of_services_does_not_matter():
    generator = random.Random(7)
    for _ in range(50):
        sizes = [(generator.randint(1, 9), generator.randint(1, 9)) for _ in range(3)]
        counts = [generator.randint(0, 5) for _ in range(3)]
        results = set()
        for order in itertools.permutations(range(3)):
            tasks = packing.tasks_of_services([counts[i] for i in order], [sizes[i] for i in order])
            results.add(packing.first_fit_instances(tasks, (20, 20, 9)))
        assert len(results) == 1


# Whole alternatives of random workloads


@settings(max_examples=50, deadline=None)
@given(load=strategies.workloads(), instance_type=strategies.instance_types(burstable=False), rates=strategies.rates())
def test_volume_bound_repacked_and_spread_clusters_cost_in_that_order(load, instance_type, rates):
    shared = plans.shared_plan(load, instance_type, rates)
    if shared is None:
        return
    bound = plans.shared_plan(load, instance_type, rates, count_instances=packing.volume_bound_instances)
    spread = plans.shared_plan(load, instance_type, rates, default_spread=True)
    totals = [plan["month"]["total_usd"] for plan in (bound, shared, spread)]
    assert totals[0] <= totals[1] <= totals[2]
    measured = plans.measured_in_all(load)
    weights = plans.weights_of(load, measured)
    assert sum(weights) == approx(730)
    assert model.month_total(shared["usd_per_hour"], weights) == approx(totals[1])
    for now, seen in enumerate(measured):
        assert (shared["instances"][now] is not None) == seen


@settings(max_examples=50, deadline=None)
@given(
    load=strategies.workloads(max_services=1),
    instance_type=strategies.instance_types(burstable=False),
    rates=strategies.rates(),
)
def test_a_shared_cluster_of_one_service_is_its_dedicated_cluster(load, instance_type, rates):
    dedicated = plans.dedicated_plan(load, load["services"][0], instance_type, rates)
    assert plans.shared_plan(load, instance_type, rates) == dedicated


@settings(max_examples=50, deadline=None)
@given(load=strategies.workloads(), rates=strategies.rates())
def test_fargate_services_add_up_and_serve_their_need(load, rates):
    for service in load["services"]:
        plan = plans.fargate_plan(load, service, rates)
        if plan is None:
            continue
        month = plan["month"]
        assert month["total_usd"] == approx(
            month["vcpu_hours"] * rates["fargate_usd_per_vcpu_hour"]
            + month["gib_hours"] * rates["fargate_usd_per_gib_hour"]
            + month["ephemeral_gib_hours"] * rates["ephemeral_usd_per_gib_hour"]
            + month["ipv4_hours"] * rates["ipv4_usd_per_hour"]
        )
        weights = plans.weights_of(load, model.known(plan["need"]))
        assert model.month_total(plan["usd_per_hour"], weights) == approx(month["total_usd"])
        for need, running in zip(plan["need"], plan["running"], strict=True):
            assert (need is None) == (running is None)
            assert need is None or need <= running


@settings(max_examples=10, deadline=None)
@given(load=strategies.workloads_of_weeks(max_services=1), rates=strategies.rates())
def test_there_is_one_cost_for_each_whole_week(load, rates):
    service = load["services"][0]
    plan = plans.fargate_plan(load, service, rates)
    if plan is None:
        return
    weeks = plan["weekly_usd"]
    assert len(weeks) == len(service["demand"]) // 168
    first = len(service["demand"]) - 168 * len(weeks)
    for number, usd in enumerate(weeks):
        week = service["demand"][first + 168 * number : first + 168 * (number + 1)]
        assert (usd is None) == (week.count(None) > 84)


@settings(max_examples=10, deadline=None)
@given(
    load=strategies.workloads(forms=("utilization", "cpu_ms"), max_services=2, max_tasks=10),
    catalog=strategies.instance_catalogs(min_size=6, max_size=9, vcpus=(2, 4)),
    rates=strategies.rates(),
)
def test_a_spot_pool_costs_no_less_than_its_cheapest_member(load, catalog, rates):
    members = {each["name"]: plans.shared_plan(load, each, rates, "spot") for each in catalog}
    vcpu = {each["name"]: each["vcpu"] for each in catalog}
    pool = plans.spot_pool_plan(members, vcpu)
    sizes = [vcpu[name] for name, plan in members.items() if plan is not None]
    assert (pool is None) == (not any(sizes.count(size) >= 6 for size in sizes))
    if pool is not None:
        totals = [members[name]["month"]["total_usd"] for name in pool["members"]]
        assert min(totals) <= pool["total_usd"] + 1e-9
        assert pool["total_usd"] <= max(totals) + 1e-9
