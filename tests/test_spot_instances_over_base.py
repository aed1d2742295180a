"""EC2 Spot over an On-Demand base: what the instances that always run cost on demand, what is at risk, and the files."""

import json

import pytest

import advisor
from advisor import emit
from advisor.ecs import LaunchType, PurchaseOption
from advisor.errors import PlanError
from tests.emit.plans import instances

CATALOG = advisor.read_catalog("us-east-1")
SPOT = "cluster:ec2:x86_64:spot"
OVER_BASE = f"{SPOT}:over_on_demand_base"


def answered(folder, *, weeks=0, most=6144, more="zones: 2", beside=""):
    """A service that may be interrupted: 4 tasks at night and 10 by day, of a vCPU and 2 GiB each at a target of 60 %."""
    rows = [
        f"2026-09-{day:02}T{hour:02}:00:00Z,{most if 8 <= hour < 20 else 2457.6}" for day in range(1, 29) for hour in range(24)
    ]
    (folder / "web.csv").write_text("time,cpu_units\n" + "\n".join(rows) + "\n")
    (folder / "workload.yaml").write_text(
        "cluster: shop\nregion: us-east-1\nservices:\n  - name: web\n    task: {cpu: 1024, memory: 2048}\n"
        "    load: {file: web.csv}\n    scaling: {min: 2, target_cpu: 60}\n    interruptible: true\n"
        f"{beside}"
        'constraints: {launch_types: [EC2], instance_types: ["m?i.large", "m?a.large", "c?i.large", "c?a.large", "r?i.large"], '
        f"{more}}}\n"
    )
    return advisor.advise(advisor.read_workload(folder / "workload.yaml"), CATALOG, replay_weeks=weeks)


@pytest.fixture(scope="module", params=[0, 1])
def answer(request, tmp_path_factory):
    return answered(tmp_path_factory.mktemp("base"), weeks=request.param)


def alternative(answer, choice_id):
    return next(each for each in answer.alternatives if each.id == choice_id)


def hours(alternative, option):
    kind = {PurchaseOption.ON_DEMAND: "ec2:linux:on_demand:", PurchaseOption.SPOT: "ec2:linux:spot_pool:"}[option]
    return {item.meter.removeprefix(kind): item.quantity for item in alternative.bill.line_items if item.meter.startswith(kind)}


def test_the_instances_that_always_run_are_on_demand_of_the_cheapest_type(answer):
    """By hand: a large type holds two tasks of a vCPU; four run at night, so two of two to five instances are the base."""
    spot, over = alternative(answer, SPOT), alternative(answer, OVER_BASE)
    (provider,) = over.plan.capacity_providers.values()
    assert provider.on_demand_base == 2
    pool = provider.instance_types
    usd = {name: CATALOG.rate(advisor.meters.instance_hour(name, PurchaseOption.ON_DEMAND), "us-east-1").usd for name in pool}
    assert usd[pool[0]] == min(usd.values())
    assert hours(over, PurchaseOption.ON_DEMAND) == {pool[0]: pytest.approx(2 * 730, rel=0.01)}  # a replay multiplies all hours
    on_spot = sum(hours(over, PurchaseOption.SPOT).values())
    assert on_spot == pytest.approx(sum(hours(spot, PurchaseOption.SPOT).values()) - 2 * 730, rel=0.01)
    assert spot.monthly_usd.mean < over.monthly_usd.mean


def test_it_is_there_to_compare_and_survives_the_file(answer):
    over = alternative(answer, OVER_BASE)
    assert over.is_comparison
    assert over.title.endswith("Spot over an On-Demand base of 2 instances")
    assert answer.recommended.id != OVER_BASE
    assert advisor.Recommendation.from_dict(answer.to_dict()) == answer


def test_its_risk_is_said_beside_that_of_the_plan_on_spot(answer):
    spot, over = (next(each for each in answer.spot_risks if each.alternative == choice) for choice in (SPOT, OVER_BASE))
    assert (spot.on_demand_base, over.on_demand_base) == (None, 2)
    assert over.chance_in_month.high < spot.chance_in_month.high
    assert over.interruptions_per_month.high < spot.interruptions_per_month.high
    assert over.tasks_left_without_a_pool >= spot.tasks_left_without_a_pool


@pytest.mark.parametrize("to", ["ecs", "cloudformation", "terraform", "terraform_module", "ecspresso"])
def test_every_format_has_the_base(answer, to):
    plan = alternative(answer, OVER_BASE).plan
    assert getattr(emit, f"parse_{to}")(getattr(emit, f"render_{to}")(plan)).capacity_providers == plan.capacity_providers


def test_the_group_starts_its_base_with_the_first_type(answer):
    files = emit.render_ecs(alternative(answer, OVER_BASE).plan)
    (group,) = (json.loads(text) for path, text in files.items() if path.endswith("create-auto-scaling-group.json"))
    assert group["MixedInstancesPolicy"]["InstancesDistribution"] == {
        "OnDemandAllocationStrategy": "prioritized",
        "OnDemandBaseCapacity": 2,
        "OnDemandPercentageAboveBaseCapacity": 0,
        "SpotAllocationStrategy": "price-capacity-optimized",
    }


def test_a_load_that_never_changes_has_no_base_to_compare(tmp_path):
    assert OVER_BASE not in {each.id for each in answered(tmp_path, most=2457.6).alternatives}


def test_only_groups_of_spot_have_a_base():
    for changes in ({}, {"launch_type": LaunchType.MANAGED_INSTANCES, "purchase_option": PurchaseOption.SPOT}):
        with pytest.raises(PlanError, match="only groups of EC2 Spot"):
            instances("a", "m7i.large", on_demand_base=1, **changes)


def test_a_base_is_no_larger_than_its_group():
    with pytest.raises(PlanError, match="an On-Demand base of 2 is above the most instances"):
        instances("a", "m7i.large", purchase_option=PurchaseOption.SPOT, on_demand_base=2, max_instances=1)


@pytest.fixture(scope="module")
def beside_on_demand(tmp_path_factory):
    """Beside it a service of the same load that must run on demand."""
    beside = "  - {name: api, task: {cpu: 1024, memory: 2048}, load: {file: web.csv}, scaling: {min: 2, target_cpu: 60}}\n"
    return answered(tmp_path_factory.mktemp("beside"), weeks=1, beside=beside)


def test_it_is_replayed_with_the_plan_that_it_stands_beside(beside_on_demand):
    """The part on demand is one of both plans; the replay of Spot multiplies the hours of either."""
    spot, over = alternative(beside_on_demand, SPOT), alternative(beside_on_demand, OVER_BASE)
    assert spot.replay is not None
    on_spot, above_base = (sum(hours(each, PurchaseOption.SPOT).values()) for each in (spot, over))
    assert above_base == pytest.approx(on_spot - 2 * 730, rel=0.003)


def test_the_default_placement_has_a_chance_where_it_is_a_choice(beside_on_demand):
    choices = [each for each in beside_on_demand.alternatives if each.scope == "cluster" and not each.is_comparison]
    assert any(each.id.endswith(":default_spread") for each in choices)
    assert sum(each.probability_cheapest for each in choices) == pytest.approx(1)
