"""Puts a mail that would open a ticket on one that is there, where its sender repeats itself."""

from datetime import datetime

from postbus.contracts.mail import MailReceived
from postbus.mail.addresses import normalise
from ticketing.domain.folding import (
    HOUR,
    NEWEST,
    TEN_MINUTES,
    WORTH_A_LOOK,
    Came,
    alike,
    is_burst,
    of_the_hour,
)
from ticketing.domain.model import Ticket
from ticketing.domain.placing import only_key
from ticketing.surroundings import Surroundings


class Folding:
    """Finds the ticket of a burst."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._store = around.store

    def is_worth_a_look(self, mail: MailReceived) -> bool:
        """Whether it is its sender's third within an hour, or a later one; nothing is looked up.

        So most mail costs no look.
        """
        known_as = normalise(mail.customer.address)
        return self._around.lately.count(known_as, self._around.now()) >= WORTH_A_LOOK

    async def ticket_for(self, mail: MailReceived) -> Ticket | None:
        """The ticket that the mail goes on with; None where it opens one of its own.

        Only for what refers to nothing and has an id of its own, by which it is found again. More
        than one look only where its sender wrote the same lately.
        """
        if mail.message_id is None or only_key(mail) is None:
            return None
        now = self._around.now()
        customer = await self._store.meet_customer(mail.customer, now=now)
        newest = await self._store.newest_of(customer.id, limit=NEWEST)
        ticket = alike(mail, newest, now=now)
        if ticket is None:
            return None
        ids = [one.id for one in of_the_hour(mail, newest, now=now)]
        came = Came(await self._count(ids, now - TEN_MINUTES), await self._count(ids, now - HOUR))
        limits = self._around.configuration().loop_limits
        return ticket if is_burst(came, limits) else None

    async def _count(self, ticket_ids: list[str], since: datetime) -> int:
        return await self._store.count_inbound(ticket_ids, since=since)
