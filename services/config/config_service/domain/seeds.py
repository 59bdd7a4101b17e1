"""What a new Postbus starts with."""

from datetime import datetime

from config_service.domain.own_entries import own_entries
from postbus.configuration.snapshot import RELAY_ID
from postbus.contracts.base import Contract
from postbus.contracts.configuration import (
    ForwardSettings,
    InboundChannel,
    OutboundChannel,
    TicketType,
)

SUPPORT = "support"


def seeds(mail_domain: str, now: datetime) -> tuple[tuple[str, str, Contract], ...]:
    """Kind, id and document, in the order they are to be written: what is named comes first."""
    address = f"{SUPPORT}@{mail_domain}"
    channel = InboundChannel(
        id=SUPPORT,
        name="Support",
        kind="forward",
        address=address,
        ticket_type=SUPPORT,
        forward=ForwardSettings(creation_addresses=(address,)),
    )
    return (
        ("ticket-types", SUPPORT, TicketType(id=SUPPORT, name="Support")),
        ("outbound-channels", RELAY_ID, OutboundChannel(id=RELAY_ID, name="Relay", kind="relay")),
        *(("outbound-filter", id_, entry) for id_, entry in own_entries(channel, now).items()),
        ("inbound-channels", SUPPORT, channel),
    )
