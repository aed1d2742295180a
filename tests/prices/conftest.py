import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from advisor.sources.catalog import pricing_data_folder
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


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's price data with a few instance types and Regions, so that reading it takes no time."""
    folder = tmp_path_factory.mktemp("shipped") / "pricing_data"
    regions = {"eu-west-1", "eu-west-2", "us-east-1", "us-east-2", "us-west-2", "us-gov-west-1"}
    left_out = {path.name for path in pricing_data_folder().iterdir() if path.is_dir()} - regions
    shutil.copytree(pricing_data_folder(), folder, ignore=lambda _, names: left_out & set(names))
    for path in folder.rglob("*.csv"):
        header, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        if header.startswith("instance_type,"):
            few = [line for line in lines if re.match(r"(m5|m6i|t3)\.", line)]
            path.write_text("".join([header, *few]), encoding="utf-8", newline="\n")
    return folder
