"""Plans as a search makes them, not as tests do: what is emitted of each parses back to it."""

import pytest

import advisor
from advisor.emit import parse_cloudformation, parse_ecs, render_cloudformation, render_ecs
from tests.report.results import PACKED, SPOT, small


@pytest.mark.parametrize("text", [PACKED, SPOT], ids=["packed", "spot"])
@pytest.mark.parametrize(
    ("render", "parse"), [(render_ecs, parse_ecs), (render_cloudformation, parse_cloudformation)], ids=["ecs", "cloudformation"]
)
def test_every_alternative_parses_back_to_its_plan(text, render, parse):
    plans = [alternative.plan for alternative in small(text).of_scope("cluster") if alternative.plan is not None]
    assert len(plans) > 1
    for plan in plans:
        if any(provider.placement == "default_az_spread" for provider in plan.capacity_providers.values()):
            continue  # only compared with, never proposed
        assert parse(render(plan)) == plan


def test_a_group_keeps_an_instance_in_each_zone_while_a_task_always_runs():
    plan = small(PACKED).recommended.plan
    least = {provider.zones: provider.min_instances for provider in plan.capacity_providers.values() if provider.instance_types}
    assert least == {2: 2}
    assert advisor.render_ecs(plan)
