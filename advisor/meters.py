"""Meters, the things that AWS bills, and usage: quantities of them, with no money in it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from advisor.ecs import Architecture, PurchaseOption
from advisor.units import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Meter:
    """One thing that AWS bills, the same in every Region."""

    id: str
    """Stable name, such as ``fargate:linux:arm64:on_demand:vcpu_hour``."""
    unit: str
    """Unit of the quantity, such as ``vCPU-hour``."""

    def __str__(self) -> str:
        return self.id


def fargate_vcpu_hour(architecture: Architecture, purchase_option: PurchaseOption) -> Meter:
    """vCPU that Fargate tasks on Linux request."""
    return Meter(id=f"fargate:linux:{architecture.lower()}:{purchase_option}:vcpu_hour", unit="vCPU-hour")


def fargate_gib_hour(architecture: Architecture, purchase_option: PurchaseOption) -> Meter:
    """Memory that Fargate tasks on Linux request; AWS writes GB and means GiB."""
    return Meter(id=f"fargate:linux:{architecture.lower()}:{purchase_option}:gib_hour", unit="GiB-hour")


FARGATE_EPHEMERAL_GIB_HOUR = Meter(id="fargate:ephemeral:gib_hour", unit="GiB-hour")
"""Ephemeral storage of a task beyond the 20 GiB that are included."""
GP3_GIB_MONTH = Meter(id="ebs:gp3:gib_month", unit="GiB-month")
PUBLIC_IPV4_HOUR = Meter(id="vpc:public_ipv4:address_hour", unit="address-hour")


def instance_hour(instance_type: str, purchase_option: PurchaseOption) -> Meter:
    """A Linux instance with shared tenancy, running."""
    return Meter(id=f"ec2:linux:{purchase_option}:{instance_type}", unit="instance-hour")


def spot_pool_hour(instance_type: str) -> Meter:
    """A Spot instance as one of a pool: its price moves between zones, so it is not taken at the zone mean."""
    return Meter(id=f"ec2:linux:spot_pool:{instance_type}", unit="instance-hour")


def managed_instances_fee_hour(instance_type: str) -> Meter:
    """What ECS Managed Instances adds to an instance-hour, whatever the purchase option."""
    return Meter(id=f"ecs_managed_instances:fee:{instance_type}", unit="instance-hour")


def surplus_vcpu_hour(instance_type: str) -> Meter:
    """CPU credits beyond what a burstable family earns, in unlimited mode."""
    return Meter(id=f"ec2:linux:surplus:{instance_type.partition('.')[0]}", unit="vCPU-hour")


def windows_instance_hour(instance_type: str, purchase_option: PurchaseOption) -> Meter:
    """A Windows instance with shared tenancy, its licence included."""
    return Meter(id=f"ec2:windows:{purchase_option}:{instance_type}", unit="instance-hour")


def windows_spot_pool_hour(instance_type: str) -> Meter:
    """A Windows Spot instance as one of a pool."""
    return Meter(id=f"ec2:windows:spot_pool:{instance_type}", unit="instance-hour")


FARGATE_WINDOWS_VCPU_HOUR: Final = Meter(id="fargate:windows:x86_64:on_demand:vcpu_hour", unit="vCPU-hour")
FARGATE_WINDOWS_GIB_HOUR: Final = Meter(id="fargate:windows:x86_64:on_demand:gib_hour", unit="GiB-hour")
FARGATE_WINDOWS_LICENSE_VCPU_HOUR: Final = Meter(id="fargate:windows:x86_64:on_demand:os_license_vcpu_hour", unit="vCPU-hour")
"""Licence of a Windows task, on top of its vCPU."""

NAT_GATEWAY_HOUR: Final = Meter(id="vpc:nat_gateway:hour", unit="gateway-hour")
NAT_GATEWAY_GIB: Final = Meter(id="vpc:nat_gateway:gib", unit="GiB")
"""Data that passes a NAT gateway, either way."""
INTERFACE_ENDPOINT_HOUR: Final = Meter(id="vpc:interface_endpoint:hour", unit="endpoint-hour")
"""An interface endpoint in one zone."""
INTERFACE_ENDPOINT_GIB: Final = Meter(id="vpc:interface_endpoint:gib", unit="GiB")

ALB_HOUR: Final = Meter(id="elb:application:hour", unit="load-balancer-hour")
ALB_LCU_HOUR: Final = Meter(id="elb:application:lcu_hour", unit="LCU-hour")
NLB_HOUR: Final = Meter(id="elb:network:hour", unit="load-balancer-hour")
NLB_LCU_HOUR: Final = Meter(id="elb:network:lcu_hour", unit="LCU-hour")

INTER_AZ_GIB: Final = Meter(id="data_transfer:inter_az:gib", unit="GiB")
"""Each direction is billed: a byte that crosses from one zone to another costs this twice."""
INTERNET_OUT_GIB: Final = Meter(id="data_transfer:internet_out_first_10tb:gib", unit="GiB")
"""To the internet, the first 10 TB of a month; more is cheaper."""
OTHER_REGIONS_GIB: Final = Meter(id="data_transfer:other_regions:gib", unit="GiB")

LOGS_INGESTED_GIB: Final = Meter(id="cloudwatch:logs_ingested:gib", unit="GiB")
LOGS_STORED_GIB_MONTH: Final = Meter(id="cloudwatch:logs_stored:gib_month", unit="GiB-month")
CUSTOM_METRIC_MONTH: Final = Meter(id="cloudwatch:custom_metric_first_10000:metric_month", unit="metric-month")
"""Container Insights without enhanced observability bills its metrics as custom ones."""
CONTAINER_INSIGHTS_METRIC_MONTH: Final = Meter(id="cloudwatch:container_insights_enhanced:metric_month", unit="metric-month")
ALARM_MONTH: Final = Meter(id="cloudwatch:alarm_standard:alarm_month", unit="alarm-month")
ECR_STORAGE_GIB_MONTH: Final = Meter(id="ecr:storage:gib_month", unit="GiB-month")


class CommitmentKind(StrEnum):
    """What a commitment is, spelled as in the workload file."""

    RESERVED_INSTANCE = "reserved_instance"
    """Standard class."""
    EC2_INSTANCE_SAVINGS_PLAN = "ec2_instance_savings_plan"
    COMPUTE_SAVINGS_PLAN = "compute_savings_plan"


class PaymentOption(StrEnum):
    """How much of a commitment is paid at its start."""

    ALL_UPFRONT = "all_upfront"
    PARTIAL_UPFRONT = "partial_upfront"
    NO_UPFRONT = "no_upfront"


COMMITMENT_YEARS: Final = (1, 3)


def committed(covered: Meter, kind: CommitmentKind, *, years: int, payment: PaymentOption) -> Meter:
    """A unit of an on-demand meter that a commitment covers; its rate has the upfront payment spread over the term."""
    return Meter(id=f"{kind}:{years}y:{payment}:{covered.id}", unit=covered.unit)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Usage:
    """How much of each meter is used in each state, and how long each state lasts."""

    meters: tuple[Meter, ...]
    quantity_per_hour: FloatArray
    """(..., meters, states): quantity of each meter per hour in each state; NaN where the load has a gap."""
    hours: FloatArray
    """(..., states): how long each state lasts, together. Over a month they add up to 730."""

    def __post_init__(self) -> None:
        if self.quantity_per_hour.shape[-2] != len(self.meters):
            raise ValueError(f"{len(self.meters)} meters, but quantities of shape {self.quantity_per_hour.shape}")
        if self.quantity_per_hour.shape[-1] != self.hours.shape[-1]:
            raise ValueError(f"states differ: quantities {self.quantity_per_hour.shape}, hours {self.hours.shape}")

    @property
    def totals(self) -> FloatArray:
        """(..., meters): quantity of each meter over all states; NaN where a state that lasted has a gap.

        With hours of several periods, (periods, states), and one set of quantities: (periods, meters).
        """
        return sum_over_states(self.quantity_per_hour, self.hours[..., np.newaxis, :])


def sum_over_states(per_hour: FloatArray | IntArray, hours: FloatArray) -> FloatArray:
    """(...): what goes by the hour, (..., states), times the hours of each state; NaN where a state that lasted has a gap.

    Not a product of BLAS: there the order of addition, and with it the last digits, hangs on the number of cores.
    """
    amounts = np.where(hours > 0, per_hour, 0.0)
    amounts *= hours
    return np.asarray(amounts.sum(axis=-1), dtype=np.float64)
