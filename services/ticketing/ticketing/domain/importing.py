"""Files one mail from before: on a ticket that is there, or on one that it opens.

It has the dates of its mailbox. It wakes no ticket, and its facts say that it was imported.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from postbus.contracts.guard import SendKind
from postbus.contracts.mail import Address, Confidence, MailKind, MailReceived, OpenAs
from postbus.contracts.sending import SendState
from postbus.contracts.tickets import CustomerRef, MessageFlag, QueueRef, TicketStatus
from ticketing.domain.closing import with_status
from ticketing.domain.facts import ticket_fact
from ticketing.domain.filing import Filing, is_automatic, message_of, ticket_of
from ticketing.domain.model import Delivery, Direction, Message, Ticket
from ticketing.domain.people import IsOwn, copied, people_of, with_people

FIRST_RECIPIENT: Final = "first-recipient"
_SENT_BEFORE: Final = "sent before it was imported"


def is_ours(mail: MailReceived, is_own: IsOwn) -> bool:
    """Whether we wrote the mail, and to somebody outside: an answer of before.

    What a colleague passed on by hand is the customer's, and what one of us wrote to us is inbound.
    """
    if mail.kind is MailKind.OWN:
        return True
    return is_own(mail.customer.address) and bool(outsiders(mail, is_own))


def outsiders(mail: MailReceived, is_own: IsOwn) -> tuple[Address, ...]:
    """Those whom the mail was written to and who are none of us."""
    return tuple(one for one in (*mail.to, *mail.cc) if not is_own(one.address))


def parties_of(mail: MailReceived, is_own: IsOwn) -> tuple[str, ...]:
    """Who takes part in a ticket with the mail on it, normalised."""
    if is_ours(mail, is_own):
        return tuple(dict.fromkeys(copied(outsiders(mail, is_own))))
    return people_of(mail, is_own)


def historic_message(mail: MailReceived, ticket_id: str, *, ours: bool) -> Message:
    """The mail as a message of when its mailbox got it; ours as one that was sent then."""
    at = mail.route.received_at
    message = message_of(mail, ticket_id, at)
    if not ours:
        return message
    automatic, kind = _what_we_sent(mail)
    return replace(
        message,
        direction=Direction.OUTBOUND,
        sender=mail.from_,
        automatic=automatic,
        kind=kind,
        delivery=Delivery(SendState.SENT, reason=_SENT_BEFORE, at=at),
    )


def open_historic(
    mail: MailReceived,
    message: Message,
    *,
    number: int,
    customer: CustomerRef,
    queue: QueueRef,
    people: tuple[str, ...],
    now: datetime,
) -> Filing:
    """A ticket of then, in the status that the import wants."""
    opened = ticket_of(mail, message, number=number, customer=customer, people=people)
    status = TicketStatus(mail.open_as or OpenAs.CLOSED)
    ticket = replace(with_status(opened, status, at=message.created_at), history=True)
    if message.direction is Direction.OUTBOUND:
        ticket = replace(
            ticket,
            customer_confidence=Confidence.LIKELY,
            customer_evidence=(FIRST_RECIPIENT,),
            customer_alternative=None,
            forwarded_by=None,
        )
    fact = ticket_fact(
        "opened", ticket, queue=queue, cause=message.id, message=message, imported_at=now
    )
    return Filing(ticket, message, (fact,))


def add_historic(
    message: Message,
    ticket: Ticket,
    *,
    queue: QueueRef,
    people: tuple[str, ...],
    flags: tuple[MessageFlag, ...],
    now: datetime,
) -> Filing:
    """One more message of then; the ticket stays in its status, and is no younger for it."""
    message = replace(message, flags=flags)
    after = ticket.with_message(message.id, at=message.created_at)
    if MessageFlag.STRANGER not in flags:
        after = with_people(after, people)
    if ticket.history:
        after = _as_old_as_its_mails(after, message)
    said = "agent-replied" if message.direction is Direction.OUTBOUND else "customer-replied"
    fact = ticket_fact(said, after, queue=queue, cause=message.id, message=message, imported_at=now)
    return Filing(after, message, (fact,))


def _as_old_as_its_mails(ticket: Ticket, message: Message) -> Ticket:
    """Mails of an import come in any order."""
    return replace(
        ticket,
        created_at=min(ticket.created_at, message.created_at),
        closed_at=ticket.updated_at if ticket.closed_at is not None else None,
    )


def _what_we_sent(mail: MailReceived) -> tuple[bool, str]:
    """Whether a machine of ours wrote it, and as what it was sent."""
    stamped = mail.stamp is not None and mail.kind is MailKind.OWN
    kind = mail.stamp.kind if mail.stamp is not None and stamped else ""
    if kind in (SendKind.RECEIPT, SendKind.NOTIFICATION):
        return True, kind
    automatic = mail.kind is not MailKind.OWN and is_automatic(mail)
    return automatic, SendKind.NOTIFICATION if automatic else SendKind.AGENT_REPLY
