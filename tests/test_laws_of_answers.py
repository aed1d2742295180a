"""Laws of whole bills and answers, on random workloads, instance types and rates."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from advisor.answer import advise
from advisor.ecs import FARGATE_SIZES, LaunchType, TaskSize
from advisor.errors import AdvisorError, PriceNotFoundError
from advisor.meters import Meter
from advisor.optimize.alternatives import alternatives
from advisor.optimize.pricing import high_usd, price_parts
from advisor.sizing import needed_tasks
from advisor.workload import LoadForm, Scaling, Service
from tests import strategies
from tests.as_advisor import REGION, as_catalog, as_rates, as_search, as_workload

TOLERANCE = 1e-9
a_few = settings(max_examples=max(10, settings().max_examples // 4))
some = settings(max_examples=max(10, settings().max_examples // 2))
catalogs = strategies.instance_catalogs(max_size=7, vcpus=(2, 8))
small_loads = strategies.workloads(max_services=3, max_steps=30, max_tasks=20)


def approx(value):
    return pytest.approx(value, rel=TOLERANCE, abs=TOLERANCE)


def answer_to(load, types, prices, listed=None, **constraints):
    """The recommendation; cases that no launch choice can run are passed over."""
    try:
        return advise(as_workload(load, **constraints), as_catalog(types, prices, listed), replay_weeks=0)
    except AdvisorError as error:
        assume("no launch choice" not in str(error) and "no task ever runs" not in str(error))
        raise


def costs(answer, scope=None):
    """Month of every alternative by id."""
    return {a.id: a.monthly_usd.mean for a in answer.alternatives if a.monthly_usd and scope in (None, a.scope)}


def choices_of(load, types, prices):
    """What a search finds for the cluster, with its hours and the catalog it was found in."""
    search = as_search(as_workload(load), as_catalog(types, prices))
    found = alternatives(as_workload(load), search)
    return [choice for choice in found.for_cluster if choice.parts], found.common_hours, search.catalog


# Bills


@a_few
@given(load=small_loads, types=catalogs, prices=strategies.price_lists(), k=st.sampled_from([0.25, 2, 8]))
def test_all_rates_times_k_give_the_same_ranking_and_k_times_every_line_item(load, types, prices, k):
    """If nothing is stated in dollars; k is a power of two, so that no digit is lost."""
    times_k = {meter: replace(rate, usd=k * rate.usd) for meter, rate in as_rates(types, prices).items()}
    once, times = answer_to(load, types, prices), answer_to(load, types, prices, times_k)
    assert [a.id for a in once.alternatives] == [a.id for a in times.alternatives]
    for one, other in zip(once.alternatives, times.alternatives, strict=True):
        if one.bill is not None:
            assert [item.quantity for item in one.bill.line_items] == [item.quantity for item in other.bill.line_items]
            assert [k * item.amount_usd for item in one.bill.line_items] == approx(
                [item.amount_usd for item in other.bill.line_items]
            )


@a_few
@given(load=small_loads, types=catalogs, prices=strategies.price_lists(), data=st.data())
def test_a_month_cut_anywhere_costs_the_sum_of_its_pieces_and_of_its_parts(load, types, prices, data):
    """If no meter has tiers or state; there are none yet."""
    found, hours, catalog = choices_of(load, types, prices)
    first = np.array(data.draw(st.lists(st.booleans(), min_size=hours.size, max_size=hours.size)))
    for choice in found:
        whole = price_parts(choice.parts, hours, catalog, REGION)
        pieces = [price_parts(choice.parts, np.where(cut, hours, 0.0), catalog, REGION) for cut in (first, ~first)]
        for item, *cut_items in zip(whole.bill.line_items, *(piece.bill.line_items for piece in pieces), strict=True):
            assert item.amount_usd == approx(sum(cut_item.amount_usd for cut_item in cut_items))
        parts = [price_parts([part], hours, catalog, REGION).monthly_usd for part in choice.parts]
        assert whole.monthly_usd.mean == approx(sum(part.mean for part in parts))
        assert whole.monthly_usd.high == approx(sum(part.high for part in parts))
        assert high_usd(choice.parts, hours, catalog, REGION) == whole.monthly_usd.high


@a_few
@given(load=small_loads, types=catalogs, prices=strategies.price_lists(), data=st.data())
def test_more_of_a_quantity_or_a_dearer_rate_never_lowers_a_total(load, types, prices, data):
    """The plan is fixed."""
    found, hours, catalog = choices_of(load, types, prices)
    assume(found)
    choice = data.draw(st.sampled_from(found))
    usd = price_parts(choice.parts, hours, catalog, REGION).monthly_usd.mean
    part = data.draw(st.sampled_from(choice.parts))
    row = data.draw(st.integers(0, len(part.meters) - 1))
    more = part.quantity_per_hour.copy()
    more[row] *= 1.5
    others = [other for other in choice.parts if other is not part]
    fuller = [*others, replace(part, quantity_per_hour=more)]
    assert price_parts(fuller, hours, catalog, REGION).monthly_usd.mean >= usd * (1 - TOLERANCE)

    listed = as_rates(types, prices)
    meter = data.draw(st.sampled_from(sorted(listed)))
    dearer = as_catalog(types, prices, listed | {meter: replace(listed[meter], usd=1.5 * listed[meter].usd)})
    assert price_parts(choice.parts, hours, dearer, REGION).monthly_usd.mean >= usd * (1 - TOLERANCE)


@a_few
@given(load=small_loads, types=catalogs, prices=strategies.price_lists(), data=st.data())
def test_a_rate_that_is_missing_is_named_where_it_is_used_and_changes_nothing_elsewhere(load, types, prices, data):
    found, hours, catalog = choices_of(load, types, prices)
    assume(found)
    listed = as_rates(types, prices)
    gone = data.draw(st.sampled_from(sorted(listed)))
    without = as_catalog(types, prices, {meter: rate for meter, rate in listed.items() if meter != gone})
    with pytest.raises(PriceNotFoundError, match=f"{gone} in {REGION}"):
        without.rate(Meter(id=gone, unit=listed[gone].unit), REGION)
    for choice in found:
        used = {meter.id for part in choice.parts for meter in part.meters}
        lost = {meter for meter in used if meter not in without.rates(REGION)}  # with those that were derived from it
        before = price_parts(choice.parts, hours, catalog, REGION)
        after = price_parts(choice.parts, hours, without, REGION)
        assert set(after.missing) == lost
        assert (high_usd(choice.parts, hours, without, REGION) is None) == bool(lost)
        if lost:
            assert after.monthly_usd is None
            assert after.bill is None
        else:
            assert gone not in used
            assert after.bill == before.bill


@a_few
@given(load=small_loads, types=catalogs, prices=strategies.price_lists())
def test_no_amount_is_negative(load, types, prices):
    for alternative in answer_to(load, types, prices).alternatives:
        if alternative.bill is not None:
            assert all(item.amount_usd >= 0 and item.quantity >= 0 for item in alternative.bill.line_items)
            assert alternative.monthly_usd.low <= alternative.monthly_usd.mean <= alternative.monthly_usd.high


@a_few
@given(types=catalogs, prices=strategies.price_lists(), load=strategies.workloads(forms=("tasks",), max_services=3))
def test_without_usage_every_line_is_zero(types, prices, load):
    for service in load["services"]:
        service["demand"] = [0.0 for _ in service["demand"]]
    choices, hours, catalog = choices_of(load, types, prices)
    bills = [price_parts(choice.parts, hours, catalog, REGION).bill for choice in choices]
    assert {item.amount_usd for bill in bills if bill for item in bill.line_items} <= {0.0}
    assert choices


@a_few
@given(load=small_loads, types=catalogs, prices=strategies.price_lists())
def test_services_without_gaps_cost_on_fargate_together_what_they_cost_alone(load, types, prices):
    """Not on EC2, where they share instances. With gaps the cluster is billed on the hours that all have."""
    for service in load["services"]:
        service["demand"] = [0.0 if value is None else value for value in service["demand"]]
        service["architectures"], service["interruptible"] = ["X86_64"], False
    answer = answer_to(load, types, prices, launch_types=(LaunchType.FARGATE,))
    together = costs(answer, "cluster")["cluster:fargate:x86_64:on_demand"]
    assert together == approx(sum(costs(answer, service["name"]).popitem()[1] for service in load["services"]))


@a_few
@given(week=st.lists(st.integers(0, 20), min_size=168, max_size=168), prices=strategies.price_lists(), times=st.integers(2, 3))
def test_a_week_repeated_costs_the_same_month_where_nothing_is_carried_over(week, prices, times):
    """Task counts as they ran, and no start-up time: nothing of one week reaches into the next."""
    months = []
    for repeats in (1, times):
        service = worker(week * repeats, startup_s=0, public_ipv4=True)
        load = {"start_s": 3600 * 5, "step_s": 3600, "services": [service]}
        months.append(costs(answer_to(load, [ANY_TYPE], prices, launch_types=(LaunchType.FARGATE,))))
    assert months[0] == approx(months[1])


@a_few
@given(load=small_loads, types=catalogs, prices=strategies.price_lists())
def test_fargate_spot_without_a_discount_costs_the_same_as_fargate(load, types, prices):
    prices = {(architecture, option): prices[architecture, "on_demand"] for architecture, option in prices}
    for service in load["services"]:
        service["interruptible"] = True
    answer = answer_to(load, types, prices, launch_types=(LaunchType.FARGATE,))
    for service in load["services"]:
        months = costs(answer, service["name"])
        for architecture in service["architectures"]:
            title = f"{service['name']}:fargate_{architecture.lower()}"
            assert months[title] == months[title.replace(":fargate_", ":fargate_spot_")]


# Load and sizes


def sized(cpu, memory, form=LoadForm.UTILIZATION, target=0.6, **more):
    return Service(
        name="s",
        task=TaskSize(cpu_units=cpu, memory_mib=memory),
        load_form=form,
        scaling=Scaling(min_tasks=0, target_cpu_fraction=target),
        **more,
    )


demands = st.lists(st.floats(0, 50_000), min_size=1, max_size=60).map(np.array)


@given(
    tasks=st.lists(st.floats(0, 500, allow_subnormal=False), min_size=1, max_size=60).map(np.array),
    per_task=st.floats(0.1, 1_000),
)
def test_requests_over_requests_per_task_are_tasks(tasks, per_task):
    """Before rounding up, that is; min and max do not bind."""
    service = sized(256, 512, LoadForm.REQUESTS, requests_per_task=per_task)
    needed = needed_tasks(service, tasks * per_task, service.task).tasks
    assert ((needed >= tasks * (1 - 2 * TOLERANCE) - 1e-300) & (needed <= tasks + 1)).all()


@given(demand=demands, cpu_ms=st.floats(0.1, 1_000))
def test_requests_with_cpu_time_are_cpu_in_use(demand, cpu_ms):
    """1,024 units are a vCPU that is busy for 1,000 ms in each second."""
    requests = sized(512, 1024, LoadForm.REQUESTS, cpu_ms_per_request=cpu_ms)
    in_use = sized(512, 1024)
    ours = needed_tasks(requests, demand / 1.024 / cpu_ms, requests.task).tasks
    assert_allclose(ours, needed_tasks(in_use, demand, in_use.task).tasks, atol=1)
    assert (np.abs(ours - demand / (0.6 * 512)) < 1 + 1e-6).all()


@given(
    demand=st.lists(st.integers(0, 50_000), min_size=1, max_size=60).map(np.array),
    sizes=st.sampled_from([(a, b) for a in FARGATE_SIZES for b in FARGATE_SIZES if a.cpu_units < b.cpu_units]),
)
def test_k_times_the_demand_on_k_times_the_size_needs_as_many_tasks(demand, sizes):
    small, large = sizes
    k = large.cpu_units // small.cpu_units  # powers of two
    one = needed_tasks(sized(small.cpu_units, small.memory_mib), demand.astype(float), small).tasks
    other = needed_tasks(sized(large.cpu_units, large.memory_mib), k * demand.astype(float), large).tasks
    assert_allclose(one, other, atol=0)


@given(demand=demands)
def test_the_need_of_the_maximum_is_no_less_than_any_need_and_the_mean_need_no_less_than_the_mean_load(demand):
    service = sized(512, 1024)
    needed = needed_tasks(service, demand, service.task).tasks
    assert needed_tasks(service, demand.max(keepdims=True), service.task).tasks[0] == needed.max()
    assert needed.mean() >= demand.mean() / (0.6 * 512) * (1 - 2 * TOLERANCE)


# The answer


@a_few
@given(load=small_loads, types=catalogs, prices=strategies.price_lists(), data=st.data())
def test_more_instance_types_never_raise_and_fewer_launch_types_never_lower_the_cost(load, types, prices, data):
    assume(len(types) > 1)
    everything = answer_to(load, types, prices).recommended.monthly_usd.high
    some_types = data.draw(st.lists(st.sampled_from(types), min_size=1, unique_by=lambda each: each["name"]))
    launch_types = data.draw(st.sets(st.sampled_from(LaunchType), min_size=1))
    fewer = answer_to(load, some_types, prices, launch_types=tuple(sorted(launch_types))).recommended.monthly_usd.high
    assert everything <= fewer * (1 + TOLERANCE)


@a_few
@given(load=small_loads, types=catalogs, prices=strategies.price_lists(), dearer=st.floats(0.01, 2))
def test_a_type_that_is_dearer_and_not_larger_changes_nothing(load, types, prices, dearer):
    """If no Spot pool needs it."""
    for service in load["services"]:
        service["interruptible"] = False
    copy = types[0] | {"name": "zz.large"}
    for rate in ("usd_per_hour", "spot_usd_per_hour", "fee_usd_per_hour"):
        copy[rate] = copy[rate] * (1 + dearer)
    assert costs(answer_to(load, types, prices)) == costs(answer_to(load, [*types, copy], prices))


@a_few
@given(load=small_loads, types=catalogs, prices=strategies.price_lists(), data=st.data())
def test_the_order_of_services_and_types_changes_no_cost(load, types, prices, data):
    shuffled = load | {"services": data.draw(st.permutations(load["services"]))}
    one = answer_to(load, types, prices)
    other = answer_to(shuffled, data.draw(st.permutations(types)), prices)
    assert costs(one) == approx(costs(other))
    assert one.recommended.monthly_usd.high == approx(other.recommended.monthly_usd.high)


@a_few
@given(load=small_loads, types=catalogs, prices=strategies.price_lists())
def test_new_names_change_names_only(load, types, prices):
    renamed = load | {"services": [each | {"name": f"new-{number}"} for number, each in enumerate(load["services"])]}
    one, other = answer_to(load, types, prices), answer_to(renamed, types, prices)
    assert costs(one, "cluster") == approx(costs(other, "cluster"))
    assert one.recommendation.verdict == other.recommendation.verdict


def worker(tasks, **more):
    return {"name": "worker", "form": "tasks", "demand": tasks, "cpu": 256, "memory": 512, **more}


ANY_TYPE = {
    "name": "any.large",
    "architecture": "X86_64",
    "vcpu": 4,
    "memory_mib": 8_000,
    "max_enis": 9,
    "trunked_tasks": None,
    "slots": 8,
    "usd_per_hour": 0.1,
    "spot_usd_per_hour": None,
    "fee_usd_per_hour": None,
    "baseline_fraction": None,
    "surplus_usd_per_vcpu_hour": None,
}


@some
@given(
    slots=st.integers(1, 20),
    n_instances=st.integers(1, 9),
    missing=st.integers(0, 19),
    usd_per_hour=strategies.rounded(0.01, 0.5),
    prices=strategies.price_lists(),
)
def test_ec2_beats_fargate_when_an_instance_costs_less_than_the_tasks_that_fill_it(
    slots, n_instances, missing, usd_per_hour, prices
):
    """At full load that is a matter of one instance; else of ceil(tasks / tasks an instance) of them."""
    instance_type = ANY_TYPE | {"vcpu": 8, "max_enis": slots + 1, "slots": slots, "usd_per_hour": usd_per_hour}
    n_tasks = max(1, n_instances * min(slots, 15) - missing)  # 8000 MiB hold 15 tasks of 512 MiB
    n_filled = -(-n_tasks // min(slots, 15))
    load = {"start_s": 0, "step_s": 3600, "services": [worker([n_tasks] * 24)]}
    months = costs(answer_to(load, [instance_type], prices, zones=1), "worker")
    rates = prices["X86_64", "on_demand"]
    task_usd = 0.25 * rates["fargate_usd_per_vcpu_hour"] + 0.5 * rates["fargate_usd_per_gib_hour"]
    instance_usd = usd_per_hour + 30 * rates["gp3_usd_per_gib_month"] / 730
    ec2, fargate = months["worker:ec2:x86_64:on_demand"], months["worker:fargate_x86_64"]
    assume(abs(n_filled * instance_usd - n_tasks * task_usd) > 1e-9)
    assert (ec2 < fargate) == (n_filled * instance_usd < n_tasks * task_usd)
