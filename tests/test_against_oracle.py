"""The model against the plain-loop oracle, on random small workloads: the same counts, the same dollars."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from advisor.answer import advise
from advisor.ecs import Architecture, LaunchType, PlacementStrategy, PurchaseOption
from advisor.errors import AdvisorError
from advisor.meters import (
    FARGATE_EPHEMERAL_GIB_HOUR,
    GP3_GIB_MONTH,
    PUBLIC_IPV4_HOUR,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
    managed_instances_fee_hour,
    spot_pool_hour,
    surplus_vcpu_hour,
)
from advisor.optimize.alternatives import alternatives
from advisor.optimize.loads import service_loads
from advisor.optimize.packed import packed_load
from advisor.optimize.pricing import price_parts, weekly_usd
from advisor.optimize.search import CapacityKind, dedicated_part, on_default_spread, shared_part
from advisor.simulate.scaling import running_tasks
from advisor.simulate.timeline import timeline
from advisor.sizing import needed_tasks
from tests import strategies
from tests.as_advisor import MONDAY, REGION, as_array, as_catalog, as_list, as_search, as_workload
from tests.oracle import choices, model, packing, plans

TOLERANCE = 1e-9
KNOWS_CPU = ("utilization", "cpu_ms")
X86 = ("X86_64", "on_demand")
a_few = settings(max_examples=max(10, settings().max_examples // 4))


ANY_INSTANCE = {
    "name": "any.large",
    "architecture": "X86_64",
    "vcpu": 2,
    "memory_mib": 4000,
    "max_enis": 3,
    "trunked_tasks": None,
    "slots": 2,
    "usd_per_hour": 0.1,
    "spot_usd_per_hour": None,
    "fee_usd_per_hour": None,
    "baseline_fraction": None,
    "surplus_usd_per_vcpu_hour": None,
}


def kind_of(launch_type, option="on_demand", architecture="X86_64"):
    return CapacityKind(
        launch_type=LaunchType(launch_type), purchase_option=PurchaseOption(option), architecture=Architecture(architecture)
    )


def approx(value):
    return pytest.approx(value, rel=TOLERANCE, abs=1e-9)


def assert_same_series(ours, expected, atol=0.0):
    assert_allclose(ours, as_array(expected), rtol=TOLERANCE, atol=atol)


def known(values):
    return [value for value in values if value is not None]


def amounts(bill):
    return {item.meter: item.amount_usd for item in bill.line_items}


def x86(types):
    return [each | {"architecture": "X86_64"} for each in types]


# Time


@given(
    step_s=st.sampled_from([20, 60, 300, 600, 900, 1200, 1800, 3600]),
    first=st.integers(0, 2000),
    measured=st.lists(st.booleans(), min_size=1, max_size=400),
)
def test_month_weights(step_s, first, measured):
    axis = timeline(MONDAY + timedelta(seconds=first * step_s), step_s, len(measured))
    grid_s = model.grid_seconds(step_s)
    assert axis.step_s == grid_s
    on_grid = model.substeps(measured, step_s)
    expected = model.month_weights(on_grid, first * step_s, grid_s)
    assert_allclose(axis.month_hours(np.array(on_grid)), expected, rtol=TOLERANCE)


# Tasks


@given(load=strategies.workloads(), zones=st.sampled_from([1, 2]))
def test_tasks_needed_and_running(load, zones):
    workload = as_workload(load, zones)
    axis = timeline(workload.start, workload.step_s, workload.n_steps)
    for row, plain in enumerate(load["services"]):
        service = workload.services[row]
        need, unmet, running = plans.declared_counts(load, plain, zones)
        ours = needed_tasks(service, workload.demand[row], service.task)
        assert_same_series(axis.spread(ours.tasks), need)
        assert_same_series(axis.spread(ours.unmet), unmet)
        run = running_tasks(service, workload.demand[row], service.task, axis)
        assert_same_series(run.tasks, running)
        cpu_units = model.cpu_units_in_use(plain, plans.demand_of(load, plain))
        if cpu_units is None:
            assert run.cpu_units is None
        else:
            assert_same_series(run.cpu_units, cpu_units)


# One service


def fargate_amounts(plan, architecture, option):
    key = Architecture(architecture), PurchaseOption(option)
    meters = {
        "vcpu": fargate_vcpu_hour(*key),
        "memory": fargate_gib_hour(*key),
        "ephemeral": FARGATE_EPHEMERAL_GIB_HOUR,
        "ipv4": PUBLIC_IPV4_HOUR,
    }
    return {meters[item].id: usd for item, usd in plan["month"]["usd"].items()}


@given(load=strategies.workloads(max_services=1), prices=strategies.price_lists())
def test_fargate_bill_line_by_line(load, prices):
    workload, (plain,) = as_workload(load, launch_types=(LaunchType.FARGATE,)), load["services"]
    search = as_search(workload, as_catalog([ANY_INSTANCE], prices))
    offered = alternatives(workload, search).by_service[plain["name"]]
    options = ["on_demand", "spot"] if plain["interruptible"] else ["on_demand"]
    assert len(offered) == len(options) * len(plain["architectures"])
    for choice in offered:
        if not choice.parts:
            assert not model.fargate_ways(plain["cpu"], plain["memory"], True)
            continue
        (part,) = choice.parts
        (service,) = part.services.values()
        key = service.architecture.value, service.purchase_option.value
        best = plans.fargate_plan(load, plain, prices[key])
        size = service.task.cpu_units, service.task.memory_mib
        named = plans.fargate_plan(load, plain, prices[key], size=size)
        assert named["month"]["total_usd"] == approx(best["month"]["total_usd"])
        (hours,) = (each.hours for each in service_loads(workload, search.axis))
        priced = price_parts(choice.parts, hours, search.catalog, REGION)
        expected = fargate_amounts(named, *key)
        ours = amounts(priced.bill)
        assert ours == approx({meter: usd for meter, usd in expected.items() if meter in ours})
        assert sum(expected.values()) == approx(sum(ours.values()))
        assert priced.monthly_usd.mean == priced.monthly_usd.high == approx(named["month"]["total_usd"])
        if size != best["size"]:
            continue  # an equally cheap one
        assert_same_series(part.tasks[0], named["running"])
        assert service.min_tasks == (
            max(named["minimum"], 1) if plain["form"] != "tasks" else int(min(known(named["running"])))
        )


def instance_amounts(plan, instance_type, purchase_option):
    """Dollars by meter id from the oracle's line items."""
    name, usd = instance_type["name"], plan["month"]["usd"]
    rate = spot_pool_hour(name) if purchase_option == "spot" else instance_hour(name, PurchaseOption.ON_DEMAND)
    found = {rate.id: usd["instances"], GP3_GIB_MONTH.id: usd["ebs"]}
    if purchase_option == "managed":
        found[managed_instances_fee_hour(name).id] = usd["fee"]
    if instance_type["baseline_fraction"] is not None:
        found[surplus_vcpu_hour(name).id] = usd["surplus"]
    if usd["ipv4"]:
        found[PUBLIC_IPV4_HOUR.id] = usd["ipv4"]
    return found


def high_usd(plan_usd, fee_usd=0.0):
    """Upper end of a cost on instances: 5 % for ECS's own packing, 10 % of a fee that is derived."""
    return 1.05 * plan_usd + 0.1 * fee_usd


def assert_part_is(part, plan, instance_type, option, search, hours, measured):
    """Counts, line items and weeks of a part with instances of one type."""
    assert part.provider.instance_types == (instance_type["name"],)
    assert_same_series(part.on_instances.running, plan["instances"])
    priced = price_parts([part], hours, search.catalog, REGION)
    ours = amounts(priced.bill)
    expected = instance_amounts(plan, instance_type, option)
    assert {meter: usd for meter, usd in ours.items() if meter in expected} == approx(expected)
    assert all(usd == 0 for meter, usd in ours.items() if meter not in expected)
    total, fee = plan["month"]["total_usd"], plan["month"]["usd"]["fee"]
    assert priced.monthly_usd.mean == approx(total)
    assert priced.monthly_usd.high == approx(high_usd(total, fee))
    weeks = weekly_usd([part], search.axis.week_hours(measured), search.catalog, REGION)
    fee_share = fee / total if total else 0.0
    assert_allclose(weeks, [high_usd(usd) for usd in known(plan["weekly_usd"])], rtol=0.1 * fee_share + TOLERANCE, atol=1e-9)


@given(
    load=strategies.workloads(max_services=1),
    catalog=strategies.instance_catalogs(max_size=4).map(x86),
    prices=strategies.price_lists(),
    option=st.sampled_from(["on_demand", "managed"]),
    zones=st.sampled_from([1, 2]),
)
def test_dedicated_instances_and_bill_of_every_candidate(load, catalog, prices, option, zones):
    (plain,) = load["services"]
    workload = as_workload(load, zones)
    kind = kind_of("MANAGED_INSTANCES" if option == "managed" else "EC2")
    for each in catalog:
        search = as_search(workload, as_catalog([each], prices))
        (service_load,) = service_loads(workload, search.axis)
        part = dedicated_part(search, service_load.run, kind, service_load.hours)
        if packing.tasks_per_instance(plain["cpu"], plain["memory"], each) == 0 or is_surplus_unknown(load, each):
            assert part is None
            continue
        plan = plans.dedicated_plan(load, plain, each, prices[X86], option, zones)
        assert_part_is(part, plan, each, option, search, service_load.hours, service_load.measured)


def is_surplus_unknown(load, instance_type):
    """A burstable type for a load that does not tell the CPU in use."""
    is_known = all(model.counts_react_to_cpu(service) for service in load["services"])
    return instance_type["baseline_fraction"] is not None and not is_known


@given(
    load=strategies.workloads(max_services=1, forms=KNOWS_CPU),
    instance_type=strategies.instance_types(burstable=True).map(lambda each: each | {"architecture": "X86_64"}),
    prices=strategies.price_lists(),
)
def test_surplus_credits(load, instance_type, prices):
    (plain,) = load["services"]
    plan = plans.dedicated_plan(load, plain, instance_type, prices[X86])
    assume(plan is not None)
    workload = as_workload(load)
    search = as_search(workload, as_catalog([instance_type], prices))
    (service_load,) = service_loads(workload, search.axis)
    part = dedicated_part(search, service_load.run, kind_of("EC2"), service_load.hours)
    row = part.meters.index(surplus_vcpu_hour(instance_type["name"]))
    surplus = plans.surplus_of(load, [plain], plan["instances"], instance_type)
    assert_same_series(part.quantity_per_hour[row], surplus, atol=1e-9)  # a difference of vCPUs


@a_few
@given(load=strategies.workloads_of_weeks(max_services=2), catalog=strategies.instance_catalogs(max_size=2), data=st.data())
def test_weekly_costs(load, catalog, data):
    prices = data.draw(strategies.price_lists())
    each = catalog[0] | {"architecture": "X86_64"}
    workload = as_workload(load)
    search = as_search(workload, as_catalog([each], prices))
    loads = service_loads(workload, search.axis)
    for plain, service_load in zip(load["services"], loads, strict=True):
        kind = kind_of("EC2")
        part = dedicated_part(search, service_load.run, kind, service_load.hours)
        if part is not None:
            plan = plans.dedicated_plan(load, plain, each, prices[X86])
            assert_part_is(part, plan, each, "on_demand", search, service_load.hours, service_load.measured)
    found = alternatives(workload, search).by_service
    for plain, service_load in zip(load["services"], loads, strict=True):
        for choice in found[plain["name"]]:
            if choice.parts and choice.parts[0].on_instances is None:
                service = choice.parts[0].services[plain["name"]]
                rates = prices[service.architecture.value, service.purchase_option.value]
                plan = plans.fargate_plan(load, plain, rates)
                weeks = weekly_usd(choice.parts, search.axis.week_hours(service_load.measured), search.catalog, REGION)
                if (service.task.cpu_units, service.task.memory_mib) == plan["size"]:
                    assert_allclose(weeks, known(plan["weekly_usd"]), rtol=TOLERANCE, atol=1e-9)


# Several services on one cluster


def shared_case(load, instance_type, prices, zones=2):
    workload = as_workload(load, zones)
    search = as_search(workload, as_catalog([instance_type], prices))
    loads = service_loads(workload, search.axis)
    measured = np.all([service_load.measured for service_load in loads], axis=0)
    return search, packed_load([service_load.run for service_load in loads]), search.axis.month_hours(measured), measured


@given(
    load=strategies.workloads().filter(lambda load: len(load["services"]) > 1),
    instance_type=strategies.instance_types().map(lambda each: each | {"architecture": "X86_64"}),
    prices=strategies.price_lists(),
    option=st.sampled_from(["on_demand", "managed"]),
    zones=st.sampled_from([1, 2]),
)
def test_shared_instances_and_bill(load, instance_type, prices, option, zones):
    """Of two services or more: one that shares with none is on instances of its own, whatever they are called."""
    search, packed, hours, measured = shared_case(load, instance_type, prices, zones)
    kind = kind_of("MANAGED_INSTANCES" if option == "managed" else "EC2")
    part = shared_part(search, packed, kind, hours, name="drawn")
    if is_surplus_unknown(load, instance_type):
        assert part is None
        return
    plan = plans.shared_plan(load, instance_type, prices[X86], option, zones)
    assert (part is None) == (plan is None)
    if plan is not None:
        assert_part_is(part, plan, instance_type, option, search, hours, measured)
        spread = on_default_spread(search, part, load=packed)
        expected = plans.shared_plan(load, instance_type, prices[X86], option, zones, default_spread=True)
        assert_part_is(spread, expected, instance_type, option, search, hours, measured)


@given(load=strategies.workloads(), instance_type=strategies.instance_types(burstable=False), prices=strategies.price_lists())
def test_packed_counts_and_volume_bound_step_by_step(load, instance_type, prices):
    sizes = [(service["cpu"], service["memory"]) for service in load["services"]]
    assume(all(packing.tasks_per_instance(*size, instance_type) > 0 for size in sizes))
    search, packed, _, _ = shared_case(load, instance_type, prices)
    running = [plans.declared_counts(load, service)[2] for service in load["services"]]
    for ours, count in (
        (packed.packed(search.candidates.capacity[LaunchType.EC2][0]), packing.first_fit_instances),
        (packed.bound(search.candidates.capacity[LaunchType.EC2][0]), packing.volume_bound_instances),
    ):
        for now, instances in enumerate(as_list(ours)):
            counts = [series[now] for series in running]
            if None in counts:
                assert instances is None
            else:
                assert instances == count(packing.tasks_of_services(counts, sizes), packing.capacity(instance_type))


# Spot pools


@a_few
@given(
    load=strategies.workloads(max_services=3, max_tasks=15, forms=KNOWS_CPU),
    catalog=strategies.instance_catalogs(min_size=7, max_size=11, vcpus=(4, 8)).map(x86),
    prices=strategies.price_lists(),
)
def test_spot_pool(load, catalog, prices):
    workload = as_workload(load)
    search = as_search(workload, as_catalog(catalog, prices))
    loads = service_loads(workload, search.axis)
    measured = np.all([service_load.measured for service_load in loads], axis=0)
    hours = search.axis.month_hours(measured)
    part = shared_part(search, packed_load([each.run for each in loads]), kind_of("EC2", "spot"), hours, name="drawn")
    assert_is_pool(part, load, load["services"], catalog, prices, search, hours, measured)
    if len(loads) == 1:
        part = dedicated_part(search, loads[0].run, kind_of("EC2", "spot"), hours)
        assert_is_pool(part, load, load["services"], catalog, prices, search, hours, measured)


def assert_is_pool(part, load, services, catalog, prices, search, hours, measured):
    members = {
        each["name"]: None
        if is_surplus_unknown(load, each)
        else plans.shared_plan(load, each, prices[X86], "spot", services=services)
        for each in catalog
    }
    pool = plans.spot_pool_plan(members, {each["name"]: each["vcpu"] for each in catalog})
    assert (part is None) == (pool is None)
    if pool is None:
        return
    priced = price_parts([part], hours, search.catalog, REGION)
    assert priced.monthly_usd.mean == approx(pool["total_usd"])
    assert priced.monthly_usd.high == approx(high_usd(pool["total_usd"]))
    if set(pool["members"]) != set(part.provider.instance_types):  # equally cheap ones
        return
    series = [members[name]["instances"] for name in pool["members"]]
    mean = [None if None in many else sum(many) / len(many) for many in zip(*series, strict=True)]
    assert_same_series(part.on_instances.running, mean)
    weeks = weekly_usd([part], search.axis.week_hours(measured), search.catalog, REGION)
    assert_allclose(weeks, [high_usd(usd) for usd in known(pool["weekly_usd"])], rtol=TOLERANCE, atol=1e-9)


# The whole answer


@st.composite
def questions(draw):
    """A workload, its candidate types and rates, and what a plan must keep to."""
    load = draw(strategies.workloads(max_services=4, max_tasks=20))
    catalog = draw(strategies.instance_catalogs(min_size=1, max_size=9, fully_priced=False, vcpus=(2, 8)))
    launch_types = draw(st.sampled_from([choices.LAUNCH_TYPES, ["FARGATE", "EC2"], ["EC2"], ["MANAGED_INSTANCES", "EC2"]]))
    has_trunking = draw(st.booleans())
    if not has_trunking:
        catalog = [each | {"slots": each["max_enis"] - 1} for each in catalog]
    return load, catalog, draw(strategies.price_lists()), launch_types, has_trunking, draw(st.sampled_from([1, 2]))


def cost_of(plan, load, catalog, prices, zones, measured):
    """What the oracle says a plan costs: size, architecture, instance types and placement as the plan names them."""
    plain = {service["name"]: service for service in load["services"]}
    types = {each["name"]: each for each in catalog}
    costs = []
    for provider in plan.capacity_providers.values():
        members = {name: service for name, service in plan.services.items() if service.capacity_provider == provider.name}
        if provider.launch_type is LaunchType.FARGATE:
            for name, service in members.items():
                rates = prices[service.architecture.value, service.purchase_option.value]
                size = service.task.cpu_units, service.task.memory_mib
                cost = choices.on_fargate(plans.fargate_plan(load, plain[name], rates, zones, measured, size))
                base = sum(item.base for item in service.strategy)
                more = base and base * (task_month_usd(service, prices, "on_demand") - task_month_usd(service, prices, "spot"))
                costs.append({bound: usd + more for bound, usd in cost.items()})
        else:
            assert {service.architecture for service in members.values()} == {provider.architecture}
            choice = provider.launch_type.value, provider.purchase_option.value, provider.architecture.value
            pool = [types[name] for name in provider.instance_types]
            cost = choices.instances_cost(
                load,
                [service for name, service in plain.items() if name in members],
                pool,
                prices,
                choice,
                zones,
                measured,
                default_spread=provider.placement is PlacementStrategy.DEFAULT_SPREAD,
            )
            if provider.on_demand_base:  # that many instances run all month, of the first type in place of the pool's mean
                on_spot = sum(each["spot_usd_per_hour"] for each in pool) / len(pool) * plans.SPOT_DISPERSION
                more = choices.on_instances(730 * provider.on_demand_base * (pool[0]["usd_per_hour"] - on_spot))
                cost = choices.together([cost, more])
            costs.append(cost)
    return choices.together(costs)


def task_month_usd(service, prices, option):
    """A task on Fargate all month."""
    rates = prices[service.architecture.value, option]
    more = (service.ephemeral_storage_gib - 20) * rates["ephemeral_usd_per_gib_hour"]
    more += service.has_public_ip * rates["ipv4_usd_per_hour"]
    size = service.task.vcpu * rates["fargate_usd_per_vcpu_hour"] + service.task.memory_gib * rates["fargate_usd_per_gib_hour"]
    return 730 * (size + more)


def unmet_of(plan, load, zones, measured):
    """Task-hours above the upper bounds, from the way in which each service runs."""
    total = 0.0
    for service in load["services"]:
        if service["name"] in plan.services:
            ours = plan.services[service["name"]]
            way = service["cpu"], service["memory"], True
            if ours.launch_type is LaunchType.FARGATE:
                way = ours.task.cpu_units, ours.task.memory_mib, ours.scaling_target != 100 * service["target"]
            unmet = plans.fargate_way_counts(load, service, way, zones)[2]
            total += model.month_total(unmet, plans.weights_of(load, measured))
    return total


def choice_of(alternative):
    (service,) = alternative.plan.services.values()
    return service.launch_type.value, service.purchase_option.value, service.architecture.value


@given(question=questions())
def test_the_answer(question):
    load, catalog, prices, launch_types, has_trunking, zones = question
    workload = as_workload(
        load, zones, launch_types=tuple(LaunchType(name) for name in launch_types), has_trunking=has_trunking
    )
    in_all = plans.measured_in_all(load)
    separate = choices.of_separate_services(load, catalog, prices, launch_types, zones)
    shared = choices.of_shared_cluster(load, catalog, prices, launch_types, zones)
    if choices.cheapest([*separate, *shared.values()]) is None:
        with pytest.raises(AdvisorError, match=r"no launch choice|no task ever runs"):
            advise(workload, as_catalog(catalog, prices), replay_weeks=0)
        return
    try:
        answer = advise(workload, as_catalog(catalog, prices), replay_weeks=0)
    except AdvisorError as error:
        assume("no task ever runs" not in str(error))
        raise

    for alternative in answer.alternatives:
        if alternative.plan is not None:
            measured = in_all if alternative.scope == "cluster" else plans.known_demand(load, alternative.scope)
            cost = cost_of(alternative.plan, load, catalog, prices, zones, measured)
            monthly = alternative.monthly_usd
            assert {"usd": monthly.mean, "high": monthly.high} == approx(cost)
            assert monthly.low == monthly.mean == approx(sum(item.amount_usd for item in alternative.bill.line_items))
            assert alternative.unmet_task_hours == approx(unmet_of(alternative.plan, load, zones, measured))
            for item in alternative.bill.line_items:
                assert item.amount_usd == approx(item.quantity * item.rate_usd)
                assert alternative.usage[item.meter] >= item.quantity - 1e-9

    for service in load["services"]:
        measured = plans.known_demand(load, service["name"])
        expected = choices.of_service(load, service, catalog, prices, launch_types, zones, measured)
        alternatives = answer.of_scope(service["name"])
        assert len(alternatives) == len(expected)
        found = {choice_of(each): each.monthly_usd.high for each in alternatives if each.plan is not None}
        assert found == approx({choice: cost["high"] for choice, cost in expected.items() if cost is not None})

    for cost in [*separate, *shared.values()]:
        assert cost is None or answer.recommended.monthly_usd.high <= cost["high"] * (1 + TOLERANCE)
    for scope in ("cluster", *(service["name"] for service in load["services"])):
        highs = [each.monthly_usd.high for each in answer.of_scope(scope) if each.monthly_usd is not None]
        assert highs == sorted(highs, key=lambda usd: round(usd, 9))
        assert all(each.monthly_usd is None for each in answer.of_scope(scope)[len(highs) :])
    assert answer.recommended == answer.of_scope("cluster")[0]
