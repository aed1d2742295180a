"""What the measured load says of a service before and after a change."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from advisor.ecs import PurchaseOption
from advisor.gating.result import History, Safety, Side
from advisor.gating.running import Running
from advisor.meters import sum_over_states
from advisor.optimize.pricing import weighted_quantile
from advisor.simulate.scaling import RunningTasks
from advisor.simulate.timeline import Timeline
from advisor.sizing import MEMORY_MARGIN_FRACTION
from advisor.units import BoolArray, FloatArray
from advisor.workload import Service, Workload

LEAST_HEADROOM_FRACTION: Final = 1 - 1 / (1 + MEMORY_MARGIN_FRACTION)
"""Memory left at the worst moment where the size has the usual margin of 15 %: 0.13 of the size."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Witness:
    """The load of before the change, as the judge of both sides."""

    load: Workload
    axis: Timeline
    measured: BoolArray
    """(steps,): common to all that is priced."""
    hours: FloatArray
    """(steps,): of a month."""
    notes: list[str]
    """Remarks are added here."""

    def safety(self, old: Side, new: Side, before: Running, after: Running) -> tuple[Safety, tuple[str, ...]]:
        """Unsafe where a known measure is worse than before, unknown where one that may be worse is not known."""
        has_less_cpu, has_less_memory = self._has_less(before, after)
        worse: list[str] = []
        unknown: list[str] = []
        per_task = _capacity_per_task(before), _capacity_per_task(after)
        for field, words, is_at_risk, scales in (
            ("hours_above_target", "hours above the CPU target", has_less_cpu, (1.0, 1.0)),
            ("hours_above_full", "hours above 100 % CPU", has_less_cpu, (1.0, 1.0)),
            # Tasks of two sizes are compared by what they serve.
            ("unmet_task_hours", "task-hours a month unmet", True, per_task),
        ):
            was, now = getattr(old.history, field), getattr(new.history, field)
            if was is not None and now is not None:
                if now * scales[1] > was * scales[0] * (1 + 1e-9):
                    worse.append(f"{words}: {was:,.10g} before, {now:,.10g} after")
            elif is_at_risk:
                unknown.append(f"{words} are not known")
        if new.history.memory_headroom_fraction is None:
            unknown += ["memory in use is not known"] if has_less_memory else []
        else:
            worse += self._lacks_memory(new.history.memory_headroom_fraction, before, after)
        was, now = old.history.busiest_task_fraction, new.history.busiest_task_fraction
        if was is not None and now is not None and now > max(1.0, was) * (1 + 1e-9):
            worse.append(f"the busiest task would have had {now:.0%} of its CPU in use, {was:.0%} before")
        if new.setup.architecture is not old.setup.architecture:
            unknown.append(f"what it gets out of a vCPU of {new.setup.architecture} is not measured")
        is_spot_now = new.setup.purchase_option is PurchaseOption.SPOT and old.setup.purchase_option is not PurchaseOption.SPOT
        if is_spot_now and not after.service.is_interruptible:
            unknown.append("Spot may interrupt it, and the workload does not say `interruptible: true`")
        if worse:
            return Safety.UNSAFE, tuple(worse)
        return (Safety.UNKNOWN, tuple(unknown)) if unknown else (Safety.SAFE, ())

    def _lacks_memory(self, headroom: float, before: Running, after: Running) -> Iterator[str]:
        """What is wrong with the memory of the tasks after the change, also where its settings alone decide how many run."""
        was, now = (self._headroom_by_settings(side) for side in (before, after))
        if headroom < 0:
            yield f"a task would have needed more memory than it has: headroom of {headroom:.0%} at the worst moment"
        elif now is not None and now < LEAST_HEADROOM_FRACTION - 1e-9 and (was is None or now < was):
            alone = "" if after.by_settings is after.run else ", if its scaling settings alone set the number of tasks"
            yield f"memory headroom at the worst moment: {now:.0%}, less than {LEAST_HEADROOM_FRACTION:.0%}{alone}"

    def _headroom_by_settings(self, side: Running) -> float | None:
        return None if side.by_settings is None else self._memory_headroom(side, side.by_settings)

    def _has_less(self, before: Running, after: Running) -> tuple[bool, bool]:
        """Whether the tasks have less CPU, or a task less memory or more load, at any moment than before."""
        old, new = before.run, after.run
        if old is None or new is None:
            return True, True
        tasks = old.tasks[self.measured], new.tasks[self.measured]
        sizes = before.service.task, after.service.task
        less_cpu = bool((tasks[1] * sizes[1].cpu_units < tasks[0] * sizes[0].cpu_units).any())
        is_target_lower = after.service.scaling.target_cpu_fraction < before.service.scaling.target_cpu_fraction
        less_memory = sizes[1].memory_mib < sizes[0].memory_mib or bool((tasks[1] < tasks[0]).any())
        return less_cpu or is_target_lower, less_memory

    def hours_as_ran(self, running: Running) -> float | None:
        service, ran = running.service, self.load.running_tasks
        if ran is None or running.run is None or running.run.cpu_units is None:
            return None
        has = self.axis.spread(ran[self.load.index(service.name)]) * service.task.cpu_units
        known = self.measured & (has > 0)
        if not known.any():
            return None
        busy = running.run.cpu_units[known] / has[known]
        return float(np.sum(busy > service.scaling.target_cpu_fraction * (1 + 1e-9))) * self.axis.step_hours

    def history(self, running: Running) -> History:
        run = running.run
        if run is None:
            return History(
                tasks_p50=None, tasks_max=None, hours_above_target=None, hours_above_full=None,
                unmet_task_hours=None, memory_headroom_fraction=None, busiest_task_fraction=None,
            )  # fmt: skip
        known = self.measured
        busy = self._busy(running, run)
        above_target = above_full = None
        if busy is not None:
            target = running.service.scaling.target_cpu_fraction
            above_target, above_full = (
                float(np.sum(busy[known] > limit * (1 + 1e-9))) * self.axis.step_hours for limit in (target, 1.0)
            )
        return History(
            tasks_p50=weighted_quantile(run.tasks[known], self.hours[known], 0.5),
            tasks_max=float(run.tasks[known].max()),
            hours_above_target=above_target,
            hours_above_full=above_full,
            unmet_task_hours=float(sum_over_states(run.unmet, self.hours)),
            memory_headroom_fraction=self._memory_headroom(running, run),
            busiest_task_fraction=self._busiest_task(running.service, run),
        )

    def _busy(self, running: Running, run: RunningTasks) -> FloatArray | None:
        """(steps,): CPU in use as a share of what the tasks have; None where the load does not tell."""
        service, tasks = running.service, run.tasks
        if run.cpu_units is not None:
            used, has = run.cpu_units, tasks * service.task.cpu_units
        elif running.is_capacity_known and service.requests_per_task is not None:
            demand = self.axis.spread(self.load.demand[self.load.index(service.name)])
            used, has = demand * service.scaling.target_cpu_fraction, tasks * service.requests_per_task
        else:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(used > 0, used / has, used))

    def _memory_headroom(self, running: Running, run: RunningTasks) -> float | None:
        """Of the most that a task used, or would have."""
        service, load = running.service, running.load
        seen = None if load is None else load.memory_mib(run.tasks, self.axis)
        if seen is None:  # counts of tasks
            most = self._most_per_task(self.load.memory_mib, service, run)
        else:
            known = seen[self.measured & ~np.isnan(seen)]
            most = float(known.max()) if known.size else None
        if most is None:
            return None
        is_stated = load is not None and load.observed is not None and load.observed.base_mib is not None
        is_maximum = self.load.is_memory_maximum
        if not is_stated and (is_maximum is None or not is_maximum[self.load.index(service.name)]):
            self.notes.append(f"{service.name}: memory was measured as averages, which hide peaks.")
        return 1 - most / service.task.memory_mib

    def _busiest_task(self, service: Service, run: RunningTasks) -> float | None:
        most = self._most_per_task(self.load.cpu_units_per_task_max, service, run)
        return None if most is None else most / service.task.cpu_units

    def _most_per_task(self, seen: FloatArray | None, service: Service, run: RunningTasks) -> float | None:
        """Most of a series of single tasks, each sent more load where fewer tasks run than ran; None where not measured."""
        row, ran = self.load.index(service.name), self.load.running_tasks
        if seen is None or ran is None:
            return None
        of_task, count = self.axis.spread(seen[row]), self.axis.spread(ran[row])
        at = self.measured & ~np.isnan(of_task) & ~np.isnan(count)
        if not at.any():
            return None
        more_load = np.fmax(count[at] / np.maximum(run.tasks[at], 1.0), 1.0)
        return float((of_task[at] * more_load).max())


def _capacity_per_task(running: Running) -> float:
    """What a task serves, in the unit of the load; 1 where the load is counts."""
    if running.run is not None and running.run.cpu_units is not None:
        return float(running.service.task.cpu_units)
    return running.service.requests_per_task or 1.0
