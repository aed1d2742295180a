"""The EC2 side of a cluster: what its container instances are, how they are bought, and the groups that make them."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from advisor.sources.aws.ecs import fetch_container_instances
from advisor.sources.aws.ecs_facts import Cluster, ContainerInstance, Provider, ProviderKind
from advisor.sources.aws.errors import reading
from advisor.sources.aws.session import Aws, batches

_GROUPS_PER_CALL: Final = 50
"""Limit of DescribeAutoScalingGroups by name."""
_INSTANCES_PER_CALL: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An Auto Scaling group behind a capacity provider."""

    name: str
    min_size: int
    max_size: int
    desired: int
    types: tuple[str, ...]
    """Instance types that the group may use, where the group itself lists them."""
    on_demand_percent: int | None
    """Share of On-Demand above the base; None without a mixed instances policy."""
    on_demand_base: int
    running: Mapping[str, int]
    """Instances by type, now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instances:
    """Container instances of a cluster by type."""

    on_demand: Mapping[str, int]
    spot: Mapping[str, int]
    managed: Mapping[str, int]
    """Instances that ECS Managed Instances runs, which cost a fee on top."""
    n_unknown: int
    """Instances of which AWS does not tell the type, or what their capacity provider is."""
    is_purchase_known: bool = True
    """False where EC2 did not say which are Spot."""
    architectures: frozenset[str]
    """``X86_64`` or ``ARM64``, as far as the instances say."""
    registered_memory_mib: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """What EC2 instances of a type with Linux registered, ``ECS_RESERVED_MEMORY`` already taken off."""
    windows: Mapping[str, int] = field(default_factory=dict)
    """Those of ``on_demand`` and ``spot`` that run Windows."""

    @property
    def by_type(self) -> dict[str, int]:
        """EC2 instances that the user runs, On-Demand and Spot together."""
        return dict(sorted((Counter(self.on_demand) + Counter(self.spot)).items()))

    @property
    def linux(self) -> dict[str, int]:
        """Those of ``by_type`` that do not run Windows."""
        return {kind: n for kind, all_of in self.by_type.items() if (n := all_of - self.windows.get(kind, 0))}


NO_INSTANCES: Final = Instances(on_demand={}, spot={}, managed={}, n_unknown=0, architectures=frozenset())


def fetch_instances(aws: Aws, cluster: Cluster, providers: Mapping[str, Provider]) -> Instances:
    """What the cluster's container instances are."""
    registered = aws.optional("container instances that run now", lambda: fetch_container_instances(aws, cluster)) or []
    registered = [i for i in registered if i.status != "INACTIVE" and not i.is_external]
    ids = [i.instance_id for i in registered if i.instance_id and i.instance_id.startswith("i-")]
    ec2 = aws.optional("Spot or On-Demand, and types of instances that do not say theirs", lambda: _ec2_facts(aws, ids))
    return replace(_counted(registered, ec2 or {}, providers), is_purchase_known=ec2 is not None)


def fetch_groups(aws: Aws, providers: Mapping[str, Provider]) -> list[Group]:
    """The Auto Scaling groups behind the capacity providers."""
    names = [p.group for p in providers.values() if p.group]

    return aws.optional("Auto Scaling groups behind capacity providers", lambda: _groups(aws, names)) or []


def _groups(aws: Aws, names: Sequence[str]) -> list[Group]:
    with reading("autoscaling:DescribeAutoScalingGroups"):
        return [
            _group(facts)
            for some in batches(dict.fromkeys(names), _GROUPS_PER_CALL)
            for facts in aws.pages(
                "autoscaling",
                "DescribeAutoScalingGroups",
                "AutoScalingGroups",
                token="NextToken",
                AutoScalingGroupNames=list(some),
            )
        ]


def _ec2_facts(aws: Aws, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for some in batches(ids, _INSTANCES_PER_CALL):
        # a filter instead of InstanceIds: an instance that ended a moment ago is then left out, and does not fail the call
        filters = [{"Name": "instance-id", "Values": list(some)}]
        with reading("ec2:DescribeInstances"):
            for reservation in aws.pages("ec2", "DescribeInstances", "Reservations", token="NextToken", Filters=filters):
                found |= {str(i["InstanceId"]): i for i in reservation["Instances"]}
    return found


def _counted(
    registered: Sequence[ContainerInstance], ec2: Mapping[str, Mapping[str, Any]], providers: Mapping[str, Provider]
) -> Instances:
    on_demand, spot, managed, windows = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    n_unknown, architectures = 0, set()
    registered_mib: defaultdict[str, set[int]] = defaultdict(set)
    for instance in registered:
        facts = ec2.get(instance.instance_id or "", {})
        kind = instance.instance_type or facts.get("InstanceType")
        machine = (instance.architecture or str(facts.get("Architecture") or "")).lower()
        architectures |= {"ARM64"} if machine in ("arm64", "aarch64") else {"X86_64"} if machine == "x86_64" else set()
        provider = providers.get(instance.provider or "")
        if kind is None or (instance.provider and provider is None):
            n_unknown += 1
        elif provider is not None and provider.kind is ProviderKind.MANAGED_INSTANCES:
            managed[kind] += 1
        else:
            (spot if facts.get("InstanceLifecycle") == "spot" else on_demand)[kind] += 1
            if instance.is_windows:
                windows[kind] += 1
            elif instance.registered_memory_mib is not None:
                registered_mib[kind].add(instance.registered_memory_mib)
    return Instances(
        on_demand=dict(on_demand),
        spot=dict(spot),
        managed=dict(managed),
        n_unknown=n_unknown,
        architectures=frozenset(architectures),
        windows=dict(sorted(windows.items())),
        registered_memory_mib={kind: frozenset(mib) for kind, mib in registered_mib.items() if mib},
    )


def _group(facts: Mapping[str, Any]) -> Group:
    policy = facts.get("MixedInstancesPolicy") or {}
    distribution = policy.get("InstancesDistribution") or {}
    overrides = (policy.get("LaunchTemplate") or {}).get("Overrides") or []
    # AWS leaves out what is at its default: all On-Demand, no base
    share = distribution.get("OnDemandPercentageAboveBaseCapacity", 100)
    return Group(
        name=str(facts["AutoScalingGroupName"]),
        min_size=int(facts["MinSize"]),
        max_size=int(facts["MaxSize"]),
        desired=int(facts["DesiredCapacity"]),
        types=tuple(str(o["InstanceType"]) for o in overrides if o.get("InstanceType")),
        on_demand_percent=int(share) if policy else None,
        on_demand_base=int(distribution.get("OnDemandBaseCapacity") or 0),
        running=dict(Counter(str(i["InstanceType"]) for i in facts.get("Instances", []) if i.get("InstanceType"))),
    )
