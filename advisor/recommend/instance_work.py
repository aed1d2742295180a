"""The work that instances take, which is in no bill: how much of it the recommended plan bears."""

import math
from collections.abc import Iterable, Sequence

from advisor.ecs import LaunchType
from advisor.recommend.verdict import Ranked, saving_against


def instance_work(ranked: Sequence[Ranked]) -> Iterable[str]:
    """Where the first plan has instances to keep, what that may cost before the cheapest plan without any is cheaper.

    ECS Managed Instances are kept by AWS, so that they are none of these.
    """
    title, saving_usd = without_instances(ranked)
    if saving_usd > 0:
        yield (
            "the work that instances take (images, agents, drains, failures) is in no bill: where it costs more than "
            f"${saving_usd:,.{0 if saving_usd >= 10 else 2}f} a month, {title} is cheaper"
        )


def without_instances(ranked: Sequence[Ranked]) -> tuple[str, float]:
    """The cheapest plan without instances to keep, and what the first one saves against it in a month [USD].

    No title and NaN where the first has none to keep, or no plan without any has a price.
    """
    best = ranked[0]
    others = (item for item in ranked if not item.alternative.is_comparison and item.alternative.monthly_usd is not None)
    other = next((item for item in others if not _keeps_instances(item)), None)
    if other is None or not _keeps_instances(best):
        return "", math.nan
    return other.alternative.title, saving_against(best, other).mean


def _keeps_instances(item: Ranked) -> bool:
    plan = item.alternative.plan
    return plan is not None and any(service.launch_type is LaunchType.EC2 for service in plan.services.values())
