"""Sending over real SMTP: what is refused for now, for ever, or cannot be known."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from dispatch.adapters.smtp_connections import SmtpConnections, SmtpLimits, Target
from dispatch.adapters.smtp_transport import SmtpTransport
from dispatch.domain.compose import Composed, Envelope
from dispatch.ports import OutcomeUnknown
from postbus.contracts.configuration import OutboundChannel, SmtpAuth, SmtpSettings, TlsMode
from postbus.contracts.trying import TryOutbound
from postbus.errors import CredentialsRejected, MailHostUnavailable, MailRefused
from servers.nats import free_port
from servers.smtp import CERTIFICATE, Behaviour, SmtpServer

Make = Callable[..., SmtpServer]


@pytest.fixture(autouse=True)
async def _connections_close_before_the_loop_does() -> AsyncIterator[None]:
    """A closed transport needs one more turn of the loop to let go of its socket."""
    yield
    await asyncio.sleep(0.05)


@pytest.fixture
def server() -> Iterator[Make]:
    running: list[SmtpServer] = []

    def make(tls: str = "none", **behaviour: Any) -> SmtpServer:
        running.append(SmtpServer(Behaviour(**behaviour), tls=tls).start())
        return running[-1]

    yield make
    for one in running:
        one.stop()


def channel(port: int, **fields: Any) -> OutboundChannel:
    smtp = SmtpSettings(host="localhost", port=port, **{"tls": TlsMode.NONE, **fields})
    return OutboundChannel(id="own", name="Own", kind="smtp", from_address="it@abc.com", smtp=smtp)


def transport(*, password: str = "right", trusted: bool = True) -> SmtpTransport:
    async def open_secret(_: str, __: str | None) -> SecretStr | None:
        return SecretStr(password)

    limits = SmtpLimits(connect_seconds=3, command_seconds=3, data_seconds=3)
    ca_file = str(CERTIFICATE) if trusted else None
    connections = SmtpConnections(limits, helo_name="test.localhost", ca_file=ca_file)
    relay = Target("127.0.0.1", 1, TlsMode.NONE)
    return SmtpTransport(connections, limits, relay=relay, open_secret=open_secret)


def mail(*recipients: str) -> Composed:
    to = recipients or ("anna@example.com",)
    return Composed(
        Envelope("it@abc.com", to), b"Subject: x\r\n\r\nHello.\r\n", "it@abc.com", False
    )


async def send(
    way: SmtpTransport, to: OutboundChannel, what: Composed | None = None
) -> tuple[Any, list[str]]:
    claims: list[str] = []

    async def claim() -> None:
        claims.append("claimed")

    try:
        return await way.send(to, what or mail(), before_data=claim), claims
    finally:
        await way.close()


async def test_a_mail_is_taken(server: Make) -> None:
    running = server()
    accepted, claims = await send(transport(), channel(running.port))
    assert claims == ["claimed"]
    assert accepted.reply.enhanced == "2.0.0"
    assert [(one.sender, one.recipients) for one in running.taken] == [
        ("it@abc.com", ["anna@example.com"])
    ]


@pytest.mark.parametrize(
    ("answer", "error", "code", "wait_seconds"),
    [
        ("451 4.7.1 greylisted, try again in 5 min", MailHostUnavailable, 451, 300),
        ("450 4.2.1 retry after 90 s", MailHostUnavailable, 450, 90),
        ("452 4.2.2 full", MailHostUnavailable, 452, None),
        ("550 5.1.1 nobody", MailRefused, 550, None),
        ("553 5.6.7 no", MailRefused, 553, None),
    ],
)
@pytest.mark.parametrize("at", ["rcpt", "data"])
async def test_4yz_is_for_now_and_5yz_for_ever(
    server: Make, at: str, answer: str, error: type[Exception], code: int, wait_seconds: int | None
) -> None:
    """RFC 5321 §4.2.1, and what the server asks us to wait is obeyed."""
    running = server(**{at: [answer]})
    with pytest.raises(error) as raised:
        await send(transport(), channel(running.port))
    assert raised.value.smtp_code == code  # type: ignore[attr-defined]
    assert getattr(raised.value, "retry_after_seconds", None) == wait_seconds
    assert running.taken == []


async def test_one_refused_recipient_does_not_keep_the_mail_from_the_others(server: Make) -> None:
    running = server(rcpt=["550 5.1.1 nobody"])
    accepted, _ = await send(
        transport(), channel(running.port), mail("no@x.example", "b@x.example")
    )
    assert list(accepted.refused) == ["no@x.example"]
    assert running.taken[0].recipients == ["b@x.example"]


async def test_one_recipient_that_must_wait_makes_the_mail_wait(server: Make) -> None:
    running = server(rcpt=["250 OK", "451 later"])
    with pytest.raises(MailHostUnavailable):
        await send(transport(), channel(running.port), mail("a@x.example", "b@x.example"))
    assert running.taken == []


async def test_a_connection_lost_after_the_data_is_a_doubt(server: Make) -> None:
    """INVARIANT: it may have been sent, so it is not sent again by itself."""
    running = server(drop_after_data=1)
    with pytest.raises(OutcomeUnknown):
        await send(transport(), channel(running.port))
    assert len(running.taken) == 1


async def test_no_server_is_for_now() -> None:
    with pytest.raises(MailHostUnavailable):
        await send(transport(), channel(free_port()))


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_password_goes_over_an_encrypted_connection(server: Make, tls: str) -> None:
    running = server(tls, users={"bob": "right"})
    settings = {"tls": TlsMode(tls), "username": "bob", "auth": SmtpAuth.PASSWORD}
    await send(transport(), channel(running.port, **settings))
    assert len(running.taken) == 1
    with pytest.raises(CredentialsRejected):
        await send(transport(password="wrong"), channel(running.port, **settings))


async def test_a_certificate_that_nobody_vouches_for_is_refused(server: Make) -> None:
    """INVARIANT: neither mail nor password goes to somebody in between (RFC 8314 §4.1)."""
    running = server("implicit")
    assert ssl.HAS_TLSv1_3
    with pytest.raises(MailHostUnavailable):
        await send(transport(trusted=False), channel(running.port, tls=TlsMode.IMPLICIT))
    assert running.taken == []


async def test_a_connection_is_used_again(server: Make) -> None:
    running = server()
    way = transport()

    async def claim() -> None:
        return None

    for _ in range(5):
        await way.send(channel(running.port), mail(), before_data=claim)
    await way.close()
    assert (len(running.taken), running.connections) == (5, 1)


async def test_a_try_says_which_step_failed(server: Make) -> None:
    running = server("starttls", users={"bob": "right"})
    settings = {"tls": TlsMode.STARTTLS, "username": "bob", "auth": SmtpAuth.PASSWORD}
    question = TryOutbound(channel=channel(running.port, **settings))
    assert (await transport().try_out(question)).ok
    wrong = await transport(password="wrong").try_out(question)
    failed = wrong.failed_step()
    assert failed is not None
    assert failed.name == "sign-in"
    nobody = await transport().try_out(TryOutbound(channel=channel(free_port())))
    failed = nobody.failed_step()
    assert failed is not None
    assert failed.name == "connect"
