"""The command: what goes to stdout and to stderr, the status, and what is on disk after it stopped."""

import json
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
import typer
from typer.testing import CliRunner

from advisor.cli.collect import collect_command
from advisor.errors import AdvisorError
from advisor.fleet.members import file_members, is_fleet
from advisor.sources import read_workload
from tests.aws.proxy import FaultProxy

app = typer.Typer()
app.command()(collect_command)


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def tiny(session: boto3.Session) -> None:
    """One service of two tasks without metrics."""
    ecs = session.client("ecs")
    if ecs.describe_clusters(clusters=["tiny"])["clusters"]:
        return
    ecs.create_cluster(clusterName="tiny")
    container = {"name": "app", "image": "tiny:1"}
    ecs.register_task_definition(family="tiny", cpu="256", memory="512", containerDefinitions=[container])
    ecs.create_service(cluster="tiny", serviceName="api", taskDefinition="tiny", desiredCount=2, launchType="FARGATE")


ARGUMENTS = ("--cluster", "tiny", "--region", "eu-west-1", "--days", "1")


def test_it_writes_a_folder_that_is_read_and_leaves_nothing_else(tiny, tmp_path):
    result = run(*ARGUMENTS, "-o", str(tmp_path / "tiny"))
    assert result.exit_code == 0
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")) == [
        "tiny", "tiny/collect-report.md", "tiny/workload.yaml"
    ]  # fmt: skip
    assert "api" in result.stdout
    assert "workload.yaml" in result.stdout
    assert "cluster tiny: 1 services" in result.stderr
    assert "cluster tiny" not in result.stdout
    assert read_workload(tmp_path / "tiny" / "workload.yaml").cluster == "tiny"


def test_quiet_says_nothing_on_stderr(tiny, tmp_path):
    assert run(*ARGUMENTS, "-o", str(tmp_path / "t"), "--quiet").stderr == ""


def test_the_result_as_json_csv_and_markdown(tiny, tmp_path):
    printed = {f: run(*ARGUMENTS, "-o", str(tmp_path / "t"), "--format", f).stdout for f in ("json", "csv", "markdown")}
    document = json.loads(printed["json"])
    assert document["workload"] == str(tmp_path / "t" / "workload.yaml")
    assert document["services"][0]["service"] == "api"
    assert document["services"][0]["cpu_units"] == 256
    assert printed["csv"].splitlines()[0].startswith("service,runs_on,cpu_units")
    assert printed["markdown"].startswith("| service | runs_on |")


def test_a_workload_file_that_is_replaced_is_kept_beside(tiny, tmp_path):
    folder = tmp_path / "t"
    run(*ARGUMENTS, "-o", str(folder))
    edited = (folder / "workload.yaml").read_text() + "constraints: {zones: 3}\n"
    (folder / "workload.yaml").write_text(edited)
    assert run(*ARGUMENTS, "-o", str(folder)).exit_code == 0
    assert (folder / "workload.yaml.bak").read_text() == edited
    assert "zones" not in (folder / "workload.yaml").read_text()


def test_the_policy_is_printed_without_credentials_cluster_or_network(monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    result = run("--print-iam-policy")
    policy = json.loads(result.stdout)
    assert result.exit_code == 0
    assert policy["Version"] == "2012-10-17"
    assert "savingsplans" not in result.stdout
    assert "savingsplans:DescribeSavingsPlans" in run("--print-iam-policy", "--commitments").stdout
    assert "cluster/shop" in run("--print-iam-policy", "--cluster", "shop").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--cluster", "tiny"),
        ("-o", "x"),
        ("--cluster", "tiny", "-o", "x", "--days", "456"),
        ("--cluster", "t", "-o", "x", "--days", "0"),
    ],
)
def test_what_is_left_out_or_out_of_range_is_a_usage_error(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_leaves_no_output(tiny, proxy: FaultProxy, tmp_path):
    proxy.refuse("cloudwatch:GetMetricData", "AccessDenied")
    result = run(*ARGUMENTS, "-o", str(tmp_path / "t"))
    assert isinstance(result.exception, AdvisorError)
    assert not (tmp_path / "t").exists()


def test_after_an_interruption_the_same_command_goes_on(tiny, proxy: FaultProxy, tmp_path, monkeypatch):
    """Stopped after the metrics and before the files: the metrics are not asked for again."""

    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("advisor.sources.aws.collect.collect_report", stop)
        patch.setattr("advisor.sources.aws.collect.workload_yaml", stop)
        assert run(*ARGUMENTS, "-o", str(tmp_path / "t")).exit_code != 0
    assert not (tmp_path / "t").exists()
    assert (tmp_path / ".collect" / "t").is_dir()
    proxy.asked.clear()
    result = run(*ARGUMENTS, "-o", str(tmp_path / "t"))
    assert result.exit_code == 0
    assert "going on with the collection that began" in result.stderr
    assert "cloudwatch:GetMetricData" not in proxy.asked
    assert not (tmp_path / ".collect").exists()


def test_boto3_is_not_loaded_before_it_is_needed():
    code = "import sys, advisor.cli.collect, advisor.sources.aws; print('boto3' in sys.modules or 'botocore' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True
    )
    assert result.stdout.strip() == "False"


@pytest.fixture
def two_clusters(session: boto3.Session) -> tuple[str, ...]:
    """Two clusters of a Region of their own, and one without services."""
    ecs = session.client("ecs", region_name="ap-south-1")
    container = {"name": "app", "image": "tiny:1"}
    for name in ("one", "two", "empty"):
        ecs.create_cluster(clusterName=name)
    ecs.register_task_definition(family="tiny", cpu="256", memory="512", containerDefinitions=[container])
    for name in ("one", "two"):
        ecs.create_service(cluster=name, serviceName="api", taskDefinition="tiny", desiredCount=2, launchType="FARGATE")
    return ("--all-clusters", "--region", "ap-south-1", "--days", "1")


def test_all_clusters_of_a_region_are_a_fleet(two_clusters, tmp_path):
    out = tmp_path / "clusters"
    result = run(*two_clusters, "-o", str(out), "--format", "csv")
    assert result.exit_code == 1  # for the one without services, which is named
    assert "empty" in result.stderr
    assert sorted(path.parent.name for path in out.glob("*/workload.yaml")) == ["one", "two"]
    lines = result.stdout.splitlines()
    assert lines[0].startswith("cluster,service,")
    assert [line.split(",")[:2] for line in lines[1:]] == [["one", "api"], ["two", "api"]]
    assert is_fleet([out])
    assert [member.name for member in file_members([out])] == ["one", "two"]


def test_all_clusters_goes_with_no_cluster(tmp_path):
    assert run("--all-clusters", "--cluster", "tiny", "-o", str(tmp_path / "t")).exit_code == 2
