"""HTTP on addresses that may be reached, over real sockets and real TLS."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from postbus.connecting import Reach, TlsContexts
from postbus.connecting.http import BlockingReachingTransport, ReachingTransport
from postbus.errors import MailHostUnavailable
from servers.nats import free_port

_PEM = Path(__file__).parents[2] / "servers" / "localhost.pem"


class _Web:
    """A web server that says which name it was called by, and by TLS for which name."""

    def __init__(self) -> None:
        self.port = free_port()
        self.connections = 0
        self.open = 0
        self.names: list[str | None] = []
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        self.heads: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head)
                writer.write(self.answer)
                await writer.drain()
                if b"Content-Length: 9" in self.answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()
        self.open -= 1


@pytest.fixture
async def web() -> AsyncIterator[_Web]:
    web = _Web()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_PEM)
    context.sni_callback = lambda _, name, __: web.names.append(name)  # type: ignore[misc,assignment] # list.append returns None, as a callback may
    server = await asyncio.start_server(web.serve, "127.0.0.1", web.port, ssl=context)
    yield web
    server.close()


def _tls() -> TlsContexts:
    return TlsContexts(_PEM)


async def test_the_name_is_in_the_host_header_and_in_tls_and_one_connection_serves_it(
    web: _Web,
) -> None:
    async with httpx.AsyncClient(transport=ReachingTransport(Reach(True), _tls())) as client:
        for _ in range(3):
            answer = await client.get(f"https://localhost:{web.port}/a?b=c")
            assert answer.text == "ok"

    assert (web.connections, web.names) == (1, ["localhost"])
    assert web.heads[0].startswith(b"GET /a?b=c HTTP/1.1")
    assert f"Host: localhost:{web.port}".encode() in web.heads[0]


async def test_blocking_calls_go_the_same_way(web: _Web) -> None:
    def ask() -> str:
        with httpx.Client(transport=BlockingReachingTransport(Reach(True), _tls())) as client:
            return client.get(f"https://localhost:{web.port}/").text

    assert await asyncio.to_thread(ask) == "ok"
    assert web.names == ["localhost"]


async def test_many_threads_leave_no_connection_open(web: _Web) -> None:
    """A transport that two threads made for one host at once would never be closed."""
    transport = BlockingReachingTransport(Reach(True), _tls())
    client = httpx.Client(transport=transport)
    together = threading.Barrier(4)

    def ask() -> str:
        together.wait(5)
        return client.get(f"https://localhost:{web.port}/").text

    assert await asyncio.gather(*(asyncio.to_thread(ask) for _ in range(4))) == ["ok"] * 4
    client.close()
    await asyncio.sleep(0.2)
    assert web.open == 0


async def _reason(transport: ReachingTransport, url: str) -> str:
    async with httpx.AsyncClient(transport=transport, timeout=0.5) as client:
        with pytest.raises(MailHostUnavailable) as refused:
            await client.get(url)
    assert refused.value.advice or refused.value.reason == "connection-lost"
    return refused.value.reason


async def test_an_address_inside_is_not_called(web: _Web) -> None:
    """INVARIANT: a name that leads inside the private network is never connected to.

    Without it, whoever may write the configuration could call services inside.
    """
    transport = ReachingTransport(Reach(), _tls())
    assert await _reason(transport, f"https://localhost:{web.port}/") == "private-address"
    assert web.connections == 0


async def test_what_goes_wrong_has_the_words_of_every_connection(web: _Web) -> None:
    reach = Reach(True)
    closed = free_port()
    assert await _reason(
        ReachingTransport(reach, TlsContexts()), f"https://localhost:{web.port}/"
    ) == ("certificate")
    assert await _reason(ReachingTransport(reach, _tls()), f"https://localhost:{closed}/") == (
        "unreachable"
    )
    assert await _reason(ReachingTransport(reach, _tls()), "https://nowhere.invalid/") == (
        "name-unknown"
    )
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"https://localhost:{silent.getsockname()[1]}/"
        assert await _reason(ReachingTransport(reach, _tls()), url) == "timeout"


async def test_a_body_that_breaks_off_is_a_lost_connection(web: _Web) -> None:
    web.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
    transport = ReachingTransport(Reach(True), _tls())
    assert await _reason(transport, f"https://localhost:{web.port}/") == "connection-lost"


async def test_a_redirect_is_given_back_and_not_followed(web: _Web) -> None:
    web.answer = (
        b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.invalid/\r\nContent-Length: 0\r\n\r\n"
    )
    async with httpx.AsyncClient(transport=ReachingTransport(Reach(True), _tls())) as client:
        answer = await client.get(f"https://localhost:{web.port}/")
    assert answer.status_code == 302
