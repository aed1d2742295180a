"""Several capacity providers of one instance type each, with services dealt out to them: the mixed fleet that ECS realises.

One provider with several types is scaled by the number of instances, whatever their size, so that it is neither packed nor
scaled as planned. With one type each, every provider is packed, scaled and replayed like any other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from advisor.optimize.linear_prices import ServiceOptions, cheaper_on_instances
from advisor.optimize.loads import ServiceLoad, cost_usd
from advisor.optimize.packed import PackedLoad, packed_load
from advisor.optimize.parts import Part
from advisor.optimize.search import CapacityKind, Search, shared_part
from advisor.units import FloatArray

LEAST_SAVING = 0.02
"""Of a further instance type: for less, one type fewer is the better plan."""
MOST_PROVIDERS = 3
MOST_SPLITS = 10
"""Places at which a group of services is cut in two, at most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixedFleet:
    """Services on two or more capacity providers."""

    parts: tuple[Part, ...]
    services: frozenset[str]
    usd: float
    """A month with the services that run elsewhere, upper end."""


def mixed_fleet(
    search: Search,
    cluster: str,
    loads: Sequence[ServiceLoad],
    own_usd: Sequence[float],
    kind: CapacityKind,
    hours: FloatArray,
    *,
    give_up_at_usd: float,
    others_usd: float = 0.0,
) -> MixedFleet | None:
    """The cheapest mix found for those services that are cheaper on instances; None where no mix saves enough.

    All services need the same hosts.

    Services are cut into groups by their memory for each CPU unit, the property in which instance families differ. A further
    group must save more than :data:`LEAST_SAVING`.

    Parameters
    ----------
    own_usd : (services,)
        What each service costs a month where it is cheapest by itself; infinite where it cannot run so.
    give_up_at_usd : float
        Cost of the best plan without a mix.
    others_usd : float
        What services that need other hosts cost a month.
    """
    usd = np.asarray(own_usd, dtype=np.float64)
    options = [
        ServiceOptions(
            elsewhere_usd=float(each),
            runs=(load.run,),
            architectures=frozenset(load.service.architectures),
            is_interruptible=load.service.is_interruptible,
        )
        for load, each in zip(loads, usd, strict=True)
    ]
    chosen = cheaper_on_instances(options, kind, search, hours)
    may = np.array([kind.architecture in each.service.architectures for each in loads])
    best: MixedFleet | None = None
    packed: dict[tuple[str, ...], PackedLoad] = {}
    for members in _distinct([chosen, may]):
        group = [load for load, is_in in zip(loads, members, strict=True) if is_in]
        rest_usd = float(usd[~members].sum()) + others_usd
        if len(group) >= 2 and np.isfinite(rest_usd):
            limit = best.usd if best else give_up_at_usd * (1 - LEAST_SAVING)
            best = _dealt_out(search, cluster, group, rest_usd, kind, hours, limit, packed) or best
    return best


def _distinct(masks: Sequence[np.ndarray]) -> Iterable[np.ndarray]:
    return {mask.tobytes(): mask for mask in masks}.values()


def _dealt_out(
    search: Search,
    cluster: str,
    group: Sequence[ServiceLoad],
    rest_usd: float,
    kind: CapacityKind,
    hours: FloatArray,
    give_up_at_usd: float,
    packed: dict[tuple[str, ...], PackedLoad],
) -> MixedFleet | None:
    """The group on two providers, then, where it saves enough, on one more at a time; ``packed`` keeps sets of services."""
    parts: tuple[Part, ...] | None = None
    usd = give_up_at_usd
    ordered = sorted(group, key=_memory_for_cpu)
    cells = [ordered]
    while len(cells) < MOST_PROVIDERS:
        found: tuple[float, list[list[ServiceLoad]], tuple[Part, ...]] | None = None
        for at, cell in enumerate(cells):
            for cut in _cuts(len(cell)):
                new = [*cells[:at], cell[:cut], cell[cut:], *cells[at + 1 :]]
                limit = found[0] if found else (usd if parts is None else usd * (1 - LEAST_SAVING))
                dealt = _parts(search, cluster, new, rest_usd, kind, hours, limit, packed)
                if dealt is not None:
                    found = dealt[0], new, dealt[1]
        if found is None:
            break
        usd, cells, parts = found
    if parts is None:
        return None
    return MixedFleet(parts=parts, services=frozenset(load.service.name for load in group), usd=usd)


def _parts(
    search: Search,
    cluster: str,
    cells: Sequence[Sequence[ServiceLoad]],
    rest_usd: float,
    kind: CapacityKind,
    hours: FloatArray,
    give_up_at_usd: float,
    packed: dict[tuple[str, ...], PackedLoad],
) -> tuple[float, tuple[Part, ...]] | None:
    """Each group on its cheapest type; None where that is not below the limit, or two groups would share a type anyway."""
    usd, parts = rest_usd, []
    for cell in cells:
        names = tuple(each.service.name for each in cell)
        if names not in packed:
            packed[names] = packed_load([each.run for each in cell])
        part = shared_part(search, packed[names], kind, hours, name=cluster, give_up_at_usd=give_up_at_usd - usd)
        if part is None:
            return None
        usd += cost_usd(search, [part], hours)
        parts.append(part)
    types = [part.provider.instance_types for part in parts]
    return (usd, tuple(parts)) if usd < give_up_at_usd and len(set(types)) == len(types) else None


def _memory_for_cpu(load: ServiceLoad) -> tuple[float, int, str]:
    size = load.run.size
    return size.memory_mib / size.cpu_units, size.cpu_units, load.service.name


def _cuts(n: int) -> list[int]:
    return sorted({int(at) for at in np.linspace(1, n - 1, min(n - 1, MOST_SPLITS))}) if n > 1 else []
