"""An HTTP proxy before a moto server: counts what is asked, and answers some of it with a fault."""

import http.client
import re
import socket
import struct
import threading
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

HANG_UP = 0
"""In place of a status."""
_XML_SERVICES = ("autoscaling", "elasticloadbalancing", "ec2")


class FaultProxy:
    """Forwards to ``backend`` but for the operations in ``faults``: status, headers and body, as often as they are listed."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self.asked: list[str] = []
        """Operations in the order asked, as IAM spells them."""
        self.faults: dict[str, list[tuple[int, Mapping[str, str], bytes]]] = {}
        self.remembered: dict[tuple[str, bytes], tuple[int, Mapping[str, str], bytes]] | None = None
        """Answers of the backend by question, where the same is asked many times; None: it is asked each time."""

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def clear(self) -> None:
        """Forget what was asked, and answer everything from the backend."""
        self.asked.clear()
        self.faults.clear()
        self.remembered = None

    def reset_backend(self) -> None:
        with urllib.request.urlopen(urllib.request.Request(f"{self.backend}/moto-api/reset", method="POST")):  # noqa: S310
            pass

    def refuse(self, operation: str, code: str, message: str = "no", *, status: int = 400, times: int = 1_000) -> None:
        """Answer ``operation`` with an error of AWS."""
        service = operation.partition(":")[0]
        if service in _XML_SERVICES:
            error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            wrapped = (
                f"<Response><Errors>{error}</Errors></Response>"
                if service == "ec2"
                else f"<ErrorResponse>{error}</ErrorResponse>"
            )
            fault: tuple[int, Mapping[str, str], bytes] = (status, {"Content-Type": "text/xml"}, wrapped.encode())
        else:
            body = f'{{"__type": "{code}", "message": "{message}"}}'
            fault = (status, {"Content-Type": "application/x-amz-json-1.1"}, body.encode())
        self.faults[operation] = [fault] * times

    def say(self, operation: str, body: bytes, *, times: int = 1_000) -> None:
        """Answer ``operation`` with status 200 and ``body``."""
        self.faults[operation] = [(200, {"Content-Type": "application/x-amz-json-1.1"}, body)] * times

    def hang_up(self, operation: str, *, times: int = 1_000) -> None:
        """Reset the connection instead of an answer to ``operation``."""
        self.faults[operation] = [(HANG_UP, {}, b"")] * times


def _operation(path: str, headers: Any, body: bytes) -> str:
    """``ecs:ListServices`` from a JSON target, an RPC path or a query body."""
    credential = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", headers.get("Authorization", ""))
    service = {"monitoring": "cloudwatch"}.get(credential[1], credential[1]) if credential else "?"
    target = headers.get("X-Amz-Target")
    if target:
        return f"{service}:{target.rpartition('.')[2]}"
    rpc = re.search(r"/service/[^/]+/operation/(\w+)", path)
    if rpc:
        return f"{service}:{rpc[1]}"
    schedule = re.fullmatch(r"/schedules(/[^?]+)?(\?.*)?", path)
    if service == "scheduler" and schedule:
        return "scheduler:GetSchedule" if schedule[1] else "scheduler:ListSchedules"
    return f"{service}:{dict(urllib.parse.parse_qsl(body.decode(errors='replace'))).get('Action', path.lstrip('/'))}"


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # headers and body are two writes: the second would wait 40 ms for an acknowledgement

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            operation = _operation(self.path, self.headers, body)
            proxy.asked.append(operation)
            faults = proxy.faults.get(operation)
            if faults:
                status, headers, answer = faults.pop(0)
            elif proxy.remembered is None:
                status, headers, answer = self._forwarded(body)
            else:
                question = (operation, body)
                if question not in proxy.remembered:
                    proxy.remembered[question] = self._forwarded(body)
                status, headers, answer = proxy.remembered[question]
            if status == HANG_UP:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST  # noqa: N815

        def _forwarded(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
            backend = urllib.parse.urlsplit(proxy.backend)
            connection = http.client.HTTPConnection(backend.hostname or "", backend.port, timeout=30)
            try:
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                kept = {
                    k: v
                    for k, v in answer.getheaders()
                    if k.lower() not in ("content-length", "connection", "transfer-encoding")
                }
                return answer.status, kept, answer.read()
            finally:
                connection.close()

        def log_message(self, *args: object) -> None:
            pass

    return Handler
