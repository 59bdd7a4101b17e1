"""XOAUTH2 on a real Dovecot, with access tokens of an endpoint that checks what it is given."""

from collections.abc import Iterator
from typing import Any

import pytest

from postbus.connecting import GoogleRefreshToken, GoogleServiceAccount
from servers.cutting import Cutting
from servers.debian import needed
from servers.dovecot import Dovecot, mail
from servers.google import GoogleServer
from servers.google_keys import service_account_key
from servers.mailboxes import House
from servers.smtp import CERTIFICATE

BOX = "support@xyz.example"
CONSENT = GoogleRefreshToken(client_id="app", client_secret="s3cret", refresh_token="1//box")


@pytest.fixture
def google() -> Iterator[GoogleServer]:
    server = GoogleServer(clients={"app": "s3cret"}, refresh_tokens={"1//box": BOX}).start()
    yield server
    server.stop()


@pytest.fixture
def dovecot(google: GoogleServer) -> Iterator[Dovecot]:
    """It lets into a mailbox whoever has a token that Google says is that mailbox's."""
    needed("dovecot")
    server = Dovecot(tokeninfo_url=google.tokeninfo_url).start()
    server.maildir(BOX)
    yield server
    server.remove()


@pytest.fixture
def way(dovecot: Dovecot) -> Iterator[Cutting]:
    """To Dovecot; Google ends connections, which a test of ours does here."""
    one = Cutting(dovecot.tls_port).start()
    yield one
    one.stop()


async def connect(house: House, way: Cutting, secret: str, *, auth: str) -> None:
    imap: dict[str, Any] = {"host": "localhost", "port": way.port, "tls": "implicit"}
    await house.channel(secret=secret, imap={**imap, "username": BOX, "auth": auth})


async def start(house: House, google: GoogleServer) -> None:
    await house.start(
        tls_ca_file=CERTIFICATE, google_token_url=google.token_url, google_ca_file=google.ca_file
    )


def service_account(google: GoogleServer) -> GoogleServiceAccount:
    key = service_account_key(google)
    del key["type"]
    return GoogleServiceAccount(**key, subject=BOX)


async def test_a_mailbox_is_read_with_the_consent_of_its_owner(
    house: House, dovecot: Dovecot, google: GoogleServer, way: Cutting
) -> None:
    await connect(house, way, CONSENT.model_dump_json(), auth="google-oauth")
    await start(house, google)
    await house.until_state("connected")
    dovecot.deliver(BOX, mail("one"))
    (fact,) = await house.until_received(1)
    assert fact.subject == "one"
    assert google.token_count == 1


async def test_a_mailbox_is_read_by_a_service_account(
    house: House, dovecot: Dovecot, google: GoogleServer, way: Cutting
) -> None:
    key = service_account(google)
    await connect(house, way, key.model_dump_json(), auth="google-service-account")
    await start(house, google)
    await house.until_state("connected")
    dovecot.deliver(BOX, mail("one"))
    await house.until_received(1)
    assert (await house.proof()).filed == 1


async def test_a_service_account_without_the_delegation_is_told_what_to_do(
    house: House, dovecot: Dovecot, google: GoogleServer, way: Cutting
) -> None:
    google.delegated = {"other@xyz.example"}
    key = service_account(google)
    await connect(house, way, key.model_dump_json(), auth="google-service-account")
    await start(house, google)
    health = await house.until_state("needs-sign-in")
    assert health.reason == "not-delegated"
    assert "domain-wide delegation" in health.advice
    assert "PRIVATE KEY" not in health.model_dump_json()


async def test_a_token_that_the_server_no_longer_takes_is_replaced_by_itself(
    house: House, dovecot: Dovecot, google: GoogleServer, way: Cutting
) -> None:
    await connect(house, way, CONSENT.model_dump_json(), auth="google-oauth")
    await start(house, google)
    await house.until_state("connected")
    google.access_tokens.clear()
    await house.until(way.cut, what="a connection to cut")
    dovecot.deliver(BOX, mail("one"))
    await house.until_received(1)
    assert google.token_count == 2


async def test_mail_that_comes_while_a_consent_is_withdrawn_is_fetched_after_a_new_one(
    house: House, dovecot: Dovecot, google: GoogleServer, way: Cutting
) -> None:
    """INVARIANT: a sign-in that ends loses no mail; else each forgotten consent costs customers."""
    await connect(house, way, CONSENT.model_dump_json(), auth="google-oauth")
    await start(house, google)
    await house.until_state("connected")
    dovecot.deliver(BOX, mail("before"))
    await house.until_received(1)
    # Google ends the tokens and the connections of a consent that is withdrawn.
    google.refresh_tokens.clear()
    google.access_tokens.clear()
    await house.until(way.cut, what="a connection to cut")
    health = await house.until_state("needs-sign-in")
    assert health.reason == "needs-sign-in"
    assert "Sign in" in health.advice
    dovecot.deliver(BOX, mail("meanwhile"))
    google.refresh_tokens["1//new"] = BOX
    anew = CONSENT.model_copy(update={"refresh_token": "1//new"})
    await connect(house, way, anew.model_dump_json(), auth="google-oauth")
    await house.until_state("connected")
    facts = await house.until_received(2)
    assert [fact.subject for fact in facts] == ["before", "meanwhile"]
    told = [fact.data.fact for fact in await house.facts("postbus.channel")]
    assert told == ["connected", "needs-sign-in", "recovered"]
    proof = await house.proof()
    assert (proof.seen, proof.filed, proof.unexplained) == (2, 2, 0)
