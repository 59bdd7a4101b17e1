"""Access tokens from a token endpoint that checks what it is given, over HTTPS."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from postbus.connecting import (
    AccessTokens,
    GoogleRefreshToken,
    GoogleServiceAccount,
    read_credential,
)
from postbus.errors import CredentialsRejected, MailHostUnavailable
from servers.google import GoogleServer
from servers.nats import free_port

BOB = GoogleRefreshToken(client_id="app", client_secret="s3cret", refresh_token="1//bob")


@pytest.fixture
def google() -> Iterator[GoogleServer]:
    server = GoogleServer(
        clients={"app": "s3cret"}, refresh_tokens={"1//bob": "bob@abc.com"}
    ).start()
    yield server
    server.stop()


def tokens_of(google: GoogleServer) -> AccessTokens:
    return AccessTokens(google.token_url, ca_file=google.ca_file)


def pair() -> tuple[str, str]:
    """A private key and its public one, PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def test_a_token_is_got_once_and_kept(google: GoogleServer) -> None:
    tokens = tokens_of(google)
    first = tokens.token(BOB)
    assert google.access_tokens[first.get_secret_value()] == "bob@abc.com"
    assert tokens.token(BOB) == first
    assert google.token_count == 1


def test_many_threads_ask_google_once(google: GoogleServer) -> None:
    tokens = tokens_of(google)
    with ThreadPoolExecutor(16) as pool:
        got = set(pool.map(lambda _: tokens.token(BOB).get_secret_value(), range(32)))
    assert (len(got), google.token_count) == (1, 1)


def test_a_token_is_renewed_before_it_ends(google: GoogleServer) -> None:
    """Five minutes ahead, so that none ends between here and the server that it is shown to."""
    google.expires_in = 299
    tokens = tokens_of(google)
    first = tokens.token(BOB)
    google.expires_in = 600
    second = tokens.token(BOB)
    assert first != second
    assert tokens.token(BOB) == second
    assert google.token_count == 2


def test_a_token_that_was_refused_is_replaced(google: GoogleServer) -> None:
    tokens = tokens_of(google)
    first = tokens.token(BOB)
    assert tokens.token(BOB, anew=True) != first
    assert google.token_count == 2


def test_a_consent_that_was_taken_back_needs_people(google: GoogleServer) -> None:
    tokens = tokens_of(google)
    tokens.token(BOB)
    google.refresh_tokens.clear()
    with pytest.raises(CredentialsRejected) as raised:
        tokens.token(BOB, anew=True)
    assert raised.value.reason == "needs-sign-in"
    assert "Sign in with Google again" in raised.value.advice
    assert "1//bob" not in str(raised.value)


def test_another_client_gets_nothing(google: GoogleServer) -> None:
    with pytest.raises(CredentialsRejected):
        tokens_of(google).token(BOB.model_copy(update={"client_secret": "guessed"}))
    assert google.access_tokens == {}


def test_a_service_account_acts_for_the_mailbox_by_its_signature(google: GoogleServer) -> None:
    private, public = pair()
    google.service_account_public_keys["robot@project.example"] = public
    account = GoogleServiceAccount(
        client_email="robot@project.example", private_key=private, subject="bob@abc.com"
    )
    token = tokens_of(google).token(account)
    assert google.access_tokens[token.get_secret_value()] == "bob@abc.com"
    forged = account.model_copy(update={"private_key": pair()[0]})
    with pytest.raises(CredentialsRejected):
        tokens_of(google).token(forged)
    google.delegated = set()
    with pytest.raises(CredentialsRejected) as raised:
        tokens_of(google).token(account)
    assert raised.value.reason == "not-delegated"
    assert "https://mail.google.com/" in raised.value.advice


def test_a_damaged_key_is_named_and_not_quoted(google: GoogleServer) -> None:
    account = GoogleServiceAccount(
        client_email="robot@project.example", private_key="no key at all", subject="bob@abc.com"
    )
    with pytest.raises(CredentialsRejected) as raised:
        tokens_of(google).token(account)
    assert raised.value.reason == "bad-key"
    assert "no key at all" not in str(raised.value)
    assert google.token_count == 0


def test_google_that_cannot_be_asked_is_for_now(google: GoogleServer) -> None:
    away = AccessTokens(f"https://127.0.0.1:{free_port()}/token", ca_file=google.ca_file)
    with pytest.raises(MailHostUnavailable) as raised:
        away.token(BOB)
    assert raised.value.reason == "token-unavailable"


def test_nobody_in_between_gets_the_refresh_token(google: GoogleServer) -> None:
    """INVARIANT: the certificate of Google is checked before anything is sent."""
    with pytest.raises(MailHostUnavailable):
        AccessTokens(google.token_url).token(BOB)
    assert google.token_count == 0


@pytest.mark.parametrize("secret", ["hunter2", '{"kind":"other"}', "{}", '{"kind":"google-oauth"}'])
def test_a_secret_that_is_no_credential_is_not_quoted(secret: str) -> None:
    with pytest.raises(CredentialsRejected) as raised:
        read_credential(SecretStr(secret))
    assert raised.value.reason == "needs-sign-in"
    assert secret not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "credential",
    [BOB, GoogleServiceAccount(client_email="r@p.example", private_key="k", subject="b@abc.com")],
)
def test_a_credential_is_read_as_it_was_sealed_and_hides_its_secret(
    credential: GoogleRefreshToken | GoogleServiceAccount,
) -> None:
    assert read_credential(SecretStr(credential.model_dump_json())) == credential
    for hidden in ("s3cret", "1//bob", "private_key="):
        assert hidden not in repr(credential)
