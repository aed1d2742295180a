"""Measures on real loads how far the fast model of instances is from the placement replay, and what hourly input loses.

    python tools/measure_envelope.py --loads FOLDER > tables.md

FOLDER holds the files that ``LOADS`` names, of 1 and 5 minutes; one that is absent is left out and named. Each load is scaled
so that its 99.5th percentile needs 30 tasks at the scaling target; its last two weeks count, the first three hours do not.
Costs are instance-hours: of one type they are the bill. Takes about two minutes of one core.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from advisor.ecs import LaunchType, PlacementStrategy, TaskSize
from advisor.optimize.packed import dedicated_instances, packed_load, shared_instances
from advisor.simulate.instances import most_tasks, reservation
from advisor.simulate.replay import (
    ClusterRules,
    CountedCells,
    CountedCluster,
    ReplayedCluster,
    ReplayedService,
    replay_cluster,
    replay_counts,
)
from advisor.simulate.scaling import RunningTasks, running_tasks
from advisor.simulate.timeline import COUNTS_STEP_S, timeline
from advisor.units import SECONDS_PER_HOUR, FloatArray, IntArray
from advisor.workload import LoadForm, Scaling, Service

PEAK_TASKS = 30
PER_INSTANCE = (3, 6, 12)
ZONES = 2
TARGET = 0.6
WARM_UP_H = 3
START = datetime(2024, 1, 1, tzinfo=UTC)
SIZES = ((512, 1024), (256, 900), (1024, 1500), (300, 1900))
"""Task sizes of the services of a shared cluster, CPU units and MiB; the first one is that of a service alone."""
SHARED_CAPACITY = np.array([4096, 15_500, 40])
NAMES = {
    PlacementStrategy.BINPACK: "binpack",
    PlacementStrategy.SPREAD_THEN_BINPACK: "spread, then binpack",
    PlacementStrategy.DEFAULT_SPREAD: "default spread",
}


@dataclass(frozen=True)
class Load:
    """One load and how its file is read."""

    name: str
    file: str
    time: str
    value: str
    step_s: int = 300
    how: str = "mean"
    unit: str | None = None
    """Unit of a time that is a number."""


LOADS = (
    Load("EC2 CPU a", "cloudwatch_nab/ec2_cpu_utilization_5f5533.csv", "timestamp", "value"),
    Load("EC2 CPU b", "cloudwatch_nab/ec2_cpu_utilization_ac20cd.csv", "timestamp", "value"),
    Load("RDS CPU", "cloudwatch_nab/rds_cpu_utilization_e47b3b.csv", "timestamp", "value"),
    Load("EC2 CPU c", "cloudwatch_nab/ec2_cpu_utilization_24ae8d.csv", "timestamp", "value"),
    Load("EC2 CPU d", "cloudwatch_nab/ec2_cpu_utilization_53ea38.csv", "timestamp", "value"),
    Load("ELB requests", "cloudwatch_nab/elb_request_count_8c0756.csv", "timestamp", "value", how="sum"),
    Load("Auto Scaling group CPU", "cloudwatch_nab/cpu_utilization_asg_misconfiguration.csv", "timestamp", "value"),
    Load("network in", "cloudwatch_nab/ec2_network_in_257a54.csv", "timestamp", "value"),
    Load("train tickets CPU", "microservices_nezha/train_ticket_2023-01-29_long.csv.gz", "TimeStamp", "CpuUsage(m)",
         step_s=60, how="sum", unit="s"),
)  # fmt: skip


def read(load: Load, folder: Path) -> FloatArray | None:
    """Load of each step, gaps filled with the step before; None where the file or the column is absent."""
    path = folder / load.file
    if not path.exists():
        return None
    frame = pd.read_csv(path)
    if load.value not in frame or load.time not in frame:
        return None
    if load.unit:
        stamps = pd.to_datetime(pd.to_numeric(frame[load.time]), unit="s", utc=True)
    else:
        stamps = pd.to_datetime(frame[load.time], utc=True)
    values = pd.Series(pd.to_numeric(frame[load.value], errors="coerce").to_numpy(), index=stamps).sort_index()
    by_step = values.resample(f"{load.step_s}s")
    series = (by_step.sum(min_count=1) if load.how == "sum" else by_step.mean()).ffill().to_numpy(dtype=np.float64)
    per_hour = SECONDS_PER_HOUR // load.step_s
    series = series[-14 * 24 * per_hour :]
    series = series[: series.size // per_hour * per_hour]
    return np.asarray(series * (PEAK_TASKS / np.quantile(series, 0.995)))


def service(number: int) -> Service:
    """A service whose CPU in use is its load."""
    cpu, memory = SIZES[number]
    return Service(
        name=f"service-{number}",
        task=TaskSize(cpu_units=cpu, memory_mib=memory),
        load_form=LoadForm.USAGE,
        scaling=Scaling(min_tasks=2, target_cpu_fraction=TARGET),
    )


def runs_of(loads: list[FloatArray], step_s: int, *, is_envelope: bool) -> list[RunningTasks]:
    """Tasks of each service, as the search sees them; or by the envelope, whatever the step."""
    axis = timeline(START, step_s, loads[0].size)
    if is_envelope:
        axis = replace(axis, counts_step_s=None)
    services = [service(number) for number in range(len(loads))]
    return [
        running_tasks(each, load * (TARGET * each.task.cpu_units), each.task, axis)
        for each, load in zip(services, loads, strict=True)
    ]


def fast_hours(
    loads: list[FloatArray],
    step_s: int,
    capacity: IntArray,
    placement: PlacementStrategy,
    *,
    is_envelope: bool = False,
) -> float:
    """Mean instances of the fast model."""
    runs = runs_of(loads, step_s, is_envelope=is_envelope)
    delay = timeline(START, step_s, loads[0].size).delay_steps
    if len(runs) == 1:
        (run,) = runs
        per_instance = int(most_tasks(run.service, run.size, LaunchType.EC2, capacity))
        _, running = dedicated_instances(run, per_instance, ZONES, delay, placement=placement)
    else:
        is_default = placement is PlacementStrategy.DEFAULT_SPREAD
        _, running = shared_instances(packed_load(runs), capacity, ZONES, delay, is_default=is_default)
    per_hour = running.size // (loads[0].size * step_s // SECONDS_PER_HOUR)
    return float(running[WARM_UP_H * per_hour :].mean())


def hours_with_room(load: FloatArray, step_s: int, k: int, placement: PlacementStrategy) -> float:
    """Mean instances of the fast model of one service, with counts that know the ``k`` places on each active instance."""
    (run,) = runs_of([load], step_s, is_envelope=False)
    cells = CountedCells(
        load=np.repeat(load, step_s // COUNTS_STEP_S)[:, np.newaxis],
        min_tasks=np.array([2]),
        max_tasks=np.array([np.inf]),
        saturates_at=np.array([1 / TARGET]),
        start_s=60,
        cluster=CountedCluster(places=np.array([k]), zones=ZONES, rules=ClusterRules(min_instances=ZONES)),
    )
    found = replay_counts(cells, step_s=COUNTS_STEP_S)
    wanted = found.placed[:, 0] if found.waiting is None else (found.placed + found.waiting)[:, 0]
    limited = replace(run, counts=wanted, tasks=wanted.reshape(run.tasks.size, -1).mean(axis=1))
    _, running = dedicated_instances(limited, k, ZONES, timeline(START, step_s, load.size).delay_steps, placement=placement)
    return float(running[WARM_UP_H * SECONDS_PER_HOUR // step_s :].mean())


def replayed_hours(loads: list[FloatArray], step_s: int, capacity: IntArray, placement: PlacementStrategy) -> float:
    """Mean instances of the placement replay, with one in each zone at least, as plans have it."""
    services = [service(number) for number in range(len(loads))]
    rules = ClusterRules(min_instances=ZONES)
    cluster = ReplayedCluster(capacity=capacity, zones=ZONES, placement=placement, rules=rules)
    replay = replay_cluster(_replayed(services, loads, step_s), cluster, step_s=COUNTS_STEP_S)
    return float(replay.over_time(replay.instances)[WARM_UP_H * SECONDS_PER_HOUR // COUNTS_STEP_S :].mean())


def _replayed(services: list[Service], loads: list[FloatArray], step_s: int) -> list[ReplayedService]:
    return [
        ReplayedService(
            name=each.name,
            reservation=reservation(each, each.task, LaunchType.EC2),
            start_s=60,
            min_tasks=2,
            max_tasks=None,
            load=np.repeat(load, step_s // COUNTS_STEP_S),
            saturates_at=1 / TARGET,
        )
        for each, load in zip(services, loads, strict=True)
    ]


def alone(k: int) -> IntArray:
    """An instance that holds ``k`` tasks of the first size."""
    cpu, memory = SIZES[0]
    return np.array([k * cpu, k * memory, k + 2])


def by_mean(load: FloatArray, step_s: int, coarse_s: int) -> FloatArray:
    """Means of longer steps."""
    return np.asarray(load.reshape(-1, coarse_s // step_s).mean(axis=1))


def percent(values: list[float]) -> str:
    """Mean, worst of both signs."""
    worst = max(values, key=abs)
    return f"{np.mean(np.abs(values)) * 100:.1f} % | {np.mean(values) * 100:+.1f} % | {worst * 100:+.1f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description="Tables of docs/envelope.md.")
    parser.add_argument("--loads", type=Path, required=True)
    folder = parser.parse_args().loads
    found = {load: series for load in LOADS if (series := read(load, folder)) is not None}
    for load in LOADS:
        if load not in found:
            print(f"left out, not there: {load.file}", file=sys.stderr)
    _one_service(found)
    _shared(found)
    _hourly(found)


def _one_service(found: dict[Load, FloatArray]) -> None:
    print("| load | step | " + " | ".join(f"{name} | envelope" for name in NAMES.values()) + " |")
    print("| --- | --- |" + " ---: |" * 2 * len(NAMES))
    errors: dict[tuple[PlacementStrategy, str, int], list[float]] = {}
    for load, series in found.items():
        cells = []
        for placement in NAMES:
            rows: dict[str, list[float]] = {"counts": [], "envelope": []}
            with_room: list[float] = []
            for k in PER_INSTANCE:
                truth = replayed_hours([series], load.step_s, alone(k), placement)
                for name, values in rows.items():
                    fast = fast_hours([series], load.step_s, alone(k), placement, is_envelope=name == "envelope")
                    values.append(fast / truth - 1)
                with_room.append(hours_with_room(series, load.step_s, k, placement) / truth - 1)
            errors.setdefault((placement, "counts with room", load.step_s), []).extend(with_room)
            for name, values in rows.items():
                errors.setdefault((placement, name, load.step_s), []).extend(values)
                cells.append(f"{np.mean(values) * 100:+.1f} %")
        print(f"| {load.name} | {load.step_s // 60} min | {' | '.join(cells)} |", flush=True)
    print("\n| placement, one service | by | step | mean size | mean | worst |\n| --- | --- | --- | ---: | ---: | ---: |")
    for (placement, name, step_s), values in sorted(errors.items(), key=lambda item: (item[0][1], item[0][2])):
        print(f"| {NAMES[placement]} | {name} | {step_s // 60} min | {percent(values)} |")


def _shared(found: dict[Load, FloatArray]) -> None:
    print("\n| placement, four services | by | mean size | mean | worst |\n| --- | --- | ---: | ---: | ---: |")
    loads = [series for load, series in found.items() if load.step_s == 300]
    groups = [[loads[(first + i) % len(loads)] for i in range(len(SIZES))] for first in range(len(loads))]
    for placement in NAMES:
        errors: dict[str, list[float]] = {"counts": [], "envelope": []}
        for group in groups:
            n_steps = min(series.size for series in group) // 12 * 12
            cut = [series[-n_steps:] for series in group]
            truth = replayed_hours(cut, 300, SHARED_CAPACITY, placement)
            for name, values in errors.items():
                values.append(fast_hours(cut, 300, SHARED_CAPACITY, placement, is_envelope=name == "envelope") / truth - 1)
        for name, values in errors.items():
            print(f"| {NAMES[placement]} | {name} | {percent(values)} |", flush=True)


def _hourly(found: dict[Load, FloatArray]) -> None:
    """What steps of a quarter of an hour and of an hour lose, by the fast model and by the replay."""
    print("\n| load | step | as | fast model | replay | Fargate |\n| --- | --- | --- | ---: | ---: | ---: |")
    lost: dict[tuple[int, int, str], list[float]] = {}
    placement = PlacementStrategy.SPREAD_THEN_BINPACK
    for load, series in found.items():
        for coarse_s in (900, SECONDS_PER_HOUR):
            cells = []
            coarse = by_mean(series, load.step_s, coarse_s)
            for name, hours in (("fast model", fast_hours), ("replay", replayed_hours)):
                values = []
                for k in PER_INSTANCE:
                    fine = hours([series], load.step_s, alone(k), placement)
                    values.append(hours([coarse], coarse_s, alone(k), placement) / fine - 1)
                lost.setdefault((load.step_s, coarse_s, name), []).extend(values)
                cells.append(f"{np.mean(values) * 100:+.1f} %")
            on_fargate = task_hours(coarse, coarse_s) / task_hours(series, load.step_s) - 1
            lost.setdefault((load.step_s, coarse_s, "Fargate"), []).append(on_fargate)
            cells.append(f"{on_fargate * 100:+.1f} %")
            print(f"| {load.name} | {load.step_s // 60} min | {coarse_s // 60} min | {' | '.join(cells)} |", flush=True)
    print("\n| step | as | by | mean size | mean | worst |\n| --- | --- | --- | ---: | ---: | ---: |")
    for (step_s, coarse_s, name), values in sorted(lost.items()):
        print(f"| {step_s // 60} min | {coarse_s // 60} min | {name} | {percent(values)} |")


def task_hours(load: FloatArray, step_s: int) -> float:
    """Mean tasks of the fast model: what Fargate bills."""
    (run,) = runs_of([load], step_s, is_envelope=False)
    return float(run.tasks.mean())


if __name__ == "__main__":
    main()
