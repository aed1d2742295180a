"""Laws that the model must obey, and lines that look like laws but are not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import advisor
from advisor.billing import amounts_usd
from advisor.ecs import FARGATE_SIZES, Architecture, InstanceType, LaunchType, PurchaseOption, TaskSize
from advisor.errors import InputError, PriceNotFoundError
from advisor.meters import fargate_vcpu_hour
from advisor.optimize.candidates import rate_outliers
from advisor.simulate.fargate import billed_fargate_tasks, fargate_quantities
from advisor.simulate.instances import capacity, dedicated_instance_hours, held, held_under_default_spread, reservation
from advisor.simulate.packing import first_fit_decreasing, tasks_per_instance, volume_bound
from advisor.simulate.scaling import running_tasks
from advisor.simulate.timeline import timeline, trailing_maximum
from advisor.sizing import fargate_sizes, needed_tasks
from advisor.workload import Constraints, LoadForm, Scaling, Service, Workload

MONDAY = datetime(2026, 9, 7, tzinfo=UTC)
demands = st.lists(st.floats(0, 5_000), min_size=1, max_size=60).map(lambda values: np.array(values))
sizes = st.sampled_from(FARGATE_SIZES[:40])


@pytest.fixture(scope="module")
def catalog():
    return advisor.read_catalog("us-east-1")


def service(name="s", *, form=LoadForm.UTILIZATION, task=(512, 1024), least=1, most=None, target=0.6, **more):
    size = TaskSize(cpu_units=task[0], memory_mib=task[1])
    scaling = Scaling(min_tasks=least, max_tasks=most, target_cpu_fraction=target)
    return Service(name=name, task=size, load_form=form, scaling=scaling, **more)


def workload(*loads, step_s=3600, start=MONDAY, **more):
    services, demand = zip(*loads, strict=True)
    return Workload(
        cluster="c", region="us-east-1", services=services, start=start, step_s=step_s, demand=np.array(demand, float), **more
    )


def wave(n_hours=24 * 14, low=300.0, high=3_000.0):
    return low + (high - low) * (1 + np.sin(np.arange(n_hours) / 24 * 2 * np.pi)) / 2


def costs(recommendation, scope="cluster"):
    return {a.id: a.monthly_usd.mean for a in recommendation.of_scope(scope) if a.monthly_usd}


# Billing


@given(k=st.floats(0.1, 10), quantity=st.lists(st.floats(0, 1e6), min_size=1, max_size=5))
def test_all_rates_times_k_give_every_amount_times_k(k, quantity):
    rates = np.linspace(0.01, 1, len(quantity))
    assert_allclose(amounts_usd(np.array(quantity), k * rates), k * amounts_usd(np.array(quantity), rates), atol=1e-12)


def test_services_on_fargate_cost_together_what_they_cost_alone(catalog):
    both = advisor.advise(workload((service("a"), wave()), (service("b", task=(256, 512)), wave()[::-1])), catalog)
    alone = sum(costs(both, name)[f"{name}:fargate_x86_64"] for name in ("a", "b"))
    assert costs(both)["cluster:fargate:x86_64:on_demand"] == pytest.approx(alone, rel=1e-12)


def test_a_load_repeated_twice_has_nearly_the_same_month(catalog):
    """Nearly: the seam between the copies is one scale-in or start more."""
    once, twice = (advisor.advise(workload((service(), np.tile(wave(), n))), catalog) for n in (1, 2))
    for key, usd in costs(once).items():
        assert costs(twice)[key] == pytest.approx(usd, rel=2e-3)


@given(weeks=st.integers(-200, 200))
@settings(max_examples=5, deadline=None)
def test_shifting_the_load_by_whole_weeks_changes_no_cost(catalog, weeks):
    shifted = workload((service(), wave()), start=MONDAY + timedelta(weeks=weeks))
    assert costs(advisor.advise(shifted, catalog)) == costs(advisor.advise(workload((service(), wave())), catalog))


def test_whole_weeks_without_gaps_weigh_every_hour_the_same():
    axis = timeline(MONDAY, 3600, 168 * 3)
    assert_allclose(axis.month_hours(np.ones(axis.n_steps, bool)), 730 / axis.n_steps)


@given(st.integers(1, 400), st.integers(0, 167))
def test_the_hours_of_a_month_add_up_to_730(n_hours, first):
    axis = timeline(MONDAY + timedelta(hours=first), 3600, n_hours)
    assert axis.month_hours(np.ones(axis.n_steps, bool)).sum() == pytest.approx(730)


def test_removing_a_rate_that_a_plan_uses_lowers_no_total_and_is_named(catalog):
    meter = fargate_vcpu_hour(Architecture.ARM64, PurchaseOption.ON_DEMAND)
    with pytest.raises(PriceNotFoundError, match=r"arm64.*us-west-2"):
        advisor.read_catalog("us-west-2").rate(meter, "us-west-2")
    load = workload((service(architectures=tuple(Architecture)), wave()))
    there = advisor.advise(replace(load, region="us-west-2"), advisor.read_catalog("us-west-2"))
    unpriced = [a for a in there.of_scope("s") if a.monthly_usd is None]
    assert {a.title for a in unpriced} == {"Fargate ARM64"}
    assert all(a.missing for a in unpriced)


def test_what_never_runs_has_no_cheapest_launch_type(catalog):
    """All of them cost nothing, so that any one of them would win."""
    idle = workload((service(least=0), np.zeros(24 * 14)))
    with pytest.raises(InputError, match="no task ever runs"):
        advisor.advise(idle, catalog)


def test_a_gap_never_makes_the_month_shorter(catalog):
    load = wave()
    load[30:60] = np.nan
    with_gap = costs(advisor.advise(workload((service(), load)), catalog))
    whole = costs(advisor.advise(workload((service(), wave())), catalog))
    for key, usd in with_gap.items():
        assert usd == pytest.approx(whole[key], rel=0.05)


def test_a_gap_is_not_a_zero(catalog):
    gap, zero = wave(), wave()
    gap[:100], zero[:100] = np.nan, 0.0
    without, with_zeros = (costs(advisor.advise(workload((service(), load)), catalog), "s") for load in (gap, zero))
    assert without["s:fargate_x86_64"] > with_zeros["s:fargate_x86_64"]


# Load and sizing


@given(demand=demands, extra=st.floats(0, 1_000), size=sizes)
def test_more_demand_never_needs_fewer_tasks(demand, extra, size):
    s = service()
    assert (needed_tasks(s, demand + extra, size).tasks >= needed_tasks(s, demand, size).tasks).all()


@given(demand=demands, low=st.floats(0.1, 0.9), more=st.floats(0, 0.5))
def test_a_higher_target_never_needs_more_tasks(demand, low, more):
    few, many = (needed_tasks(service(target=t), demand, service().task).tasks for t in (low + more, low))
    assert (few <= many).all()


@given(demand=demands, most=st.integers(1, 20), raised=st.integers(0, 20))
def test_raising_the_upper_bound_never_raises_what_is_unmet(demand, most, raised):
    one, other = (needed_tasks(service(most=m), demand, service().task) for m in (most, most + raised))
    assert (other.unmet <= one.unmet).all()
    assert_allclose(one.tasks + one.unmet, other.tasks + other.unmet)


@given(demand=demands, k=st.integers(1, 9))
def test_k_times_the_demand_needs_about_k_times_the_tasks(demand, k):
    s = service(least=0)
    once, times = needed_tasks(s, demand, s.task).tasks, needed_tasks(s, k * demand, s.task).tasks
    assert (times <= k * once).all()
    assert (times[once >= 1] >= k * (once[once >= 1] - 1) + 1).all()


def test_not_a_law_the_mean_of_fine_needs_against_the_need_of_the_mean():
    s = service(task=(1024, 2048), target=1.0)
    fine = needed_tasks(s, np.array([2048.0, 3072.0]), s.task).tasks.mean()
    assert (fine, needed_tasks(s, np.array([2560.0]), s.task).tasks[0]) == (2.5, 3.0)


@given(demand=demands)
def test_what_runs_is_never_less_than_what_is_needed(demand):
    s = service()
    axis = timeline(MONDAY, 3600, demand.size)
    assert (running_tasks(s, demand, s.task, axis).tasks >= axis.spread(needed_tasks(s, demand, s.task).tasks)).all()


@given(cpu=st.integers(1, 33_000), memory=st.integers(1, 250_000))
def test_sizes_that_stand_in_for_another_hold_it_and_none_is_left_out(cpu, memory):
    s = service(form=LoadForm.TASKS, task=(cpu, memory))
    offered = {each.size for each in fargate_sizes(s)}
    if s.task in FARGATE_SIZES:
        assert offered == {s.task}
    else:
        assert offered == {size for size in FARGATE_SIZES if size.cpu_units >= cpu and size.memory_mib >= memory}


@given(a=sizes, b=sizes)
def test_fargate_costs_more_for_more_cpu_and_more_memory(a, b):
    rates = np.array([0.04048, 0.004445])
    usd = [
        amounts_usd(fargate_quantities(np.ones(1), size, ephemeral_storage_gib=20, has_public_ip=False)[:, 0], rates).sum()
        for size in (a, b)
    ]
    if a != b and a.fits_in(b):
        assert usd[0] < usd[1]


def test_every_start_bills_the_time_that_it_takes():
    billed = billed_fargate_tasks(np.array([2.0, 5.0, 5.0, 1.0, np.nan, 4.0]), startup_s=60, step_s=900)
    assert_allclose(billed, [2, 5 + 3 * 60 / 900, 5, 1, np.nan, 4])


# Packing

boxes = st.tuples(st.integers(1, 20), st.integers(1, 20)).map(lambda size: (*size, 1))


@given(
    tasks=st.lists(boxes, min_size=1, max_size=6),
    counts=st.lists(st.integers(0, 12), min_size=6, max_size=6),
    room=st.tuples(st.integers(20, 60), st.integers(20, 60), st.integers(3, 30)),
)
def test_no_packing_is_below_the_volume_bound(tasks, counts, room):
    number = np.array([counts[: len(tasks)]])
    size, offered = np.array(tasks), np.array(room)
    assert volume_bound(number, size, offered[np.newaxis])[0, 0] <= first_fit_decreasing(number, size, offered)[0]


@given(n=st.integers(0, 500), task=boxes, room=st.tuples(st.integers(20, 60), st.integers(20, 60), st.integers(1, 30)))
def test_equal_tasks_fill_instances_one_after_the_other(n, task, room):
    size, offered = np.array([task]), np.array(room)
    per_instance = int(tasks_per_instance(size[0], offered))
    assert first_fit_decreasing(np.array([[n]]), size, offered)[0] == -(-n // per_instance)


@given(
    tasks=st.lists(boxes, min_size=1, max_size=6),
    counts=st.lists(st.integers(0, 12), min_size=6, max_size=6),
    k=st.integers(2, 9),
    dimension=st.integers(0, 1),
)
def test_units_do_not_matter_to_packing(tasks, counts, k, dimension):
    scale = np.ones(3, dtype=int)
    scale[dimension] = k
    number, size, offered = np.array([counts[: len(tasks)]]), np.array(tasks), np.array([40, 40, 20])
    plain, scaled = (first_fit_decreasing(number, size * s, offered * s)[0] for s in (np.ones(3, dtype=int), scale))
    assert plain == scaled


@given(
    tasks=st.lists(boxes, min_size=2, max_size=6, unique=True),
    counts=st.lists(st.integers(0, 12), min_size=6, max_size=6),
    seed=st.randoms(use_true_random=False),
)
def test_the_order_of_services_does_not_matter_to_packing(tasks, counts, seed):
    order = list(range(len(tasks)))
    seed.shuffle(order)
    number, size, offered = np.array([counts[: len(tasks)]]), np.array(tasks), np.array([40, 40, 20])
    assert first_fit_decreasing(number, size, offered)[0] == first_fit_decreasing(number[:, order], size[order], offered)[0]


def first_fit_in_one_dimension(items, room):
    size = np.array([[item, 1, 1] for item in items])
    return int(first_fit_decreasing(np.ones((1, len(items)), dtype=np.int64), size, np.array([room, 10_000, 10_000]))[0])


def test_not_a_law_larger_instances_never_need_more_of_them():
    items = [24, 24, 23, 22, 15, 15, 14, 14, 12, 12, 10, 10, 8, 7, 5]
    assert (first_fit_in_one_dimension(items, 44), first_fit_in_one_dimension(items, 45)) == (5, 6)


def test_not_a_law_a_larger_task_never_needs_fewer_instances():
    items = [16, 16, 15, 15, 11, 11, 10, 9, 8, 8, 7, 7, 6, 4]
    grown = [16, 16, 16, 15, 11, 11, 10, 9, 8, 8, 7, 7, 6, 4]
    assert first_fit_in_one_dimension(items, 30) == first_fit_in_one_dimension(grown, 30) + 1


def test_not_a_law_two_copies_need_twice_the_instances():
    items = [34, 32, 32, 22, 15, 13, 12, 7]
    assert first_fit_in_one_dimension(items * 2, 36) > 2 * first_fit_in_one_dimension(items, 36)


def instance(name="m6i.large", vcpu=2, memory=8192, registered=7821, enis=3, trunked=12):
    return InstanceType(
        name=name, vcpu=vcpu, memory_mib=memory, registered_memory_mib=registered, is_registered_memory_observed=True,
        architectures=(Architecture.X86_64,), max_enis=enis, branch_interfaces=None if trunked is None else trunked - enis + 2,
        trunked_tasks=trunked, baseline_fraction=None, coremark_per_thread=None, is_current_generation=True,
        is_bare_metal=False, has_accelerator=False,
    )  # fmt: skip


@pytest.mark.parametrize(("registered_mib", "fit"), [(7821, 2), (7820, 2), (7819, 1), (7817, 1)])
def test_registered_memory_decides_how_many_tasks_fit(registered_mib, fit):
    """Two tasks of 3,910 MiB on an m6i.large, as a production cluster found out (amazon-ecs-ami, issue 597)."""
    task = reservation(service(), TaskSize(cpu_units=1024, memory_mib=3910), LaunchType.EC2)
    assert tasks_per_instance(task, capacity(instance(registered=registered_mib), has_trunking=True)) == fit


def test_eight_awsvpc_tasks_do_not_fit_an_m6i_2xlarge_without_trunking():
    large = instance("m6i.2xlarge", vcpu=8, memory=32768, registered=31_700, enis=4, trunked=40)
    task = reservation(service(), TaskSize(cpu_units=256, memory_mib=512), LaunchType.EC2)
    assert tasks_per_instance(task, capacity(large, has_trunking=False)) == 3
    assert tasks_per_instance(task, capacity(large, has_trunking=True)) == 32


def test_c5_large_holds_two_awsvpc_tasks_and_ten_with_trunking():
    """Amazon ECS Developer Guide, container-instance-eni."""
    c5 = instance("c5.large", memory=4096, registered=3704, enis=3, trunked=10)
    task = reservation(service(), TaskSize(cpu_units=128, memory_mib=128), LaunchType.EC2)
    assert [int(tasks_per_instance(task, capacity(c5, has_trunking=t))) for t in (False, True)] == [2, 10]


# Holding on


@given(values=st.lists(st.integers(0, 30), min_size=1, max_size=40), back=st.integers(0, 6))
def test_what_is_held_is_at_least_what_is_needed_and_at_most_the_peak(values, back):
    series = np.array(values, float)
    kept = trailing_maximum(series, back)
    assert (kept >= series).all()
    assert kept.max() == series.max()


@given(values=st.lists(st.integers(1, 30), min_size=1, max_size=40))
def test_the_default_spread_never_needs_fewer_instances(values):
    tasks = np.array(values, float)
    packed = np.ceil(tasks / 5)
    assert (held_under_default_spread(packed, tasks, 1) >= held(packed, 1)).all()


def test_the_default_spread_keeps_instances_while_there_are_as_many_tasks():
    """By hand: 20 tasks, 5 an instance: 4 instances; down to 6 tasks, which pack into 2: all 4 keep a task."""
    tasks = np.array([20.0, 20, 6, 6, 3, 3, 3])
    assert held_under_default_spread(np.ceil(tasks / 5), tasks, 0).tolist() == [4, 4, 4, 4, 3, 3, 3]


@given(tasks=st.lists(st.integers(0, 60), min_size=1, max_size=50), fits=st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_the_histogram_gives_what_the_time_axis_gives(tasks, fits):
    running, hours = np.array(tasks, float), np.linspace(0.5, 1.5, len(tasks))
    plain = [sum(h * (max(-(-n // k), 2) if n else 0) for n, h in zip(tasks, hours, strict=True)) for k in fits]
    assert_allclose(dedicated_instance_hours(running, hours, np.array(fits), 2), plain)


# The answer


def test_renaming_and_reordering_services_changes_names_only(catalog):
    a, b = (service("a"), wave()), (service("b", task=(1024, 2048)), wave(low=900.0))
    one, other = advisor.advise(workload(a, b), catalog), advisor.advise(workload(b, a), catalog)
    assert costs(one) == pytest.approx(costs(other), rel=1e-12)
    renamed = advisor.advise(workload((service("zz"), wave()), b), catalog)
    assert sorted(costs(renamed).values()) == pytest.approx(sorted(costs(one).values()), rel=1e-12)


def test_a_cheaper_launch_type_is_not_lost_when_another_is_allowed_too(catalog):
    load = (service(), wave())
    everything = advisor.advise(workload(load), catalog).recommended.monthly_usd.high
    for launch_type in LaunchType:
        only = advisor.advise(workload(load, constraints=Constraints(launch_types=(launch_type,))), catalog)
        assert everything <= only.recommended.monthly_usd.high


def test_one_wrong_price_is_named():
    family = [
        replace(instance(f"m9z.{size}", vcpu=n, memory=4096 * n), vcpu=n)
        for size, n in (("l", 2), ("xl", 4), ("2xl", 8), ("4xl", 16))
    ]
    found = rate_outliers(family, np.array([0.1, 0.2, 0.04, 0.8]))
    assert list(found) == ["m9z.2xl"]
    assert "90% below" in found["m9z.2xl"]
