"""What the ticketing API takes and gives."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from postbus.contracts.base import Sha256, Slug
from postbus.contracts.configuration import MailAddress
from postbus.contracts.guard import Verdict
from postbus.contracts.mail import Address, Attachment, CalendarItem, Confidence
from postbus.contracts.sending import SendDecision, SendState, WhatNext
from postbus.contracts.tickets import MessageFlag, TicketView

Item = TypeVar("Item")
OneLine = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=255)]
ContentId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.+@-]{1,200}$")]
MediaType = Annotated[str, StringConstraints(pattern=r"^[\w.+-]+/[\w.+-]+$", max_length=127)]


class Body(BaseModel):
    """A request body: a field that we do not know is refused, so that a typo shows."""

    model_config = ConfigDict(extra="forbid")


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next_cursor` asks for the next one, null on the last."""

    items: list[Item]
    next_cursor: str | None = None


class TicketBody(TicketView):
    """A ticket with the text it was opened with."""

    description: str


class ReportBody(BaseModel):
    """What a mail that came back says of an outgoing message, for one address."""

    message: str = Field(description="id of that mail, which is a message of the ticket, too")
    kind: str = Field(description="`bounce`, `auto-reply`, `auto-generated` or `feedback-report`")
    at: datetime
    address: str
    action: str = Field(description="of a bounce: `failed`, `delayed`, `delivered` …; else empty")
    status: str | None = Field(description="enhanced status code (RFC 3463)")
    hard: bool | None = Field(description="true: will never arrive; null: the report does not say")
    diagnostic: str


class DeliveryBody(BaseModel):
    """What became of an outgoing message."""

    state: SendState
    outbound_channel: str | None
    reason: str
    at: datetime | None
    attempt: int
    reports: list[ReportBody]
    rule: str = Field(
        description="of a held mail: the rule of the loop guard, or `filter`; `L22` of one of an "
        "agent that went out unjudged, because the guard did not answer"
    )
    lifted_by: str = Field(description="of a held mail: what would let it go")
    verdict: Verdict | None = Field(
        description="what the loop guard said before it went out or was held, with its evidence"
    )
    next_attempt_at: datetime | None = Field(description="of a deferred mail")
    late_since: datetime | None = Field(description="it waits, and agents were warned then")
    decisions: list[SendDecision] = Field(description="what agents decided about it, oldest first")
    under_way: SendDecision | None = Field(description="the decision that is being carried out")
    possible: list[WhatNext] = Field(description="what may be decided about it now")


class MessageBody(BaseModel):
    """One message of a ticket."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    direction: str
    automatic: bool
    kind: str
    from_: Address = Field(alias="from")
    to: list[Address]
    cc: list[Address]
    subject: str
    text: str = Field(description="as written, without the quoted part")
    full_text: str
    html: str | None = Field(description="safe to show")
    attachments: list[Attachment]
    message_id: str | None
    created_at: datetime
    by: str
    delivery: DeliveryBody | None
    flags: list[MessageFlag]
    about: str | None = Field(description="id of the outgoing message that this one came back for")
    customer_confidence: Confidence
    customer_evidence: list[str]
    forwarded_by: Address | None
    calendar: list[CalendarItem]
    protection: list[str]
    problems: list[str] = Field(description="what was odd about the form of the mail")
    released_by: str = Field(description="who had it filed though it was held; else empty")


class OutgoingBody(BaseModel):
    """An outgoing mail, without its text, and the ticket that it is on."""

    ticket: int = Field(description="number of the ticket")
    queue: str
    id: str
    kind: str
    automatic: bool
    to: list[Address]
    subject: str
    created_at: datetime
    by: str
    delivery: DeliveryBody | None


class LeftBody(BaseModel):
    """A mail that stays held."""

    ticket: int = Field(description="number of the ticket")
    id: str
    reason: str = Field(description="as the type of a problem: `on-filter`, `conflict` …")
    detail: str


class DecidedBody(BaseModel):
    """What became of held mail that was meant."""

    decided: int = Field(description="about how many it was decided by this call")
    left: list[LeftBody] = Field(description="the first 200 of those that stay held")
    more: bool = Field(description="whether the same call would find more")


class NotificationBody(BaseModel):
    """What an agent is told of a ticket, and by which mail."""

    agent: str
    happening: str = Field(description="`new-ticket`, `answer` or `assignment`")
    at: datetime
    state: str = Field(description="`waiting`, `told`, or `dropped`: it needs no telling any more")
    message: str | None = Field(description="id of the mail; it may tell of other tickets too")
    on: int | None = Field(description="number of the ticket that has this mail")
    delivery: DeliveryBody | None


class PauseBody(BaseModel):
    """Why an agent gets no notifications."""

    at: datetime
    reason: str


class AgentBody(BaseModel):
    """Somebody whom tickets can be assigned to."""

    id: str
    name: str
    enabled: bool
    queues: list[str]
    paused: PauseBody | None = Field(
        description="a notification came back from her address for good, and no more are sent"
    )


class CustomerBody(BaseModel):
    """Somebody who writes to us."""

    id: str
    name: str
    addresses: list[str]
    created_at: datetime


class CustomerWithTickets(CustomerBody):
    """A customer with the newest of their tickets."""

    tickets: list[TicketView]


class AttachmentIn(Body):
    """A file to send: its bytes in base64, or the hash of bytes that Postbus has already."""

    name: Annotated[OneLine, StringConstraints(min_length=1)]
    content_type: MediaType = "application/octet-stream"
    content_base64: str | None = None
    sha256: Sha256 | None = None
    content_id: ContentId | None = Field(
        default=None, description="a picture that `html` shows as `cid:<content_id>` (RFC 2392)"
    )

    def data(self) -> bytes | None:
        """The bytes, where they came along; ValueError if they are not base64 (RFC 4648 §4)."""
        if self.content_base64 is None:
            return None
        try:
            return base64.b64decode(self.content_base64, validate=True)
        except binascii.Error as error:
            raise ValueError(f"attachment {self.name} is not base64") from error


class ReplyIn(Body):
    """An answer to the customer."""

    text: str = Field(min_length=1, max_length=1_000_000)
    html: str | None = Field(
        default=None,
        max_length=30_000_000,
        description="2,000,000 characters at most, without the pictures (`data:`) in it",
    )
    attachments: list[AttachmentIn] = Field(default_factory=list, max_length=100)
    cc: list[MailAddress] = Field(default_factory=list, max_length=50)

    @field_validator("text")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("an answer needs words")
        return value


class SendViaIn(Body):
    """Another way out."""

    outbound: Slug = Field(description="id of an outbound channel")


class AlikeIn(Body):
    """Which held mail is meant."""

    rule: str = Field(
        min_length=1, max_length=40, description="that holds it, as `delivery.rule` says: `L17`"
    )
    outbound: Slug | None = Field(
        default=None, description="only what was to leave by this outbound channel"
    )


class NoteIn(Body):
    """A note for agents."""

    text: str = Field(min_length=1, max_length=1_000_000)


class CustomerIn(Body):
    """Who the customer is: an address, or whoever else it may be."""

    address: MailAddress | None = None
    name: OneLine = ""
    reverse: bool = False

    @model_validator(mode="after")
    def _says_one_thing(self) -> CustomerIn:
        if self.reverse == (self.address is not None):
            raise ValueError("give `address`, or `reverse`")
        return self
