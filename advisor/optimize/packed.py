"""The load of services packed into instances: as many as first-fit decreasing fills, and as many as run."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from advisor.ecs import LaunchType, NetworkMode, PlacementStrategy
from advisor.simulate.instances import (
    held,
    held_in_zones,
    held_under_default_spread,
    held_under_default_spread_of_one,
    most_tasks,
    reservation,
    with_zone_floor,
)
from advisor.simulate.packing import first_fit_decreasing, sole_places, volume_bound
from advisor.simulate.scaling import RunningTasks
from advisor.units import FloatArray, IntArray
from advisor.workload import LoadForm

_MOST_KEYS = 2**62


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PackedLoad:
    """Several services over time, ready to be packed into instances of any type."""

    runs: tuple[RunningTasks, ...]
    sizes: IntArray
    """(services, 3 + places): CPU units, MiB, network slots, and places of which an instance has one."""
    distinct: IntArray
    """(states, services): the different combinations of task counts."""
    state_of_step: IntArray
    """(steps x count steps,): index into ``distinct``; -1 in a gap."""
    count_steps: int
    """Counts in a step of the time axis: more than one where counts are replayed in finer steps."""
    launch_type: LaunchType = LaunchType.EC2
    """Where tasks run as ``sizes`` say: not all launch types take the same network modes."""
    elsewhere: "dict[LaunchType, PackedLoad]" = field(default_factory=dict)
    packed_by_capacity: dict[tuple[int, ...], IntArray] = field(default_factory=dict)
    """Results of first-fit decreasing so far, (states,) by capacity."""

    def on(self, launch_type: LaunchType) -> "PackedLoad":
        """The same as its tasks run on a launch type."""
        if launch_type is self.launch_type or all(run.service.network_mode is NetworkMode.AWSVPC for run in self.runs):
            return self
        if launch_type not in self.elsewhere:
            self.elsewhere[launch_type] = replace(
                self, sizes=_sizes(self.runs, launch_type), launch_type=launch_type, elsewhere={}, packed_by_capacity={}
            )
        return self.elsewhere[launch_type]

    def offered(self, capacity: IntArray) -> IntArray:
        """(..., 3 + places): what instances of a capacity (..., 3) offer, in the dimensions of ``sizes``."""
        places = np.ones((*capacity.shape[:-1], self.sizes.shape[1] - capacity.shape[-1]), dtype=np.int64)
        return np.concatenate([capacity, places], axis=-1)

    @property
    def n_tasks(self) -> FloatArray:
        """(steps x count steps,): tasks of all services; NaN in a gap."""
        return self.over_time(self.distinct.sum(axis=1))

    def packed(self, capacity: IntArray) -> FloatArray:
        """(steps x count steps,): instances that first-fit decreasing fills; NaN in a gap."""
        key = tuple(capacity.tolist())
        if key not in self.packed_by_capacity:
            self.packed_by_capacity[key] = first_fit_decreasing(self.distinct, self.sizes, self.offered(capacity))
        return self.over_time(self.packed_by_capacity[key])

    def bound(self, capacity: IntArray) -> FloatArray:
        """(steps,): instances that no packing can beat; NaN in a gap."""
        return by_step(
            self.over_time(volume_bound(self.distinct, self.sizes, self.offered(capacity[np.newaxis]))[0]), self.count_steps
        )

    def least_instance_hours(self, capacity: IntArray, hours: FloatArray, zones: int) -> FloatArray:
        """(types,): instance-hours that no packing can beat, with the least number for the zones."""
        hours = np.repeat(hours / self.count_steps, self.count_steps)
        state_hours = np.bincount(
            self.state_of_step[self.state_of_step >= 0], hours[self.state_of_step >= 0], len(self.distinct)
        )
        rows, index = _distinct_rows(capacity)
        floor = np.where(self.distinct.sum(axis=1) > 0, zones, 0)
        least = volume_bound(self.distinct, self.sizes, self.offered(rows))
        np.maximum(least, floor, out=least)
        return np.asarray((least @ state_hours)[index], dtype=np.float64)

    def over_time(self, per_state: FloatArray | IntArray) -> FloatArray:
        """(steps x count steps,): values of states as they follow each other; NaN in a gap."""
        is_gap = self.state_of_step < 0
        result = np.full(self.state_of_step.size, np.nan)
        result[~is_gap] = per_state[self.state_of_step[~is_gap]]
        return result


def packed_load(runs: Sequence[RunningTasks]) -> PackedLoad:
    """Find the distinct combinations of task counts, so that each is packed once."""
    count_steps = max(run.count_steps for run in runs)
    known = np.repeat(~np.isnan([run.tasks for run in runs]).any(axis=0), count_steps)
    counts = np.stack([run.whole_counts(count_steps) for run in runs])[:, known].T
    distinct, index = _distinct_rows(counts)
    state_of_step = np.full(known.size, -1, dtype=np.int64)
    state_of_step[known] = index
    return PackedLoad(
        runs=tuple(runs),
        sizes=_sizes(runs, LaunchType.EC2),
        distinct=distinct,
        state_of_step=state_of_step,
        count_steps=count_steps,
    )


def _sizes(runs: Sequence[RunningTasks], launch_type: LaunchType) -> IntArray:
    services = [run.service for run in runs]
    sole = sole_places(
        [each.has_distinct_instances for each in services], [each.host_ports_on(launch_type) for each in services]
    )
    return np.concatenate([np.stack([reservation(run.service, run.size, launch_type) for run in runs]), sole], axis=1)


def by_step(values: FloatArray, count_steps: int) -> FloatArray:
    """(steps,): means of values in the finer steps of counts; NaN in a gap, which is one of whole steps."""
    return values if count_steps == 1 else np.asarray(values.reshape(-1, count_steps).mean(axis=1))


def least_instances(runs: Sequence[RunningTasks], zones: int) -> int:
    """Instances that are kept whatever the load: one in each zone while some service always runs a task."""
    return zones if any(_always_runs(run) for run in runs) else 0


def _always_runs(run: RunningTasks) -> bool:
    """Whether a task of the service runs at every moment that was measured; scaling keeps one unless scheduled to none."""
    is_kept = run.service.load_form is not LoadForm.TASKS and not run.scheduled_actions
    return is_kept or bool(np.nanmin(run.tasks, initial=np.inf) > 0)


def instances_on(
    runs: Sequence[RunningTasks],
    launch_type: LaunchType,
    capacity: IntArray,
    zones: int,
    delay_steps: int,
    *,
    placement: PlacementStrategy | None = PlacementStrategy.SPREAD_THEN_BINPACK,
    load: PackedLoad | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Instances that the tasks fill, and instances running: (steps,) each; NaN in a gap.

    A service that shares with none keeps what its zones hold one by one, whatever its capacity provider is called. ``load`` is
    of the same services, where it is at hand.
    """
    if len(runs) == 1:
        per_instance = int(most_tasks(runs[0].service, runs[0].size, launch_type, capacity))
        return dedicated_instances(runs[0], per_instance, zones, delay_steps, placement=placement)
    is_default = placement is PlacementStrategy.DEFAULT_SPREAD
    return shared_instances(load or packed_load(runs).on(launch_type), capacity, zones, delay_steps, is_default=is_default)


def dedicated_instances(
    run: RunningTasks,
    per_instance: int,
    zones: int,
    delay_steps: int,
    *,
    placement: PlacementStrategy | None = PlacementStrategy.SPREAD_THEN_BINPACK,
) -> tuple[FloatArray, FloatArray]:
    """Instances that the tasks fill, and instances running: (steps,) each; NaN in a gap."""
    known = known_counts(run)
    tasks, gap = _known(known), np.isnan(known)
    filled = -(-tasks // per_instance)
    least = np.where(gap, np.nan, with_zone_floor(filled, tasks, zones))
    delay = delay_steps * run.count_steps
    is_default = placement is PlacementStrategy.DEFAULT_SPREAD
    if run.counts is None:
        running = held_under_default_spread(least, known, delay) if is_default else held(least, delay)
    elif is_default:
        running = held_under_default_spread_of_one(least, tasks, zones, delay)
    elif placement is PlacementStrategy.BINPACK:
        running = held(least, delay)
    else:
        running = held_in_zones(least, tasks, per_instance, zones, delay)
    return by_step(np.where(gap, np.nan, filled), run.count_steps), by_step(running, run.count_steps)


def known_counts(run: RunningTasks) -> FloatArray:
    """(steps x count steps,): whole tasks of one service; NaN in a gap."""
    return np.where(np.repeat(np.isnan(run.tasks), run.count_steps), np.nan, run.whole_counts(run.count_steps))


def shared_instances(
    load: PackedLoad, capacity: IntArray, zones: int, delay_steps: int, *, is_default: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Instances that the tasks of several services fill, and instances running: (steps,) each; NaN in a gap."""
    packed = load.packed(capacity)
    least = with_zone_floor(_known(packed), _known(load.n_tasks), zones).astype(np.float64)
    least[np.isnan(packed)] = np.nan
    delay = delay_steps * load.count_steps
    running = held_under_default_spread(least, load.n_tasks, delay) if is_default else held(least, delay)
    return by_step(packed, load.count_steps), by_step(running, load.count_steps)


def _known(values: FloatArray) -> IntArray:
    return np.nan_to_num(values, nan=0.0).astype(np.int64)


def _distinct_rows(counts: IntArray) -> tuple[IntArray, IntArray]:
    """Distinct rows and the index of each row in them.

    One number stands for a row, or its place among those so far where the next column would make the numbers too large: twenty
    times as fast as comparing rows.
    """
    keys, n_keys = np.zeros(len(counts), dtype=np.int64), 1
    for column in (counts - counts.min(axis=0, initial=0)).T:
        radix = int(column.max(initial=0)) + 1
        if n_keys * radix >= _MOST_KEYS:
            _, keys = np.unique(keys, return_inverse=True)
            n_keys = int(keys.max(initial=0)) + 1
        keys, n_keys = keys + column * n_keys, n_keys * radix
    _, first, index = np.unique(keys, return_index=True, return_inverse=True)
    return counts[first], index
