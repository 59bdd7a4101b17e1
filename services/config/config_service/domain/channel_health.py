"""How a channel is doing, as far as that can be known here; what is not known is said to be so."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from postbus.configuration import Configuration, NoOutbound
from postbus.contracts.configuration import InboundChannel, OutboundChannel
from postbus.contracts.mailboxes import ChannelState, KnownHealth
from postbus.contracts.trying import TryResult, TryStepName

STALE_AFTER: Final = timedelta(minutes=30)
_COME_AGAIN: Final = frozenset(
    {"unavailable", "too-many-connections", "bandwidth", "token-unavailable"}
)
"""Reasons for a refused sign-in that go away by themselves; after all others people must act."""


_DROPPED_BY_GRAPH: Final = frozenset({"Auto-Submitted", "Precedence", "Message-ID"})


@dataclass(frozen=True)
class Step:
    """One step of a test; `ok` is None where it cannot be known from here."""

    name: str
    ok: bool | None
    detail: str


@dataclass(frozen=True)
class Tried:
    """The last try of an outbound channel."""

    result: TryResult
    at: datetime


@dataclass(frozen=True)
class ChannelHealth:
    """State, and why; `last_error` in words, `known` what the service that uses it said."""

    state: ChannelState
    last_error: str | None = None
    checked_at: datetime | None = None
    reason: str = ""
    advice: str = ""
    known: KnownHealth | None = None


def reader_of(channel: InboundChannel) -> str:
    """The service that reads such a mailbox."""
    return f"ingest-{channel.kind}"


def forward_steps(channel: InboundChannel, there: Configuration, door: Step) -> tuple[Step, ...]:
    """The steps of a test of a channel that mail is forwarded to, in order."""
    addresses = ", ".join(channel.own_addresses())
    return (
        Step("address", bool(addresses), f"mail to {addresses} becomes a ticket"),
        *config_steps(channel, there),
        door,
    )


def config_steps(channel: InboundChannel, there: Configuration) -> tuple[Step, ...]:
    """What the configuration itself says of an inbound channel."""
    route = there.reply_via(channel.id)
    on_filter = [one for one in channel.own_addresses() if there.filter.match(one) is None]
    return (
        Step("enabled", channel.enabled, "enabled" if channel.enabled else "paused"),
        Step(
            "reply-via",
            not isinstance(route, NoOutbound),
            route.detail if isinstance(route, NoOutbound) else f"answers go via {route.id}",
        ),
        Step(
            "own-address-on-filter",
            not on_filter,
            f"not on the filter yet: {', '.join(on_filter)}" if on_filter else "on the filter",
        ),
    )


def forward_health(steps: tuple[Step, ...], now: datetime) -> ChannelHealth:
    """The health that follows from the steps."""
    by_name = {step.name: step for step in steps}
    if by_name["enabled"].ok is False:
        return ChannelHealth(ChannelState.PAUSED, checked_at=now)
    failed = _failed(steps)
    if failed:
        return ChannelHealth(ChannelState.DEGRADED, failed, now)
    if any(step.ok is None for step in steps):
        return ChannelHealth(ChannelState.UNKNOWN, checked_at=now)
    return ChannelHealth(ChannelState.CONNECTED, checked_at=now)


def mailbox_health(
    channel: InboundChannel, steps: tuple[Step, ...], known: KnownHealth | None, now: datetime
) -> ChannelHealth:
    """The health of a mailbox that is fetched: what its reader said, unless we know better."""
    if not channel.enabled:
        return replace(_said(known), state=ChannelState.PAUSED)
    if known is None or known.state is ChannelState.PAUSED:
        return replace(_said(known), state=ChannelState.UNKNOWN)
    if now - known.checked_at > STALE_AFTER:
        since = f"{known.checked_at:%Y-%m-%d %H:%M} UTC"
        return ChannelHealth(
            ChannelState.DEGRADED,
            f"nobody has looked at this mailbox since {since}",
            known.checked_at,
            reason="not-looked-at",
            advice=f"Look whether {reader_of(channel)} is running.",
            known=known,
        )
    failed = _failed(steps)
    if known.state is ChannelState.CONNECTED and failed:
        return replace(_said(known), state=ChannelState.DEGRADED, last_error=failed)
    return _said(known)


def outbound_health(
    channel: OutboundChannel, tried: Tried | None, known: KnownHealth | None = None
) -> ChannelHealth:
    """The health that follows from what was learnt last, by using the channel or by trying it."""
    if known is not None and (tried is None or known.checked_at >= tried.at):
        health = _said(known)
    else:
        health = replace(_tried(tried), known=known)
    if not channel.enabled:
        return replace(health, state=ChannelState.PAUSED)
    lost = lost_marks(channel, known)
    if health.state is not ChannelState.CONNECTED or not lost:
        return health
    return replace(
        health,
        state=ChannelState.DEGRADED,
        reason="marks-lost",
        last_error=f"its provider took off our marks: {', '.join(lost)}",
        advice="Robots may answer what is sent here by itself, so the loop guard allows half as "
        "much of it. Send by the relay or an SMTP server, or ask the provider.",
    )


def lost_marks(channel: OutboundChannel, known: KnownHealth | None) -> tuple[str, ...]:
    """The marks that were gone from the mail that was read back, but for those that its kind drops.

    Graph takes headers with X- only, so the others are no news there.
    """
    if known is None or known.marks is None:
        return ()
    expected = _DROPPED_BY_GRAPH if channel.kind == "graph" else frozenset[str]()
    return tuple(one for one in known.marks.lost if one not in expected)


def _said(known: KnownHealth | None) -> ChannelHealth:
    if known is None:
        return ChannelHealth(ChannelState.UNKNOWN)
    return ChannelHealth(
        known.state, known.last_error, known.checked_at, known.reason, known.advice, known
    )


def _tried(tried: Tried | None) -> ChannelHealth:
    if tried is None:
        return ChannelHealth(ChannelState.UNKNOWN)
    step = tried.result.failed_step()
    if tried.result.ok or step is None:
        state = ChannelState.CONNECTED if tried.result.ok else ChannelState.DEGRADED
        return ChannelHealth(state, checked_at=tried.at)
    people_must_act = (
        step.name is TryStepName.SIGN_IN and step.reason and step.reason not in _COME_AGAIN
    )
    return ChannelHealth(
        ChannelState.NEEDS_SIGN_IN if people_must_act else ChannelState.DEGRADED,
        f"{step.name}: {step.detail}",
        tried.at,
        step.reason,
        step.advice,
    )


def _failed(steps: tuple[Step, ...]) -> str | None:
    return "; ".join(step.detail for step in steps if step.ok is False) or None
