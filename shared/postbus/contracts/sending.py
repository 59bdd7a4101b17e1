"""A mail that wants to go out, and what became of it."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from postbus.contracts.base import BlobRef, Contract, Event, Slug
from postbus.contracts.guard import Cause, SendKind, Verdict
from postbus.contracts.mail import Address, Attachment, BouncedRecipient


class Quote(Contract):
    """What is being answered, for the quoted part below the answer."""

    author: Address
    written_at: datetime
    text: str


class SendRequested(Contract):
    """An answer or a notification; `message_id` is fixed here for ever."""

    send_id: str = Field(description="id of the message in ticketing")
    ticket_number: int
    queue: Slug
    channel: Slug = Field(description="the inbound channel of the ticket")
    kind: SendKind
    automatic: bool
    reply_address: Address = Field(
        description="the channel's own address; the stamp is added to it for Reply-To"
    )
    meant_for: str | None = Field(
        default=None,
        description="the address of ours that the answered mail was written to, which is From "
        "where the outbound channel may send as that",
    )
    message_id: str = Field(description="without the angle brackets")
    stamp: str = Field(description="signed token for Reply-To and the marks of our own mail")
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    to: tuple[Address, ...] = Field(min_length=1)
    cc: tuple[Address, ...] = ()
    subject: str
    text: str
    html: str | None = None
    content: BlobRef | None = Field(
        default=None, description="JSON {text, html} when they are over 64 KiB"
    )
    quote: Quote | None = None
    earlier: tuple[Quote, ...] = Field(
        default=(),
        description="what was said before that, the newest first, where the queue quotes it all",
    )
    language: str | None = Field(
        default=None, description="of the answered mail (ISO 639-1), where it is known"
    )
    attachments: tuple[Attachment, ...] = ()
    cause: Cause | None = Field(default=None, description="the mail that caused automatic mail")
    requested_by: str = Field(default="", description="the agent, for an agent's reply")
    requested_at: datetime


class SendState(StrEnum):
    """The life of an outgoing mail as people see it."""

    REQUESTED = "requested"
    HELD = "held"
    DEFERRED = "deferred"
    SENT = "sent"
    BOUNCED = "bounced"
    FAILED = "failed"
    IN_DOUBT = "in-doubt"
    DISCARDED = "discarded"


class WhatNext(StrEnum):
    """What a person decides about a mail that waits, or of which nobody knows."""

    RELEASE = "release"
    """It goes past the guard's hold; the outgoing filter holds all the same."""
    DISCARD = "discard"
    SEND_VIA = "send-via"
    SEND_AGAIN = "send-again"
    TAKE_AS_SENT = "take-as-sent"


class SendDecision(Contract):
    """The `number`-th decision about one mail; a later one takes the place of those before it."""

    number: int = Field(ge=1)
    what: WhatNext
    outbound: Slug | None = Field(default=None, description="of `send-via`: the outbound channel")
    by: str
    at: datetime


class SendDecided(Contract):
    """A person decided what becomes of a mail that was to go out."""

    send_id: str
    ticket_number: int
    queue: Slug
    message_id: str
    kind: SendKind
    automatic: bool
    recipients: tuple[str, ...] = ()
    outbound_channel: Slug = Field(description="the one that it was to leave by before")
    decision: SendDecision


class SmtpReply(Contract):
    """What the server said (RFC 5321 §4.2, RFC 3463)."""

    code: int | None = None
    enhanced: str | None = None
    text: str = ""


class SendOutcome(Contract):
    """What became of a mail that wanted to go out."""

    send_id: str
    ticket_number: int
    queue: Slug
    message_id: str
    sent_as: str | None = Field(
        default=None,
        description="the Message-ID that it went out with, where the provider gave it another",
    )
    kind: SendKind
    automatic: bool
    state: SendState
    outbound_channel: Slug
    from_address: str = ""
    recipients: tuple[str, ...] = ()
    reason: str = ""
    verdict: Verdict | None = None
    reply: SmtpReply | None = None
    bounced: tuple[BouncedRecipient, ...] = Field(
        default=(),
        description="whom it did not reach: of a mail that bounced (RFC 3464), or whom the server "
        "refused for ever",
    )
    attempt: int = 0
    next_attempt_at: datetime | None = None
    late_since: datetime | None = Field(
        default=None, description="of a deferred mail: an agent was warned then that it takes long"
    )
    decision: int = Field(
        default=0, description="number of the last decision of a person that it took into account"
    )
    by: str = Field(default="", description="who decided so, where a person did")
    at: datetime


class SendClaimed(Contract):
    """A replica is about to hand a mail over; what comes after it without an end is in doubt."""

    send_id: str
    ticket_number: int
    queue: Slug
    message_id: str
    sent_as: str | None = Field(
        default=None, description="the Message-ID that it goes out with, where it is not ours"
    )
    kind: SendKind
    automatic: bool
    outbound_channel: Slug
    recipients: tuple[str, ...] = ()
    attempt: int
    by: str = Field(description="the replica")
    at: datetime


class SendClaimedEvent(Event[SendClaimed]):
    """`postbus.send.claimed.<outbound>`"""


class SendRequestedEvent(Event[SendRequested]):
    """`postbus.send.requested.<queue>`"""


class SendDecidedEvent(Event[SendDecided]):
    """`postbus.send.decided.<queue>`"""


class SendOutcomeEvent(Event[SendOutcome]):
    """`postbus.send.<sent|held|deferred|failed|in-doubt|bounced|discarded>.<outbound>`"""
