"""The work that instances take, which is in no bill: how much of it the recommended plan bears."""

from collections.abc import Iterable, Sequence

from advisor.ecs import LaunchType
from advisor.recommend.verdict import Ranked, saving_against


def instance_work(ranked: Sequence[Ranked]) -> Iterable[str]:
    """Where the first plan has instances to keep, what that may cost before the cheapest plan without any is cheaper.

    ECS Managed Instances are kept by AWS, so that they are none of these.
    """
    best = ranked[0]
    others = (item for item in ranked if not item.alternative.is_comparison and item.alternative.monthly_usd is not None)
    other = next((item for item in others if not _keeps_instances(item)), None)
    if other is None or not _keeps_instances(best):
        return
    saving = saving_against(best, other).mean
    if saving > 0:
        yield (
            "the work that instances take (images, agents, drains, failures) is in no bill: where it costs more than "
            f"${saving:,.{0 if saving >= 10 else 2}f} a month, {other.alternative.title} is cheaper"
        )


def _keeps_instances(item: Ranked) -> bool:
    plan = item.alternative.plan
    return plan is not None and any(service.launch_type is LaunchType.EC2 for service in plan.services.values())
