"""An offer file of any size is read in constant memory."""

import io
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from advisor.sources.prices.products import read_offer
from tests.prices.offers import EC2_COLUMNS, instance, offer_csv, reserved

ROOT = Path(__file__).parents[2]
TYPES = [
    f"{family}{generation}.{size}" for family in "mcr" for generation in (5, 6, 7) for size in ("large", "xlarge", "2xlarge")
]
SYSTEMS = [
    ("Linux", "RunInstances", "NA"),
    ("Windows", "RunInstances:0002", "NA"),
    ("RHEL", "RunInstances:0010", "NA"),
    ("SUSE", "RunInstances:000g", "NA"),
    ("Windows", "RunInstances:0202", "SQL Web"),
]
NOISE = {
    "Physical Processor": "Intel Xeon Platinum 8175 (Skylake)",
    "Clock Speed": "3.1 GHz",
    "Network Performance": "Up to 10 Gigabit",
    "Processor Features": "Intel AVX; Intel AVX2; Intel AVX512; Intel Turbo",
    "serviceName": "Amazon Elastic Compute Cloud",
    "Location": "EU (Ireland)",
    "PriceDescription": "Linux/UNIX (Amazon VPC), reserved instance applied, per hour or part of one",
}


def block() -> bytes:
    """Rows of some types as AWS has them: a few that price something, and many of other tenancies, states and systems."""
    rows = []
    for i, name in enumerate(TYPES):
        usd = f"{0.1 + i / 100:.10f}"
        for tenancy in ("Shared", "Dedicated", "Host"):
            for capacity in ("Used", "UnusedCapacityReservation", "AllocatedCapacityReservation"):
                for system, operation, software in SYSTEMS:
                    cells = {
                        "Tenancy": tenancy,
                        "CapacityStatus": capacity,
                        "Operating System": system,
                        "operation": operation,
                        "Pre Installed S/W": software,
                        **NOISE,
                    }
                    if (tenancy, capacity, system) == ("Shared", "Used", "Linux"):
                        rows += [row | cells for row in reserved(name, upfront="0", hourly=usd, years=1, payment="No Upfront")]
                    rows.append(instance(name, usd) | cells)
    text = offer_csv("AmazonEC2", EC2_COLUMNS, rows)
    return text.partition('"VPCNetworkingSupport"\n')[2].encode()


def large_offer(n_bytes: int) -> Iterator[bytes]:
    """An offer file of about ``n_bytes``; its rows repeat, which says nothing new but has to be read."""
    yield offer_csv("AmazonEC2", EC2_COLUMNS, []).encode()
    rows = block()
    for _ in range(n_bytes // len(rows)):
        yield rows


def test_memory_does_not_grow_with_the_file():
    peaks = []
    for n_bytes in (2_000_000, 8_000_000):
        file = io.BytesIO(b"".join(large_offer(n_bytes)))
        tracemalloc.start()
        found = read_offer(file, offer="AmazonEC2", region="eu-west-1", today="2026-11-25")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(found.rows["ec2_on_demand.csv"]) == len(found.rows["ec2_reserved.csv"]) == len(TYPES)
    assert peaks[1] < peaks[0] + 200_000
    assert peaks[1] < 5_000_000


MEASURED = """
import json, resource, sys, time
from advisor.sources.prices.products import read_offer

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
with open(sys.argv[1], "rb") as file:
    found = read_offer(file, offer="AmazonEC2", region="eu-west-1", today="2026-11-25")
print(json.dumps({
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "before_mb": before / 1024,
    "seconds": time.perf_counter() - start, "rates": sum(map(len, found.rows.values())),
}))
"""


@pytest.mark.prove
def test_500_mb_are_read_in_less_than_300_mb(tmp_path):
    path = tmp_path / "index.csv"
    with path.open("wb") as file:
        for piece in large_offer(500_000_000):
            file.write(piece)
    assert path.stat().st_size > 498_000_000
    done = subprocess.run([sys.executable, "-c", MEASURED, path], cwd=ROOT, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    sys.stdout.write(done.stdout)
    assert measured["rates"] == 3 * len(TYPES)
    assert measured["peak_mb"] < 300
