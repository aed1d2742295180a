"""Meters, the things that AWS bills, and usage: quantities of them, with no money in it."""

from dataclasses import dataclass

import numpy as np

from advisor.ecs import Architecture, PurchaseOption
from advisor.units import FloatArray


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
        hours = self.hours[..., np.newaxis]
        gaps = np.isnan(self.quantity_per_hour)
        if not gaps.any():
            return np.asarray((self.quantity_per_hour @ hours)[..., 0], dtype=np.float64)
        known = (np.where(gaps, 0.0, self.quantity_per_hour) @ hours)[..., 0]
        return np.where((gaps.astype(np.float64) @ hours)[..., 0] > 0, np.nan, known)
