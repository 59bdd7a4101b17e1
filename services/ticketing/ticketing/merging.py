"""Makes one ticket of two, step by step, so that whoever comes after a crash does the rest."""

from ticketing.domain.merging import given_up, grown
from ticketing.domain.model import Ticket
from ticketing.surroundings import Surroundings


class Merging:
    """Finds the ticket that another one became part of, and makes it so."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._store = around.store

    async def merge(self, young: Ticket, elder: Ticket) -> Ticket:
        """The elder, after the younger became part of it; StateConflict if one of them moved on."""
        around = self._around
        # What the younger one wants sent stands as its message before the messages move.
        await around.telling.tell(young, young.untold)
        given = given_up(young, elder, queue=around.queue(young.queue), now=around.now())
        saved = await self._store.save(given.ticket, given.facts)
        await around.telling.tell(saved, given.facts)
        return await self._finish(saved, elder)

    async def root(self, ticket: Ticket) -> Ticket:
        """The ticket that this one is part of by now: itself, where it was never merged.

        What a merge that was cut short left is done first. StateConflict if the elder moved on.
        """
        merged: list[Ticket] = []
        while ticket.merged_into is not None:
            merged.append(ticket)
            elder = await self._store.ticket_by_number(ticket.merged_into)
            if elder is None:
                raise LookupError(f"ticket {ticket.merged_into} is gone")
            ticket = elder
        for young in reversed(merged):
            if young.id not in ticket.absorbed:
                ticket = await self._finish(young, ticket)
        return ticket

    async def _finish(self, young: Ticket, elder: Ticket) -> Ticket:
        """Move the messages, then count them."""
        around = self._around
        await self._store.take_over(young, elder.id)
        after = grown(elder, young, queue=around.queue(elder.queue), now=around.now())
        saved = await self._store.save(after.ticket, after.facts)
        await around.telling.tell(saved, (*elder.untold, *after.facts))
        return saved
