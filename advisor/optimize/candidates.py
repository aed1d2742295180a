"""Which instance types a search may choose from, with what they offer and what they cost."""

import fnmatch
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from advisor.ecs import WINDOWS_RESERVED_MIB, Architecture, InstanceType, LaunchType, NetworkMode, PurchaseOption
from advisor.errors import InputError
from advisor.meters import instance_hour, managed_instances_fee_hour, surplus_vcpu_hour
from advisor.optimize.work import left_out_sentence, work_per_vcpu
from advisor.plan import CapacityProvider
from advisor.pricing import PriceCatalog
from advisor.pricing.instance_hours import hour_on
from advisor.simulate.instances import ROOT_VOLUME_GIB, WINDOWS_ROOT_VOLUME_GIB, capacity
from advisor.units import CEIL_TOLERANCE, BoolArray, FloatArray, IntArray, TextArray
from advisor.workload import Constraints, Daemon, Service

LEAST_GENERATION: Mapping[str, int] = {"c": 5, "m": 5, "r": 5, "t": 3, "x": 2}
"""Oldest generation of each general family that is proposed; the other families are for special hardware."""
OUTLIER_FRACTION = 0.10
"""A rate further than this from the rest of its family is named; sizes of a family are linear within 2 %."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """Instance types in one order, with arrays along it."""

    types: tuple[InstanceType, ...]
    """Where services run Windows, each type a second time as a Windows host."""
    capacity: Mapping[LaunchType, IntArray]
    """(types, 3) on EC2 and on Managed Instances, which know no ``ECS_RESERVED_MEMORY``: CPU units, MiB, network slots, less
    daemons; CPU in the work of the vCPU that the load was measured on."""
    work_per_vcpu: FloatArray
    """(types,): which multiplies the CPU units in ``capacity``."""
    on_demand_usd: FloatArray
    spot_pool_usd: FloatArray
    managed_fee_usd: FloatArray
    """(types,): USD per instance-hour; NaN where there is no price."""
    surplus_usd: FloatArray
    """(types,): USD per surplus vCPU-hour; 0 for types that are not burstable, NaN where there is no price."""
    outliers: Mapping[str, str]
    """Types whose on-demand rate stands apart from their family, with a sentence each."""
    notes: tuple[str, ...]
    daemons: tuple[Daemon, ...] = ()
    """What every instance runs beside the services; ``capacity`` is what they leave."""
    services: tuple[Service, ...] = ()
    """Which they are for."""

    def members(self, names: Collection[str], *, is_windows: bool) -> IntArray:
        """Positions of the types among ``names``, as hosts of Windows or of Linux."""
        return np.array([i for i, t in enumerate(self.types) if t.name in names and t.is_windows is is_windows], dtype=np.int64)

    def capacity_of(self, provider: CapacityProvider, *, is_windows: bool) -> IntArray:
        """(types of the provider, 3): what one of its instances offers to services; no rows for Fargate."""
        if provider.launch_type not in self.capacity:
            return np.zeros((0, 3), dtype=np.int64)
        return self.capacity[provider.launch_type][self.members(provider.instance_types, is_windows=is_windows)]

    def suits(self, service: Service) -> BoolArray:
        """(types,): which may host tasks like those of a service: its operating system, and GPUs only if it asks for some."""
        return np.asarray((self.has_gpus == (service.task.gpus > 0)) & (self.is_windows == service.is_windows))

    def work_of(self, names: Collection[str]) -> dict[str, float]:
        """Work per vCPU of the types among ``names``."""
        return {t.name: float(work) for t, work in zip(self.types, self.work_per_vcpu, strict=True) if t.name in names}

    def only(self, is_left: BoolArray) -> "Candidates":
        """The same with no price for all types but some, (types,), so that no search takes one of them."""
        return replace(
            self,
            on_demand_usd=np.where(is_left, self.on_demand_usd, np.nan),
            spot_pool_usd=np.where(is_left, self.spot_pool_usd, np.nan),
        )

    def of(self, architecture: Architecture) -> BoolArray:
        """(types,): which types have the architecture."""
        return self._by_architecture[architecture]

    @cached_property
    def _by_architecture(self) -> dict[Architecture, BoolArray]:
        return {each: np.array([each in t.architectures for t in self.types], dtype=np.bool_) for each in Architecture}

    @cached_property
    def names(self) -> TextArray:
        """(types,): what they are called; a Windows host has its type's name."""
        return np.array([t.name for t in self.types], dtype=np.str_)

    @cached_property
    def has_gpus(self) -> BoolArray:
        """(types,): which types are for tasks that ask for GPUs, and for no others."""
        return np.array([t.gpus is not None for t in self.types], dtype=np.bool_)

    @cached_property
    def is_windows(self) -> BoolArray:
        """(types,): which are Windows hosts."""
        return np.array([t.is_windows for t in self.types], dtype=np.bool_)

    @cached_property
    def image_gib(self) -> IntArray:
        """(types,): root volume of an instance whose tasks state no storage."""
        return np.where(self.is_windows, WINDOWS_ROOT_VOLUME_GIB, ROOT_VOLUME_GIB)

    @cached_property
    def is_burstable(self) -> BoolArray:
        """(types,): which types charge for CPU above their baseline."""
        return _is_burstable(self.types)


def candidates(
    catalog: PriceCatalog,
    region: str,
    constraints: Constraints,
    daemons: tuple[Daemon, ...] = (),
    services: tuple[Service, ...] = (),
) -> Candidates:
    """Instance types that the constraints, their family, their zones and the daemons allow.

    Parameters
    ----------
    services
        Types with GPUs are for those alone whose tasks ask for some, and Windows hosts for those that run Windows.

    Raises
    ------
    InputError
        No type is left, or none with GPUs where a task asks for some.
    """
    has_gpus = any(service.task.gpus for service in services)
    offered = catalog.instance_types(region)
    zones = {t.name: catalog.zones_offering(t.name, region) for t in offered}
    allowed = [t for t in offered if _is_allowed(t, constraints, has_gpus=has_gpus)]
    in_zones = tuple(t for t in allowed if (n := zones[t.name]) is None or n >= constraints.zones)
    with_daemons = [t for t in in_zones if all(set(t.architectures) & set(daemon.architectures) for daemon in daemons)]
    wanted = constraints.work_per_vcpu
    factors = work_per_vcpu(catalog.every_instance_type(), wanted)
    types = tuple(t for t in with_daemons if t.name in factors)
    if in_zones and not with_daemons:
        raise InputError(
            "the architectures of the daemons exclude every candidate instance type: "
            + ", ".join(f"{daemon.name} ({', '.join(daemon.architectures)})" for daemon in daemons),
            fix="State `architectures` of each daemon, or widen constraints.instance_types.",
        )
    if with_daemons and not types:
        raise InputError(
            f"no candidate instance type has a factor: {left_out_sentence(with_daemons, factors)}",
            fix="Add patterns that match to constraints.work_per_vcpu, or widen constraints.instance_types.",
        )
    if not types:
        raise InputError(
            f"no instance type in {region} matches constraints.instance_types {list(constraints.instance_types)}"
            f" and is offered in {constraints.zones} zones",
            fix="Widen the patterns, lower constraints.zones, or allow FARGATE alone in constraints.launch_types.",
        )
    if has_gpus and not any(t.gpus for t in types):
        raise InputError(
            f"tasks ask for GPUs, and constraints.instance_types {list(constraints.instance_types)} names no type with any "
            f"that {region} offers in {constraints.zones} zones",
            fix='Name them, such as ["g4dn.*"], or ["*", "g4dn.*"] beside other services. On another GPU a task does other '
            "work than was measured, so none is taken unasked.",
        )
    n_unknown = sum(zones[t.name] is None for t in types)
    notes = (
        [f"{n_unknown} of {len(types)} candidate instance types: the zones that offer them are not known"] if n_unknown else []
    )
    notes += [sentence] if (sentence := left_out_sentence(with_daemons, factors)) else []
    if any(service.is_windows for service in services):
        types += tuple(t.on_windows() for t in types if Architecture.X86_64 in t.architectures and t.gpus is None)
    names = [t.name for t in types]
    work = np.array([factors[name] for name in names])
    offered_by_launch_type = {}
    for launch_type in (LaunchType.EC2, LaunchType.MANAGED_INSTANCES):
        units = np.array([instance_capacity(t, launch_type, constraints, daemons, services) for t in types], dtype=np.int64)
        units[:, 0] = np.floor(units[:, 0] * work + CEIL_TOLERANCE)
        offered_by_launch_type[launch_type] = units
    on_demand = PurchaseOption.ON_DEMAND
    return Candidates(
        types=types,
        capacity=offered_by_launch_type,
        work_per_vcpu=work,
        daemons=daemons,
        services=services,
        on_demand_usd=catalog.rates_usd([hour_on(t, on_demand) for t in types], region),
        spot_pool_usd=catalog.rates_usd([hour_on(t, PurchaseOption.SPOT) for t in types], region),
        managed_fee_usd=catalog.rates_usd([managed_instances_fee_hour(n) for n in names], region),
        surplus_usd=_surplus_usd(types, catalog, region),
        outliers=rate_outliers(offered, catalog.rates_usd([instance_hour(t.name, on_demand) for t in offered], region)),
        notes=tuple(notes),
    )


def instance_capacity(
    instance_type: InstanceType,
    launch_type: LaunchType,
    constraints: Constraints,
    daemons: Sequence[Daemon],
    services: Sequence[Service] = (),
) -> IntArray:
    """(3,): what one instance offers to ``services`` on a launch type: `capacity` under the constraints of a workload."""
    on_gpus = [service for service in services if service.task.gpus]
    return capacity(
        instance_type,
        # Managed Instances are launched with a trunk where their type has one, whatever the account's setting.
        has_trunking=constraints.has_trunking or launch_type is LaunchType.MANAGED_INSTANCES,
        daemons=() if instance_type.is_windows else daemons,  # which all are of Linux
        least_gpus=min((service.task.gpus for service in on_gpus), default=0),
        have_interfaces=any(service.network_mode_on(launch_type) is NetworkMode.AWSVPC for service in on_gpus),
        reserved_memory_mib=kept_memory_mib(instance_type, launch_type, constraints),
    )


def kept_memory_mib(instance_type: InstanceType, launch_type: LaunchType, constraints: Constraints) -> int:
    """What the agent keeps from tasks: as stated, else nothing on Linux; Managed Instances know no ``ECS_RESERVED_MEMORY``."""
    if launch_type is not LaunchType.EC2:
        return 0
    return constraints.ecs_reserved_memory_mib or (WINDOWS_RESERVED_MIB if instance_type.is_windows else 0)


def _surplus_usd(types: Sequence[InstanceType], catalog: PriceCatalog, region: str) -> FloatArray:
    """(types,): no rate of surplus credits on Windows was found, so that burstable types are no hosts of it."""
    usd = catalog.rates_usd([surplus_vcpu_hour(t.name) for t in types], region)
    usd[[t.is_windows for t in types]] = np.nan
    return np.where(_is_burstable(types), usd, 0.0)


def family_and_generation(instance_type: str) -> tuple[str, int]:
    """Letters and generation of a type: ``("m", 7)`` of ``m7g.large``; generation 0 where the name has none."""
    match = re.match(r"([a-z]+)(\d+)", instance_type)
    return (match[1], int(match[2])) if match else (instance_type, 0)


def rate_outliers(types: Iterable[InstanceType], usd_per_hour: FloatArray) -> dict[str, str]:
    """Types whose rate stands apart from the three or more sizes of their family, per vCPU and per GiB of memory alike.

    Families are priced in proportion to one or the other: the t types by memory, most others by both; those with accelerators
    by these.
    """
    by_family: defaultdict[str, list[tuple[InstanceType, float]]] = defaultdict(list)
    for instance_type, usd in zip(types, usd_per_hour.tolist(), strict=True):
        if not instance_type.is_bare_metal and not instance_type.has_accelerator:
            by_family[instance_type.family].append((instance_type, usd))
    found = {}
    for family, members in by_family.items():
        if len(members) < 3:
            continue
        apart = np.stack([_apart([usd / t.vcpu for t, usd in members]), _apart([usd / t.memory_mib for t, usd in members])])
        for at, (instance_type, _) in enumerate(members):
            least = float(apart[np.abs(apart[:, at]).argmin(), at])
            if abs(least) > OUTLIER_FRACTION:
                word = "above" if least > 0 else "below"
                found[instance_type.name] = (
                    f"the rate of {instance_type.name} is {abs(least):.0%} {word} what the other sizes of {family} suggest: "
                    "check it"
                )
    return found


def _apart(values: Sequence[float]) -> FloatArray:
    """How far each value is from the median, relative."""
    return np.array(values) / np.median(values) - 1.0


def _is_burstable(types: Iterable[InstanceType]) -> BoolArray:
    return np.array([t.baseline_fraction is not None for t in types], dtype=np.bool_)


def _is_allowed(instance_type: InstanceType, constraints: Constraints, *, has_gpus: bool) -> bool:
    patterns = constraints.instance_types
    if instance_type.has_accelerator:
        # AWS has no ECS-optimized image with GPU drivers for ARM64.
        can_run = has_gpus and instance_type.gpus is not None and Architecture.X86_64 in instance_type.architectures
        patterns = tuple(pattern for pattern in patterns if pattern != "*") if can_run else ()
    if instance_type.is_bare_metal:
        return False
    if not any(fnmatch.fnmatchcase(instance_type.name, pattern) for pattern in patterns):
        return False
    letters, generation = family_and_generation(instance_type.name)
    return "*" not in patterns or generation >= LEAST_GENERATION.get(letters, 10**6)
