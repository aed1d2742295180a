"""What each number of tasks costs on EC2 and on Fargate, and what follows from it for one service."""

import math
from dataclasses import dataclass

import numpy as np

from advisor.billing import amounts_usd
from advisor.ecs import LaunchType
from advisor.recommend.reasons import percent
from advisor.recommend.result import Alternative, Recommendation, ServiceView, Stairs
from advisor.report.charts.load import task_counts
from advisor.report.charts.style import NAME_CHARACTERS
from advisor.report.charts.text import counted, shortened
from advisor.report.words import money_range
from advisor.units import FloatArray, IntArray, ceil_whole

_WINNERS = {-1: LaunchType.EC2, 1: LaunchType.FARGATE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Cost of each number of tasks from 0 on; NaN where there is no price."""

    ec2_usd_per_hour: FloatArray
    """(tasks,)"""
    fargate_usd_per_hour: FloatArray
    """(tasks,)"""

    @property
    def n_most(self) -> int:
        return self.ec2_usd_per_hour.size - 1

    @property
    def has_ec2(self) -> bool:
        return not np.isnan(self.ec2_usd_per_hour).any()

    @property
    def has_fargate(self) -> bool:
        return not np.isnan(self.fargate_usd_per_hour).any()

    @property
    def cheaper(self) -> IntArray:
        """(tasks,): -1 where EC2 is cheaper, 1 where Fargate is, 0 where they cost the same or one has no price."""
        difference = self.ec2_usd_per_hour - self.fargate_usd_per_hour
        is_same = np.isclose(self.ec2_usd_per_hour, self.fargate_usd_per_hour, rtol=1e-9, atol=0)
        return np.where(np.isnan(difference) | is_same, 0, np.sign(np.nan_to_num(difference))).astype(np.int64)

    @property
    def crossings(self) -> list[int]:
        """Numbers of tasks for which another launch type is cheaper than for one task less."""
        cheaper = self.cheaper[1:]
        return (np.flatnonzero(cheaper[1:] != cheaper[:-1]) + 2).tolist()

    def winner(self, n_tasks: int) -> LaunchType | None:
        """The cheaper launch type."""
        return _WINNERS.get(int(self.cheaper[n_tasks]))

    def meeting(self, n_tasks: int) -> tuple[float, float]:
        """Where Fargate's line meets EC2's stairs between one task less and ``n_tasks``: tasks and dollars."""
        before, level = self.fargate_usd_per_hour[n_tasks - 1], self.ec2_usd_per_hour[n_tasks]
        per_task = float(self.fargate_usd_per_hour[1])
        at = float(level) / per_task if per_task else math.inf
        return (at, float(level)) if n_tasks - 1 <= at <= n_tasks else (n_tasks - 1.0, float(before))


def steps(stairs: Stairs, n_most: int) -> Steps:
    """Dollars an hour for 0 to ``n_most`` tasks; at least one instance in each zone while any task runs."""
    tasks = np.arange(n_most + 1, dtype=np.float64)
    instances = np.full(tasks.shape, np.nan)
    if stairs.tasks_per_instance:
        instances = np.where(tasks > 0, np.maximum(ceil_whole(tasks / stairs.tasks_per_instance), stairs.zones), 0.0)
    return Steps(
        ec2_usd_per_hour=amounts_usd(instances, _price(stairs.usd_per_instance_hour)),
        fargate_usd_per_hour=amounts_usd(tasks, _price(stairs.fargate_usd_per_task_hour)),
    )


def _price(usd: float | None) -> FloatArray:
    return np.array(np.nan if usd is None else usd, dtype=np.float64)


def ec2_for_good(stairs: Stairs, n_most: int) -> int | None:
    """Tasks from which on EC2 is cheaper for every larger number; None where there is no such number up to ``n_most``.

    Cheaper for the first task of a step means cheaper on all later steps, so this looks one step ahead.
    """
    costs = steps(stairs, n_most + (stairs.tasks_per_instance or 0) + 1)
    crossings = costs.crossings
    if not crossings or crossings[-1] > n_most or costs.winner(crossings[-1]) is not LaunchType.EC2:
        return None
    return crossings[-1]


def n_shown(stairs: Stairs, n_most: int) -> int:
    """Tasks on the axis: all that ran, and the first crossing beyond them when it is not far."""
    near = max(4, math.ceil(n_most * 1.1))
    far = max(12, math.ceil(n_most * 2.5))
    crossings = steps(stairs, far).crossings
    if crossings and crossings[0] > n_most:
        return max(near, min(far, math.ceil(crossings[0] * 1.25)))
    return near


def finding(recommendation: Recommendation, view: ServiceView, costs: Steps) -> str:
    """Who is cheaper for the counts that run; where the bill of the month says otherwise, that too."""
    name, ec2 = shortened(view.name, NAME_CHARACTERS), f"EC2 {view.stairs.instance_type}"
    drawn = {"Fargate": costs.has_fargate, "EC2": costs.has_ec2}
    if not all(drawn.values()):
        reasons = ", ".join(_absence(recommendation, view, what) for what, has in drawn.items() if not has)
        return f"{name}: {reasons}, so nothing to compare"
    counts, hours = task_counts(view)
    counts, hours = counts[counts > 0], hours[counts > 0]
    if not counts.size:
        return f"{name} ran no tasks"
    runs = counted(counts[-1], "task") if counts[0] == counts[-1] else f"{counts[0]:,.0f} to {counted(counts[-1], 'task')}"
    winner = _more_often_cheaper(view, costs)
    if winner is None:
        return f"Fargate and {ec2} cost the same at every count that {name} runs, {runs}"
    first, second = (ec2, "Fargate") if winner is LaunchType.EC2 else ("Fargate", ec2)
    is_winner = np.array([costs.winner(int(n)) is winner for n in counts])
    where = (
        "at every count that"
        if is_winner.all()
        else f"in {percent(float(hours[is_winner].sum() / hours.sum()))} of the hours of"
    )
    if _cheaper_in_a_month(recommendation, view) not in (None, winner):
        return f"{first} is cheaper {where} {name}{' runs' if is_winner.all() else ''}, by the month {second}"
    if not is_winner.all():
        return f"{first} is cheaper {where} {name}, which runs {runs}"
    if counts.size == 1:
        return f"{first} is cheaper for the {runs} that {name} runs"
    beyond = [n for n in costs.crossings if n > counts[-1]]
    more = f"; {second} not before {beyond[0]:,}" if winner is LaunchType.FARGATE and beyond else ""
    return f"{first} is cheaper at every count that {name} runs, {runs}{more}"


def _absence(recommendation: Recommendation, view: ServiceView, launch_type: str) -> str:
    """Why there is no line for a launch type."""
    found = [a for a in recommendation.of_scope(view.name) if a.title.startswith(launch_type)]
    if not found:
        return f"{launch_type} is not among the alternatives"
    if any(alternative.missing for alternative in found):
        return f"{launch_type} has no price in {recommendation.region}"
    return f"{launch_type} cannot run it on demand"


def month_sentence(recommendation: Recommendation, view: ServiceView, costs: Steps) -> str:
    """What the whole month costs, by the bill: the stairs leave out what only a replay sees."""
    ec2, fargate = _alternatives(recommendation, view)
    if ec2 is None or fargate is None or ec2.monthly_usd is None or fargate.monthly_usd is None:
        return ""
    sentence = (
        f"A month of this load costs {money_range(fargate.monthly_usd)} on {fargate.title} "
        f"and {money_range(ec2.monthly_usd)} on {ec2.title}"
    )
    if _cheaper_in_a_month(recommendation, view) in (None, _more_often_cheaper(view, costs)):
        return f"{sentence}."
    return f"{sentence}: {_why_not_as_the_stairs(view, costs, ec2, fargate)}."


def _why_not_as_the_stairs(view: ServiceView, costs: Steps, ec2: Alternative, fargate: Alternative) -> str:
    """Why the month's bill is on the side that is dearer in most hours."""
    counts, hours = task_counts(view)
    at = counts.astype(np.int64)
    by_stairs = {
        LaunchType.EC2: float(amounts_usd(costs.ec2_usd_per_hour[at], hours).sum()),
        LaunchType.FARGATE: float(amounts_usd(costs.fargate_usd_per_hour[at], hours).sum()),
    }
    cheaper_by_stairs = min(by_stairs, key=lambda side: by_stairs[side])
    if cheaper_by_stairs is not _more_often_cheaper(view, costs):
        return "the other hours differ by more"
    if cheaper_by_stairs is LaunchType.FARGATE:
        return "the stairs are of whole tasks and whole instances at once, and the bill goes by the minute"
    has_credits = ec2.bill is not None and any(":surplus:" in item.meter for item in ec2.bill.line_items)
    more = " and use surplus CPU credits" if has_credits else ""
    return f"instances outlast their tasks{more}, which the stairs leave out"


def _more_often_cheaper(view: ServiceView, costs: Steps) -> LaunchType | None:
    """By the hours of the counts that run; None where there is no difference or no price."""
    hours_of = dict.fromkeys(_WINNERS, 0.0)
    for count, hours in zip(*task_counts(view), strict=True):
        side = int(costs.cheaper[int(count)])
        if side:
            hours_of[side] += float(hours)
    side = max(hours_of, key=lambda side: hours_of[side])
    return _WINNERS[side] if hours_of[side] else None


def _cheaper_in_a_month(recommendation: Recommendation, view: ServiceView) -> LaunchType | None:
    """By the bill of the measured history; None where their ranges meet."""
    ec2, fargate = (a.monthly_usd if a is not None else None for a in _alternatives(recommendation, view))
    if ec2 is None or fargate is None:
        return None
    if fargate.high < ec2.low:
        return LaunchType.FARGATE
    return LaunchType.EC2 if ec2.high < fargate.low else None


def _alternatives(recommendation: Recommendation, view: ServiceView) -> tuple[Alternative | None, Alternative | None]:
    """The service's alternatives that are drawn: EC2 and Fargate."""
    found: dict[str, Alternative] = {}
    for alternative in recommendation.of_scope(view.name):
        found.setdefault(alternative.title, alternative)
    return found.get(f"EC2 {view.stairs.instance_type}"), found.get(view.stairs.fargate_title)
