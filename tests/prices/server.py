"""A price list on loopback: files by path, and faults that it answers with before the file."""

import gzip
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

Fault = Callable[["_Handler", bytes], None]


class PriceListServer:
    """``files`` by path; ``faults`` by path are used up one by one, then the file is served; ``asked`` is what came in."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[Fault]] = {}
        self.asked: list[str] = []
        self.ranges: list[str] = []
        self.packs = False
        """Whether answers are compressed where the client takes that."""
        self.resumes = True
        """Whether the rest of a file can be asked for."""
        self.slow_s = 0.0

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def wrap(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._server.handle_error = lambda request, address: None  # type: ignore[method-assign]

    def offer(self, offer: str, region: str, text: str) -> str:
        """Serve an offer file, and name it in the indexes, which have AWS's two shapes; returns its path."""
        index = json.loads(self.files.get("/offers/v1.0/aws/index.json", b'{"offers": {}}'))
        if offer == "AWSComputeSavingsPlan":
            base = f"/savingsPlan/v1.0/aws/{offer}"
            path = f"{base}/20261118184447/{region}/index"
            entry = index["offers"].setdefault("AmazonEC2", {"offerCode": "AmazonEC2"})
            entry["currentSavingsPlanIndexUrl"] = f"{base}/current/region_index.json"
            regional = json.loads(self.files.get(f"{base}/current/region_index.json", b'{"regions": []}'))
            regional["regions"].append({"regionCode": region, "versionUrl": f"{path}.json"})
        else:
            base = f"/offers/v1.0/aws/{offer}"
            path = f"{base}/20261120225308/{region}/index"
            entry = index["offers"].setdefault(offer, {"offerCode": offer})
            entry["versionIndexUrl"] = f"{base}/index.json"
            entry["currentVersionUrl"] = f"{base}/current/index.json"
            entry["currentRegionIndexUrl"] = f"{base}/current/region_index.json"
            regional = json.loads(self.files.get(f"{base}/current/region_index.json", b'{"regions": {}}'))
            regional["regions"][region] = {"regionCode": region, "currentVersionUrl": f"{path}.json"}
        index["formatVersion"] = "v1.0"
        self.files["/offers/v1.0/aws/index.json"] = json.dumps(index).encode()
        self.files[f"{base}/current/region_index.json"] = json.dumps(regional).encode()
        self.files[f"{path}.csv"] = text.encode()
        return f"{path}.csv"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: PriceListServer

    def do_GET(self) -> None:
        server = self.owner
        server.asked.append(self.path)
        server.ranges.append(self.headers.get("Range", ""))
        content = server.files.get(self.path)
        if content is None:
            self.answer(404, b"no such key")
            return
        faults = server.faults.get(self.path)
        if faults:
            faults.pop(0)(self, content)
            return
        headers = {"ETag": '"1"'}  # as breaks_off_after has it
        if server.packs and "gzip" in self.headers.get("Accept-Encoding", ""):
            content = gzip.compress(content, mtime=0)
            headers = {"Content-Encoding": "gzip", "ETag": '"1-gzip"'}
        start = self.headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
        if start and server.resumes and self.headers.get("If-Range") == headers["ETag"]:
            total = len(content)
            headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
            self.answer(206, content[int(start) :], headers)
            return
        self.answer(200, content, headers)

    def answer(self, status: int, content: bytes, headers: dict[str, str] | None = None, *, length: int | None = None) -> None:
        """An answer that claims to have ``length`` bytes."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 as http.server spells it
        pass


def refuses(status: int, **headers: str) -> Fault:
    """Answers with a status."""
    return lambda handler, _: handler.answer(status, b"no", {name.replace("_", "-"): text for name, text in headers.items()})


def breaks_off_after(n_bytes: int) -> Fault:
    """Sends the start of the file, says how long the whole is, and closes the connection."""

    def fault(handler: _Handler, content: bytes) -> None:
        handler.answer(200, content[:n_bytes], {"ETag": '"1"'}, length=len(content))
        handler.close_connection = True

    return fault


def resets_after(n_bytes: int) -> Fault:
    """Sends the start of the file and resets the connection."""

    def fault(handler: _Handler, content: bytes) -> None:
        handler.answer(200, content[:n_bytes], length=len(content))
        handler.wfile.flush()
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
        handler.close_connection = True

    return fault


def cuts_and_claims_to_be_whole(n_bytes: int) -> Fault:
    """Sends the start of the file as if it were all."""
    return lambda handler, content: handler.answer(200, content[:n_bytes])


def packs_badly(spoil: Callable[[bytes], bytes]) -> Fault:
    """Sends a compressed file that is spoilt."""
    return lambda handler, content: handler.answer(200, spoil(gzip.compress(content)), {"Content-Encoding": "gzip"})


def does_not_say_where_it_ends(handler: _Handler, content: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(content)
    handler.close_connection = True


def cuts_chunks(handler: _Handler, content: bytes) -> None:
    """Sends a chunk, and closes the connection where the next would start."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    piece = content[: len(content) // 2]
    handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    handler.close_connection = True


def leads_to(url: str) -> Fault:
    """Redirects."""
    return lambda handler, _: handler.answer(302, b"", {"Location": url})
