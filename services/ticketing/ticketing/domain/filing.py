"""Files one mail: on a ticket that is there, or on a new one."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from postbus.contracts.base import JsonObject, derived_id
from postbus.contracts.mail import Address, MailKind, MailReceived
from postbus.contracts.tickets import CustomerRef, MessageFlag, QueueRef, TicketStatus
from postbus.mail.addresses import normalise
from ticketing.domain.closing import following, with_status
from ticketing.domain.facts import ticket_fact
from ticketing.domain.model import Direction, Fact, Message, Ticket
from ticketing.domain.people import IsOwn, is_stranger_with_token, with_people

BURST_TAG: Final = "burst"
"""Of the tickets that a sender opens beyond `tickets_hour`; agents may take it off (L14)."""
_DESCRIPTION_LIMIT = 20_000
_ROBOTS = frozenset(MailKind) - {MailKind.HUMAN, MailKind.LIST, MailKind.MACHINE}
_AWAKE = (TicketStatus.NEW, TicketStatus.OPEN)


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


def message_keys(mail: MailReceived, ticket: Ticket) -> tuple[str, ...]:
    """The ids that the mail may have on the ticket, which it may have come to with another one."""
    return tuple(message_key(mail, one) for one in (ticket.id, *ticket.absorbed))


def is_automatic(mail: MailReceived) -> bool:
    """No person wrote it, so it wakes nothing."""
    return mail.kind in _ROBOTS


def title_of(mail: MailReceived) -> str:
    """What a ticket that the mail opens is called."""
    return mail.subject.strip() or "(no subject)"


def description_of(mail: MailReceived) -> str:
    """The words that a ticket is opened with."""
    return mail.text[:_DESCRIPTION_LIMIT]


def open_ticket(
    mail: MailReceived,
    *,
    ticket_id: str,
    number: int,
    customer: CustomerRef,
    queue: QueueRef,
    now: datetime,
    people: tuple[str, ...] = (),
    follows: Ticket | None = None,
    is_burst: bool = False,
) -> Filing:
    """A new ticket: subject becomes title, body becomes description.

    ``is_burst`` says that its sender opened very many before it: tag and flag tell agents so.
    """
    message = message_of(mail, ticket_id, now)
    change: JsonObject = {}
    if is_burst:
        message = replace(message, flags=(MessageFlag.BURST,))
        change = {"tags": [[], [BURST_TAG]]}
    ticket = ticket_of(mail, message, number=number, customer=customer, people=people)
    ticket = replace(ticket, tags=(BURST_TAG,)) if is_burst else ticket
    if follows is not None:
        ticket = following(ticket, follows)
    fact = ticket_fact(
        "opened", ticket, queue=queue, cause=message.id, message=message, change=change
    )
    return Filing(ticket, message, (fact,))


def ticket_of(
    mail: MailReceived,
    message: Message,
    *,
    number: int,
    customer: CustomerRef,
    people: tuple[str, ...],
) -> Ticket:
    """The ticket that a mail opens, with that message on it and from its time on."""
    return Ticket(
        id=message.ticket_id,
        number=number,
        title=title_of(mail),
        status=TicketStatus.NEW,
        queue=mail.queue,
        channel=mail.channel,
        ticket_type=mail.ticket_type,
        customer=customer,
        created_at=message.created_at,
        updated_at=message.created_at,
        first_message=message.id,
        description=description_of(mail),
        participants=people,
        customer_confidence=mail.customer_confidence,
        customer_evidence=mail.customer_evidence,
        customer_alternative=alternative_of(mail),
        forwarded_by=message.forwarded_by,
    ).with_message(message.id, at=message.created_at)


def add_to_ticket(
    mail: MailReceived,
    ticket: Ticket,
    *,
    queue: QueueRef,
    now: datetime,
    people: tuple[str, ...] = (),
    flags: tuple[MessageFlag, ...] = (),
) -> Filing:
    """One more message; a person's mail wakes a ticket that was waiting, solved or closed.

    ``people`` take part from now on, unless the mail is of a stranger: a token makes nobody one of
    us, and whom a stranger writes to neither.
    """
    message = replace(message_of(mail, ticket.id, now), flags=flags)
    counted = ticket.with_message(message.id, at=now)
    # Where a person writes today, the ticket is of today.
    after = replace(counted, history=ticket.history and message.automatic)
    if MessageFlag.STRANGER not in flags:
        after = with_people(after, people)
    change: dict[str, object] = {}
    if not message.automatic and ticket.status not in _AWAKE:
        after = with_status(after, TicketStatus.OPEN, at=now)
        change = {"status": [ticket.status, TicketStatus.OPEN]}
    fact = ticket_fact(
        "customer-replied", after, queue=queue, cause=message.id, message=message, change=change
    )
    return Filing(after, message, (fact,))


def flags_of(
    mail: MailReceived, ticket: Ticket, is_own: IsOwn, *, refers_elsewhere: bool
) -> tuple[MessageFlag, ...]:
    """What agents should know of a mail before they act on it."""
    stranger = not is_automatic(mail) and is_stranger_with_token(mail, ticket, is_own)
    flags = {MessageFlag.STRANGER: stranger, MessageFlag.OTHER_TICKET: refers_elsewhere}
    return tuple(flag for flag, holds in flags.items() if holds)


def alternative_of(mail: MailReceived) -> Address | None:
    """Who else may be the customer: who passed the mail on, or whose mail was passed on."""
    others: tuple[Address, ...] = (mail.from_,)
    if mail.forwarded is not None:
        others = (*others, mail.forwarded.author)
    for one in others:
        if normalise(one.address) not in ("", normalise(mail.customer.address)):
            return one
    return None


def message_of(mail: MailReceived, ticket_id: str, now: datetime) -> Message:
    """The mail as a message of a ticket."""
    return Message(
        id=message_key(mail, ticket_id),
        ticket_id=ticket_id,
        direction=Direction.INBOUND,
        automatic=is_automatic(mail),
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
        meant_for=mail.meant_for,
        raw=mail.raw,
        customer_confidence=mail.customer_confidence,
        customer_evidence=mail.customer_evidence,
        forwarded_by=mail.forwarded.by if mail.forwarded else None,
        calendar=mail.calendar,
        protection=mail.protection,
        problems=mail.problems,
        reread_at=mail.reread_at,
        released_by=mail.released.by if mail.released else "",
    )
