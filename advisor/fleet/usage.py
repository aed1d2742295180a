"""What the recommended plan of a workload uses by the clock hour, packed into kilobytes that travel with its record."""

import io
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from advisor.committing.account import WorkloadUsage
from advisor.meters import CommitmentKind, Meter, PaymentOption
from advisor.optimize.committable import HourlyUsage, hourly_usage
from advisor.plan import Commitment
from advisor.units import SECONDS_PER_HOUR
from advisor.workload import Growth

if TYPE_CHECKING:
    from advisor.answer import Answer
    from advisor.recommend import Recommendation


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnpackedUsage:
    """Usage as it was packed, and the files of own rates that it was priced with."""

    usage: WorkloadUsage
    rates_files: tuple[tuple[str, str], ...]
    """Path and SHA-256."""


def pack_usage(given: "Answer", found: "Recommendation") -> bytes:
    """Usage of the recommended plan, the same bytes for the same usage."""
    workload = given.workload
    parts = given.found.parts_of(found.recommendation.alternative)
    used = hourly_usage(workload, given.search, parts, given.found.common_hours)
    first_hour = int(workload.start.timestamp()) // SECONDS_PER_HOUR
    told = {
        "region": workload.region,
        "start": datetime.fromtimestamp(first_hour * SECONDS_PER_HOUR, workload.start.tzinfo).isoformat(),
        "is_stated": all(service.is_stated for service in workload.services),
        "growth": asdict(workload.growth),
        "held": [asdict(each) for each in workload.commitments],
        "meters": [asdict(meter) for meter in used.meters],
        "zones": used.zones,
        "rates_files": [(file.path, file.sha256) for file in given.search.catalog.inputs],
    }
    packed = io.BytesIO()
    np.savez_compressed(packed, told=np.array(json.dumps(told)), quantity=used.quantity, is_moving=used.is_moving)
    return packed.getvalue()


def unpack_usage(name: str, packed: bytes) -> UnpackedUsage:
    """The inverse of :func:`pack_usage`, of the workload of that name.

    Raises
    ------
    ValueError, KeyError, TypeError
        These are other bytes.
    """
    with np.load(io.BytesIO(packed), allow_pickle=False) as file:
        told = json.loads(str(file["told"]))
        usage = HourlyUsage(
            meters=tuple(Meter(**each) for each in told["meters"]),
            zones=tuple(told["zones"]),
            quantity=file["quantity"],
            is_moving=file["is_moving"],
        )
    return UnpackedUsage(
        usage=WorkloadUsage(
            name=name,
            region=told["region"],
            start=datetime.fromisoformat(told["start"]),
            usage=usage,
            is_stated=told["is_stated"],
            growth=Growth(**told["growth"]),
            held=tuple(
                Commitment(**{**each, "kind": CommitmentKind(each["kind"]), "payment": PaymentOption(each["payment"])})
                for each in told["held"]
            ),
        ),
        rates_files=tuple((path, digest) for path, digest in told["rates_files"]),
    )
