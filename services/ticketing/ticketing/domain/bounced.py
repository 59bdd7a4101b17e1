"""Mail that comes back for a mail of ours: bounces, absence notes, complaints.

It is the outcome of that mail. It opens no ticket, wakes none, and nobody is told that it arrived.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from postbus.contracts.guard import SendKind
from postbus.contracts.mail import BouncedRecipient, MailKind, MailReceived
from postbus.contracts.sending import SendOutcome, SendState
from postbus.mail.addresses import normalise
from postbus.tokens import Stamp
from ticketing.domain.model import Delivery, Message, Report, Ticket

_COMES_BACK: Final = frozenset((
    MailKind.BOUNCE, MailKind.FEEDBACK_REPORT, MailKind.AUTO_REPLY, MailKind.AUTO_GENERATED,
))  # fmt: skip
_TOKEN: Final = re.compile(r"(?<![a-z2-7])[a-z2-7]{32}(?![a-z2-7])", re.IGNORECASE)
_BODY_CHARACTERS: Final = 64 * 1024

ReadStamp = Callable[[str], Stamp | None]


def may_be_report(mail: MailReceived) -> bool:
    """Whether a mail of this kind is the outcome of a mail of ours, if it came back for one."""
    return mail.kind in _COMES_BACK


def returned_ids(mail: MailReceived) -> tuple[str, ...]:
    """Message-IDs that may be that of the mail it came back for, the likeliest first."""
    returned = mail.bounce.message_id if mail.bounce else None
    ids = (returned or "", *mail.in_reply_to, *reversed(mail.references))
    return tuple(dict.fromkeys(one for one in ids if one))


def tokens_of(mail: MailReceived, read: ReadStamp) -> tuple[str, ...]:
    """Our verified stamps in the mail as they are written, the surest place first."""
    places = (
        *returned_ids(mail),
        *mail.route.envelope_to,
        *(one.address for one in (*mail.to, *mail.cc)),
        mail.full_text[:_BODY_CHARACTERS],
    )
    found = (token.lower() for place in places for token in _TOKEN.findall(place))
    return tuple(token for token in dict.fromkeys(found) if read(token) is not None)


def answered(
    mail: MailReceived, sent: Sequence[Message], *, tokens: Sequence[str]
) -> Message | None:
    """Which outgoing message the mail came back for; None if that cannot be said.

    ``sent`` are those of its ticket, the newest first. The returned Message-ID says it, else our
    stamp, else who was written to.
    """
    by_id = {one.message_id: one for one in sent}
    for message_id in returned_ids(mail):
        if message_id in by_id:
            return by_id[message_id]
    for token in tokens:
        for one in sent:
            if f".{token}." in (one.message_id or ""):
                return one
    missed = {normalise(one) for one in _about(mail)}
    return next((one for one in sent if missed & _recipients(one)), None)


def reports_of(mail: MailReceived, about: Message, message_id: str) -> tuple[Report, ...]:
    """What the mail, which is `message_id` on the ticket, says of the outgoing message."""
    at = mail.route.received_at
    if mail.kind is not MailKind.BOUNCE:
        return (Report(message_id, mail.mail_id, mail.kind, at, mail.from_.address),)
    return tuple(
        Report(
            message_id,
            mail.mail_id,
            mail.kind,
            at,
            address=one.address,
            action=one.action,
            status=one.status,
            hard=one.hard,
            diagnostic=one.diagnostic,
        )
        for one in _bounced(mail, about)
    )


def bounced(
    mail: MailReceived, about: Message, delivery: Delivery, *, ticket: Ticket, reply_via: str
) -> SendOutcome | None:
    """The fact that a mail of ours bounced; None where the report is of no failure.

    ``reply_via`` is the outbound channel to name where the message does not say which it took yet.
    """
    failed = tuple(one for one in _bounced(mail, about) if one.action == "failed")
    if mail.kind is not MailKind.BOUNCE or not failed:
        return None
    return SendOutcome(
        send_id=about.id,
        ticket_number=ticket.number,
        queue=ticket.queue,
        message_id=about.message_id or "",
        kind=SendKind(about.kind),
        automatic=about.automatic,
        state=SendState.BOUNCED,
        outbound_channel=delivery.outbound_channel or reply_via,
        from_address=about.sender.address,
        recipients=tuple(one.address for one in failed),
        reason=delivery.reason,
        bounced=failed,
        attempt=delivery.attempt,
        at=mail.route.received_at,
    )


def _bounced(mail: MailReceived, about: Message) -> tuple[BouncedRecipient, ...]:
    """Those the report names; where it names nobody, everybody the mail was for."""
    if mail.bounce is not None and mail.bounce.recipients:
        return mail.bounce.recipients
    return tuple(BouncedRecipient(address=one.address) for one in (*about.to, *about.cc))


def _about(mail: MailReceived) -> tuple[str, ...]:
    if mail.kind is not MailKind.BOUNCE:
        return (mail.from_.address,)
    named = mail.bounce.recipients if mail.bounce else ()
    return tuple(
        address for one in named for address in (one.original_address, one.address) if address
    )


def _recipients(message: Message) -> set[str]:
    return {normalise(one.address) for one in (*message.to, *message.cc)}
