"""``advisor prices refresh`` as a user runs it, and as it is killed."""

import csv
import io
import itertools
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from advisor.cli import main
from advisor.ecs import PurchaseOption
from advisor.meters import instance_hour
from advisor.sources.catalog import read_catalog, regions
from tests.prices.offers import EC2_COLUMNS, instance, offer_csv
from tests.prices.server import PriceListServer, refuses

ROOT = Path(__file__).parents[2]
EC2_FILE = "/offers/v1.0/aws/AmazonEC2/20261120225308/eu-west-1/index.csv"
M5_LARGE = instance_hour("m5.large", PurchaseOption.ON_DEMAND)


@pytest.fixture
def run(capsys, monkeypatch, server, tmp_path):
    """Run a command in this process: status, stdout, stderr."""
    monkeypatch.setenv("ADVISOR_PRICE_LIST_URL", server.url)
    monkeypatch.setenv("ADVISOR_CACHE_DIR", str(tmp_path))

    def run_command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["advisor", "prices", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run_command


def test_a_refresh_without_an_account(price_list, run, tmp_path):
    status, out, err = run("refresh", "--region", "eu-west-1")
    assert status == 0
    assert "eu-west-1  ec2" in out
    assert out.count("not fetched: no AWS credentials were found. Sign in with `aws sso login`") == 2
    assert "11 parts fetched, 2 not; in " in out
    assert "eu-west-1: AmazonEC2 for ec2, ebs, nat\n" in err
    assert read_catalog("eu-west-1").rate(M5_LARGE, "eu-west-1").as_of > "2026-07-05"


def test_json_csv_and_markdown(price_list, run):
    arguments = ("refresh", "--region", "eu-west-1", "--only", "ecr,vpc", "--quiet", "--format")
    status, out, err = run(*arguments, "json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert Path(found["generation"]).is_dir()
    assert [(part["part"], part["rows"]) for part in found["parts"]] == [("ecr", 1), ("vpc", 3)]
    _, out, _ = run(*arguments, "csv")
    assert [row["part"] for row in csv.DictReader(io.StringIO(out))] == ["ecr", "vpc"]
    _, out, _ = run(*arguments, "markdown")
    assert out.splitlines()[2] == "| eu-west-1 | ecr | 1 | published 2026-11-20 |"


def test_nothing_fetched_is_status_1(price_list, run, tmp_path):
    price_list.faults[EC2_FILE] = [refuses(404)]
    status, out, err = run("refresh", "--region", "eu-west-1", "--only", "ec2")
    assert status == 1
    assert "not fetched: " in out
    assert err.splitlines()[-1].startswith("error: nothing was fetched")
    assert not (tmp_path / "current").exists()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--region", "cn-north-1"), "error: cn-north-1 is priced in CNY"),
        (("--region", "eu-west-1", "--only", "ec"), "error: there is nothing to refresh called 'ec'. Did you mean ec"),
        (("--region", "eu-west-1", "--price-list-url", "http://example.com"), "error: the price list is read over HTTPS"),
    ],
)
def test_what_is_refused(run, arguments, error):
    status, out, err = run("refresh", *arguments)
    assert (status, out) == (1, "")
    assert err.startswith(error)
    assert err.count("\n") == 1


def test_every_command_reads_the_refreshed_prices(price_list, run):
    run("refresh", "--region", "eu-west-1", "--only", "ec2")
    _, out, _ = run("show", M5_LARGE.id, "--region", "eu-west-1", "--format", "json")
    assert [(rate["usd"], rate["source"]) for rate in json.loads(out)["rates"]] == [
        (0.107, "aws_price_list_AmazonEC2_eu-west-1")
    ]


def test_the_region_of_the_environment_is_refreshed(price_list, run, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    _, out, _ = run("refresh", "--only", "ecr", "--quiet", "--format", "csv")
    assert [row["region"] for row in csv.DictReader(io.StringIO(out))] == ["eu-west-1"]


def test_without_a_region_all_of_the_catalog_are(price_list, run):
    status, out, err = run("refresh", "--only", "ecr", "--format", "csv")
    assert status == 0
    assert len(list(csv.DictReader(io.StringIO(out)))) == len(regions())
    assert err.startswith(f"refreshing {len(regions())} Regions; name some with --region to do less\n")


def test_a_profile_that_there_is_not_is_said(run):
    status, out, _ = run("refresh", "--region", "eu-west-1", "--only", "spot", "--profile", "nobody")
    assert status == 1
    assert "not fetched: there is no AWS profile 'nobody'" in out


def test_a_maintainer_writes_the_shipped_prices(price_list, run, tmp_path, shipped):
    checkout = tmp_path.parent / f"{tmp_path.name}-checkout"
    shutil.copytree(shipped, checkout)
    status, _, err = run("refresh", "--region", "eu-west-1", "--only", "ecr", "--write-shipped", str(checkout))
    assert status == 0
    assert f"2 files of {checkout} changed: look through them with `git diff`" in err
    assert (checkout / "eu-west-1/ecr.csv").is_file()


@pytest.mark.prove
def test_an_account(run, monkeypatch, tmp_path):
    """Against moto: its answers are recorded ones of EC2."""
    moto = pytest.importorskip("moto.moto_server.threaded_moto_server")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b"), ("ENDPOINT_URL", f"http://{host}:{port}")):
        monkeypatch.setenv(f"AWS_{name}", value)
    status, out, _ = run("refresh", "--region", "eu-west-1", "--only", "instance_types,spot", "--format", "json")
    server.stop()
    parts = {part["part"]: part for part in json.loads(out)["parts"]}
    assert status == 0
    assert parts["instance_types"]["rows"] > 500
    assert (tmp_path / "generations/000001/eu-west-1/zones.csv").is_file()
    read_catalog("eu-west-1")


# --- an interruption leaves the old data whole

KILLED = """
import os, signal, sys
from pathlib import Path

url, cache, shipped, fatal = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
from advisor.sources.prices.refresh import RefreshOptions, refresh_prices

happened = 0
def count(event, arguments):
    global happened
    if event.split(".")[0] in ("open", "os", "shutil", "fcntl") and str(cache) in str(arguments):
        happened += 1
        if happened == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
parts = ("ec2", "nat", "fargate", "vpc")
options = RefreshOptions(parts=parts, price_list_url=url, shipped=shipped)
refresh_prices(["eu-west-1"], cache, check=lambda new, old: (), options=options)
"""
"""A refresh that kills itself at the n-th thing that it does to a file of the cache."""


def with_price(server, usd):
    more = [instance(f"m5.{n}xlarge", str(0.2 * n)) for n in (2, 4, 8)]
    server.files[EC2_FILE] = offer_csv("AmazonEC2", EC2_COLUMNS, [instance("m5.large", f"{usd}"), *more]).encode()


def refreshed(server, cache, shipped, kill_at=0):
    """Whether a refresh came to its end."""
    command = [sys.executable, "-c", KILLED, server.url, cache, shipped, str(kill_at)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode in (0, -signal.SIGKILL), process.stderr
    return process.returncode == 0


def kill_at_each(server, cache, shipped, moments):
    """The prices before and after each kill must be whole; what happens at the next refresh is as if there had been none."""

    def price():
        return read_catalog("eu-west-1", folder=shipped, cache=cache).rate(M5_LARGE, "eu-west-1").usd

    with_price(server, 0.1)
    assert refreshed(server, cache, shipped)
    before, n_killed = 0.1, 0
    for i, moment in enumerate(moments):
        new = round(0.101 + 0.001 * i, 3)
        with_price(server, new)
        if refreshed(server, cache, shipped, moment):
            assert price() == new
            break  # all that it does was done before that moment
        n_killed += 1
        assert price() in (before, new)
        before = price()
    with_price(server, 0.5)
    assert refreshed(server, cache, shipped)
    assert price() == 0.5
    assert sorted(path.name for path in cache.iterdir()) == ["current", "generations", "lock"]  # nothing is left of the others
    assert len(list((cache / "generations").iterdir())) == 2
    return n_killed


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_refresh_killed_at_some_moments_leaves_prices_that_can_be_read(price_list, tmp_path, shipped):
    assert kill_at_each(price_list, tmp_path, shipped, (20, 60, 75)) == 3


@pytest.mark.prove
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_refresh_killed_at_any_moment_leaves_prices_that_can_be_read(price_list, tmp_path, shipped):
    assert kill_at_each(price_list, tmp_path, shipped, itertools.count(1)) >= 60


@pytest.mark.prove
def test_refreshes_of_several_processes_at_once(price_list, tmp_path, shipped):
    command = [sys.executable, "-c", KILLED, price_list.url, tmp_path, shipped, "0"]
    processes = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) for _ in range(6)]
    for process in processes:
        _, err = process.communicate(timeout=200)
        assert process.returncode == 0, err.decode()
    assert read_catalog("eu-west-1", folder=shipped, cache=tmp_path).rate(M5_LARGE, "eu-west-1").as_of > "2026-07-05"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "generations", "lock"]
    assert len(list((tmp_path / "generations").iterdir())) == 2


class Stall:
    """An answer that stops half-way until the test goes on."""

    def __init__(self):
        self.arrived, self.go_on = threading.Event(), threading.Event()

    def __call__(self, handler, content):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:1000])
        handler.wfile.flush()
        self.arrived.set()
        self.go_on.wait(60)
        handler.close_connection = True


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT], ids=["kill", "ctrl-c"])
def test_the_end_in_the_middle_of_a_download(price_list: PriceListServer, tmp_path, shipped, sign):
    with_price(price_list, 0.1)
    assert refreshed(price_list, tmp_path, shipped)
    before = sorted(tmp_path.iterdir())
    stall = Stall()
    price_list.faults[EC2_FILE] = [stall]
    process = subprocess.Popen(
        [sys.executable, "-m", "advisor", "prices", "refresh", "--region", "eu-west-1", "--only", "ec2"],
        cwd=ROOT,
        env=os.environ | {"ADVISOR_PRICE_LIST_URL": price_list.url, "ADVISOR_CACHE_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a job in the background has it ignored
    )
    with process:
        try:
            assert stall.arrived.wait(60)
            process.send_signal(sign)
            _, err = process.communicate(timeout=60)
        finally:
            stall.go_on.set()
            process.kill()
    assert b"Traceback" not in err
    assert read_catalog("eu-west-1", folder=shipped, cache=tmp_path).rate(M5_LARGE, "eu-west-1").usd == 0.1
    if sign is signal.SIGINT:
        assert process.returncode == 130
        assert sorted(tmp_path.iterdir()) == before
    else:
        assert refreshed(price_list, tmp_path, shipped)
        assert len(list(tmp_path.iterdir())) == len(before)
