"""Two tickets that a mail shows to be one: the younger becomes part of the elder.

The younger one says so first, which decides it; then its messages move, and the elder counts them.
Whoever meets a younger one whose elder has not counted it yet does the rest.

A younger one that an import opened, and that nobody touched, is no news: it wakes nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from postbus.contracts.tickets import Priority, QueueRef, TicketStatus
from ticketing.domain.closing import with_status
from ticketing.domain.facts import ticket_fact
from ticketing.domain.model import Fact, Ticket
from ticketing.domain.people import with_people

_BY_URGENCY = tuple(Priority)
_AWAKE = (TicketStatus.NEW, TicketStatus.OPEN)


@dataclass(frozen=True)
class Merged:
    """One of the two after the step, and what is to be told about it."""

    ticket: Ticket
    facts: tuple[Fact, ...]


def given_up(young: Ticket, elder: Ticket, *, queue: QueueRef, now: datetime) -> Merged:
    """The younger ticket, closed as part of the elder."""
    at = young.updated_at if young.history else max(now, young.updated_at)
    after = replace(
        with_status(young, TicketStatus.CLOSED, at=at),
        merged_into=elder.number,
        updated_at=at,
        history=young.history,
    )
    change: dict[str, object] = {"merged_into": [None, elder.number]}
    if young.status is not after.status:
        change["status"] = [young.status, after.status]
    fact = ticket_fact(
        "changed",
        after,
        queue=queue,
        cause=f"into-{elder.id}",
        change=change,
        imported_at=now if young.history else None,
    )
    return Merged(after, (fact,))


def grown(elder: Ticket, young: Ticket, *, queue: QueueRef, now: datetime) -> Merged:
    """The elder ticket, with what the younger one was; where that is news, it is awake."""
    woken = elder if young.history else _awake(elder, now)
    at = young.updated_at if young.history else now
    after = replace(
        with_people(woken, young.participants),
        message_count=elder.message_count + young.message_count,
        absorbed=(*elder.absorbed, young.id, *young.absorbed),
        links=(*elder.links, *young.links),
        assignee=elder.assignee or young.assignee,
        tags=tuple(dict.fromkeys((*elder.tags, *young.tags))),
        priority=max(elder.priority, young.priority, key=_BY_URGENCY.index),
        created_at=min(elder.created_at, young.created_at),
        updated_at=max(at, elder.updated_at),
    )
    change: dict[str, object] = {
        "merged": {"number": young.number, "message_count": young.message_count}
    }
    if after.status is not elder.status:
        change["status"] = [elder.status, after.status]
    imported_at = now if young.history else None
    fact = ticket_fact(
        "merged", after, queue=queue, cause=young.id, change=change, imported_at=imported_at
    )
    return Merged(after, (fact,))


def _awake(ticket: Ticket, now: datetime) -> Ticket:
    status = ticket.status if ticket.status in _AWAKE else TicketStatus.OPEN
    return with_status(ticket, status, at=now)
