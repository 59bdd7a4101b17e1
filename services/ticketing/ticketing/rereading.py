"""A mail that was read again by a later release: what is filed of it is brought up to date."""

from postbus.contracts.mail import MailReceived
from ticketing.domain.filing import message_keys
from ticketing.domain.model import Ticket
from ticketing.domain.rereading import reread_message, reread_ticket
from ticketing.finding import Finding
from ticketing.surroundings import Surroundings


class Rereading:
    """Puts new readings in the place of old ones."""

    def __init__(self, around: Surroundings, finding: Finding) -> None:
        self._store = around.store
        self._finding = finding

    async def replace(self, mail: MailReceived) -> bool:
        """Bring the message of a mail up to date; False where the mail was never filed.

        Nothing is told, and nobody is answered. A newer reading stays as it is.
        """
        for ticket in await self._finding.candidates(mail):
            if await self._finding.has(ticket, mail):
                await self._replace(ticket, mail)
                return True
        return False

    async def _replace(self, ticket: Ticket, mail: MailReceived) -> None:
        for key in message_keys(mail, ticket):
            before = await self._store.message(key)
            if before is None:
                continue
            # The ticket first: what a crash leaves, the next delivery finds as it was.
            changed = reread_ticket(ticket, before, mail)
            if changed is not None:
                await self._store.save(changed, ())
            await self._store.put_reading(reread_message(before, mail))
