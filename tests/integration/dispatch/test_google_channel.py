"""A channel of Gmail: XOAUTH2 by tokens that a checking token endpoint gave out."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from dispatch.adapters.smtp_transport import SmtpTransport
from dispatch.domain.compose import Composed, Envelope
from dispatch_stage import ADDRESS, Stage
from postbus.connecting import AccessTokens, GoogleRefreshToken
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.trying import TryOutbound
from postbus.errors import CredentialsRejected, MailHostUnavailable
from postbus.secrets import Sealer, generate_key_pair, write_key_files
from send_builders import send_requested
from servers.google import GoogleServer
from servers.nats import free_port
from servers.smtp import CERTIFICATE, Behaviour, SmtpServer
from smtp_builders import Ready, smtp_transport

CREDENTIAL = GoogleRefreshToken(client_id="app", client_secret="s3cret", refresh_token="1//it")
MAIL = Composed(
    Envelope(ADDRESS, ("anna@example.com",)), b"Subject: x\r\n\r\nHi.\r\n", ADDRESS, False
)
Way = Callable[..., SmtpTransport]


@pytest.fixture
def google() -> Iterator[GoogleServer]:
    server = GoogleServer(clients={"app": "s3cret"}, refresh_tokens={"1//it": ADDRESS}).start()
    yield server
    server.stop()


@pytest.fixture
def gmail(google: GoogleServer) -> Iterator[SmtpServer]:
    server = SmtpServer(Behaviour(tokens=google.access_tokens), tls="implicit").start()
    yield server
    server.stop()


@pytest.fixture
async def way(google: GoogleServer) -> AsyncIterator[Way]:
    made: list[SmtpTransport] = []

    def make(secret: str = CREDENTIAL.model_dump_json(), token_url: str = "") -> SmtpTransport:
        tokens = AccessTokens(token_url or google.token_url, ca_file=google.ca_file)
        made.append(smtp_transport(secret=secret, ca_file=CERTIFICATE, tokens=tokens))
        return made[-1]

    yield make
    for one in made:
        await one.close()


def channel(port: int, **smtp: Any) -> OutboundChannel:
    return OutboundChannel.model_validate(
        {
            "id": "own",
            "name": "Own",
            "kind": "gmail",
            "from_address": ADDRESS,
            "smtp": {
                "host": "localhost",
                "port": port,
                "tls": "implicit",
                "username": ADDRESS,
                "auth": "xoauth2",
                **smtp,
            },
        }
    )


async def claim() -> None:
    """No claim is needed."""


async def test_a_mail_goes_with_a_token_and_the_connection_is_kept(
    way: Way, gmail: SmtpServer, google: GoogleServer
) -> None:
    transport = way()
    for _ in range(3):
        await transport.send(channel(gmail.port), Ready(MAIL), before_data=claim)
    assert [taken.user for taken in gmail.taken] == [ADDRESS] * 3
    assert (google.token_count, gmail.connections) == (1, 1)


async def test_a_token_that_ended_before_its_time_is_replaced_once(
    way: Way, gmail: SmtpServer, google: GoogleServer
) -> None:
    transport = way()
    result = await transport.try_out(TryOutbound(channel=channel(gmail.port)))
    assert result.ok
    google.access_tokens.clear()
    await transport.send(channel(gmail.port), Ready(MAIL), before_data=claim)
    assert (len(gmail.taken), google.token_count) == (1, 2)


async def test_a_token_of_another_mailbox_is_refused_after_one_more_try(
    way: Way, gmail: SmtpServer, google: GoogleServer
) -> None:
    with pytest.raises(CredentialsRejected) as raised:
        await way().send(
            channel(gmail.port, username="other@abc.com"), Ready(MAIL), before_data=claim
        )
    assert raised.value.reason == "needs-sign-in"
    assert "Sign in again" in raised.value.advice
    assert (google.token_count, gmail.sign_ins, gmail.taken) == (2, 2, [])


async def test_a_refusal_for_now_asks_for_no_other_token(
    way: Way, gmail: SmtpServer, google: GoogleServer
) -> None:
    gmail.behaviour.sign_in = ["454 4.7.0 Too many login attempts, please try again later."]
    with pytest.raises(MailHostUnavailable) as raised:
        await way().send(channel(gmail.port), Ready(MAIL), before_data=claim)
    assert (raised.value.reason, google.token_count) == ("bandwidth", 1)


async def test_what_google_says_of_the_sign_in_is_a_step_of_the_try(
    way: Way, gmail: SmtpServer, google: GoogleServer
) -> None:
    google.refresh_tokens.clear()
    question = TryOutbound(channel=channel(gmail.port))
    for transport, reason in (
        (way(), "needs-sign-in"),
        (way(secret="a password"), "needs-sign-in"),
        (way(token_url=f"https://127.0.0.1:{free_port()}/token"), "token-unavailable"),
    ):
        failed = (await transport.try_out(question)).failed_step()
        assert failed is not None
        assert (failed.name, failed.reason) == ("sign-in", reason)
        assert "1//it" not in failed.detail


async def test_a_server_without_xoauth2_is_given_no_token(way: Way, google: GoogleServer) -> None:
    server = SmtpServer(Behaviour(users={"it": "pw"}), tls="implicit").start()
    with pytest.raises(CredentialsRejected) as raised:
        await way().send(channel(server.port), Ready(MAIL), before_data=claim)
    server.stop()
    assert (raised.value.reason, google.token_count) == ("no-sign-in", 0)


async def test_the_whole_service_sends_by_gmail_with_the_sealed_credential(
    stage: Stage, gmail: SmtpServer, google: GoogleServer
) -> None:
    pair, file = generate_key_pair(), stage.folder / "sealing.private"
    write_key_files(pair, public_file=stage.folder / "sealing.public", private_file=file)
    sealed = Sealer(pair.public_key).seal(
        "outbound-channels.own", SecretStr(CREDENTIAL.model_dump_json())
    )
    await stage.keep_secret("own", sealed)
    smtp = {"tls": "implicit", "username": ADDRESS, "auth": "xoauth2"}
    await stage.own_channel("gmail", gmail.port, smtp=smtp)
    stage.settings |= {
        "secrets_private_key_file": file,
        "tls_ca_file": CERTIFICATE,
        "google_token_url": google.token_url,
        "google_ca_file": google.ca_file,
    }
    await stage.start()
    await stage.ask_to_send(send_requested())
    await stage.until_keys("done.s-1")
    assert [taken.user for taken in gmail.taken] == [ADDRESS]
    await stage.until_state("own", "connected")


async def test_a_consent_that_was_taken_back_is_shown_and_the_mail_waits_for_a_new_one(
    stage: Stage, gmail: SmtpServer, google: GoogleServer
) -> None:
    """INVARIANT: an answer is not lost while nobody signs in again."""
    pair, file = generate_key_pair(), stage.folder / "sealing.private"
    write_key_files(pair, public_file=stage.folder / "sealing.public", private_file=file)
    sealer = Sealer(pair.public_key)
    kept = SecretStr(CREDENTIAL.model_dump_json())
    await stage.keep_secret("own", sealer.seal("outbound-channels.own", kept))
    smtp = {"tls": "implicit", "username": ADDRESS, "auth": "xoauth2"}
    await stage.own_channel("gmail", gmail.port, smtp=smtp)
    stage.settings |= {
        "secrets_private_key_file": file,
        "tls_ca_file": CERTIFICATE,
        "google_token_url": google.token_url,
        "google_ca_file": google.ca_file,
        "retry_delays_seconds": (60,),
    }
    del google.refresh_tokens["1//it"]
    await stage.start()
    await stage.ask_to_send(send_requested())

    await stage.until_state("own", "needs-sign-in")
    assert [one.state for one in await stage.outcomes()] == ["deferred"]
    google.refresh_tokens["1//new"] = ADDRESS
    again = SecretStr(CREDENTIAL.model_copy(update={"refresh_token": "1//new"}).model_dump_json())
    await stage.keep_secret("own", sealer.seal("outbound-channels.own", again))
    # As config does after a sign-in: the channel is written, and what waits is tried at once.
    await stage.own_channel("gmail", gmail.port, smtp=smtp, name="Own again")
    await stage.until_keys("done.s-1")
    assert len(gmail.taken) == 1
    assert await stage.channel_facts() == ["needs-sign-in.own", "recovered.own"]
