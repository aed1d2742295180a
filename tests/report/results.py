"""Results to show: the example, and small ones that hold what a report can get wrong."""

import copy
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from advisor import Recommendation, advise, read_catalog, read_recommendation, read_workload

SHOP = Path(__file__).parents[2] / "examples" / "shop" / "workload.yaml"
TAGS = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{ 7 * 7 }}{% raw %}</style>&amp;"
LONG = "n" * 10_000

PACKED = """
cluster: packed
region: us-east-1
services:
  - {name: api, task: {cpu: 256, memory: 900}, load: {tasks: 17}, architectures: [X86_64]}
  - {name: jobs, task: {cpu: 700, memory: 300}, load: {tasks: 9}, architectures: [X86_64]}
  - {name: cache, task: {cpu: 300, memory: 1900}, load: {tasks: 5}, architectures: [X86_64]}
  - {name: quiet, task: {cpu: 256, memory: 512}, load: {tasks: 2}, architectures: [ARM64]}
present: {instances: {m6i.large: 6}}
"""
SPOT = """
cluster: batch
region: us-east-1
services:
  - {name: render, task: {cpu: 1024, memory: 2048}, load: {tasks: 40}, interruptible: true}
constraints: {launch_types: [EC2, MANAGED_INSTANCES]}
"""
UNPRICED = """
cluster: west
region: us-west-2
services:
  - {name: web, task: {cpu: 512, memory: 1024}, load: {tasks: 3}, architectures: [X86_64, ARM64]}
"""
HELD = """
cluster: held
region: us-east-1
services:
  - {name: web, task: {cpu: 512, memory: 1024}, load: {tasks: 4}, architectures: [X86_64]}
commitments: [{kind: compute_savings_plan, usd_per_hour: 0.5, term_years: 1, payment: no_upfront}]
constraints: {launch_types: [FARGATE]}
"""
SHORT = """
cluster: fresh
region: us-east-1
services:
  - {name: web, task: {cpu: 512, memory: 1024}, load: {file: load.csv}}
"""
MANY = "cluster: many\nregion: us-east-1\nservices:\n" + "".join(
    f"  - {{name: {f'payments-reconciliation-and-settlement-service-of-region-{i:02d}'}, "
    f"task: {{cpu: {256 << i % 3}, memory: {512 << i % 3}}}, load: {{tasks: {2 + 3 * i}}}, "
    f"architectures: [{'X86_64' if i % 4 == 0 else 'X86_64, ARM64'}]}}\n"
    for i in range(12)
)
TEN_HOURS = "timestamp,tasks\n" + "".join(f"2026-09-01T{hour:02d}:00:00Z,{3 + hour % 4}\n" for hour in range(10))


@cache
def shop() -> Recommendation:
    return _advised(SHOP)


@cache
def explored_shop() -> Recommendation:
    """The committed sample; another test works it out and compares it."""
    return read_recommendation(Path(__file__).parents[2] / "reports" / "shop")


@cache
def small(text: str) -> Recommendation:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workload.yaml"
        path.write_text(text, encoding="utf-8")
        (path.parent / "load.csv").write_text(TEN_HOURS, encoding="utf-8")
        return _advised(path)


def _advised(path: Path) -> Recommendation:
    workload = read_workload(path)
    return advise(workload, read_catalog(workload.region))


def changed(recommendation: Recommendation, change: Callable[[dict[str, Any]], object]) -> Recommendation:
    """A result as it would come back from an edited file."""
    data = copy.deepcopy(recommendation.to_dict())
    change(data)
    return Recommendation.from_dict(data)


def resized(recommendation: Recommendation, name: str) -> Recommendation:
    """A result that proposes another task size than the declared one for a service."""
    size = {
        "declared": {"cpu": 1024, "memory": 2048},
        "hours_above_target_today": 3.0,
        "hours_above_target": 12.0,
        "hours_above_full": 0.0,
        "memory_headroom_fraction": 0.3,
    }

    def resize(data: dict[str, Any]) -> None:
        (service,) = (each for each in data["recommendation"]["services"] if each["name"] == name)
        service["size"] = size

    return changed(recommendation, resize)


def hostile() -> Recommendation:
    """Names, notes and paths that try to be markup, that steer a terminal, and that do not end."""
    data = _renamed(small(PACKED).to_dict(), {"api": TAGS, "jobs": LONG, "packed": "</title><script>x</script>"})
    data["run"]["notes"] = [TAGS, LONG, "\x00\x1b[31mred\u202e\ud800"]
    data["run"]["inputs"] = [{"path": f"../<script src=//example.invalid/x.js></script>/{LONG}", "sha256": '"><b>'}]
    data["warnings"] = ["<b>bold</b>", LONG]
    data["recommendation"]["doubts"] = ["<i>doubt</i>"]
    return Recommendation.from_dict(data)


def _renamed(data: Any, names: dict[str, str]) -> Any:
    if isinstance(data, str):
        for old, new in names.items():
            data = new if data == old else data
        return data
    if isinstance(data, list):
        return [_renamed(item, names) for item in data]
    if isinstance(data, dict):
        return {_renamed(key, names): _renamed(value, names) for key, value in data.items()}
    return data
