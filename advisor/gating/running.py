"""What runs before and after a change, on one load."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from advisor.errors import InputError
from advisor.gating.result import Setup
from advisor.gating.sides import named, setup_of
from advisor.optimize.loads import ServiceLoad, service_loads
from advisor.simulate.scaling import RunningTasks, running_tasks
from advisor.simulate.timeline import Timeline
from advisor.units import FloatArray
from advisor.workload import LoadForm, Scaling, Service, Workload


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Running:
    """A service of one side over time."""

    service: Service
    setup: Setup
    run: RunningTasks | None
    """None where the load cannot tell; ``missing`` says why."""
    load: ServiceLoad | None = None
    by_settings: RunningTasks | None = None
    """What the settings alone would run: fewer tasks than ``run`` where memory needs more of them than CPU."""
    missing: str = ""
    is_capacity_known: bool = True
    """Whether the load says how much of its CPU a task of this size has in use."""


def running_sides(
    before: Workload, after: Workload, names: Sequence[str], axis: Timeline, notes: list[str]
) -> tuple[dict[str, Running], dict[str, Running]]:
    """What runs of each named service on the load of ``before``, under either side's settings; remarks go to ``notes``.

    Raises
    ------
    InputError
        The two loads of a service are of different kinds.
    """
    sides = _Sides(before, after, axis, notes)
    pairs = {name: sides.pair(name) for name in names}
    return {name: old for name, (old, _) in pairs.items()}, {name: new for name, (_, new) in pairs.items()}


class _Sides:
    def __init__(self, before: Workload, after: Workload, axis: Timeline, notes: list[str]) -> None:
        self.before, self.after, self.axis, self.notes = before, after, axis, notes

    def pair(self, name: str) -> tuple[Running, Running]:
        old, new = named(self.before, name), named(self.after, name)
        _check_kind(old, new)
        if old.is_batch:
            return self._running(old, self.before, _load_of(self.before, old)), self._runs_after(new)
        if old.load_form is LoadForm.TASKS:
            demand = self.before.demand[self.before.index(name)]
            counts = _own_counts(old, self.before, demand)
            return self._counted(old, self.before, counts, demand), self._counts_after(old, new, demand)
        return self._running(old, self.before, _load_of(self.before, old)), self._running_after(old, new)

    def _running(self, service: Service, workload: Workload, load: Workload, *, is_capacity_known: bool = True) -> Running:
        """A service as a workload sets it up, on a load that is its own alone."""
        (found,) = service_loads(load, self.axis)
        by_settings = found.run
        if found.service != service:
            by_settings = running_tasks(service, found.demand, service.task, self.axis)
            self.notes.append(
                f"{service.name}: memory, not CPU, sets how many tasks it takes, before or after: it is billed with as many as "
                "its memory needs."
            )
        return Running(
            service=service,
            setup=setup_of(service, workload),
            run=found.run,
            load=found,
            by_settings=by_settings,
            is_capacity_known=is_capacity_known,
        )

    def _running_after(self, old: Service, new: Service) -> Running:
        """The service as changed, on the load as it was."""
        is_resized = new.task.cpu_units != old.task.cpu_units
        is_capacity_known = new.is_cpu_known or not is_resized or new.requests_per_task != old.requests_per_task
        if not is_capacity_known:
            self.notes.append(
                f"{new.name}: its load says that a task serves {new.requests_per_task:g} requests per second; the number of "
                "tasks is kept, whether a task of the new size serves as many is not measured."
            )
        if self._hides_cooldowns(old.scaling, new.scaling):
            out_s, in_s = old.scaling.cooldowns_s
            if replace(new, scaling=replace(new.scaling, out_cooldown_s=out_s, in_cooldown_s=in_s)) == old:
                return self._unknown(new, "a load in steps of 5 minutes at most, to tell what another cooldown makes of it")
            self.notes.append(
                f"{new.name}: its cooldowns change, which its load does not show: counts of steps beyond 5 minutes are a "
                "formula of bounds and target."
            )
        return self._running(new, self.after, _load_of(self.before, new), is_capacity_known=is_capacity_known)

    def _hides_cooldowns(self, was: Scaling, now: Scaling) -> bool:
        """Whether cooldowns change and counts do not: in long steps they are a formula, but for step policies."""
        is_replayed = self.axis.counts_step_s is not None or (was.step_policies and now.step_policies)
        return was.cooldowns_s != now.cooldowns_s and not is_replayed and not (was.is_fixed and now.is_fixed)

    def _runs_after(self, new: Service) -> Running:
        """Batch runs as they are after the change: when they run, and how many, is a setting."""
        was, now = self.before, self.after
        if (was.start, was.step_s, was.n_steps) != (now.start, now.step_s, now.n_steps):
            return self._unknown(new, "the same time as before for its runs after the change: their schedules span others")
        return self._running(new, now, _load_of(now, new), is_capacity_known=False)

    def _counts_after(self, old: Service, new: Service, demand: FloatArray) -> Running:
        """A load of task counts: as they ran, within bounds that are tighter than before; looser ones it cannot answer."""
        counts = _own_counts(new, self.after, demand)
        is_setting = _is_fixed(new) or _stated_count(new, self.after) is not None
        if not is_setting and new.scaling != old.scaling:
            problem = _unanswered(old, new, demand[~np.isnan(demand)])
            if problem:
                return self._unknown(new, problem)
            least, most = new.scaling.min_tasks, new.scaling.max_tasks
            counts = np.clip(demand, least if least > old.scaling.min_tasks else 0, np.inf if most is None else most)
        if new.task != old.task and not is_setting:
            self.notes.append(
                f"{new.name}: its load is counts of tasks, priced in the new size in the same number; how many of the new size "
                "would run is not measured."
            )
        return self._counted(new, self.after, counts, demand)

    def _counted(self, service: Service, workload: Workload, counts: FloatArray, demand: FloatArray) -> Running:
        load = replace(_load_of(self.before, service), demand=counts[np.newaxis])
        found = self._running(service, workload, load, is_capacity_known=False)
        is_stated = _stated_count(service, workload) is not None
        unmet = np.zeros_like(demand) if is_stated else np.maximum(demand - counts, 0.0)
        assert found.run is not None  # noqa: S101 (the counts are known)
        run = replace(found.run, unmet=np.asarray(self.axis.spread(unmet)))
        return replace(found, run=run, by_settings=run)

    def _unknown(self, new: Service, missing: str) -> Running:
        return Running(
            service=new,
            setup=setup_of(new, self.after),
            run=None,
            missing=f"{new.name}: {missing}",
            is_capacity_known=False,
        )


def _load_of(workload: Workload, service: Service) -> Workload:
    """The load of one service under the settings of ``service``: what was measured of its tasks stays as it was."""
    row = workload.index(service.name)
    ran = workload.ran(row)  # the desired count of ``service`` may be another
    alone = replace(workload.of_rows([row]), services=(service,))
    return alone if ran is None else replace(alone, running_tasks=ran[np.newaxis])


def _is_fixed(service: Service) -> bool:
    """Whether a service keeps one number of tasks, whatever its load."""
    return service.scaling.is_fixed


def _stated_count(service: Service, workload: Workload) -> float | None:
    """The number of tasks that is stated to run throughout; None where counts were measured, or assumed to vary."""
    if not service.is_stated:
        return None
    counts = workload.demand[workload.index(service.name)]
    return float(counts[0]) if (counts == counts[0]).all() else None


def _own_counts(service: Service, workload: Workload, demand: FloatArray) -> FloatArray:
    """(steps,): the fixed or stated number of tasks where there is one, else the counts as they ran."""
    own = float(service.scaling.min_tasks) if _is_fixed(service) else _stated_count(service, workload)
    return demand if own is None else np.where(np.isnan(demand), np.nan, own)


def _check_kind(old: Service, new: Service) -> None:
    if (old.load_form, old.is_stated, old.is_batch) != (new.load_form, new.is_stated, new.is_batch):
        raise InputError(
            f"{old.name}: its load is {_form(old)} before and {_form(new)} after the change",
            fix="Give both workloads the same load file: a gate compares settings on one load.",
        )
    if old.operating_system != new.operating_system:
        raise InputError(
            f"{old.name}: {old.operating_system} before and {new.operating_system} after the change, and ECS does not "
            "update the platform of a service",
            fix="Give both sides one operating system; for another one make a service beside it.",
        )


def _form(service: Service) -> str:
    if service.is_batch:
        return "batch runs"
    return "stated" if service.is_stated else f"of the form {service.load_form}"


def _unanswered(old: Service, new: Service, counts: FloatArray) -> str:
    """Why counts that ran cannot tell what runs under other bounds or another target; empty where they can."""
    was, now = old.scaling, new.scaling
    if now.target_cpu_fraction != was.target_cpu_fraction:
        return "CPU in use, to tell what another target makes of it: the load is counts of tasks"
    if now.cooldowns_s != was.cooldowns_s:
        return "CPU in use, to tell what another cooldown makes of it: the load is counts of tasks"
    if (now.has_target, now.step_policies) != (was.has_target, was.step_policies):
        return "CPU in use, to tell what other step policies make of it: the load is counts of tasks"
    bounds = [(each.scheduled_actions, each.min_tasks, each.max_tasks) for each in (was, now)]
    if bounds[0] != bounds[1] and (was.scheduled_actions or now.scheduled_actions):
        return "CPU in use, to tell what other bounds or scheduled actions make of it: the load is counts of tasks"
    if now.min_tasks < was.min_tasks and (counts <= was.min_tasks).any():
        return f"CPU in use, to tell how far below the old minimum of {was.min_tasks} tasks it would go"
    is_looser = was.max_tasks is not None and (now.max_tasks is None or now.max_tasks > was.max_tasks)
    if is_looser and (counts >= float(was.max_tasks or 0)).any():
        return f"CPU in use, to tell how far beyond the old maximum of {was.max_tasks} tasks it would go"
    return ""
