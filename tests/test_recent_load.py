"""The end of a history on which growth, break-even and elasticity stand."""

from dataclasses import replace

import numpy as np
import pytest

import advisor
from advisor.ecs import Architecture, PurchaseOption
from advisor.optimize.history import RecentLoad
from advisor.optimize.loads import service_loads
from advisor.optimize.parts import fargate_part
from advisor.optimize.search import search_for
from tests.gate.changes import web, workload


@pytest.mark.parametrize("step_s", [3600, 300])
def test_weeks_without_data_at_the_end_do_not_make_every_plan_free(step_s):
    """4 tasks of 1 vCPU and 2 GiB, and 8 under twice the load, whether or not the last two of six weeks are known."""
    n_steps = 6 * 168 * 3600 // step_s
    whole = replace(workload(web(demand=[2048.0] * n_steps)), step_s=step_s, region="us-east-1")
    demand = whole.demand.copy()
    demand[:, n_steps * 2 // 3 :] = np.nan
    month_usd = 4 * 730 * (0.04048 + 2 * 0.004445)
    for load in (whole, replace(whole, demand=demand)):
        search = search_for(load, advisor.read_catalog("us-east-1"))
        (found,) = service_loads(load, search)
        part = fargate_part(found.run, Architecture.X86_64, PurchaseOption.ON_DEMAND, search.axis, zones=2)
        recent = RecentLoad(load, search, ~np.isnan(search.axis.spread(load.demand[0])))
        assert recent.monthly_usd([part], 1.0) == pytest.approx(month_usd)
        assert recent.monthly_usd([part], 2.0) == pytest.approx(2 * month_usd)


def test_a_history_that_ended_says_so_and_is_not_replayed():
    whole = replace(workload(web(demand=[2048.0] * (6 * 168))), region="us-east-1")
    demand = whole.demand.copy()
    demand[:, 4 * 168 :] = np.nan
    found = advisor.advise(replace(whole, demand=demand), advisor.read_catalog("us-east-1"))
    (told,) = [text for text in found.warnings if "have no data" in text]
    assert told.startswith("the last 14 days of web have no data")
    assert found.recommended.replay is None
    known = advisor.advise(whole, advisor.read_catalog("us-east-1"))
    assert not [text for text in known.warnings if "have no data" in text]
    assert known.recommended.monthly_usd.mean == pytest.approx(found.recommended.monthly_usd.mean)


def test_a_step_since_which_another_service_has_no_data_is_said_and_answered_on_what_both_have():
    stepped = [1024.0] * (7 * 168) + [4096.0] * (3 * 168)
    whole = replace(workload(web(demand=stepped), web(name="api", demand=[1024.0] * (10 * 168))), region="us-east-1")
    demand = whole.demand.copy()
    demand[1, 6 * 168 :] = np.nan
    found = advisor.advise(replace(whole, demand=demand), advisor.read_catalog("us-east-1"), replay_weeks=0)
    assert any("the load of web stepped by +300 % 3 weeks ago" in text for text in found.warnings)
    assert not any(item.id.endswith(":since_step") for item in found.alternatives)
