"""Timing, and one table of ratios."""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured, against what, and how many times faster or slower it is."""

    name: str
    ours_s: float
    other: str
    other_s: float
    goal: str

    def text(self) -> str:
        """One line of the table; the ratio is the other's time over ours."""
        times = f"{_time(self.ours_s):>9}  {self.other:<28} {_time(self.other_s):>9}"
        return f"{self.name:<56} {times} {self.other_s / self.ours_s:>9,.2f}  {self.goal}"


HEADER = f"{'what':<56} {'ours':>9}  {'against':<28} {'theirs':>9} {'ratio':>9}  goal"


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
    return f"{seconds * 1e6:,.0f} us" if seconds < 0.001 else f"{seconds * 1e3:,.1f} ms" if seconds < 1 else f"{seconds:,.2f} s"
