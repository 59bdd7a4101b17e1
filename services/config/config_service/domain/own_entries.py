"""A channel's own addresses stand on the outgoing mail filter, always (rule L2).

Mail that we sent to ourselves would come in again and be answered again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from postbus.configuration import Configuration
from postbus.contracts.configuration import FilterEntry, InboundChannel, OutboundChannel
from postbus.mail.addresses import normalise

Channel = InboundChannel | OutboundChannel
OWN_ADDRESS_REASON = "an address of our own"


@dataclass(frozen=True)
class Mending:
    """What is to be done so that the filter and the channels agree."""

    missing: tuple[FilterEntry, ...]
    superfluous: tuple[FilterEntry, ...]


def entry_id(pattern: str) -> str:
    """The id of an entry made by hand: the same pattern always gets the same one."""
    return sha256(normalise(pattern).encode()).hexdigest()[:16]


def own_entries(channel: Channel, now: datetime) -> Mapping[str, FilterEntry]:
    """The entries that a channel needs, by id: where it takes mail, or what it sends as."""
    if isinstance(channel, InboundChannel):
        role, addresses = "own", channel.own_addresses()
    else:
        role, addresses = "sender", channel.own_addresses()
    entries = [
        FilterEntry(
            id=f"{role}-{channel.id}-{entry_id(address)}",
            pattern=normalise(address),
            reason=OWN_ADDRESS_REASON,
            automatic=True,
            channel=channel.id,
            created_at=now,
        )
        for address in addresses
        if "*" not in address
    ]
    return {entry.id: entry for entry in entries}


def mending(there: Configuration, now: datetime) -> Mending:
    """What a crash, or a hand in the bucket, has left to mend."""
    wanted: dict[str, FilterEntry] = {}
    for channel in _channels(there):
        wanted.update(own_entries(channel, now))
    present = {entry.id: entry for entry in there.filter.entries if entry.automatic}
    return Mending(
        missing=tuple(entry for id_, entry in wanted.items() if id_ not in present),
        superfluous=tuple(entry for id_, entry in present.items() if id_ not in wanted),
    )


def holder_of(entry: FilterEntry, there: Configuration) -> Channel | None:
    """The channel that needs this entry; None if it may go."""
    at = entry.created_at or datetime.min  # noqa: DTZ901 - only the ids are looked at
    holders = (one for one in _channels(there) if entry.id in own_entries(one, at))
    return next(holders, None)


def _channels(there: Configuration) -> tuple[Channel, ...]:
    return (*there.inbound_channels, *there.outbound_channels)
