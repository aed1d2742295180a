"""The staircase: steps from today to the recommended plan, billed by the same kernel, that add up."""

from math import fsum

import pytest

import advisor
from advisor.report.explain import explain_text
from advisor.report.markdown import render_markdown
from advisor.report.words import steps_sentence

HOURS = 24 * 28


def advised(folder, services, more="", *, replay_weeks=0):
    """Services of 24 h waves, from 100 requests a second to 800; four weeks."""
    rows = ["time,requests_per_second"]
    for hour in range(HOURS):
        rate = 100 + 700 * max(0, 1 - abs(hour % 24 - 14) / 7)
        rows.append(f"2026-01-{1 + hour // 24:02d}T{hour % 24:02d}:00:00Z,{rate:.0f}")
    (folder / "load.csv").write_text("\n".join(rows))
    file = folder / "workload.yaml"
    file.write_text("\n".join(["cluster: steps", "region: us-east-1", "services:", *services, more]))
    workload = advisor.read_workload(file)
    return advisor.advise(workload, advisor.read_catalog(workload.region), replay_weeks=replay_weeks)


def service(name, *, cpu=1024, memory=2048, per_task=40, architectures="X86_64, ARM64", more=""):
    load = f"load: {{file: load.csv, requests_per_task: {per_task}}}"
    return f"  - {{name: {name}, task: {{cpu: {cpu}, memory: {memory}}}, {load}, architectures: [{architectures}]{more}}}"


PRESENT = ", present: {launch_type: FARGATE, desired_count: 22}"
SHAPES = {
    "nothing said of today": ([service("web"), service("api", per_task=200)], ""),
    "on Fargate": ([service("web", more=PRESENT)], ""),
    "on instances": ([service("web"), service("api", per_task=100)], "present: {instances: {m6i.xlarge: 12}}"),
    "may be interrupted": ([service("web", more=", interruptible: true")], ""),
    "on x86 alone": ([service("web", architectures="X86_64", more=PRESENT)], ""),
}


@pytest.fixture(scope="module", params=list(SHAPES))
def shape(request):
    return request.param


@pytest.fixture(scope="module")
def result(shape, tmp_path_factory):
    return advised(tmp_path_factory.mktemp("steps"), *SHAPES[shape])


def test_the_steps_add_up_from_the_start_to_the_recommended_plan(result):
    stairs = result.saving_steps
    assert stairs.end_usd == pytest.approx(result.recommended.monthly_usd.mean)
    assert stairs.start_usd - fsum(step.saves_usd for step in stairs.steps) == pytest.approx(stairs.end_usd)
    assert [step.kind for step in stairs.steps] == ["sizes", "architecture", "launch_type", "spot"]
    after = stairs.start_usd
    for step in stairs.steps:
        assert after - step.saves_usd == pytest.approx(step.monthly_usd)
        after = step.monthly_usd


def test_the_start_is_what_runs_today_or_says_what_stands_in_for_it(result, shape):
    stairs = result.saving_steps
    is_known = shape in ("on Fargate", "on instances", "on x86 alone")
    assert stairs.is_present == is_known
    if is_known:
        assert stairs.start_usd == pytest.approx(result.present.monthly_usd.mean)
        assert stairs.start == "what runs today"
    else:
        declared = next(a for a in result.of_scope("cluster") if a.id == "cluster:fargate:x86_64:on_demand")
        assert stairs.start_usd == pytest.approx(declared.monthly_usd.mean)
        assert "Fargate on demand in its declared size" in stairs.start


def test_each_step_changes_no_more_than_it_says(result, shape):
    sizes, architecture, launch_type, spot = result.saving_steps.steps
    if shape == "on instances":
        assert sizes.title == "EC2 shared m6i.xlarge"
        assert architecture.title.startswith("EC2 shared")
    else:
        assert sizes.title == "Fargate X86_64"
        assert architecture.title == ("Fargate X86_64" if shape == "on x86 alone" else "Fargate ARM64")
    assert "Spot" not in launch_type.title
    assert spot.title == result.recommended.title
    if shape == "may be interrupted":
        assert "Spot" in spot.title
        assert spot.saves_usd > 0


def test_a_step_that_reaches_the_recommended_plan_has_its_replayed_bill(tmp_path):
    more = "present: {instances: {m6i.xlarge: 12}}\nconstraints: {instance_types: [m6i.xlarge], launch_types: [EC2]}"
    found = advised(tmp_path, [service("web", architectures="X86_64")], more, replay_weeks=1)
    assert found.recommended.replay is not None
    sizes, *others = found.saving_steps.steps
    assert sizes.monthly_usd == pytest.approx(found.recommended.monthly_usd.mean)
    assert [step.saves_usd for step in others] == [0, 0, 0]


def test_every_report_shows_the_steps_with_risk_and_effort(result):
    sentence = steps_sentence(result)
    assert "change nothing but the sizes: $" in sentence
    for text in (render_markdown(result).replace("\\", ""), explain_text(result)):
        joined = " ".join(text.split())
        assert "change nothing but the sizes" in joined
        for step in result.saving_steps.steps:
            assert step.risk in joined
            assert step.effort.replace("`", "") in joined.replace("`", "")


def test_the_steps_survive_the_file(result):
    assert advisor.Recommendation.from_dict(result.to_dict()).saving_steps == result.saving_steps


def test_without_a_price_of_the_start_there_are_no_steps(tmp_path):
    result = advised(tmp_path, [service("web")], "constraints: {launch_types: [EC2]}")
    assert result.saving_steps is None
    assert steps_sentence(result) == ""
