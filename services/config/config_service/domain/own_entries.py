"""A channel's own addresses stand on the outgoing mail filter, always (rule L2).

Mail that we sent to ourselves would come in again and be answered again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from postbus.configuration import Configuration
from postbus.contracts.configuration import FilterEntry, InboundChannel
from postbus.mail.addresses import normalise

OWN_ADDRESS_REASON = "an address of our own"


@dataclass(frozen=True)
class Mending:
    """What is to be done so that the filter and the channels agree."""

    missing: tuple[FilterEntry, ...]
    superfluous: tuple[FilterEntry, ...]


def entry_id(pattern: str) -> str:
    """The id of an entry made by hand: the same pattern always gets the same one."""
    return sha256(normalise(pattern).encode()).hexdigest()[:16]


def own_entries(channel: InboundChannel, now: datetime) -> Mapping[str, FilterEntry]:
    """The entries that a channel needs, by id."""
    entries = [
        FilterEntry(
            id=f"own-{channel.id}-{entry_id(address)}",
            pattern=normalise(address),
            reason=OWN_ADDRESS_REASON,
            automatic=True,
            channel=channel.id,
            created_at=now,
        )
        for address in channel.own_addresses()
        if "*" not in address
    ]
    return {entry.id: entry for entry in entries}


def mending(there: Configuration, now: datetime) -> Mending:
    """What a crash, or a hand in the bucket, has left to mend."""
    wanted: dict[str, FilterEntry] = {}
    for channel in there.inbound_channels:
        wanted.update(own_entries(channel, now))
    present = {entry.id: entry for entry in there.filter.entries if entry.automatic}
    return Mending(
        missing=tuple(entry for id_, entry in wanted.items() if id_ not in present),
        superfluous=tuple(entry for id_, entry in present.items() if id_ not in wanted),
    )
