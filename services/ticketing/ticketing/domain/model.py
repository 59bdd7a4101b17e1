"""Tickets, messages and the facts about them that are not told yet."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from postbus.contracts.base import BlobRef
from postbus.contracts.mail import Address, Attachment
from postbus.contracts.sending import SendState
from postbus.contracts.tickets import CustomerRef, Priority, TicketStatus

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
class Delivery:
    """What became of an outgoing message."""

    state: SendState
    outbound_channel: str | None = None
    reason: str = ""
    at: datetime | None = None
    attempt: int = 0


@dataclass(frozen=True)
class Message:
    """One mail in, one mail out, or a note.

    `filed` is set at the latest when the ticket that counted it no longer remembers its id.
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
    raw: BlobRef | None = None
    delivery: Delivery | None = None
    request_digest: str | None = None
    by: str = ""
    filed: bool = False


@dataclass(frozen=True)
class Ticket:
    """A ticket; `revision` rises with each change, `untold` are facts the stream may not have."""

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
    untold: tuple[Fact, ...] = ()
    revision: int = 0

    @property
    def remembers_all(self) -> bool:
        """`has_counted` knows every message; otherwise the message itself must be asked."""
        return self.message_count <= RECENT_LIMIT

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
