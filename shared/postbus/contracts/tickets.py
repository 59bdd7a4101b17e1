"""Facts about tickets, for other services and the desk."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from postbus.contracts.base import Contract, Event, JsonObject, Slug
from postbus.contracts.mail import Address, Attachment, Confidence


class TicketStatus(StrEnum):
    """Where a ticket is in its life."""

    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    SOLVED = "solved"
    CLOSED = "closed"


class Priority(StrEnum):
    """How soon somebody should look."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class QueueRef(Contract):
    """A queue as people see it."""

    id: Slug
    name: str
    colour: str


class CustomerRef(Contract):
    """The customer of a ticket."""

    id: str
    name: str
    address: str


class Relation(StrEnum):
    """What another ticket is to this one."""

    FOLLOW_UP_OF = "follow-up-of"
    FOLLOWED_BY = "followed-by"


class TicketLink(Contract):
    """Another ticket of the same matter."""

    number: int
    relation: Relation


class MessageFlag(StrEnum):
    """What agents should know before they act on a message."""

    STRANGER = "stranger"
    """It came with our token, and its writer has no part in the conversation so far."""
    NOTIFICATION_ANSWER = "notification-answer"
    """A note that came by mail, in answer to a notification; the customer did not see it."""
    FOLDED = "folded"
    """One of very many of its sender that repeats itself; alone it would be a ticket of its own."""
    BURST = "burst"
    """It opened a ticket beyond the many that its sender may open within an hour (L14)."""
    OTHER_TICKET = "other-ticket"
    """It also refers to a ticket of other people or of another queue; nothing was merged."""


class TicketView(Contract):
    """A ticket after the change that the event tells."""

    number: int
    title: str
    status: TicketStatus
    queue: QueueRef
    ticket_type: Slug
    customer: CustomerRef
    assignee: str | None = None
    priority: Priority = Priority.NORMAL
    tags: tuple[str, ...] = ()
    created_at: datetime
    updated_at: datetime
    message_count: int = Field(ge=0)
    links: tuple[TicketLink, ...] = ()
    merged_into: int | None = Field(
        default=None, description="number of the ticket that this one became part of"
    )
    customer_confidence: Confidence = Field(
        default=Confidence.CERTAIN, description="how sure it is who the customer is"
    )
    customer_evidence: tuple[str, ...] = Field(
        default=(), description="why the customer is not simply who the mail was from"
    )
    customer_alternative: Address | None = Field(
        default=None, description="who else it may be; one call makes them the customer"
    )
    forwarded_by: Address | None = Field(default=None, description="who passed the mail on by hand")


class MessageBrief(Contract):
    """The message that the fact is about, without its body."""

    id: str
    direction: str
    automatic: bool = False
    kind: str = Field(default="", description="what wrote it, as in mail.received")
    flags: tuple[MessageFlag, ...] = ()
    message_id: str | None = None
    from_: Address = Field(alias="from")
    subject: str = ""
    attachments: tuple[Attachment, ...] = ()


class TicketFact(Contract):
    """The ticket after the change, and what changed."""

    ticket: TicketView
    change: JsonObject = Field(default_factory=dict)
    message: MessageBrief | None = None
    by: str = Field(default="", description="agent or service that caused it")
    imported: bool = Field(
        default=False,
        description="it is of mail from before, which was imported; nothing happened today",
    )


class TicketOpenedEvent(Event[TicketFact]):
    """`postbus.ticket.opened.<queue>`"""


class CustomerRepliedEvent(Event[TicketFact]):
    """`postbus.ticket.customer-replied.<queue>`"""


class AgentRepliedEvent(Event[TicketFact]):
    """`postbus.ticket.agent-replied.<queue>`"""


class TicketNotedEvent(Event[TicketFact]):
    """`postbus.ticket.noted.<queue>`"""


class TicketChangedEvent(Event[TicketFact]):
    """`postbus.ticket.changed.<queue>`"""


class TicketMergedEvent(Event[TicketFact]):
    """`postbus.ticket.merged.<queue>`"""
