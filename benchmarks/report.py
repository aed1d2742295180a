"""The report of the example beside plain matplotlib, and the replay beside simpy in a process of its own."""

import importlib.util
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date

import numpy as np

from benchmarks.measure import ROOT, Row, Skipped, median_s, python


def report_rows(is_quick: bool) -> Iterator[Row]:
    """Page, Markdown and all charts as SVG and PNG, against as many plain line charts."""
    from advisor import advise, read_catalog, read_workload
    from advisor.report.folder import render_report

    workload = read_workload(ROOT / "examples" / "shop" / "workload.yaml")
    found = advise(workload, read_catalog(workload.region), today=date(2026, 1, 1), replay_weeks=0)
    n_charts = sum(path.endswith((".svg", ".png")) for path in render_report(found))
    ours = median_s(lambda: render_report(found), runs=1 if is_quick else 3)
    theirs = median_s(lambda: _plain_charts(n_charts), runs=1 if is_quick else 3)
    yield Row(
        name=f"report, {n_charts} pictures", ours_s=ours, other="as many line charts of pyplot", other_s=theirs, goal=">= 0.5"
    )


def _plain_charts(n: int) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    values = np.random.default_rng(0).normal(size=(4, 8_760)).cumsum(axis=1)
    for number in range(n):
        figure = pyplot.figure(figsize=(8, 4.5), layout="constrained")
        figure.gca().plot(values.T)
        figure.savefig(io.BytesIO(), format="svg" if number % 2 else "png")
        pyplot.close(figure)


def simpy_rows(is_quick: bool) -> Iterator[Row | Skipped]:
    """One service with an alarm a minute, steps in a second: a process of simpy's own, which does less than the replay."""
    name = "placement replay, one service, steps"
    if importlib.util.find_spec("simpy") is None:
        yield Skipped(name=name, why="simpy is not installed: pip install simpy, and run again")
        return
    from benchmarks.replay import _replay, _services

    n_steps = 1_440 if is_quick else 14_400
    given = _services(n_steps)
    start = time.perf_counter()
    _replay(given)
    ours = (time.perf_counter() - start) / (n_steps * len(given))
    done = subprocess.run(
        python("-m", "benchmarks.report", "simpy", str(n_steps)), check=True, capture_output=True, text=True, cwd=ROOT
    )
    theirs = json.loads(done.stdout.splitlines()[-1])["s"] / n_steps
    yield Row(name=name, ours_s=ours, other="simpy, a service alone", other_s=theirs, goal=">= 1 (a step of a service)")


def _simpy(n_steps: int) -> float:
    import simpy

    load = (10 * (1.2 + np.sin(np.arange(n_steps) / 1_440 * 2 * np.pi))).tolist()
    environment = simpy.Environment()
    running, above = 2, 0

    def service() -> Iterator[object]:
        nonlocal running, above
        for value in load:
            above = above + 1 if value > running else 0
            if above >= 3:
                running, above = int(value) + 1, 0
            yield environment.timeout(60)

    environment.process(service())
    start = time.perf_counter()
    environment.run()
    return time.perf_counter() - start


if __name__ == "__main__" and sys.argv[1:2] == ["simpy"]:
    print(json.dumps({"s": _simpy(int(sys.argv[2]))}))
