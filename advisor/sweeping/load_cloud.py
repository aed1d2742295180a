"""Where next month's load may be, over that of the last weeks."""

import numpy as np

from advisor.recommend.changes import weekly_load
from advisor.sweeping.result import LoadCloud
from advisor.sweeping.sides import Circumstances
from advisor.uncertainty import LEAST_WEEKS, CostHistory, month_draws, odds
from advisor.units import HOURS_PER_MONTH, HOURS_PER_WEEK


def load_cloud(here: Circumstances) -> LoadCloud | None:
    """P10 to P90 of next month's load over that of the last four weeks; None where it was not measured for two weeks.

    Services count by the CPU that they reserve on average.
    """
    measured = [row for row, service in enumerate(here.workload.services) if not service.is_stated]
    recent = np.nanmean(here.workload.demand, axis=1)
    weeks = here.weeks
    rows = [row for row in measured if recent[row] > 0]
    if not rows or len(weeks.hours) < LEAST_WEEKS:
        return None
    weight = {row: here.reserved_cpu(row) for row in rows}
    totals = np.zeros(len(weeks.hours))
    for row in rows:
        totals += (
            weekly_load(here.whole_axis.spread(here.whole.demand[row]), weeks) / HOURS_PER_WEEK / recent[row] * weight[row]
        )
    points = np.array([0.02, 0.1, 0.5, 1.0, 2.0, 10.0, 50.0])
    history = CostHistory(
        weekly_usd=totals[:, np.newaxis],
        elasticity=np.ones(1),
        coverage_fraction=float(here.whole.measured.all(axis=0).mean()),
        growth_load=points,
        growth_usd=points[:, np.newaxis],
    )
    said = odds(month_draws(history, growth=here.whole.growth) / (sum(weight.values()) * HOURS_PER_MONTH / HOURS_PER_WEEK))
    return LoadCloud(p10=float(said.p10[0]), p50=float(said.p50[0]), p90=float(said.p90[0]))
