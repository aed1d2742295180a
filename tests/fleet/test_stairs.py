"""The staircase of a fleet: sums of its workloads' steps, from the cost before to the cost at best."""

import csv
import io
import json
import math
from dataclasses import replace

import pytest

import advisor
from advisor.answer import answer
from advisor.fleet import FleetOptions, Range, ServiceRecord, Status, WorkloadRecord, WorkloadSteps, advise_fleet, fleet_of
from advisor.fleet.advised import record_of
from advisor.fleet.folder import fleet_files
from advisor.fleet.page import render_page
from advisor.fleet.tables import STEP_COLUMNS, fleet_markdown, render_fleet, steps_csv
from advisor.recommend.steps import StepKind
from tests.fleet.fleets import write_workload

KINDS = ["sizes", "architecture", "launch_type", "spot"]


def record(name, *, start=100.0, saves=(10.0, 20.0, -5.0, 15.0), against="fargate", status=Status.ADVISED, has_steps=True):
    end = start - sum(saves)
    service = ServiceRecord(
        name="web", launch_type="FARGATE", purchase_option="on_demand", architecture="ARM64", cpu=256, memory=512,
        instance_types=(), now_usd=start if against == "now" else None, fargate_usd=start, best_usd=end, effort=2,
    )  # fmt: skip
    steps = WorkloadSteps(start_usd=start, saves_usd=dict(zip(KINDS, saves, strict=True)), end_usd=end)
    return WorkloadRecord(
        name=name,
        status=status,
        best=Range(mean=end, low=end, high=end),
        now_usd=start if against == "now" else None,
        fargate_usd=start,
        saving=Range(mean=start - end, low=start - end, high=start - end) if against else None,
        saving_against=against,
        steps=steps if has_steps else None,
        steps_missing="" if has_steps else "they lead elsewhere",
        services=(service,),
        probability=0.9,
    )


def test_steps_are_summed_by_hand():
    fleet = fleet_of([record("a"), record("b", start=50.0, saves=(1.0, 2.0, 3.0, 0.0))], version="1")
    (stairs,) = fleet.steps
    assert (stairs.against, stairs.n_workloads, stairs.start_usd, stairs.end_usd) == ("fargate", 2, 150.0, 104.0)
    assert [step.kind for step in stairs.steps] == KINDS == list(StepKind)[:-1]
    assert [step.saves_usd for step in stairs.steps] == [11.0, 22.0, -2.0, 15.0]
    assert [step.monthly_usd for step in stairs.steps] == [139.0, 117.0, 119.0, 104.0]
    assert (stairs.start_usd, stairs.end_usd) == (fleet.totals.fargate_usd, fleet.totals.best_of_fargate_usd)


def test_now_and_fargate_are_staircases_of_their_own():
    fleet = fleet_of([record("a", against="now"), record("b", start=50.0), record("c", against="now")], version="1")
    for text in (render_fleet(fleet), fleet_markdown(fleet), render_page(fleet)):
        joined = " ".join(text.split())
        assert "2 workloads whose cost today is known" in joined
        assert "1 workload whose cost today is not known" in joined
    now, fargate = fleet.steps
    assert (now.against, now.n_workloads, now.start_usd, now.end_usd) == ("now", 2, 200.0, 120.0)
    assert (fargate.against, fargate.n_workloads, fargate.start_usd, fargate.end_usd) == ("fargate", 1, 50.0, 10.0)


def test_who_is_in_a_total_and_in_no_step_is_named_with_the_reason():
    fleet = fleet_of(
        [
            record("a"),
            record("screened", status=Status.SCREENED, has_steps=False),
            record("apart", has_steps=False),
            record("unpriced", against="", has_steps=False),
        ],
        version="1",
    )
    assert fleet.steps[0].n_workloads == 1
    whys = {each.workload: each.why for each in fleet.without_steps}
    assert set(whys) == {"screened", "apart", "unpriced"}
    assert whys["screened"] == "only screened"
    for text in (render_fleet(fleet), fleet_markdown(fleet), render_page(fleet)):
        joined = " ".join(text.split()).replace("\\", "")
        assert all(f"{name} ({why})" in joined for name, why in whys.items())
    assert {each["workload"] for each in json.loads(fleet.to_json())["without_saving_steps"]} == set(whys)


def test_a_member_without_an_answer_is_in_no_step_and_stays_named():
    fleet = fleet_of([record("a"), record("short", status=Status.NOT_ENOUGH_DATA)], version="1")
    assert fleet.steps[0].n_workloads == 1
    assert [each.name for each in fleet.unanswered] == ["short"]
    assert fleet.without_steps == ()
    assert fleet_of([record("short", status=Status.NOT_ENOUGH_DATA)], version="1").steps == ()


def test_every_form_of_the_answer_shows_the_steps():
    fleet = fleet_of([record("a"), record("b", start=50.0, saves=(1.0, 2.0, 3.0, 0.0))], version="1")
    sentence = (
        "steps of 2 workloads, from $150 (all on Fargate on demand as declared) to $104: sizes and counts $11, "
        "instance types and architecture $22, "
        "launch type costs $2.00 more, Spot $15; change nothing but the sizes: $139"
    )
    for text in (render_fleet(fleet), fleet_markdown(fleet), render_page(fleet)):
        assert sentence in " ".join(text.split()).replace("\\", "")
    assert "From all on Fargate on demand as declared" in render_page(fleet)
    rows = list(csv.DictReader(io.StringIO(steps_csv(fleet))))
    assert tuple(rows[0]) == STEP_COLUMNS
    assert [(row["step"], row["saves_usd"], row["monthly_usd"]) for row in rows] == [
        ("start", "", "150.0"), ("sizes", "11.0", "139.0"), ("architecture", "22.0", "117.0"),
        ("launch_type", "-2.0", "119.0"), ("spot", "15.0", "104.0"),
    ]  # fmt: skip
    assert fleet_files(fleet)["saving_steps.csv"] == steps_csv(fleet).encode()
    (told,) = json.loads(fleet.to_json())["saving_steps"]
    assert [step["saves_usd"] for step in told["steps"]] == [11.0, 22.0, -2.0, 15.0]


def test_real_workloads_add_up_from_their_baselines_to_their_best(tmp_path):
    write_workload(tmp_path / "a", level=5, present=True)
    write_workload(tmp_path / "b", level=8)
    alone = [
        advisor.advise(
            advisor.read_workload(tmp_path / name / "workload.yaml"), advisor.read_catalog("us-east-1"), replay_weeks=0
        )
        for name in ("a", "b")
    ]
    fleet = advise_fleet([tmp_path], options=FleetOptions(replay_weeks=0))
    totals = fleet.totals
    assert fleet.without_steps == ()
    now, fargate = fleet.steps
    for stairs, before, best in (
        (now, totals.now_usd, totals.best_of_now_usd),
        (fargate, totals.fargate_usd, totals.best_of_fargate_usd),
    ):
        assert stairs.start_usd == pytest.approx(before, rel=1e-12)
        assert stairs.end_usd == pytest.approx(best, rel=1e-12)
        assert stairs.start_usd - math.fsum(step.saves_usd for step in stairs.steps) == pytest.approx(best, rel=1e-12)
        assert stairs.steps[-1].monthly_usd == pytest.approx(best, rel=1e-12)
    for stairs, found in zip(fleet.steps, alone, strict=True):
        assert [s.saves_usd for s in stairs.steps] == pytest.approx([s.saves_usd for s in found.saving_steps.steps], abs=1e-9)
    assert all(WorkloadRecord.from_json(each.to_json()).steps == each.steps for each in fleet.records)


@pytest.mark.parametrize("moved", ["start_usd", "end_usd"])
def test_steps_that_lead_elsewhere_than_the_totals_are_left_out_and_named(tmp_path, moved):
    given = answer(advisor.read_workload(write_workload(tmp_path / "a", level=5)), advisor.read_catalog("us-east-1"))
    found = given.recommendation()
    stairs = found.saving_steps
    apart = replace(found, saving_steps=replace(stairs, **{moved: getattr(stairs, moved) + 1}))
    fleet = fleet_of([record_of("a", given, apart)], version="1")
    assert fleet.steps == ()
    assert [each.workload for each in fleet.without_steps] == ["a"]
    assert "in no step: a" in " ".join(render_fleet(fleet).split())
