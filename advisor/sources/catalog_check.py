"""A whole catalog read and held against what must be true of it."""

import datetime
from collections.abc import Collection
from pathlib import Path

from advisor.errors import AdvisorError, InputError
from advisor.pricing import PriceCatalog, Violation, violations
from advisor.sources.catalog import catalog_regions, read_catalog


def check_catalog(
    folder: Path | None = None,
    *,
    cache: Path | None = None,
    previous: PriceCatalog | None = None,
    today: datetime.date | None = None,
    accepted: Collection[str] = (),
) -> tuple[Violation, ...]:
    """Every fault of a catalog: rows that cannot be read, and rules of :func:`advisor.pricing.violations` that are broken.

    Parameters
    ----------
    folder, cache : Path, optional
        As for :func:`advisor.read_catalog`.
    previous : PriceCatalog, optional
        The catalog before, which no rate may be far from.
    today : datetime.date, optional
        No date may be after it.
    accepted : Collection[str]
        Patterns of meters that may have moved by more than a factor of three.

    Raises
    ------
    AdvisorError
        There is no catalog.

    Examples
    --------
    >>> import advisor  # doctest: +SKIP
    >>> advisor.check_catalog()  # doctest: +SKIP
    """
    names = catalog_regions(folder, cache)
    if not names:
        raise AdvisorError(
            f"no prices in {folder}: a catalog has a folder for each Region, such as us-east-1. Name that folder."
        )
    try:
        return violations(read_catalog(*names, folder=folder, cache=cache), previous, today=today, accepted=accepted)
    except InputError:
        pass  # some file is at fault: each Region by itself, so that one fault hides no other
    found: dict[str, Violation] = {}
    readable: list[str] = []
    for region in names:
        try:
            catalog = read_catalog(region, folder=folder, cache=cache)
            len(catalog.region_prices(region).further)  # read what is otherwise read when asked for
            readable.append(region)
        except InputError as error:
            unreadable = _unreadable(region, error)
            found.setdefault(str(unreadable), unreadable)
    if not readable:
        return tuple(found.values())
    rest = violations(read_catalog(*readable, folder=folder, cache=cache), previous, today=today, accepted=accepted)
    return (*found.values(), *rest)


def _unreadable(region: str, error: InputError) -> Violation:
    name = "/".join(Path(error.file or "").parts[-2:])
    line = "" if error.line is None else f", line {error.line}"
    return Violation(rule="unreadable", region=region, meter="", place=f"{name}{line}", problem=error.problem)
