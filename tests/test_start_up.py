"""What a command imports: heavy libraries wait until something needs them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"pandas", "matplotlib", "boto3", "scipy"}

SCRIPT = """
import json, sys
from advisor.cli import main
sys.argv = ["advisor", *json.loads(sys.argv[1])]
try:
    main()
except SystemExit as ended:
    status = ended.code or 0
print(json.dumps([status, sorted(name for name in sys.modules if "." not in name)]), file=sys.stderr)
"""


def imported_by(*arguments):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(arguments)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    status, modules = json.loads(done.stderr.splitlines()[-1])
    assert status == 0
    return set(modules)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["recommend", "--help"],
        ["prices", "show", "--help"],
        ["prices", "refresh", "--help"],
        ["collect", "--help"],
        ["explain", "--help"],
        ["gate", "--help"],
        ["emit", "--help"],
        ["inspect", "--help"],
        ["instances", "--help"],
    ],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(arguments):
    assert not imported_by(*arguments) & HEAVY


def test_help_does_not_even_import_numpy():
    assert "numpy" not in imported_by("--help")


def test_a_recommendation_without_out_needs_neither_pandas_nor_matplotlib_nor_boto3():
    assert not imported_by("recommend", "examples/shop/workload.yaml", "--quiet") & HEAVY


def test_a_recommendation_on_a_tidy_csv_needs_nothing_heavy():
    stated = ("--cpu", "512", "--memory", "1024", "--requests-per-task", "40", "--region", "us-east-1")
    assert not imported_by("recommend", "examples/shop/orders.csv", *stated, "--quiet") & (HEAVY | {"pyarrow", "distributed"})


def test_a_gate_needs_nothing_heavy():
    shop = "examples/shop/workload.yaml"
    assert not imported_by("gate", shop, "--new", shop, "--launch-type", "FARGATE", "--quiet") & HEAVY


def test_an_inspection_needs_nothing_heavy():
    assert not imported_by("inspect", "examples/shop/orders.csv", "--quiet") & HEAVY


def test_prices_need_nothing_heavy():
    assert not imported_by("prices", "show", "fargate:*", "--region", "us-east-1") & HEAVY


def test_importing_the_package_is_cheap():
    code = "import advisor, sys, json; print(json.dumps(sorted(m for m in sys.modules if '.' not in m)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(json.loads(done.stdout)) & (HEAVY | {"numpy", "pydantic", "typer"})
