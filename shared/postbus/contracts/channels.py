"""Facts about the health of channels."""

from datetime import datetime

from pydantic import Field

from postbus.contracts.base import Contract, Event, Slug


class ChannelFact(Contract):
    """`connected`, `unhealthy`, `recovered` and the like, with the reason in words."""

    channel: Slug
    fact: str
    reason: str = ""
    at: datetime


class ChannelEvent(Event[ChannelFact]):
    """`postbus.channel.<fact>.<channel>`"""


class ParkedMessage(Contract):
    """A message that could not be handled, whole, with the reason."""

    subject: str
    stream: str
    sequence: int
    durable: str
    deliveries: int
    reason: str
    error: str = ""
    headers: dict[str, str] = Field(default_factory=dict)
    payload_base64: str
    parked_at: datetime


class ParkedEvent(Event[ParkedMessage]):
    """`postbus.parked.<durable>`"""


class AuditRecord(Contract):
    """Who changed what in the configuration."""

    who: str
    at: datetime
    action: str = Field(
        description="`created`, `changed` or `deleted`; `read` for the bytes of a held mail, "
        "`released` or `discarded` for the mail; `lifted` for what the loop guard forgot"
    )
    kind: str
    id: str
    revision: int = Field(description="of the document; of a held mail its place in the stream")
    before: dict[str, object] | None = None
    after: dict[str, object] | None = None


class AuditEvent(Event[AuditRecord]):
    """`postbus.audit.<kind>`"""
