"""What this service tells and asks on the bus."""

from typing import Final

from config_service.adapters.bus import ServiceBus
from postbus.contracts.base import derived_id
from postbus.contracts.catalogue import (
    PROVE_GRAPH_SUBJECT,
    PROVE_SUBJECT,
    TRY_GRAPH_SUBJECT,
    TRY_INBOUND_SUBJECT,
    TRY_OUTBOUND_SUBJECT,
)
from postbus.contracts.channels import AuditRecord
from postbus.contracts.configuration import InboundChannel, OutboundChannel
from postbus.contracts.mailboxes import CompletenessProof, Prove
from postbus.contracts.trying import TryInbound, TryOutbound, TryResult

_CHANGES: Final = frozenset(("created", "changed", "deleted"))


class NatsAudit:
    """`config_service.ports.TellAudit`; the event id derives from the revision.

    A document is changed once at a revision; what else is done to a thing may be done often, so it
    adds who did it and when.
    """

    def __init__(self, bus: ServiceBus) -> None:
        self._bus = bus

    async def __call__(self, record: AuditRecord) -> None:
        """Tell `postbus.audit.<kind>`."""
        when = () if record.action in _CHANGES else (record.who, record.at.isoformat())
        event_id = derived_id("audit", record.kind, record.id, str(record.revision), *when)
        await self._bus.tell(
            "postbus.audit",
            record.kind,
            record,
            event_id=event_id,
            about=f"{record.kind}/{record.id}",
        )


_TRY: Final = {"imap": TRY_INBOUND_SUBJECT, "graph": TRY_GRAPH_SUBJECT}
_PROVE: Final = {"imap": PROVE_SUBJECT, "graph": PROVE_GRAPH_SUBJECT}
"""Kind of inbound channel → what the service that reads it is asked by."""


class NatsTryInbound:
    """`config_service.ports.TryInboundChannel`: ingest-imap answers, or ingest-graph."""

    def __init__(self, bus: ServiceBus, timeout_seconds: float) -> None:
        self._bus = bus
        self._timeout_seconds = timeout_seconds

    async def __call__(self, channel: InboundChannel, sealed_secret: str | None) -> TryResult:
        """How far the mailbox came; BusUnavailable."""
        question = TryInbound(channel=channel, sealed_secret=sealed_secret)
        return await self._bus.ask(
            _TRY[channel.kind], question, TryResult, timeout_seconds=self._timeout_seconds
        )


class NatsProve:
    """`config_service.ports.Prove`: the same two answer."""

    def __init__(self, bus: ServiceBus, timeout_seconds: float) -> None:
        self._bus = bus
        self._timeout_seconds = timeout_seconds

    async def __call__(self, channel: InboundChannel) -> CompletenessProof:
        """The proof; BusUnavailable."""
        question = Prove(channel=channel.id)
        return await self._bus.ask(
            _PROVE[channel.kind],
            question,
            CompletenessProof,
            timeout_seconds=self._timeout_seconds,
        )


class NatsTryOutbound:
    """`config_service.ports.TryOutboundChannel`: dispatch answers."""

    def __init__(self, bus: ServiceBus, timeout_seconds: float) -> None:
        self._bus = bus
        self._timeout_seconds = timeout_seconds

    async def __call__(self, channel: OutboundChannel, sealed_secret: str | None) -> TryResult:
        """How far the channel came; BusUnavailable."""
        question = TryOutbound(channel=channel, sealed_secret=sealed_secret)
        return await self._bus.ask(
            TRY_OUTBOUND_SUBJECT, question, TryResult, timeout_seconds=self._timeout_seconds
        )
