"""Any plan is either held by a format or refused with a reason; nothing in between."""

from dataclasses import replace

from hypothesis import assume, given, settings

from advisor.emit import parse_copilot, parse_express, render_copilot, render_express
from advisor.errors import PlanError
from tests.emit.fargate_plans import held
from tests.emit.plans import plan, plans


def alone(made, name):
    """One service of a plan in an application of its own, under names that every format allows."""
    each = replace(made.services[name], shares_target_group_of=None)
    if each.scaling_target is not None:
        each = replace(each, scaling_target=float(int(each.scaling_target) or 1))
    used = [made.capacity_providers[item.capacity_provider] for item in each.strategy_items]
    assume(len({provider.purchase_option for provider in used}) == len(used))
    return plan({"svc": each}, *(replace(provider, zones=2) for provider in used))


def rendered(render, made):
    try:
        return render(made), ""
    except PlanError as error:
        return None, str(error)


@given(plans())
@settings(max_examples=40)
def test_any_plan_is_held_or_refused(made):
    for name in made.services:
        one = alone(made, name)
        for word, render, parse in (("copilot", render_copilot, parse_copilot), ("express", render_express, parse_express)):
            files, reason = rendered(render, one)
            assert word in reason if files is None else parse(files) == held(one, keeps_starts=word == "express")
