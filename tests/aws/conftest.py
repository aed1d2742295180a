import logging
import os
from collections.abc import Iterator

import boto3
import pytest

from tests.aws.proxy import FaultProxy

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "dummy",
    "AWS_SESSION_TOKEN": "dummy",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@pytest.fixture(autouse=True)
def _dummy_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test can reach an account: neither the machine's credentials nor its configuration are seen."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    server_module = pytest.importorskip("moto.moto_server.threaded_moto_server")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def running_proxy(moto_url: str) -> Iterator[FaultProxy]:
    with FaultProxy(moto_url) as running:
        yield running


@pytest.fixture(scope="session")
def shared_session() -> boto3.Session:
    """One for all tests: it keeps the service models, which take seconds to load. Clients are made anew in each test."""
    return boto3.Session(region_name="eu-west-1")


@pytest.fixture
def proxy(running_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> FaultProxy:
    """A moto server behind a proxy that can answer in its place. boto3 finds it by AWS_ENDPOINT_URL."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", running_proxy.url)
    running_proxy.clear()
    return running_proxy


@pytest.fixture
def session(proxy: FaultProxy, shared_session: boto3.Session) -> boto3.Session:
    """A session on the account of the tests, which holds the cluster ``shop`` and what single tests add."""
    return shared_session
