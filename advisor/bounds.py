"""Lower and upper bound of service auto scaling, and how scheduled actions move them over time."""

import math
import re
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from advisor.ecs import TaskSize
from advisor.plan import ScheduledAction
from advisor.schedules import parse_schedule
from advisor.units import FloatArray, IntArray
from advisor.workload import Scaling, Service, Workload

SCHEDULE_STEP_S: Final = 60
"""Schedules are in minutes."""
_SAID: Final = re.compile(
    r"(at (?P<side>least|most) )?(?P<count>\d+)( to (?P<most>\d+))? tasks from (?P<schedule>cron\([^()]*\)) (?P<zone>[^\s,]+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Equal steps of a time axis."""

    start_s: int
    """Of the first step. [s since 1970]"""
    step_s: int
    n_steps: int

    @property
    def end_s(self) -> int:
        return self.start_s + self.n_steps * self.step_s


def steps_of(workload: Workload) -> Steps:
    """The steps of a load."""
    return steps_from(workload.start, workload.step_s, workload.n_steps)


def steps_from(start: datetime, step_s: int, n_steps: int) -> Steps:
    return Steps(start_s=int(start.timestamp()), step_s=step_s, n_steps=n_steps)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoundsInForce:
    """Bounds from moments on, (moments,) each; the first is the start that was asked for."""

    from_s: IntArray
    """[s since 1970]"""
    least: FloatArray
    most: FloatArray
    """Infinite where there is no bound."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskBounds:
    """Bounds of the task count, () where they stay, else (steps, parts of a step)."""

    least: FloatArray
    most: FloatArray
    """Infinite where there is no bound."""

    def over_parts(self, wanted: FloatArray) -> FloatArray:
        """Wanted counts, (steps,), within the bounds: (steps, parts)."""
        bounded: FloatArray = np.minimum(np.maximum(wanted[:, np.newaxis], self.least), self.most)
        return bounded

    def mean(self, wanted: FloatArray) -> FloatArray:
        """Wanted counts within the bounds, (steps,): on average where bounds move inside a step."""
        return np.asarray(self.over_parts(wanted).mean(axis=1))

    def fewest(self, wanted: FloatArray) -> FloatArray:
        """Wanted counts within the bounds, (steps,): the fewest where bounds move inside a step."""
        return np.asarray(self.over_parts(wanted).min(axis=1))

    def missing(self, wanted: FloatArray) -> FloatArray:
        """(steps,): wanted, or asked for by the lower bound, beyond the upper one."""
        kept = np.maximum(wanted[:, np.newaxis], self.least)
        return np.asarray((kept - np.minimum(kept, self.most)).mean(axis=1))


def task_bounds(service: Service, size: TaskSize, steps: Steps | None) -> TaskBounds:
    """Bounds for tasks of ``size``; ``steps`` may be None where no scheduled action moves them."""
    if not service.scaling.scheduled_actions:
        least, most = _static(service, size)
        return TaskBounds(least=np.array(least), most=np.array(most))
    if steps is None:
        raise ValueError(f"service {service.name!r}: its bounds move with time, and no time is given")
    part_s = math.gcd(steps.step_s, SCHEDULE_STEP_S)
    shape = (steps.n_steps, steps.step_s // part_s)
    found = bounds_in_force(service, size, steps.start_s, steps.end_s)
    moments = steps.start_s + part_s * np.arange(shape[0] * shape[1], dtype=np.int64)
    at = np.searchsorted(found.from_s, moments, side="right") - 1
    return TaskBounds(least=found.least[at].reshape(shape), most=found.most[at].reshape(shape))


def bounds_in_force(service: Service, size: TaskSize, start_s: int, end_s: int) -> BoundsInForce:
    """Bounds for tasks of ``size`` from ``start_s`` until before ``end_s``; what ran before the start still holds at it."""
    return _in_force(scheduled_actions(service, size), *_static(service, size), start_s, end_s)


@lru_cache(maxsize=64)
def _in_force(actions: tuple[ScheduledAction, ...], least: float, most: float, start_s: int, end_s: int) -> BoundsInForce:
    moves: list[tuple[int, ScheduledAction]] = []
    for action in actions:
        schedule = parse_schedule(action.schedule, ZoneInfo(action.time_zone))
        before = schedule.last_before_s(start_s + 1)
        if before is not None:
            moves.append((before, action))
        moves += [(moment, action) for moment in schedule.starts_s(start_s + 1, end_s).tolist()]
    from_s, bounds = [start_s], [(least, most)]
    for moment, action in sorted(moves, key=lambda move: move[0]):  # of one moment in the order given
        least, most = _moved(action.min_tasks, least), _moved(action.max_tasks, most)
        if moment <= from_s[-1]:
            bounds[-1] = least, most
        else:
            from_s.append(moment)
            bounds.append((least, most))
    both = np.array(bounds, dtype=np.float64)
    return BoundsInForce(from_s=np.array(from_s, dtype=np.int64), least=both[:, 0], most=both[:, 1])


def _moved(bound: int | None, before: float) -> float:
    return before if bound is None else float(bound)


def _static(service: Service, size: TaskSize) -> tuple[float, float]:
    """As long as no scheduled action has run."""
    most = service.scaling.max_tasks
    return float(least_scaled_tasks(min_tasks(service, size))), math.inf if most is None else float(most)


def min_tasks(service: Service, size: TaskSize) -> int:
    """The lower bound for tasks of ``size``: as much CPU as the declared bound of declared tasks.

    A load-balanced service keeps two tasks where it has two, so that a plan with larger tasks is as available as one with
    small ones. A bound that nobody stated is a count and stays one, and so does a count that both bounds fix.
    """
    declared, scaling = service.scaling.min_tasks, service.scaling
    if not scaling.is_min_stated or declared == scaling.max_tasks:
        return declared
    return _as_much_cpu(service, declared, size)


def scheduled_actions(service: Service, size: TaskSize) -> tuple[ScheduledAction, ...]:
    """The scheduled actions for tasks of ``size``, under the same rule; one task is kept but where an action allows none."""

    def sized(action: ScheduledAction) -> ScheduledAction:
        declared = action.min_tasks
        if declared is None or declared == action.max_tasks:
            return action
        least = least_scaled_tasks(_as_much_cpu(service, declared, size))
        most = service.scaling.max_tasks if action.max_tasks is None else action.max_tasks
        return replace(action, min_tasks=least if most is None else min(least, most))

    return tuple(sized(action) for action in service.scaling.scheduled_actions)


def _as_much_cpu(service: Service, declared: int, size: TaskSize) -> int:
    if not service.is_cpu_known or size.cpu_units == service.task.cpu_units:
        return declared
    same_cpu = math.ceil(declared * service.task.cpu_units / size.cpu_units)
    return max(same_cpu, min(declared, 2 if service.port is not None else 1))


def least_scaled_tasks(min_tasks: int) -> int:
    """Lower bound of a policy: without a running task there is no metric, and it would never come back from none."""
    return max(1, min_tasks)


def least_moved(least: int, most: int | None, more: int) -> int:
    """A lower bound of so many tasks more, below zero fewer: from one to the upper bound, but none under an upper one of none.

    >>> [least_moved(2, 2, 1), least_moved(1, None, -1), least_moved(0, 9, 1), least_moved(0, 0, 1)]
    [2, 1, 2, 0]
    """
    if most == 0:
        return 0
    moved = least_scaled_tasks(least_scaled_tasks(least) + more)
    return moved if most is None else min(moved, most)


def why_bounds_clash(scaling: Scaling) -> str | None:
    """Why Application Auto Scaling would refuse a scheduled action as it runs, or no policy could follow it; None if neither.

    An action that gives one bound leaves the other as whatever ran before it: any of them.
    """
    actions = scaling.scheduled_actions
    least = max([least_scaled_tasks(scaling.min_tasks), *(each.min_tasks for each in actions if each.min_tasks is not None)])
    mosts = [n for n in (scaling.max_tasks, *(each.max_tasks for each in actions)) if n is not None]
    for action in actions:
        if action.max_tasks is None and mosts and (action.min_tasks or 0) > min(mosts):
            return f"{action.name} sets a minimum of {action.min_tasks} and no maximum, and the maximum before may be less"
        if action.min_tasks is None and (action.max_tasks or 0) < least:
            return f"{action.name} sets a maximum of {action.max_tasks} and no minimum, and the minimum before may be more"
        if 0 in mosts and action.max_tasks != 0 and (action.max_tasks is None or not action.min_tasks):
            return f"{action.name} brings no task back from none, to which another action scales, so no load is followed"
    return None


def action_said(action: ScheduledAction) -> str:
    """``6 to 20 tasks from cron(0 7 ? * MON-FRI *) Europe/Berlin``."""
    return f"{bounds_said(action.min_tasks, action.max_tasks)} from {action.schedule} {action.time_zone}"


def actions_of(said: str) -> tuple[ScheduledAction, ...] | None:
    """What :func:`action_said` says, with ``; `` between actions; None where one has no cron expression that is understood.

    >>> [(action.min_tasks, action.max_tasks) for action in actions_of("at least 6 tasks from cron(0 7 ? * MON-FRI *) UTC")]
    [(6, None)]
    """
    actions = []
    for number, text in enumerate(said.split("; "), start=1):
        found = _SAID.fullmatch(text)
        if found is None:
            return None
        count, side = int(found["count"]), found["side"]
        most = int(found["most"]) if found["most"] else count
        try:
            parse_schedule(found["schedule"])
        except ValueError:
            return None
        actions.append(
            ScheduledAction(
                name=f"scheduled-action-{number}",
                schedule=found["schedule"],
                min_tasks=None if side == "most" else count,
                max_tasks=None if side == "least" else most,
                time_zone=found["zone"],
            )
        )
    return tuple(actions)


def bounds_said(least: int | None, most: int | None) -> str:
    """``6 to 20 tasks``, ``at least 6 tasks``, ``at most 20 tasks``, ``6 tasks``."""
    last = least if most is None else most
    tasks = f"{last} task{'' if last == 1 else 's'}"
    if least is None or most is None:
        return f"at most {tasks}" if least is None else f"at least {tasks}"
    return tasks if least == most else f"{least} to {tasks}"
