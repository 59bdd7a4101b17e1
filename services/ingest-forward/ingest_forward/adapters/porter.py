"""How many clients may be in at a time; the others are told to come later (RFC 5321 §3.8)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from prometheus_client import CollectorRegistry, Counter, Gauge

_FULL = b"421 4.3.2 Too many connections at present, try again later\r\n"
_FULL_FOR_ADDRESS = b"421 4.7.0 Too many connections from your address, try again later\r\n"
_GOODBYE = b"421 4.3.2 Closing for maintenance\r\n"


Session = Any
"""One of the library's, whose `transport` is the connection, or TLS on top of it."""


@dataclass(frozen=True)
class Room:
    """So many clients at a time, and so many of them from one address."""

    clients: int
    clients_per_address: int


class Porters:
    """Stands at all doors of the process, which share the room."""

    def __init__(self, room: Room, registry: CollectorRegistry) -> None:
        self._room = room
        self._inside: dict[asyncio.Transport, tuple[str, Session]] = {}
        self._refused = Counter(
            "postbus_smtp_connections_refused",
            "Clients that were told to come later, by the limit that was reached",
            ["limit"],
            registry=registry,
        )
        Gauge(
            "postbus_smtp_connections", "Clients that are connected now", registry=registry
        ).set_function(lambda: len(self.inside()))

    def at_door(self, session: Callable[[], Session]) -> Callable[[], asyncio.Protocol]:
        """For `create_server`: lets each client into a new session, or sends it away."""
        return lambda: _Porter(self, session)

    def inside(self) -> list[Session]:
        """The sessions with clients that are connected now.

        Asked of the connections themselves: a session whose TLS handshake failed is never told that
        its connection is lost (aiosmtpd 1.4 on Python 3.11), and would count for ever.
        """
        self._inside = {
            connection: entry
            for connection, entry in self._inside.items()
            if not connection.is_closing()
        }
        return [session for _, session in self._inside.values()]

    def hang_up(self) -> None:
        """Say goodbye to all clients and close their connections."""
        for session in self.inside():
            if session.transport is not None:
                session.transport.write(_GOODBYE)
                session.transport.close()

    def refusal(self, address: str) -> bytes | None:
        """What a client from that address is told now; None lets it in."""
        if len(self.inside()) >= self._room.clients:
            self._refused.labels("all").inc()
            return _FULL
        same = sum(1 for other, _ in self._inside.values() if other == address)
        if same >= self._room.clients_per_address:
            self._refused.labels("address").inc()
            return _FULL_FOR_ADDRESS
        return None

    def let_in(self, connection: asyncio.Transport, address: str, *, session: Session) -> None:
        """Count the client until its connection closes."""
        self._inside[connection] = (address, session)


class _Porter(asyncio.Protocol):
    """Meets one client; a refused one costs no session."""

    def __init__(self, porters: Porters, session: Callable[[], Session]) -> None:
        self._porters = porters
        self._session = session

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Look whether there is room, before a word is said."""
        connection = cast("asyncio.Transport", transport)
        peer = connection.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        refusal = self._porters.refusal(address)
        if refusal is not None:
            connection.write(refusal)
            connection.close()
            return
        session = self._session()
        self._porters.let_in(connection, address, session=session)
        connection.set_protocol(session)
        session.connection_made(connection)
