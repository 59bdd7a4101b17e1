"""Tokens of Microsoft, on a real nats-server, between replicas, from a strict stand-in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nats.aio.client import Client

from postbus.bus import Bucket
from postbus.bus.topology import SIGN_INS_BUCKET
from postbus.connecting import MicrosoftApp, MicrosoftSignIn, Reach, TlsContexts
from postbus.errors import CredentialsRejected, MailHostUnavailable
from postbus.microsoft import MicrosoftTokens, Resource
from postbus.microsoft.asking import IdentityPlatform
from postbus.microsoft.granted import granted
from postbus.microsoft.sign_ins import KeptSignIns
from postbus.secrets import generate_key_pair, write_key_files
from servers.microsoft365 import Microsoft365
from servers.microsoft_identity import Answer

MAILBOX = "it@example.com"
Replica = Callable[..., MicrosoftTokens]


@pytest.fixture
async def replica(microsoft: Microsoft365, admin: Client, tmp_path: Path) -> AsyncIterator[Replica]:
    """Makes a replica; all of them have the same key."""
    file = tmp_path / "private.key"
    write_key_files(generate_key_pair(), public_file=tmp_path / "public.key", private_file=file)
    js = admin.jetstream()
    kv = await js.key_value(SIGN_INS_BUCKET)
    bucket = Bucket(kv, js, SIGN_INS_BUCKET, connected=lambda: admin.is_connected)

    async def opened() -> Bucket:
        return bucket

    async with AsyncExitStack() as stack:

        def make(*, later: timedelta = timedelta(0), remember: float = 180) -> MicrosoftTokens:
            platform = IdentityPlatform(
                Reach(allow_private=True), TlsContexts(microsoft.identity.ca_file)
            )
            made = MicrosoftTokens(
                platform,
                KeptSignIns(opened, file),
                now=lambda: datetime.now(UTC) + later,
                remember_refusal_seconds=remember,
            )
            stack.push_async_callback(made.close)
            return made

        yield make


@pytest.fixture
def sign_in(microsoft: Microsoft365) -> MicrosoftSignIn:
    return microsoft.sign_in(MAILBOX)


def renewals(microsoft: Microsoft365) -> int:
    """After the sign-in itself, which uses one."""
    return microsoft.identity.grants.refreshes[MAILBOX] - 1


async def test_of_many_replicas_one_renews_for_all(
    microsoft: Microsoft365, replica: Replica, sign_in: MicrosoftSignIn
) -> None:
    """INVARIANT: a refresh token is never used by two at once, and one renewal serves all.

    Without it replicas would end each other's sign-in where tokens rotate.
    """
    microsoft.identity.delay_seconds = 0.5
    replicas = [replica() for _ in range(4)]
    tokens = await asyncio.gather(
        *(one.token(sign_in, Resource.GRAPH) for one in replicas for _ in range(5))
    )
    assert len({one.get_secret_value() for one in tokens}) == 1
    assert renewals(microsoft) == 1
    assert set(microsoft.identity.grants.most_refreshes_at_once.values()) <= {1}
    claims = microsoft.identity.claims_of(tokens[0].get_secret_value())
    assert claims is not None
    assert "graph.microsoft.com" in claims["aud"]


async def test_it_is_renewed_before_it_ends_and_each_time_by_the_newest_refresh_token(
    microsoft: Microsoft365, replica: Replica, sign_in: MicrosoftSignIn
) -> None:
    first = await replica().token(sign_in, Resource.GRAPH)
    assert await replica(later=timedelta(minutes=30)).token(sign_in, Resource.GRAPH) == first
    second = await replica(later=timedelta(minutes=100)).token(sign_in, Resource.GRAPH)
    assert second != first
    used = [
        form["refresh_token"]
        for form in microsoft.identity.token_requests
        if "refresh_token" in form
    ]
    assert len(set(used)) == len(used), "the newest one is used each time"


async def test_a_token_that_was_refused_is_replaced_once_for_all(
    microsoft: Microsoft365, replica: Replica, sign_in: MicrosoftSignIn
) -> None:
    one, other = replica(), replica()
    old = await one.token(sign_in, Resource.GRAPH)
    assert await other.token(sign_in, Resource.GRAPH) == old
    new = await one.token(sign_in, Resource.GRAPH, anew=True)
    assert new != old
    assert await other.token(sign_in, Resource.GRAPH, anew=True) == new
    assert renewals(microsoft) == 2


async def test_what_is_kept_is_sealed(
    admin: Client, replica: Replica, sign_in: MicrosoftSignIn
) -> None:
    token = await replica().token(sign_in, Resource.GRAPH)
    entry = await (await admin.jetstream().key_value(SIGN_INS_BUCKET)).get(sign_in.sign_in_id)
    assert entry.value
    assert b"refresh" not in entry.value
    assert token.get_secret_value().encode() not in entry.value


async def test_a_sign_in_that_was_ended_asks_for_another_and_microsoft_is_left_alone(
    microsoft: Microsoft365, replica: Replica, sign_in: MicrosoftSignIn
) -> None:
    microsoft.identity.revoke(MAILBOX)
    tokens, asked = replica(), len(microsoft.identity.token_requests)
    for _ in range(3):
        with pytest.raises(CredentialsRejected) as ended:
            await tokens.token(sign_in, Resource.GRAPH)
        assert ended.value.reason == "needs-sign-in"
        assert "Sign in again" in ended.value.advice
        assert "AADSTS50173" in str(ended.value)
        assert "Trace ID" not in str(ended.value), "it is read by people"
    assert len(microsoft.identity.token_requests) == asked + 1
    again = microsoft.sign_in(MAILBOX)
    assert (await tokens.token(again, Resource.GRAPH)).get_secret_value()


async def test_a_policy_that_wants_more_proof_is_told_as_such(
    microsoft: Microsoft365, replica: Replica, sign_in: MicrosoftSignIn
) -> None:
    microsoft.identity.directory.user(MAILBOX).needs_mfa = True
    with pytest.raises(CredentialsRejected) as refused:
        await replica().token(sign_in, Resource.GRAPH)
    assert refused.value.reason == "more-proof"


async def test_microsoft_being_away_ends_no_sign_in(
    microsoft: Microsoft365, replica: Replica, sign_in: MicrosoftSignIn
) -> None:
    away = {"error": "temporarily_unavailable", "error_description": "AADSTS90033: try later"}
    microsoft.identity.troubles.append(Answer(away, 503))
    tokens = replica()
    with pytest.raises(MailHostUnavailable):
        await tokens.token(sign_in, Resource.GRAPH)
    assert await tokens.token(sign_in, Resource.GRAPH)


async def test_whoever_gives_up_waiting_loses_no_refresh_token(
    microsoft: Microsoft365, replica: Replica, sign_in: MicrosoftSignIn
) -> None:
    microsoft.identity.delay_seconds = 0.5
    tokens = replica()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await tokens.token(sign_in, Resource.GRAPH)
    await tokens.close()
    assert renewals(microsoft) == 1
    assert await replica().token(sign_in, Resource.GRAPH)
    assert renewals(microsoft) == 1


async def test_smtp_has_a_token_of_its_own(
    microsoft: Microsoft365, replica: Replica, sign_in: MicrosoftSignIn
) -> None:
    tokens = replica()
    graph = await tokens.token(sign_in, Resource.GRAPH)
    microsoft.app.consented(microsoft.identity.directory.user(MAILBOX)).add(
        "https://outlook.office.com/SMTP.Send"
    )
    smtp = await tokens.token(sign_in, Resource.SMTP)
    assert smtp != graph
    assert await replica().token(sign_in, Resource.GRAPH) == graph


async def test_an_app_signs_in_as_itself_and_a_wrong_secret_is_told(
    microsoft: Microsoft365, replica: Replica
) -> None:
    microsoft.app.roles["https://graph.microsoft.com"] = {"Mail.Send"}
    tokens, app = replica(), microsoft.app_only()
    first = await tokens.token(app, Resource.GRAPH)
    assert await tokens.token(app, Resource.GRAPH) == first
    wrong = MicrosoftApp(
        client=app.client.model_copy(update={"client_secret": "no"}),
        authority_url=app.authority_url,
    )
    with pytest.raises(CredentialsRejected) as refused:
        await tokens.token(wrong, Resource.GRAPH)
    assert refused.value.reason == "wrong-secret"


async def test_a_trial_forgets_so_that_what_an_admin_changed_is_seen_at_once(
    microsoft: Microsoft365, replica: Replica, sign_in: MicrosoftSignIn
) -> None:
    """A token of an app says for an hour what was consented to; a refusal is kept for minutes."""
    tokens, app = replica(), microsoft.app_only()
    assert granted(await tokens.token(app, Resource.GRAPH)).roles == ()
    microsoft.consent("Mail.Send")
    assert granted(await tokens.token(app, Resource.GRAPH)).roles == ()
    tokens.forget(app)
    assert granted(await tokens.token(app, Resource.GRAPH)).roles == ("Mail.Send",)
    person = microsoft.identity.directory.user(MAILBOX)
    person.needs_mfa = True
    for _ in range(2):
        with pytest.raises(CredentialsRejected):
            await tokens.token(sign_in, Resource.GRAPH)
        person.needs_mfa = False
    tokens.forget(sign_in)
    assert await tokens.token(sign_in, Resource.GRAPH)


async def test_a_tenant_that_is_none_is_told(microsoft: Microsoft365, replica: Replica) -> None:
    app = microsoft.app_only()
    other = app.model_copy(
        update={"authority_url": f"{microsoft.identity.authority}/nowhere.invalid"}
    )
    with pytest.raises(CredentialsRejected) as refused:
        await replica().token(other, Resource.GRAPH)
    assert refused.value.reason == "tenant-unknown"


async def test_when_a_sign_in_ends_is_known(replica: Replica, sign_in: MicrosoftSignIn) -> None:
    tokens = replica()
    before = await tokens.ends_at(sign_in)
    assert before == sign_in.signed_in_at + timedelta(days=90)
    await tokens.token(sign_in, Resource.GRAPH)
    after = await tokens.ends_at(sign_in)
    assert after is not None
    assert after > before
