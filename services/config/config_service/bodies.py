"""What comes in over HTTP and what goes out; unknown fields are refused, so that typos show.

Fields that the config API promises for other kinds of channels are taken where they say nothing,
and fields that are only shown are taken and not kept, so that what was read can be sent back.
"""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field, SecretStr

from postbus.contracts.base import Contract
from postbus.contracts.channels import AuditRecord
from postbus.contracts.configuration import (
    FilterEntry,
    FilterPattern,
    InboundChannel,
    MailAddress,
    OutboundChannel,
    Scope,
    SmtpSettings,
    TicketType,
)

_STRICT = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class InboundChannelBody(InboundChannel):
    """An inbound channel as it is sent."""

    model_config = _STRICT

    after_fetch: Literal["keep"] | None = Field(
        default=None, exclude=True, description="for fetched mailboxes; forwarded mail stays"
    )
    imap: None = Field(default=None, exclude=True)
    graph: None = Field(default=None, exclude=True)


class SmtpBody(SmtpSettings):
    """An SMTP server as it is sent; the secret goes in and never out."""

    model_config = _STRICT

    secret: SecretStr | None = Field(
        default=None, exclude=True, min_length=1, max_length=4096, description="the password"
    )
    secret_set: bool = Field(default=False, exclude=True, description="shown only")


class OutboundChannelBody(OutboundChannel):
    """An outbound channel as it is sent."""

    model_config = _STRICT

    smtp: SmtpBody | None = None


class SmtpView(SmtpSettings):
    """An SMTP server as it is shown."""

    secret_set: bool = Field(description="whether a secret is kept")


class OutboundChannelView(OutboundChannel):
    """An outbound channel as it is shown."""

    smtp: SmtpView | None = None


class TicketTypeBody(TicketType):
    """A ticket type as it is sent."""

    model_config = _STRICT

    creation_addresses: tuple[MailAddress, ...] = Field(
        default=(), exclude=True, description="shown only: the addresses of its channels"
    )


class TicketTypeView(TicketType):
    """A ticket type, with the addresses to which mail becomes a ticket of this type."""

    creation_addresses: tuple[str, ...]


class FilterEntryBody(Contract):
    """An address, or `*@domain`, that shall get no mail."""

    model_config = _STRICT

    pattern: FilterPattern
    reason: str = Field(default="", max_length=500)


class TokenBody(Contract):
    """A token that shall be made."""

    model_config = _STRICT

    name: str = Field(min_length=1, max_length=100, description="who uses it; the audit names it")
    scope: Scope


class TokenView(Contract):
    """A token, without itself."""

    id: str
    name: str
    scope: Scope
    created_at: datetime
    created_by: str


class NewTokenView(TokenView):
    """A token, this once."""

    token: str = Field(description="shown now and never again")


class StepView(Contract):
    """One step of a test."""

    name: str
    ok: bool | None = Field(description="null: cannot be known from here")
    detail: str


class TestView(Contract):
    """How far a test came."""

    ok: bool
    steps: tuple[StepView, ...]


class HealthView(Contract):
    """How one channel is doing; what is null is not known here."""

    channel: str
    name: str
    direction: Literal["inbound", "outbound"]
    kind: str
    state: Literal["connected", "degraded", "needs-sign-in", "paused", "unknown"]
    last_error: str | None
    checked_at: datetime | None
    last_mail_at: datetime | None = None
    lag_seconds: float | None = None
    credential_expires_at: datetime | None = None


class HeldMailView(Contract):
    """A mail that is kept and not filed, or was so once."""

    id: str
    mail_id: str = Field(description="of a mail that was not read: the SHA-256 of its bytes")
    channel: str
    state: Literal["held", "filed"] = Field(
        description="`filed`: it could be read after all, as `received_as`"
    )
    reason: str = Field(description="stable word, e.g. `takes-too-much-to-read`")
    detail: str
    held_at: datetime
    received_at: datetime
    received_as: str | None = Field(description="`mail_id` of the mail as it was received")
    door: str = Field(description="how it came")
    envelope_from: str | None
    envelope_to: tuple[str, ...]
    size_bytes: int
    sha256: str


class InboundChannels(Contract):
    """A list."""

    items: tuple[InboundChannel, ...]
    next_cursor: str | None = None


class OutboundChannels(Contract):
    """A list."""

    items: tuple[OutboundChannelView, ...]
    next_cursor: str | None = None


class TicketTypes(Contract):
    """A list."""

    items: tuple[TicketTypeView, ...]
    next_cursor: str | None = None


class FilterEntries(Contract):
    """A list."""

    items: tuple[FilterEntry, ...]
    next_cursor: str | None = None


class Tokens(Contract):
    """A list."""

    items: tuple[TokenView, ...]
    next_cursor: str | None = None


class Health(Contract):
    """A list."""

    items: tuple[HealthView, ...]
    next_cursor: str | None = None


class AuditRecords(Contract):
    """A list, newest first."""

    items: tuple[AuditRecord, ...]
    next_cursor: str | None = None


class HeldMails(Contract):
    """A list, newest first."""

    items: tuple[HeldMailView, ...]
    next_cursor: str | None = None
