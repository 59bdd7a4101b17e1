"""Sending over real SMTP: what is refused for now, for ever, or cannot be known."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from dispatch.adapters.smtp_transport import SmtpTransport, relay_target
from dispatch.domain.compose import Composed, Envelope
from dispatch.ports import OutcomeUnknown
from postbus.contracts.configuration import OutboundChannel, SmtpAuth, SmtpSettings, TlsMode
from postbus.contracts.trying import TryOutbound
from postbus.errors import CredentialsRejected, MailHostUnavailable, MailRefused
from servers.nats import free_port
from servers.smtp import CERTIFICATE, Behaviour, SmtpServer
from smtp_builders import Ready, smtp_transport

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
    settings = {"host": "localhost", "tls": TlsMode.NONE, **fields}
    smtp = SmtpSettings(port=port, **settings)
    return OutboundChannel(id="own", name="Own", kind="smtp", from_address="it@abc.com", smtp=smtp)


def transport(*, password: str = "right", trusted: bool = True, **more: Any) -> SmtpTransport:
    return smtp_transport(secret=password, ca_file=CERTIFICATE if trusted else None, **more)


def mail(*recipients: str) -> Composed:
    to = recipients or ("anna@example.com",)
    return Composed(
        Envelope("it@abc.com", to), b"Subject: x\r\n\r\nHello.\r\n", "it@abc.com", False
    )


async def nothing() -> None:
    """No claim is needed."""


async def send(
    way: SmtpTransport, to: OutboundChannel, what: Composed | None = None
) -> tuple[Any, list[str]]:
    claims: list[str] = []

    async def claim() -> None:
        claims.append("claimed")

    try:
        return await way.send(to, Ready(what or mail()), before_data=claim), claims
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


async def test_what_is_no_address_does_not_keep_the_mail_from_the_others(server: Make) -> None:
    running = server()
    accepted, _ = await send(
        transport(), channel(running.port), mail("a@exa mple.com", "b@x.example")
    )
    assert list(accepted.refused) == ["a@exa mple.com"]
    assert running.taken[0].recipients == ["b@x.example"]
    with pytest.raises(MailRefused, match="553"):
        await send(transport(), channel(running.port), mail(""))


async def test_one_recipient_that_must_wait_makes_the_mail_wait(server: Make) -> None:
    running = server(rcpt=["250 OK", "451 later"])
    with pytest.raises(MailHostUnavailable):
        await send(transport(), channel(running.port), mail("a@x.example", "b@x.example"))
    assert running.taken == []


@pytest.mark.parametrize(
    ("answers", "taken"),
    [
        (["250 OK", "452 4.2.2 full"], ["a@x.example"]),
        (["452 4.2.2 full", "250 OK"], ["b@x.example"]),
        (["452 4.2.2 full", "550 5.1.1 nobody"], None),
        (["550 5.1.1 nobody", "452 4.2.2 full"], None),
    ],
)
async def test_after_some_hours_the_others_wait_no_longer(
    server: Make, answers: list[str], taken: list[str] | None
) -> None:
    """But while one of them may still get it, the mail does not fail."""
    running = server(rcpt=answers)
    late = mail("a@x.example", "b@x.example")
    late = replace(late, envelope=replace(late.envelope, patient=False))
    if taken is None:
        with pytest.raises(MailHostUnavailable, match="452"):
            await send(transport(), channel(running.port), late)
        assert running.taken == []
        return
    accepted, _ = await send(transport(), channel(running.port), late)
    assert running.taken[0].recipients == taken
    assert [one.text for one in accepted.refused.values()] == ["4.2.2 full"]


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
    with pytest.raises(MailHostUnavailable) as raised:
        await send(transport(trusted=False), channel(running.port, tls=TlsMode.IMPLICIT))
    assert raised.value.reason == "certificate"
    assert running.taken == []


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_channel_may_bring_its_own_authority(server: Make, tls: str) -> None:
    running = server(tls)
    own = {"tls": TlsMode(tls), "ca_certificates": CERTIFICATE.read_text()}
    way = transport(trusted=False)
    await way.send(channel(running.port, **own), Ready(mail()), before_data=nothing)
    # Trust is the channel's own: the open connection is not lent to another that has none.
    with pytest.raises(MailHostUnavailable):
        await way.send(channel(running.port, tls=TlsMode(tls)), Ready(mail()), before_data=nothing)
    await way.close()
    assert len(running.taken) == 1


async def test_the_certificate_must_be_made_for_the_name_of_the_channel(server: Make) -> None:
    """INVARIANT: the socket is opened by address, and the name is checked all the same."""
    running = server("implicit")
    elsewhere = channel(running.port, tls=TlsMode.IMPLICIT, host="127.1")
    with pytest.raises(MailHostUnavailable) as raised:
        await send(transport(), elsewhere)
    assert raised.value.reason == "certificate"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "::ffff:127.0.0.1"])
async def test_a_channel_reaches_no_server_inside_unless_that_is_allowed(
    server: Make, host: str
) -> None:
    """INVARIANT: who may write the configuration cannot make dispatch knock at doors inside."""
    running = server()
    with pytest.raises(MailHostUnavailable) as raised:
        await send(transport(allow_private=False), channel(running.port, host=host))
    assert raised.value.reason == "private-address"
    assert running.connections == 0


async def test_the_relay_of_the_deployment_may_be_inside(server: Make) -> None:
    running = server()
    relay = OutboundChannel(id="relay", name="Relay", kind="relay")
    way = transport(allow_private=False, relay=relay_target(f"smtp://127.0.0.1:{running.port}"))
    await send(way, relay)
    assert len(running.taken) == 1


async def test_a_server_without_tls_at_that_port_is_named_so(server: Make) -> None:
    running = server()
    for tls in (TlsMode.IMPLICIT, TlsMode.STARTTLS):
        with pytest.raises(MailHostUnavailable) as raised:
            await send(transport(), channel(running.port, tls=tls))
        assert raised.value.reason == "tls"
        assert raised.value.advice


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        ("535 5.7.8 Username and Password not accepted", CredentialsRejected, "wrong-password"),
        ("534 5.7.9 Application-specific password required", CredentialsRejected,
         "app-password-needed"),
        ("535 5.7.8 Authentication failed, try again", CredentialsRejected, "wrong-password"),
        ("454 4.7.0 Temporary authentication failure", MailHostUnavailable, "unavailable"),
        ("454 authentication failed", MailHostUnavailable, "unavailable"),
        ("421 4.7.0 Too many login attempts, rate limited", MailHostUnavailable, "bandwidth"),
    ],
)  # fmt: skip
async def test_a_refused_sign_in_is_worded_and_4yz_is_for_now(
    server: Make, answer: str, error: type[Exception], reason: str
) -> None:
    # PLAIN and LOGIN are both tried.
    running = server("starttls", users={"bob": "right"}, sign_in=[answer] * 2)
    settings = {"tls": TlsMode.STARTTLS, "username": "bob", "auth": SmtpAuth.PASSWORD}
    with pytest.raises(error) as raised:
        await send(transport(), channel(running.port, **settings))
    assert raised.value.reason == reason  # type: ignore[attr-defined]
    assert raised.value.advice  # type: ignore[attr-defined]


async def test_no_password_goes_to_a_server_that_offers_no_sign_in(server: Make) -> None:
    running = server()
    settings = {"username": "bob", "auth": SmtpAuth.PASSWORD}
    with pytest.raises(CredentialsRejected) as raised:
        await send(transport(), channel(running.port, **settings))
    assert raised.value.reason == "tls-needed"


async def test_a_connection_is_used_again(server: Make) -> None:
    running = server()
    way = transport()
    for _ in range(5):
        await way.send(channel(running.port), Ready(mail()), before_data=nothing)
    await way.close()
    assert (len(running.taken), running.connections) == (5, 1)


@pytest.mark.parametrize("answer", ["421 4.7.0 enough mails for one connection", "hangs up"])
async def test_a_connection_that_the_server_ended_costs_no_mail_a_delay(
    server: Make, answer: str
) -> None:
    """RFC 5321 §3.8: it may do so at any time, and a lane would wait a minute for nothing."""
    running = server()
    way = transport()
    for number in range(3):
        if number:
            running.behaviour.mail = [answer]
        await way.send(channel(running.port), Ready(mail()), before_data=nothing)
    await way.close()
    assert (len(running.taken), running.connections) == (3, 3)


async def test_a_server_that_ends_new_connections_too_is_asked_twice_at_most(server: Make) -> None:
    running = server()
    way = transport()
    await way.send(channel(running.port), Ready(mail()), before_data=nothing)
    running.behaviour.mail = ["421 4.3.2 shutting down"] * 9
    with pytest.raises(MailHostUnavailable):
        await way.send(channel(running.port), Ready(mail()), before_data=nothing)
    assert len(running.behaviour.mail) == 7
    with pytest.raises(MailHostUnavailable):
        await way.send(channel(running.port), Ready(mail()), before_data=nothing)
    assert len(running.behaviour.mail) == 6
    await way.close()


@pytest.mark.parametrize(
    "answer", ["501 Invalid MAIL FROM address provided", "550 5.7.60 not allowed to send as <>"]
)
async def test_a_server_that_refuses_the_null_sender_is_told_one_of_ours(
    server: Make, answer: str
) -> None:
    """Amazon SES does; no receipt would ever leave through it."""
    running = server(null_sender=answer)
    envelope = Envelope("", ("anna@example.com",), "support+stamp@abc.com")
    receipt = Composed(envelope, b"Subject: x\r\n\r\nHello.\r\n", "it@abc.com", False)
    await send(transport(), channel(running.port), receipt)
    assert [one.sender for one in running.taken] == ["support+stamp@abc.com"]
    running.behaviour.null_sender = "451 4.3.0 later"
    with pytest.raises(MailHostUnavailable):
        await send(transport(), channel(running.port), receipt)
    running.behaviour.null_sender = ""
    await send(transport(), channel(running.port), receipt)
    assert [one.sender for one in running.taken][1:] == ["<>"]


@pytest.mark.parametrize("at", ["mail", "rcpt", "data"])
@pytest.mark.parametrize(
    "answer",
    [
        "550 5.4.5 Daily user sending limit exceeded. For more information, visit a page - gsmtp",
        "550 5.1.90 Your message can't be sent because you've reached your daily limit",
        "554 5.2.2 mailbox exceeded submission quota",
    ],
)
async def test_a_daily_limit_is_for_now_whatever_its_code(
    server: Make, at: str, answer: str
) -> None:
    """People write from the same account, so the provider may count more than we do."""
    running = server(**{at: [answer]})
    with pytest.raises(MailHostUnavailable) as raised:
        await send(transport(), channel(running.port), mail("a@x.example", "b@x.example"))
    assert (raised.value.reason, raised.value.retry_after_seconds) == ("daily-limit", 3600)
    assert running.taken == []


async def test_a_try_says_which_step_failed(server: Make) -> None:
    running = server("starttls", users={"bob": "right"})
    settings = {"tls": TlsMode.STARTTLS, "username": "bob", "auth": SmtpAuth.PASSWORD}
    question = TryOutbound(channel=channel(running.port, **settings))
    assert (await transport().try_out(question)).ok
    wrong = await transport(password="wrong").try_out(question)
    failed = wrong.failed_step()
    assert failed is not None
    assert (failed.name, failed.reason) == ("sign-in", "wrong-password")
    assert "app password" in failed.advice
    nobody = await transport().try_out(TryOutbound(channel=channel(free_port())))
    failed = nobody.failed_step()
    assert failed is not None
    assert (failed.name, failed.reason) == ("connect", "unreachable")
    inside = await transport(allow_private=False).try_out(question)
    failed = inside.failed_step()
    assert failed is not None
    assert (failed.name, failed.reason) == ("connect", "private-address")
    assert "ALLOW_PRIVATE_HOSTS" in failed.advice


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_try_names_the_certificate_as_the_step_that_failed(server: Make, tls: str) -> None:
    running = server(tls)
    question = TryOutbound(channel=channel(running.port, tls=TlsMode(tls)))
    result = await transport(trusted=False).try_out(question)
    assert [(step.name, step.ok) for step in result.steps] == [
        ("resolve", True),
        ("connect", True),
        ("tls", False),
    ]
    assert result.steps[-1].reason == "certificate"
    fine = await transport().try_out(question)
    assert fine.ok
    assert [step.name for step in fine.steps] == [
        "resolve", "connect", "tls", "sign-in", "sender-accepted",
    ]  # fmt: skip
