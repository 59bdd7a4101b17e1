"""Tells outcomes as events, and counts them."""

from prometheus_client import CollectorRegistry, Counter

from postbus.bus import Bus
from postbus.contracts.base import derived_id
from postbus.contracts.sending import SendOutcome


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
