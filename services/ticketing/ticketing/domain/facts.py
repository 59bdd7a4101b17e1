"""Facts as events: ids derived from their cause, so that telling again tells the same.

The fact that something is to be sent is not made here but in `outgoing`, which importing has not.
"""

from datetime import datetime

from postbus.contracts.base import Contract, JsonObject, derived_id
from postbus.contracts.mail import Address
from postbus.contracts.sending import SendOutcome
from postbus.contracts.tickets import (
    MessageBrief,
    QueueRef,
    TicketFact,
    TicketLink,
    TicketView,
)
from ticketing.domain.model import Fact, Message, Ticket


def view(ticket: Ticket, queue: QueueRef) -> TicketView:
    """The ticket as events and the API show it."""
    return TicketView(
        number=ticket.number,
        title=ticket.title,
        status=ticket.status,
        queue=queue,
        ticket_type=ticket.ticket_type,
        customer=ticket.customer,
        assignee=ticket.assignee,
        priority=ticket.priority,
        tags=ticket.tags,
        created_at=ticket.created_at,
        updated_at=ticket.updated_at,
        message_count=ticket.message_count,
        links=tuple(TicketLink(number=one.number, relation=one.relation) for one in ticket.links),
        merged_into=ticket.merged_into,
        customer_confidence=ticket.customer_confidence,
        customer_evidence=ticket.customer_evidence,
        customer_alternative=ticket.customer_alternative,
        forwarded_by=ticket.forwarded_by,
    )


def ticket_fact(
    type_: str,
    ticket: Ticket,
    *,
    queue: QueueRef,
    cause: str,
    message: Message | None = None,
    change: JsonObject | None = None,
    by: str = "",
    imported_at: datetime | None = None,
) -> Fact:
    """`postbus.ticket.<type_>.<queue>`; `cause` is the id of the mail or request behind it.

    ``imported_at`` is given for mail from before: it happened long ago and is untold since now.
    Without ``by`` it is whoever released the mail that the message is, if somebody did.
    """
    data = TicketFact(
        ticket=view(ticket, queue),
        change=change or {},
        message=_brief(message) if message else None,
        by=by or (message.released_by if message else ""),
        imported=imported_at is not None,
    )
    type_ = f"postbus.ticket.{type_}"
    return fact_of(type_, queue.id, ticket, data, cause=cause, at=imported_at)


def send_bounced(ticket: Ticket, outcome: SendOutcome, *, cause: str) -> Fact:
    """`postbus.send.bounced.<outbound>`; `cause` is the id of the bounce on the ticket."""
    type_ = "postbus.send.bounced"
    return fact_of(type_, outcome.outbound_channel, ticket, outcome, cause=cause)


def fact_of(
    type_: str,
    last_token: str,
    ticket: Ticket,
    data: Contract,
    *,
    cause: str,
    at: datetime | None = None,
) -> Fact:
    """A fact about a ticket, untold since `at` or the ticket's last change."""
    return Fact(
        at=at or ticket.updated_at,
        event_id=derived_id(type_, ticket.id, cause),
        type=type_,
        last_token=last_token,
        about=f"tickets/{ticket.number}",
        data_json=data.model_dump_json(by_alias=True),
    )


def _brief(message: Message) -> MessageBrief:
    return MessageBrief(
        id=message.id,
        direction=message.direction,
        automatic=message.automatic,
        kind=message.kind,
        flags=message.flags,
        message_id=message.message_id,
        from_=Address(name=message.sender.name, address=message.sender.address),
        subject=message.subject,
        attachments=message.attachments,
    )
