"""Files of the price list arrive whole or not at all, whatever happens on the way."""

import gzip
import ipaddress
import random
import ssl
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.errors import AdvisorError
from advisor.sources.prices.download import ATTEMPTS, LONGEST_WAIT_S, BrokenFileError, PriceList, PriceListError
from tests.prices.server import (
    breaks_off_after,
    cuts_and_claims_to_be_whole,
    cuts_chunks,
    does_not_say_where_it_ends,
    leads_to,
    packs_badly,
    refuses,
    resets_after,
)

CONTENT = random.Random(1).randbytes(300_000)
PATH = "/file.csv"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Clock:
    """Waits without waiting."""

    def __init__(self):
        self.waits = []

    def sleep(self, seconds):
        self.waits.append(seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def files(server, tmp_path, clock):
    server.files[PATH] = CONTENT
    return PriceList(url=server.url, folder=tmp_path, sleep=clock.sleep, now=lambda: NOW)


def read(files):
    return files.read(PATH, lambda file: file.read())


def test_a_file_is_read_whole(files, tmp_path):
    assert read(files) == CONTENT
    assert not list(tmp_path.iterdir())  # nothing is left of the download


@pytest.mark.parametrize("packs", [False, True])
@pytest.mark.parametrize("resumes", [False, True])
@pytest.mark.parametrize(
    "fault",
    [
        refuses(503),
        refuses(429),
        refuses(500),
        breaks_off_after(0),
        breaks_off_after(100_000),
        resets_after(100_000),
        cuts_chunks,
        does_not_say_where_it_ends,
        packs_badly(lambda packed: packed[:-100]),
        packs_badly(lambda packed: packed[:1000] + b"\0" * 100 + packed[1100:]),
        packs_badly(lambda packed: b"not gzip at all"),
        packs_badly(lambda packed: packed[:-8] + b"\0" * 8),
    ],
    ids=["503", "429", "500", "no body", "short", "reset", "chunks", "endless", "cut gzip", "bad gzip", "no gzip", "bad sum"],
)
def test_a_download_that_breaks_is_tried_again(files, server, clock, fault, resumes, packs):
    server.faults[PATH], server.resumes, server.packs = [fault], resumes, packs
    assert read(files) == CONTENT
    assert clock.waits == [1.0]


def test_the_rest_of_a_file_is_asked_for_where_it_broke_off(files, server):
    server.faults[PATH] = [breaks_off_after(100_000)]
    assert read(files) == CONTENT
    assert server.ranges == ["", "bytes=100000-"]


def test_the_rest_of_another_version_is_never_joined(files, server):
    """The server has another version by the second attempt: it answers with the whole of it."""

    def breaks_off_and_changes(handler, content):
        breaks_off_after(100_000)(handler, content)
        server.files[PATH] = CONTENT[::-1]
        server.resumes = False

    server.faults[PATH] = [breaks_off_and_changes]
    assert read(files) == CONTENT[::-1]


def test_an_answer_without_a_tag_is_never_resumed(files, server):
    server.faults[PATH] = [resets_after(100_000)]
    assert read(files) == CONTENT
    assert server.ranges == ["", ""]


def test_a_file_that_was_cut_and_says_it_is_whole_is_known_by_its_reader(files, server):
    """A wrong Content-Length: only who reads the file can tell."""
    server.faults[PATH] = [cuts_and_claims_to_be_whole(100_000)]

    def parse(file):
        content = file.read()
        if len(content) < len(CONTENT):
            raise BrokenFileError("too short")
        return content

    assert files.read(PATH, parse) == CONTENT


def test_waits_double_and_end(files, server, clock):
    server.faults[PATH] = [refuses(503)] * 100
    with pytest.raises(PriceListError, match="could not be read in 6 attempts; at last: HTTP status 503"):
        read(files)
    assert clock.waits == [1, 2, 4, 8, 16]
    assert len(server.asked) == ATTEMPTS


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        ("7", 7),
        ("100000", LONGEST_WAIT_S),
        ("Wed, 25 Nov 2026 12:00:20 GMT", 20),
        ("Wed, 25 Nov 2026 11:00:00 GMT", 1),
        ("soon", 1),
        ("", 1),
    ],
)
def test_retry_after_is_heeded_within_reason(files, server, clock, retry_after, wait):
    server.faults[PATH] = [refuses(429, Retry_After=retry_after)]
    assert read(files) == CONTENT
    assert clock.waits == [wait]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_that_will_not_pass_is_not_tried_again(files, server, clock, status):
    server.faults[PATH] = [refuses(status)]
    with pytest.raises(PriceListError, match=f"HTTP status {status}"):
        read(files)
    assert not clock.waits


def test_a_file_that_became_shorter_is_read_anew(files, server):
    server.faults[PATH] = [breaks_off_after(100_000), refuses(416)]
    assert read(files) == CONTENT


def test_nobody_at_the_address(files, server, clock):
    files.url = "http://127.0.0.1:9"
    with pytest.raises(PriceListError, match="no connection"):
        read(files)
    assert len(clock.waits) == ATTEMPTS - 1


@pytest.mark.parametrize("url", ["http://pricing.us-east-1.amazonaws.com", "ftp://127.0.0.1", "file:///etc", "http://10.0.0.1"])
def test_only_this_machine_is_read_without_encryption(tmp_path, url):
    with pytest.raises(AdvisorError, match="read over HTTPS"):
        PriceList(url=url, folder=tmp_path)


@pytest.fixture
def encrypted(server, tmp_path):
    """The server behind TLS, with a certificate that nobody vouches for."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, datetime(2026, 1, 1), datetime(2040, 1, 1))  # noqa: DTZ001
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    pem = tmp_path / "server.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.wrap(context)
    server.files[PATH] = CONTENT
    return pem


def test_a_certificate_that_nobody_vouches_for_is_refused(encrypted, server, tmp_path, clock):
    files = PriceList(url=server.url.replace("http:", "https:"), folder=tmp_path, sleep=clock.sleep)
    with pytest.raises(PriceListError, match=r"certificate of .* cannot be verified .*SSL_CERT_FILE"):
        read(files)
    assert not clock.waits


def test_a_certificate_that_the_user_vouches_for_is_taken(encrypted, server, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(encrypted))
    assert read(PriceList(url=server.url.replace("http:", "https:"), folder=tmp_path)) == CONTENT


def test_a_redirect_to_where_nothing_is_encrypted_is_not_followed(encrypted, server, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(encrypted))
    server.faults[PATH] = [leads_to("http://127.0.0.1:9/there.csv")]
    with pytest.raises(PriceListError, match="not encrypted"):
        read(PriceList(url=server.url.replace("http:", "https:"), folder=tmp_path))


def test_a_redirect_is_followed(files, server):
    server.files["/there.csv"] = b"moved"
    server.faults[PATH] = [leads_to(f"{server.url}/there.csv")]
    assert read(files) == b"moved"


def test_a_full_disk_is_said(files, tmp_path):
    files.folder = tmp_path / "gone"
    with pytest.raises(PriceListError, match=r"cannot keep /file.csv in .*gone .*--cache-dir"):
        read(files)


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"offers": ', b"\xff\xfe"])
def test_an_index_that_is_no_json_is_tried_again(files, server, content):
    server.files[PATH] = b'{"offers": {}}'
    server.faults[PATH] = [lambda handler, _: handler.answer(200, content)]
    assert files.json(PATH) == {"offers": {}}


def test_progress_is_said(server, tmp_path, monkeypatch):
    said = []
    server.files[PATH] = b"x" * (5 << 20)
    monkeypatch.setattr("advisor.sources.prices.download._REPORT_EVERY_BYTES", 2 << 20)
    files = PriceList(url=server.url, folder=tmp_path, on_progress=said.append)
    assert files.read(PATH, lambda file: len(file.read())) == 5 << 20
    assert said == [f"{PATH}: 2 of 5 MB", f"{PATH}: 4 of 5 MB"]


FAULTS = st.one_of(
    st.sampled_from([429, 500, 502, 503, 504]).map(refuses),
    st.integers(0, 299_999).map(breaks_off_after),
    st.integers(0, 299_999).map(resets_after),
    st.integers(1, 200).map(lambda cut: packs_badly(lambda packed: packed[:-cut])),
    st.just(cuts_chunks),
)


@pytest.mark.prove
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(faults=st.lists(FAULTS, max_size=ATTEMPTS - 1), packs=st.booleans(), resumes=st.booleans())
def test_whatever_breaks_the_file_is_whole_in_the_end(files, server, faults, packs, resumes):
    server.faults[PATH], server.packs, server.resumes = list(faults), packs, resumes
    assert read(files) == CONTENT


def test_packed_answers_are_unpacked(files, server):
    server.packs = True
    assert read(files) == CONTENT
    assert gzip.decompress(gzip.compress(CONTENT)) == CONTENT
