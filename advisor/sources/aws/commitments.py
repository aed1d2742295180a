"""Savings Plans and Reserved Instances that the account holds."""

from collections.abc import Mapping
from typing import Any, Final

from advisor.sources.aws.errors import reading
from advisor.sources.aws.session import Aws

_PLAN_KINDS: Final[Mapping[str, str]] = {"Compute": "compute_savings_plan", "EC2Instance": "ec2_instance_savings_plan"}
"""The other kinds, for SageMaker and databases, do not touch ECS."""
_YEAR_S: Final = 365 * 24 * 3600


def fetch_commitments(aws: Aws) -> list[dict[str, Any]]:
    """Active commitments that can cover something in the Region, as the workload file spells them."""
    plans = aws.optional("held Savings Plans", lambda: _savings_plans(aws))
    reserved = aws.optional("held Reserved Instances", lambda: _reserved_instances(aws))
    return [*(plans or ()), *(reserved or ())]


def _savings_plans(aws: Aws) -> list[dict[str, Any]]:
    facts = aws.pages("savingsplans", "DescribeSavingsPlans", "savingsPlans", states=["active"], maxResults=1000)
    with reading("savingsplans:DescribeSavingsPlans"):
        plans = [_savings_plan(plan) for plan in facts if plan["savingsPlanType"] in _PLAN_KINDS]
    return [plan for plan in plans if plan.get("region", aws.region) == aws.region]


def _savings_plan(facts: Mapping[str, Any]) -> dict[str, Any]:
    kind = _PLAN_KINDS[facts["savingsPlanType"]]
    family = {"family": facts["ec2InstanceFamily"]} if facts.get("ec2InstanceFamily") else {}
    region = {"region": facts["region"]} if family and facts.get("region") else {}
    return {
        "kind": kind,
        "usd_per_hour": float(facts["commitment"]),
        **family,
        **region,
        "term_years": round(int(facts["termDurationInSeconds"]) / _YEAR_S),
        "payment": _payment(facts.get("paymentOption")),
    }


def _reserved_instances(aws: Aws) -> list[dict[str, Any]]:
    facts = aws.listed(
        "ec2", "DescribeReservedInstances", "ReservedInstances", Filters=[{"Name": "state", "Values": ["active"]}]
    )
    with reading("ec2:DescribeReservedInstances"):
        return [_reserved_instance(held) for held in facts if _is_for_linux(held)]


def _is_for_linux(facts: Mapping[str, Any]) -> bool:
    """For Linux without a licence and with shared tenancy: what ECS's own images run on."""
    platform, tenancy = facts.get("ProductDescription") or "Linux/UNIX", facts.get("InstanceTenancy") or "default"
    return platform in ("Linux/UNIX", "Linux/UNIX (Amazon VPC)") and tenancy == "default"


def _reserved_instance(facts: Mapping[str, Any]) -> dict[str, Any]:
    usd = _usd_per_hour(facts)
    return {
        "kind": "reserved_instance",
        **({} if usd is None else {"usd_per_hour": usd}),
        "instance_type": facts["InstanceType"],
        "count": int(facts["InstanceCount"]),
        "scope": facts.get("AvailabilityZone") or "region",
        "term_years": round(int(facts["Duration"]) / _YEAR_S),
        "payment": _payment(facts.get("OfferingType")),
    }


def _usd_per_hour(facts: Mapping[str, Any]) -> float | None:
    """What an hour of one instance costs with the upfront payment spread over the term; None where AWS does not say."""
    if facts.get("FixedPrice") is None or (facts.get("CurrencyCode") or "USD") != "USD":
        return None
    hourly = [float(each["Amount"]) for each in facts.get("RecurringCharges") or () if each.get("Frequency") == "Hourly"]
    fixed = float(facts["FixedPrice"]) * 3600 / int(facts["Duration"])
    return round(fixed + float(facts.get("UsagePrice") or 0) + sum(hourly), 6) or None


def _payment(stated: str | None) -> str:
    """``no_upfront`` for "No Upfront"."""
    return (stated or "").strip().lower().replace(" ", "_")
