"""How channels are doing, as the services that use them say, and the completeness proof."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config_service.domain.channel_health import Step, Tried, mailbox_health, outbound_health
from doubles.config_api import PROVED_AT, ConfigUnderTest, running
from postbus.contracts.catalogue import PROVE_SUBJECT
from postbus.contracts.configuration import InboundChannel, OutboundChannel
from postbus.contracts.mailboxes import ChannelState, CompletenessProof, KnownHealth, MarksProof
from postbus.contracts.trying import TryResult, TryStep, TryStepName

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GOOD = (Step("reply-via", ok=True, detail="via it"),)
BAD = (Step("reply-via", ok=False, detail="it is disabled"),)
MAILBOX = {
    "id": "it", "name": "IT", "kind": "imap", "address": "it@abc.com",
    "imap": {"host": "mail.abc.com", "username": "it", "secret": "pw"},
}  # fmt: skip


def known(state: ChannelState = ChannelState.CONNECTED, **fields: Any) -> KnownHealth:
    return KnownHealth(
        **{"channel": "it", "state": state, "since": NOW, "checked_at": NOW, **fields}
    )


def mailbox(**fields: Any) -> InboundChannel:
    return InboundChannel.model_validate({**MAILBOX, **fields})


def out(**fields: Any) -> OutboundChannel:
    return OutboundChannel.model_validate(
        {"id": "it", "name": "IT", "kind": "relay", "from_address": None, **fields}
    )


@pytest.mark.parametrize(
    ("enabled", "said", "steps", "state", "error"),
    [
        (True, None, GOOD, "unknown", None),
        (True, known(), GOOD, "connected", None),
        (True, known(), BAD, "degraded", "it is disabled"),
        (True, known(ChannelState.PAUSED), GOOD, "unknown", None),
        (True, known(ChannelState.NEEDS_SIGN_IN, last_error="no"), BAD, "needs-sign-in", "no"),
        (True, known(ChannelState.DEGRADED, last_error="no"), GOOD, "degraded", "no"),
        (False, known(ChannelState.NEEDS_SIGN_IN, last_error="no"), GOOD, "paused", "no"),
        (False, None, GOOD, "paused", None),
        (
            True, known(checked_at=NOW - timedelta(minutes=31)), GOOD, "degraded",
            "nobody has looked at this mailbox since 2026-11-24 11:29 UTC",
        ),
        (True, known(checked_at=NOW - timedelta(minutes=29)), GOOD, "connected", None),
    ],
)  # fmt: skip
def test_the_health_of_a_mailbox(
    enabled: bool,  # noqa: FBT001 - a column of the table
    said: KnownHealth | None,
    steps: tuple[Step, ...],
    state: str,
    error: str | None,
) -> None:
    health = mailbox_health(mailbox(enabled=enabled), steps, said, NOW)
    assert (health.state.value, health.last_error) == (state, error)


def tried(step: str | None = None, reason: str = "", at: datetime = NOW) -> Tried:
    if step is None:
        return Tried(TryResult(ok=True), at)
    failed = TryStep(name=TryStepName(step), ok=False, detail="no", reason=reason)
    return Tried(TryResult(ok=False, steps=(failed,)), at)


LATER = NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("attempt", "said", "state", "error"),
    [
        (None, None, "unknown", None),
        (tried(), None, "connected", None),
        (tried("connect"), None, "degraded", "connect: no"),
        (tried("sign-in", "wrong-password"), None, "needs-sign-in", "sign-in: no"),
        (tried("sign-in", "unavailable"), None, "degraded", "sign-in: no"),
        (None, known(), "connected", None),
        (tried("connect"), known(checked_at=LATER), "connected", None),
        (
            tried(at=LATER), known(ChannelState.NEEDS_SIGN_IN, last_error="old"), "connected", None,
        ),
        (tried(), known(ChannelState.DEGRADED, last_error="new"), "degraded", "new"),
    ],
)  # fmt: skip
def test_the_health_of_a_way_out_is_what_was_learnt_last(
    attempt: Tried | None, said: KnownHealth | None, state: str, error: str | None
) -> None:
    health = outbound_health(out(), attempt, said)
    assert (health.state.value, health.last_error) == (state, error)
    assert outbound_health(out(enabled=False), attempt, said).state is ChannelState.PAUSED


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ConfigUnderTest]:
    async with running(tmp_path) as under_test:
        assert (await under_test.client.post("inbound-channels", json=MAILBOX)).status_code == 201
        yield under_test


async def health_of(api: ConfigUnderTest, channel: str, direction: str) -> dict[str, Any]:
    (found,) = [
        one
        for one in await api.items("health")
        if (one["channel"], one["direction"]) == (channel, direction)
    ]
    return found


async def test_everything_that_is_known_is_shown(api: ConfigUnderTest) -> None:
    now = datetime.now(UTC)
    said = KnownHealth(
        channel="it", state=ChannelState.NEEDS_SIGN_IN, since=now, checked_at=now,
        reason="wrong-password", last_error="it said no", advice="Give it again.",
        last_mail_at=now, lag_seconds=1.5, credential_expires_at=now, waiting=3,
    )  # fmt: skip
    await api.say("inbound.it", said)
    await api.say("outbound.relay", said.model_copy(update={"channel": "relay"}))
    for channel, direction in (("it", "inbound"), ("relay", "outbound")):
        shown = await health_of(api, channel, direction)
        assert (shown["state"], shown["reason"]) == ("needs-sign-in", "wrong-password")
        assert (shown["last_error"], shown["advice"]) == ("it said no", "Give it again.")
        assert (shown["lag_seconds"], shown["waiting"]) == (1.5, 3)
        for field in ("since", "checked_at", "last_mail_at", "credential_expires_at"):
            assert datetime.fromisoformat(shown[field]) == now
    await api.client.post("inbound-channels/it/pause")
    assert (await health_of(api, "it", "inbound"))["state"] == "paused"


async def test_what_cannot_be_read_hides_nothing_else(api: ConfigUnderTest) -> None:
    now = datetime.now(UTC)
    await api.bus.buckets["postbus-health"].create("inbound.other", b"{")
    said = known(since=now, checked_at=now)
    await api.say("inbound.it", said)
    assert (await health_of(api, "it", "inbound"))["state"] == "connected"


async def test_the_last_proof_is_shown_and_a_fresh_one_made_when_asked(
    api: ConfigUnderTest,
) -> None:
    path = "inbound-channels/it/completeness"
    first = (await api.client.get(path)).json()
    assert (first["filed"], api.ingest.proved) == (2, ["it"]), "none yet, so one is made"
    assert api.bus.asked[-1][1] == 60
    kept = CompletenessProof(channel="it", proved_at=PROVED_AT, ok=False, seen=7, unexplained=1)
    await api.say("proof.it", kept)
    shown = (await api.client.get(path)).json()
    assert (shown["seen"], shown["ok"], api.ingest.proved) == (7, False, ["it"])
    fresh = (await api.client.get(path, params={"fresh": True})).json()
    assert (fresh["seen"], api.ingest.proved) == (2, ["it", "it"])


async def test_there_is_no_proof_without_a_mailbox(api: ConfigUnderTest) -> None:
    answer = await api.client.get("inbound-channels/support/completeness")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/no-mailbox")
    assert (await api.client.get("inbound-channels/none/completeness")).status_code == 404
    del api.bus.answers[PROVE_SUBJECT]
    away = await api.client.get("inbound-channels/it/completeness")
    assert (away.status_code, away.json()["type"]) == (503, "/problems/proof-unavailable")


def marked(*lost: str) -> KnownHealth:
    marks = MarksProof(checked_at=NOW, send_id="s", kept=("Reply-To",), lost=lost)
    return KnownHealth(
        channel="out", state=ChannelState.CONNECTED, since=NOW, checked_at=NOW, marks=marks
    )


@pytest.mark.parametrize(
    ("kind", "lost", "reason"),
    [
        ("gmail", (), ""),
        ("gmail", ("Auto-Submitted",), "marks-lost"),
        ("graph", ("Auto-Submitted", "Precedence", "Message-ID"), ""),
        ("graph", ("Auto-Submitted", "X-Postbus-Stamp"), "marks-lost"),
    ],
)
def test_a_channel_that_loses_marks_is_degraded(
    kind: str, lost: tuple[str, ...], reason: str
) -> None:
    way = {"graph": {"mailbox": "it@abc.com"}} if kind == "graph" else {"smtp": {"host": "x"}}
    channel = OutboundChannel(id="out", name="Out", kind=kind, from_address="it@abc.com", **way)
    health = outbound_health(channel, None, marked(*lost))
    assert health.reason == reason
    wanted = ChannelState.DEGRADED if reason else ChannelState.CONNECTED
    assert health.state is wanted
    if reason:
        assert "X-Postbus-Stamp" in str(health.last_error) or kind == "gmail"
