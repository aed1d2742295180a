"""Prices fetched anew from AWS. Names load on first use: few commands need them."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from advisor.sources.prices.refresh import Refreshed, RefreshOptions, refresh_prices, write_shipped

__all__ = ["RefreshOptions", "Refreshed", "refresh_prices", "write_shipped"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("advisor.sources.prices.refresh"), name)
