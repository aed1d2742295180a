"""The catalog: what a unit of each meter costs in a Region, and what each instance type offers."""

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np

from advisor.ecs import InstanceType, PurchaseOption
from advisor.errors import AdvisorError, PriceNotFoundError
from advisor.meters import Meter, instance_hour, managed_instances_fee_hour
from advisor.pricing.derived import derivable, derived_rate, managed_instances_fee
from advisor.pricing.known_meters import FIXED_METERS, unit_of
from advisor.pricing.own_rates import OwnRate, apply_own_rates, check_meters, closest, far_from_list
from advisor.pricing.rates import (
    UNDATED,
    CatalogDates,
    CatalogOrigin,
    CommitmentRatio,
    FeeRatio,
    InterruptionBand,
    Rate,
    RegionPrices,
    Source,
)
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
    commitment_ratios : Mapping[str, CommitmentRatio], optional
        What payment options cost against all upfront, by terms such as ``1y:no_upfront``.
    origins : Mapping[str, CatalogOrigin], optional
        Which catalog the list rates of each Region are from.
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
        commitment_ratios: Mapping[str, CommitmentRatio] | None = None,
        origins: Mapping[str, CatalogOrigin] | None = None,
        own_rates: Sequence[OwnRate] = (),
        inputs: Sequence[InputFile] = (),
    ) -> None:
        self._regions, self._types, self._fee_ratios = regions, types, fee_ratios
        self._commitment_ratios, self._origins = commitment_ratios or {}, origins or {}
        self._own_rates = tuple(own_rates)
        own_sources = {
            row.source_id: Source(id=row.source_id, where=row.file, date=row.as_of or UNDATED, note=row.source, licence="")
            for row in own_rates
        }
        self._sources = {**sources, **own_sources}
        self._own: dict[str, dict[str, Rate]] = {}
        self._derived: dict[tuple[str, str], Rate | None] = {}
        self._priced_types: dict[str, tuple[InstanceType, ...]] = {}
        self._similar: dict[tuple[str, str], tuple[str, ...]] = {}
        self.inputs = tuple(inputs)
        """Files of the user's that the catalog was made from."""
        self.notes = self._apply_own_rates() if own_rates else ()
        """What a reader of the result should know about the catalog, one sentence each."""

    @property
    def has_own_rates(self) -> bool:
        """Whether a file of own rates was read, even one without rows."""
        return bool(self.inputs)

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
        rate = self._find(meter.id, region)
        if rate is None:
            raise self._missing(meter, region)
        return _in_unit(rate, meter)

    def rates_usd(self, meters: Iterable[Meter], region: str) -> FloatArray:
        """(meters,): what one unit of each meter costs; NaN where there is no current rate. [USD per unit]"""
        found = ((self._find(meter.id, region), meter) for meter in meters)
        return np.array([np.nan if rate is None else _in_unit(rate, meter).usd for rate, meter in found], dtype=np.float64)

    def rates(self, region: str, is_asked: Callable[[str], bool] = lambda _: True) -> Mapping[str, Rate]:
        """Rates of a Region by meter id, derived and own ones included; only of the meters that are asked for."""
        prices = self._prices(region)
        known = {**prices.rates, **prices.further, **self._own.get(region, {})}
        asked = filter(is_asked, derivable(known, self._fee_ratios))
        more = ((meter_id, self._find(meter_id, region)) for meter_id in asked)
        listed = {meter_id: rate for meter_id, rate in known.items() if is_asked(meter_id)}
        return listed | {meter_id: rate for meter_id, rate in more if rate is not None}

    def region_prices(self, region: str) -> RegionPrices:
        """List rates of a Region as they are, without own and derived ones."""
        return self._prices(region)

    def with_list_rates(self, region: str, prices: RegionPrices) -> "PriceCatalog":
        """The same catalog with other list rates, of one Region, and without own rates."""
        return PriceCatalog(
            regions={region: prices},
            types=self._types,
            fee_ratios=self._fee_ratios,
            sources=self._sources,
            commitment_ratios=self._commitment_ratios,
            origins=self._origins,
        )

    @property
    def known_types(self) -> Mapping[str, InstanceType]:
        """Every instance type with specs, by name."""
        return self._types

    def has_source(self, source_id: str) -> bool:
        """Whether a source is described."""
        return source_id in self._sources

    def commitment_ratio(self, terms: str) -> CommitmentRatio | None:
        """What a payment option costs against all upfront, by terms such as ``1y:no_upfront``; None where that is not known."""
        return self._commitment_ratios.get(terms)

    def instance_types(self, region: str) -> tuple[InstanceType, ...]:
        """Instance types with a Linux on-demand rate in the Region, by name."""
        if region not in self._priced_types:
            find, on_demand = self._in_force(region), instance_hour("", PurchaseOption.ON_DEMAND).id
            self._priced_types[region] = tuple(self._types[name] for name in sorted(self._types) if find(on_demand + name))
        return self._priced_types[region]

    def every_instance_type(self) -> tuple[InstanceType, ...]:
        """Instance types of all Regions, by name."""
        return tuple(self._types[name] for name in sorted(self._types))

    def instance_type(self, name: str) -> InstanceType:
        """What one instance type offers, wherever it is priced."""
        if name not in self._types:
            near = difflib.get_close_matches(name, self._types, n=3)
            raise AdvisorError(f"no instance type {name!r} in the catalog ({_closest(near)}). Check the spelling.")
        return self._types[name]

    def zones_offering(self, instance_type: str, region: str) -> int | None:
        """How many zones of the Region offer the type; None where that is not known."""
        return self._prices(region).zones.get(instance_type)

    def interruption_band(self, instance_type: str, region: str) -> InterruptionBand | None:
        """How often Spot instances of the type were interrupted in a month; None where that is not known."""
        return self._prices(region).interruptions.get(instance_type)

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

    def origin(self, region: str) -> CatalogOrigin | None:
        """Which catalog the Region's list rates are from; None where they were not read from files."""
        self._prices(region)
        return self._origins.get(region)

    def _find(self, meter_id: str, region: str) -> Rate | None:
        """Rate in force: the user's own, else the listed one, else what follows from others."""
        found = self._in_force(region)(meter_id)
        if found is not None:
            return found
        key = region, meter_id
        if key not in self._derived:
            self._derived[key] = self._derive(meter_id, region)
        return self._derived[key]

    def _in_force(self, region: str) -> Callable[[str], Rate | None]:
        """Looks up own and listed rates."""
        listed, own = self._prices(region).rate, self._own.get(region)
        return (lambda meter_id: own.get(meter_id) or listed(meter_id)) if own else listed

    def _derive(self, meter_id: str, region: str) -> Rate | None:
        """A fee is a share of the list rate, everything else follows the rate in force."""
        if meter_id.startswith(managed_instances_fee_hour("").id):
            listed = derived_rate(meter_id, self._prices(region).rate, self._fee_ratios, {})
            if listed is not None:
                return listed
        return derived_rate(meter_id, self._in_force(region), self._fee_ratios, self._commitment_ratios)

    def _prices(self, region: str) -> RegionPrices:
        if region not in self._regions:
            held = ", ".join(self._regions)
            raise AdvisorError(f"this catalog holds {held}, not {region}. Read it with `read_catalog({region!r})`.")
        return self._regions[region]

    def _apply_own_rates(self) -> tuple[str, ...]:
        """Puts the user's rates in force in every Region; returns a sentence for each row without effect.

        The fee is a share of the list rate, so a discount on the instance does not lower it; where the user's rate is the
        only one, the fee is a share of that. A pool follows the Spot rate in force.
        """
        check_meters(self._own_rates, self._known_meters, self._unit_of)
        matching: set[int] = set()
        far: list[str] = []
        for region, prices in self._regions.items():
            fees = ((name, managed_instances_fee(name, prices.rate, self._fee_ratios)) for name in self._fee_ratios)
            listed = {**prices.rates, **prices.further}
            listed = {managed_instances_fee_hour(name).id: fee for name, fee in fees if fee is not None} | listed
            own = [row for row in self._own_rates if row.applies_to(region)]
            self._own[region], lines = apply_own_rates(listed, own, self._unit_of)
            matching |= lines
            far += far_from_list(own, self._own[region], listed)
        return (*map(self._without_effect, self._in_vain(matching)), *dict.fromkeys(far))

    def _in_vain(self, matching: Collection[int]) -> list[OwnRate]:
        """Rows for a Region of this catalog that match none of its rates."""
        return [row for row in self._own_rates if row.line not in matching and any(map(row.applies_to, self._regions))]

    def _without_effect(self, row: OwnRate) -> str:
        near = closest(row.meter, self._known_meters()) if row.is_pattern else ""
        where = ", ".join(self._regions)
        said = f"{row.file}, line {row.line}: {row.meter} matches no rate of {where}, so the row has no effect"
        return f"{said}. {near}" if near else said

    def _known_meters(self) -> list[str]:
        listed = (meter for prices in self._regions.values() for meter in (*prices.rates, *prices.further))
        return sorted({*(meter.id for meter in FIXED_METERS), *listed})

    def _unit_of(self, meter_id: str) -> str | None:
        return unit_of(meter_id, self._types)

    def _missing(self, meter: Meter, region: str) -> PriceNotFoundError:
        key = meter.id, region
        if key not in self._similar:
            known = {**self._prices(region).rates, **self._own.get(region, {})}
            self._similar[key] = _similar(meter.id, (*known, *derivable(known, self._fee_ratios)))
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


def _similar(meter_id: str, known: Iterable[str]) -> tuple[str, ...]:
    """Meters of the same service that do have a rate, the closest names first."""
    service = meter_id.partition(":")[0] + ":"
    return tuple(difflib.get_close_matches(meter_id, [each for each in known if each.startswith(service)], n=3))


def _closest(names: Sequence[str]) -> str:
    return f"closest: {', '.join(names)}" if names else "nothing similar"
