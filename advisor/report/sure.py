"""How sure an answer is: chances, where it flips, what a replay found, and how near the cheapest plan it is."""

from advisor.plan import Plan
from advisor.recommend.result import Recommendation
from advisor.report.places import short_title
from advisor.report.words import chance, fraction_below, interval, money, percent
from advisor.units import HOURS_PER_DAY, HOURS_PER_WEEK


def sure_sentence(recommendation: Recommendation) -> str:
    """How sure: the chance of the launch choice, next month's interval, and where the answer flips."""
    advice, best = recommendation.recommendation, recommendation.recommended
    if advice.probability is None:
        return "not known: draws of next month take two whole weeks of load"
    sentence = f"these launch types are cheapest in {chance(advice.probability)} of the draws; next month costs "
    sentence += f"{interval(best.monthly_usd)} in 8 of 10"
    if advice.draws_error_fraction:
        sentence += f" (the draws' own error {100 * advice.draws_error_fraction:.2g} %)"
    return f"{sentence}; {flip_sentence(recommendation)}"


def flip_sentence(recommendation: Recommendation) -> str:
    """``stays cheaper than EC2 m7g.large up to 1.8 times today's load, and while its own price rises by less than 4 %``."""
    flip = recommendation.recommendation.break_even
    if flip is None:
        return "nothing to flip to"
    rival = short_title(recommendation.alternative(flip.against))
    if flip.dearer_fraction is None:
        return f"on the last weeks alone {rival} was cheaper"
    ends = flip.lower_load_factor, flip.upper_load_factor
    if ends == (None, None):
        load = "at a quarter to four times today's load"
    elif ends[0] is None:
        load = f"up to {ends[1]:g} times today's load"
    elif ends[1] is None:
        load = f"down to {ends[0]:g} times today's load"
    else:
        load = f"from {ends[0]:g} to {ends[1]:g} times today's load"
    price = f"while its own price rises by less than {fraction_below(flip.dearer_fraction)}"
    return f"stays cheaper than {rival} {load}, and {price}"


def _aim(plan: Plan | None) -> str:
    """What the load of services is held against: their target, or without one where their step policies add tasks."""
    are_stepped = {
        bool(each.step_policies) and each.scaling_target is None for each in (plan.services.values() if plan else ())
    }
    if are_stepped == {True}:
        return "the threshold from which on step policies add tasks"
    return "the scaling target" + " or the threshold from which on step policies add tasks" * (True in are_stepped)


def replay_sentence(recommendation: Recommendation) -> str:
    """What a replay of the last weeks found for the recommended plan; empty where it was not replayed."""
    replay = recommendation.recommended.replay
    if replay is None:
        return ""
    sentence = f"{_last(replay.weeks * HOURS_PER_WEEK)} minute by minute through ECS's scaling and placement: "
    if replay.instances_over_packing is not None:
        more = replay.instances_over_packing - 1
        changed = f"{percent(abs(more))} {'more' if more > 0 else 'fewer'} instances than packed"
        sentence += "as many instances as packed" if abs(more) < 0.005 else changed
        sentence += f", {replay.waiting_task_hours:,.1f} task-hours a month waiting for one, "
    if replay.fargate_tasks_over_model is not None:
        more = replay.fargate_tasks_over_model - 1
        changed = f"{100 * abs(more):.1f} % {'more' if more > 0 else 'fewer'} task-hours on Fargate than the fast model"
        sentence += f"{'as many task-hours on Fargate as the fast model' if abs(more) < 0.0005 else changed}, "
    sentence += f"{replay.hours_above_target:,.1f} service-hours a month above {_aim(recommendation.recommended.plan)}, "
    sentence += f"{replay.hours_above_full:,.1f} above what the tasks can do"
    if replay.deployments_per_month is None:
        return sentence
    usd, surge = replay.deployments_monthly_usd, replay.deployments_instances_max
    sentence += f"; {replay.deployments_per_month:,.0f} deployments a month"
    sentence += " have no price" if usd is None else f" are {money(usd)} of the bill"
    return sentence if surge is None else f"{sentence}, and raise the most instances by {surge}"


def proof_sentence(recommendation: Recommendation) -> str:
    """How far above the cheapest plan of its class the recommended one may be; empty where nothing is proven."""
    bound = recommendation.lower_bound
    if bound is None:
        return ""
    gap, ecs = float(bound["gap_fraction"]), float(bound["price_of_ecs_fraction"])
    near = "it is the cheapest plan" if gap < 0.0005 else f"at most {100 * gap:.1f} % above the cheapest plan"
    sentence = (
        f"{near} of its class: {bound['class']}; none, packed at once, costs less than {money(float(bound['monthly_usd']))}"
    )
    if abs(ecs) < 0.0005:
        return sentence
    moves = f"add {100 * ecs:.1f} %" if ecs > 0 else f"make it {100 * -ecs:.1f} % cheaper than packed"
    return f"{sentence}. ECS's scaling and placement {moves}"


def _last(hours: float) -> str:
    """``the last 2 weeks``, days or hours, whichever is a number above one."""
    if hours < 2 * HOURS_PER_DAY:
        return f"the last {hours:.0f} hours"
    return (
        f"the last {hours / HOURS_PER_DAY:.0f} days"
        if hours < 2 * HOURS_PER_WEEK
        else f"the last {hours / HOURS_PER_WEEK:.3g} weeks"
    )
