"""HTTPS: requests in, answers out, and connections that break on demand."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

CERTIFICATE = Path(__file__).parent.parent / "localhost.pem"


@dataclass(frozen=True)
class Request:
    """One HTTP request; `path` and `query` as they were sent."""

    method: str
    path: str
    query: str
    headers: HTTPMessage
    body: bytes = field(repr=False)

    @property
    def segments(self) -> list[str]:
        return [unquote(part) for part in self.path.strip("/").split("/")]

    @property
    def options(self) -> dict[str, str]:
        """The query options; of doubled ones the last."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(value).encode(), headers=headers or {})


class Cut(Exception):
    """The connection ends here, without an answer."""


class HttpsServer:
    """Serves on 127.0.0.1 under the name `localhost`; every connection has its thread."""

    def __init__(
        self,
        handle: Callable[[Request], Answer],
        *,
        cut_request: Callable[[int], int | None],
        cut_answer: Callable[[int], int | None],
    ) -> None:
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._handle = handle
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self})
        )
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATE)
        # The handshake happens in the thread of its connection, not in the one that accepts.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._cut_request, self._cut_answer = cut_request, cut_answer
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """End the server and every connection to it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Read one request, answer it; `Cut` if its connection is to end."""
        path, _, query = handler.path.partition("?")
        body = self._read_body(handler)
        answer = self._handle(Request(handler.command, path, query, handler.headers, body))
        self._write(handler, answer)

    def _read_body(self, handler: BaseHTTPRequestHandler) -> bytes:
        if "chunked" in handler.headers.get("Transfer-Encoding", ""):
            return _chunks(handler)
        length = int(handler.headers.get("Content-Length", 0))
        cut = self._cut_request(length)
        if cut is not None:
            handler.rfile.read(cut)
            raise Cut
        return handler.rfile.read(length)

    def _write(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if answer.body:
            handler.send_header("Content-Type", answer.content_type)
        if answer.status != 204:
            handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        cut = self._cut_answer(len(answer.body))
        handler.wfile.write(answer.body if cut is None else answer.body[:cut])
        if cut is not None:
            raise Cut


class _Handler(BaseHTTPRequestHandler):
    """Hands the requests of one connection to its server."""

    owner: HttpsServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.owner.opened(self.connection)

    def finish(self) -> None:
        self.owner.closed(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, *_: Any) -> None:
        """Tests need no access log."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _answer(self) -> None:
        try:
            self.owner.serve(self)
        except Cut:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)


def _chunks(handler: BaseHTTPRequestHandler) -> bytes:
    """A body in chunks (RFC 9112 §7.1)."""
    body = b""
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
    return body
