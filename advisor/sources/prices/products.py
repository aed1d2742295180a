"""Which rows of the offer files price what we bill: the filters that, left out, let another product's price pass.

Usage types, operations and units as the offer files have them: OpenCost ``fargatepricing.go`` and the offer files of 2022 to
2026 quoted by public projects for Fargate, Infracost's resources for the other services, read 2026-11-25.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import IO, Final, NamedTuple

from advisor.pricing.known_meters import BURSTABLE_FAMILIES
from advisor.sources.prices.download import PriceListError
from advisor.sources.prices.found import Disagreements, FoundRate, Key, Rows, Stated, usd
from advisor.sources.prices.offer_csv import OfferFile, OfferReader, date_of
from advisor.units import HOURS_PER_YEAR

_HOURS: Final = frozenset({"Hrs", "hours", "Hours"})
_VCPU_HOURS: Final = _HOURS | {"vCPU-Hours", "vCPU-hours"}
_GB_HOURS: Final = _HOURS | {"GB-Hours"}
_GB: Final = frozenset({"GB"})
_GB_MONTHS: Final = frozenset({"GB-Mo", "GB-month", "GB-Month"})
"""AWS spreads an upfront fee over 365 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One thing that an offer file prices, and the row of the catalog that it belongs to."""

    offer: str
    usage: str
    """Usage type without the prefix of the Region, as a regular expression; a group in it is the key."""
    file: str
    key: Key = ()
    """Key in ``file``; empty where the usage type has it."""
    unit: str
    aws_units: frozenset[str]
    family: frozenset[str] = frozenset()
    """Product families; empty where the offer has none for it."""
    operation: frozenset[str] = frozenset()
    """Operations; empty where any will do."""
    also: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Further columns and the cells that they may have."""


def _fargate(usage: str, file: str, key: Key, unit: str, units: frozenset[str]) -> Product:
    return Product(
        offer="AmazonECS", usage=usage, file=file, key=key, unit=unit, aws_units=units, family=frozenset({"Compute"})
    )


def _fargate_linux() -> Iterator[Product]:
    for option, spot in (("on_demand", ""), ("spot", "SpotUsage-")):
        for architecture, arm in (("X86_64", ""), ("ARM64", "ARM-")):
            kind = (architecture, option)
            usage = f"{spot}Fargate-{arm}vCPU-Hours:perCPU"
            yield _fargate(usage, "fargate.csv", (*kind, "vcpu_hour"), "vCPU-hour", _VCPU_HOURS)
            yield _fargate(f"{spot}Fargate-{arm}GB-Hours", "fargate.csv", (*kind, "gib_hour"), "GiB-hour", _GB_HOURS)


def _load_balancer(kind: str) -> Iterator[Product]:
    for usage, dimension, unit, units in (
        ("LoadBalancerUsage", "hour", "load-balancer-hour", _HOURS),
        ("LCUUsage", "lcu_hour", "LCU-hour", frozenset({"LCU-Hrs", "NLCU-Hrs"})),
    ):
        yield Product(
            offer="AWSELB",
            usage=usage,
            file="elb.csv",
            key=(kind, dimension),
            unit=unit,
            aws_units=units,
            family=frozenset({f"Load Balancer-{kind.capitalize()}"}),
            operation=frozenset({f"LoadBalancing:{kind.capitalize()}"}),
        )


def _side(
    offer: str, usage: str, file: str, key: Key, unit: str, units: frozenset[str], family: str = "", *operations: str
) -> Product:
    return Product(
        offer=offer,
        usage=usage,
        file=file,
        key=key,
        unit=unit,
        aws_units=units,
        family=frozenset({family} if family else ()),
        operation=frozenset(operations),
    )


def _transfer(usage: str, item: str, kind: str, destination: str) -> Product:
    return Product(
        offer="AWSDataTransfer",
        usage=usage,
        file="data_transfer.csv",
        key=(item, "gib"),
        unit="GiB",
        aws_units=_GB,
        family=frozenset({"Data Transfer"}),
        operation=frozenset({""}),
        also={"Transfer Type": frozenset({kind}), "To Location Type": frozenset({destination, "AWS Region", ""})},
    )


PRODUCTS: Final[tuple[Product, ...]] = (
    *_fargate_linux(),
    _fargate(
        "Fargate-EphemeralStorage-GB-Hours", "fargate.csv", ("any", "on_demand", "ephemeral_gib_hour"), "GiB-hour", _GB_HOURS
    ),
    _fargate(
        "Fargate-Windows-vCPU-Hours:perCPU",
        "fargate_windows.csv",
        ("X86_64", "on_demand", "vcpu_hour"),
        "vCPU-hour",
        _VCPU_HOURS,
    ),
    _fargate("Fargate-Windows-GB-Hours", "fargate_windows.csv", ("X86_64", "on_demand", "gib_hour"), "GiB-hour", _GB_HOURS),
    _fargate(
        "Fargate-Windows-OS-Hours:perCPU",
        "fargate_windows.csv",
        ("X86_64", "on_demand", "os_license_vcpu_hour"),
        "vCPU-hour",
        _VCPU_HOURS,
    ),
    _side(
        "AmazonECS",
        r"ECS-Managed-Instances:([a-z0-9-]+\.[a-z0-9-]+?)(?:-management-hours)?",
        "managed_instances.csv",
        (),
        "instance-hour",
        _HOURS,
    ),
    Product(
        offer="AmazonEC2",
        usage=rf"CPUCredits:({'|'.join(BURSTABLE_FAMILIES)})",
        file="ec2_surplus_credits.csv",
        unit="vCPU-hour",
        aws_units=_VCPU_HOURS,
        family=frozenset({"CPU Credits"}),
        also={"Operating System": frozenset({"Linux"})},
    ),
    _side("AmazonEC2", r"EBS:VolumeUsage\.gp3", "ebs.csv", ("gp3", "gib_month"), "GiB-month", _GB_MONTHS, "Storage"),
    _side(
        "AmazonEC2", "NatGateway-Hours", "vpc.csv", ("nat_gateway", "hour"), "gateway-hour", _HOURS, "NAT Gateway", "NatGateway"
    ),
    _side("AmazonEC2", "NatGateway-Bytes", "vpc.csv", ("nat_gateway", "gib"), "GiB", _GB, "NAT Gateway", "NatGateway"),
    _side("AmazonVPC", "PublicIPv4:InUseAddress", "vpc.csv", ("public_ipv4", "address_hour"), "address-hour", _HOURS),
    _side("AmazonVPC", "VpcEndpoint-Hours", "vpc.csv", ("interface_endpoint", "hour"), "endpoint-hour", _HOURS, "VpcEndpoint"),
    _side("AmazonVPC", "VpcEndpoint-Bytes", "vpc.csv", ("interface_endpoint", "gib"), "GiB", _GB, "VpcEndpoint"),
    *_load_balancer("application"),
    *_load_balancer("network"),
    _transfer("DataTransfer-Regional-Bytes", "inter_az", "IntraRegion", "AWS Region"),
    _transfer("DataTransfer-Out-Bytes", "internet_out_first_10tb", "AWS Outbound", "Other"),
    _transfer(r"[A-Z0-9]+-AWS-Out-Bytes", "other_regions", "InterRegion Outbound", "AWS Region"),
    _side("AmazonCloudWatch", "DataProcessing-Bytes", "cloudwatch.csv", ("logs_ingested", "gib"), "GiB", _GB, "Data Payload"),
    _side(
        "AmazonCloudWatch",
        "TimedStorage-ByteHrs",
        "cloudwatch.csv",
        ("logs_stored", "gib_month"),
        "GiB-month",
        _GB_MONTHS,
        "Storage Snapshot",
    ),
    _side(
        "AmazonCloudWatch",
        "CW:MetricMonitorUsage",
        "cloudwatch.csv",
        ("custom_metric_first_10000", "metric_month"),
        "metric-month",
        frozenset({"Metrics"}),
        "Metric",
    ),
    _side(
        "AmazonCloudWatch",
        "CW:AlarmMonitorUsage",
        "cloudwatch.csv",
        ("alarm_standard", "alarm_month"),
        "alarm-month",
        frozenset({"Alarms"}),
        "Alarm",
    ),
    _side(
        "AmazonECR",
        "TimedStorage-ByteHrs",
        "ecr.csv",
        ("storage", "gib_month"),
        "GiB-month",
        _GB_MONTHS,
        "EC2 Container Registry",
    ),
)
"""Enhanced Container Insights is not among them: no public file was found that names its usage type."""

OTHER_REGIONS: Final = ("data_transfer.csv", ("other_regions", "gib"))
"""Differs by destination; the catalog has the rate that most destinations share."""


class _Cells(NamedTuple):
    """The cells of a row that every offer needs."""

    sku: str
    rate_code: str
    term: str
    effective: str
    start: str
    unit: str
    price: str
    currency: str
    usage: str
    region: str
    location_type: str
    family: str
    operation: str


_COLUMNS: Final = (
    "SKU", "RateCode", "TermType", "EffectiveDate", "StartingRange", "Unit", "PricePerUnit", "Currency", "usageType",
)  # fmt: skip
_PLACE: Final = ("Region Code", "Location Type")
_TRANSFER_PLACE: Final = ("From Region Code", "From Location Type")
_N_COMMON: Final = len(_Cells._fields)
_INSTANCE_COLUMNS: Final = (
    "Instance Type", "Tenancy", "Operating System", "License Model", "CapacityStatus", "Pre Installed S/W",
    "LeaseContractLength", "PurchaseOption", "OfferingClass",
)  # fmt: skip
_INSTANCE_FAMILIES: Final = frozenset({"Compute Instance", "Compute Instance (bare metal)"})
_OPERATIONS: Final = {("Linux", "RunInstances"): "linux", ("Windows", "RunInstances:0002"): "windows"}
"""Operating system and operation. ``:0800`` is Windows with a licence of one's own, ``:0002:box`` one without any, ``:0202``
and others have SQL Server, ``:CB`` is a capacity block at a price of zero."""
_YEARS: Final = {"1yr": 1, "3yr": 3}
_PAYMENTS: Final = {
    "allupfront": "all_upfront",
    "partialupfront": "partial_upfront",
    "noupfront": "no_upfront",
}
_CLASSES: Final = {"standard": "ec2_reserved.csv", "convertible": "ec2_reserved_convertible.csv"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPrices:
    """What an offer file holds for us."""

    about: OfferFile
    rows: Rows
    notes: tuple[str, ...]
    """What was left out, and why, one sentence each."""


def read_offer(file: IO[bytes], *, offer: str, region: str, today: str) -> OfferPrices:
    """Rates of one offer file of one Region, in constant memory.

    Parameters
    ----------
    file : binary file
        CSV of the offer.
    offer : str
        Its code, such as ``AmazonEC2``.
    region : str
        Rows of other places are left out: Local Zones, Wavelength Zones, Outposts, and products of all Regions.
    today : str
        Rows that hold from a later date on are left out.

    Raises
    ------
    PriceListError
        It is the file of another offer; it states two prices for one thing; or a unit is not the expected one.
    BrokenFileError
        It is not whole.
    """
    if offer == "AmazonEC2":
        more: tuple[str, ...] = _INSTANCE_COLUMNS
        optional: tuple[str, ...] = ("MarketOption",)
    else:
        more, optional = (), ()
    place = _TRANSFER_PLACE if offer == "AWSDataTransfer" else _PLACE
    products = [each for each in PRODUCTS if each.offer == offer]
    known = {*more, *optional}
    # A column that a product is told by, and that the file does not have, must not pass for an empty cell.
    told_by = tuple(dict.fromkeys(name for each in products for name in each.also if name not in known))
    reader = OfferReader(file, (*_COLUMNS, *place, "Product Family", "operation", *more, *told_by), optional)
    if reader.about.offer != offer:
        raise PriceListError(f"this is the offer file of {reader.about.offer!r}, not of {offer}.")
    columns = dict(zip((*more, *told_by, *optional), range(_N_COMMON, 99), strict=False))
    return _Reading(offer, region, today, products, columns).read(reader)


class _Reading:
    """One pass over an offer file."""

    def __init__(self, offer: str, region: str, today: str, products: list[Product], columns: Mapping[str, int]) -> None:
        self._region, self._today, self._columns = region, today, columns
        self._products = products
        self._by_usage: dict[str, Sequence[tuple[Product, str]]] = {}
        self._without_prefix = usage_names(region)
        what = f"the {offer} offer of {region}"
        self._instances: Disagreements[tuple[str, str]] = Disagreements(what)
        self._reserved: Disagreements[tuple[str, str, str, str, str, str]] = Disagreements(what)
        self._steps: Disagreements[tuple[str, Key, str, Decimal]] = Disagreements(what)
        self._destinations: Disagreements[tuple[str, str]] = Disagreements(what)
        self._zero: list[str] = []

    def read(self, reader: OfferReader) -> OfferPrices:
        for line, cells in reader:
            common = _Cells._make(cells[:_N_COMMON])
            # products of another place or currency; rates that hold later
            if common.region != self._region or common.location_type != "AWS Region" or common.currency != "USD":
                continue
            if common.family in _INSTANCE_FAMILIES:
                self._instance(common, cells, line)
            elif common.term == "OnDemand":
                self._other(common, cells, line)
        rows: Rows = {}
        for (name, instance_type), stated in self._instances.items():
            rows.setdefault(name, {})[instance_type,] = FoundRate(stated.usd, "instance-hour")
        incomplete = self._add_reserved(rows)
        self._add_steps(rows)
        self._add_other_regions(rows)
        return OfferPrices(about=reader.about, rows=rows, notes=tuple(self._notes(incomplete)))

    def _notes(self, incomplete: int) -> Iterator[str]:
        if self._zero:
            some = ", ".join(self._zero[:5]) + (f" and {len(self._zero) - 5} more" if len(self._zero) > 5 else "")
            yield f"{len(self._zero)} instance types have a price of zero, which is none: {some}"
        if incomplete:
            yield f"{incomplete} reserved offers lack their upfront fee or their hourly rate"

    def _stated(self, common: _Cells, line: int) -> Stated | None:
        """The price of a row; None where it does not hold yet."""
        effective = date_of(common.effective)
        if effective is None:
            raise PriceListError(f"line {line}: {common.effective!r} is not a date.")
        if effective > self._today:
            return None
        return Stated(usd(common.price, line), effective, common.rate_code, line)

    def _instance(self, common: _Cells, cells: tuple[str, ...], line: int) -> None:
        instance_type, tenancy, system, licence, capacity, software, lease, payment, offering, market = cells[_N_COMMON:]
        os_ = _OPERATIONS.get((system, common.operation))
        if (
            os_ is None
            or tenancy != "Shared"
            or capacity != "Used"
            or software != "NA"
            or licence != "No License required"
            or market not in ("OnDemand", "")
        ):
            return
        if common.term == "OnDemand" and common.unit == "Hrs" and common.start in ("0", ""):
            stated = self._stated(common, line)
            if stated is None:
                return
            if not stated.usd:
                self._zero.append(f"{instance_type} {os_}")
                return
            name = "ec2_on_demand.csv" if os_ == "linux" else "ec2_windows_on_demand.csv"
            self._instances.add((name, instance_type), stated)
        elif common.term == "Reserved" and common.unit in ("Hrs", "Quantity"):
            years = _YEARS.get(lease.replace(" ", ""))
            option = _PAYMENTS.get(payment.replace(" ", "").lower())
            offered = _CLASSES.get(offering.lower())
            stated = self._stated(common, line)
            if years and option and offered and stated is not None:
                self._reserved.add((offered, instance_type, os_, str(years), option, common.unit), stated)

    def _other(self, common: _Cells, cells: tuple[str, ...], line: int) -> None:
        for product, in_usage in self._products_of(common.usage):
            if (
                (not product.family or common.family in product.family)
                and (not product.operation or common.operation in product.operation)
                and all(cells[self._columns[name]] in allowed for name, allowed in product.also.items())
            ):
                self._add(product, product.key or (in_usage,), common, line)

    def _add(self, product: Product, key: Key, common: _Cells, line: int) -> None:
        if common.unit not in product.aws_units:
            raise PriceListError(
                f"line {line}: {common.usage} is counted in {common.unit!r}, not in {' or '.join(sorted(product.aws_units))}."
            )
        stated = self._stated(common, line)
        if stated is None or not stated.usd:  # the free first step of a price is not the price
            return
        if (product.file, product.key) == OTHER_REGIONS:
            self._destinations.add((common.usage, common.start), stated)
        else:
            self._steps.add((product.file, key, product.unit, _number(common.start, line)), stated)

    def _products_of(self, usage_type: str) -> Sequence[tuple[Product, str]]:
        """What a usage type may price, and the part of its name that is a key."""
        if usage_type not in self._by_usage:
            usage = self._without_prefix(usage_type) or ""
            matches = ((product, re.fullmatch(product.usage, usage)) for product in self._products)
            self._by_usage[usage_type] = [(product, "".join(found.groups())) for product, found in matches if found]
        return self._by_usage[usage_type]

    def _add_steps(self, rows: Rows) -> None:
        """Of a price in steps, the first that costs anything."""
        first: dict[tuple[str, Key], tuple[Decimal, FoundRate]] = {}
        for (name, key, unit, start), stated in self._steps.items():
            if (name, key) not in first or start < first[name, key][0]:
                first[name, key] = start, FoundRate(stated.usd, unit)
        for (name, key), (_, rate) in first.items():
            rows.setdefault(name, {})[key] = rate

    def _add_reserved(self, rows: Rows) -> int:
        """Rates of Reserved Instances with the upfront fee spread over the term; returns how many offers are not whole."""
        offers: dict[tuple[str, ...], dict[str, Decimal]] = {}
        for (*offer, unit), stated in self._reserved.items():
            offers.setdefault(tuple(offer), {})[unit] = stated.usd
        incomplete = 0
        for (name, *key), parts in offers.items():
            upfront, hourly = parts.get("Quantity"), parts.get("Hrs")
            is_whole = {
                "all_upfront": bool(upfront),
                "partial_upfront": bool(upfront) and bool(hourly),
                "no_upfront": bool(hourly) and not upfront,
            }[key[-1]]
            if not is_whole:
                incomplete += 1
                continue
            spread = (hourly or Decimal(0)) + (upfront or Decimal(0)) / (HOURS_PER_YEAR * int(key[-2]))
            rows.setdefault(name, {})[tuple(key)] = FoundRate(spread, "instance-hour")
        return incomplete

    def _add_other_regions(self, rows: Rows) -> None:
        """The rate that most destinations share; of two that are as common, the higher."""
        rates = Counter(stated.usd for _, stated in self._destinations.items())
        if rates:
            file, key = OTHER_REGIONS
            common = max(rates, key=lambda each: (rates[each], each))
            rows.setdefault(file, {})[key] = FoundRate(common, "GiB")


def usage_names(region: str) -> Callable[[str], str | None]:
    """Takes the prefix of a Region off a usage type; None for usage types of other places.

    AWS writes ``EU-``, ``APN1-`` or the name of the Region before it, and in us-east-1 often nothing. The prefix must look like
    one: ``TS-LoadBalancerUsage`` (the trust store of a load balancer) is not the usage of a load balancer.

    Examples
    --------
    >>> usage_names("eu-west-1")("EU-BoxUsage:m5.large"), usage_names("eu-west-1")("BoxUsage:m5.large")
    ('BoxUsage:m5.large', None)
    >>> usage_names("us-east-1")("TS-LoadBalancerUsage")
    'TS-LoadBalancerUsage'
    """
    prefix = rf"(?:USE1-|{region}-)?" if region == "us-east-1" else rf"(?:[A-Z]{{2,4}}\d{{1,2}}-|EU-|{region}-)"
    pattern = re.compile(prefix + r"(?!-)(.+)")

    def name(usage_type: str) -> str | None:
        found = pattern.fullmatch(usage_type)
        return found[1] if found else None

    return name


def _number(text: str, line: int) -> Decimal:
    return usd(text, line) if text else Decimal(0)
