"""A real SMTP server that behaves as told: refuses, delays, drops the connection, wants a login."""

import asyncio
import base64
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from servers.nats import free_port

CERTIFICATE = Path(__file__).with_name("localhost.pem")


@dataclass
class Behaviour:
    """What the server answers; each list is used up from the front, then all is well."""

    mail: list[str] = field(default_factory=list)
    null_sender: str = ""
    """The refusal of `MAIL FROM:<>`, every time."""
    rcpt: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    data_seconds: float = 0
    drop_after_data: int = 0
    users: dict[str, str] = field(default_factory=dict)
    """User name → password."""
    tokens: dict[str, str] | None = None
    """Access token → user name, for XOAUTH2; None: the server does not offer it."""
    sign_in: list[str] = field(default_factory=list)
    """Refusals of a sign-in, whatever it is."""


@dataclass
class Taken:
    """A mail that the server took."""

    sender: str
    recipients: list[str]
    content: bytes
    user: str | None


class SmtpServer:
    """aiosmtpd in a thread of its own."""

    def __init__(self, behaviour: Behaviour | None = None, *, tls: str = "none") -> None:
        self.behaviour = behaviour or Behaviour()
        self.taken: list[Taken] = []
        self.connections = 0
        self.sign_ins = 0
        self._lock = threading.Lock()
        self.port = free_port()
        self._tls = tls
        self._controller: _HangingUp | None = self._make()

    def start(self) -> "SmtpServer":
        """Listen; after `stop` again, on the same port."""
        if self._controller is None:
            self._controller = self._make()
        self._controller.start()
        return self

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.hang_up()
            self._controller.stop()
            self._controller = None

    def _make(self) -> "_HangingUp":
        context = None
        if self._tls != "none":
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(CERTIFICATE)
        options: dict[str, Any] = {"enable_SMTPUTF8": True, "data_size_limit": 50_000_000}
        if self.behaviour.users or self.behaviour.tokens is not None:
            options |= {
                "authenticator": self._authenticate,
                "auth_required": self._tls == "starttls",
                # aiosmtpd counts only STARTTLS as TLS.
                "auth_require_tls": self._tls == "starttls",
                "auth_exclude_mechanism": self._not_offered(),
            }
        if self._tls == "implicit":
            options["ssl_context"] = context
        if self._tls == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        return _HangingUp(self, hostname="127.0.0.1", port=self.port, **options)

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        if refused := self._sign_in_refusal():
            return AuthResult(success=False, handled=False, message=refused)
        user = data.login.decode()
        right = self.behaviour.users.get(user) == data.password.decode()
        return AuthResult(success=right, handled=False, auth_data=user)

    def _not_offered(self) -> list[str]:
        without = [] if self.behaviour.users else ["PLAIN", "LOGIN"]
        return without if self.behaviour.tokens is not None else [*without, "XOAUTH2"]

    def _sign_in_refusal(self) -> str:
        with self._lock:
            self.sign_ins += 1
            return self.behaviour.sign_in.pop(0) if self.behaviour.sign_in else ""

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name for it
        """As Gmail does: a refusal is a challenge first, and the client answers with nothing."""
        said = base64.b64decode(args[1]).decode()
        user, bearer = said.removesuffix("\1\1").split("\1")
        token = bearer.removeprefix("auth=Bearer ")
        refused = self._sign_in_refusal()
        known = (self.behaviour.tokens or {}).get(token)
        if not refused and known is not None and user == f"user={known}":
            return AuthResult(success=True, auth_data=known)
        await server.challenge_auth('{"status":"400","schemes":"Bearer"}')
        refused = refused or (
            "535 5.7.8 Username and Password not accepted. For more information, go to "
            "https://support.google.com/mail/?p=BadCredentials"
        )
        return AuthResult(success=False, handled=False, message=refused)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name for it
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        with self._lock:
            self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name for it
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        with self._lock:
            answer = self.behaviour.mail.pop(0) if self.behaviour.mail else "250 OK"
        if answer == "hangs up":
            server.transport.abort()
        if address == "<>" and self.behaviour.null_sender:
            answer = self.behaviour.null_sender
        if answer.startswith("2"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name for it
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        with self._lock:
            answer = self.behaviour.rcpt.pop(0) if self.behaviour.rcpt else "250 OK"
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name for it
        if self.behaviour.data_seconds:
            await asyncio.sleep(self.behaviour.data_seconds)
        with self._lock:
            answer = self.behaviour.data.pop(0) if self.behaviour.data else "250 2.0.0 taken"
            if answer.startswith("2"):
                user = getattr(session, "auth_data", None)
                self.taken.append(
                    Taken(envelope.mail_from, list(envelope.rcpt_tos), envelope.content, user)
                )
            drop = self.behaviour.drop_after_data > 0
            if drop:
                self.behaviour.drop_after_data -= 1
        if drop:
            server.transport.abort()
        return answer


class _WithLongTokens(SMTP):
    """Takes AUTH commands of 12,288 octets (RFC 4954); other lines are no longer than ever."""

    def __init__(self, *args: Any, **options: Any) -> None:
        usual = self.line_length_limit
        self.line_length_limit = 12_288  # while the reader is made, which cannot be changed later
        super().__init__(*args, **options)
        self.line_length_limit = usual
        self.command_size_limits["AUTH"] = 12_288


class _HangingUp(Controller):
    """Closes its connections before its loop ends: asyncio would leave their sockets open."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._spoken_with: list[SMTP] = []
        super().__init__(*args, **options)

    def factory(self) -> SMTP:
        made = _WithLongTokens(self.handler, **self.SMTP_kwargs)
        self._spoken_with.append(made)
        return made

    def hang_up(self) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result(5)

    async def _hang_up(self) -> None:
        for one in self._spoken_with:
            if one.transport is not None:
                one.transport.abort()
        await asyncio.sleep(0.02)
