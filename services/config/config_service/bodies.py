"""What comes in over HTTP and what goes out; unknown fields are refused, so that typos show.

Fields that are only shown are taken and not kept, so that what was read can be sent back.
Channels are in `channel_bodies`, setting up whole mailboxes in `connect_bodies`.
"""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from postbus.contracts.base import Contract, Slug
from postbus.contracts.channels import AuditRecord
from postbus.contracts.configuration import (
    Agent,
    FilterEntry,
    FilterPattern,
    MailAddress,
    Notifications,
    NotifyChoice,
    Scope,
    TicketType,
)
from postbus.contracts.mailboxes import ChannelState

STRICT = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class TicketTypeBody(TicketType):
    """A ticket type as it is sent."""

    model_config = STRICT

    creation_addresses: tuple[MailAddress, ...] = Field(
        default=(), exclude=True, description="shown only: the addresses of its channels"
    )


class TicketTypeView(TicketType):
    """A ticket type, with the addresses to which mail becomes a ticket of this type."""

    creation_addresses: tuple[str, ...]


class FilterEntryBody(Contract):
    """An address, or `*@domain`, that shall get no mail."""

    model_config = STRICT

    pattern: FilterPattern
    reason: str = Field(default="", max_length=500)


class TokenBody(Contract):
    """A token that shall be made."""

    model_config = STRICT

    name: str = Field(min_length=1, max_length=100, description="who uses it; the audit names it")
    scope: Scope
    agent: Slug | None = Field(
        default=None, description="the agent who uses it, and is not notified of her own acts"
    )


class TokenChange(Contract):
    """What changes of a token: whose it is; what it may do stays."""

    model_config = STRICT

    agent: Slug | None = None


class TokenView(Contract):
    """A token, without itself."""

    id: str
    name: str
    scope: Scope
    agent: str | None = None
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
    reason: str = Field(default="", description="of a failure: a stable word for programs")
    advice: str = Field(default="", description="what to do about it")


class TestView(Contract):
    """How far a test came."""

    ok: bool
    steps: tuple[StepView, ...]


class MarksView(Contract):
    """Which of our marks were on a mail that was sent, when it was read back."""

    checked_at: datetime
    kept: tuple[str, ...]
    lost: tuple[str, ...]


class HealthView(Contract):
    """How one channel is doing; what is null is not known here."""

    channel: str
    name: str
    direction: Literal["inbound", "outbound"]
    kind: str
    state: ChannelState
    since: datetime | None = Field(default=None, description="when it came into this state")
    last_error: str | None = Field(description="in words")
    reason: str = Field(default="", description="of the last error: a stable word for programs")
    advice: str = Field(default="", description="what to do about it")
    checked_at: datetime | None
    last_mail_at: datetime | None = None
    lag_seconds: float | None = None
    credential_expires_at: datetime | None = None
    waiting: int | None = Field(default=None, description="mails there that are not fetched yet")
    marks: MarksView | None = Field(
        default=None,
        description="of an outbound channel whose sent mail can be read: one automatic mail a day "
        "is read back; null: none was yet, or the channel keeps none that could be read",
    )
    sign_in_url: str | None = Field(
        default=None,
        description="of a mailbox that needs its owner to sign in anew with Microsoft: opened in a "
        "browser it does that",
    )


class HeldMailView(Contract):
    """A mail that is kept and not filed, or was so once."""

    id: str
    mail_id: str = Field(description="of a mail that was not read: the SHA-256 of its bytes")
    channel: str
    state: Literal["held", "releasing", "filed", "discarded"] = Field(
        description="`releasing`: somebody released it and it is about to be filed; `filed`: it is "
        "on a ticket, as the mail `received_as`; `discarded`: kept, and nothing is made of it"
    )
    reason: str = Field(description="stable word, e.g. `takes-too-much-to-read`")
    detail: str
    held_at: datetime
    received_at: datetime
    received_as: str | None = Field(description="`mail_id` of the mail as it was received")
    ticket: int | None = Field(description="of a mail that was released: number of its ticket")
    decided_by: str | None = Field(description="who released or discarded it last")
    decided_at: datetime | None
    door: str = Field(description="how it came")
    envelope_from: str | None
    envelope_to: tuple[str, ...]
    size_bytes: int
    sha256: str


class NotifyBody(NotifyChoice):
    """An agent's own choice, as it is sent."""

    model_config = STRICT


class AgentBody(Agent):
    """An agent as it is sent."""

    model_config = STRICT

    notify: NotifyBody = NotifyBody()


class NotificationsBody(Notifications):
    """What agents are notified of, as it is sent."""

    model_config = STRICT


class Agents(Contract):
    """A list."""

    items: tuple[Agent, ...]
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
