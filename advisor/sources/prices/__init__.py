"""Prices fetched anew from AWS. Names load on first use: few commands need them."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from advisor.sources.prices.generation import write_shipped
    from advisor.sources.prices.refresh import Refreshed, RefreshOptions, refresh_prices

__all__ = ["RefreshOptions", "Refreshed", "refresh_prices", "write_shipped"]

_ROOMS = {name: "generation" if name == "write_shipped" else "refresh" for name in __all__}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"advisor.sources.prices.{_ROOMS[name]}"), name)
