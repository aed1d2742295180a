"""What to do now: quotas to raise, and when to look again."""

import math
from typing import Any

from advisor.recommend.quotas import Quota
from advisor.recommend.result import Recommendation
from advisor.report.next_steps import when_again


def next_section(recommendation: Recommendation) -> dict[str, Any]:
    """Quotas with the command that raises each, and occasions to ask again."""
    return {
        "quotas": [_quota(quota, recommendation.region) for quota in recommendation.quotas],
        "when_again": when_again(recommendation),
    }


def _quota(quota: Quota, region: str) -> dict[str, Any]:
    command = (
        f"aws service-quotas request-service-quota-increase --region {region} --service-code {quota.service_code} "
        f"--quota-code {quota.code} --desired-value {math.ceil(quota.needed_deploying)}"
    )
    return {
        "name": quota.name,
        "default": f"{quota.default:g}",
        "needed": f"{quota.needed:,.4g}",
        "deploying": f"{quota.needed_deploying:,.4g}",
        "is_enough": quota.is_enough,
        "command": command,
    }
