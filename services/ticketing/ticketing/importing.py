"""What ticketing does when it hears of a mail from before.

It is filed like any mail, and nothing automatic follows: this module and `domain/importing` import
nothing that could ask for a mail to be sent, which `make check` holds.
"""

from postbus.contracts.mail import MailImportedEvent, MailReceived
from postbus.errors import StateConflict
from ticketing.domain.filing import flags_of, message_keys
from ticketing.domain.held import of_unknown_bounce, own_mail
from ticketing.domain.importing import (
    add_historic,
    historic_message,
    is_ours,
    open_historic,
    outsiders,
    parties_of,
)
from ticketing.domain.model import Ticket
from ticketing.domain.placing import Place, by_age
from ticketing.finding import Finding
from ticketing.holding import Holding
from ticketing.merging import Merging
from ticketing.reporting import Reporting
from ticketing.rereading import Rereading
from ticketing.surroundings import Surroundings


class ImportHandlers:
    """Files mail from before; safe to run again after any crash."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._store = around.store
        self._merging = Merging(around)
        self._finding = Finding(around, self._merging)
        self._reporting = Reporting(around)
        self._rereading = Rereading(around, self._finding)
        self._holding = Holding(around, self._finding)

    async def on_mail_imported(self, event: MailImportedEvent) -> None:
        """File one mail on the ticket it belongs to, or open one; or say that it is held."""
        mail = event.data
        is_filed = await self._file(mail)
        if is_filed:
            await self._holding.filed(mail)
        # Last: whoever asks is told that a mail is on a ticket when it is.
        await self._store.note_origin(mail, held=not is_filed)

    async def _file(self, mail: MailReceived) -> bool:
        """Whether it is on a ticket now; otherwise it is held."""
        if mail.reread_at is not None and await self._rereading.replace(mail):
            return True
        place = await self._place(mail)
        if place is None:
            return await self._file_bounce(mail)
        if place.ticket is None and not self._may_open(mail):
            await self._holding.hold(mail, own_mail(mail), imported=True)
            return False
        if mail.reread_at is not None and mail.released is None:
            await self._holding.release(mail)
        if place.ticket is not None and await self._has(place.ticket, mail):
            await self._around.telling.tell(place.ticket, place.ticket.untold)
        elif place.waits:
            raise StateConflict("the ticket of this thread is being opened")
        elif place.ticket is None:
            await self._finding.claim(place, place.ticket_id)
            await self._open(mail, place.ticket_id)
        else:
            await self._join(mail, place, place.ticket)
        return True

    async def _place(self, mail: MailReceived) -> Place | None:
        """None of a bounce which its returned Message-ID leads to a ticket, or nothing does."""
        released = mail.released is not None
        return await self._finding.place(
            mail,
            parties=self._parties(mail),
            # A number in a subject of before may be that of another system.
            heeds_numbers=False,
            any_bounce=released and await self._finding.of_returned(mail) is None,
        )

    async def _file_bounce(self, mail: MailReceived) -> bool:
        """What came back for a mail that we did not stamp is known by that mail's Message-ID."""
        ticket = await self._finding.of_returned(mail)
        if ticket is None:
            await self._holding.hold(mail, of_unknown_bounce(mail), imported=True)
            return False
        if await self._finding.has(ticket, mail):
            await self._around.telling.tell(ticket, ticket.untold)
            return True
        if mail.reread_at is not None and mail.released is None:
            await self._holding.release(mail)
        await self._reporting.file(mail, ticket, imported=True)
        return True

    async def _join(self, mail: MailReceived, place: Place, ticket: Ticket) -> None:
        elder, *younger = by_age([ticket, *place.same])
        for young in younger:
            elder = await self._merging.merge(young, elder)
        await self._finding.claim(place, elder.id)
        if elder is not ticket and await self._has(elder, mail):
            await self._around.telling.tell(elder, elder.untold)
        elif self._reporting.is_report(mail):
            await self._reporting.file(mail, elder, imported=True)
        else:
            await self._add(mail, elder, refers_elsewhere=bool(place.others))

    async def _open(self, mail: MailReceived, ticket_id: str) -> None:
        around, ours = self._around, is_ours(mail, self._around.is_own)
        others = outsiders(mail, around.is_own) if ours else ()
        customer = others[0] if others else mail.customer
        now = around.now()
        filing = open_historic(
            mail,
            historic_message(mail, ticket_id, ours=ours),
            number=await self._store.next_number(),
            customer=await self._store.meet_customer(customer, now=now, from_history=True),
            queue=around.queue(mail.queue),
            people=parties_of(mail, around.is_own),
            now=now,
        )
        await self._store.put_messages(filing.messages)
        await self._store.open(filing.ticket, filing.facts)
        await around.telling.tell(filing.ticket, filing.facts)

    async def _add(self, mail: MailReceived, ticket: Ticket, *, refers_elsewhere: bool) -> None:
        around, ours = self._around, is_ours(mail, self._around.is_own)
        filing = add_historic(
            historic_message(mail, ticket.id, ours=ours),
            ticket,
            queue=around.queue(ticket.queue),
            people=parties_of(mail, around.is_own),
            flags=flags_of(mail, ticket, around.is_own, refers_elsewhere=refers_elsewhere),
            now=around.now(),
        )
        await self._store.put_messages(filing.messages)
        if mail.reread_at is not None:
            await self._store.put_reading(filing.message)
        await around.save_counted(ticket, filing.ticket, filing.facts)
        await around.telling.tell(ticket, (*ticket.untold, *filing.facts))

    async def _has(self, ticket: Ticket, mail: MailReceived) -> bool:
        """Whether the mail is on the ticket; a copy of what Postbus sent is there as sent."""
        if await self._finding.has(ticket, mail):
            return True
        if mail.message_id is None or not is_ours(mail, self._around.is_own):
            return False
        sent = await self._store.outbound(ticket.id, message_ids=[mail.message_id])
        # The mail itself may stand there, written by a run that died before it was counted.
        return any(one.id not in message_keys(mail, ticket) for one in sent)

    def _parties(self, mail: MailReceived) -> frozenset[str] | None:
        """Of our own mail, those it was written to; otherwise its writers are."""
        is_own = self._around.is_own
        return frozenset(parties_of(mail, is_own)) if is_ours(mail, is_own) else None

    def _may_open(self, mail: MailReceived) -> bool:
        """Our own mail to nobody outside is nobody's ticket, unless somebody says so."""
        is_own = self._around.is_own
        return (
            mail.released is not None or not is_ours(mail, is_own) or bool(outsiders(mail, is_own))
        )
