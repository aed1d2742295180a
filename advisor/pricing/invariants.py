"""What must hold of a catalog before a number may rest on it. A refresh that breaks a rule is refused."""

import datetime
import fnmatch
import functools
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from advisor.ecs import Architecture, InstanceType, PurchaseOption
from advisor.meters import (
    COMMITMENT_YEARS,
    FARGATE_WINDOWS_GIB_HOUR,
    FARGATE_WINDOWS_VCPU_HOUR,
    CommitmentKind,
    PaymentOption,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
    windows_instance_hour,
)
from advisor.pricing.catalog import PriceCatalog
from advisor.pricing.known_meters import FIXED_METERS, split_commitment, unit_of
from advisor.pricing.rates import UNDATED, Rate, RegionPrices, first_day

ROUNDING: Final = 1e-4
"""Relative: a mean over zones is rounded to four digits after the point, so that it may pass what it may not exceed."""
LINEAR_FRACTION: Final = 0.02
"""How far a size may stand from its family, per vCPU or per GiB, whichever is closer."""
MIXED_FRACTION: Final = 0.2
"""How far a size may stand from its family per vCPU and per GiB: c4 and d2 differ by 13 %, burstable types by far more."""
LARGEST_MOVE: Final = 3.0
"""Factor by which a rate may differ from the previous one, and from the median of the other Regions."""
LEAST_SPOT_FRACTION: Final = 0.05
"""Of on-demand. Spot never falls below 10 % in the collected prices of 2026."""
LEAST_COMMITTED_FRACTION: Final = 0.15
"""Of on-demand. The cheapest commitment of the collected prices of 2026 costs 23 %."""
LARGEST_REGION_MOVE: Final = 1.25
"""Factor by which the median rate of a Region may move at once."""
SAME_FRACTION: Final = 0.5
"""Share of Spot rates that two Regions may have in common: they are set by each Region's own market."""

NOT_LINEAR: Final[Mapping[str, str]] = {
    "m1.small": "of the first generation: half the memory per vCPU of its family",
    "x8i.96xlarge": "16 % above its family in every Region that has it",
    "x8i.metal-96xl": "as x8i.96xlarge",
    "m8gb.metal-24xl": "at the rate of metal-48xl in us-east-1, by the source; bare metal is never proposed",
    "r8gb.metal-24xl": "as m8gb.metal-24xl",
}
"""Sizes whose rate is not in proportion, and why. Families with accelerators are left out: their sizes differ in those."""
NOT_ALIKE: Final[Mapping[str, str]] = {
    "data_transfer:other_regions:gib": "from 0.02 in North America to 0.147 in Africa: it follows where the Region lies",
}
"""Meters that differ between Regions by more than the factor, and why."""
EXPECTED_PATTERNS: Final = (
    "ec2:linux:on_demand:*",
    "ec2:linux:spot:*",
    "ec2:windows:on_demand:*",
    "reserved_instance:*",
    "compute_savings_plan:*:fargate:*",
    "compute_savings_plan:*:ec2:*",
)
"""What a complete Region has some rate of, beside the meters that have no instance type in their name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that a catalog breaks."""

    rule: str
    region: str
    meter: str
    place: str
    """File and line, or the Region where the catalog is not from files."""
    problem: str
    """What is wrong, with the values."""

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}"


def violations(
    catalog: PriceCatalog,
    previous: PriceCatalog | None = None,
    *,
    today: datetime.date | None = None,
    accepted: Collection[str] = (),
) -> tuple[Violation, ...]:
    """Every rule that the list rates of a catalog break; own rates are the user's and not looked at.

    Parameters
    ----------
    catalog : PriceCatalog
        Several Regions are also held against each other.
    previous : PriceCatalog, optional
        The catalog before: no rate may have moved by more than a factor of three. Regions that it lacks are new.
    today : datetime.date, optional
        No date may be after it. Dates are not checked without it.
    accepted : Collection[str]
        Patterns of meters that may have moved further: someone has looked at them.

    Returns
    -------
    tuple of Violation
        Empty where every rule holds.

    Examples
    --------
    >>> import advisor
    >>> advisor.violations(advisor.read_catalog("eu-west-1"))
    ()
    """
    found: list[Violation] = []
    for region in catalog.regions:
        rules = _RegionRules(catalog, region)
        found += rules.of_rates(today)
        found += rules.of_purchase_options()
        found += rules.of_absent_on_demand()
        found += rules.of_operating_systems()
        found += rules.of_commitments()
        found += rules.of_sizes()
        found += rules.of_gaps()
        if previous is not None and region in previous.regions:
            found += rules.of_moves(previous.region_prices(region), accepted)
            found += rules.of_the_region(previous)
    found += _between_regions(catalog)
    return tuple(found)


def missing_meters(catalog: PriceCatalog, region: str) -> tuple[str, ...]:
    """Meters and patterns of meters that a complete Region has and this one does not."""
    prices = catalog.region_prices(region)
    ids = {*prices.rates, *prices.further}
    absent = [meter.id for meter in FIXED_METERS if meter.id not in ids]
    return (*absent, *(pattern for pattern in EXPECTED_PATTERNS if not fnmatch.filter(ids, pattern)))


_ON_DEMAND: Final = PurchaseOption.ON_DEMAND
_SPOT: Final = PurchaseOption.SPOT
_LINUX: Final = instance_hour("", _ON_DEMAND).id
_WINDOWS: Final = windows_instance_hour("", _ON_DEMAND).id


@dataclass(frozen=True)
class _RegionRules:
    """The rules for one Region."""

    catalog: PriceCatalog
    region: str

    @property
    def prices(self) -> RegionPrices:
        return self.catalog.region_prices(self.region)

    @functools.cached_property
    def rates(self) -> dict[str, Rate]:
        return {**self.prices.rates, **self.prices.further}

    def of_rates(self, today: datetime.date | None) -> Iterator[Violation]:
        types = self.catalog.known_types
        for meter, rate in self.rates.items():
            unit = unit_of(meter, types)
            if unit is None:
                yield self._violation("unknown_meter", meter, f"{meter} is no meter, or its instance type has no specs")
            elif unit != rate.unit:
                yield self._violation("unit", meter, f"{meter} is counted in {unit}, not {rate.unit}")
            if not self.catalog.has_source(rate.source_id):
                yield self._violation("no_source", meter, f"{meter} at {rate.usd:g} names no source ({rate.source_id!r})")
            if not rate.as_of:
                yield self._violation("no_date", meter, f"{meter} at {rate.usd:g} has no date")
            elif today is not None and (day := first_day(rate.as_of)) is not None and day > today:
                yield self._violation("future_date", meter, f"{meter} at {rate.usd:g} is dated {rate.as_of}, after {today}")
        for meter, (status, old) in self.prices.outdated.items():
            current = self.rates.get(meter)
            if current is not None and UNDATED not in (old.as_of, current.as_of) and old.as_of >= current.as_of:
                problem = f"{meter} at {current.usd:g} of {current.as_of} is current beside a {status} rate of {old.as_of}"
                yield self._violation("twins", meter, f"{problem}, {old.usd:g}, which is no older")

    def of_purchase_options(self) -> Iterator[Violation]:
        rates = self.rates
        for meter, rate in rates.items():
            if ":spot:" in meter:
                on_demand = rates.get(meter.replace(":spot:", ":on_demand:"))
                yield from self._bounded("spot", meter, rate, on_demand, LEAST_SPOT_FRACTION)
        for meter_of in (fargate_vcpu_hour, fargate_gib_hour):
            for option in PurchaseOption:
                meter = meter_of(Architecture.ARM64, option).id
                arm, x86 = rates.get(meter), rates.get(meter_of(Architecture.X86_64, option).id)
                if arm and x86 and arm.usd >= x86.usd:
                    what = "is above" if arm.usd > x86.usd else "equals"
                    problem = f"{meter} at {arm.usd:g} {what} the {x86.usd:g} of X86_64"
                    yield self._violation("arm_above_x86", meter, problem)

    def of_absent_on_demand(self) -> Iterator[Violation]:
        """What can be had in another way can be had on demand: where that rate is absent, rows were lost."""
        seen: set[str] = set()
        for meter in self.rates:
            kind, _, covered = split_commitment(meter)
            name = (covered if kind else meter).rpartition(":")[2]
            on_demand = _LINUX + name
            if name not in seen and name in self.catalog.known_types and on_demand not in self.rates:
                seen.add(name)
                yield self._violation(
                    "no_on_demand", on_demand, f"{meter} has a rate, but {on_demand} has none: rows were lost"
                )

    def of_operating_systems(self) -> Iterator[Violation]:
        rates = self.rates
        pairs = [(meter, meter.replace(_WINDOWS, _LINUX)) for meter in rates if _WINDOWS in meter]
        pairs += [
            (windows.id, linux(Architecture.X86_64, _ON_DEMAND).id)
            for windows, linux in (
                (FARGATE_WINDOWS_VCPU_HOUR, fargate_vcpu_hour),
                (FARGATE_WINDOWS_GIB_HOUR, fargate_gib_hour),
            )
            if windows.id in rates
        ]
        for windows, linux in pairs:
            if linux in rates and rates[windows].usd < rates[linux].usd:
                problem = f"{windows} at {rates[windows].usd:g} is below Linux, {rates[linux].usd:g}"
                yield self._violation("windows_below_linux", windows, problem)

    def of_commitments(self) -> Iterator[Violation]:
        rates = self.rates
        for meter, rate in rates.items():
            kind, terms, covered = split_commitment(meter)
            if kind is None:
                continue
            on_demand = rates.get(covered)
            yield from self._bounded("committed", meter, rate, on_demand, LEAST_COMMITTED_FRACTION)
            years, payment = terms.split(":")
            ratio = self.catalog.commitment_ratio(f"{years}:{PaymentOption.NO_UPFRONT}")
            has_rule = kind is CommitmentKind.RESERVED_INSTANCE and covered.startswith(_LINUX)
            if has_rule and payment == PaymentOption.ALL_UPFRONT and ratio and on_demand:
                no_upfront = rate.usd * ratio.ratio
                if rate.usd <= on_demand.usd * (1 + ROUNDING) < no_upfront:
                    problem = f"{meter} at {rate.usd:g} makes {no_upfront:g} without upfront, above {on_demand.usd:g}"
                    yield self._violation("committed_above_on_demand", meter, problem)
            for other_terms, what in _not_cheaper(years, payment):
                other = rates.get(f"{kind}:{other_terms}:{covered}")
                if other is not None and rate.usd > other.usd * (1 + ROUNDING):
                    problem = f"{meter} at {rate.usd:g} is above {other.usd:g}, which {covered} costs {what}"
                    yield self._violation("terms", meter, problem)

    def of_sizes(self) -> Iterator[Violation]:
        """Sizes of a family are priced in proportion to their vCPU or their memory."""
        families: defaultdict[str, list[tuple[InstanceType, float]]] = defaultdict(list)
        for meter, rate in self.prices.rates.items():
            name = meter.removeprefix(_LINUX)
            instance_type = self.catalog.known_types.get(name) if name != meter else None
            if instance_type is not None and not instance_type.has_accelerator:
                families[instance_type.family].append((instance_type, rate.usd))
        for family, members in families.items():
            if len(members) < 3:
                continue
            per_unit = np.array([[usd / t.vcpu, usd / t.memory_mib] for t, usd in members])
            differences = np.abs(per_unit / np.median(per_unit, axis=0) - 1)
            apart = differences.min(axis=1)
            most_apart = differences.max(axis=1).tolist()
            for (instance_type, usd), difference, most in zip(members, apart.tolist(), most_apart, strict=True):
                if instance_type.name in NOT_LINEAR:
                    continue
                has_odd_sizes = instance_type.baseline_fraction is not None or family.startswith("hpc")
                if difference > LINEAR_FRACTION:
                    problem = f"{instance_type.name} at {usd:g} stands {difference:.1%} apart from the other sizes of {family}"
                    yield self._violation("not_linear", _LINUX + instance_type.name, problem)
                elif most > MIXED_FRACTION and not has_odd_sizes:
                    size = f"{instance_type.vcpu} vCPU and {instance_type.memory_mib:,} MiB"
                    problem = (
                        f"{instance_type.name} has {size}, which no other size of {family} bears out: its specs look wrong"
                    )
                    yield self._violation("specs", _LINUX + instance_type.name, problem)

    def of_gaps(self) -> Iterator[Violation]:
        for meter in missing_meters(self.catalog, self.region):
            if meter not in self.prices.gaps:
                yield self._violation("gap", meter, f"{self.region} has no rate of {meter}, and gaps.csv does not list that")

    def of_moves(self, before: RegionPrices, accepted: Collection[str]) -> Iterator[Violation]:
        for meter, rate in self.rates.items():
            old = before.rate(meter)
            if old is None or 1 / LARGEST_MOVE <= rate.usd / old.usd <= LARGEST_MOVE:
                continue
            if not any(fnmatch.fnmatchcase(meter, pattern) for pattern in accepted):
                factor = max(rate.usd / old.usd, old.usd / rate.usd)
                problem = f"{meter} moved from {old.usd:g} ({old.as_of}) to {rate.usd:g}, by a factor of {factor:.3g}"
                yield self._violation("moved", meter, problem)

    def of_the_region(self, previous: PriceCatalog) -> Iterator[Violation]:
        """The Region as a whole: close to what it was, and to no other Region."""
        own = _distance(self.prices, previous.region_prices(self.region))
        if own is None or own <= math.log1p(LINEAR_FRACTION):
            return
        names = [name for name in previous.regions if name != self.region]
        others = [(_distance(self.prices, previous.region_prices(name)), name) for name in names]
        apart, closest = min(((each, name) for each, name in others if each is not None), default=(math.inf, ""))
        if apart < own / 2:
            problem = f"the rates of {self.region} are those that {closest} had: Regions were swapped"
            yield self._violation("swapped", _LINUX + "*", problem)
        elif own > math.log(LARGEST_REGION_MOVE):
            problem = f"half of the rates of {self.region} moved by a factor of {math.exp(own):.3g} or more at once"
            yield self._violation("region_moved", _LINUX + "*", problem)

    def _bounded(self, what: str, meter: str, rate: Rate, on_demand: Rate | None, least: float) -> Iterator[Violation]:
        if on_demand is None:
            return
        if rate.usd > on_demand.usd * (1 + ROUNDING):
            problem = f"{meter} at {rate.usd:g} is above on-demand, {on_demand.usd:g}"
            yield self._violation(f"{what}_above_on_demand", meter, problem)
        elif rate.usd < on_demand.usd * least:
            problem = f"{meter} at {rate.usd:g} is under {least:.0%} of on-demand, {on_demand.usd:g}: too low to be true"
            yield self._violation(f"{what}_too_low", meter, problem)

    def _violation(self, rule: str, meter: str, problem: str) -> Violation:
        place = self.prices.places.get(meter, self.region)
        return Violation(rule=rule, region=self.region, meter=meter, place=place, problem=problem)


def _not_cheaper(years: str, payment: str) -> Iterator[tuple[str, str]]:
    """Terms of which none may be cheaper than these, and how to say so."""
    more_upfront = list(PaymentOption)
    for other in more_upfront[more_upfront.index(PaymentOption(payment)) + 1 :]:
        yield f"{years}:{other}", f"with {other.replace('_', ' ')}"
    longest, shortest = max(COMMITMENT_YEARS), min(COMMITMENT_YEARS)
    if years == f"{longest}y":
        yield f"{shortest}y:{payment}", f"for {shortest} year"


def _between_regions(catalog: PriceCatalog) -> Iterator[Violation]:
    rates = {region: catalog.region_prices(region).rates for region in catalog.regions}
    by_meter: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for region, found in rates.items():
        for meter, rate in found.items():
            if ":spot:" not in meter and meter not in NOT_ALIKE:
                by_meter[meter].append((region, rate.usd))
    for meter, known in by_meter.items():
        if len(known) < 3:
            continue
        median = float(np.median([usd for _, usd in known]))
        for region, usd in known:
            if not 1 / LARGEST_MOVE <= usd / median <= LARGEST_MOVE:
                problem = f"{meter} at {usd:g} is {usd / median:.3g} times the median of {len(known)} Regions, {median:g}"
                yield _RegionRules(catalog, region)._violation("unlike_other_regions", meter, problem)
    yield from _same_regions(catalog, rates)


def _same_regions(catalog: PriceCatalog, rates: Mapping[str, Mapping[str, Rate]]) -> Iterator[Violation]:
    spot = {region: {meter: rate.usd for meter, rate in found.items() if ":spot:" in meter} for region, found in rates.items()}
    names = list(spot)
    for at, one in enumerate(names):
        for other in names[at + 1 :]:
            common = spot[one].keys() & spot[other].keys()
            same = sum(spot[one][meter] == spot[other][meter] for meter in common)
            if len(common) >= 50 and same > SAME_FRACTION * len(common):
                problem = f"{same} of {len(common)} Spot rates of {other} equal those of {one}: they stand for the wrong Region"
                yield _RegionRules(catalog, other)._violation("same_region", "ec2:linux:spot:*", problem)


def _distance(one: RegionPrices, other: RegionPrices) -> float | None:
    """Median of how far on-demand and Spot rates are apart, as a logarithm; None where few are in both."""
    meters = [meter for meter in one.rates if meter.startswith("ec2:linux:") and meter in other.rates]
    if len(meters) < 20:
        return None
    return float(np.median([abs(math.log(one.rates[meter].usd / other.rates[meter].usd)) for meter in meters]))
