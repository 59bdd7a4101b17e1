"""How a channel is doing, by what its attempts saw."""

from datetime import UTC, datetime, timedelta

import pytest

from dispatch.domain.health import CONNECTED, Seen, after, fact_of, is_worth_writing, seen_in
from postbus.contracts.mailboxes import ChannelState, KnownHealth
from postbus.errors import (
    BlobMissing,
    CredentialsRejected,
    MailHostUnavailable,
    MailRefused,
    NotConfigured,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
AWAY = Seen(ChannelState.DEGRADED, "unreachable", "no route")
SLOW = Seen(ChannelState.DEGRADED, "timeout", "no answer")
LOCKED_OUT = Seen(ChannelState.NEEDS_SIGN_IN, "wrong-password", "535", "Check it.")


def known(*seen: Seen) -> KnownHealth | None:
    health = None
    for one in seen:
        health = after(health, one, channel="own", now=NOW)
    return health


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (CredentialsRejected("no", reason="wrong-password"), "needs-sign-in", "wrong-password"),
        (CredentialsRejected("no key opens it"), "needs-sign-in", "needs-sign-in"),
        (NotConfigured("no server"), "degraded", "not-configured"),
        (MailHostUnavailable("no", reason="certificate"), "degraded", "certificate"),
        (MailHostUnavailable("no"), "degraded", ""),
        (MailHostUnavailable("421", smtp_code=421, reason="unavailable"), "degraded",
         "unavailable"),
        (MailHostUnavailable("451 greylisted", smtp_code=451), None, None),
        (MailRefused("550 nobody", smtp_code=550), None, None),
        (BlobMissing("gone"), None, None),
    ],
)  # fmt: skip
def test_what_a_failed_attempt_says_of_its_channel(
    error: Exception, state: str | None, reason: str | None
) -> None:
    """INVARIANT: a customer's full mailbox does not make a channel look ill."""
    seen = seen_in(error)
    assert (seen.state if seen else None, seen.reason if seen else None) == (state, reason)


@pytest.mark.parametrize(
    ("before", "now", "fact"),
    [
        ((), CONNECTED, "connected"),
        ((), AWAY, "unhealthy"),
        ((), LOCKED_OUT, "needs-sign-in"),
        ((CONNECTED,), CONNECTED, None),
        ((CONNECTED,), AWAY, "unhealthy"),
        ((AWAY,), SLOW, None),
        ((AWAY,), LOCKED_OUT, "needs-sign-in"),
        ((LOCKED_OUT,), AWAY, "unhealthy"),
        ((LOCKED_OUT,), CONNECTED, "recovered"),
        ((AWAY,), CONNECTED, "recovered"),
    ],
)
def test_a_change_of_state_is_a_fact(before: tuple[Seen, ...], now: Seen, fact: str | None) -> None:
    health = known(*before)
    assert fact_of(health, after(health, now, channel="own", now=NOW)) == fact


def test_it_is_written_when_something_changed_or_once_a_minute() -> None:
    fine, ill = known(CONNECTED), known(CONNECTED, AWAY)
    for health, seen, seconds, written in (
        (None, AWAY, 0, True),
        (fine, CONNECTED, 59, False),
        (fine, CONNECTED, 60, True),
        (fine, AWAY, 0, True),
        (ill, AWAY, 3600, False),
        (ill, SLOW, 0, True),
    ):
        new = after(health, seen, channel="own", now=NOW + timedelta(seconds=seconds))
        assert is_worth_writing(health, new) is written


def test_the_time_of_a_state_is_kept_and_a_recovery_takes_the_error_away() -> None:
    later = NOW + timedelta(hours=1)
    ill = after(known(AWAY), SLOW, channel="own", now=later)
    assert (ill.since, ill.reason, ill.last_mail_at) == (NOW, "timeout", None)
    fine = after(ill, CONNECTED, channel="own", now=later)
    assert (fine.since, fine.last_error, fine.reason, fine.advice) == (later, None, "", "")
    assert fine.last_mail_at == later
