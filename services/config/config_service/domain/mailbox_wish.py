"""What every mailbox that is set up in one call has, whoever its provider is."""

import re
from dataclasses import dataclass
from typing import Protocol, TypeVar

from postbus.contracts.configuration import (
    GraphSettings,
    History,
    ImapSettings,
    InboundChannel,
    OutboundChannel,
)
from postbus.mail.addresses import normalise

_LONGEST_ID = 63
_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")
Read = TypeVar("Read", ImapSettings, GraphSettings)


@dataclass(frozen=True)
class Server:
    """A host and a port."""

    host: str
    port: int

    @classmethod
    def of(cls, address: str) -> "Server":
        """Read from `host:port`."""
        host, _, port = address.rpartition(":")
        return cls(host, int(port))


@dataclass(frozen=True)
class MailboxWish:
    """What somebody wants set up; None: as usual."""

    address: str
    id: str | None = None
    name: str | None = None
    colour: str | None = None
    ticket_type: str | None = None
    from_name: str | None = None
    history: History | None = None
    after_fetch: str | None = None
    folders: tuple[str, ...] | None = None


def default_id(address: str) -> str:
    """A slug of the address, `support-xyz-com`; empty when nothing of it may stand in one."""
    return _NOT_IN_IDS.sub("-", address.lower()).strip("-")[:_LONGEST_ID].rstrip("-")


def default_name(address: str) -> str:
    """The part before the @, as a heading."""
    local = address.partition("@")[0]
    return (local[:1].upper() + local[1:])[:100]


class Ways(Protocol):
    """How both channels of a mailbox look and sign in, at one provider."""

    @property
    def again(self) -> bool:
        """Whether a mailbox that is there may be signed in anew by the same call."""

    def inbound(self, wish: MailboxWish) -> InboundChannel:
        """The channel that reads it, and answers via the outbound channel of its own id."""

    def outbound(self, wish: MailboxWish) -> OutboundChannel:
        """The channel that sends as it."""

    def inbound_again(self, present: InboundChannel) -> InboundChannel | None:
        """The channel that is there, signed in this way; None where it is of another kind."""

    def outbound_again(self, present: OutboundChannel, address: str) -> OutboundChannel | None:
        """The same of the one that sends; None where it does not send as the address this way."""


def read_as_wished(settings: Read, wish: MailboxWish) -> Read:
    """How the mailbox is read, with what was wished of it."""
    fetched = {"history": wish.history, "folders": wish.folders}
    named = {name: value for name, value in fetched.items() if value is not None}
    return type(settings).model_validate({**settings.model_dump(), **named})


def fields_of(wish: MailboxWish) -> dict[str, object]:
    """The fields that the channel which reads has whatever its kind is."""
    id_ = wish.id or default_id(wish.address)
    optional = {
        "colour": wish.colour,
        "ticket_type": wish.ticket_type,
        "after_fetch": wish.after_fetch,
    }
    return {
        "id": id_,
        "name": wish.name or default_name(wish.address),
        "address": wish.address,
        "reply_via": id_,
        **{name: value for name, value in optional.items() if value is not None},
    }


def sends_as(channel: OutboundChannel, address: str) -> bool:
    """Whether mail leaves the channel from that address."""
    sender = channel.from_address
    return sender is not None and normalise(sender) == normalise(address)
