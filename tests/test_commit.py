"""What to commit to: sizes by hand and against a grid, futures, coverage, amounts, missing rates, and the command."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from typer.testing import CliRunner

from advisor import commit, plot_commitment, read_catalog, read_workload
from advisor.answer import answer
from advisor.cli.application import app
from advisor.committing.outcome import _future_usd
from advisor.ecs import LaunchType
from advisor.errors import InputError
from advisor.meters import CommitmentKind, PaymentOption
from advisor.optimize.committable import committable
from advisor.plan import Commitment
from advisor.report import commitments as told
from advisor.workload import Growth, PresentCluster
from tests.as_advisor import as_catalog, as_workload
from tests.test_held_commitments import TERMS, XLARGE, compute_plan, listed, reserved
from tests.test_present import LARGE, PRICES, web

approx = pytest.approx
N_HOURS = 6 * 168
DAILY = [40.0 + 30.0 * np.sin(2 * np.pi * hour / 24) + (hour * 7919 % 23) for hour in range(N_HOURS)]
NO_UPFRONT = {"payments": [PaymentOption.NO_UPFRONT], "terms": [1], "replay_weeks": 0}
FILE = """
cluster: shop
region: {region}
services:
  - name: web
    task: {{cpu: 512, memory: 1024}}
    load: {{tasks: 4}}
    present: {{launch_type: FARGATE, desired_count: 4}}
constraints: {{launch_types: [FARGATE]}}
"""


def load_of(*services, **more):
    load = as_workload({"start_s": 0, "step_s": 3600, "services": list(services)})
    constraints = replace(load.constraints, launch_types=more.pop("launch_types", tuple(LaunchType)))
    return replace(load, constraints=constraints, **more)


def advice(*services, types=(LARGE, XLARGE), rates=None, asked=NO_UPFRONT, **more):
    return commit(load_of(*services, **more), as_catalog(types, PRICES, rates or listed(types)), **asked)


def option(found, kind, load="recommended", years=1):
    return found.option(f"{load}:{kind}:{years}y:no_upfront")


ON_FARGATE = {"launch_types": (LaunchType.FARGATE,)}
ON_EC2 = {"launch_types": (LaunchType.EC2,)}


@pytest.fixture
def workload_file(tmp_path):
    path = tmp_path / "workload.yaml"
    path.write_text(FILE.format(region="us-east-1"))
    return path


def test_a_constant_load_on_fargate_is_covered_whole(workload_file):
    """4 x 0.5 vCPU and 4 x 1 GiB: 2 x 0.032384 + 4 x 0.003556 = $0.078992 an hour, on demand 2 x 0.04048 + 4 x 0.004445."""
    found = commit(read_workload(workload_file), read_catalog("us-east-1"), **NO_UPFRONT)
    best = option(found, "compute_savings_plan")
    assert found.headline == best.id
    assert best.usd_per_hour == approx(0.078992, abs=1e-5)
    assert best.saving_usd == best.saving_mean_usd == approx(730 * (0.09874 - 0.078992), abs=0.01)
    assert (best.coverage_fraction, best.utilization_p10) == (approx(1), approx(1, abs=2e-4))
    assert best.effective_savings_rate == approx(0.2, abs=1e-4)
    assert (best.upfront_usd, best.chance_of_loss, best.worst_loss_usd) == (0, 0, 0)
    assert best.at_risk_usd == approx(0.078992 * 8760, abs=0.1)
    assert best.gap_fraction == approx(0, abs=1e-9)
    assert option(found, "compute_savings_plan", "present").usd_per_hour == best.usd_per_hour


@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_no_size_of_a_grid_costs_less_over_the_futures(spread):
    load = load_of(web(demand=DAILY), growth=Growth(fraction=0.1, spread_fraction=spread), **ON_FARGATE)
    catalog = as_catalog((LARGE,), PRICES, listed((LARGE,)))
    best = option(commit(load, catalog, **NO_UPFRONT), "compute_savings_plan")
    given = answer(load, catalog)
    case = committable(load, given.search, given.found.for_cluster[0].parts, given.found.common_hours)
    plan = compute_plan(1.0)
    usd = _future_usd(case, [plan], best.usd_per_hour)
    assert usd <= min(_future_usd(case, [plan], float(size)) for size in np.linspace(0, 0.6, 61)) + 1e-2
    assert best.gap_fraction < 1e-4


def test_a_wider_spread_of_growth_lowers_what_is_surely_used_and_the_saving():
    growths = (Growth(), Growth(spread_fraction=0.4))
    narrow, wide = (option(advice(web(demand=DAILY), growth=g, **ON_FARGATE), "compute_savings_plan") for g in growths)
    assert wide.utilization_p10 < narrow.utilization_p10
    assert wide.saving_p10_usd < narrow.saving_p10_usd
    assert wide.worst_loss_usd >= narrow.worst_loss_usd
    for each in (narrow, wide):
        assert each.saving_p10_usd <= each.saving_p50_usd <= each.saving_p90_usd
        assert each.monthly_p10_usd <= each.monthly_p50_usd <= each.monthly_p90_usd
        assert 0 <= each.chance_of_loss <= 1


def test_growth_scales_the_size():
    now, double = (
        option(advice(web(demand=DAILY), growth=Growth(fraction=f), **ON_FARGATE), "compute_savings_plan").usd_per_hour
        for f in (0.0, 1.0)
    )
    assert double == approx(2 * now, rel=0.02)


def test_instances_get_plans_of_their_family_or_whole_reserved_instances():
    found = advice(web(demand=DAILY), **ON_EC2)
    plan, instances = option(found, "ec2_instance_savings_plan"), option(found, "reserved_instance")
    assert [each.family for each in plan.purchases] == ["m5"]
    (bought,) = instances.purchases
    assert isinstance(bought.count, int)
    assert bought.usd_per_hour == approx(bought.count * {"m5.large": 0.06, "m5.xlarge": 0.12}[bought.instance_type])
    assert plan.saving_mean_usd >= instances.saving_mean_usd - 0.01  # the same rates, and any size
    compute = option(found, "compute_savings_plan")
    assert compute.saving_mean_usd < plan.saving_mean_usd  # 30 % against 40 %


def test_steps_of_the_ladder_and_the_value_of_the_last_dollar_fall():
    found = advice(web(demand=DAILY), **ON_FARGATE)
    best = found.option(found.headline)
    worth = [step.last_dollar_usd for step in found.ladder]
    assert worth == sorted(worth, reverse=True)
    assert [step.usd_per_hour for step in found.ladder] == approx([best.usd_per_hour * s for s in (0.25, 0.5, 0.75, 1)])
    assert worth[0] == approx(1 / 0.75)  # 25 % off: a dollar saves 1.33
    assert worth[-1] >= 1
    curve = [point.last_dollar_usd for point in found.marginal]
    assert all(later <= earlier + 1e-6 for earlier, later in pairwise(curve))
    at = [point.usd_per_hour for point in found.marginal]
    assert curve[at.index(min(at, key=lambda usd: abs(usd - best.usd_per_hour)))] >= 1 - 1e-6
    assert curve[-1] < 1


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_a_target_coverage_is_met_over_the_futures(coverage):
    found = option(advice(web(demand=DAILY), asked={**NO_UPFRONT, "coverage": coverage}, **ON_FARGATE), "compute_savings_plan")
    assert found.coverage_fraction == approx(coverage, abs=0.03)  # of the history; the target is a mean over the futures
    assert found.gap_fraction is None


@pytest.mark.parametrize(("coverage", "usd_per_hour"), [(0.625, 0.027), (0.75, 0.054)])
def test_what_held_plans_cover_counts_towards_the_target_coverage(coverage, usd_per_hour):
    """6 tasks of $0.048 an hour, half of it held at 25 % off: 75 % leaves a quarter to buy, $0.072 less 25 %."""
    steady = {**web(demand=[6.0] * N_HOURS), "form": "tasks"}
    held = (compute_plan(6 * 0.048 * 0.75 / 2),)
    found = advice(steady, asked={**NO_UPFRONT, "coverage": coverage}, commitments=held, **ON_FARGATE)
    assert option(found, "compute_savings_plan").usd_per_hour == approx(usd_per_hour, rel=0.01)  # the target is of the futures


def test_a_fixed_amount_is_kept():
    found = option(advice(web(demand=DAILY), asked={**NO_UPFRONT, "usd_per_hour": 0.05}, **ON_FARGATE), "compute_savings_plan")
    assert found.usd_per_hour == approx(0.05)
    assert found.utilization_fraction == approx(1)
    assert found.saving_usd == approx(0.05 * 730 * (1 / 0.75 - 1))


def test_the_load_of_today_is_sized_for_itself():
    """Six m5.large run today: four tasks would fill two."""
    found = advice(web(), present=PresentCluster(instances={"m5.large": 6}), **ON_EC2)
    today = option(found, "reserved_instance", "present")
    assert [(each.instance_type, each.count) for each in today.purchases] == [("m5.large", 6)]
    assert today.saving_usd == approx(730 * 6 * 0.04)
    after = option(found, "reserved_instance").usd_per_hour
    assert after < today.usd_per_hour


def test_the_load_of_today_is_left_out_where_something_of_it_is_not_known_and_kept_with_gaps():
    six = PresentCluster(instances={"m5.large": 6})
    found = advice(web(), present=PresentCluster(instances={}), **ON_EC2)
    assert "today's load is left out: not known: present.instances" in found.notes
    gaps = [np.nan] * 24 + [40.0] * 312
    assert [each.load for each in advice(web(demand=gaps), present=six, **ON_EC2).loads][-1] == "present"


def test_what_is_held_is_not_bought_again():
    free = option(advice(web(), **ON_FARGATE), "compute_savings_plan")
    held = advice(web(), commitments=(compute_plan(free.usd_per_hour),), **ON_FARGATE)
    assert held.headline is None
    assert option(held, "compute_savings_plan").purchases == ()
    half = advice(web(), commitments=(compute_plan(0.072),), **ON_FARGATE)
    assert option(half, "compute_savings_plan").usd_per_hour == approx(free.usd_per_hour - 0.072, abs=2e-5)


def test_where_a_rate_is_missing_the_option_names_it_and_is_compared_with_nothing(tmp_path):
    path = tmp_path / "workload.yaml"
    path.write_text(FILE.format(region="eu-west-1"))
    found = commit(read_workload(path), read_catalog("eu-west-1"), replay_weeks=0)
    assert found.headline is None
    assert found.ladder == found.marginal == ()
    assert all(each.missing and each.saving_usd is None for each in found.options)
    assert any("no rate for compute_savings_plan:" in note and "not compared" in note for note in found.notes)
    headline = told.commitment_headline(found)
    assert headline.startswith("No commitment is sized: every option lacks a rate, such as compute_savings_plan:")
    assert headline in told.commitments_table(found)


def test_a_load_that_a_held_plan_lacks_a_rate_for_is_left_out_and_the_meter_is_named():
    """A Compute Savings Plan is held, six m5.large run today, and no rate of the plan for them is known."""
    six, held = PresentCluster(instances={"m5.large": 6}), (compute_plan(0.05),)
    found = advice(
        web(), types=(LARGE,), rates=listed((LARGE,), compute_saving=None), present=six, commitments=held, **ON_FARGATE
    )
    assert [each.load for each in found.loads] == ["recommended"]
    lacking = "compute_savings_plan:1y:no_upfront:ec2:linux:on_demand:m5.large"
    assert any("what runs today is left out" in note and lacking in note for note in found.notes)
    assert "nan" not in told.commitments_table(found) + told.commitments_json(found)


def test_plans_of_both_kinds_are_the_one_that_has_rates():
    rates = listed((LARGE,), compute_saving=None)
    found = advice(web(demand=DAILY), types=(LARGE,), rates=rates, **ON_EC2)
    assert option(found, "compute_savings_plan").missing == ("compute_savings_plan:1y:no_upfront:ec2:linux:on_demand:m5.large",)
    assert not any(each.kind == "both_savings_plans" for each in found.options)
    assert option(found, "ec2_instance_savings_plan").saving_mean_usd > 0


def test_upfront_payment_is_due_when_it_is_bought(workload_file):
    rates = {"terms": [3], "payments": [PaymentOption.ALL_UPFRONT], "replay_weeks": 0}
    load = load_of(web(), present=PresentCluster(instances={"m5.large": 6}), **ON_EC2)
    found = commit(load, as_catalog((LARGE,), PRICES, listed((LARGE,))), **rates)
    assert all(each.missing for each in found.options)  # the catalog here has one-year rates without upfront payment
    catalog = read_catalog("us-east-1")
    load = replace(read_workload(workload_file), present=PresentCluster(instances={"m6i.large": 3}))
    found = commit(load, catalog, **rates)
    instances = found.option("present:reserved_instance:3y:all_upfront")
    assert instances.upfront_usd == instances.at_risk_usd == approx(instances.usd_per_hour * 8760 * 3)


def test_under_two_weeks_of_load_there_are_no_futures():
    found = advice(web(demand=DAILY[:200]), **ON_FARGATE)
    each = option(found, "compute_savings_plan")
    assert each.saving_usd is not None
    assert each.saving_mean_usd is each.utilization_p10 is None
    assert any("under two weeks" in note for note in found.notes)


def test_a_steady_service_keeps_its_size_whatever_another_one_does():
    """A stated constant beside a load that moves: its instances are reserved whole."""
    found = commit(read_workload("examples/shop/workload.yaml"), read_catalog("us-east-1"), **NO_UPFRONT)
    instances = option(found, "reserved_instance")
    assert [(each.instance_type, each.count) for each in instances.purchases] == [("c6a.2xlarge", 2)]
    assert instances.utilization_p10 == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"terms": [2]}, "terms of 2 years"),
        ({"coverage": 1.5}, "a coverage of 1.5"),
        ({"usd_per_hour": -1}, "a commitment of -1"),
        ({"coverage": 0.5, "usd_per_hour": 1}, "both given"),
    ],
)
def test_what_cannot_be_asked_is_refused(asked, said):
    with pytest.raises(InputError, match=said):
        advice(web(), asked=asked)


def test_what_is_said_of_the_workload_itself_is_not_said_again():
    assert "of the file" not in advice(web(), notes=("of the file",), **ON_FARGATE).notes


def test_one_of_the_stated_terms_has_to_be_asked_for():
    load = load_of(web(), **ON_FARGATE)
    load = replace(load, constraints=replace(load.constraints, terms=("1y:no_upfront", "3y:all_upfront")))
    catalog = as_catalog((LARGE,), PRICES, listed((LARGE,)))
    assert {each.term_years for each in commit(load, catalog, **NO_UPFRONT).options} == {1}
    with pytest.raises(InputError, match="the terms 1y:no_upfront, 3y:all_upfront are stated, and others are asked for"):
        commit(load, catalog, **{**NO_UPFRONT, "terms": [3]})


def test_the_same_input_gives_the_same_bytes():
    one, other = (told.commitments_json(advice(web(demand=DAILY))) for _ in range(2))
    assert one == other


def test_the_choice_is_asked_again_with_commitments_on_both_sides():
    """4 tasks of 1 vCPU on Fargate cost $0.192 an hour, on two m5.large $0.2 and their volumes: commitments turn that."""
    steady = web(demand=[40.0] * 168 * 20)
    found = advice(steady, types=(LARGE,))
    (choice,) = found.choices
    assert found.loads[0].title.startswith("Fargate")
    assert choice.recommended_usd == approx(730 * 0.192 * 0.75, rel=0.05)  # a plan saves 25 %, where it is used
    assert choice.runner_up_usd == approx(730 * 0.12 + 4.8, rel=0.08)  # and 40 %; up to 5 % for packing
    assert choice.is_reversed
    assert any("choose and commit together" in sentence for sentence in told.choice_sentences(found))
    stays = advice(steady, types=(LARGE,), rates=listed((LARGE,), fargate_saving=0.5)).choices
    assert [each.is_reversed for each in stays] == [False]


def test_sides_are_not_compared_where_one_has_no_rates():
    found = advice(web(), types=(LARGE,), rates=listed((LARGE,), fargate_saving=None))
    (choice,) = found.choices
    assert choice.recommended_usd is choice.runner_up_usd is choice.is_reversed is None
    assert all(meter.startswith("compute_savings_plan:1y:no_upfront:fargate:") for meter in choice.missing)
    assert any("Not compared with commitments" in sentence for sentence in told.choice_sentences(found))
    assert "Not compared" in told.commitments_table(found)
    assert choice.runner_up_known_usd < choice.recommended_known_usd
    headline = told.commitment_headline(found)
    assert "EC2 m5.large with " in headline
    assert (
        f"costs ${choice.runner_up_known_usd:,.0f} a month against ${choice.recommended_known_usd:,.0f} for Fargate" in headline
    )


# The command


def run(*arguments):
    result = CliRunner().invoke(app, ["commit", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result


def test_the_command_prints_what_the_library_gives(workload_file, assert_golden, tmp_path):
    out = tmp_path / "out"
    result = run(workload_file, "--term", 1, "--payment", "no_upfront", "--replay-weeks", 0, "--out", out)
    assert_golden("commit/table.txt", result.stdout)
    found = commit(read_workload(workload_file), read_catalog("us-east-1"), **NO_UPFRONT)
    assert json.loads((out / "commitments.json").read_text()) == json.loads(json.dumps(found.to_dict()))
    assert_golden("commit/commitments.md", (out / "commitments.md").read_text())
    rows = (out / "commitments.csv").read_text().splitlines()
    assert len(rows) == 1 + len(found.options)
    assert (out / "charts" / "commitment.png").read_bytes() == plot_commitment(found).png()
    assert "saves $14 a month" in plot_commitment(found).finding


@pytest.mark.parametrize("form", ["json", "csv", "markdown"])
def test_every_form_goes_to_stdout_alone(workload_file, form):
    result = run(workload_file, "--format", form, "--replay-weeks", 0, "--term", 1, "-q")
    assert result.stderr == ""
    if form == "json":
        assert json.loads(result.stdout)["schema"] == "advisor/commitments/1"


def test_an_unknown_payment_is_a_mistake_of_usage(workload_file):
    result = CliRunner().invoke(app, ["commit", str(workload_file), "--payment", "monthly"])
    assert result.exit_code == 2


def test_words_for_what_is_bought():
    found = advice(web(demand=DAILY), commitments=(reserved("m5.large", 1),), **ON_EC2)
    text = told.commitments_markdown(found)
    assert "with what is held" in text
    assert "EC2 SP m5" in text
    assert Commitment(kind=CommitmentKind.COMPUTE_SAVINGS_PLAN, usd_per_hour=1.0, **TERMS) == compute_plan(1.0)
