"""The catalog: what a unit of each meter costs in a Region, and what each instance type offers."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from advisor.ecs import Architecture, InstanceType, PurchaseOption
from advisor.errors import AdvisorError, PriceNotFoundError
from advisor.meters import (
    FARGATE_EPHEMERAL_GIB_HOUR,
    GP3_GIB_MONTH,
    PUBLIC_IPV4_HOUR,
    Meter,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
    managed_instances_fee_hour,
    spot_pool_hour,
    surplus_vcpu_hour,
)
from advisor.pricing.derived import managed_instances_fees, spot_pools
from advisor.pricing.own_rates import OwnRate, apply_own_rates
from advisor.pricing.rates import UNDATED, CatalogDates, FeeRatio, Rate, RegionPrices, Source
from advisor.units import FloatArray
from advisor.workload import InputFile


class PriceCatalog:
    """Rates by meter and Region. A rate is there with its source and date, or it is missing; nothing is guessed.

    Parameters
    ----------
    regions : Mapping[str, RegionPrices]
        List rates by Region.
    types : Mapping[str, InstanceType]
        Every instance type that may have a price, by name.
    fee_ratios : Mapping[str, FeeRatio]
        Managed Instances fee by instance type; types without one are not offered there.
    sources : Mapping[str, Source]
        Every source that a rate names, by id.
    own_rates : Sequence[OwnRate]
        Rates of the user's own, which win over list rates.
    inputs : Sequence[InputFile]
        Files that the own rates were read from.

    Raises
    ------
    InputError
        The own rates contradict each other or a meter's unit.
    """

    def __init__(
        self,
        *,
        regions: Mapping[str, RegionPrices],
        types: Mapping[str, InstanceType],
        fee_ratios: Mapping[str, FeeRatio],
        sources: Mapping[str, Source],
        own_rates: Sequence[OwnRate] = (),
        inputs: Sequence[InputFile] = (),
    ) -> None:
        self._regions, self._types, self._fee_ratios = regions, types, fee_ratios
        self._own_rates = tuple(own_rates)
        own_sources = {
            row.source_id: Source(id=row.source_id, where=row.file, date=row.as_of or UNDATED, note=row.source, licence="")
            for row in own_rates
        }
        self._sources = {**sources, **own_sources}
        self._rates: dict[str, dict[str, Rate]] = {}
        self._priced_types: dict[str, tuple[InstanceType, ...]] = {}
        self._similar: dict[tuple[str, str], tuple[str, ...]] = {}
        self.inputs = tuple(inputs)
        """Files of the user's that the catalog was made from."""
        self.notes = self._apply_own_rates() if own_rates else ()
        """What a reader of the result should know about the catalog, one sentence each."""

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions that the catalog holds."""
        return tuple(self._regions)

    def rate(self, meter: Meter, region: str) -> Rate:
        """What one unit of ``meter`` costs in ``region``.

        Raises
        ------
        PriceNotFoundError
            There is no current rate. Stale and superseded ones are named, but price nothing.
        AdvisorError
            The catalog does not hold the Region, or counts the meter in another unit.
        """
        rate = self._of(region).get(meter.id)
        if rate is None:
            raise self._missing(meter, region)
        return _in_unit(rate, meter)

    def rates_usd(self, meters: Iterable[Meter], region: str) -> FloatArray:
        """(meters,): what one unit of each meter costs; NaN where there is no current rate. [USD per unit]"""
        rates = self._of(region)
        found = ((rates.get(meter.id), meter) for meter in meters)
        return np.array([np.nan if rate is None else _in_unit(rate, meter).usd for rate, meter in found], dtype=np.float64)

    def rates(self, region: str) -> Mapping[str, Rate]:
        """Every rate of a Region by meter id, derived and own ones included."""
        return self._of(region)

    def instance_types(self, region: str) -> tuple[InstanceType, ...]:
        """Instance types with a Linux on-demand rate in the Region, by name."""
        rates = self._of(region)
        if region not in self._priced_types:
            on_demand = {name: instance_hour(name, PurchaseOption.ON_DEMAND).id for name in sorted(self._types)}
            self._priced_types[region] = tuple(self._types[name] for name, meter in on_demand.items() if meter in rates)
        return self._priced_types[region]

    def instance_type(self, name: str) -> InstanceType:
        """What one instance type offers, wherever it is priced."""
        if name not in self._types:
            near = difflib.get_close_matches(name, self._types, n=3)
            raise AdvisorError(f"no instance type {name!r} in the catalog ({_closest(near)}). Check the spelling.")
        return self._types[name]

    def zones_offering(self, instance_type: str, region: str) -> int | None:
        """How many zones of the Region offer the type; None where that is not known."""
        return self._prices(region).zones.get(instance_type)

    def dates(self, region: str) -> CatalogDates:
        """Newest and oldest date of the Region's list rates, and the meters whose rates have no date."""
        return self._prices(region).dates()

    def catalog_date(self, region: str) -> str:
        """Newest date of the Region's list rates."""
        return self.dates(region).newest

    def source(self, source_id: str) -> Source:
        """Where a rate was read."""
        if source_id not in self._sources:
            raise AdvisorError(f"no source {source_id!r} in the catalog. Sources are listed in pricing_data/sources.csv.")
        return self._sources[source_id]

    def _of(self, region: str) -> dict[str, Rate]:
        """Every rate of a Region; the derived ones are worked out at the first question."""
        if region not in self._rates:
            listed = self._listed(region)
            self._rates[region] = listed | dict(spot_pools(listed, self._types))
        return self._rates[region]

    def _prices(self, region: str) -> RegionPrices:
        if region not in self._regions:
            held = ", ".join(self._regions)
            raise AdvisorError(f"this catalog holds {held}, not {region}. Read it with `read_catalog({region!r})`.")
        return self._regions[region]

    def _listed(self, region: str) -> dict[str, Rate]:
        """List rates and the fees that follow from them."""
        rates = self._prices(region).rates
        return {**rates, **dict(managed_instances_fees(rates, self._fee_ratios))}

    def _apply_own_rates(self) -> tuple[str, ...]:
        """Rates of every Region with the user's in them; returns a sentence for each row without effect.

        The fee is a share of the list rate, so a discount on the instance does not lower it; where the user's rate is the
        only one, the fee is a share of that. A pool follows the Spot rate in force.
        """
        matching: set[int] = set()
        for region in self._regions:
            rates = self._listed(region)
            own = [row for row in self._own_rates if row.applies_to(region)]
            changed, lines = apply_own_rates(rates, own, self._units)
            added = {meter: rate for meter, rate in changed.items() if meter not in rates}
            rates |= changed
            derived = dict(managed_instances_fees(added, self._fee_ratios)) | dict(spot_pools(rates, self._types))
            self._rates[region] = derived | rates
            matching |= lines
        return tuple(
            f"{row.file}, line {row.line}: {row.meter} matches no rate of {', '.join(self._regions)}, so the row has no effect"
            for row in self._own_rates
            if row.line not in matching and any(map(row.applies_to, self._regions))
        )

    @cached_property
    def _units(self) -> dict[str, str]:
        return {meter.id: meter.unit for meter in _meters(self._types.values())}

    def _missing(self, meter: Meter, region: str) -> PriceNotFoundError:
        key = meter.id, region
        if key not in self._similar:
            self._similar[key] = _similar(meter.id, self._rates[region])
        status, outdated = self._regions[region].outdated.get(meter.id, (None, None))
        return PriceNotFoundError(
            meter=meter.id,
            region=region,
            catalog_date=self.catalog_date(region),
            similar=self._similar[key],
            outdated=f"a {status} rate of {outdated.as_of} ({outdated.source_id})" if outdated else None,
        )


def _in_unit(rate: Rate, meter: Meter) -> Rate:
    if rate.unit != meter.unit:
        raise AdvisorError(
            f"{meter.id} is counted in {meter.unit}, but the catalog prices it per {rate.unit}."
            " Correct the unit in pricing_data."
        )
    return rate


def _similar(meter_id: str, rates: Mapping[str, Rate]) -> tuple[str, ...]:
    """Meters of the same service that do have a rate, the closest names first."""
    service = meter_id.partition(":")[0] + ":"
    return tuple(difflib.get_close_matches(meter_id, [each for each in rates if each.startswith(service)], n=3))


def _closest(names: Sequence[str]) -> str:
    return f"closest: {', '.join(names)}" if names else "nothing similar"


def _meters(types: Iterable[InstanceType]) -> Iterator[Meter]:
    """Every meter that may have a rate somewhere."""
    yield from (FARGATE_EPHEMERAL_GIB_HOUR, GP3_GIB_MONTH, PUBLIC_IPV4_HOUR)
    for purchase_option in PurchaseOption:
        for architecture in Architecture:
            yield fargate_vcpu_hour(architecture, purchase_option)
            yield fargate_gib_hour(architecture, purchase_option)
    for each in types:
        yield from (instance_hour(each.name, purchase_option) for purchase_option in PurchaseOption)
        yield spot_pool_hour(each.name)
        yield managed_instances_fee_hour(each.name)
        if each.baseline_fraction is not None:
            yield surplus_vcpu_hour(each.name)
