"""A first look at many services: each alone on the cheapest of all instance types and on Fargate, from kilobytes a service.

What a screening leaves out, against the full advice: instances shared by services, Spot, burstable types, other task sizes than
the declared one, commitments, the replay, the draws. For loads given as task counts, what it does say (a service alone, on
demand, on Fargate, EC2 and Managed Instances, as declared) is what the full model says before its replay, to the last digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np

from advisor.billing import amounts_usd, total_usd
from advisor.ecs import Architecture, LaunchType, PurchaseOption, TaskSize
from advisor.fleet.held import HeldTasks
from advisor.meters import Meter
from advisor.optimize.candidates import candidates
from advisor.optimize.parts import MANAGED_FEE_RANGE, PACKING_RANGE
from advisor.optimize.search import CapacityKind, Search
from advisor.pricing import PriceCatalog
from advisor.simulate.fargate import fargate_meters, fargate_quantities
from advisor.simulate.instances import MAX_VOLUME_GIB, most_tasks, root_volume_gib, with_zone_floor
from advisor.simulate.timeline import timeline
from advisor.sizing import fargate_sizes
from advisor.units import SECONDS_PER_HOUR, BoolArray, FloatArray, IntArray
from advisor.workload import Constraints, Service

_SAME_USD = 1e-6
"""A difference that might be one of rounding: names decide between types that cost the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenedChoice:
    """One launch choice for one service: dollars of a month."""

    launch_type: LaunchType
    architecture: Architecture
    size: TaskSize
    instance_type: str
    """Empty on Fargate."""
    mean_usd: float
    high_usd: float
    """With what ECS's placement may cost over the packing model, and the range of a derived fee."""


def screened_choices(
    services: Sequence[tuple[Service, HeldTasks]], catalog: PriceCatalog, region: str, constraints: Constraints
) -> list[tuple[ScreenedChoice, ...]]:
    """The launch choices of each service, lowest upper end first: none where nothing has a price or room.

    Services of one size are held against all instance types at once: their histograms times a table of instances by count.
    """
    search = search_of(catalog, region, constraints)
    alike: dict[tuple[object, ...], list[int]] = {}
    for number, (service, _) in enumerate(services):
        key = (
            service.task, service.architectures, service.has_public_ip, service.ephemeral_storage_gib, service.is_cpu_known,
            service.off_launch_types, service.operating_system, service.has_distinct_instances,
            service.network_mode, service.port_mappings, service.port,
        )  # fmt: skip
        alike.setdefault(key, []).append(number)
    found: dict[int, tuple[ScreenedChoice, ...]] = {}
    for numbers in alike.values():
        group = [services[number] for number in numbers]
        by_service: list[list[ScreenedChoice]] = [[] for _ in group]
        for architecture in group[0][0].architectures:
            if LaunchType.FARGATE in constraints.launch_types:
                _add_fargate(search, group, architecture, by_service)
            for launch_type in (LaunchType.EC2, LaunchType.MANAGED_INSTANCES):
                if launch_type in constraints.launch_types and group[0][0].why_off(launch_type) is None:
                    kind = CapacityKind(
                        launch_type=launch_type, purchase_option=PurchaseOption.ON_DEMAND, architecture=architecture
                    )
                    _add_instances(search, group, kind, by_service)
        for number, choices in zip(numbers, by_service, strict=True):
            found[number] = tuple(sorted(choices, key=lambda each: (each.high_usd, each.launch_type, each.architecture)))
    return [found[number] for number in range(len(services))]


@lru_cache(maxsize=8)
def search_of(catalog: PriceCatalog, region: str, constraints: Constraints) -> Search:
    """A search without held commitments, whose time axis is exchanged for that of a load where one is asked of it."""
    return Search(
        catalog=catalog,
        region=region,
        axis=timeline(datetime(2024, 1, 1, tzinfo=UTC), SECONDS_PER_HOUR, 1),
        constraints=constraints,
        candidates=candidates(catalog, region, constraints),
    )


def _add_fargate(
    search: Search,
    group: Sequence[tuple[Service, HeldTasks]],
    architecture: Architecture,
    by_service: Sequence[list[ScreenedChoice]],
) -> None:
    service = group[0][0]
    option = PurchaseOption.ON_DEMAND
    meters = fargate_meters(
        architecture,
        option,
        ephemeral_storage_gib=service.ephemeral_storage_gib,
        has_public_ip=service.has_public_ip,
        operating_system=service.operating_system,
    )
    sizes = [each.size for each in fargate_sizes(service)]
    priced = [(usd, size) for size in sizes if (usd := _task_hour_usd(search, service, size, meters)) is not None]
    if not priced:
        return
    usd, size = min(priced, key=lambda each: each[0])
    for (_, held), choices in zip(group, by_service, strict=True):
        total = usd * held.billed_task_hours
        choices.append(
            ScreenedChoice(
                launch_type=LaunchType.FARGATE,
                architecture=architecture,
                size=size,
                instance_type="",
                mean_usd=total,
                high_usd=total,
            )
        )


def _task_hour_usd(search: Search, service: Service, size: TaskSize, meters: Sequence[Meter]) -> float | None:
    quantity = fargate_quantities(
        np.ones(1),
        size,
        ephemeral_storage_gib=service.ephemeral_storage_gib,
        has_public_ip=service.has_public_ip,
        operating_system=service.operating_system,
    )
    usd = float(total_usd(amounts_usd(quantity[:, 0], search.catalog.rates_usd(meters, search.region))))
    return None if np.isnan(usd) else usd


def _add_instances(
    search: Search,
    group: Sequence[tuple[Service, HeldTasks]],
    kind: CapacityKind,
    by_service: Sequence[list[ScreenedChoice]],
) -> None:
    service = group[0][0]
    types = search.candidates
    capacity = types.capacity[kind.launch_type]
    volume_gib = root_volume_gib([(service, service.task)], kind.launch_type, capacity)
    rates = search.rates(kind, has_public_ip=service.has_public_ip, volume_gib=volume_gib)
    room = most_tasks(service, service.task, kind.launch_type, capacity)
    usable = np.flatnonzero(
        search.holds(service.task, service, kind.launch_type)
        & (volume_gib <= MAX_VOLUME_GIB)
        & types.of(kind.architecture)
        & ~np.isnan(rates).any(axis=-1)
        & ~types.is_burstable
    )
    if not usable.size:
        return
    hours = _instance_hours([held for _, held in group], room[usable], search.constraints.zones)
    an_hour_usd = search.month_usd(np.ones(usable.size), np.zeros(usable.size), rates[usable])
    may_win = _may_win(hours, an_hour_usd, room[usable])
    hours, usable = hours[:, may_win], usable[may_win]
    usd = search.month_usd(hours, np.zeros_like(hours), rates[usable])
    names = search.names(usable)
    by_name = np.argsort(names, kind="stable")
    best = by_name[np.argmin(np.round(usd[:, by_name], 9), axis=1)]
    rows = np.arange(len(group))
    chosen = hours[rows, best]
    amounts = amounts_usd(np.stack([*[chosen] * 4, np.zeros_like(chosen)], axis=-1), rates[usable][best])
    means = total_usd(amounts)
    highs = means * (1 + PACKING_RANGE) + MANAGED_FEE_RANGE * amounts[:, 1]
    for at, choices in enumerate(by_service):
        choices.append(
            ScreenedChoice(
                launch_type=kind.launch_type,
                architecture=kind.architecture,
                size=service.task,
                instance_type=str(names[best[at]]),
                mean_usd=float(means[at]),
                high_usd=float(highs[at]),
            )
        )


def _instance_hours(held: Sequence[HeldTasks], per_instance: IntArray, zones: int) -> FloatArray:
    """(services, types): instance-hours of a month. Types that hold equally many tasks need equally many instances."""
    n = max(each.held_hours.size for each in held)
    histograms = np.zeros((len(held), n))
    for row, each in zip(histograms, held, strict=True):
        row[: each.held_hours.size] = each.held_hours
    tasks = np.arange(n, dtype=np.int64)
    distinct, index = np.unique(per_instance, return_inverse=True)
    instances = with_zone_floor(-(-tasks[:, np.newaxis] // distinct), tasks[:, np.newaxis], zones)
    # Not a product of BLAS: there the order of addition, and with it the last digits, hangs on the number of cores.
    hours: FloatArray = np.einsum("su,uv->sv", histograms, instances.astype(np.float64), optimize=False)
    return hours[:, index]


def _may_win(hours: FloatArray, an_hour_usd: FloatArray, per_instance: IntArray) -> BoolArray:
    """(types,): which are not dearer for every service than another that holds as many tasks, so runs for as many hours."""
    _, alike = np.unique(per_instance, return_inverse=True)
    least_usd = np.full(an_hour_usd.size, np.inf)
    np.minimum.at(least_usd, alike, an_hour_usd)
    return np.asarray(hours.min(axis=0) * (an_hour_usd - least_usd[alike]) <= _SAME_USD)


def choice_of(choices: Sequence[ScreenedChoice], launch_type: LaunchType, architecture: Architecture) -> ScreenedChoice | None:
    """The choice of one kind; None where there is none."""
    same = (each for each in choices if each.launch_type is launch_type and each.architecture is architecture)
    return next(same, None)
