"""Both channels of a Gmail mailbox beside what is there: new, taken up again, or signed in anew."""

from dataclasses import dataclass

from config_service.domain.gmail import (
    GmailServers,
    MailboxWish,
    imap_of,
    inbound_of,
    outbound_of,
    smtp_of,
)
from config_service.domain.references import inbound_refusal
from config_service.domain.refusals import Reason, Refusal
from postbus.configuration import Configuration
from postbus.contracts.configuration import ImapAuth, InboundChannel, OutboundChannel, SmtpAuth
from postbus.mail.addresses import normalise


@dataclass(frozen=True)
class Ways:
    """How both channels sign in; `again`: a mailbox that is there may be signed in anew."""

    imap: ImapAuth
    smtp: SmtpAuth
    again: bool = False


BY_APP_PASSWORD = Ways(ImapAuth.APP_PASSWORD, SmtpAuth.PASSWORD)
BY_CONSENT = Ways(ImapAuth.GOOGLE_OAUTH, SmtpAuth.XOAUTH2, again=True)
BY_KEY = Ways(ImapAuth.GOOGLE_SERVICE_ACCOUNT, SmtpAuth.XOAUTH2, again=True)


@dataclass(frozen=True)
class Plan:
    """The channels as they are to be; `is_new`: the mailbox is not there yet."""

    inbound: InboundChannel
    outbound: OutboundChannel | None
    is_new: bool


def plan_of(
    wish: MailboxWish, ways: Ways, servers: GmailServers, there: Configuration
) -> Plan | Refusal:
    """What is to be written; pydantic's ValidationError when the wish makes no channel."""
    present = _mailbox_of(wish.address, there)
    if present is not None and ways.again and wish.id in (None, present.id):
        return _signed_in_anew(present, ways, servers, there)
    new = _new(wish, ways, servers, there)
    if present is not None and _is_there(new, there):
        # The same call once more: its first answer was lost on the way.
        return Plan(present, new.outbound, is_new=False)
    refusal = _address_taken(present) if present else _refusal(new, there)
    return refusal if refusal is not None else new


def _mailbox_of(address: str, there: Configuration) -> InboundChannel | None:
    """The mailbox that is read and has this very address."""
    wanted = normalise(address)
    found = (
        one
        for one in there.inbound_channels
        if one.imap is not None and one.address is not None and normalise(one.address) == wanted
    )
    return next(found, None)


def _new(wish: MailboxWish, ways: Ways, servers: GmailServers, there: Configuration) -> Plan:
    inbound = inbound_of(wish, servers, ways.imap)
    outbound = outbound_of(wish, servers, ways.smtp)
    present = there.outbound(outbound.id)
    if present is not None and _sends_as(present, wish.address):
        # Of an attempt that was cut short, or made by hand: it stays, with the new sign-in.
        kept = {"smtp": outbound.smtp, "from_name": wish.from_name or present.from_name}
        outbound = present.model_copy(update={**kept, "enabled": True})
    return Plan(inbound, outbound, is_new=True)


def _is_there(plan: Plan, there: Configuration) -> bool:
    """Whether both channels are as planned; since when the mailbox is read is nobody's wish."""
    present = there.inbound(plan.inbound.id)
    if present is not None and present.imap is not None:
        imap = present.imap.model_copy(update={"since": None})
        present = present.model_copy(update={"imap": imap})
    return (
        present == plan.inbound
        and plan.outbound is not None
        and there.outbound(plan.outbound.id) == plan.outbound
    )


def _refusal(plan: Plan, there: Configuration) -> Refusal | None:
    # The outbound channel that answers go via is written with it, so it may be missing yet.
    beside = plan.inbound.model_copy(update={"reply_via": None})
    refusal = inbound_refusal(beside, there)
    if refusal is not None:
        return refusal
    id_ = plan.inbound.id
    if there.inbound(id_) is not None:
        return _taken("inbound", id_)
    present = there.outbound(id_)
    if present is not None and not _sends_as(present, plan.inbound.address or ""):
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


def _signed_in_anew(
    present: InboundChannel, ways: Ways, servers: GmailServers, there: Configuration
) -> Plan:
    """All stays but how it signs in, and that at its own outbound channel as well."""
    address = present.address or ""
    sign_in = imap_of(address, servers, ways.imap)
    fields = ("host", "port", "tls", "username", "auth", "ca_certificates")
    imap = (present.imap or sign_in).model_copy(
        update={field: getattr(sign_in, field) for field in fields}
    )
    candidates = (there.outbound(id_) for id_ in (present.reply_via, present.id) if id_)
    outbound = next((one for one in candidates if one and _sends_as(one, address)), None)
    return Plan(
        present.model_copy(update={"imap": imap}),
        outbound and outbound.model_copy(update={"smtp": smtp_of(address, servers, ways.smtp)}),
        is_new=False,
    )


def _sends_as(channel: OutboundChannel, address: str) -> bool:
    sender = channel.from_address
    return (
        channel.kind == "gmail" and sender is not None and (normalise(sender) == normalise(address))
    )
