"""How a channel is doing, as far as that can be known here; what is not known is said to be so."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from postbus.configuration import Configuration, NoOutbound
from postbus.contracts.configuration import InboundChannel, OutboundChannel
from postbus.contracts.trying import TryResult


class ChannelState(StrEnum):
    """`unknown` is an outbound channel that nobody has tried since this service started."""

    CONNECTED = "connected"
    DEGRADED = "degraded"
    PAUSED = "paused"
    UNKNOWN = "unknown"


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
    """State, and why, in words."""

    state: ChannelState
    last_error: str | None = None
    checked_at: datetime | None = None


def inbound_steps(channel: InboundChannel, there: Configuration, door: Step) -> tuple[Step, ...]:
    """The steps of an inbound test, in order."""
    addresses = ", ".join(channel.own_addresses())
    route = there.reply_via(channel.id)
    on_filter = [one for one in channel.own_addresses() if there.filter.match(one) is None]
    return (
        Step("address", bool(addresses), f"mail to {addresses} becomes a ticket"),
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
        door,
    )


def inbound_health(steps: tuple[Step, ...], now: datetime) -> ChannelHealth:
    """The health that follows from the steps."""
    by_name = {step.name: step for step in steps}
    if by_name["enabled"].ok is False:
        return ChannelHealth(ChannelState.PAUSED, checked_at=now)
    failed = [step.detail for step in steps if step.ok is False]
    if failed:
        return ChannelHealth(ChannelState.DEGRADED, "; ".join(failed), now)
    if any(step.ok is None for step in steps):
        return ChannelHealth(ChannelState.UNKNOWN, checked_at=now)
    return ChannelHealth(ChannelState.CONNECTED, checked_at=now)


def outbound_health(channel: OutboundChannel, tried: Tried | None) -> ChannelHealth:
    """The health that follows from the last try."""
    at = tried.at if tried else None
    if not channel.enabled:
        return ChannelHealth(ChannelState.PAUSED, checked_at=at)
    if tried is None:
        return ChannelHealth(ChannelState.UNKNOWN)
    failed = tried.result.failed_step()
    if tried.result.ok or failed is None:
        state = ChannelState.CONNECTED if tried.result.ok else ChannelState.DEGRADED
        return ChannelHealth(state, checked_at=at)
    return ChannelHealth(ChannelState.DEGRADED, f"{failed.name}: {failed.detail}", at)
