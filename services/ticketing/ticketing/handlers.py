"""What ticketing does when it hears of a mail, and of what became of a mail it wanted sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from postbus.configuration import Configuration
from postbus.contracts.base import derived_id
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import Address, MailReceived, MailReceivedEvent
from postbus.contracts.sending import SendOutcomeEvent
from postbus.contracts.tickets import QueueRef
from postbus.errors import PermanentError, StateConflict
from postbus.tokens import Stamper, StampKind
from ticketing.domain import outcomes
from ticketing.domain.facts import send_requested
from ticketing.domain.filing import Filing, add_to_ticket, message_key, open_ticket
from ticketing.domain.model import Fact, Ticket
from ticketing.domain.outgoing import Letter, cause_of, message_of, request_of
from ticketing.domain.receipts import receipt_text, wants_receipt
from ticketing.domain.threads import Thread, claim_keys, only_key, own_ticket_id, thread_of
from ticketing.ports import Filed
from ticketing.telling import Telling

_UNKNOWN_COLOUR = "#6b7280"


@dataclass(frozen=True)
class Surroundings:
    """What handlers and the API have around them."""

    store: Filed
    telling: Telling
    configuration: Callable[[], Configuration]
    stamper: Stamper
    now: Callable[[], datetime]

    def queue(self, queue_id: str) -> QueueRef:
        """The queue as people see it; one that was deleted keeps its id."""
        channel = self.configuration().inbound(queue_id)
        if channel is None:
            return QueueRef(id=queue_id, name=queue_id, colour=_UNKNOWN_COLOUR)
        return QueueRef(id=queue_id, name=channel.name, colour=channel.colour)

    async def save_counted(self, before: Ticket, after: Ticket, facts: Sequence[Fact]) -> Ticket:
        """Write a ticket that counted one more message than `before`; StateConflict if it moved on.

        A message is marked before its ticket forgets it, so one of the two always knows.
        """
        if before.forgets_next is not None:
            await self.store.mark_filed(before.forgets_next)
        return await self.store.save(after, facts)


class MailHandlers:
    """Files mail; safe to run again after any crash."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._store = around.store

    async def on_mail_received(self, event: MailReceivedEvent) -> None:
        """File one mail on the ticket it belongs to, or open one."""
        mail = event.data
        thread, known = await self._find(mail)
        if known is not None and await self._has(known, mail):
            await self._around.telling.tell(known, known.untold)
            return
        if known is None and thread.is_being_opened(now=self._around.now()):
            raise StateConflict("the ticket of this thread is being opened")
        await self._claim(mail, thread)
        if known is None:
            filing = await self._open(mail, thread.ticket_id)
            written = await self._store.put_messages(filing.messages)
            await self._store.open(filing.ticket, filing.facts)
            await self._around.telling.tell(filing.ticket, filing.facts, written=written)
        else:
            now = self._around.now()
            filing = add_to_ticket(mail, known, queue=self._around.queue(known.queue), now=now)
            await self._store.put_messages(filing.messages)
            await self._around.save_counted(known, filing.ticket, filing.facts)
            await self._around.telling.tell(known, (*known.untold, *filing.facts))

    async def _find(self, mail: MailReceived) -> tuple[Thread, Ticket | None]:
        """Where the mail belongs, and that ticket if it was opened.

        Most mail is new and points nowhere: to win its only claim is to know that.
        """
        only, own = only_key(mail), own_ticket_id(mail)
        if only is not None and await self._store.claim_first(only, own, now=self._around.now()):
            return Thread(own, missing=()), None
        thread = await self._thread(mail)
        return thread, await self._store.ticket(thread.ticket_id)

    async def _thread(self, mail: MailReceived) -> Thread:
        stamped = None
        if mail.stamp is not None:
            stamped = await self._store.ticket_by_number(mail.stamp.ticket_number)
        claims = await self._store.claims(claim_keys(mail))
        return thread_of(mail, claims, stamped_ticket_id=stamped.id if stamped else None)

    async def _has(self, ticket: Ticket, mail: MailReceived) -> bool:
        key = message_key(mail, ticket.id)
        if ticket.has_counted(key) or ticket.remembers_all:
            return ticket.has_counted(key)
        message = await self._store.message(key)
        return message is not None and message.filed

    async def _claim(self, mail: MailReceived, thread: Thread) -> None:
        if thread.missing:
            now = self._around.now()
            await self._store.claim(thread.missing, thread.ticket_id, now=now)
        if thread.strays:
            own = own_ticket_id(mail)
            await self._store.move_claims(thread.strays, old=own, new=thread.ticket_id)

    async def _open(self, mail: MailReceived, ticket_id: str) -> Filing:
        now = self._around.now()
        filing = open_ticket(
            mail,
            ticket_id=ticket_id,
            number=await self._store.next_number(),
            customer=await self._store.meet_customer(mail.customer, now=now),
            queue=self._around.queue(mail.queue),
            now=now,
        )
        channel = self._around.configuration().inbound(mail.channel)
        if channel is None or not wants_receipt(mail, channel):
            return filing
        return self._with_receipt(filing, mail, channel)

    def _with_receipt(self, filing: Filing, mail: MailReceived, channel: InboundChannel) -> Filing:
        ticket, now = filing.ticket, filing.ticket.created_at
        hop = mail.stamp.hop + 1 if mail.stamp else 0
        letter = Letter(
            send_id=derived_id("receipt", ticket.id),
            kind=SendKind.RECEIPT,
            to=(mail.customer,),
            text=receipt_text(ticket, channel),
            stamp=self._around.stamper.stamp(
                ticket_number=ticket.number, kind=StampKind.RECEIPT, hop=hop, at=now
            ),
            sender=Address(name=channel.name, address=channel.address or mail.customer.address),
            answers=filing.message,
            cause=cause_of(mail),
        )
        request = request_of(letter, ticket, now=now)
        return Filing(
            ticket.with_message(letter.send_id, at=now),
            filing.message,
            (*filing.facts, send_requested(ticket, request)),
            receipt=message_of(request, ticket.id),
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
