"""What ticketing does when it hears of a mail, and of what became of a mail it wanted sent."""

from typing import Final

from postbus.contracts.base import derived_id
from postbus.contracts.mail import (
    MailHeld,
    MailKind,
    MailReceived,
    MailReceivedEvent,
    MailReleased,
)
from postbus.contracts.sending import SendOutcomeEvent
from postbus.errors import PermanentError, StateConflict
from ticketing.domain import outcomes
from ticketing.domain.filing import add_to_ticket, flags_of
from ticketing.domain.model import Ticket
from ticketing.domain.people import people_of
from ticketing.domain.placing import Place, by_age
from ticketing.finding import Finding
from ticketing.following import Following
from ticketing.merging import Merging
from ticketing.opening import Opening, ToOpen
from ticketing.ports import Filed
from ticketing.reporting import Reporting
from ticketing.rereading import Rereading
from ticketing.surroundings import Surroundings

OWN_MAIL_CAME_BACK: Final = "own-mail-came-back"
BOUNCE_OF_UNKNOWN_MAIL: Final = "bounce-of-unknown-mail"


class MailHandlers:
    """Files mail; safe to run again after any crash."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._store = around.store
        self._merging = Merging(around)
        self._finding = Finding(around, self._merging)
        self._following = Following(around, self._merging)
        self._opening = Opening(around)
        self._reporting = Reporting(around)
        self._rereading = Rereading(around, self._finding)

    async def on_mail_received(self, event: MailReceivedEvent) -> None:
        """File one mail on the ticket it belongs to, or open one; or say that it is held."""
        mail = event.data
        if mail.kind is MailKind.OWN:
            await self._hold(mail, OWN_MAIL_CAME_BACK)
            return
        if mail.reread_at is not None and await self._rereading.replace(mail):
            return
        place = await self._finding.place(mail)
        if place is None:
            await self._hold(mail, BOUNCE_OF_UNKNOWN_MAIL)
            return
        if mail.reread_at is not None:
            # Before it is filed: after a crash it is found filed, and nobody would say it again.
            await self._release(mail)
        if place.ticket is not None and await self._finding.has(place.ticket, mail):
            await self._around.telling.tell(place.ticket, place.ticket.untold)
        elif place.waits:
            raise StateConflict("the ticket of this thread is being opened")
        elif place.ticket is None:
            await self._claim(place, place.ticket_id)
            await self._opening.open(mail, ToOpen(place.ticket_id))
        else:
            await self._join(mail, place, place.ticket)

    async def _join(self, mail: MailReceived, place: Place, ticket: Ticket) -> None:
        elder, *younger = by_age([ticket, *place.same])
        for young in younger:
            elder = await self._merging.merge(young, elder)
        target = await self._following.ticket_for(mail, elder)
        if isinstance(target, ToOpen):
            await self._claim(place, target.ticket_id)
            await self._opening.open(mail, target)
            return
        await self._claim(place, target.id)
        if target is not ticket and await self._finding.has(target, mail):
            await self._around.telling.tell(target, target.untold)
        elif self._reporting.is_report(mail):
            await self._reporting.file(mail, target)
        else:
            await self._add(mail, target, refers_elsewhere=bool(place.others))

    async def _claim(self, place: Place, ticket_id: str) -> None:
        if place.missing:
            await self._store.claim(place.missing, ticket_id, now=self._around.now())
        for old, keys in (place.strays or {}).items():
            if old != ticket_id:
                await self._store.move_claims(keys, old=old, new=ticket_id)

    async def _add(self, mail: MailReceived, ticket: Ticket, *, refers_elsewhere: bool) -> None:
        around = self._around
        filing = add_to_ticket(
            mail,
            ticket,
            queue=around.queue(ticket.queue),
            now=around.now(),
            people=people_of(mail, around.is_own),
            flags=flags_of(mail, ticket, around.is_own, refers_elsewhere=refers_elsewhere),
        )
        await self._store.put_messages(filing.messages)
        if mail.reread_at is not None:
            await self._store.put_reading(filing.message)
        await around.save_counted(ticket, filing.ticket, filing.facts)
        await around.telling.tell(ticket, (*ticket.untold, *filing.facts))

    async def _hold(self, mail: MailReceived, reason: str) -> None:
        """Tell that a mail is kept and not filed; it can be looked at where held mail is listed."""
        fact = MailHeld(
            mail_id=mail.mail_id,
            channel=mail.channel,
            reason=reason,
            detail=", ".join(mail.kind_reasons),
            raw=mail.raw,
            route=mail.route,
        )
        await self._around.bus.tell(
            "postbus.mail.held",
            mail.channel,
            fact.model_dump_json(by_alias=True).encode(),
            event_id=derived_id("mail.held", mail.channel, mail.mail_id),
            about=f"mails/{mail.mail_id}",
        )

    async def _release(self, mail: MailReceived) -> None:
        """Tell that a mail which was never filed, and was read again, is held no longer."""
        fact = MailReleased(
            mail_id=mail.mail_id, received_as=mail.mail_id, channel=mail.channel, raw=mail.raw
        )
        await self._around.bus.tell(
            "postbus.mail.released",
            mail.channel,
            fact.model_dump_json(by_alias=True).encode(),
            event_id=derived_id("mail.released", mail.channel, mail.mail_id, str(mail.reread_at)),
            about=f"mails/{mail.mail_id}",
        )


class OutcomeHandlers:
    """Shows on the message what became of it."""

    def __init__(self, store: Filed) -> None:
        self._store = store

    async def on_outcome(self, event: SendOutcomeEvent) -> None:
        """Note the outcome; twice or late changes nothing."""
        told = event.data
        if await self._store.first_delivery(told.send_id, outcomes.delivery_of(told)):
            return
        message = await self._store.message(told.send_id)
        if message is None:
            raise PermanentError(f"no message {told.send_id}")
        delivery = outcomes.after(message.delivery, told)
        if delivery is not None:
            await self._store.set_delivery(message, delivery)
