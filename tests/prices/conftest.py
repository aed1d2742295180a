import os
from collections.abc import Iterator

import pytest

from tests.prices.offers import ireland
from tests.prices.server import PriceListServer


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test can reach an account or a proxy: neither the machine's credentials nor its configuration are seen."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def server() -> Iterator[PriceListServer]:
    with PriceListServer() as running:
        yield running


@pytest.fixture
def price_list(server: PriceListServer) -> PriceListServer:
    """A price list with every offer of eu-west-1."""
    for offer, text in ireland().items():
        server.offer(offer, "eu-west-1", text)
    return server
