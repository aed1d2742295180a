"""A workload for a service without metrics: a pattern and a few numbers, written as files that say what they assume."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final

import numpy as np

from advisor.ecs import FARGATE_SIZES
from advisor.errors import InputError
from advisor.sources.ecs_names import ecs_name_problem, region_problem
from advisor.sources.timestamps import zone_named
from advisor.units import HOURS_PER_DAY, HOURS_PER_WEEK, SECONDS_PER_HOUR, FloatArray

STEP_S: Final = 900
START: Final = datetime(2024, 1, 1, tzinfo=UTC)
"""A Monday. The date means nothing: beside measured loads, the weeks are repeated over their time."""
_MOST_WEEKS: Final = 104


class LoadShape(StrEnum):
    """How the load of a service goes up and down."""

    STEADY = "steady"
    OFFICE_HOURS = "office_hours"
    DAILY_WAVE = "daily_wave"
    SPIKY = "spiky"
    BATCH = "batch"
    WEEKLY = "weekly"


SHAPE_WORDS: Final[Mapping[LoadShape, str]] = {
    LoadShape.STEADY: "between 90 and 100 % of the peak at all times",
    LoadShape.OFFICE_HOURS: "Monday to Friday from 7:00 up to the peak at 9:00, 80 % from 12:00 to 13:00, down from 17:00 to "
    "19:00; 5 % at night and at weekends",
    LoadShape.DAILY_WAVE: "a wave every day between 20 % at 3:00 and the peak at 15:00",
    LoadShape.SPIKY: "10 % of the peak, and two spikes of half an hour a day on average, 50 to 100 % high, at random times",
    LoadShape.BATCH: "the peak from 2:00 to 4:00 every night, nothing else",
    LoadShape.WEEKLY: "a wave every day between 20 % at 3:00 and the peak at 15:00; 40 % of that at weekends",
}
"""What each shape assumes, as the workload file and every report repeat it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewService:
    """A service without metrics, as its owner imagines it.

    Raises
    ------
    InputError
        For a number or a name that cannot be.
    """

    name: str
    shape: LoadShape
    peak_requests_per_second: float
    """Highest load of a usual week, today."""
    cpu_ms_per_request: float
    memory_mib: int
    """Memory of one task."""
    cpu_units: int | None = None
    """Of one task; None: the least that Fargate's grid has with that memory."""
    min_tasks: int | None = None
    """None: the default of every workload file, and 0 for a batch."""
    growth_fraction: float = 0.0
    """Growth in a year."""
    weeks: int = 4
    time_zone: str = "UTC"
    """Whose clock the shape follows."""
    port: int | None = None
    """Load balanced if set."""
    cluster: str = "new"
    region: str = "us-east-1"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, problem in (
            ("service", ecs_name_problem(self.name)),
            ("cluster", ecs_name_problem(self.cluster)),
            ("region", region_problem(self.region)),
        ):
            if problem:
                raise InputError(f"{name}: {problem[0]}", fix=problem[1])
        for name, value, low, high in (
            ("peak requests per second", self.peak_requests_per_second, 1e-6, 1e7),
            ("CPU ms per request", self.cpu_ms_per_request, 1e-6, 1e7),
            ("memory", self.memory_mib, 6, 32 * 1024 * 1024),
            ("CPU units", self.least_cpu_units, 1, 196_608),
            ("least tasks", self.min_tasks or 0, 0, 100_000),
            ("growth", self.growth_fraction, -0.99, 100.0),
            ("weeks", self.weeks, 1, _MOST_WEEKS),
            ("port", self.port or 1, 1, 65_535),
            ("seed", self.seed, 0, 2**63),
        ):
            if not (math.isfinite(value) and low <= value <= high):
                raise InputError(f"{name}: {value:g} is not from {low:,g} to {high:,g}", fix="Give a number in that range.")
        zone_named(self.time_zone)

    @property
    def least_cpu_units(self) -> int:
        """CPU units of a task: as stated, or the least on Fargate's grid with the memory."""
        if self.cpu_units is not None:
            return self.cpu_units
        holding = [size.cpu_units for size in FARGATE_SIZES if size.memory_mib >= self.memory_mib]
        return min(holding, default=max(size.cpu_units for size in FARGATE_SIZES))

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the load is made from, one sentence each."""
        cpu = "stated" if self.cpu_units is not None else "the least on Fargate's grid with that memory"
        sentences = [
            f"pattern {self.shape}: {SHAPE_WORDS[self.shape]}, by the clock of {self.time_zone}",
            f"peak of {self.peak_requests_per_second:g} requests per second, {self.cpu_ms_per_request:g} ms of CPU each",
            f"a task has {self.memory_mib:,} MiB and {self.least_cpu_units:,} CPU units ({cpu}); what it uses was not measured",
        ]
        if self.growth_fraction:
            sentences.append(
                f"growth of {self.growth_fraction * 100:+g} % in a year: the {self.weeks} weeks stand for equal parts of the "
                "coming year, and the load grows from part to part"
            )
        else:
            sentences.append("no growth")
        if self.shape in (LoadShape.STEADY, LoadShape.SPIKY):
            sentences.append(f"chance from seed {self.seed}")
        return tuple(sentences)


def requests_per_second(new: NewService) -> FloatArray:
    """The load that a new service is assumed to have, (steps,): steps of 15 minutes from ``START``. [1/s]

    The same numbers give the same load. Without growth the highest step is the peak.
    """
    zone = zone_named(new.time_zone) or UTC
    hours = _local_hours(new.weeks * HOURS_PER_WEEK * SECONDS_PER_HOUR // STEP_S, zone)
    shape = _shape(new.shape, hours, np.random.default_rng(new.seed))
    part = (np.arange(hours.size) // (HOURS_PER_WEEK * SECONDS_PER_HOUR // STEP_S) + 0.5) / new.weeks
    return np.asarray(new.peak_requests_per_second * shape / shape.max() * (1 + new.growth_fraction * part))


def render_new_workload(new: NewService) -> Mapping[str, bytes]:
    """A workload file and its load file, by relative path. `read_workload` takes them as they are.

    The assumptions stand in the workload file under ``assumed``, which makes the load stated instead of measured, and which
    every report repeats.

    Examples
    --------
    >>> import advisor
    >>> new = advisor.NewService(
    ...     name="web",
    ...     shape=advisor.LoadShape.STEADY,
    ...     peak_requests_per_second=120,
    ...     cpu_ms_per_request=25,
    ...     memory_mib=1024,
    ...     region="eu-west-1",
    ... )
    >>> sorted(advisor.render_new_workload(new))
    ['web.csv', 'workload.yaml']
    """
    return {"workload.yaml": _yaml(new), f"{new.name}.csv": _csv(new)}


def _local_hours(n_steps: int, zone: tzinfo) -> FloatArray:
    """Hour of the week on the clock of a zone, (steps,): 0 is Monday 0:00."""
    hours = np.empty(n_steps)
    for step in range(n_steps):
        local = (START + timedelta(seconds=step * STEP_S)).astimezone(zone)
        hours[step] = local.weekday() * HOURS_PER_DAY + local.hour + local.minute / 60
    return hours


def _shape(shape: LoadShape, hours: FloatArray, chance: np.random.Generator) -> FloatArray:
    """Share of the peak, (steps,)."""
    of_day, is_weekend = hours % HOURS_PER_DAY, hours >= 5 * HOURS_PER_DAY
    wave = 0.6 - 0.4 * np.cos((of_day - 3) / HOURS_PER_DAY * 2 * np.pi)
    if shape is LoadShape.STEADY:
        return 0.9 + 0.1 * chance.random(hours.size)
    if shape is LoadShape.OFFICE_HOURS:
        day = np.interp(of_day, [0, 7, 9, 11.9, 12, 12.9, 13, 17, 19, 24], [0.05, 0.05, 1, 1, 0.8, 0.8, 1, 1, 0.05, 0.05])
        return np.asarray(np.where(is_weekend, 0.05, day))
    if shape is LoadShape.DAILY_WAVE:
        return np.asarray(wave)
    if shape is LoadShape.WEEKLY:
        return np.asarray(np.where(is_weekend, 0.4 * wave, wave))
    if shape is LoadShape.BATCH:
        return np.asarray(np.where((of_day >= 2) & (of_day < 4), 1.0, 0.0))
    return _spikes(hours.size, chance)


def _spikes(n_steps: int, chance: np.random.Generator) -> FloatArray:
    per_day, lasting = 2, 1_800 // STEP_S
    starts = chance.random(n_steps) < per_day * STEP_S / (HOURS_PER_DAY * SECONDS_PER_HOUR)
    if not starts.any():
        starts[int(chance.integers(n_steps))] = True
    height = np.where(starts, 0.5 + 0.5 * chance.random(n_steps), 0.0)
    level = np.maximum.reduce([np.roll(height, step) for step in range(lasting)])
    return np.asarray(np.maximum(level / level.max(), 0.1))


def _csv(new: NewService) -> bytes:
    first = START.replace(tzinfo=None)
    rows = [
        f"{(first + timedelta(seconds=step * STEP_S)).isoformat()}Z,{rate:.6g}"
        for step, rate in enumerate(requests_per_second(new).tolist())
    ]
    return ("\n".join(["timestamp,requests_per_second", *rows]) + "\n").encode()


def _yaml(new: NewService) -> bytes:
    import yaml

    service: dict[str, object] = {
        "name": new.name,
        "task": {"cpu": new.least_cpu_units, "memory": new.memory_mib},
        "load": {
            "file": f"{new.name}.csv",
            "cpu_ms_per_request": new.cpu_ms_per_request,
            "assumed": list(new.assumptions),
        },
    }
    least = 0 if new.min_tasks is None and new.shape is LoadShape.BATCH else new.min_tasks
    if least is not None:
        service["scaling"] = {"min": least}
    if new.port is not None:
        service["port"] = new.port
    head = (
        "# Made by `advisor new` for a service without metrics: every number below is assumed, no answer is surer.\n"
        "# Measure the service once it runs, and replace the load (`advisor collect`, or a CSV).\n"
    )
    content = {"cluster": new.cluster, "region": new.region, "services": [service]}
    return (head + str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120))).encode()
