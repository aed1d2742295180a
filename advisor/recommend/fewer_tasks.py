"""Plans in which a task bears more load than any was seen to, while nothing tells its memory."""

from collections.abc import Iterable, Sequence

import numpy as np

from advisor.optimize.alternatives import Alternatives
from advisor.optimize.parts import Part
from advisor.optimize.search import Search

_LEAST_TIMES = 1.25
"""So much more load for a MiB of a task is told; less is within what counts of whole tasks do."""


def fewer_than_ran(found: Alternatives, search: Search, parts: Sequence[Part]) -> Iterable[str]:
    """Where memory is known, its own rules keep or doubt such counts."""
    for load in found.loads:
        seen, name = load.observed, load.service.name
        if seen is None or seen.tells_memory:
            continue
        part = next(part for part in parts if name in part.services)
        tasks, task = part.tasks[list(part.services).index(name)], part.services[name].task
        demand, ran = search.axis.spread(load.demand), search.axis.spread(seen.running_tasks)
        is_known = ~np.isnan(demand) & (ran > 0) & (tasks > 0)
        if not is_known.any():
            continue
        demand, ran, tasks = demand[is_known], ran[is_known], tasks[is_known]
        most_seen = float((demand / ran).max()) / load.run.size.memory_mib
        at = int((demand / tasks).argmax())
        times = float(demand[at] / tasks[at]) / task.memory_mib / most_seen if most_seen else 0.0
        if times >= _LEAST_TIMES:
            yield (
                f"{name}: where {ran[at]:,.3g} tasks ran, the plan has {tasks[at]:,.3g}, with {times:.2g} times the load for "
                "their memory that was ever seen, and what memory they use is not known: give it (memory_percent_maximum), or "
                "state scaling.min to keep more tasks"
            )
