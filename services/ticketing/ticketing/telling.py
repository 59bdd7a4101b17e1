"""Tells what is kept with the tickets and not told yet.

The facts were written together with the state. They are told right after; what a crash or an
outage left untold is found by the sweep, or by the next delivery of the same mail.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postbus.contracts.base import Contract
from postbus.contracts.sending import SendRequested
from postbus.contracts.tickets import TicketFact
from ticketing.domain.model import Fact, Ticket
from ticketing.domain.outgoing import message_of
from ticketing.ports import Filed, Tell

_MODELS: dict[str, type[Contract]] = {"postbus.send.requested": SendRequested}
_SWEEP_AFTER = timedelta(seconds=10)
_SWEEP_BATCH = 50


@dataclass(frozen=True)
class Telling:
    """Tells facts and then forgets them."""

    store: Filed
    bus: Tell

    async def tell(self, ticket: Ticket, facts: Sequence[Fact]) -> None:
        """Tell facts of a ticket in order; BusUnavailable leaves them kept."""
        if not facts:
            return
        for fact in facts:
            data = _MODELS.get(fact.type, TicketFact).model_validate_json(fact.data_json)
            if isinstance(data, SendRequested):
                # The outcome will look for the message, so it stands before the request goes.
                await self.store.put_message(message_of(data, ticket.id))
            await self.bus.tell(
                fact.type, fact.last_token, data, event_id=fact.event_id, about=fact.about
            )
        await self.store.told(ticket.id, [fact.event_id for fact in facts])

    async def sweep(self, *, now: datetime) -> int:
        """Tell what was left over; the number of tickets that had something."""
        left = await self.store.with_untold(before=now - _SWEEP_AFTER, limit=_SWEEP_BATCH)
        for ticket in left:
            await self.tell(ticket, ticket.untold)
        return len(left)
