"""Counts of one service with several policies over a long history, without placement: for searching."""

from collections import deque

import numpy as np

from advisor.simulate.replay.policies import NO_END, SeveralPolicies
from advisor.simulate.replay.rules import ReplayedService, whole_steps
from advisor.units import IntArray, ceil_whole


def counts_by_policies(service: ReplayedService, *, step_s: int) -> IntArray:
    """Tasks placed on Fargate, (steps,): what :func:`~advisor.simulate.replay.replay_cluster` gives, exactly, but sooner.

    Of scheduled actions, target tracking and step policies; without deployments, failures and ends that take time.
    """
    return _Counts(service, step_s).placed()


class _Counts:
    def __init__(self, service: ReplayedService, step_s: int) -> None:
        self.policies = SeveralPolicies(service, step_s)
        self.n_steps, self.start_steps = service.load.size, whole_steps(service.start_s, step_s)
        self.least, self.most = service.min_tasks, np.inf if service.max_tasks is None else float(service.max_tasks)
        self.scheduled = {step: [each for each in service.scheduled if each.step == step] for step in _steps(service)}
        first = ceil_whole(np.nan_to_num(service.load[:1], nan=0.0))
        self.desired = int(min(max(float(first[0]), self.least), self.most)) if self.n_steps else 0
        self.running = self.desired
        self.starting: deque[tuple[int, int]] = deque()
        """Step at which they run, and how many: in the order of the steps."""
        loads = np.stack(service.loads)
        is_same = (loads[:, 1:] == loads[:, :-1]) | (np.isnan(loads[:, 1:]) & np.isnan(loads[:, :-1]))
        changes = {*(np.flatnonzero(~is_same.all(axis=0)) + 1).tolist(), *self.scheduled, self.n_steps}
        self.changes = deque(sorted(step for step in changes if 0 <= step <= self.n_steps))

    def placed(self) -> IntArray:
        counts = np.empty(self.n_steps, dtype=np.int64)
        t = 0
        while t < self.n_steps:
            self._follow(t)
            before = self.desired
            self._on_schedule(t)
            self.desired = self.policies.desired(t, self.running, self.desired, self.least, self.most, may_scale_in=True)
            skip = self._quiet_steps(t) if self.desired == before else 0
            self.policies.skip(skip)
            counts[t : t + 1 + skip] = before
            t += 1 + skip
        return counts

    def _follow(self, t: int) -> None:
        """Starts that end; then as many tasks as desired. Running tasks stop first, then those that would run last."""
        while self.starting and self.starting[0][0] <= t:
            self.running += self.starting.popleft()[1]
        missing = self.desired - self.running - sum(n for _, n in self.starting)
        if missing > 0 and self.start_steps:
            self.starting.append((t + self.start_steps, missing))
        elif missing > 0:
            self.running += missing
        stopped = min(-missing, self.running) if missing < 0 else 0
        self.running -= stopped
        left = max(-missing, 0) - stopped
        while left:
            at, n = self.starting.pop()
            left, kept = max(left - n, 0), max(n - left, 0)
            if kept:
                self.starting.append((at, kept))

    def _on_schedule(self, t: int) -> None:
        for action in self.scheduled.get(t, ()):
            self.least = self.least if action.min_tasks is None else action.min_tasks
            self.most = self.most if action.max_tasks is None else action.max_tasks
            self.desired = int(max(self.least, min(self.desired, self.most)))

    def _quiet_steps(self, t: int) -> int:
        """Steps after ``t`` in which nothing can change."""
        while self.changes[0] <= t:
            self.changes.popleft()
        until_start = self.starting[0][0] - t - 1 if self.starting else NO_END
        return max(0, min(self.changes[0] - t - 1, until_start, self.policies.quiet_steps(t)))


def _steps(service: ReplayedService) -> set[int]:
    return {each.step for each in service.scheduled}
