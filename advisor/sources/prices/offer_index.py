"""Where AWS's price list has the file of each offer in each Region."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from advisor.sources.places import listed
from advisor.sources.prices.download import PriceList, PriceListError
from advisor.sources.prices.savings_plans import OFFER as SAVINGS_PLANS

INDEX: Final = "/offers/v1.0/aws/index.json"


@dataclass(slots=True)
class OfferIndex:
    """Paths of the files, read from the indexes of the price list once."""

    price_list: PriceList
    _index: dict[str, Any] | None = None
    _regions: dict[str, Mapping[str, str]] = field(default_factory=dict)
    _failed: dict[str, PriceListError] = field(default_factory=dict)
    """Offers whose index could not be had: it is not asked for again in each Region."""

    def path(self, offer: str, region: str) -> str:
        """Path of the CSV file of an offer in a Region.

        Raises
        ------
        PriceListError
            AWS does not offer it there, or an index is not what it was.
        """
        if offer in self._failed:
            raise self._failed[offer]
        if offer not in self._regions:
            try:
                self._regions[offer] = self._region_paths(offer)
            except PriceListError as error:
                self._failed[offer] = error
                raise
        if region not in self._regions[offer]:
            near = difflib.get_close_matches(region, self._regions[offer], n=3)
            raise PriceListError(f"AWS lists no {offer} in {region}" + (f" (closest: {listed(near)})." if near else "."))
        return self._regions[offer][region]

    def _region_paths(self, offer: str) -> Mapping[str, str]:
        if self._index is None:
            self._index = self._offers()
        # Savings Plans have no entry of their own: the offers that they cover name their index
        holder, name = (
            ("AmazonEC2", "currentSavingsPlanIndexUrl") if offer == SAVINGS_PLANS else (offer, "currentRegionIndexUrl")
        )
        told = self._index.get(holder)
        if not isinstance(told, dict) or not isinstance(told.get(name), str):
            raise PriceListError(f"the index of the price list names no file of {offer} by Region.")
        listed_regions = self._json(told[name]).get("regions")
        entries = listed_regions.values() if isinstance(listed_regions, dict) else listed_regions
        if not isinstance(entries, Iterable):
            raise PriceListError(f"{told[name]} lists no Regions.")
        found: dict[str, str] = {}
        for entry in entries:
            path = entry.get("currentVersionUrl") or entry.get("versionUrl") if isinstance(entry, dict) else None
            if not isinstance(path, str) or not isinstance(entry.get("regionCode"), str):
                raise PriceListError(f"{told[name]} has an entry without a Region or a file: {str(entry)[:100]}.")
            found[entry["regionCode"]] = _csv_path(path)
        return found

    def _offers(self) -> dict[str, Any]:
        offers = self._json(INDEX).get("offers")
        if not isinstance(offers, dict):
            raise PriceListError(f"{INDEX} lists no offers.")
        return offers

    def _json(self, path: str) -> dict[str, Any]:
        if not path.startswith("/") or path.startswith("//"):
            raise PriceListError(f"the price list names a file elsewhere: {path[:100]!r}. Nothing was read from there.")
        found = self.price_list.json(path)
        if not isinstance(found, dict):
            raise PriceListError(f"{path} is not an index.")
        return found


def _csv_path(path: str) -> str:
    if not path.startswith("/") or path.startswith("//") or not path.endswith(".json"):
        raise PriceListError(f"the price list names a file elsewhere: {path[:100]!r}. Nothing was read from there.")
    return path.removesuffix(".json") + ".csv"
