"""How many mails a provider takes of a channel, by the channel and by what is known of its kind.

Exchange Online: 30 a minute of a mailbox ("Exchange Online limits", Sending limits). Gmail: 2,000
in 24 hours of an account of Workspace ("Gmail sending limits in Google Workspace"), 500 of another
("Limits for sending & getting mail"). A server of one's own, and the relay, know no limit.
"""

from dataclasses import dataclass
from typing import Final

from postbus.contracts.configuration import OutboundChannel
from postbus.mail.addresses import normalise

_EXCHANGE: Final = frozenset({"smtp.office365.com", "outlook.office365.com"})
_GMAIL: Final = frozenset({"smtp.gmail.com", "smtp.googlemail.com"})
_PERSONAL: Final = frozenset({"gmail.com", "googlemail.com"})


@dataclass(frozen=True)
class Limit:
    """At most so many mails in a window that rolls; `word` names the window."""

    most: int
    seconds: int
    word: str


def limits_of(channel: OutboundChannel) -> tuple[Limit, ...]:
    """What the channel itself says, else what is known of its kind; the shortest window first."""
    minute, day = _known(channel)
    minute = channel.limits.per_minute or minute
    day = channel.limits.per_day or day
    found = []
    if minute is not None:
        found.append(Limit(minute, 60, "minute"))
    if day is not None:
        found.append(Limit(day, 86_400, "day"))
    return tuple(found)


def _known(channel: OutboundChannel) -> tuple[int | None, int | None]:
    host = channel.smtp.host.lower() if channel.smtp else ""
    if channel.kind == "graph" or host in _EXCHANGE:
        return 30, None
    if channel.kind == "gmail" or host in _GMAIL:
        domain = normalise(channel.from_address or "").rpartition("@")[2]
        return None, 500 if domain in _PERSONAL else 2000
    return None, None


def account_of(channel: OutboundChannel) -> str:
    """What the provider counts by: channels of one mailbox share its limits."""
    if channel.graph is not None:
        return f"exchange {normalise(channel.graph.mailbox)}"
    if channel.smtp is not None:
        host = "exchange" if channel.smtp.host.lower() in _EXCHANGE else channel.smtp.host.lower()
        return f"{host} {normalise(channel.smtp.username or channel.from_address or '')}"
    return f"channel {channel.id}"
