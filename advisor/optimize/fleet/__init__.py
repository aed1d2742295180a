"""The cheapest mixed fleet of container instances: variable-sized vector bin packing with a proven bound."""

from advisor.optimize.fleet.exact import least_usd_per_hour
from advisor.optimize.fleet.problem import Fleet, FleetProblem
from advisor.optimize.fleet.proof import TaskPrices, task_prices
from advisor.optimize.fleet.solve import QUICK, Effort, SolvedFleet, cheapest_fleet

__all__ = [
    "QUICK",
    "Effort",
    "Fleet",
    "FleetProblem",
    "SolvedFleet",
    "TaskPrices",
    "cheapest_fleet",
    "least_usd_per_hour",
    "task_prices",
]
