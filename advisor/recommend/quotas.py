"""Service quotas that a plan runs into in a new account."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from advisor.ecs import InstanceType, LaunchType, PurchaseOption
from advisor.optimize.parts import Part, peak_instances
from advisor.optimize.providers import DEPLOYMENT_SURGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """One quota of AWS, each account and Region its own, and what the recommended plan needs of it."""

    name: str
    """As in the console of Service Quotas."""
    code: str
    """As in ``aws service-quotas request-service-quota-increase --quota-code``."""
    service_code: str
    default: float
    needed: float
    """At the peak of the measured load, each service at its own."""
    needed_deploying: float
    """While the largest service is deployed as well: ECS runs its tasks twice at the default ``maximumPercent`` of 200."""
    unit: str
    source: str

    @property
    def is_enough(self) -> bool:
        """Whether the default holds the plan, also while it is deployed."""
        return self.needed_deploying <= self.default


FARGATE_SOURCE: Final = "AWS General Reference, Amazon ECS endpoints and quotas"
EC2_SOURCE: Final = "AWS General Reference, Amazon EC2 endpoints and quotas"
FARGATE_DEFAULT_VCPU: Final = 6
"""Of On-Demand and of Spot vCPU, in each account and Region."""
_FARGATE: Final = {
    PurchaseOption.ON_DEMAND: ("Fargate On-Demand vCPU resource count", "L-3032A538", float(FARGATE_DEFAULT_VCPU)),
    PurchaseOption.SPOT: ("Fargate Spot vCPU resource count", "L-36FBB829", float(FARGATE_DEFAULT_VCPU)),
}
_GROUPS: Final = {"ACDHIMRTZ": "standard", "GV": "g", "P": "p", "X": "x"}
"""First letters of the families that share a quota."""
_EC2: Final = {
    (PurchaseOption.ON_DEMAND, "standard"): (
        "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
        "L-1216C47A",
        5.0,
    ),
    (PurchaseOption.ON_DEMAND, "x"): ("Running On-Demand X instances", "L-7295265B", 0.0),
    (PurchaseOption.ON_DEMAND, "g"): ("Running On-Demand G and VT instances", "L-DB2E81BA", 0.0),
    (PurchaseOption.ON_DEMAND, "p"): ("Running On-Demand P instances", "L-417A185B", 0.0),
    (PurchaseOption.SPOT, "standard"): ("All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", "L-34B43A08", 5.0),
    (PurchaseOption.SPOT, "x"): ("All X Spot Instance Requests", "L-E3A00192", 0.0),
    (PurchaseOption.SPOT, "g"): ("All G and VT Spot Instance Requests", "L-3819A6DF", 0.0),
    (PurchaseOption.SPOT, "p"): ("All P4, P3 and P2 Spot Instance Requests", "L-7212CCBC", 0.0),
}


def quotas(parts: Sequence[Part], types: Sequence[InstanceType]) -> tuple[Quota, ...]:
    """Quotas of vCPU that a plan uses, those that the default of a new account does not hold first."""
    found = [*_fargate(parts), *_ec2(parts, types)]
    return tuple(sorted(found, key=lambda quota: (quota.is_enough, quota.code)))


def _fargate(parts: Sequence[Part]) -> Iterator[Quota]:
    for option, (name, code, default) in _FARGATE.items():
        peaks = [
            float(np.nanmax(part.tasks, initial=0.0)) * plan.task.vcpu
            for part in parts
            if part.provider.launch_type is LaunchType.FARGATE and part.provider.purchase_option is option
            for plan in part.services.values()
        ]
        if peaks:
            yield Quota(
                name=name,
                code=code,
                service_code="fargate",
                default=default,
                needed=sum(peaks),
                needed_deploying=sum(peaks) + max(peaks) * (DEPLOYMENT_SURGE - 1),
                unit="vCPU",
                source=FARGATE_SOURCE,
            )


def _ec2(parts: Sequence[Part], types: Sequence[InstanceType]) -> Iterator[Quota]:
    """Instances at their most; deployments use room that is there, or one instance more, which nobody can tell beforehand."""
    vcpu = {each.name: each.vcpu for each in types}
    needed: dict[tuple[PurchaseOption, str], float] = {}
    for part in parts:
        names = part.provider.instance_types
        if part.on_instances is None or not names:
            continue
        running = peak_instances(part)
        key = part.provider.purchase_option, _group(names[0])
        needed[key] = needed.get(key, 0.0) + running * max(vcpu[name] for name in names)
    for key, (name, code, default) in _EC2.items():
        if key in needed:
            yield Quota(
                name=name,
                code=code,
                service_code="ec2",
                default=default,
                needed=needed[key],
                needed_deploying=needed[key],
                unit="vCPU",
                source=EC2_SOURCE,
            )


def _group(instance_type: str) -> str:
    """Families that share a quota with a type; itself where none is known."""
    first = instance_type[0].upper()
    return next((group for letters, group in _GROUPS.items() if first in letters), instance_type)
