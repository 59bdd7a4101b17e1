"""How an outbound channel is doing, by what its attempts saw."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from postbus.contracts.mailboxes import ChannelState, KnownHealth
from postbus.errors import CredentialsRejected, MailHostUnavailable, NotConfigured

_LAST_MAIL_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Seen:
    """What one attempt says of its channel."""

    state: ChannelState
    reason: str = ""
    what: str = ""
    advice: str = ""


CONNECTED = Seen(ChannelState.CONNECTED)


def seen_in(error: Exception) -> Seen | None:
    """What a failed attempt says of the channel; None if it says more of the mail.

    A server that answers 4yz or 5yz to a sender, a recipient or the data is there and lets us in.
    """
    if isinstance(error, CredentialsRejected):
        reason = error.reason or "needs-sign-in"
        return Seen(ChannelState.NEEDS_SIGN_IN, reason, str(error), error.advice)
    if isinstance(error, NotConfigured):
        reason = error.reason or "not-configured"
        return Seen(ChannelState.DEGRADED, reason, str(error), error.advice)
    if isinstance(error, MailHostUnavailable) and (error.reason or error.smtp_code is None):
        return Seen(ChannelState.DEGRADED, error.reason, str(error), error.advice)
    return None


def after(known: KnownHealth | None, seen: Seen, *, channel: str, now: datetime) -> KnownHealth:
    """The health of the channel with this news in it."""
    same = known is not None and known.state is seen.state
    fine = seen.state is ChannelState.CONNECTED
    return KnownHealth(
        channel=channel,
        state=seen.state,
        since=known.since if known is not None and same else now,
        reason=seen.reason,
        last_error=seen.what or None,
        advice=seen.advice,
        checked_at=now,
        last_mail_at=now if fine else (known.last_mail_at if known else None),
        marks=known.marks if known else None,
    )


def is_worth_writing(known: KnownHealth | None, new: KnownHealth) -> bool:
    """Another state or reason; that mail went out again is written once a minute."""
    if known is None or (known.state, known.reason) != (new.state, new.reason):
        return True
    if new.last_mail_at is None:
        return False
    return known.last_mail_at is None or new.last_mail_at - known.last_mail_at >= _LAST_MAIL_EVERY


def fact_of(known: KnownHealth | None, new: KnownHealth) -> str | None:
    """The fact that a change of state is; None if it did not change."""
    before = known.state if known else ChannelState.UNKNOWN
    if before is new.state:
        return None
    if new.state is ChannelState.CONNECTED:
        ill = before in (ChannelState.DEGRADED, ChannelState.NEEDS_SIGN_IN)
        return "recovered" if ill else "connected"
    return "needs-sign-in" if new.state is ChannelState.NEEDS_SIGN_IN else "unhealthy"
