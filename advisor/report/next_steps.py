"""What to do first, what to raise before, and when to ask again."""

from advisor.recommend.result import Recommendation, Verdict
from advisor.report.words import percent
from advisor.uncertainty import HORIZON_WEEKS, LEAST_WEEKS

_SERVICES = {"fargate": "Fargate", "ec2": "EC2"}


def first_step(recommendation: Recommendation) -> str:
    """The one thing to do now, in a sentence."""
    verdict = recommendation.recommendation.verdict
    if verdict is Verdict.NOT_ENOUGH_DATA:
        return f"measure on until {LEAST_WEEKS} whole weeks are there, ask again, and move nothing until then"
    if verdict is Verdict.TOO_CLOSE_TO_CALL:
        return "move nothing for the money alone: settle first what stands under Doubt"
    if verdict is Verdict.BEST_OF_PRICED:
        return (
            "get the price that is missing: `advisor prices refresh --region "
            f"{recommendation.region}`, or your own with --rates FILE"
        )
    short = list(dict.fromkeys(_SERVICES[quota.service_code] for quota in recommendation.quotas if not quota.is_enough))
    check = f"raise the vCPU quotas of {' and '.join(short)} if the account is new; then " if short else ""
    buy = "; buy its commitments once it runs as planned" if recommendation.recommended.buys else ""
    return f"{check}{_start_with(recommendation)}{buy}"


def _start_with(recommendation: Recommendation) -> str:
    costs = recommendation.unit_costs
    if len(costs) < 2:
        return "deploy it, and hold its first days against this answer"
    smallest = min(costs, key=lambda cost: (cost.monthly_usd, cost.service))
    return f"move {smallest.service}, the smallest bill, and hold its first days against this answer before the others"


def when_again(recommendation: Recommendation) -> tuple[str, ...]:
    """Occasions to ask again, the nearest first."""
    advice = recommendation.recommendation
    if advice.verdict is Verdict.NOT_ENOUGH_DATA:
        return (f"once {LEAST_WEEKS} whole weeks of load are measured",)
    found = []
    if advice.verdict is Verdict.BEST_OF_PRICED:
        found.append("once the missing price is known")
    flip = advice.break_even
    if flip is not None:
        if flip.lower_load_factor is not None:
            found.append(f"when the load stays below {flip.lower_load_factor:g} times that of the last weeks")
        if flip.upper_load_factor is not None:
            found.append(f"when the load stays above {flip.upper_load_factor:g} times that of the last weeks")
        if flip.dearer_fraction is not None:
            found.append(f"when a price of this plan has risen by {percent(flip.dearer_fraction)}")
    found.append(f"in {HORIZON_WEEKS} weeks: the draws of next month look no further")
    found.append("after any change of task size, image architecture, scaling target or bounds")
    return tuple(found)


def again_command(recommendation: Recommendation) -> str:
    """The command that makes the answer anew, as far as the result tells: options that were given are not in it."""
    path = next((file.get("path", "") for file in recommendation.run.inputs), "")
    return f"advisor recommend {path or 'WORKLOAD'} --region {recommendation.region} --out DIR"
