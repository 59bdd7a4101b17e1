"""Tells claims and outcomes as events, and counts outcomes."""

from prometheus_client import CollectorRegistry, Counter

from postbus.bus import Bus
from postbus.contracts.base import derived_id
from postbus.contracts.sending import SendClaimed, SendOutcome


class NatsClaims:
    """The port `TellClaim`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def __call__(self, fact: SendClaimed) -> None:
        """BusUnavailable unless the stream has it."""
        await self._bus.tell(
            "postbus.send.claimed",
            fact.outbound_channel,
            fact,
            event_id=derived_id("claim", fact.send_id, str(fact.attempt), fact.at.isoformat()),
            about=f"tickets/{fact.ticket_number}",
        )


class NatsOutcomes:
    """The port `TellOutcome`."""

    def __init__(self, bus: Bus, registry: CollectorRegistry) -> None:
        self._bus = bus
        self._count = Counter(
            "postbus_sends_total", "Outcomes by channel", ["outbound", "state"], registry=registry
        )

    async def __call__(self, fact: SendOutcome) -> None:
        """BusUnavailable unless the stream has it."""
        decided = (str(fact.decision),) if fact.decision else ()
        late = ("late",) if fact.late_since else ()
        await self._bus.tell(
            f"postbus.send.{fact.state}",
            fact.outbound_channel,
            fact,
            event_id=derived_id(
                "send", fact.send_id, fact.state, str(fact.attempt), fact.reason, *decided, *late
            ),
            about=f"tickets/{fact.ticket_number}",
        )
        self._count.labels(fact.outbound_channel, fact.state).inc()
