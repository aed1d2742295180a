"""The command line from outside: status, streams, formats."""

import csv
import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from advisor.cli import main

ROOT = Path(__file__).parents[1]
SHOP = ROOT / "examples" / "shop" / "workload.yaml"
CLOUDWATCH = ROOT / "examples" / "cloudwatch" / "workload.yaml"
WEEKS = "timestamp,tasks\n" + "\n".join(f"2026-09-{1 + h // 24:02d}T{h % 24:02d}:00:00Z,{3 + h % 5}" for h in range(24 * 28))


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command in this process: status, stdout, stderr."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)

    def run_command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["advisor", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run_command


@pytest.fixture(scope="module")
def shop_json():
    """What ``advisor recommend --format json`` prints of the example."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as out:
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            patch.delenv(name, raising=False)
        patch.setattr(sys, "argv", ["advisor", "recommend", str(SHOP), "--quiet", "--format", "json"])
        with pytest.raises(SystemExit) as ended:
            main()
    assert not ended.value.code
    return out.getvalue()


@pytest.fixture
def load_csv(tmp_path):
    def write(text: str = WEEKS) -> Path:
        path = tmp_path / "load.csv"
        path.write_text(text)
        return path

    return write


def test_the_readme_shows_what_the_first_command_prints(run, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")  # later, its prices are old, and it says so
    status, out, _ = run("recommend", SHOP, "--quiet")
    readme = (ROOT / "README.md").read_text()
    shown = readme.split("```text\n$ advisor recommend examples/shop/workload.yaml --out reports/demo\n", 1)[1].split("```", 1)[
        0
    ]
    assert status == 0
    assert shown.removesuffix("Written to reports/demo\n") == out


def test_a_single_csv_is_a_workload(run, load_csv):
    status, out, err = run("recommend", load_csv(), "--cpu", 256, "--memory", 512, "--region", "us-east-1", "--format", "json")
    result = json.loads(out)
    assert status == 0
    assert result["schema"] == "advisor/recommendation/1"
    assert "note:" in err
    assert {a["scope"] for a in result["alternatives"]} == {"cluster", "load"}


def test_the_size_of_a_task_is_taken_with_its_unit_as_the_refusal_without_one_says(run, load_csv):
    given = "instances", load_csv(), "--region", "us-east-1", "--top", 1, "--format", "json", "--cpu"
    status, _, err = run(*given, 1, "--memory", 1024)
    assert (status, 'Write "1 vCPU"' in err) == (1, True)
    with_unit, plain = run(*given, "1 vCPU", "--memory", "2 GB"), run(*given, 1024, "--memory", 2048)
    assert (with_unit[0], with_unit[1]) == (0, plain[1])


def test_line_items_add_up_in_every_alternative(shop_json):
    priced = [a for a in json.loads(shop_json)["alternatives"] if a["monthly_usd"]]
    assert priced
    for alternative in priced:
        items = alternative["bill"]["line_items"]
        assert sum(item["amount_usd"] for item in items) == pytest.approx(alternative["monthly_usd"]["mean"], rel=1e-12)
        for item in items:
            assert item["quantity"] * item["rate_usd"] == pytest.approx(item["amount_usd"], rel=1e-12)
            assert item["source"]
            assert item["as_of"]


def test_csv_has_a_row_for_every_alternative(run):
    _, out, _ = run("recommend", CLOUDWATCH, "--quiet", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["recommended"] for row in rows].count("True") == 1
    assert {row["scope"] for row in rows} == {"cluster", "api"}


def test_markdown_goes_to_stdout(run):
    _, out, _ = run("recommend", CLOUDWATCH, "--quiet", "--format", "markdown")
    assert out.startswith("# shop: recommendation")


def test_less_than_a_day_is_status_4_and_still_a_result(run, load_csv, tmp_path):
    short = "timestamp,tasks\n" + "\n".join(f"2026-09-01T{h:02d}:00:00Z,4" for h in range(20))
    status, out, _ = run(
        "recommend",
        load_csv(short),
        "--cpu",
        256,
        "--memory",
        512,
        "--region",
        "us-east-1",
        "--out",
        tmp_path / "o",
        "--emit",
        "report",
    )
    assert status == 4
    assert "Not enough data" in out
    assert json.loads((tmp_path / "o" / "recommendation.json").read_text())["recommendation"]["verdict"] == "not_enough_data"


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        (["recommend", "missing.yaml"], ["missing.yaml"]),
        (["prices", "show"], ["--region"]),
        (["prices", "show", "nothing*", "--region", "us-east-1"], ["nothing*", "matches"]),
        (["prices", "show", "--region", "us-est-1"], ["us-est-1", "us-east-1"]),
        (["prices", "show", "--region", "cn-north-1"], ["China"]),
        (["recommend", str(CLOUDWATCH), "--emit", "pdf", "--out", "x"], ["pdf", "ecs"]),
    ],
)
def test_an_expected_error_is_one_line_and_status_1(run, tmp_path, monkeypatch, arguments, fragments):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(*arguments)
    assert (status, out) == (1, "")
    errors = [line for line in err.splitlines() if not line.startswith("note:")]
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    for fragment in fragments:
        assert fragment in errors[0]
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_option_is_status_2(run):
    status, _, err = run("recommend", "--no-such-option")
    assert status == 2
    assert "--no-such-option" in err


@pytest.mark.parametrize(
    "command",
    [[], ["recommend"], ["prices"], ["prices", "show"], ["prices", "check"], ["schema"], ["schema", "workload"], ["emit"]],
)
def test_every_command_has_help(run, command):
    status, out, _ = run(*command, "--help")
    assert status == 0
    assert "Usage" in out


def test_every_leaf_command_shows_an_example(run):
    for command in (
        ["recommend"],
        ["prices", "show"],
        ["prices", "check"],
        ["schema", "workload"],
        ["schema", "recommendation"],
        ["emit"],
        ["explain"],
    ):
        assert "Example:" in run(*command, "--help")[1]


def test_schemas_describe_what_is_written(run):
    jsonschema = pytest.importorskip("jsonschema")
    _, schema, _ = run("schema", "recommendation")
    _, result, _ = run("recommend", CLOUDWATCH, "--quiet", "--format", "json")
    jsonschema.validate(json.loads(result), json.loads(schema))


def test_the_same_inputs_give_the_same_bytes(run, shop_json):
    assert run("recommend", SHOP, "--quiet", "--format", "json")[1] == shop_json


def test_files_carry_the_time_that_source_date_epoch_says(run, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    contents = []
    for name in ("a", "b"):
        run("recommend", CLOUDWATCH, "--quiet", "--out", tmp_path / name)
        contents.append({p.relative_to(tmp_path / name): p.read_bytes() for p in (tmp_path / name).rglob("*") if p.is_file()})
    assert contents[0] == contents[1]
    assert b'"generated_at": "2023-11-14T22:13:20+00:00"' in contents[0][Path("recommendation.json")]


def test_a_closed_pipe_ends_quietly():
    command = f"{sys.executable} -m advisor prices show --region us-east-1 | head -1"
    done = subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.stderr == ""
    assert done.stdout.startswith("meter")


def test_output_without_unicode_is_no_traceback(tmp_path):
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-m", "advisor", "recommend", str(CLOUDWATCH), "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_no_colour_when_piped(run):
    assert "\033" not in run("recommend", CLOUDWATCH, "--quiet")[1]
