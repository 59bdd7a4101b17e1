"""What a mailbox's state becomes, and which facts follow from the change."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from postbus.contracts.mailboxes import ChannelState, KnownHealth
from postbus.errors import CredentialsRejected, NotConfigured, PostbusError

EXPIRING: Final = timedelta(days=14)
_ORDER: Final = (
    ChannelState.CONNECTED,
    ChannelState.UNKNOWN,
    ChannelState.DEGRADED,
    ChannelState.NEEDS_SIGN_IN,
)


@dataclass(frozen=True)
class Seen:
    """How one folder of a mailbox is doing."""

    state: ChannelState
    reason: str = ""
    error: str | None = None
    advice: str = ""
    waiting: int = 0


def trouble(error: PostbusError) -> Seen:
    """What an error makes of a mailbox."""
    needs = isinstance(error, CredentialsRejected)
    reason = getattr(error, "reason", "") or (
        "not-configured" if isinstance(error, NotConfigured) else ""
    )
    return Seen(
        ChannelState.NEEDS_SIGN_IN if needs else ChannelState.DEGRADED,
        reason or type(error).__name__,
        str(error),
        getattr(error, "advice", ""),
    )


def worst(folders: Iterable[Seen]) -> Seen:
    """The one that says most about the mailbox."""
    given = list(folders)
    if not given:
        return Seen(ChannelState.UNKNOWN)
    one = max(given, key=lambda seen: _ORDER.index(seen.state))
    waiting = sum(seen.waiting for seen in given)
    return Seen(one.state, one.reason, one.error, one.advice, waiting)


def health(channel: str, seen: Seen, before: KnownHealth | None, *, now: datetime) -> KnownHealth:
    """How it stands now; `since` stays while state and reason do."""
    same = before is not None and (before.state, before.reason) == (seen.state, seen.reason)
    return KnownHealth(
        channel=channel,
        state=seen.state,
        since=before.since if before is not None and same else now,
        reason=seen.reason,
        last_error=seen.error,
        advice=seen.advice,
        checked_at=now,
        last_mail_at=before.last_mail_at if before else None,
        lag_seconds=before.lag_seconds if before else None,
        credential_expires_at=before.credential_expires_at if before else None,
        waiting=seen.waiting,
    )


def fact_of(before: KnownHealth | None, after: KnownHealth) -> str | None:
    """The fact that a change of state is; None for no news."""
    if before is not None and (before.state, before.reason) == (after.state, after.reason):
        return None
    if after.state is ChannelState.CONNECTED:
        was_ill = before is not None and before.state in (
            ChannelState.DEGRADED,
            ChannelState.NEEDS_SIGN_IN,
        )
        return "recovered" if was_ill else "connected"
    if after.state is ChannelState.NEEDS_SIGN_IN:
        return "needs-sign-in"
    return "unhealthy" if after.state is ChannelState.DEGRADED else None


def is_expiring(health: KnownHealth, *, now: datetime) -> bool:
    """Whether the credential ends soon."""
    at = health.credential_expires_at
    return at is not None and at - now < EXPIRING
