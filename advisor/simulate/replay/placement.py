"""Where ECS puts tasks and from where it takes them: many equal tasks at once, no loop over tasks.

Ties go to the lowest instance, and among zones to the lowest zone; AWS does not publish its own.
"""

from collections.abc import Callable, Sequence

import numpy as np

from advisor.ecs import PlacementStrategy
from advisor.units import BoolArray, IntArray

MEMORY = 1
"""The resource that binpack looks at."""

_LAST = np.iinfo(np.int64).max

Within = Callable[[IntArray, int], IntArray]
"""Places a number of tasks on instances with so much room, (instances,): tasks of each of them."""


def place(
    n_tasks: int,
    task: IntArray,
    free: IntArray,
    zone: IntArray,
    of_service: IntArray,
    is_open: BoolArray,
    strategy: PlacementStrategy,
    chance: np.random.Generator | None = None,
) -> IntArray:
    """Tasks of one service that each instance gets.

    Parameters
    ----------
    n_tasks
        Tasks to place; what fits nowhere is left over.
    task : (dimensions,)
        What one of them reserves: something of each.
    free : (instances, dimensions)
        Room left.
    zone : (instances,)
    of_service : (instances,)
        Tasks of the same service that each instance holds.
    is_open : (instances,)
        Instances that take tasks.
    strategy
        Best effort: a full zone does not keep tasks waiting while another has room.
    chance
        What a random placement draws from.

    Returns
    -------
    IntArray
        (instances,) tasks, at most ``n_tasks`` together.

    Notes
    -----
    ECS places one task after the other. Of equal tasks the outcome follows at once: binpack fills the fullest instance that
    still has room, and then the next; a spread takes the lowest levels first, where the level of a place is how many tasks of
    the service are below it.
    """
    room = free[:, 0] // task[0]
    for dimension in range(1, task.size):
        np.minimum(room, free[:, dimension] // task[dimension], out=room)
    room = np.maximum(room * is_open, 0)
    if strategy is PlacementStrategy.DEFAULT_SPREAD:
        return _over_zones(n_tasks, room, zone, of_service, lambda room, n: _level(n, room, of_service))
    if strategy is PlacementStrategy.INSTANCE_SPREAD:
        return _level(n_tasks, room, of_service)
    if strategy is PlacementStrategy.RANDOM:
        return _anywhere(n_tasks, room, _drawn_from(chance))
    left = free[:, MEMORY]
    if strategy is PlacementStrategy.BINPACK:
        return _fill(n_tasks, room, left)
    return _over_zones(n_tasks, room, zone, of_service, lambda room, n: _fill(n, room, left))


def take(
    n_tasks: int,
    may_stop: IntArray,
    of_service: IntArray,
    free: IntArray,
    zone: IntArray,
    strategy: PlacementStrategy,
    chance: np.random.Generator | None = None,
) -> IntArray:
    """Tasks of one service that each instance loses when ``n_tasks`` are stopped.

    With binpack the task goes whose removal leaves most room on its instance; under a spread the zone with most tasks loses one
    first, then, without a strategy, the instance with most, and with a spread that is followed by binpack the emptiest.

    Parameters
    ----------
    n_tasks
        Tasks to stop; no more than may stop.
    may_stop : (instances,)
        Tasks of the service that may be stopped: those that run, or those that still start.
    of_service : (instances,)
        Tasks of the service that each instance holds, these included: what a spread counts.
    free : (instances, dimensions)
    zone : (instances,)
    chance
        With a spread that is followed by binpack any task of the zone stops, in place of one on the emptiest instance. Where
        placement is random any task does.

    Returns
    -------
    IntArray
        (instances,) tasks stopped.

    Notes
    -----
    To take from the highest level is to place at the lowest with the levels' signs turned.
    """
    if strategy is PlacementStrategy.DEFAULT_SPREAD:
        return _over_zones(n_tasks, may_stop, zone, -of_service, lambda room, n: _level(n, room, -of_service))
    if strategy is PlacementStrategy.INSTANCE_SPREAD:
        return _level(n_tasks, may_stop, -of_service)
    if strategy is PlacementStrategy.RANDOM:
        return _any_of(n_tasks, may_stop, _drawn_from(chance))
    left = -free[:, MEMORY]
    if strategy is PlacementStrategy.BINPACK:
        return _fill(n_tasks, may_stop, left)
    if chance is not None:
        return _over_zones(n_tasks, may_stop, zone, -of_service, lambda room, n: _any_of(n, room, chance))
    return _over_zones(n_tasks, may_stop, zone, -of_service, lambda room, n: _fill(n, room, left))


def _one(room: IntArray, order: IntArray) -> IntArray:
    """A single task, by far the most frequent: on the first of the instances with room that are lowest in an order."""
    result = np.zeros(room.size, dtype=np.int64)
    if room.size:
        at = int(np.where(room > 0, order, _LAST).argmin())
        result[at] = room[at] > 0
    return result


def _drawn_from(chance: np.random.Generator | None) -> np.random.Generator:
    if chance is None:
        raise ValueError("a random placement takes a generator of random numbers")
    return chance


def _anywhere(n_tasks: int, room: IntArray, chance: np.random.Generator) -> IntArray:
    """Each task on any instance with room, all equally likely.

    Tasks that find an instance full go on to any other. Whether they do so one after the other or many at once leaves the
    chance of every outcome as it is, because where they go does not hang on where they were.
    """
    result = np.zeros_like(room)
    left = min(n_tasks, int(room.sum()))
    while left:
        has_room = np.flatnonzero(result < room)
        result[has_room] += chance.multinomial(left, np.full(has_room.size, 1 / has_room.size))
        np.minimum(result, room, out=result)
        left = min(n_tasks, int(room.sum())) - int(result.sum())
    return result


def _any_of(n_tasks: int, may_stop: IntArray, chance: np.random.Generator) -> IntArray:
    return np.asarray(chance.multivariate_hypergeometric(may_stop, min(n_tasks, int(may_stop.sum()))))


def _fill(n_tasks: int, room: IntArray, left: IntArray) -> IntArray:
    """Instances from the least ``left`` up, each to its room before the next."""
    if n_tasks == 1:
        return _one(room, left)
    result = np.zeros_like(room)
    order = np.argsort(left, kind="stable")
    in_order = room[order]
    before = np.cumsum(in_order) - in_order
    result[order] = np.minimum(np.maximum(n_tasks - before, 0), in_order)
    return result


def _level(n_tasks: int, room: IntArray, level: IntArray) -> IntArray:
    """The lowest ``n_tasks`` places; an instance with ``level`` tasks offers places at level, level + 1, ... up to its room."""
    if n_tasks == 1:
        return _one(room, level)
    n_tasks = min(n_tasks, int(room.sum()))
    top = _water_level(n_tasks, room, level) if n_tasks else int(level.min(initial=0))
    filled = np.minimum(np.maximum(top - level, 0), room)
    rest = n_tasks - int(filled.sum())
    if rest:
        at_top = np.flatnonzero((level + filled == top) & (filled < room))[:rest]
        filled[at_top] += 1
    return filled


def _water_level(n_tasks: int, room: IntArray, level: IntArray) -> int:
    """Highest level up to which every place below it can be filled with ``n_tasks`` tasks."""
    low, high = int(level.min()), int((level + room).max())
    while low < high:
        middle = (low + high + 1) // 2
        if int(np.minimum(np.maximum(middle - level, 0), room).sum()) <= n_tasks:
            low = middle
        else:
            high = middle - 1
    return low


def _over_zones(n_tasks: int, room: IntArray, zone: IntArray, of_service: IntArray, within: Within) -> IntArray:
    """Share tasks over zones, the zone with fewest tasks of the service first, then place them within each."""
    shares = _shares(n_tasks, np.bincount(zone, room).tolist(), np.bincount(zone, of_service).tolist())
    parts = [within(room * (zone == number), share) for number, share in enumerate(shares) if share]
    return sum(parts[1:], start=parts[0]) if parts else np.zeros(room.size, dtype=np.int64)


def _shares(n_tasks: int, room: Sequence[float], level: Sequence[float]) -> list[int]:
    """The lowest ``n_tasks`` places, as :func:`_level` of arrays: zones are too few for arrays."""
    shares = [0] * len(room)
    while n_tasks:
        height = {zone: level[zone] + share for zone, share in enumerate(shares) if share < room[zone]}
        if not height:
            break
        if n_tasks == 1:
            shares[min(height, key=height.__getitem__)] += 1
            break
        low = min(height.values())
        lowest = [zone for zone, of in height.items() if of == low]
        if n_tasks < len(lowest):
            lowest = lowest[:n_tasks]
        to_next = min((of - low for of in height.values() if of > low), default=n_tasks)
        rise = int(min(to_next, n_tasks // len(lowest), *(room[zone] - shares[zone] for zone in lowest)))
        for zone in lowest:
            shares[zone] += rise
        n_tasks -= rise * len(lowest)
    return shares
