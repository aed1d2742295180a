"""The same answers wherever the work runs, and none lost when a worker is."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from advisor.errors import InputError
from advisor.fleet import CommitmentQuestion, Engine, FleetOptions, Status, advise_fleet, engines
from advisor.fleet.engines import Lost, open_engine
from tests.fleet.deaths import squared_unless_killed
from tests.fleet.fleets import write_fleet

QUICK = FleetOptions(replay_weeks=0)
ASKED = CommitmentQuestion(terms=(1,))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_fleet(tmp_path_factory.mktemp("fleet") / "clusters", n=3)


@pytest.fixture(scope="module")
def expected(folder):
    return advise_fleet([folder], options=QUICK, commitments=ASKED).to_json()


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        yield cluster


@pytest.mark.prove
def test_processes_give_the_same_bytes(folder, expected):
    shares = []
    found = advise_fleet(
        [folder],
        options=QUICK,
        engine=Engine.PROCESSES,
        workers=2,
        commitments=ASKED,
        on_share=lambda what, share: shares.append(share),
    )
    assert found.to_json() == expected
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)


def test_dask_gives_the_same_bytes_while_a_worker_is_killed(folder, expected, cluster):
    killed = []

    def kill_one(what, share):
        if share and not killed:
            with cluster.get_client() as client:
                killed.append(next(iter(client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    found = advise_fleet(
        [folder],
        options=QUICK,
        engine=Engine.DASK,
        scheduler=cluster.scheduler_address,
        commitments=ASKED,
        on_share=kill_one,
    )
    assert killed
    assert found.to_json() == expected


def test_workers_of_a_cluster_of_ours_are_not_sampled_and_stand_beside_another(cluster):
    dask = pytest.importorskip("dask")
    with open_engine(Engine.DASK, workers=1) as mapped:
        assert dict(mapped(dask.config.get, ["distributed.worker.profile.enabled"])) == {0: False}


@pytest.mark.prove
def test_a_task_whose_dask_worker_dies_runs_again(cluster, tmp_path):
    with open_engine(Engine.DASK, scheduler=cluster.scheduler_address) as mapped:
        work = partial(squared_unless_killed, folder=tmp_path, fatal=3, times=1)
        assert dict(mapped(work, range(8))) == {n: n * n for n in range(8)}
    assert (tmp_path / "death-0").exists()


def test_a_process_that_is_killed_loses_nothing(tmp_path):
    with open_engine(Engine.PROCESSES, workers=2) as mapped:
        work = partial(squared_unless_killed, folder=tmp_path, fatal=3, times=1)
        assert dict(mapped(work, range(8))) == {n: n * n for n in range(8)}
    assert (tmp_path / "death-0").exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=lambda how: how.name)
def test_processes_end_with_the_one_that_started_them(tmp_path, how):
    maker = subprocess.Popen(
        [sys.executable, "-m", "tests.fleet.deaths", str(tmp_path)], stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2]
    )
    until(lambda: len(list(tmp_path.glob("began-*"))) == 2)
    maker.send_signal(how)
    maker.wait(timeout=60)
    for lock in tmp_path.glob("lock-*"):
        with lock.open() as file:
            until(lambda file=file: not is_held(file))


def is_held(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def until(is_so, within_s=120):
    end = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.prove
def test_a_task_that_kills_each_process_is_given_up_and_blames_no_other(tmp_path):
    with open_engine(Engine.PROCESSES, workers=2) as mapped:
        found = dict(mapped(partial(squared_unless_killed, folder=tmp_path, fatal=3, times=9), range(8)))
    assert isinstance(found.pop(3), Lost)
    assert found == {n: n * n for n in range(8) if n != 3}


def test_a_fault_of_ours_in_one_workload_is_named_and_stops_no_other(folder):
    from advisor.fleet.run import advised

    class Faulty:
        name, service_names = "faulty", ()

        def read(self, options):
            raise ZeroDivisionError("by hand")

    with open_engine(Engine.LOCAL) as mapped:
        (record,) = advised([Faulty()], QUICK, mapped)
    assert record.status is Status.FAILED
    assert re.search(r"ZeroDivisionError: by hand \(advisor/fleet/advised\.py:\d+\)$", record.problem)


def test_a_scheduler_that_does_not_answer_is_one_message(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(engines, "ANSWER_S", 1)
    with pytest.raises(InputError, match=r"tcp://127\.0\.0\.1:1"), open_engine(Engine.DASK, scheduler="tcp://127.0.0.1:1"):
        pass


def test_a_scheduler_without_dask_is_refused():
    with pytest.raises(InputError, match="engine dask"):
        open_engine(Engine.PROCESSES, scheduler="tcp://127.0.0.1:1")
