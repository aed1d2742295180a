"""The Savings Plans offer file of a Region: what a unit of each covered thing costs under each plan."""

import re
from typing import IO, Final

from advisor.ecs import Architecture, PurchaseOption
from advisor.meters import (
    FARGATE_WINDOWS_GIB_HOUR,
    FARGATE_WINDOWS_LICENSE_VCPU_HOUR,
    FARGATE_WINDOWS_VCPU_HOUR,
    CommitmentKind,
    Meter,
    PaymentOption,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
    windows_instance_hour,
)
from advisor.sources.prices.download import PriceListError
from advisor.sources.prices.found import Disagreements, FoundRate, Rows, Stated, usd
from advisor.sources.prices.offer_csv import OfferReader, date_of
from advisor.sources.prices.products import OfferPrices, usage_names

OFFER: Final = "AWSComputeSavingsPlan"
FILE: Final = "savings_plans.csv"

_COLUMNS: Final = (
    "RateCode", "Unit", "EffectiveDate", "DiscountedRate", "Currency", "DiscountedServiceCode", "DiscountedUsageType",
    "DiscountedOperation", "PurchaseOption", "LeaseContractLength", "LeaseContractLengthUnit", "Product Family",
    "DiscountedRegionCode",
)  # fmt: skip
_KINDS: Final = {
    "ComputeSavingsPlans": CommitmentKind.COMPUTE_SAVINGS_PLAN,
    "EC2InstanceSavingsPlans": CommitmentKind.EC2_INSTANCE_SAVINGS_PLAN,
}
_PAYMENTS: Final = {
    "All Upfront": PaymentOption.ALL_UPFRONT,
    "Partial Upfront": PaymentOption.PARTIAL_UPFRONT,
    "No Upfront": PaymentOption.NO_UPFRONT,
}
_FARGATE: Final[dict[str, Meter]] = {
    "Fargate-vCPU-Hours:perCPU": fargate_vcpu_hour(Architecture.X86_64, PurchaseOption.ON_DEMAND),
    "Fargate-GB-Hours": fargate_gib_hour(Architecture.X86_64, PurchaseOption.ON_DEMAND),
    "Fargate-ARM-vCPU-Hours:perCPU": fargate_vcpu_hour(Architecture.ARM64, PurchaseOption.ON_DEMAND),
    "Fargate-ARM-GB-Hours": fargate_gib_hour(Architecture.ARM64, PurchaseOption.ON_DEMAND),
    "Fargate-Windows-vCPU-Hours:perCPU": FARGATE_WINDOWS_VCPU_HOUR,
    "Fargate-Windows-GB-Hours": FARGATE_WINDOWS_GIB_HOUR,
    "Fargate-Windows-OS-Hours:perCPU": FARGATE_WINDOWS_LICENSE_VCPU_HOUR,
}


def read_savings_plans(file: IO[bytes], *, region: str, today: str) -> OfferPrices:
    """Rates under Savings Plans of a Region, in constant memory.

    Parameters
    ----------
    file : binary file
        CSV of the Compute Savings Plans offer, which also holds the EC2 Instance Savings Plans.
    region : str
        Region of what is covered.
    today : str
        Rates that hold from a later date on are left out.

    Raises
    ------
    PriceListError
        It is another file, or states two rates for one thing.
    BrokenFileError
        It is not whole.
    """
    reader = OfferReader(file, _COLUMNS)
    if not reader.about.offer.endswith("ComputeSavingsPlan"):
        raise PriceListError(f"this is the offer file of {reader.about.offer!r}, not of {OFFER}.")
    covered = _Covered(region)
    kept: Disagreements[tuple[str, str, str, str, str]] = Disagreements(f"the Savings Plans offer of {region}")
    for line, cells in reader:
        code, unit, since, rate, currency, service, usage, operation, payment, length, length_unit, family, where = cells
        kind, option = _KINDS.get(family), _PAYMENTS.get(payment)
        if kind is None or option is None or currency != "USD" or where != region or length_unit != "year":
            continue
        if length not in ("1", "3") or unit not in ("Hrs", "hours"):
            continue
        meter = covered.meter(service, usage, operation)
        if meter is None:
            continue
        effective = date_of(since)
        if effective is None:
            raise PriceListError(f"line {line}: {since!r} is not a date.")
        price = usd(rate, line)
        if effective <= today and price:
            kept.add((str(kind), meter.id, length, str(option), meter.unit), Stated(price, effective, code, line))
    rows: Rows = {FILE: {key[:-1]: FoundRate(stated.usd, key[-1]) for key, stated in kept.items()}}
    return OfferPrices(about=reader.about, rows=rows, notes=())


class _Covered:
    """The on-demand meters of a Region by how the offer file names them."""

    def __init__(self, region: str) -> None:
        self._known: dict[tuple[str, str, str], Meter | None] = {}
        self._without_prefix = usage_names(region)

    def meter(self, service: str, usage_type: str, operation: str) -> Meter | None:
        """The meter, or None for what is no meter of ours: dedicated and unused instances, other systems, Lambda."""
        name = service, usage_type, operation
        if name not in self._known:
            self._known[name] = self._meter(*name)
        return self._known[name]

    def _meter(self, service: str, usage_type: str, operation: str) -> Meter | None:
        usage = self._without_prefix(usage_type) or ""
        if service == "AmazonECS":
            return _FARGATE.get(usage)
        box = re.fullmatch(r"BoxUsage:([a-z0-9-]+\.[a-z0-9-]+)", usage)
        if service != "AmazonEC2" or box is None or operation not in ("RunInstances", "RunInstances:0002"):
            return None
        if operation == "RunInstances":
            return instance_hour(box[1], PurchaseOption.ON_DEMAND)
        return windows_instance_hour(box[1], PurchaseOption.ON_DEMAND)
