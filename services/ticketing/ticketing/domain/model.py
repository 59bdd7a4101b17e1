"""Tickets, messages and the facts about them that are not told yet."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from postbus.contracts.base import BlobRef
from postbus.contracts.guard import Verdict
from postbus.contracts.mail import Address, Attachment, CalendarItem, Confidence
from postbus.contracts.sending import SendDecision, SendState
from postbus.contracts.tickets import CustomerRef, MessageFlag, Priority, Relation, TicketStatus

RECENT_LIMIT = 100
"""How many filed messages a ticket remembers by id, so that it stays small whatever its length."""


class Direction(StrEnum):
    """Who a message is from, as agents see it."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    NOTE = "note"


@dataclass(frozen=True)
class Fact:
    """An event that is kept with the state until the stream has it; `data_json` is its data."""

    at: datetime
    event_id: str
    type: str
    last_token: str
    about: str
    data_json: str


@dataclass(frozen=True)
class Report:
    """What a mail that came in answer to an outgoing one says of it, for one address.

    `message` is that mail on the ticket, `mail_id` its identity; `action` and the rest are there
    for a mail system's report (RFC 3464 §2.3), an absence note has none of it.
    """

    message: str
    mail_id: str
    kind: str
    at: datetime
    address: str = ""
    action: str = ""
    status: str | None = None
    hard: bool | None = None
    diagnostic: str = ""


@dataclass(frozen=True)
class Delivery:
    """What became of an outgoing message; `reports` and `decisions` only grow.

    `verdict` is what the loop guard said, or the filter. `decided` is the number of the last
    decision that dispatch took into account, so one of `decisions` with a higher one is under way.
    `late_since` is there where it waits for hours: agents were warned then.
    """

    state: SendState
    outbound_channel: str | None = None
    reason: str = ""
    at: datetime | None = None
    attempt: int = 0
    reports: tuple[Report, ...] = ()
    verdict: Verdict | None = None
    next_attempt_at: datetime | None = None
    late_since: datetime | None = None
    decided: int = 0
    decisions: tuple[SendDecision, ...] = ()

    @property
    def under_way(self) -> SendDecision | None:
        """The decision that dispatch has not answered yet."""
        newest = self.decisions[-1] if self.decisions else None
        return newest if newest is not None and newest.number > self.decided else None


@dataclass(frozen=True)
class Message:
    """One mail in, one mail out, or a note.

    `filed` is set at the latest when the ticket that counted it no longer remembers its id.
    `meant_for` is the address of ours that an inbound mail was written to.
    `about` is the outgoing message that a bounce or an absence note came back for.
    `released_by` is who had it filed though it was held.
    What is `aside` is no part of the conversation: a notification to an agent, and what came back
    for one. The ticket does not count it.
    """

    id: str
    ticket_id: str
    direction: Direction
    automatic: bool
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    text: str
    full_text: str
    html: str | None
    created_at: datetime
    content: BlobRef | None = None
    attachments: tuple[Attachment, ...] = ()
    message_id: str | None = None
    references: tuple[str, ...] = ()
    kind: str = ""
    meant_for: str | None = None
    raw: BlobRef | None = None
    delivery: Delivery | None = None
    request_digest: str | None = None
    by: str = ""
    filed: bool = False
    flags: tuple[MessageFlag, ...] = ()
    about: str | None = None
    customer_confidence: Confidence = Confidence.CERTAIN
    customer_evidence: tuple[str, ...] = ()
    forwarded_by: Address | None = None
    calendar: tuple[CalendarItem, ...] = ()
    protection: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    reread_at: datetime | None = None
    aside: bool = False
    released_by: str = ""


@dataclass(frozen=True)
class Link:
    """Another ticket of the same matter; `at` is when it was decided to open one of the two."""

    relation: Relation
    ticket_id: str
    number: int
    at: datetime


@dataclass(frozen=True)
class Ticket:
    """A ticket; `revision` rises with each change, `untold` are facts the stream may not have.

    `participants` are the addresses that took part, normalised. `lineage` is the id of the ticket
    that a chain of follow-ups began with. `absorbed` are tickets that became part of this one.
    `history` says that an import opened it and that nobody set its status or wrote on it since: it
    is closed because it is old, and not because somebody decided so.
    """

    id: str
    number: int
    title: str
    status: TicketStatus
    queue: str
    channel: str
    ticket_type: str
    customer: CustomerRef
    created_at: datetime
    updated_at: datetime
    first_message: str
    description: str = ""
    assignee: str | None = None
    priority: Priority = Priority.NORMAL
    tags: tuple[str, ...] = ()
    message_count: int = 0
    recent: tuple[str, ...] = ()
    participants: tuple[str, ...] = ()
    customer_confidence: Confidence = Confidence.CERTAIN
    customer_evidence: tuple[str, ...] = ()
    customer_alternative: Address | None = None
    forwarded_by: Address | None = None
    links: tuple[Link, ...] = ()
    lineage: str | None = None
    merged_into: int | None = None
    absorbed: tuple[str, ...] = ()
    closed_at: datetime | None = None
    history: bool = False
    untold: tuple[Fact, ...] = ()
    revision: int = 0

    @property
    def remembers_all(self) -> bool:
        """`has_counted` knows every message; otherwise the message itself must be asked."""
        return self.message_count <= RECENT_LIMIT and not self.absorbed

    @property
    def followed_by(self) -> Link | None:
        """The newest ticket that goes on where this one was closed."""
        found = [link for link in self.links if link.relation is Relation.FOLLOWED_BY]
        return found[-1] if found else None

    def is_kin_of(self, other: "Ticket") -> bool:
        """One of the two follows up the other, or both the same one."""
        return (self.lineage or self.id) == (other.lineage or other.id)

    @property
    def forgets_next(self) -> str | None:
        """The message whose id has no room any more once another one is counted."""
        return self.recent[0] if len(self.recent) >= RECENT_LIMIT else None

    def has_counted(self, message_id: str) -> bool:
        """The message is part of this state, as far as the ticket remembers."""
        return message_id == self.first_message or message_id in self.recent

    def with_message(self, message_id: str, *, at: datetime) -> "Ticket":
        """The ticket with one more message counted."""
        return replace(
            self,
            message_count=self.message_count + 1,
            recent=(*self.recent, message_id)[-RECENT_LIMIT:],
            updated_at=max(at, self.updated_at),
        )
