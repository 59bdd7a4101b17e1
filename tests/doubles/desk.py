"""A desk for tests: files mails on a real store, and looks at what came of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from doubles.bus import KeptBus
from doubles.crash import Crash, CrashAt
from doubles.mails import NOW, mail_received
from doubles.ticketing import STAMPER, imported, received, surroundings
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import Bounce, BouncedRecipient, MailKind, MailReceived, OwnStamp, Route
from postbus.contracts.sending import SendOutcome, SendOutcomeEvent, SendRequested, SendState
from postbus.contracts.tickets import TicketStatus
from postbus.errors import StateConflict
from ticketing.adapters.mongo_filed import MongoFiled
from ticketing.adapters.mongo_indexes import ensure_indexes
from ticketing.adapters.mongo_listed import MongoListed
from ticketing.adapters.mongo_notices import MongoNotices
from ticketing.answering import Answer, Answering, TicketChange
from ticketing.crossing_off import CrossingOff
from ticketing.domain.model import Message, Ticket
from ticketing.handlers import MailHandlers, OutcomeHandlers
from ticketing.importing import ImportHandlers
from ticketing.notifying import Notifying
from ticketing.ports import TicketQuery
from ticketing.telling import Telling

FAR = NOW.replace(year=2030)
OPENED, REQUESTED = "postbus.ticket.opened.support", "postbus.send.requested.support"
REPLIED, CHANGED = "postbus.ticket.customer-replied.support", "postbus.ticket.changed.support"
MERGED, BOUNCED = "postbus.ticket.merged.support", "postbus.send.bounced.relay"
HELD = "postbus.mail.held.support"
RELEASED = "postbus.mail.released.support"


class Desk:
    """Files mails and looks at what came of it."""

    def __init__(self, database: Any, bus: KeptBus, **fields: Any) -> None:
        self.store = MongoFiled(database)
        self.listed = MongoListed(database)
        self.bus = bus
        self.around = surroundings(self.store, bus, **fields)
        self.answering = Answering(self.around)
        self.notices = MongoNotices(database)

    async def file(self, *mails: MailReceived) -> None:
        for mail in mails:
            await self.deliver(mail, self.around)

    async def deliver(self, mail: MailReceived, around: Any, *, tries: int = 50) -> None:
        """As the consume policy does: a lost race looks again."""
        for _ in range(tries):
            try:
                if mail.route.door == "import":
                    await ImportHandlers(around).on_mail_imported(imported(mail))
                else:
                    await MailHandlers(around).on_mail_received(received(mail))
            except StateConflict:
                await asyncio.sleep(0.005)
            else:
                return
        raise StateConflict(f"{tries} races lost")

    async def die_at(self, crash: CrashAt, mail: MailReceived, *, tries: int = 50) -> bool:
        """Deliver a mail to a process that dies on the way; False where it came to the end."""
        store, bus = crash.wrap(self.store), crash.wrap(self.bus)
        crossing_off = CrossingOff(store, after_seconds=3600)
        telling = Telling(store, bus, crossing_off)
        try:
            dying = replace(self.around, store=store, telling=telling)
            await self.deliver(mail, dying, tries=tries)
            await crossing_off.flush()
        except Crash:
            return True
        return False

    async def notify(self, at: datetime | None = None) -> list[SendRequested]:
        """What agents are sent in a round, at that time."""
        before = {one.send_id for one in self.notifications()}
        around = self.around if at is None else replace(self.around, now=lambda: at)
        await Notifying(around, self.notices, desk_url="https://desk.abc.com/").round()
        return [one for one in self.notifications() if one.send_id not in before]

    def notifications(self) -> list[SendRequested]:
        """All that agents were sent."""
        requests = [data for _, data in self.bus.told.values() if isinstance(data, SendRequested)]
        return [one for one in requests if one.kind is SendKind.NOTIFICATION]

    async def tickets(self, *, queue: str | None = None) -> list[Ticket]:
        """Those that are not part of another one, oldest first."""
        found = await self.listed.tickets(TicketQuery(queue=queue, limit=5000))
        return [ticket for ticket in reversed(found) if ticket.merged_into is None]

    async def ticket(self, number: int = 1) -> Ticket:
        ticket = await self.store.ticket_by_number(number)
        assert ticket is not None
        return ticket

    async def threads(self, *, queue: str | None = None) -> set[frozenset[str]]:
        """Which mails stand together, whatever the numbers are."""
        found = set()
        for ticket in await self.tickets(queue=queue):
            messages = await self.listed.messages(ticket.id)
            inbound = [str(m.message_id) for m in messages if m.direction == "inbound"]
            assert len(inbound) == len(set(inbound))
            found.add(frozenset(inbound))
            assert ticket.message_count == len(messages)
        return found

    async def messages(self, number: int = 1) -> list[Message]:
        return await self.listed.messages((await self.ticket(number)).id)

    async def reply(self, number: int = 1, *, key: str = "k", text: str = "We come.") -> Message:
        """What an agent answered."""
        ticket = await self.ticket(number)
        return await self.answering.reply(ticket, Answer(text), key=key, by="bob")

    async def set_status(self, status: TicketStatus, number: int = 1) -> Ticket:
        change = TicketChange(status=status)
        return await self.answering.change(await self.ticket(number), change, by="bob")

    async def told(self, message: Message, *states: SendState) -> None:
        """Dispatch tells these outcomes, one after the other."""
        handlers = OutcomeHandlers(self.store)
        for state in states:
            await handlers.on_outcome(outcome(message.id, state, list(SendState).index(state)))

    async def assert_receipts_are_shown_as_they_are_sent(self) -> None:
        for request in self.bus.of(REQUESTED):
            shown = await self.store.message(request.send_id)
            assert shown is not None
            assert (shown.message_id, shown.text) == (request.message_id, request.text)

    async def told_and_not_crossed_off(self) -> int:
        await self.around.telling.crossing_off.flush()
        found = await self.store.with_untold(before=FAR, limit=100)
        return sum(len(ticket.untold) for ticket in found)


async def at_every_step(
    database: Any,
    scene: Callable[[Desk], Awaitable[MailReceived]],
    check: Callable[[Desk], Awaitable[None]],
    **fields: Any,
) -> int:
    """Die before and after every call that the mail of a scene causes, deliver it again, check.

    Gives back how many calls there were.
    """
    calls = 0
    for after_the_work in (False, True):
        for at in range(1, 200):
            own = database.client[f"{database.name}_{at}_{after_the_work:d}"]
            await ensure_indexes(own)
            desk = Desk(own, KeptBus(), **fields)
            mail = await scene(desk)
            crashed = await desk.die_at(CrashAt(at, after_the_work), mail)
            await desk.file(mail)
            await desk.around.telling.sweep(now=FAR)
            try:
                await check(desk)
            except AssertionError as error:
                raise AssertionError(f"died at call {at}, after={after_the_work}") from error
            await database.client.drop_database(own.name)
            if not crashed:
                calls = at - 1
                break
    return calls


def outcome(send_id: str, state: SendState, seconds: int) -> SendOutcomeEvent:
    data = SendOutcome(
        send_id=send_id, ticket_number=1, queue="support", message_id="x@y", kind="agent-reply",
        automatic=False, state=state, outbound_channel="relay", reason="", attempt=1,
        at=NOW.replace(year=2027, second=seconds),
    )  # fmt: skip
    return SendOutcomeEvent(
        id=f"{state}", source="/t", type=f"postbus.send.{state}", time=NOW, data=data
    )


def token_of(message: Message) -> str:
    """The stamp of an outgoing message, as its Message-ID has it."""
    return str(message.message_id).split(".")[1]


def stamp_of(message: Message, found_in: str = "references") -> OwnStamp:
    """What a door finds of an outgoing message in a mail that comes back."""
    stamp = STAMPER.read(token_of(message))
    assert stamp is not None
    return OwnStamp(
        ticket_number=stamp.ticket_number, kind=stamp.kind.slug, hop=stamp.hop, found_in=found_in
    )


def answer_to(message: Message, mail_id: str, **fields: Any) -> MailReceived:
    """What a person's mail program makes of an answer to it."""
    ids = (str(message.message_id),)
    values = {"in_reply_to": ids, "references": ids, "stamp": stamp_of(message), **fields}
    return mail_received(mail_id, **values)


def bounce_of(
    message: Message | None, mail_id: str = "dsn", *recipients: BouncedRecipient, **fields: Any
) -> MailReceived:
    """A mail system's report about it; the returned Message-ID is what it has of ours."""
    returned = message.message_id if message is not None else "somebody-elses@example.com"
    refused = BouncedRecipient(
        address="anna@example.com", status="5.1.1", hard=True, diagnostic="no such user"
    )
    values: dict[str, Any] = {
        "from_": {"name": "", "address": "mailer-daemon@mx.example.com"},
        "customer": {"name": "", "address": "mailer-daemon@mx.example.com"},
        "kind": MailKind.BOUNCE,
        "subject": "Undelivered Mail Returned to Sender",
        "bounce": Bounce(recipients=recipients or (refused,), message_id=returned),
        "route": Route(door="forward", received_at=NOW.replace(minute=7)),
    }
    return mail_received(mail_id, **{**values, **fields})


def absence_of(message: Message, mail_id: str = "away", **fields: Any) -> MailReceived:
    """An absence note that answers it."""
    values = {"kind": MailKind.AUTO_REPLY, "subject": "Out of office", **fields}
    return answer_to(message, mail_id, **values)
