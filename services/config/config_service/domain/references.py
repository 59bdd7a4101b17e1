"""What documents say of one another, and what may therefore not be done."""

from config_service.domain.own_entries import Channel, holder_of
from config_service.domain.refusals import Reason, Refusal
from postbus.configuration import Configuration
from postbus.configuration.snapshot import RELAY_ID
from postbus.contracts.configuration import (
    Agent,
    ApiToken,
    FilterEntry,
    InboundChannel,
    OutboundChannel,
    Scope,
    TicketType,
)
from postbus.mail.addresses import normalise


def inbound_refusal(channel: InboundChannel, there: Configuration) -> Refusal | None:
    """Why this inbound channel cannot be kept beside what is there."""
    return _missing_reference(channel, there) or _address_refusal(channel, there)


def _missing_reference(channel: InboundChannel, there: Configuration) -> Refusal | None:
    if channel.reply_via is not None and there.outbound(channel.reply_via) is None:
        detail = f"There is no outbound channel {channel.reply_via}."
        return Refusal(Reason.UNKNOWN_REFERENCE, detail, "#/reply_via")
    if there.ticket_type(channel.ticket_type) is None:
        detail = f"There is no ticket type {channel.ticket_type}."
        return Refusal(Reason.UNKNOWN_REFERENCE, detail, "#/ticket_type")
    return None


def _address_refusal(channel: InboundChannel, there: Configuration) -> Refusal | None:
    taken = {
        normalise(address): other.id
        for other in there.inbound_channels
        if other.id != channel.id
        for address in other.own_addresses()
    }
    for address in channel.own_addresses():
        pointer = "#/address" if address == channel.address else "#/forward/creation_addresses"
        if "*" in address:
            detail = f"{address} stands for many addresses; name one."
            return Refusal(Reason.ADDRESS_NOT_USABLE, detail, pointer)
        owner = taken.get(normalise(address))
        if owner is not None:
            detail = f"{address} belongs to the inbound channel {owner}."
            return Refusal(Reason.ADDRESS_TAKEN, detail, pointer)
    return None


def kind_refusal(before: Channel, after: Channel) -> Refusal | None:
    """Why a channel cannot become this: what is known of one kind says nothing of another."""
    if before.kind == after.kind:
        return None
    detail = f"{before.id} stays of the kind {before.kind}; make another channel."
    return Refusal(Reason.PROTECTED, detail, "#/kind")


def outbound_removal_refusal(channel: OutboundChannel, there: Configuration) -> Refusal | None:
    """Why this outbound channel cannot be removed.

    An inbound channel without `reply_via` uses the outbound channel of its own id: removing that
    one would send its answers from another address without anybody having said so.
    """
    if channel.id == RELAY_ID:
        return Refusal(Reason.PROTECTED, "The relay carries what no other channel does; it stays.")
    users = [
        inbound.id
        for inbound in there.inbound_channels
        if (inbound.reply_via or inbound.id) == channel.id
    ]
    if users:
        detail = f"Answers of {', '.join(users)} go via {channel.id}; choose another one first."
        return Refusal(Reason.IN_USE, detail)
    return None


def relay_refusal(channel: OutboundChannel) -> Refusal | None:
    """Why an outbound channel cannot be made under this id."""
    if channel.id == RELAY_ID and channel.kind != "relay":
        return Refusal(Reason.PROTECTED, "The relay stays a relay.", "#/kind")
    return None


def ticket_type_removal_refusal(type_: TicketType, there: Configuration) -> Refusal | None:
    """Why this ticket type cannot be removed."""
    users = [one.id for one in there.inbound_channels if one.ticket_type == type_.id]
    if users:
        return Refusal(Reason.IN_USE, f"Mail of {', '.join(users)} becomes {type_.id}.")
    return None


def filter_removal_refusal(entry: FilterEntry, there: Configuration) -> Refusal | None:
    """Why this filter entry cannot be removed by hand."""
    channel = holder_of(entry, there)
    if channel is None:
        return None
    role = "inbound" if isinstance(channel, InboundChannel) else "outbound"
    detail = (
        f"{entry.pattern} is an address of the {role} channel {channel.id}; mail to it would come "
        "straight back. The entry goes when the channel no longer has that address."
    )
    return Refusal(Reason.PROTECTED, detail)


def token_agent_refusal(agent_id: str | None, there: Configuration) -> Refusal | None:
    """Why a token cannot be that agent's."""
    if agent_id is None or there.agent(agent_id) is not None:
        return None
    return Refusal(Reason.UNKNOWN_REFERENCE, f"There is no agent {agent_id}.", "#/agent")


def token_removal_refusal(token: ApiToken, there: Configuration) -> Refusal | None:
    """Why this token cannot be revoked."""
    admins = [one.id for one in there.tokens if one.scope is Scope.ADMIN]
    if admins == [token.id]:
        return Refusal(Reason.PROTECTED, "The last admin token stays; make another one first.")
    return None


def agent_refusal(agent: Agent, there: Configuration) -> Refusal | None:
    """Why this agent cannot be kept beside what is there.

    Mail to an address of ours would come straight back as a ticket, of which agents are notified;
    to one on the filter it would never leave, and nobody would know why.
    """
    unknown = next((one for one in agent.queues if there.inbound(one) is None), None)
    if unknown is not None:
        detail = f"There is no queue {unknown}."
        return Refusal(Reason.UNKNOWN_REFERENCE, detail, "#/queues")
    return _agent_address_refusal(agent, there)


def _agent_address_refusal(agent: Agent, there: Configuration) -> Refusal | None:
    address, pointer = agent.address, "#/address"
    if "*" in address:
        detail = f"{address} stands for many addresses; name one."
        return Refusal(Reason.ADDRESS_NOT_USABLE, detail, pointer)
    if there.is_own(address):
        detail = f"{address} is an address of our own; mail to it would come straight back."
        return Refusal(Reason.ADDRESS_NOT_USABLE, detail, pointer)
    entry = there.filter.match(address)
    if entry is not None:
        detail = f"{address} is on the outgoing mail filter ({entry.pattern}), so nothing is sent."
        return Refusal(Reason.ADDRESS_NOT_USABLE, detail, pointer)
    other = there.agent_of_address(address)
    if other is not None and other.id != agent.id:
        detail = f"{address} is the address of the agent {other.id}."
        return Refusal(Reason.ADDRESS_TAKEN, detail, pointer)
    return None


def agent_removal_refusal(agent: Agent, there: Configuration) -> Refusal | None:
    """Why this agent cannot be removed."""
    users = sorted(one.name for one in there.tokens if one.agent == agent.id)
    if users:
        detail = f"The tokens of {', '.join(users)} are hers; revoke them, or disable the agent."
        return Refusal(Reason.IN_USE, detail)
    return None


def creation_addresses(type_: TicketType, there: Configuration) -> tuple[str, ...]:
    """The addresses to which mail becomes a ticket of this type."""
    return tuple(
        address
        for channel in there.inbound_channels
        if channel.ticket_type == type_.id and channel.enabled
        for address in channel.own_addresses()
    )
