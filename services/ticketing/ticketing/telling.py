"""Tells what is kept with the tickets and not told yet.

The facts were written together with the state. They are told right after; what a crash or an
outage left untold is found by the sweep, or by the next delivery of the same mail.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from postbus.contracts.sending import SendDecided, SendRequested
from postbus.errors import PermanentError
from ticketing.crossing_off import CrossingOff
from ticketing.domain.decisions import SEND_DECIDED
from ticketing.domain.model import Fact, Ticket
from ticketing.domain.notices import NOTICED, notices_of
from ticketing.domain.outgoing import SEND_REQUESTED, message_of
from ticketing.ports import Filed, Tell

log = structlog.get_logger("ticketing")

_SWEEP_AFTER = timedelta(seconds=10)
_SWEEP_BATCH = 50


@dataclass(frozen=True)
class Telling:
    """Tells facts and then forgets them."""

    store: Filed
    bus: Tell
    crossing_off: CrossingOff

    async def tell(self, ticket: Ticket, facts: Sequence[Fact], *, written: bool = False) -> None:
        """Tell facts of a ticket in order; BusUnavailable leaves them kept.

        What concerns agents alone is told to their notices, and not to the stream.
        `written` says that every message these facts want sent stands in the store as they have it.
        """
        if not facts:
            return
        for fact in facts:
            if fact.type == NOTICED:
                await self.store.keep_notices(notices_of(fact))
                continue
            if fact.type == SEND_REQUESTED and not written:
                await self._settle(ticket, fact)
            if fact.type == SEND_DECIDED:
                decided = SendDecided.model_validate_json(fact.data_json)
                await self.store.note_decision(decided.send_id, decided.decision)
            await self.bus.tell(
                fact.type,
                fact.last_token,
                fact.data_json.encode(),
                event_id=fact.event_id,
                about=fact.about,
            )
        self.crossing_off.add(ticket.id, [fact.event_id for fact in facts])

    async def _settle(self, ticket: Ticket, fact: Fact) -> None:
        """The outcome will look for the message, so it stands before the request goes.

        A receipt may be there that a run wrote which died, or lost the race to open the ticket; it
        speaks of another ticket number, and what is sent is what the request says.
        """
        request = SendRequested.model_validate_json(fact.data_json)
        await self.store.settle_message(message_of(request, ticket.id))

    async def sweep(self, *, now: datetime) -> int:
        """Tell what was left over; the number of tickets that had something.

        A fact that can never be told keeps only its own ticket's waiting.
        """
        left = await self.store.with_untold(before=now - _SWEEP_AFTER, limit=_SWEEP_BATCH)
        for ticket in left:
            try:
                await self.tell(ticket, ticket.untold)
            except PermanentError:
                log.exception("fact_untellable", ticket=ticket.number)
        await self.crossing_off.flush()
        return len(left)
