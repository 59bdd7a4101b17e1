"""Where an answer to a closed ticket goes, as its queue wants it."""

from dataclasses import replace

from postbus.contracts.mail import MailReceived
from postbus.contracts.tickets import TicketStatus
from postbus.errors import StateConflict
from ticketing.domain.closing import followed, wants_new_ticket
from ticketing.domain.facts import ticket_fact
from ticketing.domain.filing import is_automatic
from ticketing.domain.model import Ticket
from ticketing.domain.people import is_stranger_with_token
from ticketing.domain.placing import OPENING_TAKES_AT_MOST, own_ticket_id
from ticketing.merging import Merging
from ticketing.opening import ToOpen
from ticketing.surroundings import Surroundings


class Following:
    """Finds or sets aside the ticket that follows a closed one."""

    def __init__(self, around: Surroundings, merging: Merging) -> None:
        self._around = around
        self._store = around.store
        self._merging = merging

    async def ticket_for(self, mail: MailReceived, ticket: Ticket) -> Ticket | ToOpen:
        """The ticket itself, or the one that follows it, which may still have to be opened.

        What a stranger writes opens nothing. StateConflict while the next one is being opened.
        """
        while ticket.status is TicketStatus.CLOSED and not is_automatic(mail):
            link = ticket.followed_by
            if link is None:
                return await self._decided(mail, ticket)
            next_one = await self._store.ticket(link.ticket_id)
            if next_one is None:
                age = self._around.now() - link.at
                if link.ticket_id != own_ticket_id(mail) and age < OPENING_TAKES_AT_MOST:
                    raise StateConflict("the ticket that follows is being opened")
                return ToOpen(link.ticket_id, link.number, ticket)
            ticket = await self._merging.root(next_one)
        return ticket

    async def _decided(self, mail: MailReceived, ticket: Ticket) -> Ticket | ToOpen:
        around = self._around
        queue = around.configuration().inbound(ticket.queue)
        if is_stranger_with_token(mail, ticket, around.is_own):
            return ticket
        if not wants_new_ticket(ticket, queue, now=around.now()):
            return ticket
        return await self._set_aside(mail, ticket)

    async def _set_aside(self, mail: MailReceived, closed: Ticket) -> ToOpen:
        """Write on the closed ticket which one follows, before it is opened: so there is one."""
        now, number = self._around.now(), await self._store.next_number()
        wanted = ToOpen(own_ticket_id(mail), number, closed)
        after = followed(closed, wanted.ticket_id, number=number, at=now)
        fact = ticket_fact(
            "changed",
            after,
            queue=self._around.queue(after.queue),
            cause=f"followed-by-{wanted.ticket_id}",
            change={"followed_by": [None, number]},
        )
        saved = await self._store.save(after, [fact])
        await self._around.telling.tell(saved, (*closed.untold, fact))
        return replace(wanted, follows=saved)
