"""A generation of refreshed prices on disk: the files of the one before, with the rows that were fetched for a Region."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from advisor.errors import AdvisorError
from advisor.sources.catalog import INSTANCE_TYPE_COLUMNS
from advisor.sources.places import listed
from advisor.sources.prices.cache import FORMAT, MANIFEST
from advisor.sources.prices.found import KEY_COLUMNS, FoundRate, Key
from advisor.sources.prices.tables import (
    SOURCE_COLUMNS,
    SPOT_HISTORY_COLUMNS,
    ZONE_COLUMNS,
    Table,
    csv_text,
    fetched_table,
    put_over,
)
from advisor.version import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A part of the catalog that was fetched for a Region."""

    region: str
    part: str
    n_rows: int
    source: str
    published: str


@dataclass(slots=True)
class RegionRows:
    """Everything fetched for a Region, before it is written."""

    region: str
    rates: list[tuple[str, dict[Key, FoundRate], str]] = field(default_factory=list)
    """File, rates, id of the source."""
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)
    zones: dict[str, tuple[str, ...]] = field(default_factory=dict)
    types: list[tuple[str, ...]] = field(default_factory=list)
    history: list[tuple[str, ...]] = field(default_factory=list)
    fetched: list[Fetched] = field(default_factory=list)


def write_region(found: RegionRows, before: Path | None, staging: Path, shipped: Path, *, now: datetime) -> list[str]:
    """Write the files that change; returns what was left out."""
    today = now.date().isoformat()
    folder = staging / found.region
    folder.mkdir(exist_ok=True)

    def table(path: str) -> Table | None:
        file = before / path if before is not None else None
        return Table.read(file.read_text(encoding="utf-8")) if file is not None and file.is_file() else None

    types = _over(table("instance_types.csv"), INSTANCE_TYPE_COLUMNS, found.types)
    known = {row[0] for row in types.rows}
    known |= {row[0] for row in Table.read((shipped / "instance_types.csv").read_text(encoding="utf-8")).rows}
    without_specs: set[str] = set()
    rows: dict[str, Table] = {}
    for name, rates, source in found.rates:
        priced = {key: rate for key, rate in rates.items() if (lacking := _type_of(name, key)) is None or lacking in known}
        without_specs |= {str(_type_of(name, key)) for key in rates if key not in priced}
        rows[name] = fetched_table(
            KEY_COLUMNS[name],
            priced,
            source_id=source,
            as_of=today,
            before=rows.get(name) or table(f"{found.region}/{name}"),
        )
    files = {f"{found.region}/{name}": each.text() for name, each in rows.items() if each.rows}
    if found.zones:
        source = f"aws_ec2_api_{found.region}"
        zones = [(name, "|".join(ids), source) for name, ids in found.zones.items()]
        files[f"{found.region}/zones.csv"] = csv_text(ZONE_COLUMNS, sorted(zones))
    if found.history:
        files[f"{found.region}/ec2_spot_history.csv"] = csv_text(SPOT_HISTORY_COLUMNS, found.history)
    if types.rows:
        files["instance_types.csv"] = types.text()
        found.sources |= _sources_of(types, shipped)
    files["sources.csv"] = _over(table("sources.csv"), SOURCE_COLUMNS, found.sources.values()).text()
    manifest = {"format": FORMAT, "advisor": __version__, "refreshed_at": now.isoformat(timespec="seconds")}
    files[MANIFEST] = json.dumps(manifest, indent=1) + "\n"
    for path, text in files.items():
        (staging / path).unlink(missing_ok=True)  # it may be the same file on disk as in the generation before
        (staging / path).write_text(text, encoding="utf-8", newline="\n")
    if without_specs:
        some = listed(sorted(without_specs))
        return [
            f"{found.region}: {len(without_specs)} instance types have prices, and the catalog does not know what they are, so "
            f"they are left out: {some}. Refresh instance_types with an account"
        ]
    return []


def _over(older: Table | None, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    newer = Table(columns=columns, rows=tuple(sorted(rows)))
    return newer if older is None else put_over(older, newer)


def _sources_of(types: Table, shipped: Path) -> dict[str, tuple[str, ...]]:
    """Sources that rows of instance types name, as far as the shipped catalog describes them."""
    places = [i for i, name in enumerate(types.columns) if name.endswith("source_id")]
    named = {row[i] for row in types.rows for i in places}
    sources = Table.read((shipped / "sources.csv").read_text(encoding="utf-8"))
    return {row[0]: row for row in sources.rows if row[0] in named}


def _type_of(name: str, key: Key) -> str | None:
    """Instance type that a row is about, if it is about one."""
    columns = KEY_COLUMNS[name]
    if columns[0] == "instance_type":
        return key[0]
    if name == "savings_plans.csv" and key[1].startswith("ec2:"):
        return key[1].rpartition(":")[2]
    return None


def link_tree(source: Path, target: Path) -> None:
    """The files of a generation in the next one, without their content being written again where the disk can do that."""
    for path in _files(source):
        to = target / path
        to.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source / path, to)
        except OSError:
            shutil.copyfile(source / path, to)


def _files(folder: Path) -> Iterator[Path]:
    return (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())


def write_shipped(generation: Path, folder: Path) -> list[str]:
    """Put refreshed prices into the price data of a checkout, for a maintainer to look through and commit.

    Parameters
    ----------
    generation : Path
        Refreshed prices.
    folder : Path
        A ``pricing_data/``. Rows that were not refreshed stay.

    Returns
    -------
    list of str
        Files that changed.

    Raises
    ------
    AdvisorError
        ``folder`` holds no price data.
    OutputError
        It cannot be written; nothing was changed.
    """
    from advisor.files import write_files

    if not (folder / "sources.csv").is_file():
        raise AdvisorError(f"{folder} holds no price data. Name the pricing_data folder of a checkout.")
    changed: dict[str, bytes] = {}
    for path in _files(generation):
        if path.name == MANIFEST:
            continue
        newer, shipped = Table.read((generation / path).read_text(encoding="utf-8")), folder / path
        before = shipped.read_text(encoding="utf-8") if shipped.is_file() else None
        text = (newer if before is None else put_over(Table.read(before), newer)).text()
        if text != before:
            changed[path.as_posix()] = text.encode()
    if changed:
        write_files(folder, changed)
    return sorted(changed)
