"""Conversations as they come in: many mail programs, out of order, twice, to one queue or two.

What belongs together is known, because it was made so. Nothing here is random but by its seed.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from doubles.desk import Desk, absence_of, bounce_of, stamp_of
from doubles.mails import NOW, mail_received
from postbus.contracts.mail import Address, BouncedRecipient, MailReceived, Route
from postbus.errors import StateConflict
from ticketing.answering import Answer
from ticketing.domain.model import Message, Ticket
from ticketing.domain.placing import claim_key
from ticketing.merging import Merging

SUBJECTS = ("Printer on fire", "Question", "Your invoice", "Hello", "")
ANSWERS = ("Re: ", "AW: ", "RE: Re: ", "Antw: ", "")
PROGRAMS = ("full", "in-reply-to", "references", "first-and-last", "last-reference")
"""What they write of the mails that they answer."""

Ours = Message
Parent = MailReceived | Ours


@dataclass
class Conversation:
    """One matter: who writes about what, to which queues, and what was written so far."""

    name: str
    queues: tuple[str, ...]
    customer: Address
    colleague: Address | None
    subject: str
    written: dict[str, list[MailReceived]] = field(default_factory=dict)
    ours: dict[str, list[Ours]] = field(default_factory=dict)
    left: int = 0


class Mailboxes:
    """Writes conversations, delivers them as networks do, and lets agents answer meanwhile."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self._desk = desk
        self._random = Random(seed)
        self._transit: list[MailReceived] = []
        self._merging = Merging(desk.around)
        self._made = 0
        self.truth: dict[tuple[str, str], str] = {}
        """Queue and identity of each mail, and the conversation that it belongs to."""

    async def run(self, count: int, *, at_a_time: int = 25) -> None:
        """Let so many conversations happen, some at a time."""
        waiting = [self._begin(f"{number}") for number in range(count)]
        for first in range(0, count, at_a_time):
            alive = waiting[first : first + at_a_time]
            for one in alive:
                self._open(one)
            while alive:
                one = self._random.choice(alive)
                await self._step(one)
                if one.left <= 0:
                    alive.remove(one)
            while self._transit:
                await self._deliver()

    def _begin(self, name: str) -> Conversation:
        pick = self._random
        return Conversation(
            name=name,
            queues=pick.choice([("support",), ("support",), ("sales",), ("support", "sales")]),
            customer=Address(name="Customer", address=f"customer{name}@example.com"),
            colleague=pick.choice([None, Address(address=f"colleague{name}@example.com")]),
            subject=pick.choice(SUBJECTS),
            left=pick.randint(3, 14),
        )

    def _open(self, one: Conversation) -> None:
        cc = (one.colleague,) if one.colleague else ()
        fields = {"message_id": None} if self._random.random() < 0.03 else {}
        for queue in one.queues:
            self._write(one, queue, name="first", cc=cc, subject=one.subject, **fields)

    async def _step(self, one: Conversation) -> None:
        one.left -= 1
        queue = self._random.choice(one.queues)
        what = self._random.random()
        if what < 0.15:
            await self._agent_answers(one, queue)
        elif what < 0.25 and one.ours.get(queue):
            self._comes_back(one, queue)
        elif what < 0.35:
            self._forward(one, queue)
        else:
            self._answer(one, queue)
        for _ in range(self._random.randint(0, 2)):
            await self._deliver()

    def _answer(self, one: Conversation, queue: str) -> None:
        """The customer or the colleague answers what was written last, ours or theirs."""
        mine, ours = one.written[queue], one.ours.get(queue, [])
        newest: list[Parent] = [*[mail for mail in mine if mail.message_id][-2:], *ours[-1:]]
        if not newest:
            return
        parent = self._random.choice(newest)
        people = [one.customer] + ([one.colleague] if one.colleague else [])
        who = self._random.choice(people)
        fields = self._headers(parent)
        others = tuple(person for person in people if person != who)
        subject = self._random.choice([*ANSWERS, "Something else: "]) + one.subject
        self._write(one, queue, who=who, cc=others, subject=subject, **fields)

    def _headers(self, parent: Parent) -> dict[str, Any]:
        known = (*self._chain(parent), str(parent.message_id))
        program = self._random.choice(PROGRAMS)
        fields: dict[str, Any] = {
            "full": {"in_reply_to": known[-1:], "references": known},
            "in-reply-to": {"in_reply_to": known[-1:]},
            "references": {"references": known},
            "first-and-last": {
                "in_reply_to": known[-1:],
                "references": tuple(dict.fromkeys((known[0], known[-1]))),
            },
            "last-reference": {"references": known[-1:]},
        }[program]
        if not isinstance(parent, Message):
            return fields
        if self._random.random() < 0.3:  # a phone that keeps nothing but the reply address
            return {"stamp": stamp_of(parent, "recipient")}
        return {**fields, "stamp": stamp_of(parent)}

    def _chain(self, parent: Parent) -> tuple[str, ...]:
        if isinstance(parent, Message):
            return parent.references
        return tuple(dict.fromkeys((*parent.references, *parent.in_reply_to)))

    def _forward(self, one: Conversation, queue: str) -> None:
        """What was written comes once more, by another route; or somebody passes it on anew."""
        mail = self._random.choice(one.written[queue])
        if mail.message_id is None or self._random.random() < 0.5:
            again = Route(door="imap", received_at=NOW, envelope_to=("old@example.com",))
            self._transit.append(mail.model_copy(update={"route": again}))
            return
        headers = {"references": (*self._chain(mail), mail.message_id)}
        who = one.colleague or one.customer
        cc = (one.customer,) if one.colleague else ()
        self._write(one, queue, who=who, cc=cc, subject=f"Fwd: {mail.subject}", **headers)

    def _comes_back(self, one: Conversation, queue: str) -> None:
        message = self._random.choice(one.ours[queue])
        self._made += 1
        mail_id = f"{one.name}-{queue}-back{self._made}"
        of_queue = {"channel": queue, "queue": queue, "text": mail_id}
        refused = BouncedRecipient(address=one.customer.address, status="5.1.1")
        if self._random.random() < 0.5:
            mail = bounce_of(message, mail_id, refused, **of_queue)
        else:
            who = dict.fromkeys(("from_", "customer"), one.customer)
            mail = absence_of(message, mail_id, **who, **of_queue)
        self.truth[queue, mail_id] = one.name
        self._transit.append(mail)

    def _write(
        self,
        one: Conversation,
        queue: str,
        *,
        who: Address | None = None,
        name: str | None = None,
        **fields: Any,
    ) -> None:
        self._made += 1
        mail_id = f"{one.name}-{name or self._made}"
        writer = dict.fromkeys(("from_", "customer"), who or one.customer)
        mail = mail_received(
            mail_id, channel=queue, queue=queue, text=mail_id, **{**writer, **fields}
        )
        self.truth[queue, mail_id] = one.name
        one.written.setdefault(queue, []).append(mail)
        self._transit += [mail] * self._random.choice([1, 1, 1, 2])

    async def _deliver(self) -> None:
        if not self._transit:
            return
        mail = self._transit.pop(self._random.randrange(len(self._transit)))
        try:
            await self._desk.file(mail)
        except StateConflict:
            self._transit.append(mail)

    async def _agent_answers(self, one: Conversation, queue: str) -> None:
        ticket = await self._ticket(one, queue)
        if ticket is None:
            return
        self._made += 1
        answer = Answer(f"Answer {self._made}.")
        message = await self._desk.answering.reply(ticket, answer, key=str(self._made), by="bob")
        one.ours.setdefault(queue, []).append(message)

    async def _ticket(self, one: Conversation, queue: str) -> Ticket | None:
        """One of the tickets that the conversation has so far."""
        ids = [mail.message_id for mail in one.written[queue] if mail.message_id]
        claims = await self._desk.store.claims([claim_key(queue, id_) for id_ in ids])
        found = await self._desk.store.tickets([claim.ticket_id for claim in claims.values()])
        return await self._merging.root(self._random.choice(found)) if found else None


def pairs(groups: list[list[str]]) -> set[tuple[str, str]]:
    """All pairs that stand together."""
    return {(a, b) for group in groups for a in group for b in group if a < b}
