"""Timing, and one table of ratios."""

import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured, against what, and how many times faster or slower it is."""

    name: str
    ours_s: float
    other: str
    other_s: float
    goal: str
    unit: str = "s"
    """``USD`` where dollars are compared in place of seconds."""

    @property
    def ratio(self) -> float:
        """The other's over ours."""
        return self.other_s / self.ours_s

    def cells(self) -> tuple[str, str, str, str, str, str]:
        """What, ours, against what, theirs, ratio, goal."""
        show = _time if self.unit == "s" else "${:,.2f}".format
        return self.name, show(self.ours_s), self.other, show(self.other_s), f"{self.ratio:,.2f}", self.goal

    def text(self) -> str:
        """One line of the table."""
        name, ours, other, theirs, ratio, goal = self.cells()
        return f"{name:<66} {ours:>9}  {other:<32} {theirs:>9} {ratio:>9}  {goal}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """What could not be measured here, which is said."""

    name: str
    why: str

    def cells(self) -> tuple[str, str, str, str, str, str]:
        """The same columns, empty."""
        return self.name, "", f"skipped: {self.why}", "", "", ""

    def text(self) -> str:
        """One line of the table."""
        return f"{self.name:<66} skipped: {self.why}"


COLUMNS = ("what", "ours", "against", "theirs", "ratio", "goal")
HEADER = f"{'what':<66} {'ours':>9}  {'against':<32} {'theirs':>9} {'ratio':>9}  goal"


def machine() -> str:
    """What this runs on, with two limits of it: how fast it copies, and how fast it adds what lies in its caches."""
    big, small = np.zeros(32 << 20, dtype=np.float32), np.zeros(1 << 14, dtype=np.float32)
    other, out = np.empty_like(big), np.empty_like(small)
    copied = median_s(lambda: np.copyto(other, big), runs=5)
    added = median_s(lambda: [np.add(small, small, out=out) for _ in range(200)], runs=5)
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}, load "
        f"{os.getloadavg()[0]:.1f} at the start; copies {2 * big.nbytes / copied / 1e9:.1f} GB/s, adds "
        f"{200 * small.size / added / 1e9:.1f} G cached float32/s"
    )


def median_s(call: Callable[[], object], runs: int = 7) -> float:
    """Median wall time of a call, after one that is not counted."""
    call()
    return statistics.median(_timed(call) for _ in range(runs))


def once_s(call: Callable[[], object]) -> float:
    """Wall time of one call, for what takes long."""
    return _timed(call)


def processes_s(*commands: Sequence[str], runs: int = 5) -> list[float]:
    """Median wall time of whole processes, warm, run in turns so that a busy moment meets all of them."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times: list[list[float]] = [[] for _ in commands]
    for turn in range(runs + 1):
        for at, command in enumerate(commands):
            seconds = _timed(
                lambda command=command: subprocess.run(command, check=True, capture_output=True, env=env, cwd=ROOT)
            )
            if turn:
                times[at].append(seconds)
    return [statistics.median(each) for each in times]


def peak_children_mb() -> float:
    """Largest memory of any process that was waited for so far."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def python(*arguments: str) -> list[str]:
    """A command that this interpreter runs."""
    return [sys.executable, *arguments]


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _time(seconds: float) -> str:
    if seconds < 1e-6:
        return f"{seconds * 1e9:,.1f} ns"
    return f"{seconds * 1e6:,.0f} us" if seconds < 0.001 else f"{seconds * 1e3:,.1f} ms" if seconds < 1 else f"{seconds:,.2f} s"
