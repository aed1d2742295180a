"""``python -m benchmarks.fleet [--services N] [--quick]``: a generated Parquet data set, screened beside its reading.

The data set is made in a temporary folder (7 MB of disk for each ten services and a year of five-minute steps) and removed.
"""

import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.measure import ROOT, Row, python

STEPS = 105_120
STEP_S = 300
A_FILE = 50
"""Services of a file, a row group each."""
SAMPLE = 2
"""Services that the pandas script is given; its time is multiplied up and marked so."""
SIZE = {"region": "us-east-1", "cpu": 512, "memory": 1024}


def generate(folder: Path, n_services: int, n_steps: int = STEPS, step_s: int = STEP_S) -> None:
    """Daily and weekly waves with noise, 2 to some 400 tasks a service, in long form."""
    import pyarrow
    from pyarrow import parquet

    random = np.random.default_rng(6)
    times = (np.datetime64("2025-01-06T00:00:00", "s") + np.arange(n_steps) * np.timedelta64(step_s, "s")).astype(
        "datetime64[ms]"
    )
    hours = np.arange(n_steps) * step_s / 3600
    day, week = np.sin(hours / 24 * 2 * np.pi), np.sin(hours / 168 * 2 * np.pi)
    noise = random.normal(0, 0.05, n_steps)
    kind = pyarrow.timestamp("ms", "UTC")
    schema = pyarrow.schema(
        [("service", pyarrow.dictionary(pyarrow.int32(), pyarrow.string())), ("timestamp", kind), ("tasks", pyarrow.int32())]
    )
    for first in range(0, n_services, A_FILE):
        with parquet.ParquetWriter(folder / f"part-{first // A_FILE:04}.parquet", schema, compression="zstd") as writer:
            for number in range(first, min(first + A_FILE, n_services)):
                level = random.uniform(2, 200)
                turned = np.roll(day, int(random.integers(0, n_steps)))
                tasks = np.maximum(np.round(level * (1 + 0.6 * turned + 0.15 * week + np.roll(noise, number * 97))), 1)
                names = pyarrow.DictionaryArray.from_arrays(np.zeros(n_steps, dtype=np.int32), [f"service-{number:05}"])
                columns = [names, pyarrow.array(times, kind), pyarrow.array(tasks.astype(np.int32))]
                writer.write_table(pyarrow.table(columns, schema=schema), row_group_size=n_steps)


def fleet_rows(is_quick: bool, n_services: int | None = None) -> Iterator[Row]:
    """A year of five-minute steps: the screening against reading alone, a pandas script, and other engines."""
    n_services = n_services or (100 if is_quick else 1_000)
    folder = Path(tempfile.mkdtemp(prefix="fleet-"))
    try:
        generate(folder, n_services)
        rows = n_services * STEPS
        name = f"screening, {n_services:,} services, {rows / 1e6:,.0f} M rows"
        runs = [(_child("read", folder), _child("screen", folder)) for _ in range(2 if is_quick else 3)]
        read = min(each["s"] for each, _ in runs)
        screened = min((each for _, each in runs), key=lambda each: each["s"])
        yield Row(
            name=f"{name} ({screened['mb']:,.0f} MB)",
            ours_s=screened["s"],
            other="reading it, one thread",
            other_s=read,
            goal=">= 0.8, < 2,000 MB",
        )
        pandas = _child("pandas", folder)["s"] / SAMPLE * n_services
        yield Row(
            name=name, ours_s=screened["s"], other=f"pandas, {SAMPLE} services, extrapolated", other_s=pandas, goal=">= 100"
        )
        if n_services * STEPS >= 10_000_000:
            yield from _engine_rows(folder, name, screened["s"], runs=len(runs))
    finally:
        shutil.rmtree(folder)


def _engine_rows(folder: Path, name: str, screened_s: float, *, runs: int) -> Iterator[Row]:
    """Two workers of one thread each against one such process, and against one whose reading of Parquet takes all cores."""
    of_one_thread_s = min(_child("screen", folder, is_one_thread=True)["s"] for _ in range(runs))
    dask_s = _child("dask", folder)["s"]
    for other, other_s, goal in (
        ("one process of one thread, as each worker is", of_one_thread_s, ">= 1.5"),
        ("one process, whose reading takes all cores", screened_s, "(the same cores)"),
    ):
        yield Row(name=f"{name}, dask, 2 workers, warm", ours_s=dask_s, other=other, other_s=other_s, goal=goal)
    yield Row(
        name=f"{name}, processes, 2, cold", ours_s=_child("processes", folder)["s"], other="one process",
        other_s=screened_s, goal="(imports and prices twice)",
    )  # fmt: skip


def _child(what: str, folder: Path, *more: str, is_one_thread: bool = False) -> dict[str, float]:
    """Seconds and peak memory of one kind of work in a process of its own, imports and prices not counted."""
    command = python("-m", "benchmarks.fleet", "child", what, str(folder), *more)
    threads = {"OMP_NUM_THREADS": "1"} if is_one_thread else {}  # of Arrow, too; Dask starts its workers with the same
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **threads})
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(what: str, folder: Path, n_files: int | None) -> float:
    from advisor.fleet import Engine, FleetOptions, advise_fleet
    from advisor.fleet.advised import catalog_of
    from advisor.fleet.engines import DASK_WORKERS

    options = FleetOptions(**SIZE)
    catalog_of("us-east-1", None, None)
    if what == "read":
        return _read(folder)
    if what == "pandas":
        return _pandas(folder)
    with tempfile.TemporaryDirectory() as small:  # imports
        generate(Path(small), 1, n_steps=2_016)
        advise_fleet([small], options=options, advise_top=0)
    if n_files is not None:
        few = folder / "few"
        few.mkdir(exist_ok=True)
        for path in sorted(folder.glob("*.parquet"))[:n_files]:
            (few / path.name).hardlink_to(path)
        folder = few
    try:
        if what == "dask":
            import dask
            import distributed

            with (
                dask.config.set(DASK_WORKERS),
                distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
            ):
                times = []
                for _ in range(6):
                    start = time.perf_counter()
                    advise_fleet(
                        [folder], options=options, advise_top=0, engine=Engine.DASK, scheduler=cluster.scheduler_address
                    )
                    times.append(time.perf_counter() - start)
                return min(times[1:])
        engine = Engine.PROCESSES if what == "processes" else Engine.LOCAL
        start = time.perf_counter()
        found = advise_fleet([folder], options=options, advise_top=0, engine=engine, workers=2 if what == "processes" else None)
        seconds = time.perf_counter() - start
        assert found.totals.n_counted == found.totals.n_workloads
        return seconds
    finally:
        if n_files is not None:
            shutil.rmtree(folder)


def _read(folder: Path) -> float:
    """Every column of every row group, as Arrow decodes it: the limit."""
    from pyarrow import parquet

    start = time.perf_counter()
    for path in sorted(folder.glob("*.parquet")):
        with parquet.ParquetFile(path, read_dictionary=["service"]) as file:
            for group in range(file.num_row_groups):
                file.read_row_group(group, use_threads=False)
    return time.perf_counter() - start


def _pandas(folder: Path) -> float:
    """What one would write: a service at a time, an instance type at a time."""
    import pandas

    from advisor.ecs import LaunchType
    from advisor.optimize.candidates import candidates
    from advisor.sources import read_catalog
    from advisor.workload import Constraints

    types = candidates(read_catalog("us-east-1"), "us-east-1", Constraints())
    fit = np.maximum((types.capacity[LaunchType.EC2] // np.array([SIZE["cpu"], SIZE["memory"], 1])).min(axis=1), 1)
    start = time.perf_counter()
    for number in range(SAMPLE):
        path = folder / "part-0000.parquet"
        frame = pandas.read_parquet(path, filters=[("service", "==", f"service-{number:05}")])
        held = frame.set_index("timestamp").tasks.rolling("20min").max()  # a step and 15 minutes before it
        costs = [
            float(np.ceil(held / per_instance).clip(lower=2).mean() * 730 * usd)
            for per_instance, usd in zip(fit, types.on_demand_usd, strict=True)
        ]
        assert min(cost for cost in costs if not math.isnan(cost)) > 0
    return time.perf_counter() - start


def growth(is_quick: bool) -> dict[str, list[tuple[float, float, float]]]:
    """Size, seconds and peak MB: of a screening by services, of full advice on one service by hours and by instance types."""
    found: dict[str, list[tuple[float, float, float]]] = {"services": [], "hours": [], "types": []}
    folder = Path(tempfile.mkdtemp(prefix="fleet-"))
    try:
        sizes = (50, 100) if is_quick else (50, 100, 200, 400)
        generate(folder, sizes[-1])
        for n in sizes:
            child = _child("screen", folder, str(n // A_FILE))
            found["services"].append((n, child["s"], child["mb"]))
    finally:
        shutil.rmtree(folder)
    for weeks in (4, 52) if is_quick else (4, 13, 26, 52, 104):
        child = _child("advise", Path(), str(weeks), "*")
        found["hours"].append((weeks * 168, child["s"], child["mb"]))
    for pattern in ("m7*", "*") if is_quick else ("m7g*", "m7*", "m*", "[cm]*", "*"):
        child = _child("advise", Path(), "52", pattern)
        found["types"].append((child["types"], child["s"], child["mb"]))
    return found


def _advise(weeks: int, pattern: str) -> dict[str, float]:
    """One service by the hour, warm: the second time in a process."""
    from dataclasses import replace
    from datetime import UTC, datetime

    from advisor import advise, read_catalog
    from advisor.ecs import Architecture, TaskSize
    from advisor.optimize.candidates import candidates
    from advisor.workload import Constraints, LoadForm, Scaling, Service, Workload

    hours = np.arange(weeks * 168)
    random = np.random.default_rng(3)
    load = 300 * (1.2 + np.sin(hours / 24 * 2 * np.pi)) * random.lognormal(0, 0.1, hours.size)
    service = Service(
        name="web",
        task=TaskSize(cpu_units=512, memory_mib=1024),
        load_form=LoadForm.REQUESTS,
        scaling=Scaling(min_tasks=2),
        requests_per_task=20.0,
        architectures=tuple(Architecture),
    )
    constraints = Constraints(instance_types=(pattern,))
    workload = Workload(
        cluster="one", region="us-east-1", services=(service,), start=datetime(2025, 1, 6, tzinfo=UTC), step_s=3600,
        demand=load[np.newaxis], constraints=constraints,
    )  # fmt: skip
    catalog = read_catalog("us-east-1")
    advise(workload, catalog)
    start = time.perf_counter()
    advise(replace(workload, demand=load[np.newaxis] * 1.01), catalog)
    seconds = time.perf_counter() - start
    return {"s": seconds, "types": len(candidates(catalog, "us-east-1", constraints).types)}


def one_service_rows(is_quick: bool) -> Iterator[Row]:
    """The full advice on one service, all instance types, a year by the hour."""
    child = _child("advise", Path(), "52", "*")
    name = f"advise, 1 service, a year hourly, {child['types']:.0f} types ({child['mb']:,.0f} MB)"
    yield Row(name=name, ours_s=child["s"], other="2 s", other_s=2.0, goal=">= 1")


def cluster_rows(is_quick: bool) -> Iterator[Row]:
    """Everything for one cluster: the plan of all its services, replayed finalists, draws, report and deploy files, on disk."""
    n_services = 8 if is_quick else 40
    folder = Path(tempfile.mkdtemp(prefix="cluster-"))
    try:
        _write_cluster(folder, n_services)
        start = time.perf_counter()
        command = python("-m", "advisor", "recommend", str(folder / "workload.yaml"), "--quiet", "--out", str(folder / "out"))
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        seconds = time.perf_counter() - start
    finally:
        shutil.rmtree(folder)
    name = f"recommend --out, {n_services} services, a year hourly"
    yield Row(name=name, ours_s=seconds, other="60 s / 40 services", other_s=60 / 40 * n_services, goal=">= 1")


def _write_cluster(folder: Path, n_services: int) -> None:
    random = np.random.default_rng(0)
    hours = np.arange(8_760)
    times = np.datetime_as_string(np.datetime64("2025-01-06T00:00:00", "s") + hours * np.timedelta64(3600, "s")).tolist()
    lines = ["cluster: bench", "region: us-east-1", "services:"]
    for number in range(n_services):
        wave = 1 + 0.6 * np.sin(hours / 24 * 2 * np.pi + random.uniform(0, 6)) + 0.15 * np.sin(hours / 168 * 2 * np.pi)
        load = np.maximum(random.uniform(20, 800) * wave * random.lognormal(0, 0.1, hours.size), 0.1).round(2).tolist()
        rows = "\n".join(f"{stamp}Z,{value}" for stamp, value in zip(times, load, strict=True))
        (folder / f"service-{number}.csv").write_text(f"timestamp,requests_per_second\n{rows}\n", encoding="ascii")
        cpu = int(random.choice([256, 512, 1024]))
        lines += [
            f"  - name: service-{number}",
            f"    task: {{cpu: {cpu}, memory: {cpu * int(random.choice([2, 4]))}}}",
            f"    load: {{file: service-{number}.csv, requests_per_task: 20}}",
            "    architectures: [X86_64, ARM64]",
        ]
    (folder / "workload.yaml").write_text("\n".join(lines) + "\n", encoding="ascii")


def _peak_mb() -> float:
    """Most memory of this process since it began; ``ru_maxrss`` begins with that of the process that started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
    return float(line.split()[1]) / 1024


def main() -> None:
    """The rows, or one measurement in a process of its own."""
    if sys.argv[1:2] == ["child"]:
        what, folder, *more = sys.argv[2:]
        found = _advise(int(more[0]), more[1]) if what == "advise" else {
            "s": _measured(what, Path(folder), int(more[0]) if more else None)
        }  # fmt: skip
        print(json.dumps({**found, "mb": _peak_mb()}))
        return
    n_services = int(sys.argv[sys.argv.index("--services") + 1]) if "--services" in sys.argv else None
    for row in fleet_rows("--quick" in sys.argv, n_services):
        print(row.text(), flush=True)


if __name__ == "__main__":
    main()
