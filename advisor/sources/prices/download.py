"""The AWS Price List over HTTPS: whole files or none, however often the way there breaks."""

import contextlib
import email.utils
import gzip
import http.client
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from typing import IO, Any, Final, TypeVar, cast

from advisor.errors import AdvisorError

T = TypeVar("T")

PRICE_LIST_URL: Final = "https://pricing.us-east-1.amazonaws.com"
"""Holds the prices of all Regions of the aws and aws-us-gov partitions. No account is needed.

AWS Billing user guide, "Using the AWS Price List Bulk API", read 2026-11-25.
"""
ATTEMPTS: Final = 6
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0
"""A longer Retry-After is cut to this; with six attempts no file is waited for longer than five minutes."""
SOCKET_TIMEOUT_S: Final = 60.0
GIVE_UP_AFTER: Final = 3
"""Files in a row without a connection, after which no other is tried: each would be waited for in vain."""
LARGEST_INDEX_BYTES: Final = 64 << 20
_CHUNK_BYTES: Final = 1 << 20
_REPORT_EVERY_BYTES: Final = 50 << 20
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses that another attempt may mend."""


class PriceListError(AdvisorError):
    """A file of the price list could not be had, or not be understood."""


class BrokenFileError(Exception):
    """What arrived is not the whole file; another download may mend it."""


class _PassingError(Exception):
    """An attempt failed in a way that the next one may not."""

    def __init__(self, why: str, wait_s: float | None = None, *, is_connected: bool = True) -> None:
        super().__init__(why)
        self.wait_s, self.is_connected = wait_s, is_connected


@dataclass(slots=True)
class _Partial:
    """What has arrived of a file so far."""

    path: Path
    n_bytes: int = 0
    tag: str | None = None
    """ETag of what arrived: the rest may only be joined to the same version."""
    is_gzip: bool = False

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
        self.n_bytes, self.tag, self.is_gzip = 0, None, False


@dataclass(slots=True, kw_only=True)
class PriceList:
    """Files of the AWS Price List, read one at a time.

    Parameters
    ----------
    url : str
        Where the price list is. HTTPS, but for a server on this machine.
    folder : Path
        A folder of the caller's own for files while they are read; the largest has about 500 MB.
    on_progress : callable
        Takes a sentence.
    sleep, now : callable
        The clock: waits some seconds; the time, for a Retry-After that names a date.
    """

    url: str = PRICE_LIST_URL
    folder: Path
    on_progress: Callable[[str], None] = lambda _: None
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _opener: urllib.request.OpenerDirector = field(init=False)
    _unreachable_in_a_row: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        is_here = parts.hostname in _LOOPBACK
        if parts.scheme != "https" and not (parts.scheme == "http" and is_here):
            raise AdvisorError(
                f"the price list is read over HTTPS, not from {self.url!r}. Plain HTTP works for a server on this machine only."
            )
        handlers: list[urllib.request.BaseHandler] = [_NoDowngrade()]
        if parts.scheme == "https":
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context()))
        if is_here:
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)
        self.url = self.url.rstrip("/")

    def json(self, path: str) -> Any:
        """An index file.

        Raises
        ------
        PriceListError
            It cannot be had or is not JSON.
        """

        def parse(file: IO[bytes]) -> Any:
            text = file.read(LARGEST_INDEX_BYTES + 1)
            if len(text) > LARGEST_INDEX_BYTES:
                raise PriceListError(f"{path} has more than {LARGEST_INDEX_BYTES >> 20} MB, which no index of AWS has.")
            try:
                return json.loads(text)
            except ValueError as error:
                raise BrokenFileError(f"it is not JSON ({error})") from None

        return self.read(path, parse)

    def read(self, path: str, parse: Callable[[IO[bytes]], T]) -> T:
        """What ``parse`` makes of the whole file at ``path``, which it reads as unpacked bytes.

        A download that breaks goes on where it stopped if the server can do that, else it starts anew. ``parse`` may raise
        `BrokenFileError` for a file that ends early, and is then called again with a new download.

        Raises
        ------
        PriceListError
            The file is not there, or all attempts failed.
        """
        if self._unreachable_in_a_row >= GIVE_UP_AFTER:
            raise PriceListError(
                f"{self.url}{path} was not tried: there was no connection for {GIVE_UP_AFTER} files in a row. Check the way to "
                "the internet and run the command again."
            )
        partial = _Partial(self.folder / "download")
        partial.forget()
        wait_s = FIRST_WAIT_S
        try:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    self._fetch(path, partial)
                    self._unreachable_in_a_row = 0
                    return _parsed(partial, parse)
                except (_PassingError, BrokenFileError) as error:
                    if isinstance(error, BrokenFileError):
                        partial.forget()
                    if attempt == ATTEMPTS:
                        self._unreachable_in_a_row += isinstance(error, _PassingError) and not error.is_connected
                        raise PriceListError(
                            f"{self.url}{path} could not be read in {ATTEMPTS} attempts; at last: {error}. "
                            "Check the way to the internet (HTTPS_PROXY for a proxy) and run the command again."
                        ) from error
                    told = error.wait_s if isinstance(error, _PassingError) else None
                    pause_s = min(LONGEST_WAIT_S, max(wait_s, told or 0.0))
                    self.on_progress(f"{path}: {error}; trying again in {pause_s:.0f} s")
                    self.sleep(pause_s)
                    wait_s *= 2
            raise AssertionError("unreachable")
        finally:
            with contextlib.suppress(OSError):
                partial.forget()

    def _fetch(self, path: str, partial: _Partial) -> None:
        """Download what is missing of a file.

        Raises
        ------
        _PassingError
            It broke off; ``partial`` holds what arrived.
        PriceListError
            There is no such file, or the disk is full.
        """
        headers = {"Accept-Encoding": "gzip", "User-Agent": "ecs-launch-advisor"}
        if partial.n_bytes and partial.tag and not partial.tag.startswith("W/"):  # a weak tag is not of the very bytes
            headers |= {"Range": f"bytes={partial.n_bytes}-", "If-Range": partial.tag}
        else:
            partial.forget()
        try:
            request = urllib.request.Request(self.url + path, headers=headers)  # noqa: S310 the scheme was checked
            with self._opener.open(request, timeout=SOCKET_TIMEOUT_S) as answer:
                self._receive(path, answer, partial)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(path, error) from None
        except ssl.SSLError as error:
            raise _PassingError(f"the encrypted connection failed ({error})") from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise PriceListError(
                    f"the certificate of {self.url} cannot be verified ({error.reason}). Behind a proxy that opens TLS, name "
                    "its certificate with SSL_CERT_FILE."
                ) from None
            raise _PassingError(f"no connection ({error.reason})", is_connected=False) from None
        except (http.client.HTTPException, OSError) as error:
            raise _PassingError(f"the connection broke ({_said(error)})") from None

    def _receive(self, path: str, answer: http.client.HTTPResponse, partial: _Partial) -> None:
        is_gzip = answer.headers.get("Content-Encoding", "").lower() == "gzip"
        is_rest = (
            answer.status == 206
            and is_gzip == partial.is_gzip
            and (answer.headers.get("Content-Range") or "").startswith(f"bytes {partial.n_bytes}-")
        )
        if not is_rest:
            if answer.status != 200:
                partial.forget()
                raise _PassingError(f"an answer of status {answer.status} that was not asked for")
            partial.n_bytes = 0
            partial.tag = answer.headers.get("ETag")
            partial.is_gzip = is_gzip
        length = answer.headers.get("Content-Length")
        if length is None and not answer.chunked:
            raise _PassingError("the answer does not say where it ends, so that nobody can tell whether it is whole")
        if length is not None and not length.isdecimal():
            raise _PassingError(f"the answer says that it has {length!r} bytes")
        total = None if length is None else partial.n_bytes + int(length)
        reported = partial.n_bytes
        with self._keeping(path), partial.path.open("ab" if is_rest else "wb") as file:
            while chunk := _received(answer):
                file.write(chunk)
                partial.n_bytes += len(chunk)
                if partial.n_bytes - reported >= _REPORT_EVERY_BYTES:
                    reported = partial.n_bytes
                    of = f" of {total / 1e6:,.0f}" if total else ""
                    self.on_progress(f"{path}: {partial.n_bytes / 1e6:,.0f}{of} MB")
        if total is not None and partial.n_bytes < total:
            raise _PassingError(f"the connection ended after {partial.n_bytes:,} of {total:,} bytes")

    @contextlib.contextmanager
    def _keeping(self, path: str) -> Iterator[None]:
        """Around writing to the disk, whose errors no further attempt mends."""
        try:
            yield
        except OSError as error:
            raise PriceListError(
                f"cannot keep {path} in {self.folder} ({error.strerror or error}). Free some space there, or name another "
                "folder with --cache-dir."
            ) from error

    def _refused(self, path: str, error: urllib.error.HTTPError) -> Exception:
        if error.code == 416:  # the file is shorter now than what arrived of it
            return BrokenFileError("the file changed while it was downloaded")
        if error.code not in _PASSING:
            return PriceListError(f"{self.url}{path} answers with HTTP status {error.code} ({error.reason}).")
        return _PassingError(f"HTTP status {error.code}", self._asked_wait_s(error.headers))

    def _asked_wait_s(self, headers: Message) -> float | None:
        """Seconds that Retry-After asks for, which it may give as a number or as a date."""
        text = headers.get("Retry-After", "").strip()
        if text.isdecimal():
            return float(text)
        try:
            return max(0.0, (email.utils.parsedate_to_datetime(text) - self.now()).total_seconds())
        except (TypeError, ValueError):
            return None


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to where the connection is as safe as before."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and urllib.parse.urlsplit(newurl).scheme != "https":
            raise PriceListError(f"{req.full_url} leads to {newurl}, which is not encrypted. Nothing was read from there.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _received(answer: http.client.HTTPResponse) -> bytes:
    """The next piece of an answer; empty at its end."""
    try:
        return answer.read(_CHUNK_BYTES)
    except (http.client.HTTPException, OSError) as error:
        raise _PassingError(f"the connection broke ({_said(error)})") from None


def _parsed(partial: _Partial, parse: Callable[[IO[bytes]], T]) -> T:
    try:
        with partial.path.open("rb") as packed:
            if not partial.is_gzip:
                return parse(packed)
            with gzip.open(packed, "rb") as file:
                found = parse(cast("IO[bytes]", file))
                while file.read(_CHUNK_BYTES):  # the check sum stands at the end
                    pass
                return found
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BrokenFileError(f"the compressed file is broken ({_said(error)})") from None


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
