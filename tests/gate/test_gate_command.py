"""`advisor gate` from outside: formats, status, and the ready example for CI, step by step."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import advisor
from advisor.cli import main
from advisor.ecs import LaunchType
from advisor.sources import Stated

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "examples" / "shop" / "workload.yaml"
ACTIONS = ROOT / "examples" / "gate" / "github-actions.yml"
SEARCH = {
    "family": "search",
    "cpu": "1024",
    "memory": "2048",
    "requiresCompatibilities": ["FARGATE"],
    "containerDefinitions": [{"name": "search", "image": "search"}],
}
FARGATE = ("--launch-type", "FARGATE")
GIT, BASH = shutil.which("git"), shutil.which("bash")
needs_tools = pytest.mark.skipif(not (GIT and BASH), reason="git or bash is not installed")
LARGER = {**SEARCH, "cpu": "2048", "memory": "8192"}


@pytest.fixture
def run(capsys, monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)

    def run_command(*arguments):
        monkeypatch.setattr(sys, "argv", ["advisor", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run_command


@pytest.fixture
def definitions(tmp_path):
    for name, content in (("old.json", SEARCH), ("new.json", LARGER)):
        (tmp_path / name).write_text(json.dumps(content))
    return tmp_path / "old.json", tmp_path / "new.json"


def test_the_sum_by_hand(run, definitions):
    """Task-hours of the bill x price: 1 vCPU x $0.04048 + 2 GiB x $0.004445 before, twice and four times as much after."""
    old, new = definitions
    status, out, err = run("gate", SHOP, "--old", old, "--new", new, "--format", "json", "--quiet")
    data = json.loads(out)
    assert (status, err) == (0, "")
    sums = []
    for bill, vcpu, gib in (("before_bill", 1, 2), ("after_bill", 2, 8)):
        items = {item["meter"].rpartition(":")[2]: item for item in data[bill]["line_items"]}
        task_hours = items["vcpu_hour"]["quantity"] / vcpu
        assert items["gib_hour"]["quantity"] == pytest.approx(task_hours * gib)
        sums.append(task_hours * (vcpu * 0.04048 + gib * 0.004445))
    assert (data["before_usd"], data["after_usd"]) == (pytest.approx(sums[0]), pytest.approx(sums[1]))
    assert data["change_usd"] == pytest.approx(sums[1] - sums[0])


def test_before_is_what_recommend_says_of_the_same_service():
    """One kernel, one model: search alone on Fargate x86 on its own hours."""
    workload = advisor.read_workload(SHOP)
    catalog = advisor.read_catalog(workload.region)
    recommendation = advisor.advise(workload, catalog)
    stated = Stated(launch_type=LaunchType.FARGATE)
    change = advisor.read_change(workload, new=SHOP, service="search", stated=stated)
    found = advisor.gate(change.before, change.after, catalog, services=["search"])
    assert found.before_usd == recommendation.alternative("search:fargate_x86_64").monthly_usd.mean


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        ([], 0),
        (["--max-increase", 1000], 0),
        (["--max-increase", 10], 3),
        (["--max-increase-percent", 5], 3),
        (["--max-monthly", 10], 3),
        (["--max-monthly", 1000], 0),
        (["--require-safe"], 3),
        (["--max-increase", "nan"], 2),
        (["--launch-type", "LAMBDA"], 2),
        (["--service", "serch"], 1),
        (["--plan", "x.json"], 1),
    ],
)
def test_exit_status(run, definitions, limits, status):
    old, new = definitions
    ended, out, err = run("gate", SHOP, "--old", old, "--new", new, "--quiet", *limits)
    assert ended == status
    assert bool(out) == (status in (0, 3))
    if status == 1:
        assert err.startswith("error: ")
        assert len(err.splitlines()) == 1


def test_a_wrong_match_gives_the_near_name(run, definitions):
    _, _, err = run("gate", SHOP, "--new", definitions[1], "--service", "serch")
    assert "Did you mean 'search'" in err


def test_every_format_says_the_same(run, definitions):
    old, new = definitions
    base = ["gate", SHOP, "--old", old, "--new", new, "--quiet", "--max-increase", 10, "--format"]
    data = json.loads(run(*base, "json")[1])
    rows = list(csv.DictReader(io.StringIO(run(*base, "csv")[1])))
    usd = f"{data['change_usd']:,.2f}"
    for text in (run(*base, "table")[1], run(*base, "markdown")[1]):
        assert f"+${usd}" in text
        assert "Gate fails" in text
        assert "hours above CPU target" in text
    assert [row["service"] for row in rows] == ["search", "(all)"]
    assert {float(row["change_usd"]) for row in rows} == {data["change_usd"]}
    assert data["failures"] == [f"adds ${usd} a month, more than the $10.00 allowed"]


def test_names_cannot_break_out_of_the_comment(tmp_path, run):
    text = SHOP.read_text().replace("cluster: shop", "cluster: shop_x")
    (tmp_path / "w.yaml").write_text(text)
    for load in SHOP.parent.glob("*.csv"):
        shutil.copy(load, tmp_path)
    (tmp_path / "new.json").write_text(json.dumps(LARGER))
    _, out, _ = run("gate", tmp_path / "w.yaml", "--new", tmp_path / "new.json", "--format", "markdown", "-q", *FARGATE)
    assert "shop\\_x" in out
    tables = re.findall(r"(?m)^\|.*\|$", out)
    assert len({line.replace("\\|", "").count("|") for line in tables}) == 1


def test_the_same_workload_on_both_sides_is_exactly_nothing(run):
    status, out, _ = run("gate", SHOP, "--new", SHOP, "--launch-type", "FARGATE", "--max-increase", 0, "--format", "json", "-q")
    data = json.loads(out)
    assert status == 0
    assert data["change_usd"] == 0.0
    assert data["before_usd"] == data["after_usd"] > 100


def test_the_how_to_names_only_options_that_exist(run):
    _, helped, _ = run("gate", "--help")
    page = (ROOT / "docs" / "how-to" / "gate-in-ci.md").read_text()
    for line in re.findall(r"advisor gate.*", page):
        for option in re.findall(r"--[a-z-]+", line):
            assert option in helped
    assert "github-actions.yml" in page


# The ready example: its steps in a checkout of its own.


def steps():
    job = yaml.safe_load(ACTIONS.read_text())["jobs"]["gate"]
    return job["env"], job["steps"]


def git(folder, *arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run([GIT, *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    """A repository whose head changes search, adds a task definition and leaves one alone; and tools on the PATH."""
    folder = tmp_path / "checkout"
    (folder / "deploy").mkdir(parents=True)
    shutil.copytree(SHOP.parent, folder / "ops")
    (folder / "deploy" / "search.json").write_text(json.dumps(SEARCH))
    (folder / "deploy" / "chat.json").write_text(json.dumps({**SEARCH, "family": "chat", "cpu": "256", "memory": "512"}))
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "before")
    base = git(folder, "rev-parse", "HEAD")
    (folder / "deploy" / "search.json").write_text(json.dumps(LARGER))
    (folder / "deploy" / "added.json").write_text(json.dumps({**SEARCH, "family": "added"}))
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "gh").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$COMMENT"\n')
    # The package is installed already; what the step asks for is only noted.
    (tools / "python").write_text('#!/bin/sh\nprintf "%s\\n" "$*" > "$INSTALLED"\n')
    (tools / "advisor").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m advisor "$@"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    return folder, base, tools


def filled(text, known):
    """An expression of the workflow, as the runner fills it in."""
    return re.sub(r"\$\{\{ (.*?) \}\}", lambda match: known[match[1]], text)


def run_steps(checkout, **overrides):
    """Every `run:` of the job in order, as the runner does it: `bash -e`, outputs by file, expressions filled in."""
    folder, base, tools = checkout
    job_env, job_steps = steps()
    scratch = tools.parent
    outputs = scratch / "output"
    environment = os.environ | job_env | overrides
    environment |= {"PATH": f"{tools}:{os.environ['PATH']}", "GITHUB_OUTPUT": str(outputs)}
    environment |= {name: str(scratch / name.lower()) for name in ("GITHUB_STEP_SUMMARY", "COMMENT", "INSTALLED")}
    known = {
        "github.event.pull_request.base.sha": base,
        "github.event.pull_request.number": "7",
        "github.token": "none",
    }
    status = 0
    for step in job_steps:
        if "run" not in step or status:
            continue
        if outputs.exists():
            known |= {f"steps.gate.outputs.{k}": v for k, v in (line.split("=") for line in outputs.read_text().splitlines())}
        own = {name: filled(text, known) for name, text in step.get("env", {}).items()}
        assert "${{" not in step["run"]  # no text of a pull request is ever pasted into a script
        done = subprocess.run(
            [BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], cwd=folder, env=environment | own,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        status = done.returncode
        assert status in (0, 3), done.stderr
    return status, scratch


@needs_tools
def test_the_steps_of_the_example_fail_a_change_that_is_too_dear(checkout):
    status, scratch = run_steps(checkout, MAX_INCREASE_USD="50")
    summary = (scratch / "github_step_summary").read_text()
    assert status == 3
    assert "Gate fails" in summary
    assert summary.count("###") == 1  # chat did not change, and the added one has nothing before it
    assert "search" in summary
    assert "--body-file" in (scratch / "comment").read_text()
    assert "ecs-launch-advisor" in (scratch / "installed").read_text()


@needs_tools
def test_the_steps_of_the_example_pass_a_change_within_the_limit(checkout):
    status, scratch = run_steps(checkout, MAX_INCREASE_USD="5000")
    assert status == 0
    assert "Gate passes" in (scratch / "github_step_summary").read_text()
