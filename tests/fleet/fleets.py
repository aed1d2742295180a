"""Small fleets whose answers take a moment."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 1, 5, tzinfo=UTC)


def write_workload(folder: Path, *, level: int, hours: int = 336, present: bool = False, extra: str = "") -> Path:
    """A cluster with two services in a folder of its own: counts that follow the day, and a steady one."""
    folder.mkdir(parents=True)
    rows = []
    for hour in range(hours):
        stamp = (START + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ")
        rows.append(f"{stamp},{level + round(level / 2 * math.sin(hour / 24 * 2 * math.pi))}")
    (folder / "web.csv").write_text("timestamp,tasks\n" + "\n".join(rows) + "\n", encoding="utf-8")
    today = ["    present: {launch_type: FARGATE, desired_count: 6}"] if present else []
    lines = [
        f"cluster: {folder.name}",
        "region: us-east-1",
        "services:",
        "  - name: web",
        "    task: {cpu: 512, memory: 1024}",
        "    load: {file: web.csv}",
        *today,
        "  - name: worker",
        "    task: {cpu: 256, memory: 512}",
        f"    load: {{tasks: {3 * level}}}",
        *today,
    ]
    path = folder / "workload.yaml"
    path.write_text("\n".join(lines) + "\n" + extra, encoding="utf-8")
    return path


def write_fleet(root: Path, n: int = 4) -> Path:
    """``n`` clusters that can be answered, one without a day of load, and one that cannot be read."""
    for number in range(n):
        write_workload(root / f"cluster-{number}", level=4 + 3 * number, present=number % 2 == 1)
    write_workload(root / "short", level=4, hours=12)
    bad = write_workload(root / "bad", level=4)
    bad.write_text("cluster: bad\nregion: us-east-1\nservices: [\n", encoding="utf-8")
    return root
