"""Whom a mail is from, for people (From) and for mail systems (MAIL FROM, RFC 5321 §4.1.1.2).

From is the address that the customer wrote to, where the channel may send as that; else the
channel's own. Bounces go to MAIL FROM: of the relay it is an address of ours with the stamp as its
tag (VERP), so that a bounce which returns nothing of the mail still finds it; elsewhere it is the
account's own address, since other servers refuse another.
"""

from dataclasses import dataclass

from postbus.configuration import Configuration
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.sending import SendRequested
from postbus.mail.addresses import normalise, with_fewer_tags

_MOST_LOCAL = 64
"""Octets of a local part (RFC 5321 §4.5.3.1.1); some servers refuse mail to a longer one."""


@dataclass(frozen=True)
class Sender:
    """The address of From, and the one that bounces go to."""

    address: str
    envelope: str


def usual_sender(request: SendRequested, outbound: OutboundChannel) -> Sender:
    """The channel's own address; on the relay without one that of the inbound channel."""
    address = outbound.from_address or request.reply_address.address
    return Sender(address, address)


def sender_of(
    request: SendRequested,
    outbound: OutboundChannel,
    configuration: Configuration,
    *,
    bounce_address: str | None = None,
) -> Sender:
    """As this module says; `bounce_address` is one of ours for the bounces of the relay."""
    usual = usual_sender(request, outbound)
    address = _alias(request, outbound, configuration) or usual.address
    envelope = usual.envelope
    if outbound.kind == "relay":
        envelope = _verp(request, configuration, bounce_address) or address
    return Sender(address, envelope)


def _alias(
    request: SendRequested, outbound: OutboundChannel, configuration: Configuration
) -> str | None:
    """What the customer wrote to, without its tags, where the channel may send as that."""
    if request.meant_for is None:
        return None
    allowed = outbound.aliases
    inbound = configuration.inbound(request.channel)
    if outbound.kind == "relay" and outbound.from_address is None and inbound is not None:
        allowed = (*allowed, *inbound.own_addresses())
    known = {normalise(one): one for one in allowed}
    written_to = with_fewer_tags(normalise(request.meant_for))
    return next((known[one] for one in written_to if one in known), None)


def _verp(
    request: SendRequested, configuration: Configuration, bounce_address: str | None
) -> str | None:
    """An address that our own door takes mail for, with the stamp; None where there is none."""
    inbound = configuration.inbound(request.channel)
    own = inbound.forward.creation_addresses if inbound and inbound.forward else ()
    taken_by = configuration.channel_of_address(bounce_address) if bounce_address else None
    if bounce_address and taken_by is not None and taken_by.forward is not None:
        own = (bounce_address, *own)
    tagged = (with_stamp(one, request.stamp) for one in own if "*" not in one)
    return next((one for one in tagged if one is not None), None)


def with_stamp(address: str, stamp: str) -> str | None:
    """The address with the stamp as its tag (RFC 5233); None where it would be too long."""
    local, _, domain = address.rpartition("@")
    tagged = f"{local}+{stamp}"
    return f"{tagged}@{domain}" if len(tagged.encode()) <= _MOST_LOCAL else None
