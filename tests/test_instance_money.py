"""Where the money for instances goes: layers by hand, and that they add up to the bill whatever the load."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import assume, given, settings

import advisor
from advisor.ecs import Architecture, LaunchType, PurchaseOption, TaskSize
from advisor.errors import AdvisorError
from advisor.optimize.alternatives import alternatives
from advisor.optimize.instance_money import Layer, instance_money
from advisor.optimize.loads import service_loads
from advisor.optimize.pricing import price_parts
from advisor.optimize.providers import instance_provider
from advisor.optimize.replayed import replayed_parts
from advisor.optimize.search import part_on_provider, search_for
from advisor.recommend import Recommendation
from advisor.report.explain import explain_data, explain_markdown, explain_text
from advisor.workload import Constraints, LoadForm, Scaling, Service, Workload
from tests import strategies
from tests.as_advisor import as_catalog, as_workload
from tests.report.results import changed, small

a_few = settings(max_examples=max(10, settings().max_examples // 4))
TASK = TaskSize(cpu_units=512, memory_mib=1024)
M5_LARGE_USD = 0.096 + 30 * 0.08 / 730
"""An hour of one with its volume, us-east-1."""


def on_m5_large(cpu_units, *, weeks=0, memory_mib=None, task=TASK, minimum=1, zones=2):
    """The layers of one service on m5.large; CPU in use by the hour, held the whole week."""
    demand = np.resize(np.array(cpu_units, dtype=float), (1, 168))
    service = Service(
        name="web",
        task=task,
        load_form=LoadForm.USAGE,
        scaling=Scaling(min_tasks=minimum, target_cpu_fraction=0.5),
        is_stated=False,
    )
    workload = Workload(
        cluster="c",
        region="us-east-1",
        services=(service,),
        start=datetime(2024, 1, 1, tzinfo=UTC),
        step_s=3600,
        demand=demand,
        memory_mib=None if memory_mib is None else np.full((1, 168), float(memory_mib)),
        constraints=Constraints(instance_types=("m5.large",), zones=zones),
    )
    search = search_for(workload, advisor.read_catalog("us-east-1"))
    (load,) = service_loads(workload, search.axis)
    provider = instance_provider(
        "web", LaunchType.EC2, PurchaseOption.ON_DEMAND, search.candidates.types, Architecture.X86_64, 0.0,
        constraints=workload.constraints,
    )  # fmt: skip
    part = part_on_provider(search, [load.run], provider)
    if weeks:
        (part,) = replayed_parts([part], workload, search, weeks=weeks)
    (found,) = instance_money([part], workload, search, load.hours)
    return found, price_parts([part], load.hours, search.catalog, search.region).monthly_usd.mean


def in_instances(found):
    """Layers in instances on average over the month."""
    return {layer: usd / 730 / M5_LARGE_USD for layer, usd in found.usd.items()}


def test_a_constant_load_by_hand():
    """2,600 CPU units in use at a target of 50 % are 10.16 tasks of 512 units: 11 run, and four fit on an m5.large: three.

    Work is 2,600 of an instance's 2,048 units, headroom as much; 432 round up to a task; a quarter of an instance is free.
    """
    found, bill = on_m5_large([2600])
    assert (found.dimension, found.monthly_usd, found.unknown_use) == ("CPU", pytest.approx(bill), ())
    assert in_instances(found) == pytest.approx(
        {Layer.WORK: 2600 / 2048, Layer.HEADROOM: 2600 / 2048, Layer.WHOLE_TASKS: 432 / 2048, Layer.PACKING: 0.25}
    )


def test_least_tasks_and_an_instance_in_each_zone_by_hand():
    """100 units are 0.39 tasks; two must run (a half of an instance), which fill one instance; two zones need a second one."""
    found, _ = on_m5_large([100], minimum=2)
    assert in_instances(found) == pytest.approx(
        {
            Layer.WORK: 100 / 2048,
            Layer.HEADROOM: 100 / 2048,
            Layer.WHOLE_TASKS: (512 - 200) / 2048,
            Layer.MINIMUM_TASKS: 512 / 2048,
            Layer.PACKING: 0.5,
            Layer.MINIMUM_INSTANCES: 1.0,
        }
    )


def test_what_runs_on_after_a_peak_by_hand():
    """Every other hour 4,096 units: 16 tasks on four instances; then 1,024: 4 tasks on one, but in one zone only.

    The 12 tasks run on for a quarter of the quiet hour, and three instances with them, and for another quarter without them.
    """
    found, bill = on_m5_large([4096, 1024], zones=1)
    layers = in_instances(found)
    assert layers[Layer.TASK_SCALE_IN] == pytest.approx(0.5 * 0.25 * 3, rel=0.01)  # the first hour has none before it
    assert layers[Layer.INSTANCE_SCALE_IN] == pytest.approx(0.5 * 0.25 * 3, rel=0.01)
    assert sum(found.usd.values()) == pytest.approx(bill)
    assert Layer.PACKING not in found.usd


def test_memory_that_tasks_do_not_use_is_told_apart_where_memory_binds():
    """Two tasks of 3,800 MiB fill an m5.large, half of it in use; 512 units at a target of 50 % of 256 are four tasks."""
    found, _ = on_m5_large([512], memory_mib=1900, task=TaskSize(cpu_units=256, memory_mib=3800))
    assert found.dimension == "memory"
    assert found.usd[Layer.WORK] == pytest.approx(found.usd[Layer.TASK_MEMORY])
    assert found.usd[Layer.HEADROOM] == pytest.approx(2 * found.usd[Layer.WORK])


def test_what_a_replay_bills_more_is_a_layer_of_its_own():
    without, bill = on_m5_large([4096, 1024])
    replayed, more = on_m5_large([4096, 1024], weeks=1)
    assert sum(replayed.usd.values()) == pytest.approx(more)
    assert replayed.usd[Layer.PLACEMENT] == pytest.approx(more - bill)
    assert replayed.usd[Layer.WORK] == pytest.approx(without.usd[Layer.WORK])


@a_few
@given(
    load=strategies.workloads(max_steps=30, max_services=3, max_tasks=15),
    types=strategies.instance_catalogs(max_size=3),
    prices=strategies.price_lists(),
)
def test_the_layers_of_any_plan_add_up_to_its_bill_and_none_is_negative(load, types, prices):
    workload, catalog = as_workload(load), as_catalog(types, prices)
    search = search_for(workload, catalog)
    try:
        found = alternatives(workload, search)
    except AdvisorError:
        assume(False)
    for choice in found.for_cluster:
        if choice.is_comparison:
            continue
        for part in choice.parts:
            for each in instance_money([part], workload, search, found.common_hours):
                bill = price_parts([part], found.common_hours, catalog, search.region).monthly_usd
                assert sum(each.usd.values()) == pytest.approx(bill.mean)
                assert each.monthly_usd == pytest.approx(bill.mean)
                assert min(each.usd.values(), default=0.0) >= -1e-9


FOUR = """
cluster: four
region: us-east-1
services:
  - {name: api, task: {cpu: 256, memory: 900}, load: {tasks: 17}}
  - {name: jobs, task: {cpu: 700, memory: 300}, load: {tasks: 9}}
constraints: {launch_types: [EC2, FARGATE]}
"""


def test_explain_tells_where_the_money_for_instances_goes():
    recommendation = small(FOUR)
    (told,) = recommendation.instance_money
    (data,) = explain_data(recommendation)["instance_money"]
    items = [item.amount_usd for item in recommendation.recommended.bill.line_items if item.part == told.part]
    assert sum(data["usd"].values()) == pytest.approx(sum(items)) == pytest.approx(data["monthly_usd"])
    for text in (explain_text(recommendation), explain_markdown(recommendation), explain_text(recommendation, "api")):
        assert "Where the money for instances goes" in text
        assert "CPU in use is not known of api, jobs" in text


def test_a_result_of_before_has_no_such_split_and_still_reads():
    old = changed(small(FOUR), lambda data: data.pop("instance_money"))
    assert old.instance_money == ()
    assert "Where the money for instances goes" not in explain_text(old)
    assert Recommendation.from_dict(small(FOUR).to_dict()).instance_money == small(FOUR).instance_money
