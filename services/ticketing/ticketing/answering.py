"""An agent answers a ticket, leaves a note, or changes it."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from postbus.contracts.appearance import QuotedHistory
from postbus.contracts.base import BlobRef, Contract, derived_id
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import Address, Attachment
from postbus.contracts.tickets import Priority, TicketStatus
from postbus.errors import BusUnavailable, NotConfigured
from postbus.tokens import StampKind
from ticketing.domain.closing import with_status
from ticketing.domain.facts import ticket_fact
from ticketing.domain.model import Direction, Fact, Message, Ticket
from ticketing.domain.outgoing import Letter, message_of, request_of, send_requested
from ticketing.domain.people import copied, with_people
from ticketing.domain.placing import claim_key
from ticketing.noticing import of_assignment
from ticketing.surroundings import Surroundings

_MOST_EARLIER = 20
"""Mails that are quoted below the one that is answered."""


class UnknownAgent(Exception):
    """There are agents, and none of that id."""


class KeyReused(Exception):
    """The idempotency key was used for another answer."""


@dataclass(frozen=True)
class Answer:
    """What the agent wrote; `content` are the texts, whole, where the others are cut."""

    text: str
    html: str | None = None
    cc: tuple[Address, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    content: BlobRef | None = None

    def digest(self) -> str:
        """The same for the same answer, so that a repeated request can be told from a new one."""
        parts = (self.text, self.html or "", *(a.address for a in self.cc))
        files = (
            f"{a.name}:{a.sha256}" + (f":{a.content_id}" if a.content_id else "")
            for a in self.attachments
        )
        whole = (self.content.sha256,) if self.content else ()
        return hashlib.sha256("\x1f".join((*parts, *files, *whole)).encode()).hexdigest()


class TicketChange(Contract):
    """What an agent changes; what is left out stays."""

    status: TicketStatus | None = None
    assignee: str | None = None
    priority: Priority | None = None
    tags: tuple[str, ...] | None = None
    queue: str | None = None


class Answering:
    """What agents do with a ticket."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._store = around.store

    async def reply(self, ticket: Ticket, answer: Answer, *, key: str, by: str) -> Message:
        """Answer the customer; asking again with the same key gives the same message.

        Raises KeyReused for another answer under the key, NotConfigured when the ticket's channel
        is gone and its queue too, StateConflict when the ticket kept changing.
        """
        send_id, before = await self._asked_before("reply", ticket, key)
        digest = answer.digest()
        if before is not None and before.request_digest != digest:
            raise KeyReused(key)
        if before is not None and (before.filed or ticket.has_counted(send_id)):
            return before
        now = before.created_at if before else self._around.now()
        answers = await self._store.last_inbound(ticket.id)
        channel, sender = self._sender(ticket)
        letter = Letter(
            send_id=send_id,
            kind=SendKind.AGENT_REPLY,
            to=(Address(name=ticket.customer.name, address=ticket.customer.address),),
            cc=answer.cc,
            text=answer.text,
            html=answer.html,
            content=answer.content,
            attachments=answer.attachments,
            stamp=self._around.stamper.stamp(
                ticket_number=ticket.number, kind=StampKind.AGENT_REPLY, hop=0, at=now
            ),
            channel=channel,
            sender=sender,
            answers=answers,
            earlier=await self._earlier(ticket, answers),
            language=self._language(ticket, answers),
            by=by,
        )
        request = request_of(letter, ticket, now=now)
        wanted = message_of(request, ticket.id, request_digest=digest)
        message = await self._store.put_message(wanted)
        if message.request_digest != digest:
            raise KeyReused(key)
        own_id = claim_key(request.channel, request.message_id)
        await self._store.claim([own_id], ticket.id, now=now)
        sending = send_requested(ticket, request)
        known = with_people(ticket, copied((*request.to, *request.cc)))
        await self._commit(known, message, by=by, sending=sending, written=message is wanted)
        return message

    async def note(self, ticket: Ticket, text: str, *, key: str, by: str) -> Message:
        """Leave a note that the customer does not see."""
        now = self._around.now()
        note_id, _ = await self._asked_before("note", ticket, key)
        message = Message(
            id=note_id,
            ticket_id=ticket.id,
            direction=Direction.NOTE,
            automatic=False,
            sender=Address(name=by, address=""),
            to=(),
            cc=(),
            subject=ticket.title,
            text=text,
            full_text=text,
            html=None,
            created_at=now,
            by=by,
        )
        kept = await self._store.put_message(message)
        if kept.text != text:
            raise KeyReused(key)
        if not kept.filed and not ticket.has_counted(kept.id):
            await self._commit(ticket, kept, by=by, sending=None)
        return kept

    async def change(
        self, ticket: Ticket, change: TicketChange, *, by: str, acting: str | None = None
    ) -> Ticket:
        """Change status, assignee, priority, tags or queue; StateConflict if it moved on.

        ``acting`` is the id of the agent who does it, where that is known. NotConfigured for a
        queue that is not there, UnknownAgent for an assignee who is none.
        """
        wanted = change.model_dump(exclude_unset=True)
        changed = {k: v for k, v in wanted.items() if getattr(ticket, k) != v}
        if not changed:
            return ticket
        if "queue" in changed and self._around.configuration().inbound(changed["queue"]) is None:
            raise NotConfigured(f"there is no queue {changed['queue']}")
        self._must_be_agent(changed.get("assignee"))
        old = {key: getattr(ticket, key) for key in changed}
        now = self._around.now()
        after = replace(ticket, **changed, updated_at=now)
        if "status" in changed:
            after = with_status(after, after.status, at=now)
        fact = ticket_fact(
            "changed",
            after,
            queue=self._around.queue(after.queue),
            cause=f"revision-{ticket.revision + 1}",
            change={key: [old[key], changed[key]] for key in changed},
            by=by,
        )
        facts = [fact]
        if "assignee" in changed:
            facts += of_assignment(self._around, after, by=by, acting=acting)
        saved = await self._store.save(after, facts)
        await self._tell(saved, facts)
        return saved

    def _must_be_agent(self, assignee: str | None) -> None:
        """Where no agents are set up, anything may be written there."""
        there = self._around.configuration()
        if assignee is not None and there.agents and there.agent(assignee) is None:
            raise UnknownAgent(assignee)

    async def _asked_before(
        self, what: str, ticket: Ticket, key: str
    ) -> tuple[str, Message | None]:
        """The id of the message that the key stands for, and that message if it is there.

        It may have been asked for on a ticket that is part of this one by now.
        """
        ids = [derived_id(what, one, key) for one in (ticket.id, *ticket.absorbed)]
        for message_id in ids:
            message = await self._store.message(message_id)
            if message is not None and (message.filed or message.ticket_id == ticket.id):
                return message_id, message
        return ids[0], None

    async def _commit(
        self,
        ticket: Ticket,
        message: Message,
        *,
        by: str,
        sending: Fact | None,
        written: bool = False,
    ) -> None:
        after = ticket.with_message(message.id, at=message.created_at)
        change: dict[str, object] = {}
        if sending is not None and ticket.status is TicketStatus.NEW:
            after = replace(after, status=TicketStatus.OPEN)
            change = {"status": [TicketStatus.NEW, TicketStatus.OPEN]}
        told = ticket_fact(
            "agent-replied" if sending else "noted",
            after,
            queue=self._around.queue(after.queue),
            cause=message.id,
            message=message,
            change=change,
            by=by,
        )
        facts = [told] if sending is None else [told, sending]
        saved = await self._around.save_counted(ticket, after, facts)
        await self._tell(saved, facts, written=written)

    async def _tell(self, saved: Ticket, facts: Sequence[Fact], *, written: bool = False) -> None:
        # Without NATS the facts stay with the ticket, and the sweep tells them later.
        with suppress(BusUnavailable):
            await self._around.telling.tell(saved, facts, written=written)

    def _sender(self, ticket: Ticket) -> tuple[str, Address]:
        """The ticket's channel; where that is gone, the queue that somebody moved it to."""
        for id_ in (ticket.channel, ticket.queue):
            channel = self._around.configuration().inbound(id_)
            if channel is not None and channel.address is not None:
                return id_, Address(name=channel.name, address=channel.address)
        raise NotConfigured(
            f"the channel {ticket.channel} of this ticket is gone; move it to a queue that is there"
        )

    def _language(self, ticket: Ticket, answered: Message | None) -> str | None:
        """That of the mail that is answered, else that of the one which opened the ticket."""
        of = self._around.language_of
        return of(answered.text if answered else "") or of(ticket.description)

    async def _earlier(self, ticket: Ticket, answered: Message | None) -> tuple[Message, ...]:
        """What was said before the mail that is answered, where the queue quotes all of it."""
        look = self._around.configuration().appearance(ticket.queue)
        if answered is None or look is None or look.quote is not QuotedHistory.THREAD:
            return ()
        said = await self._store.conversation(ticket.id, limit=_MOST_EARLIER)
        return tuple(one for one in said if one.id != answered.id)
