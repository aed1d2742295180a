"""Which meters may have a rate somewhere, and the unit of each."""

from collections.abc import Container
from typing import Final

from advisor.ecs import Architecture, PurchaseOption
from advisor.meters import (
    ALARM_MONTH,
    ALB_HOUR,
    ALB_LCU_HOUR,
    COMMITMENT_YEARS,
    CONTAINER_INSIGHTS_METRIC_MONTH,
    CUSTOM_METRIC_MONTH,
    ECR_STORAGE_GIB_MONTH,
    FARGATE_EPHEMERAL_GIB_HOUR,
    FARGATE_WINDOWS_GIB_HOUR,
    FARGATE_WINDOWS_LICENSE_VCPU_HOUR,
    FARGATE_WINDOWS_VCPU_HOUR,
    GP3_GIB_MONTH,
    INTER_AZ_GIB,
    INTERFACE_ENDPOINT_GIB,
    INTERFACE_ENDPOINT_HOUR,
    INTERNET_OUT_GIB,
    LOGS_INGESTED_GIB,
    LOGS_STORED_GIB_MONTH,
    NAT_GATEWAY_GIB,
    NAT_GATEWAY_HOUR,
    NLB_HOUR,
    NLB_LCU_HOUR,
    OTHER_REGIONS_GIB,
    PUBLIC_IPV4_HOUR,
    CommitmentKind,
    Meter,
    PaymentOption,
    fargate_gib_hour,
    fargate_vcpu_hour,
    surplus_vcpu_hour,
)

BURSTABLE_FAMILIES: Final = ("t2", "t3", "t3a", "t4g")

FIXED_METERS: Final[tuple[Meter, ...]] = (
    *(
        meter(architecture, purchase_option)
        for architecture in Architecture
        for purchase_option in PurchaseOption
        for meter in (fargate_vcpu_hour, fargate_gib_hour)
    ),
    FARGATE_EPHEMERAL_GIB_HOUR,
    FARGATE_WINDOWS_VCPU_HOUR,
    FARGATE_WINDOWS_GIB_HOUR,
    FARGATE_WINDOWS_LICENSE_VCPU_HOUR,
    GP3_GIB_MONTH,
    PUBLIC_IPV4_HOUR,
    *(surplus_vcpu_hour(family) for family in BURSTABLE_FAMILIES),
    NAT_GATEWAY_HOUR,
    NAT_GATEWAY_GIB,
    INTERFACE_ENDPOINT_HOUR,
    INTERFACE_ENDPOINT_GIB,
    ALB_HOUR,
    ALB_LCU_HOUR,
    NLB_HOUR,
    NLB_LCU_HOUR,
    INTER_AZ_GIB,
    INTERNET_OUT_GIB,
    OTHER_REGIONS_GIB,
    LOGS_INGESTED_GIB,
    LOGS_STORED_GIB_MONTH,
    CUSTOM_METRIC_MONTH,
    CONTAINER_INSIGHTS_METRIC_MONTH,
    ALARM_MONTH,
    ECR_STORAGE_GIB_MONTH,
)
"""Meters without an instance type in their name: a complete Region has a rate of each."""

_FIXED_UNITS: Final = {meter.id: meter.unit for meter in FIXED_METERS}
_INSTANCE_PREFIXES: Final = frozenset(
    (
        "ec2:linux:on_demand",
        "ec2:linux:spot",
        "ec2:linux:spot_pool",
        "ec2:windows:on_demand",
        "ec2:windows:spot",
        "ec2:windows:spot_pool",
        "ecs_managed_instances:fee",
    )
)
TERMS: Final = tuple(f"{years}y:{payment}" for years in COMMITMENT_YEARS for payment in PaymentOption)
"""What a commitment may run for and how it may be paid, as meters write it."""
_COMMITMENTS: Final = frozenset(f"{kind}:{terms}" for kind in CommitmentKind for terms in TERMS)


def unit_of(meter_id: str, instance_types: Container[str]) -> str | None:
    """Unit of a meter, or None where there is no such meter.

    Examples
    --------
    >>> unit_of("reserved_instance:1y:no_upfront:ec2:linux:on_demand:m5.large", {"m5.large"})
    'instance-hour'
    >>> unit_of("ec2:linux:on_demand:m5.larg", {"m5.large"}) is None
    True
    """
    if meter_id in _FIXED_UNITS:
        return _FIXED_UNITS[meter_id]
    commitment, _, covered = split_commitment(meter_id)
    if commitment is not None:
        return unit_of(covered, instance_types) if ":on_demand:" in covered else None
    prefix, _, instance_type = meter_id.rpartition(":")
    return "instance-hour" if prefix in _INSTANCE_PREFIXES and instance_type in instance_types else None


def split_commitment(meter_id: str) -> tuple[CommitmentKind | None, str, str]:
    """Kind, ``1y:no_upfront`` and the covered meter of a commitment's meter; None for the kind of any other meter."""
    parts = meter_id.split(":", 3)
    if len(parts) < 4 or ":".join(parts[:3]) not in _COMMITMENTS:
        return None, "", meter_id
    kind, years, payment, covered = parts
    return CommitmentKind(kind), f"{years}:{payment}", covered
