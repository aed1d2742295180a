"""A user's script that calls everything public: it passes mypy strict, misses no name, and runs."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import advisor

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "python" / "everything.py"


def test_mypy_strict_accepts_it():
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_it_uses_every_public_name():
    used = set(re.findall(r"advisor\.(\w+)", SCRIPT.read_text(encoding="utf-8")))
    assert set(advisor.__all__) - used == {"__version__"}


def test_it_runs(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", SCRIPT, tmp_path],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MPLBACKEND": "agg"},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "api" / "report.html").is_file()
    assert (tmp_path / "charts" / "sweep.png").is_file()


def test_every_public_call_has_an_example():
    calls = [name for name in advisor.__all__ if inspect.isfunction(getattr(advisor, name))]
    assert [name for name in calls if ">>> " not in (inspect.getdoc(getattr(advisor, name)) or "")] == []
