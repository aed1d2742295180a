"""``ec2_spot_interruptions.csv``: how often Spot instances of a type are interrupted, read when someone asks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from advisor.pricing import InterruptionBand, RateStatus, Source
from advisor.sources.price_tables import BadCellError, CatalogFile, catalog_error, checked_status, parsed_rows

INTERRUPTIONS_FILE: Final = "ec2_spot_interruptions.csv"
INTERRUPTION_COLUMNS: Final = ("instance_type", "percent_from", "percent_to", "source_id", "as_of")


@dataclass(frozen=True, kw_only=True, eq=False)
class InterruptionBands(Mapping[str, InterruptionBand]):
    """Bands of a Region by instance type; the files are parsed when the first one is asked for."""

    layers: tuple[Mapping[str, CatalogFile], ...]
    """A later one over an earlier one."""
    sources: Mapping[str, Source]

    def __getitem__(self, instance_type: str) -> InterruptionBand:
        return self._parsed[instance_type]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parsed)

    def __len__(self) -> int:
        return len(self._parsed)

    @cached_property
    def _parsed(self) -> Mapping[str, InterruptionBand]:
        found: dict[str, InterruptionBand] = {}
        for layer in self.layers:
            if INTERRUPTIONS_FILE in layer:
                found |= self._read(layer[INTERRUPTIONS_FILE])
        return found

    def _read(self, file: CatalogFile) -> dict[str, InterruptionBand]:
        found: dict[str, InterruptionBand] = {}
        for line, (name, band) in parsed_rows(file, INTERRUPTION_COLUMNS, self._band):
            if name in found:
                raise catalog_error(file.path, line, f"{name} stands here twice")
            found[name] = band
        return found

    def _band(self, cells: list[str]) -> tuple[str, InterruptionBand]:
        name, low, high, source_id, as_of = cells
        checked_status(source_id, as_of, RateStatus.CURRENT, self.sources)
        try:
            edges = float(low) / 100, float(high) / 100 if high else None
        except ValueError:
            raise BadCellError("percent_from", f"{low!r} to {high!r} are not percent") from None
        if not 0 <= edges[0] < (1 if edges[1] is None else edges[1]) <= 1:
            raise BadCellError("percent_to", f"{low!r} to {high!r} is no band between 0 and 100 %")
        return name, InterruptionBand(low_fraction=edges[0], high_fraction=edges[1], source_id=source_id, as_of=as_of)
