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

from dispatch.adapters.smtp_errors import sign_in_errors, smtp_errors
from postbus.contracts.configuration import SmtpAuth, TlsMode
from postbus.errors import MailHostUnavailable

_FRESH_SECONDS = 20.0
"""A connection idle for less is used without asking whether it is alive."""
_KEEP_SECONDS = 60.0


@dataclass(frozen=True)
class Target:
    """A server and how to sign in there; connections are shared between equal targets."""

    host: str
    port: int
    tls: TlsMode
    username: str | None = None
    auth: SmtpAuth = SmtpAuth.NONE
    secret: SecretStr | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SmtpLimits:
    """Times in seconds; RFC 5321 §4.5.3.2 asks for minutes; a lane waits no longer."""

    connect_seconds: float = 20
    command_seconds: float = 60
    data_seconds: float = 300


class SmtpConnections:
    """Idle connections by target."""

    def __init__(self, limits: SmtpLimits, *, helo_name: str, ca_file: str | None = None) -> None:
        self._limits = limits
        self._helo_name = helo_name
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._idle: dict[Target, list[tuple[aiosmtplib.SMTP, float]]] = defaultdict(list)

    @asynccontextmanager
    async def borrow(self, target: Target) -> AsyncIterator[aiosmtplib.SMTP]:
        """A signed-in connection; kept when the block ends well, dropped when it raises."""
        smtp = await self._reuse(target) or await self.open(target)
        try:
            yield smtp
        except BaseException:
            smtp.close()
            raise
        self._idle[target].append((smtp, time.monotonic()))

    async def open(self, target: Target) -> aiosmtplib.SMTP:
        """A new connection, encrypted and signed in as the target says."""
        smtp = await self.connect(target)
        try:
            await self.protect(smtp, target)
            await self.sign_in(smtp, target)
        except BaseException:
            smtp.close()
            raise
        return smtp

    async def connect(self, target: Target) -> aiosmtplib.SMTP:
        """Connect and greet; implicit TLS happens here."""
        smtp = aiosmtplib.SMTP(
            hostname=target.host,
            port=target.port,
            local_hostname=self._helo_name,
            timeout=self._limits.command_seconds,
            use_tls=target.tls is TlsMode.IMPLICIT,
            start_tls=False,
            tls_context=self._tls if target.tls is TlsMode.IMPLICIT else None,
        )
        async with smtp_errors():
            await smtp.connect(timeout=self._limits.connect_seconds)
            await smtp.ehlo()
        return smtp

    async def protect(self, smtp: aiosmtplib.SMTP, target: Target) -> None:
        """STARTTLS where the target asks for it; the certificate must be right (RFC 8314 §4.1)."""
        if target.tls is TlsMode.STARTTLS:
            async with smtp_errors():
                await smtp.starttls(server_hostname=target.host, tls_context=self._tls)

    async def sign_in(self, smtp: aiosmtplib.SMTP, target: Target) -> None:
        """User name and password where the target has them."""
        if target.auth is SmtpAuth.PASSWORD and target.username and target.secret:
            async with sign_in_errors():
                await smtp.login(target.username, target.secret.get_secret_value())

    async def resolve(self, target: Target) -> str:
        """The addresses of the server, in words; MailHostUnavailable if its name has none."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise MailHostUnavailable(f"the name {target.host} has no address") from error
        return ", ".join(sorted({str(address[4][0]) for address in found}))

    async def close(self) -> None:
        """Say goodbye on every idle connection."""
        connections = [smtp for idle in self._idle.values() for smtp, _ in idle]
        self._idle.clear()
        for smtp in connections:
            with suppress(SMTPException, OSError):
                await asyncio.wait_for(smtp.quit(), 1)
            smtp.close()

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
