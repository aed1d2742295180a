"""Which Application Load Balancers send requests to which service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from advisor.sources.aws.ecs_facts import EcsService
from advisor.sources.aws.errors import reading
from advisor.sources.aws.session import Aws

_PAGE: Final = 400
"""Longest page of DescribeTargetGroups. All groups of the account are listed, at most eight pages by AWS's default quota of
3,000: naming those of 500 services would take more calls, and one that is gone would fail the call."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RequestSource:
    """A load balancer and target group, spelled as in the dimensions of their metrics."""

    load_balancer: str
    target_group: str


def fetch_request_sources(aws: Aws, services: Sequence[EcsService]) -> Mapping[str, tuple[RequestSource, ...]]:
    """Application Load Balancers in front of each service, by service name."""
    wanted = {arn for service in services for arn in service.target_groups}
    if not wanted:
        return {}

    def sources() -> dict[str, tuple[RequestSource, ...]]:
        groups = aws.pages(
            "elbv2", "DescribeTargetGroups", "TargetGroups", token="Marker", answer_token="NextMarker", PageSize=_PAGE
        )
        with reading("elasticloadbalancing:DescribeTargetGroups"):
            return {str(g["TargetGroupArn"]): _sources(g) for g in groups if g["TargetGroupArn"] in wanted}

    by_group = aws.optional("requests counted by load balancers", sources) or {}
    found = {s.name: tuple(sorted({source for arn in s.target_groups for source in by_group.get(arn, ())})) for s in services}
    return {name: these for name, these in found.items() if these}


def _sources(facts: Mapping[str, Any]) -> tuple[RequestSource, ...]:
    """``app/web/50dc6c495c0c9188`` and ``targetgroup/web/73e2d6bc24d8a067`` out of the ARNs; only an ALB counts requests."""
    group = str(facts["TargetGroupArn"]).rpartition(":")[2]
    balancers = (str(arn).rpartition(":loadbalancer/")[2] for arn in facts.get("LoadBalancerArns") or ())
    return tuple(RequestSource(load_balancer=b, target_group=group) for b in balancers if b.startswith("app/"))
