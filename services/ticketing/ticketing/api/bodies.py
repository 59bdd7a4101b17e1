"""What the ticketing API takes and gives."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from postbus.contracts.base import Sha256
from postbus.contracts.configuration import MailAddress
from postbus.contracts.mail import Address, Attachment
from postbus.contracts.sending import SendState
from postbus.contracts.tickets import TicketView

Item = TypeVar("Item")
OneLine = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=255)]
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


class DeliveryBody(BaseModel):
    """What became of an outgoing message."""

    state: SendState
    outbound_channel: str | None
    reason: str
    at: datetime | None
    attempt: int


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
    html: str | None = Field(default=None, max_length=2_000_000)
    attachments: list[AttachmentIn] = Field(default_factory=list, max_length=100)
    cc: list[MailAddress] = Field(default_factory=list, max_length=50)

    @field_validator("text")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("an answer needs words")
        return value


class NoteIn(Body):
    """A note for agents."""

    text: str = Field(min_length=1, max_length=1_000_000)
