"""Fargate Spot over an On-Demand base: how ECS shares tasks out, what that costs, and the files that say so."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

import advisor
from advisor import emit
from advisor.cli import main
from advisor.ecs import Architecture, PurchaseOption
from advisor.meters import fargate_gib_hour, fargate_vcpu_hour
from advisor.plan import StrategyItem
from advisor.simulate.strategy import allocated

SPOT_OVER_BASE = "cluster:fargate:any:spot_over_on_demand_base"
STRATEGY = (
    StrategyItem(capacity_provider="FARGATE_SPOT", weight=1),
    StrategyItem(capacity_provider="FARGATE", weight=0, base=2),
)


def test_the_base_comes_first_and_the_rest_goes_by_weight():
    # Amazon ECS API Reference, CapacityProviderStrategyItem: with weights 1 and 4, four on the second for each on the first.
    tasks = np.array([0.0, 1, 2, 7, 12, np.nan])
    assert_allclose(allocated(tasks, bases=(2, 0), weights=(1, 4)), [[0, 1, 2, 3, 4, np.nan], [0, 0, 0, 4, 8, np.nan]])
    assert_allclose(allocated(tasks, bases=(2, 0), weights=(0, 1)), [[0, 1, 2, 2, 2, np.nan], [0, 0, 0, 5, 10, np.nan]])


@pytest.mark.parametrize(("bases", "weights"), [((1, 1), (1, 1)), ((1, 0), (0, 0))])
def test_strategies_that_ecs_refuses(bases, weights):
    with pytest.raises(ValueError, match="at most one base"):
        allocated(np.ones(3), bases=bases, weights=weights)


def answered(folder, more=""):
    """One service that may be interrupted, of two tasks at night and six by day, and perhaps more."""
    rows = [
        f"2026-09-{day:02}T{hour:02}:00:00Z,{3686.4 if 8 <= hour < 20 else 1000}" for day in range(1, 29) for hour in range(24)
    ]
    (folder / "web.csv").write_text("time,cpu_units\n" + "\n".join(rows) + "\n")
    (folder / "workload.yaml").write_text(
        "cluster: shop\nregion: us-east-1\nservices:\n  - name: web\n    task: {cpu: 1024, memory: 2048}\n"
        "    load: {file: web.csv}\n    scaling: {min: 2, target_cpu: 60}\n    interruptible: true\n"
        f"{more}"
        "constraints: {launch_types: [FARGATE]}\n"
    )
    workload = advisor.read_workload(folder / "workload.yaml")
    return advisor.advise(workload, advisor.read_catalog("us-east-1"), replay_weeks=1)


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    return answered(tmp_path_factory.mktemp("base"))


def alternative(answer, choice_id):
    return next(each for each in answer.alternatives if each.id == choice_id)


def test_it_is_priced_task_by_task_between_spot_and_on_demand(answer):
    over, spot = alternative(answer, SPOT_OVER_BASE), alternative(answer, "cluster:fargate:x86_64:spot")
    on_demand = alternative(answer, "cluster:fargate:x86_64:on_demand")
    of_spot, of_on_demand = ({item.meter: item.quantity for item in each.bill.line_items} for each in (spot, on_demand))
    found = {item.meter: item.quantity for item in over.bill.line_items}
    for meter in (fargate_vcpu_hour, fargate_gib_hour):
        base, rest = (found[meter(Architecture.X86_64, option).id] for option in PurchaseOption)
        each = 1 if meter is fargate_vcpu_hour else 2
        assert base == pytest.approx(2 * 730 * each)  # by hand: two tasks all month
        assert base + rest == pytest.approx(of_on_demand[meter(Architecture.X86_64, PurchaseOption.ON_DEMAND).id], rel=0.02)
    assert spot.monthly_usd.mean < over.monthly_usd.mean < on_demand.monthly_usd.mean
    assert set(of_spot) < set(found)


def test_it_is_there_to_compare_and_survives_the_file(answer):
    over = alternative(answer, SPOT_OVER_BASE)
    assert over.is_comparison
    assert over.title == "Fargate Spot X86_64 over an On-Demand base of 2"
    assert answer.recommended.id != SPOT_OVER_BASE
    assert over.plan.services["web"].strategy == STRATEGY
    assert advisor.Recommendation.from_dict(answer.to_dict()) == answer


def test_a_service_of_which_all_tasks_always_run_is_all_on_demand(tmp_path):
    steady = "  - name: steady\n    task: {cpu: 256, memory: 512}\n    load: {tasks: 9}\n    interruptible: true\n"
    over = alternative(answered(tmp_path, steady), SPOT_OVER_BASE)
    assert over.plan.services["steady"].purchase_option is PurchaseOption.ON_DEMAND
    assert over.plan.services["web"].strategy == STRATEGY


@pytest.mark.parametrize("to", ["ecs", "cloudformation", "terraform", "terraform_module", "copilot", "ecspresso"])
def test_every_format_has_the_base_and_the_weight(answer, to):
    plan = alternative(answer, SPOT_OVER_BASE).plan
    files = getattr(emit, f"render_{to}")(plan)
    (service,) = getattr(emit, f"parse_{to}")(files).services.values()
    assert set(service.strategy) == set(STRATEGY)  # Copilot has no order


def test_the_plan_of_any_alternative_is_emitted_by_its_id(answer, tmp_path, monkeypatch, capsys):
    (tmp_path / "recommendation.json").write_text(answer.to_json())

    def emitted(choice_id):
        monkeypatch.setattr("sys.argv", ["advisor", "emit", str(tmp_path), "--alternative", choice_id, "-o", str(tmp_path)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code

    assert emitted(SPOT_OVER_BASE) == 0
    (service,) = (tmp_path / "deploy").rglob("create-service.json")
    assert json.loads(service.read_text())["capacityProviderStrategy"] == [
        {"capacityProvider": "FARGATE_SPOT", "base": 0, "weight": 1},
        {"capacityProvider": "FARGATE", "base": 2, "weight": 0},
    ]
    assert emitted("cluster:none") == 1
    assert "no plan of an alternative" in capsys.readouterr().err
