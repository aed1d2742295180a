"""What has no offer file and needs an account: Spot prices of the past days by zone, and what instance types are."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import numpy as np

from advisor.sources.aws.errors import AwsError, CredentialsError, reading
from advisor.sources.aws.session import Aws, open_session
from advisor.sources.prices.found import FoundRate, Rows, shortest
from advisor.sources.prices.registered_memory import FIT_SOURCE, fitted_registered_memory_mib
from advisor.units import FloatArray

_SYSTEMS: Final = {"Linux/UNIX": "linux", "Windows": "windows"}
_SPOT_FILES: Final = {"linux": "ec2_spot.csv", "windows": "ec2_windows_spot.csv"}
REGION_ROW: Final = "*"
"""Stands for all zones of the Region in the Spot history."""
_PAGE: Final = 1_000
_ARCHITECTURES: Final = {"x86_64": "X86_64", "arm64": "ARM64"}
_ACCELERATORS: Final = ("GpuInfo", "InferenceAcceleratorInfo", "FpgaInfo", "NeuronInfo", "MediaAcceleratorInfo")


def opened_account(profile: str | None = None) -> Callable[[str], Aws]:
    """Open the account in a Region, once for each; the first try tells whether there are credentials at all.

    Examples
    --------
    >>> import advisor  # doctest: +SKIP
    >>> advisor.refresh_prices(["eu-west-1"], account=advisor.opened_account("finops")).fetched  # doctest: +SKIP
    """
    opened: dict[str, Aws | AwsError] = {}

    def in_region(region: str) -> Aws:
        if region not in opened:
            try:
                session = open_session(region=region, profile=profile)
                if session.get_credentials() is None:
                    raise CredentialsError(
                        "no AWS credentials were found. Sign in with `aws sso login` or `aws configure`, or name a profile "
                        "with --profile"
                    )
                opened[region] = Aws(session)
            except AwsError as error:
                opened[region] = error
        found = opened[region]
        if isinstance(found, AwsError):
            raise found
        return found

    return in_region


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotSummary:
    """Price of a Spot pool over some days, each price counted for as long as it held."""

    mean_usd: float
    p50_usd: float
    p90_usd: float
    spread_ratio: float
    """Of a zone: highest over lowest price. Of a Region: mean of the dearest zone over that of the cheapest."""
    hours: float
    """How much of the time the prices cover, over all zones. [h]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotPrices:
    """Spot prices of a Region."""

    rows: Rows
    """The mean over zones: a level, not a quote."""
    history: Mapping[tuple[str, str, str], SpotSummary]
    """By instance type, operating system and id of the zone; ``*`` for the Region."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFacts:
    """What EC2 says of an instance type."""

    name: str
    vcpu: int
    memory_mib: int
    architecture: str
    max_enis: int | None
    is_burstable: bool
    is_current_generation: bool
    is_bare_metal: bool
    has_accelerator: bool
    gpus: int | None
    """Of NVIDIA, whole ones."""


def spot_summary(times_s: FloatArray, usd: FloatArray, start_s: float, end_s: float) -> SpotSummary | None:
    r"""Summary of a Spot price that changes at some moments.

    Parameters
    ----------
    times_s : (changes,)
        When a price came into force, in any order. [s]
    usd : (changes,)
        The price from then on, until the next change. [USD per instance-hour]
    start_s, end_s : float
        The time that counts. A change before it counts from its start on: that is the price which was in force then.

    Returns
    -------
    SpotSummary or None
        None where no price was in force in that time.

    Notes
    -----
    With prices :math:`p_i` in force for :math:`d_i`: mean :math:`\sum p_i d_i / \sum d_i`; the quantile :math:`q` is the
    lowest price that, with all lower ones, was in force for at least the share :math:`q` of the time.
    """
    prices, held_s = _held(times_s, usd, start_s, end_s)
    return _summary(prices, held_s, float(prices.max() / prices.min())) if len(prices) else None


def _held(times_s: FloatArray, usd: FloatArray, start_s: float, end_s: float) -> tuple[FloatArray, FloatArray]:
    """Prices that were in force between start and end, and for how long each was. [USD], [s]"""
    order = np.argsort(times_s, kind="stable")
    held_s = np.diff(np.clip(times_s[order], start_s, end_s), append=end_s)
    return usd[order][held_s > 0], held_s[held_s > 0]


def _summary(prices: FloatArray, held_s: FloatArray, spread_ratio: float) -> SpotSummary:
    by_price = np.argsort(prices, kind="stable")
    share = np.cumsum(held_s[by_price]) / held_s.sum()
    # the last share may be rounded to just below one, and a share to just below a quantile that it is exactly
    p50, p90 = (float(prices[by_price][np.searchsorted(share, q - 1e-12)]) for q in (0.5, 0.9))
    return SpotSummary(
        mean_usd=float((prices * held_s).sum() / held_s.sum()),
        p50_usd=p50,
        p90_usd=p90,
        spread_ratio=spread_ratio,
        hours=float(held_s.sum() / 3600),
    )


def fetch_spot_prices(aws: Aws, *, now: datetime, days: int, on_progress: Callable[[str], None] = lambda _: None) -> SpotPrices:
    """Spot prices of the zones of a Region over the past days, for Linux and Windows.

    Raises
    ------
    AwsError
        In words, whatever went wrong.
    """
    start = now - timedelta(days=days)
    zones = _zones(aws)
    changes: dict[tuple[str, str, str], tuple[list[float], list[float]]] = {}
    n = 0
    with reading("ec2:DescribeSpotPriceHistory"):
        for change in aws.pages(
            "ec2",
            "DescribeSpotPriceHistory",
            "SpotPriceHistory",
            token="NextToken",
            StartTime=start,
            EndTime=now,
            ProductDescriptions=list(_SYSTEMS),
            MaxResults=_PAGE,
        ):
            n += 1
            if n % (20 * _PAGE) == 0:
                on_progress(f"Spot price history of {aws.region}: {n:,} prices")
            zone = change.get("AvailabilityZoneId") or zones.get(change["AvailabilityZone"])
            if zone not in zones.values():
                continue  # a Local Zone
            pool = str(change["InstanceType"]), _SYSTEMS[change["ProductDescription"]], str(zone)
            times, prices = changes.setdefault(pool, ([], []))
            times.append(change["Timestamp"].timestamp())
            prices.append(_positive(float(change["SpotPrice"])))
    return _summarised(changes, start.timestamp(), now.timestamp())


def _positive(usd: float) -> float:
    if not 0 < usd < 1e9:
        raise ValueError(f"SpotPrice {usd}")
    return usd


def _summarised(
    changes: Mapping[tuple[str, str, str], tuple[list[float], list[float]]], start_s: float, end_s: float
) -> SpotPrices:
    history: dict[tuple[str, str, str], SpotSummary] = {}
    zones: dict[tuple[str, str], list[tuple[FloatArray, FloatArray]]] = {}
    for (name, os_, zone), (times, usd) in changes.items():
        prices, held_s = _held(np.array(times), np.array(usd), start_s, end_s)
        if len(prices):
            history[name, os_, zone] = _summary(prices, held_s, float(prices.max() / prices.min()))
            zones.setdefault((name, os_), []).append((prices, held_s))
    rows: Rows = {}
    for (name, os_), held in zones.items():
        means = np.array([(prices * held_s).sum() / held_s.sum() for prices, held_s in held])
        prices, held_s = (np.concatenate(each) for each in zip(*held, strict=True))
        together = _summary(prices, held_s, float(means.max() / means.min()))
        mean = float(means.mean())  # a zone counts once, however long its prices are known
        history[name, os_, REGION_ROW] = replace(together, mean_usd=mean)
        rows.setdefault(_SPOT_FILES[os_], {})[name,] = FoundRate(Decimal(repr(mean)), "instance-hour")
    return SpotPrices(rows=rows, history=history)


def history_rows(spot: SpotPrices, *, source_id: str, as_of: str) -> list[tuple[str, ...]]:
    """Rows of ``ec2_spot_history.csv``."""
    return [
        (
            *pool,
            *(shortest(Decimal(repr(each))) for each in (found.mean_usd, found.p50_usd, found.p90_usd)),
            f"{found.spread_ratio:.4g}",
            f"{found.hours:.1f}",
            source_id,
            as_of,
        )
        for pool, found in sorted(spot.history.items())
    ]


def _zones(aws: Aws) -> dict[str, str]:
    """Ids of the zones of the Region by the names that they have in this account."""
    with reading("ec2:DescribeAvailabilityZones"):
        return {
            str(zone["ZoneName"]): str(zone["ZoneId"])
            for zone in aws.listed("ec2", "DescribeAvailabilityZones", "AvailabilityZones")
            if zone.get("ZoneType", "availability-zone") == "availability-zone"
        }


def fetch_zones_by_type(aws: Aws) -> dict[str, tuple[str, ...]]:
    """Ids of the zones that offer each instance type."""
    found: dict[str, set[str]] = {}
    with reading("ec2:DescribeInstanceTypeOfferings"):
        for offering in aws.pages(
            "ec2",
            "DescribeInstanceTypeOfferings",
            "InstanceTypeOfferings",
            token="NextToken",
            LocationType="availability-zone-id",
            MaxResults=_PAGE,
        ):
            found.setdefault(str(offering["InstanceType"]), set()).add(str(offering["Location"]))
    return {name: tuple(sorted(zones)) for name, zones in found.items()}


def fetch_instance_types(aws: Aws) -> list[TypeFacts]:
    """Instance types of a Region on which ECS tasks can run; Macs are none."""
    with reading("ec2:DescribeInstanceTypes"):
        facts = [
            _facts(each)
            for each in aws.pages("ec2", "DescribeInstanceTypes", "InstanceTypes", token="NextToken", MaxResults=100)
        ]
    return [each for each in facts if each is not None]


def _facts(told: Mapping[str, Any]) -> TypeFacts | None:
    supported = told["ProcessorInfo"]["SupportedArchitectures"]
    architecture = next((ours for theirs, ours in _ARCHITECTURES.items() if theirs in supported), None)
    if architecture is None:
        return None
    enis = told.get("NetworkInfo", {}).get("MaximumNetworkInterfaces")
    return TypeFacts(
        name=str(told["InstanceType"]),
        vcpu=int(told["VCpuInfo"]["DefaultVCpus"]),
        memory_mib=int(told["MemoryInfo"]["SizeInMiB"]),
        architecture=architecture,
        max_enis=int(enis) if enis is not None else None,
        is_burstable=bool(told["BurstablePerformanceSupported"]),
        is_current_generation=bool(told["CurrentGeneration"]),
        is_bare_metal=bool(told["BareMetal"]),
        has_accelerator=any(told.get(each) for each in _ACCELERATORS),
        gpus=_nvidia_gpus(told),
    )


def _nvidia_gpus(told: Mapping[str, Any]) -> int | None:
    gpus = (told.get("GpuInfo") or {}).get("Gpus") or ()
    return sum(int(each.get("Count") or 0) for each in gpus if each.get("Manufacturer") == "NVIDIA") or None


_ACCELERATED_FAMILY: Final = re.compile(r"(g|gr|p|vt|dl|f|inf|trn)\d")
"""g6f and others have a part of a GPU, which EC2 does not count."""


def type_rows(
    types: Iterable[TypeFacts], columns: tuple[str, ...], known: Mapping[str, Mapping[str, str]], source_id: str
) -> list[tuple[str, ...]]:
    """Rows of ``instance_types.csv`` for types that are new, or of which EC2 says something else than the catalog.

    What EC2 does not say of a known type (observed memory, CoreMark, tasks with trunking) stays; of a new one it is unknown.

    Parameters
    ----------
    types : iterable of TypeFacts
        What EC2 says.
    columns : tuple of str
        Columns of the file.
    known : Mapping[str, Mapping[str, str]]
        Cells of the types that the catalog holds, by name and column.
    source_id : str
        Where the facts are from.
    """
    rows = []
    for facts in types:
        told = {
            "instance_type": facts.name,
            "vcpu": str(facts.vcpu),
            "memory_mib": str(facts.memory_mib),
            "architectures": facts.architecture,
            "current_generation": _flag(facts.is_current_generation),
            "bare_metal": _flag(facts.is_bare_metal),
        }
        before = known.get(facts.name)
        if before is not None and all(before[name] == cell for name, cell in told.items()):
            continue
        if before is None or (before["vcpu"], before["memory_mib"]) != (told["vcpu"], told["memory_mib"]):
            told |= {
                "registered_memory_mib": str(_registered_memory_mib(facts)),
                "registered_memory_basis": "fitted",
                "registered_memory_as_of": "",
                "registered_memory_source_id": FIT_SOURCE,
            }
        told["max_enis"] = str(facts.max_enis) if facts.max_enis is not None else ""
        told["accelerator"] = _flag(facts.has_accelerator or bool(_ACCELERATED_FAMILY.match(facts.name)))
        told["gpus"] = "" if facts.gpus is None else str(facts.gpus)
        told["spec_source_id"] = source_id
        cells = dict.fromkeys(columns, "") | (dict(before) if before else {}) | told
        rows.append(tuple(cells[name] for name in columns))
    return rows


def _registered_memory_mib(facts: TypeFacts) -> int:
    is_arm = facts.architecture == "ARM64"
    return fitted_registered_memory_mib(facts.memory_mib, facts.vcpu, is_burstable=facts.is_burstable, is_arm=is_arm)


def _flag(value: bool) -> str:
    return "true" if value else "false"
