"""Facts about tickets, for other services and the desk."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from postbus.contracts.base import Contract, Event, JsonObject, Slug
from postbus.contracts.mail import Address, Attachment


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


class MessageBrief(Contract):
    """The message that the fact is about, without its body."""

    id: str
    direction: str
    automatic: bool = False
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
