"""Opens SMTP connections and keeps them for the next mail."""

import asyncio
import socket
import ssl
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiosmtplib
from aiosmtplib import SMTPException
from pydantic import SecretStr

from dispatch.adapters.smtp_errors import smtp_errors
from dispatch.adapters.smtp_sign_in import SignIn
from dispatch.adapters.threads import Threads
from postbus.connecting import Reach, TlsContexts, names_of
from postbus.contracts.configuration import SmtpAuth, TlsMode
from postbus.errors import MailHostUnavailable

_FRESH_SECONDS = 20.0
"""A connection idle for less is used without asking whether it is alive."""
_KEEP_SECONDS = 60.0


@dataclass(frozen=True)
class Target:
    """A server and how to sign in there; connections are shared between equal targets.

    `secret` is a password, or for XOAUTH2 a credential as JSON. `ours` is the relay of this
    deployment, which may stand inside the private network.
    """

    host: str
    port: int
    tls: TlsMode
    username: str | None = None
    auth: SmtpAuth = SmtpAuth.NONE
    secret: SecretStr | None = field(default=None, repr=False)
    ca_certificates: str | None = field(default=None, repr=False)
    ours: bool = False


@dataclass(frozen=True)
class SmtpLimits:
    """Times in seconds; RFC 5321 §4.5.3.2 asks for minutes; a lane waits no longer."""

    connect_seconds: float = 20
    command_seconds: float = 60
    data_seconds: float = 300


@dataclass(frozen=True)
class Ways:
    """How connections are made: where to, by which TLS, and signed in by what."""

    reach: Reach
    tls: TlsContexts
    sign_in: SignIn
    threads: Threads
    helo_name: str


class SmtpConnections:
    """Idle connections by target."""

    def __init__(self, limits: SmtpLimits, ways: Ways) -> None:
        self._limits = limits
        self._ways = ways
        self._idle: dict[Target, list[tuple[aiosmtplib.SMTP, float]]] = defaultdict(list)

    @asynccontextmanager
    async def borrow(self, target: Target, *, anew: bool = False) -> AsyncIterator[aiosmtplib.SMTP]:
        """A signed-in connection; kept when the block ends well, dropped when it raises."""
        smtp = (None if anew else await self._reuse(target)) or await self.open(target)
        try:
            yield smtp
        except BaseException:
            smtp.close()
            raise
        self._idle[target].append((smtp, time.monotonic()))

    def has_idle(self, target: Target) -> bool:
        """Whether a connection of before may be lent."""
        return bool(self._idle[target])

    async def open(self, target: Target) -> aiosmtplib.SMTP:
        """A new connection, encrypted and signed in as the target says."""
        smtp = await self.greet(await self.connect(target), target)
        try:
            await self.protect(smtp, target)
            await self.sign_in(smtp, target)
        except BaseException:
            smtp.close()
            raise
        return smtp

    async def connect(self, target: Target) -> socket.socket:
        """A connected socket, to an address that may be reached. MailHostUnavailable."""
        reach = Reach(allow_private=True) if target.ours else self._ways.reach
        connection = await self._ways.threads.run(
            lambda: reach.connect(
                target.host, target.port, timeout_seconds=self._limits.connect_seconds
            ),
            too_late=socket.socket.close,
        )
        connection.setblocking(False)
        return connection

    async def greet(self, connection: socket.socket, target: Target) -> aiosmtplib.SMTP:
        """Hear the greeting and answer it; implicit TLS happens before (RFC 8314 §3)."""
        try:
            implicit = target.tls is TlsMode.IMPLICIT
            smtp = aiosmtplib.SMTP(
                # With a socket given it is no more than the name that the certificate must have.
                hostname=_bare(target.host),
                sock=connection,
                local_hostname=self._ways.helo_name,
                timeout=self._limits.command_seconds,
                use_tls=implicit,
                start_tls=False,
                tls_context=self._context(target) if implicit else None,
            )
        except BaseException:
            connection.close()
            raise
        try:
            async with smtp_errors(target.host):
                await smtp.connect(timeout=self._limits.connect_seconds)
                await smtp.ehlo()
        except BaseException:
            smtp.close()
            raise
        return smtp

    async def protect(self, smtp: aiosmtplib.SMTP, target: Target) -> None:
        """STARTTLS where the target asks for it; the certificate must be right (RFC 8314 §4.1)."""
        if target.tls is not TlsMode.STARTTLS:
            return
        if not smtp.supports_extension("starttls"):
            raise MailHostUnavailable(
                f"{target.host} offers no STARTTLS at this port",
                reason="tls",
                advice="Choose `implicit` here, or the port for STARTTLS (587).",
            )
        context = self._context(target)
        async with smtp_errors(target.host):
            await smtp.starttls(server_hostname=_bare(target.host), tls_context=context)
            # What was offered before TLS counts no longer (RFC 3207 §4.2).
            await smtp.ehlo()

    async def sign_in(self, smtp: aiosmtplib.SMTP, target: Target) -> None:
        """As the target says. CredentialsRejected, MailHostUnavailable."""
        await self._ways.sign_in(
            smtp, target.host, target.auth, username=target.username, secret=target.secret
        )

    async def resolve(self, target: Target) -> str:
        """The addresses of the server, in words; MailHostUnavailable if its name has none."""
        return await self._ways.threads.run(lambda: names_of(target.host, target.port))

    async def close(self) -> None:
        """Say goodbye on every idle connection."""
        connections = [smtp for idle in self._idle.values() for smtp, _ in idle]
        self._idle.clear()
        for smtp in connections:
            with suppress(SMTPException, OSError):
                await asyncio.wait_for(smtp.quit(), 1)
            smtp.close()
        self._ways.threads.close()

    def _context(self, target: Target) -> ssl.SSLContext:
        return self._ways.tls.context(target.ca_certificates)

    async def _reuse(self, target: Target) -> aiosmtplib.SMTP | None:
        idle = self._idle[target]
        while idle:
            smtp, since = idle.pop()
            age = time.monotonic() - since
            if age < _KEEP_SECONDS and smtp.is_connected:
                if age < _FRESH_SECONDS:
                    return smtp
                with suppress(SMTPException, OSError):
                    await smtp.noop(timeout=5)
                    return smtp
            smtp.close()
        return None


def _bare(host: str) -> str:
    """An IPv6 address without its brackets, as certificates have it."""
    return host.removeprefix("[").removesuffix("]")
