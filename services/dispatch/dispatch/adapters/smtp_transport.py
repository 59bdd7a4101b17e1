"""Sends through an SMTP server: the platform's relay, or one of the customer's own."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException
from pydantic import SecretStr

from dispatch.adapters.smtp_connections import SmtpConnections, SmtpLimits, Target
from dispatch.adapters.smtp_errors import refusal, reply_of, smtp_errors
from dispatch.adapters.smtp_trying import SmtpTrial
from dispatch.domain.compose import Composed
from dispatch.domain.head import is_addr_spec
from dispatch.ports import Accepted, BeforeData, Letter, OutcomeUnknown, RecipientsRefused
from postbus.contracts.configuration import OutboundChannel, SmtpAuth, TlsMode
from postbus.contracts.sending import SmtpReply
from postbus.contracts.trying import TryOutbound, TryResult
from postbus.errors import MailHostUnavailable, MailRefused, NotConfigured
from postbus.secrets import OpenSecret

_RELAY_TLS = {
    "smtp": TlsMode.NONE,
    "smtp+starttls": TlsMode.STARTTLS,
    "smtps": TlsMode.IMPLICIT,
}
_ENDED = ("connection-lost", "unavailable")
"""After these a connection of before is over, which says nothing of the mail: a server may end one
after some time or so many mails (RFC 5321 §3.8)."""
_NO_ADDRESS = SmtpReply(code=553, enhanced="5.1.3", text="5.1.3 that is no mail address")
"""Of what would not even be a command (RFC 5321 §4.1.2); the server is not asked."""


def relay_target(url: str) -> Target:
    """The relay of `smtp://`, `smtp+starttls://` or `smtps://[user:password@]host:port`."""
    parts = urlsplit(url)
    if parts.scheme not in _RELAY_TLS or not parts.hostname:
        raise NotConfigured("the relay URL is smtp://, smtp+starttls:// or smtps://host:port")
    password = SecretStr(unquote(parts.password)) if parts.password else None
    return Target(
        host=parts.hostname,
        port=parts.port or (465 if parts.scheme == "smtps" else 25),
        tls=_RELAY_TLS[parts.scheme],
        username=unquote(parts.username) if parts.username else None,
        auth=SmtpAuth.PASSWORD if password else SmtpAuth.NONE,
        secret=password,
        ours=True,
    )


Sign = Callable[[OutboundChannel, Composed], Awaitable[Composed]]
"""Signs a mail of the relay, as far as that can be."""


class SmtpTransport:
    """The port `Transport` for the relay and for servers of the customer's own."""

    def __init__(
        self,
        connections: SmtpConnections,
        limits: SmtpLimits,
        *,
        relay: Target,
        open_secret: OpenSecret,
        sign: Sign,
    ) -> None:
        self._connections = connections
        self._limits = limits
        self._relay = relay
        self._open_secret = open_secret
        self._sign = sign

    async def find(
        self, channel: OutboundChannel, message_id: str, handle: str | None
    ) -> bool | None:
        """SMTP shows nothing that was sent."""
        del channel, message_id, handle
        return None

    async def head(
        self, channel: OutboundChannel, message_id: str, handle: str | None
    ) -> bytes | None:
        """SMTP shows nothing that was sent."""
        del channel, message_id, handle
        return None

    async def send(
        self, channel: OutboundChannel, letter: Letter, *, before_data: BeforeData
    ) -> Accepted:
        mail = await letter.mime()
        if channel.kind == "relay":
            # Other servers sign for their own domains.
            mail = await self._sign(channel, mail)
        target = await self._target(channel, None)
        claimed = False

        async def claim() -> None:
            nonlocal claimed
            claimed = True
            await before_data()

        reused = self._connections.has_idle(target)
        try:
            return await self._through(target, mail, claim, anew=False)
        except MailHostUnavailable as error:
            if claimed or not reused or error.reason not in _ENDED:
                raise
        return await self._through(target, mail, claim, anew=True)

    async def _through(
        self, target: Target, mail: Composed, claim: Callable[[], Awaitable[None]], *, anew: bool
    ) -> Accepted:
        async with self._connections.borrow(target, anew=anew) as smtp:
            refused = await self._envelope(smtp, mail)
            await claim()
            return Accepted(await self._data(smtp, mail), refused)

    async def _envelope(self, smtp: aiosmtplib.SMTP, mail: Composed) -> dict[str, SmtpReply]:
        """MAIL and RCPT; recipients who will not get it.

        Raises if none is left, or if one must wait and the others wait for them.
        """
        if mail.utf8 and not smtp.supports_extension("smtputf8"):
            raise refusal(553, "5.6.7 this server takes no addresses outside ASCII (SMTPUTF8)")
        # Its header is 8 bit (RFC 6531 §3.5); bodies never are.
        options = ["SMTPUTF8", "BODY=8BITMIME"] if mail.utf8 else []
        encoding = "utf-8" if mail.utf8 else "ascii"
        if smtp.supports_extension("size"):
            options.append(f"SIZE={len(mail.data)}")
        refused: dict[str, SmtpReply] = {}
        waits: SMTPResponseException | None = None
        async with smtp_errors(smtp.hostname or "the server"):
            await self._sender(smtp, mail, options, encoding)
            for recipient in mail.envelope.recipients:
                if not is_addr_spec(recipient):
                    refused[recipient] = _NO_ADDRESS
                    continue
                try:
                    await smtp.rcpt(recipient, encoding=encoding)
                except SMTPResponseException as error:
                    if not isinstance(refusal(error.code, error.message), MailRefused):
                        waits = error
                    if waits is error and (mail.envelope.patient or not smtp.is_connected):
                        raise
                    refused[recipient] = reply_of(error.code, error.message)
            if waits is not None and len(refused) == len(mail.envelope.recipients):
                raise waits
        if len(refused) == len(mail.envelope.recipients):
            with suppress(SMTPException, OSError):
                await smtp.rset()
            first = next(iter(refused.values()))
            said = str(refusal(first.code or 550, first.text))
            raise RecipientsRefused(said, refused)
        return refused

    async def _sender(
        self, smtp: aiosmtplib.SMTP, mail: Composed, options: list[str], encoding: str
    ) -> None:
        """MAIL; where the null sender is refused for ever, from an address of ours."""
        try:
            await smtp.mail(mail.envelope.sender, options=options, encoding=encoding)
        except SMTPResponseException as error:
            otherwise = mail.envelope.otherwise
            if not otherwise or not isinstance(refusal(error.code, error.message), MailRefused):
                raise
            await smtp.mail(otherwise, options=options, encoding=encoding)

    async def _data(self, smtp: aiosmtplib.SMTP, mail: Composed) -> SmtpReply:
        """The mail itself; a lost answer cannot be told from a lost mail (RFC 5321 §4.5.3.2.6)."""
        try:
            response = await smtp.data(mail.data, timeout=self._limits.data_seconds)
        except SMTPResponseException as error:
            if error.code <= 0:
                raise OutcomeUnknown(f"{type(error).__name__}") from error
            raise refusal(error.code, error.message) from error
        except (SMTPException, OSError, TimeoutError, EOFError) as error:
            raise OutcomeUnknown(f"{type(error).__name__}: {error}"[:300]) from error
        return reply_of(response.code, response.message)

    async def try_out(self, question: TryOutbound) -> TryResult:
        target = self._target(question.channel, question.sealed_secret)
        return await SmtpTrial(self._connections).run(target, question.channel.from_address)

    async def close(self) -> None:
        await self._connections.close()

    async def _target(self, channel: OutboundChannel, sealed: str | None) -> Target:
        if channel.kind == "relay":
            return self._relay
        smtp = channel.smtp
        if smtp is None:
            raise NotConfigured(f"the channel {channel.id} has no server")
        secret = None
        if smtp.auth is not SmtpAuth.NONE:
            secret = await self._open_secret(channel.id, sealed)
        return Target(
            smtp.host,
            smtp.port,
            smtp.tls,
            username=smtp.username,
            auth=smtp.auth,
            secret=secret,
            ca_certificates=smtp.ca_certificates,
        )
