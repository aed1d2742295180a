"""Commands whose streams and folders fail: one message and status 1, or the right end; never a traceback."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

LOAD = "timestamp,tasks\n2026-03-02T00:00Z,2\n2026-03-02T01:00Z,3\n"


@pytest.fixture
def run(tmp_path):
    """Runs a command under a shell, with a load file in its folder."""
    (tmp_path / "load.csv").write_text(LOAD)

    def in_shell(command, **more):
        line = command.replace("advisor", f"{sys.executable} -m advisor", 1)
        return subprocess.run(["/bin/bash", "-c", line], capture_output=True, text=True, check=False, cwd=tmp_path, **more)

    return in_shell


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("advisor inspect load.csv >/dev/full", "error: the output cannot be written (No space left on device)"),
        ("advisor schema workload >/dev/full", "error: the output cannot be written (No space left on device)"),
        ("advisor inspect load.csv >/dev/full 2>/dev/full", ""),
        ("advisor inspect no-such.csv 2>/dev/full", ""),
    ],
)
def test_a_full_disk_behind_a_stream_is_one_message(run, command, said):
    done = run(command)
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 1


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("advisor inspect load.csv >&-", 0),
        ("advisor inspect load.csv >&- 2>&-", 0),
        ("advisor inspect no-such.csv 2>&-", 1),
        ("advisor inspect load.csv <&-", 0),
    ],
)
def test_closed_streams_are_nothing_to_end_for(run, command, status):
    done = run(command)
    assert (done.returncode, done.stderr) == (status, "")


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("load.csv", "load.csv is a file. Name a folder to write to."),
        ("load.csv/out", "cannot write to load.csv/out"),
        ("/proc/out", "cannot write to /proc/out"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_folder_that_cannot_be_is_one_message(run, folder, said):
    done = run(f"advisor recommend load.csv --cpu 512 --memory 1024 --region us-east-1 --quiet --out {folder}")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_a_disk_that_fills_up_half_way_leaves_nothing(run, tmp_path):
    done = run(
        "advisor recommend load.csv --cpu 512 --memory 1024 --region us-east-1 --quiet --out out >/dev/null",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},  # bytecode that is cut would stay
    )
    assert done.returncode == 1
    assert done.stderr == "error: cannot write to out: File too large. Name a folder that can be written to.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["load.csv"]
