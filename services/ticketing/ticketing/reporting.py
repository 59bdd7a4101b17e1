"""Files what comes back for our own mail: bounces, absence notes, complaints."""

from postbus.contracts.mail import MailReceived
from ticketing.domain.bounced import answered, may_be_report, returned_ids, tokens_of
from ticketing.domain.model import Message, Ticket
from ticketing.domain.reporting import Reporting as Reported
from ticketing.domain.reporting import file_report, pause_of
from ticketing.surroundings import Surroundings


class Reporting:
    """Files reports on the ticket, and as the outcome of the mail that they are about."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._store = around.store

    def is_report(self, mail: MailReceived) -> bool:
        """Whether the mail came back for a mail of ours; our verified stamp in it says so."""
        if not may_be_report(mail):
            return False
        if mail.stamp is not None:
            return True
        return any(self._around.stamper.find(one) for one in returned_ids(mail))

    async def file(self, mail: MailReceived, ticket: Ticket, *, imported: bool = False) -> None:
        """File it; StateConflict when the ticket or the delivery moved on."""
        about = await self._about(mail, ticket)
        reporting = file_report(
            mail,
            ticket,
            about,
            queue=self._around.queue(ticket.queue),
            reply_via=self._around.reply_via(ticket),
            now=self._around.now(),
            imported=imported,
        )
        filing = reporting.filing
        if filing.message.aside:
            await self._file_aside(ticket, about, reporting, imported=imported)
            return
        await self._store.put_messages(filing.messages)
        # Before the ticket counts the mail: after that nobody would look at it again.
        delivery = reporting.delivery
        if about is not None and delivery is not None and delivery != about.delivery:
            await self._store.set_delivery(about, delivery)
        await self._around.save_counted(ticket, filing.ticket, filing.facts)
        await self._around.telling.tell(ticket, (*ticket.untold, *filing.facts))

    async def _file_aside(
        self, ticket: Ticket, about: Message | None, reporting: Reported, *, imported: bool
    ) -> None:
        """What came back for a notification: nobody is told of it, and nothing wakes.

        No ticket counts it, so the message comes last and says that all the rest is done.
        """
        filing, delivery = reporting.filing, reporting.delivery
        if about is not None and delivery is not None:
            pause = None if imported else pause_of(reporting, about)
            if pause is not None:
                await self._store.pause_notifications(pause)
            if delivery != about.delivery:
                await self._store.set_delivery(about, delivery)
        if filing.facts:
            await self._store.save(ticket, filing.facts)
            await self._around.telling.tell(ticket, (*ticket.untold, *filing.facts))
        await self._store.put_messages(filing.messages)

    async def _about(self, mail: MailReceived, ticket: Ticket) -> Message | None:
        """The outgoing message of the ticket that the mail came back for."""
        tokens = tokens_of(mail, self._around.stamper.read)
        named = await self._store.outbound(ticket.id, message_ids=returned_ids(mail))
        return answered(mail, named or await self._store.outbound(ticket.id), tokens=tokens)
