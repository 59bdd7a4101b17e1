"""What an answer to a closed ticket does: opens it again, or opens a new one linked to it."""

from dataclasses import replace
from datetime import datetime, timedelta

from postbus.contracts.configuration import InboundChannel, ReplyToClosed
from postbus.contracts.tickets import Relation, TicketStatus
from ticketing.domain.model import Link, Ticket


def wants_new_ticket(ticket: Ticket, queue: InboundChannel | None, *, now: datetime) -> bool:
    """Whether a person's answer to the ticket opens a new one, as its queue says."""
    if ticket.status is not TicketStatus.CLOSED or queue is None:
        return False
    if queue.on_reply_to_closed is ReplyToClosed.NEW_LINKED:
        return True
    if queue.reopen_for_days is None:
        return False
    closed_at = ticket.closed_at or ticket.updated_at
    return now - closed_at > timedelta(days=queue.reopen_for_days)


def followed(ticket: Ticket, ticket_id: str, *, number: int, at: datetime) -> Ticket:
    """The closed ticket, once it is decided which one follows."""
    link = Link(Relation.FOLLOWED_BY, ticket_id, number, at)
    return replace(ticket, links=(*ticket.links, link))


def following(ticket: Ticket, closed: Ticket) -> Ticket:
    """The new ticket, linked to the closed one that it follows."""
    link = Link(Relation.FOLLOW_UP_OF, closed.id, closed.number, ticket.created_at)
    return replace(ticket, links=(link,), lineage=closed.lineage or closed.id)


def with_status(ticket: Ticket, status: TicketStatus, *, at: datetime) -> Ticket:
    """The ticket in another status; when it is closed, since when. It is no history any more."""
    closed_at = at if status is TicketStatus.CLOSED else None
    return replace(ticket, status=status, closed_at=closed_at, history=False)
