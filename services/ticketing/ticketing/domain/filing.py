"""Files one mail: on a ticket that is there, or on a new one."""

from dataclasses import dataclass, replace
from datetime import datetime

from postbus.contracts.base import derived_id
from postbus.contracts.mail import MailKind, MailReceived
from postbus.contracts.tickets import CustomerRef, QueueRef, TicketStatus
from ticketing.domain.facts import ticket_fact
from ticketing.domain.model import Direction, Fact, Message, Ticket

_DESCRIPTION_LIMIT = 20_000
_ROBOTS = frozenset(MailKind) - {MailKind.HUMAN, MailKind.LIST, MailKind.MACHINE}


@dataclass(frozen=True)
class Filing:
    """The ticket after filing, the message that is now on it, what is to be told, the receipt."""

    ticket: Ticket
    message: Message
    facts: tuple[Fact, ...]
    receipt: Message | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        """All that is now on the ticket."""
        return (self.message,) if self.receipt is None else (self.message, self.receipt)


def message_key(mail: MailReceived, ticket_id: str) -> str:
    """The id of the mail as a message of that ticket; the same on every delivery and route."""
    return derived_id("message", ticket_id, mail.mail_id)


def open_ticket(
    mail: MailReceived,
    *,
    ticket_id: str,
    number: int,
    customer: CustomerRef,
    queue: QueueRef,
    now: datetime,
) -> Filing:
    """A new ticket: subject becomes title, body becomes description."""
    message = _message(mail, ticket_id, now)
    ticket = Ticket(
        id=ticket_id,
        number=number,
        title=mail.subject.strip() or "(no subject)",
        status=TicketStatus.NEW,
        queue=mail.queue,
        channel=mail.channel,
        ticket_type=mail.ticket_type,
        customer=customer,
        created_at=now,
        updated_at=now,
        first_message=message.id,
        description=mail.text[:_DESCRIPTION_LIMIT],
    ).with_message(message.id, at=now)
    fact = ticket_fact("opened", ticket, queue=queue, cause=message.id, message=message)
    return Filing(ticket, message, (fact,))


def add_to_ticket(mail: MailReceived, ticket: Ticket, *, queue: QueueRef, now: datetime) -> Filing:
    """One more message; a person's mail wakes a ticket that was waiting, solved or closed."""
    message = _message(mail, ticket.id, now)
    after = ticket.with_message(message.id, at=now)
    change: dict[str, object] = {}
    if not message.automatic and ticket.status not in (TicketStatus.NEW, TicketStatus.OPEN):
        after = replace(after, status=TicketStatus.OPEN)
        change = {"status": [ticket.status, TicketStatus.OPEN]}
    fact = ticket_fact(
        "customer-replied", after, queue=queue, cause=message.id, message=message, change=change
    )
    return Filing(after, message, (fact,))


def _message(mail: MailReceived, ticket_id: str, now: datetime) -> Message:
    return Message(
        id=message_key(mail, ticket_id),
        ticket_id=ticket_id,
        direction=Direction.INBOUND,
        automatic=mail.kind in _ROBOTS,
        sender=mail.customer,
        to=mail.to,
        cc=mail.cc,
        subject=mail.subject,
        text=mail.text,
        full_text=mail.full_text,
        html=mail.html,
        content=mail.content,
        created_at=now,
        attachments=mail.attachments,
        message_id=mail.message_id,
        references=tuple(dict.fromkeys((*mail.references, *mail.in_reply_to))),
        kind=mail.kind,
        raw=mail.raw,
    )
