"""SMTP (RFC 5321) and LMTP (RFC 2033) with aiosmtpd, in the event loop of the service."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from ingest_forward.adapters.aiosmtpd_protocol import Lmtp, Smtp
from ingest_forward.adapters.porter import Porters, Room
from ingest_forward.domain.recipients import Refusal
from ingest_forward.receive import Receiving
from postbus.errors import BusUnavailable, TemporaryError

log = structlog.get_logger("ingest_forward.door")

_NO_BUS = "451 4.4.0 Cannot pass mail on at present, try again later"
_NO_STORE = "451 4.3.0 Cannot keep mail at present, try again later"
_OUR_FAULT = "451 4.3.0 Something went wrong here, try again later"


@dataclass(frozen=True)
class DoorSettings:
    """Where the door stands and what it says; sizes in bytes."""

    host: str
    port: int
    lmtp_port: int | None
    hostname: str
    max_mail_bytes: int
    timeout_seconds: float
    room: Room
    tls: ssl.SSLContext | None = None


class AiosmtpdDoor:
    """Listens, and answers with what `Receiving` says."""

    def __init__(
        self, receiving: Receiving, settings: DoorSettings, registry: CollectorRegistry
    ) -> None:
        self._settings = settings
        self._handler = _Handler(receiving)
        self._servers: list[asyncio.Server] = []
        self._porters = Porters(settings.room, registry)

    async def open(self) -> None:
        """Listen; safe to call again. OSError when the port is taken."""
        if self._servers:
            return
        settings = self._settings
        self._servers.append(await self._listen(Smtp, settings.port))
        if settings.lmtp_port is not None:
            self._servers.append(await self._listen(Lmtp, settings.lmtp_port))

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports it listens on: SMTP, then LMTP if there is one."""
        return tuple(server.sockets[0].getsockname()[1] for server in self._servers)

    async def _listen(self, protocol: Callable[..., Any], port: int) -> asyncio.Server:
        loop = asyncio.get_running_loop()

        def session() -> Any:
            return protocol(
                self._handler,
                data_size_limit=self._settings.max_mail_bytes,
                enable_SMTPUTF8=True,
                decode_data=False,
                hostname=self._settings.hostname,
                ident="Postbus",
                tls_context=self._settings.tls,
                timeout=self._settings.timeout_seconds,
                auth_exclude_mechanism=("LOGIN", "PLAIN"),
                loop=loop,
            )

        at_door = self._porters.at_door(session)
        return await loop.create_server(at_door, self._settings.host, port, backlog=1024)

    async def close(self, *, graceful_seconds: float) -> None:
        """Listen no longer, let mails under way finish, then hang up."""
        for server in self._servers:
            server.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._handler.idle.wait(), graceful_seconds)
        self._porters.hang_up()
        for server in self._servers:
            await server.wait_closed()
        self._servers = []


class _Handler:
    """The hooks that aiosmtpd calls; names and arguments are the library's."""

    def __init__(self, receiving: Receiving) -> None:
        self._receiving = receiving
        self._under_way = 0
        self.idle = asyncio.Event()
        self.idle.set()

    async def handle_EHLO(  # noqa: N802 - the library's
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """Announce no AUTH, which the library does with an empty list once TLS is spoken."""
        del server, envelope
        session.host_name = hostname
        return [line for line in responses if not line.startswith("250-AUTH")]

    async def handle_RCPT(  # noqa: N802 - the library's
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Take the recipient or refuse it, before any of the mail is sent."""
        del server, session, options
        accepted = _accepted(envelope)
        try:
            decision = self._receiving.recipient(address, len(accepted))
        except BusUnavailable:
            return _NO_BUS
        if isinstance(decision, Refusal):
            return decision.value
        accepted.append(decision)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the library's
        """Take the mail; LMTP wants one answer a recipient (RFC 2033 §4.2)."""
        del session
        answer = await self._take(envelope)
        count = len(envelope.rcpt_tos) if isinstance(server, Lmtp) else 1
        return "\r\n".join([answer] * count)

    async def _take(self, envelope: Any) -> str:
        self._under_way += 1
        self.idle.clear()
        try:
            mail_id = await self._receiving.take(
                envelope.original_content, _sender(envelope.mail_from), _accepted(envelope)
            )
        except BusUnavailable:
            return _NO_BUS
        except TemporaryError:
            return _NO_STORE
        finally:
            self._under_way -= 1
            if self._under_way == 0:
                self.idle.set()
        return f"250 2.0.0 {mail_id}"

    async def handle_exception(self, error: Exception) -> str:
        """A fault of ours is never the mail's: the client keeps it and comes again."""
        log.error("smtp_session_failed", error=type(error).__name__, exc_info=error)
        return _OUR_FAULT


def _accepted(envelope: Any) -> list[Any]:
    """The accepted recipients of the transaction; the library makes a new envelope for each."""
    if not hasattr(envelope, "accepted"):
        envelope.accepted = []
    found: list[Any] = envelope.accepted
    return found


def _sender(mail_from: str | None) -> str | None:
    """The envelope sender; empty for the null sender, which the library gives as `<>`."""
    return "" if mail_from == "<>" else mail_from


def tls_context(certificate_file: str, key_file: str | None) -> ssl.SSLContext:
    """The server side of STARTTLS (RFC 3207); OSError or ssl.SSLError if the files are no good."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate_file, key_file)
    return context
