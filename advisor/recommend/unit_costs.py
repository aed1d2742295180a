"""What a task-hour and a million requests cost under the recommended plan, service by service."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from advisor.meters import sum_over_states
from advisor.optimize.loads import ServiceLoad
from advisor.optimize.parts import Part
from advisor.optimize.pricing import price_parts
from advisor.optimize.search import Search
from advisor.simulate.instances import reservation
from advisor.units import SECONDS_PER_HOUR, FloatArray
from advisor.workload import LoadForm

REQUESTS_PER_UNIT = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost:
    """The monthly bill of one service over what it runs and serves."""

    service: str
    monthly_usd: float
    """Its own bill; on instances that it shares, its part of theirs."""
    is_shared: bool
    """Other services run on the same instances: their bill is parted by what tasks reserve, whichever of CPU and memory is the
    larger share of an instance."""
    task_hours: float
    """Running, in a month."""
    usd_per_task_hour: float | None
    """None where no task runs."""
    requests: float | None
    """In a month; None where the load is not stated as requests."""
    usd_per_million_requests: float | None


def unit_costs(parts: Sequence[Part], loads: Sequence[ServiceLoad], search: Search, hours: FloatArray) -> tuple[UnitCost, ...]:
    """Unit costs of each service of a plan, in the order of ``loads``; a part without a price is left out.

    At on-demand and Spot rates: held commitments are of the whole plan, and no service's own.

    Parameters
    ----------
    hours : (steps,)
        Hours of the month that each step stands for, as the parts were billed.
    """
    known = {load.service.name: load for load in loads}
    found = {
        cost.service: cost for part in parts for cost in _of_part(part, [known[name] for name in part.services], search, hours)
    }
    return tuple(found[name] for name in known if name in found)


def _of_part(part: Part, loads: Sequence[ServiceLoad], search: Search, hours: FloatArray) -> list[UnitCost]:
    monthly = price_parts([part], hours, search.catalog, search.region).monthly_usd
    if monthly is None:
        return []
    # The bill holds what a replay found, so that the hours that it is spread over do, too.
    replayed = 1.0 if part.replay is None else part.replay.factor if part.on_instances is None else part.replay.task_factor
    task_hours = np.array([_month(row, hours) for row in part.tasks]) * replayed
    weight = task_hours * _share_of_instance(part, search)
    total = float(weight.sum())
    shares = weight / total if total else np.full(len(loads), 1.0 / len(loads))
    costs = []
    for load, share, lasting in zip(loads, shares.tolist(), task_hours.tolist(), strict=True):
        usd, requests = monthly.mean * share, _requests(load, search, hours)
        costs.append(
            UnitCost(
                service=load.service.name,
                monthly_usd=usd,
                is_shared=len(loads) > 1,
                task_hours=lasting,
                usd_per_task_hour=usd / lasting if lasting else None,
                requests=requests,
                usd_per_million_requests=usd / requests * REQUESTS_PER_UNIT if requests else None,
            )
        )
    return costs


def _share_of_instance(part: Part, search: Search) -> FloatArray:
    """(services,): the larger of the shares of CPU and memory that a task reserves of an instance; 1 on Fargate."""
    capacity = search.candidates.capacity_of(part.provider, is_windows=part.is_windows)
    if not capacity.size:
        return np.ones(len(part.services))
    reserved = np.stack([reservation(run.service, run.size, part.provider.launch_type) for run in part.runs])
    return np.asarray((reserved[:, :2] / np.mean(capacity[:, :2], axis=0)).max(axis=1), dtype=np.float64)


def _requests(load: ServiceLoad, search: Search, hours: FloatArray) -> float | None:
    if load.service.load_form is not LoadForm.REQUESTS:
        return None
    return _month(search.axis.spread(load.demand), hours) * SECONDS_PER_HOUR


def _month(series: FloatArray, hours: FloatArray) -> float:
    """A series (steps,) over the month; moments that the month does not stand on are left out."""
    lasting = (hours > 0) & ~np.isnan(series)
    return float(sum_over_states(series[lasting], hours[lasting]))
