"""An agent says who the customer of a ticket is."""

from contextlib import suppress

from postbus.contracts.mail import Address
from postbus.errors import BusUnavailable
from ticketing.domain.customers import change_of, with_customer
from ticketing.domain.facts import ticket_fact
from ticketing.domain.model import Ticket
from ticketing.surroundings import Surroundings


class ChoosingCustomer:
    """Answers go to whom the agent chose, and the event says who did it."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._store = around.store

    async def choose(self, ticket: Ticket, who: Address, *, by: str) -> Ticket:
        """The ticket of that customer; StateConflict if it moved on."""
        now = self._around.now()
        customer = await self._store.meet_customer(who, now=now)
        if customer == ticket.customer:
            return ticket
        after = with_customer(ticket, customer, now=now)
        fact = ticket_fact(
            "changed",
            after,
            queue=self._around.queue(after.queue),
            cause=f"revision-{ticket.revision + 1}",
            change=change_of(ticket, after),
            by=by,
        )
        saved = await self._store.save(after, [fact])
        # Without NATS the fact stays with the ticket, and the sweep tells it later.
        with suppress(BusUnavailable):
            await self._around.telling.tell(saved, [fact])
        return saved
