"""HTTP to servers that admins name: httpx, on addresses that `Reach` lets through.

The name is resolved and judged first, and the very address that was judged is connected to, so that
a name cannot change its mind in between. The certificate must be for the name all the same, and the
Host header has it (httpcore 1.0: the extension `sni_hostname`). A pool serves one name only, since
two names may share an address. Redirects are httpx's to follow, which by itself it does not.
"""

import asyncio
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import httpx

from postbus.connecting.reaching import Reach, unreachable
from postbus.connecting.tls import TlsContexts, tls_refused
from postbus.errors import MailHostUnavailable

_BELIEVE_SECONDS: Final = 30.0
"""How long addresses are taken as they were found; connections that are open are not asked."""
_PORTS: Final = {"https": 443, "http": 80}

Pool = TypeVar("Pool", httpx.AsyncHTTPTransport, httpx.HTTPTransport)


@dataclass
class _Known(Generic[Pool]):
    """One host: its connections, and the addresses that they may go to."""

    pool: Pool
    addresses: Sequence[str] = ()
    until: float = 0.0


class ReachingTransport(httpx.AsyncBaseTransport):
    """Raises MailHostUnavailable for whatever goes wrong below HTTP.

    Its reasons: `name-unknown`, `private-address`, `unreachable`, `certificate`, `tls`, `timeout`,
    and `connection-lost`, after which the request may have been taken or not; so may it after
    `timeout`.
    """

    def __init__(self, reach: Reach, tls: TlsContexts) -> None:
        self._reach = reach
        self._tls = tls
        self._hosts: dict[tuple[str, int], _Known[httpx.AsyncHTTPTransport]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, whatever its status is."""
        host, port = _server(request)
        known = self._hosts.get((host, port))
        if known is None:
            pool = httpx.AsyncHTTPTransport(verify=self._tls.context())
            known = self._hosts[host, port] = _Known(pool)
        if known.until < time.monotonic():
            known.addresses = await asyncio.to_thread(self._reach.addresses, host, port)
            known.until = time.monotonic() + _BELIEVE_SECONDS
        for place, address in enumerate(known.addresses, 1):
            try:
                with _errors(host, port):
                    response = await known.pool.handle_async_request(_to(address, request))
            except _NotConnected as error:
                if place == len(known.addresses):
                    known.until = 0.0
                    raise error.told from error
                continue
            response.stream = _AsyncBody(response.stream, host, port)  # type: ignore[arg-type] # an async transport gives async streams
            return response
        raise unreachable(host, port, None)

    async def aclose(self) -> None:
        """Close every connection."""
        for known in self._hosts.values():
            await known.pool.aclose()


class BlockingReachingTransport(httpx.BaseTransport):
    """The same for calls that block, such as msal's; safe to use from many threads."""

    def __init__(self, reach: Reach, tls: TlsContexts) -> None:
        self._reach = reach
        self._tls = tls
        self._hosts: dict[tuple[str, int], _Known[httpx.HTTPTransport]] = {}
        self._adding = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, whatever its status is."""
        host, port = _server(request)
        known = self._of(host, port)
        if known.until < time.monotonic():
            known.addresses = self._reach.addresses(host, port)
            known.until = time.monotonic() + _BELIEVE_SECONDS
        for place, address in enumerate(known.addresses, 1):
            try:
                with _errors(host, port):
                    response = known.pool.handle_request(_to(address, request))
            except _NotConnected as error:
                if place == len(known.addresses):
                    known.until = 0.0
                    raise error.told from error
                continue
            response.stream = _Body(response.stream, host, port)  # type: ignore[arg-type] # a blocking transport gives blocking streams
            return response
        raise unreachable(host, port, None)

    def _of(self, host: str, port: int) -> _Known[httpx.HTTPTransport]:
        with self._adding:
            known = self._hosts.get((host, port))
            if known is None:
                pool = httpx.HTTPTransport(verify=self._tls.context())
                known = self._hosts[host, port] = _Known(pool)
            return known

    def close(self) -> None:
        """Close every connection."""
        for known in self._hosts.values():
            known.pool.close()


class _NotConnected(Exception):
    """Nothing was sent, so another address may be tried; `told` is what to raise in the end."""

    def __init__(self, told: MailHostUnavailable) -> None:
        super().__init__(str(told))
        self.told = told


def _server(request: httpx.Request) -> tuple[str, int]:
    url = request.url
    return url.host, url.port or _PORTS.get(url.scheme, 443)


def _to(address: str, request: httpx.Request) -> httpx.Request:
    """The request, to that address; the Host header was written from the name before."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )


@contextmanager
def _errors(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise _NotConnected(_no_connection(host, port, error)) from error
    except httpx.TimeoutException as error:
        raise unreachable(host, port, TimeoutError()) from error
    except httpx.TransportError as error:
        raise MailHostUnavailable(
            f"the connection to {host} broke: {type(error).__name__}: {error}"[:300],
            reason="connection-lost",
            advice="It is tried again by itself.",
        ) from error


def _no_connection(host: str, port: int, error: httpx.TransportError) -> MailHostUnavailable:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return tls_refused(host, cause)
        if isinstance(cause, OSError):
            return unreachable(host, port, cause)
        cause = cause.__cause__ or cause.__context__
    late = isinstance(error, httpx.ConnectTimeout)
    return unreachable(host, port, TimeoutError() if late else None)


class _AsyncBody(httpx.AsyncByteStream):
    """A body whose breaking is told in the same words."""

    def __init__(self, stream: httpx.AsyncByteStream, host: str, port: int) -> None:
        self._stream = stream
        self._server = host, port

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _errors(*self._server):
            async for piece in self._stream:
                yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, host: str, port: int) -> None:
        self._stream = stream
        self._server = host, port

    def __iter__(self) -> Iterator[bytes]:
        with _errors(*self._server):
            yield from self._stream

    def close(self) -> None:
        self._stream.close()
