"""The price catalog as files: ``pricing_data/``, a cache of newer prices over it, and a user's own rates over both."""

import difflib
import hashlib
import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from advisor.ecs import Architecture, InstanceType
from advisor.errors import AdvisorError
from advisor.pricing import (
    CatalogOrigin,
    CommitmentRatio,
    FeeRatio,
    PriceCatalog,
    RateStatus,
    RegionPrices,
    Source,
)
from advisor.pricing.known_meters import TERMS
from advisor.sources.input_files import listed
from advisor.sources.interruption_bands import INTERRUPTIONS_FILE, InterruptionBands
from advisor.sources.price_tables import (
    PRICE_TABLES,
    RATE_COLUMNS,
    BadCellError,
    CatalogFile,
    FurtherRates,
    OutdatedRates,
    RatePlaces,
    RegionTables,
    catalog_error,
    checked_status,
    parsed_rows,
)
from advisor.sources.prices.cache import generation_in_force
from advisor.sources.rates_file import OWN_RATES_COLUMNS, read_own_rates
from advisor.version import __version__

__all__ = [
    "INSTANCE_TYPE_COLUMNS",
    "OWN_RATES_COLUMNS",
    "PRICE_TABLES",
    "RATE_COLUMNS",
    "catalog_folders",
    "catalog_regions",
    "price_cache_folder",
    "pricing_data_folder",
    "read_catalog",
    "regions",
]

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")
_Layers = Sequence[Mapping[str, CatalogFile]]

CACHE_VARIABLE: Final = "ADVISOR_CACHE_DIR"
"""Environment variable that names the folder of refreshed prices."""
SHARED_FILES: Final = (
    "sources.csv",
    "instance_types.csv",
    "managed_instances_fee.csv",
    "commitment_ratios.csv",
    "gaps.csv",
)
"""Files that all Regions share."""
_ZONES: Final = "zones.csv"


def pricing_data_folder() -> Path:
    """The catalog's files: inside an installed package, else beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "pricing_data", package.parent / "pricing_data"):
        if (folder / "sources.csv").is_file():
            return folder
    raise AdvisorError(f"no pricing_data folder in {package} or beside it. Install ecs-launch-advisor again.")


def price_cache_folder() -> Path:
    """Where refreshed prices are kept: the platform's cache folder, or what ``ADVISOR_CACHE_DIR`` says. It may not exist."""
    import platformdirs

    stated = os.environ.get(CACHE_VARIABLE)
    return Path(stated) if stated else platformdirs.user_cache_path("ecs-launch-advisor") / "pricing_data"


def catalog_folders(folder: Path | None = None, cache: Path | None = None) -> tuple[Path, ...]:
    """Folders that a catalog is read from, each over the one before; arguments as for :func:`read_catalog`."""
    if cache is None and folder is None:
        cache = price_cache_folder()
    newer = generation_in_force(cache) if cache is not None else None
    return (folder or pricing_data_folder(), *([newer] if newer is not None else []))


def catalog_regions(folder: Path | None = None, cache: Path | None = None) -> tuple[str, ...]:
    """Regions that a catalog has prices of; arguments as for :func:`read_catalog`."""
    return tuple(sorted({name for each in catalog_folders(folder, cache) for name in regions(each)}))


def regions(folder: Path | None = None) -> tuple[str, ...]:
    """Regions that have prices."""
    return tuple(sorted(path.parent.name for path in (folder or pricing_data_folder()).glob("*/ec2_on_demand.csv")))


def read_catalog(
    region: str, *more: str, folder: Path | None = None, cache: Path | None = None, rates_file: Path | None = None
) -> PriceCatalog:
    """Prices of one or several Regions, with what their instance types offer.

    Parameters
    ----------
    region, *more : str
        AWS Regions, such as ``eu-west-1``.
    folder : Path, optional
        Price data. By default those that come with the package, under those that were refreshed.
    cache : Path, optional
        Newer price data of the same layout, over those of ``folder``: of two rows for one meter the newer holds. By default
        :func:`price_cache_folder`, but none where ``folder`` is given: that is then the whole catalog.
    rates_file : Path, optional
        CSV of own rates over the catalog's: ``meter, region, usd, unit, discount_fraction, source, as_of``.

    Raises
    ------
    InputError
        A file is at fault; the message names the line. Nothing is repaired and no row wins over another of its file.
    AdvisorError
        There is no such Region.

    Examples
    --------
    >>> from advisor.ecs import PurchaseOption
    >>> from advisor.meters import instance_hour
    >>> read_catalog("eu-west-1").rate(instance_hour("m5.large", PurchaseOption.ON_DEMAND), "eu-west-1").usd
    0.107
    """
    folders = catalog_folders(folder, cache)
    base, known = folders[0], catalog_regions(folder, cache)
    if not known:
        raise AdvisorError(f"no prices in {base}: a catalog has a folder for each Region, such as us-east-1. Name one.")
    for each in (region, *more):
        _check_region(each, known)
    shared = [_files(each, SHARED_FILES) for each in folders]
    _check_shared(base, shared[0])
    sources = _merged(shared, "sources.csv", _read_sources)
    specs = _merged(shared, "instance_types.csv", lambda file: _read_instance_types(file, sources))
    types = {name: instance_type for name, (instance_type, _) in specs.items()}
    ratios = _merged(shared, "managed_instances_fee.csv", lambda file: _read_fee_ratios(file, sources))
    gaps = _merged(shared, "gaps.csv", _read_gaps)
    own_rates, inputs = read_own_rates(rates_file, known) if rates_file else ((), ())
    prices: dict[str, RegionPrices] = {}
    origins: dict[str, CatalogOrigin] = {}
    for each in (region, *more):
        layers = [_files(one / each, (*(table.file for table in PRICE_TABLES), _ZONES, INTERRUPTIONS_FILE)) for one in folders]
        tables = RegionTables(layers=tuple(layers), known_types=types, sources=sources)
        prices[each] = _region_prices(each, tables, {meter: why for (gap, meter), why in gaps.items() if gap == each})
        origins[each] = _origin(
            folder, folders, [(*one.values(), *two.values()) for one, two in zip(shared, layers, strict=True)]
        )
    return PriceCatalog(
        regions=prices,
        types=types,
        fee_ratios={name: ratios[scope] for name, (_, scope) in specs.items() if scope in ratios},
        sources=sources,
        commitment_ratios=_merged(shared, "commitment_ratios.csv", lambda file: _read_commitment_ratios(file, sources)),
        origins=origins,
        own_rates=own_rates,
        inputs=inputs,
    )


def read_instance_types(folder: Path | None = None, cache: Path | None = None) -> dict[str, InstanceType]:
    """What instance types offer, by name, without a price; the folders are those of `read_catalog`."""
    shared = [_files(each, SHARED_FILES) for each in catalog_folders(folder, cache)]
    sources = _merged(shared, "sources.csv", _read_sources)
    specs = _merged(shared, "instance_types.csv", lambda file: _read_instance_types(file, sources))
    return {name: instance_type for name, (instance_type, _) in specs.items()}


def _check_region(region: str, known: Sequence[str]) -> None:
    if region in known:
        return
    if region.startswith("cn-"):
        raise AdvisorError(
            f"{region} is priced in CNY, and the catalog holds USD, so China Regions are not in it. Pick another Region."
        )
    near = difflib.get_close_matches(region, known, n=3)
    raise AdvisorError(
        f"no prices for a Region {region!r}. " + (f"Closest: {listed(near)}." if near else f"There is {listed(known)}.")
    )


def _files(folder: Path, names: Iterable[str]) -> dict[str, CatalogFile]:
    """Those of the files that there are, by name."""
    found = {}
    for name in names:
        path = folder / name
        try:
            found[name] = CatalogFile(path=path, content=path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise catalog_error(path, 1, f"the file cannot be read ({error})") from error
    return found


def _check_shared(folder: Path, found: Mapping[str, CatalogFile]) -> None:
    for name in ("sources.csv", "instance_types.csv", "managed_instances_fee.csv"):
        if name not in found:
            raise catalog_error(folder / name, 1, "the file cannot be read: there is none")


def _merged(layers: _Layers, name: str, read: Callable[[CatalogFile], dict[_Key, _Value]]) -> dict[_Key, _Value]:
    """What a shared file says, a later layer over an earlier one."""
    found: dict[_Key, _Value] = {}
    for layer in layers:
        if name in layer:
            found |= read(layer[name])
    return found


def _origin(stated: Path | None, folders: Sequence[Path], layers: Sequence[Iterable[CatalogFile]]) -> CatalogOrigin:
    """Name of the catalog, and a hash over path and content of the files of each layer that has any."""
    digest = hashlib.sha256()
    n_layers = 0
    for folder, layer in zip(folders, layers, strict=True):
        files = sorted((file.path.relative_to(folder).as_posix(), file.content) for file in layer)
        n_layers += bool(files)
        for path, content in files:
            digest.update(f"{path} {hashlib.sha256(content).hexdigest()}\n".encode())
        digest.update(b"\n" if files else b"")
    name = f"folder {stated.resolve().name}" if stated else f"shipped with {__version__}"
    return CatalogOrigin(name=f"{name}, refreshed" if n_layers > 1 else name, sha256=digest.hexdigest())


def _region_prices(region: str, tables: RegionTables, gaps: Mapping[str, str]) -> RegionPrices:
    zones = _merged(tables.layers, _ZONES, lambda file: _read_zones(file, region, tables.sources))
    further = FurtherRates(tables=tables)
    return RegionPrices(
        rates=tables.first.current,
        outdated=OutdatedRates(tables=tables),
        zones=zones,
        further=further,
        places=RatePlaces(tables=tables),
        gaps=gaps,
        interruptions=InterruptionBands(layers=tables.layers, sources=tables.sources),
    )


def _unique(rows: Iterator[tuple[int, tuple[_Key, _Value]]], path: Path) -> dict[_Key, _Value]:
    found: dict[_Key, _Value] = {}
    lines: dict[_Key, int] = {}
    for line, (key, value) in rows:
        if key in found:
            raise catalog_error(path, line, f"{_spelled(key)} stands here and in line {lines[key]}")
        found[key], lines[key] = value, line
    return found


def _spelled(key: object) -> str:
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _read_sources(file: CatalogFile) -> dict[str, Source]:
    def source(cells: list[str]) -> tuple[str, Source]:
        id_, where, date, note, licence = cells
        if not (id_ and where and date):
            raise BadCellError(None, "a source has an id, a place and a date")
        return id_, Source(id=id_, where=where, date=date, note=note, licence=licence)

    return _unique(parsed_rows(file, ("source_id", "where", "date", "note", "licence"), source), file.path)


def _read_zones(file: CatalogFile, region: str, sources: Mapping[str, Source]) -> dict[str, int]:
    start = f"{_zone_code(region)}-az"

    def zones(cells: list[str]) -> tuple[str, int]:
        name, az_ids, source_id = cells
        if not az_ids:
            raise BadCellError("az_ids", f"no zone for {name}; a type that no zone is known to offer has no row")
        if source_id not in sources:
            raise BadCellError("source_id", f"sources.csv has no {source_id!r}")
        n_zones = az_ids.count("|") + 1
        if az_ids.count(start) != n_zones:
            raise BadCellError("az_ids", f"{az_ids} are not zones of {region}, whose ids start with {start}")
        return name, n_zones

    return _unique(parsed_rows(file, ("instance_type", "az_ids", "source_id"), zones), file.path)


def _zone_code(region: str) -> str:
    """How the ids of a Region's zones start: ``apne1`` of ``ap-northeast-1``, ``usgw1`` of ``us-gov-west-1``."""
    area, *direction, number = region.split("-")
    initials = (word.replace("north", "n-").replace("south", "s-").split("-") for word in direction)
    return area + "".join(part[:1] for parts in initials for part in parts) + number


def _read_fee_ratios(file: CatalogFile, sources: Mapping[str, Source]) -> dict[str, FeeRatio]:
    """Ratio that holds now, by scope."""

    def fee(cells: list[str]) -> tuple[str, FeeRatio] | None:
        scope, ratio, valid_from, valid_to, source_id, as_of, status = cells
        is_current = checked_status(source_id, as_of, status, sources) is RateStatus.CURRENT
        if is_current != (valid_to == ""):
            raise BadCellError("status", f"{status!r} of a ratio that is valid to {valid_to or 'now'!r}")
        try:
            found = FeeRatio(scope=scope, ratio=float(ratio), source_id=source_id, as_of=as_of, valid_from=valid_from)
        except ValueError:
            raise BadCellError("ratio_of_on_demand", f"a fee ratio lies between 0 and 1, not {ratio!r}") from None
        return (scope, found) if is_current else None

    columns = ("scope", "ratio_of_on_demand", "valid_from", "valid_to", "source_id", "as_of", "status")
    return _unique(((line, found) for line, found in parsed_rows(file, columns, fee) if found is not None), file.path)


INSTANCE_TYPE_COLUMNS: Final = (
    "instance_type",
    "vcpu",
    "memory_mib",
    "registered_memory_mib",
    "registered_memory_basis",
    "registered_memory_as_of",
    "registered_memory_source_id",
    "architectures",
    "max_enis",
    "branch_interfaces",
    "tasks_with_trunking",
    "tasks_with_trunking_source_id",
    "baseline_percent",
    "coremark_per_thread",
    "current_generation",
    "bare_metal",
    "accelerator",
    "gpus",
    "managed_instances_fee_scope",
    "spec_source_id",
)


def _read_instance_types(file: CatalogFile, sources: Mapping[str, Source]) -> dict[str, tuple[InstanceType, str]]:
    """Instance types by name, each with the scope of its Managed Instances fee, which is empty where it is not offered."""

    def spec(cells: list[str]) -> tuple[str, tuple[InstanceType, str]]:
        name, vcpu, mib, registered, basis, _, memory_source, architecture, enis, branches, tasks, _, *more = cells
        baseline_percent, coremark, is_current, is_bare_metal, has_accelerator, gpus, fee_scope, spec_source = more
        if memory_source not in sources or spec_source not in sources:
            raise BadCellError(None, f"sources.csv lacks {memory_source!r} or {spec_source!r}")
        try:
            found = InstanceType(
                name=name,
                vcpu=int(vcpu),
                memory_mib=int(mib),
                registered_memory_mib=int(registered),
                is_registered_memory_observed=_BASES[basis],
                architectures=_ARCHITECTURES[architecture],
                max_enis=int(enis) if enis else None,
                branch_interfaces=int(branches) if branches else None,
                trunked_tasks=int(tasks) if tasks else None,
                baseline_fraction=float(baseline_percent) / 100 if baseline_percent else None,
                coremark_per_thread=float(coremark) if coremark else None,
                is_current_generation=_FLAGS[is_current],
                is_bare_metal=_FLAGS[is_bare_metal],
                has_accelerator=_FLAGS[has_accelerator],
                gpus=int(gpus) if gpus else None,
            )
        except (ValueError, KeyError) as error:
            raise BadCellError(None, f"a cell of {name!r} does not fit its column ({error})") from None
        return name, (found, fee_scope)

    return _unique(parsed_rows(file, INSTANCE_TYPE_COLUMNS, spec), file.path)


def _read_commitment_ratios(file: CatalogFile, sources: Mapping[str, Source]) -> dict[str, CommitmentRatio]:
    """What payment options cost against all upfront, by terms."""

    def found(cells: list[str]) -> tuple[str, CommitmentRatio]:
        years, payment, ratio, error, source_id, as_of = cells
        checked_status(source_id, as_of, RateStatus.CURRENT, sources)
        terms = f"{years}y:{payment}"
        if terms not in TERMS:
            raise BadCellError("payment_option", f"{terms!r} is none of {', '.join(TERMS)}")
        try:
            return terms, CommitmentRatio(
                terms=terms, ratio=float(ratio), error_fraction=float(error), source_id=source_id, as_of=as_of
            )
        except ValueError as problem:
            raise BadCellError("ratio_to_all_upfront", str(problem)) from None

    columns = ("term_years", "payment_option", "ratio_to_all_upfront", "error_fraction", "source_id", "as_of")
    return _unique(parsed_rows(file, columns, found), file.path)


def _read_gaps(file: CatalogFile) -> dict[tuple[str, str], str]:
    """Why a Region has no rate of a meter, by Region and meter."""

    def gap(cells: list[str]) -> tuple[tuple[str, str], str]:
        region, meter, why = cells
        return (region, meter), why

    return _unique(parsed_rows(file, ("region", "meter", "why"), gap), file.path)


_FLAGS: Final = {"true": True, "false": False}
_BASES: Final = {"observed": True, "fitted": False}
_ARCHITECTURES: Final = {each.value: (each,) for each in Architecture}
