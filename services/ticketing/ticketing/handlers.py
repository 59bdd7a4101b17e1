"""What ticketing does when it hears of a mail, and of what became of a mail it wanted sent."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from postbus.contracts.base import utc_now
from postbus.contracts.configuration import Agent
from postbus.contracts.mail import MailReceived, MailReceivedEvent
from postbus.contracts.sending import SendOutcome, SendOutcomeEvent
from postbus.contracts.tickets import MessageFlag
from postbus.errors import PermanentError, StateConflict
from ticketing.domain import outcomes
from ticketing.domain.filing import Filing, add_to_ticket, flags_of
from ticketing.domain.held import of_unknown_bounce, why_held
from ticketing.domain.model import Ticket
from ticketing.domain.notes import add_as_note, becomes_note
from ticketing.domain.notices import Happening
from ticketing.domain.people import people_of, writers_of
from ticketing.domain.placing import Place, by_age, claim_key, claim_keys
from ticketing.finding import Finding
from ticketing.folding import Folding
from ticketing.following import Following
from ticketing.holding import Holding
from ticketing.merging import Merging
from ticketing.noticing import of_mail
from ticketing.opening import Opening, ToOpen
from ticketing.ports import Filed
from ticketing.reporting import Reporting
from ticketing.rereading import Rereading
from ticketing.surroundings import Surroundings


class MailHandlers:
    """Files mail; safe to run again after any crash."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._store = around.store
        self._merging = Merging(around)
        self._finding = Finding(around, self._merging)
        self._following = Following(around, self._merging)
        self._folding = Folding(around)
        self._opening = Opening(around)
        self._reporting = Reporting(around)
        self._rereading = Rereading(around, self._finding)
        self._holding = Holding(around, self._finding)

    async def on_mail_received(self, event: MailReceivedEvent) -> None:
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
        held = why_held(mail, self._around.configuration().loop_limits)
        if held is not None:
            await self._holding.hold(mail, held)
            return False
        place = await self._finding.place(mail, any_bounce=mail.released is not None)
        if place is None:
            await self._holding.hold(mail, of_unknown_bounce(mail))
            return False
        if mail.reread_at is not None and mail.released is None:
            # Before it is filed: after a crash it is found filed, and nobody would say it again.
            await self._holding.release(mail)
        if place.ticket is not None and await self._finding.has(place.ticket, mail):
            await self._around.telling.tell(place.ticket, place.ticket.untold)
        elif place.waits:
            raise StateConflict("the ticket of this thread is being opened")
        elif place.ticket is None:
            await self._finding.claim(place, place.ticket_id)
            await self._open(mail, place.ticket_id)
        else:
            await self._join(mail, place, place.ticket)
        return True

    async def _open(self, mail: MailReceived, ticket_id: str) -> None:
        """A ticket of its own, but for one of very many that say the same."""
        often = self._folding.is_worth_a_look(mail)
        ticket = await self._folding.ticket_for(mail) if often else None
        if ticket is None:
            await self._opening.open(mail, ToOpen(ticket_id, often=often))
            return
        # Before it is filed: whoever answers this mail must be led to where it is.
        await self._store.move_claims(claim_keys(mail), old=ticket_id, new=ticket.id)
        await self._add(mail, ticket, refers_elsewhere=False, folded=True)

    async def _join(self, mail: MailReceived, place: Place, ticket: Ticket) -> None:
        elder, *younger = by_age([ticket, *place.same])
        for young in younger:
            elder = await self._merging.merge(young, elder)
        agent = self._agent_behind(mail)
        if not self._reporting.is_report(mail) and becomes_note(mail, elder, agent):
            await self._finding.claim(place, elder.id)
            await self._note(mail, elder, agent)
            return
        target = await self._following.ticket_for(mail, elder)
        if isinstance(target, ToOpen):
            await self._finding.claim(place, target.ticket_id)
            await self._opening.open(mail, target)
            return
        await self._finding.claim(place, target.id)
        if target is not ticket and await self._finding.has(target, mail):
            await self._around.telling.tell(target, target.untold)
        elif self._reporting.is_report(mail):
            await self._reporting.file(mail, target)
        else:
            await self._add(mail, target, refers_elsewhere=bool(place.others))

    def _agent_behind(self, mail: MailReceived) -> Agent | None:
        there = self._around.configuration()
        found = (there.agent_of_address(one) for one in sorted(writers_of(mail)))
        return next((agent for agent in found if agent is not None), None)

    async def _note(self, mail: MailReceived, ticket: Ticket, agent: Agent | None) -> None:
        around = self._around
        filing = add_as_note(
            mail, ticket, agent, queue=around.queue(ticket.queue), now=around.now()
        )
        await self._keep(mail, ticket, filing)

    async def _add(
        self, mail: MailReceived, ticket: Ticket, *, refers_elsewhere: bool, folded: bool = False
    ) -> None:
        around = self._around
        flags = flags_of(mail, ticket, around.is_own, refers_elsewhere=refers_elsewhere)
        filing = add_to_ticket(
            mail,
            ticket,
            queue=around.queue(ticket.queue),
            now=around.now(),
            people=people_of(mail, around.is_own),
            flags=(*flags, MessageFlag.FOLDED) if folded else flags,
        )
        notices = of_mail(around, Happening.ANSWER, filing, mail)
        await self._keep(mail, ticket, replace(filing, facts=(*filing.facts, *notices)))

    async def _keep(self, mail: MailReceived, before: Ticket, filing: Filing) -> None:
        await self._store.put_messages(filing.messages)
        if mail.reread_at is not None:
            await self._store.put_reading(filing.message)
        await self._around.save_counted(before, filing.ticket, filing.facts)
        await self._around.telling.tell(before, (*before.untold, *filing.facts))


class OutcomeHandlers:
    """Shows on the message what became of it."""

    def __init__(self, store: Filed, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._now = now

    async def on_outcome(self, event: SendOutcomeEvent) -> None:
        """Note the outcome; twice or late changes nothing."""
        told = event.data
        await self._pause(told)
        if told.sent_as is not None:
            await self._claim(told.send_id, told.sent_as)
        if await self._store.first_delivery(told.send_id, outcomes.delivery_of(told)):
            return
        message = await self._store.message(told.send_id)
        if message is None:
            raise PermanentError(f"no message {told.send_id}")
        delivery = outcomes.after(message.delivery, told)
        if delivery is not None:
            await self._store.set_delivery(message, delivery)

    async def _pause(self, told: SendOutcome) -> None:
        """An agent's address that was refused as none gets no more notifications."""
        pause = outcomes.pause_of(told)
        if pause is not None:
            await self._store.pause_notifications(pause)

    async def _claim(self, send_id: str, sent_as: str) -> None:
        """Answers name the Message-ID that the mail went out with, so it leads to the ticket."""
        message = await self._store.message(send_id)
        ticket = await self._store.ticket(message.ticket_id) if message else None
        if ticket is None:
            return
        key = claim_key(ticket.channel, sent_as)
        with suppress(StateConflict):  # an answer was faster, and its own marks led it
            await self._store.claim([key], ticket.id, now=self._now())
