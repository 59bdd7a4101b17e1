"""Both channels of a mailbox beside what is there: new, taken up again, or signed in anew."""

from dataclasses import dataclass
from datetime import datetime

from config_service.domain.mailbox_wish import MailboxWish, Ways
from config_service.domain.references import inbound_refusal
from config_service.domain.refusals import Reason, Refusal
from postbus.configuration import Configuration
from postbus.contracts.configuration import InboundChannel, OutboundChannel
from postbus.mail.addresses import normalise


@dataclass(frozen=True)
class Plan:
    """The channels as they are to be; `is_new`: the mailbox is not there yet."""

    inbound: InboundChannel
    outbound: OutboundChannel | None
    is_new: bool


def plan_of(wish: MailboxWish, ways: Ways, there: Configuration) -> Plan | Refusal:
    """What is to be written; pydantic's ValidationError when the wish makes no channel."""
    present = _mailbox_of(wish.address, there)
    if present is not None and ways.again and wish.id in (None, present.id):
        anew = _signed_in_anew(present, ways, there)
        return anew if anew is not None else _address_taken(present)
    new = _new(wish, ways, there)
    if present is not None and _is_there(new, there):
        # The same call once more: its first answer was lost on the way.
        return Plan(present, new.outbound, is_new=False)
    refusal = _address_taken(present) if present else _refusal(new, ways, there)
    return refusal if refusal is not None else new


def _mailbox_of(address: str, there: Configuration) -> InboundChannel | None:
    """The mailbox that is read and has this very address."""
    wanted = normalise(address)
    found = (
        one
        for one in there.inbound_channels
        if one.mailbox is not None and one.address is not None and normalise(one.address) == wanted
    )
    return next(found, None)


def _new(wish: MailboxWish, ways: Ways, there: Configuration) -> Plan:
    inbound, outbound = ways.inbound(wish), ways.outbound(wish)
    present = there.outbound(outbound.id)
    kept = ways.outbound_again(present, wish.address) if present is not None else None
    if kept is not None:
        # Of an attempt that was cut short, or made by hand: it stays, with the new sign-in.
        name = wish.from_name or kept.from_name
        outbound = kept.model_copy(update={"from_name": name, "enabled": True})
    return Plan(inbound, outbound, is_new=True)


def _is_there(plan: Plan, there: Configuration) -> bool:
    """Whether both channels are as planned; since when the mailbox is read is nobody's wish."""
    present = there.inbound(plan.inbound.id)
    return (
        present is not None
        and read_since(present, None) == plan.inbound
        and plan.outbound is not None
        and there.outbound(plan.outbound.id) == plan.outbound
    )


def read_since(channel: InboundChannel, since: datetime | None) -> InboundChannel:
    """The channel, its mailbox read from another day; as it is where it has none."""
    if channel.mailbox is None:
        return channel
    mailbox = channel.mailbox.model_copy(update={"since": since})
    return channel.model_copy(update={channel.kind: mailbox})


def _refusal(plan: Plan, ways: Ways, there: Configuration) -> Refusal | None:
    # The outbound channel that answers go via is written with it, so it may be missing yet.
    beside = plan.inbound.model_copy(update={"reply_via": None})
    refusal = inbound_refusal(beside, there)
    if refusal is not None:
        return refusal
    id_ = plan.inbound.id
    if there.inbound(id_) is not None:
        return _taken("inbound", id_)
    present = there.outbound(id_)
    if present is not None and ways.outbound_again(present, plan.inbound.address or "") is None:
        return _taken("outbound", id_)
    return None


def _address_taken(present: InboundChannel) -> Refusal:
    detail = (
        f"{present.address} belongs to the inbound channel {present.id}; to change how it signs "
        "in, change that channel."
    )
    return Refusal(Reason.ADDRESS_TAKEN, detail, "#/address")


def _taken(direction: str, id_: str) -> Refusal:
    detail = f"There is an {direction} channel {id_} already; give another `id`."
    return Refusal(Reason.ALREADY_EXISTS, detail, "#/id")


def _signed_in_anew(present: InboundChannel, ways: Ways, there: Configuration) -> Plan | None:
    """All stays but how it signs in, and that at its own outbound channel as well."""
    inbound = ways.inbound_again(present)
    if inbound is None:
        return None
    candidates = (there.outbound(id_) for id_ in (present.reply_via, present.id) if id_)
    signed_in = (ways.outbound_again(one, present.address or "") for one in candidates if one)
    return Plan(inbound, next((one for one in signed_in if one), None), is_new=False)
