"""Opens a ticket for a mail, and asks for the receipt."""

from dataclasses import dataclass, replace
from datetime import datetime

from postbus.appearance import Look, look_of
from postbus.contracts.base import derived_id
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import Address, MailReceived
from postbus.mail.cause import cause_of
from postbus.tokens import StampKind
from ticketing.domain.filing import Filing, open_ticket
from ticketing.domain.folding import HOUR
from ticketing.domain.model import Ticket
from ticketing.domain.notices import Happening
from ticketing.domain.outgoing import Letter, message_of, request_of, send_requested
from ticketing.domain.people import people_of
from ticketing.domain.receipts import receipt_words, wants_receipt
from ticketing.noticing import of_mail
from ticketing.surroundings import Surroundings


@dataclass(frozen=True)
class ToOpen:
    """The ticket to open; the number is given where one was set aside for it before.

    `often` says that its sender opened some lately, so that it is worth counting them.
    """

    ticket_id: str
    number: int | None = None
    follows: Ticket | None = None
    often: bool = False


class Opening:
    """Opens tickets."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._store = around.store

    async def open(self, mail: MailReceived, wanted: ToOpen) -> None:
        """Open a ticket with the mail on it; StateConflict if somebody else did."""
        filing = await self._filing(mail, wanted)
        written = await self._store.put_messages(filing.messages)
        await self._store.open(filing.ticket, filing.facts)
        await self._around.telling.tell(filing.ticket, filing.facts, written=written)

    async def _filing(self, mail: MailReceived, wanted: ToOpen) -> Filing:
        now = self._around.now()
        number = wanted.number if wanted.number is not None else await self._store.next_number()
        customer = await self._store.meet_customer(mail.customer, now=now)
        is_burst = wanted.often and await self._is_one_of_too_many(customer.id, now)
        filing = open_ticket(
            mail,
            ticket_id=wanted.ticket_id,
            number=number,
            customer=customer,
            queue=self._around.queue(mail.queue),
            now=now,
            people=people_of(mail, self._around.is_own),
            follows=wanted.follows,
            is_burst=is_burst,
        )
        if not is_burst:
            notices = of_mail(self._around, Happening.NEW_TICKET, filing, mail)
            filing = replace(filing, facts=(*filing.facts, *notices))
        channel = self._around.configuration().inbound(mail.channel)
        if channel is None or not wants_receipt(mail, channel):
            return filing
        return self._with_receipt(filing, mail, channel)

    async def _is_one_of_too_many(self, customer_id: str, now: datetime) -> bool:
        """Whether so many of the customer's tickets were opened within the hour already (L14)."""
        most = self._around.configuration().loop_limits.tickets_hour
        return await self._store.opened_since(customer_id, since=now - HOUR, at_least=most)

    def _with_receipt(self, filing: Filing, mail: MailReceived, channel: InboundChannel) -> Filing:
        ticket, now = filing.ticket, filing.ticket.created_at
        hop = mail.stamp.hop + 1 if mail.stamp else 0
        language = self._around.language_of(mail.text)
        words = receipt_words(ticket, self._look(mail.queue), language)
        if words.problem is not None:
            self._around.receipt_failed(mail.queue, words.problem)
        letter = Letter(
            send_id=derived_id("receipt", ticket.id),
            kind=SendKind.RECEIPT,
            to=(mail.customer,),
            subject=words.subject,
            text=words.text,
            language=words.language,
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

    def _look(self, queue: str) -> Look:
        there = self._around.configuration()
        return look_of(there.appearance(queue), there.inbound(queue), queue_id=queue)
