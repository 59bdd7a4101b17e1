"""Ticketing files mail on a real MongoDB wire server: any order, any crash, the same tickets."""

import asyncio
import itertools
import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from doubles.bus import KeptBus
from doubles.crash import Crash, CrashAt
from doubles.desk import FAR, OPENED, REPLIED, REQUESTED, Desk, outcome
from doubles.mails import NOW, mail_received
from doubles.ticketing import STAMPER, received, surroundings
from postbus.contracts.mail import MailKind, MailReceived, OwnStamp
from postbus.contracts.sending import SendState
from postbus.contracts.tickets import TicketStatus
from postbus.errors import BusUnavailable, PermanentError, StateConflict
from ticketing.adapters.mongo_filed import MongoFiled
from ticketing.adapters.mongo_indexes import ensure_indexes
from ticketing.answering import Answer, Answering, KeyReused
from ticketing.api.views import is_accepted
from ticketing.crossing_off import CrossingOff
from ticketing.domain.model import RECENT_LIMIT
from ticketing.handlers import MailHandlers, OutcomeHandlers
from ticketing.ports import TicketQuery
from ticketing.telling import Telling

pytestmark = pytest.mark.xdist_group("mongodb")

NEVER = 3600.0


async def test_a_mail_becomes_a_ticket(desk: Desk) -> None:
    """R4: subject, body, attachments, the customer's name and address."""
    await desk.file(mail_received())
    ticket = await desk.store.ticket_by_number(1)
    assert ticket is not None
    assert (ticket.title, ticket.description) == ("Printer on fire", "Help.")
    assert (ticket.customer.name, ticket.customer.address) == ("Anna", "anna@example.com")
    assert ticket.status is TicketStatus.NEW
    (opened,) = desk.bus.of(OPENED)
    assert opened.ticket.number == 1
    assert opened.message.message_id == "m1@example.com"


async def test_a_new_ticket_sends_one_receipt(desk: Desk) -> None:
    await desk.file(mail_received(), mail_received(), mail_received())
    (receipt,) = desk.bus.of(REQUESTED)
    assert receipt.automatic
    assert receipt.in_reply_to == "m1@example.com"
    assert [to.address for to in receipt.to] == ["anna@example.com"]
    stamp = STAMPER.read(receipt.stamp)
    assert stamp is not None
    assert stamp.ticket_number == 1
    assert await desk.store.message(receipt.send_id) is not None


ROBOTS = [kind for kind in MailKind if kind not in (MailKind.HUMAN, MailKind.BOUNCE, MailKind.OWN)]


@pytest.mark.parametrize("kind", ROBOTS)
async def test_no_robot_gets_a_receipt(desk: Desk, kind: MailKind) -> None:
    """INVARIANT: automatic mail is never answered automatically (RFC 3834 §2)."""
    await desk.file(mail_received(kind=kind))
    assert await desk.store.ticket_by_number(1) is not None
    assert desk.bus.of(REQUESTED) == []


async def test_a_channel_may_send_no_receipts(database: Any, bus: KeptBus) -> None:
    around = surroundings(MongoFiled(database), bus, receipt=False)
    await MailHandlers(around).on_mail_received(received(mail_received()))
    assert bus.subjects() == [OPENED]


async def test_an_answer_joins_the_ticket_it_answers(desk: Desk) -> None:
    first = mail_received("m1")
    second = mail_received("m2", in_reply_to=("m1@example.com",), references=("m1@example.com",))
    await desk.file(first, second)
    assert await desk.threads() == {frozenset({"m1@example.com", "m2@example.com"})}
    (replied,) = desk.bus.of(REPLIED)
    assert replied.ticket.message_count == 3


async def test_the_stamp_finds_the_ticket_where_no_id_does(desk: Desk) -> None:
    stamp = OwnStamp(ticket_number=1, kind="receipt", hop=0, found_in="recipient")
    await desk.file(mail_received("m1"), mail_received("m2", stamp=stamp))
    assert len(await desk.threads()) == 1


async def test_a_stamp_of_a_ticket_that_is_gone_opens_a_new_one(desk: Desk) -> None:
    stamp = OwnStamp(ticket_number=77, kind="receipt", hop=0, found_in="recipient")
    await desk.file(mail_received("m1", stamp=stamp))
    assert await desk.store.ticket_by_number(1) is not None


async def test_a_closed_ticket_is_opened_by_a_person_and_not_by_a_robot(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    ticket = await desk.store.ticket_by_number(1)
    assert ticket is not None
    await desk.store.save(replace(ticket, status=TicketStatus.CLOSED), ())
    answer = {"in_reply_to": ("m1@example.com",)}
    await desk.file(mail_received("m2", kind=MailKind.AUTO_REPLY, **answer))
    ticket = await desk.store.ticket_by_number(1)
    assert ticket is not None
    assert ticket.status is TicketStatus.CLOSED
    await desk.file(mail_received("m3", **answer))
    ticket = await desk.store.ticket_by_number(1)
    assert ticket is not None
    assert ticket.status is TicketStatus.OPEN


CHAIN = [
    mail_received("a"),
    mail_received("b", in_reply_to=("a@example.com",), references=("a@example.com",)),
    mail_received(
        "c", in_reply_to=("b@example.com",), references=("a@example.com", "b@example.com")
    ),
    mail_received("x"),
]


async def test_a_claim_whose_holder_died_is_taken_over_after_a_minute(desk: Desk) -> None:
    await desk.store.claim(["support|a@example.com"], "t-dead", now=datetime.now(UTC))
    with pytest.raises(StateConflict):
        await MailHandlers(desk.around).on_mail_received(received(CHAIN[1]))
    later = datetime.now(UTC) + timedelta(seconds=61)
    around = replace(desk.around, now=lambda: later)
    for mail in (CHAIN[1], CHAIN[0]):
        await MailHandlers(around).on_mail_received(received(mail))
    assert await desk.threads() == {frozenset({"a@example.com", "b@example.com"})}


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
async def test_any_order_of_arrival_gives_the_same_threads(
    desk: Desk, order: tuple[int, ...]
) -> None:
    await desk.file(*(CHAIN[at] for at in order))
    expected = {frozenset(f"{m}@example.com" for m in "abc"), frozenset({"x@example.com"})}
    assert await desk.threads() == expected


async def test_all_at_once_gives_the_same_threads(desk: Desk) -> None:
    """Two mails of one new thread at the same moment meet on one ticket."""
    await asyncio.gather(*(desk.deliver(mail, desk.around) for mail in CHAIN * 3))
    expected = {frozenset(f"{m}@example.com" for m in "abc"), frozenset({"x@example.com"})}
    assert await desk.threads() == expected
    assert len(desk.bus.of(OPENED)) == 2


async def test_two_replicas_that_file_one_mail_open_one_ticket(database: Any, bus: KeptBus) -> None:
    """Whoever wins the claim, loses the number or comes late: one receipt, shown as it is sent."""
    replicas = [Desk(database, bus) for _ in range(2)]
    mails = [mail_received(f"m{number}") for number in range(20)]
    await asyncio.gather(
        *(desk.deliver(mail, desk.around) for mail in mails for desk in replicas * 2)
    )
    desk = replicas[0]
    assert await desk.threads() == {frozenset({f"m{number}@example.com"}) for number in range(20)}
    assert len(bus.of(OPENED)) == len(bus.of(REQUESTED)) == 20
    await desk.assert_receipts_are_shown_as_they_are_sent()


async def test_a_new_mail_costs_the_database_few_commands(mongodb_url: str, bus: KeptBus) -> None:
    """INVARIANT: claim, number, customer, messages, ticket; and nothing more for its outcome."""
    commands = Commands()
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(
        mongodb_url, tz_aware=True, event_listeners=[commands]
    )
    database = client[f"test_{uuid.uuid4().hex[:12]}"]
    await ensure_indexes(database)
    desk = Desk(database, bus)
    for mail_id, customer_is_new in (("m1", True), ("m2", False)):
        commands.names.clear()
        await desk.file(mail_received(mail_id))
        customer = ["update"] if customer_is_new else []
        assert commands.names == ["insert", "findAndModify", *customer, "insert", "insert"]
    commands.names.clear()
    for receipt in bus.of(REQUESTED):
        sent = outcome(receipt.send_id, SendState.SENT, 1)
        await OutcomeHandlers(desk.store).on_outcome(sent)
    assert await desk.told_and_not_crossed_off() == 0
    assert commands.names == ["update", "update", "update", "find"]
    await client.drop_database(database.name)
    client.close()


class Commands(CommandListener):
    """What a client asks of its database."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.names.append(event.command_name)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Only what is asked counts."""

    def failed(self, event: CommandFailedEvent) -> None:
        """As above."""


async def test_a_mail_that_its_long_ticket_forgot_is_not_counted_again(desk: Desk) -> None:
    """INVARIANT: a mail delivered again after a hundred others is still known."""
    await desk.file(CHAIN[0])
    parent = {"in_reply_to": ("a@example.com",)}
    mails = [mail_received(f"r{number}", **parent) for number in range(RECENT_LIMIT + 2)]
    await desk.file(*mails)
    (before,) = await desk.listed.tickets(TicketQuery())
    assert before.message_count == RECENT_LIMIT + 4
    await desk.file(CHAIN[0], *mails[:3], mails[-1])
    (after,) = await desk.listed.tickets(TicketQuery())
    assert (after.message_count, after.revision) == (before.message_count, before.revision)
    shown = [m for m in await desk.listed.messages(after.id) if is_accepted(m, after)]
    assert len(shown) == after.message_count


@pytest.mark.parametrize("after_the_work", [False, True])
@pytest.mark.parametrize("mails", [CHAIN[:1], CHAIN[:2]], ids=["new-ticket", "reply"])
async def test_a_crash_at_any_step_loses_nothing_and_doubles_nothing(
    database: Any, bus: KeptBus, mails: list[MailReceived], *, after_the_work: bool
) -> None:
    """INVARIANT: whatever step the process dies at, the next delivery completes the work."""
    at = 0
    while True:
        at += 1
        name = f"{database.name}_{at}"
        own = database.client[name]
        await ensure_indexes(own)
        fresh = KeptBus()
        desk = Desk(own, fresh)
        await desk.file(*mails[:-1])
        crash = CrashAt(at, after_the_work)
        store = crash.wrap(desk.store)
        crossing_off = CrossingOff(store, after_seconds=NEVER)
        telling = Telling(store, crash.wrap(fresh), crossing_off)
        dying = replace(desk.around, store=store, telling=telling)
        crashed = False
        try:
            await MailHandlers(dying).on_mail_received(received(mails[-1]))
            await crossing_off.flush()
        except Crash:
            crashed = True
        await desk.file(mails[-1])
        ids = frozenset(str(mail.message_id) for mail in mails)
        assert await desk.threads() == {ids}, f"died at step {at}"
        expected = [OPENED, REQUESTED, *([REPLIED] * (len(mails) - 1))]
        assert sorted(fresh.subjects()) == sorted(expected), f"died at step {at}"
        await desk.assert_receipts_are_shown_as_they_are_sent()
        await database.client.drop_database(name)
        if not crashed:
            assert at > 5
            return


async def test_a_fact_that_can_never_be_told_keeps_no_other_ticket_waiting(
    desk: Desk, bus: KeptBus
) -> None:
    bus.away = True
    for number in range(2):
        with suppress(BusUnavailable):
            await desk.file(mail_received(f"m{number}"))
    bus.away = False
    tickets = await desk.store.with_untold(before=FAR, limit=9)
    assert len(tickets) == 2
    first = tickets[0]
    broken = replace(first.untold[0], data_json="x" * 2_000_000)
    await desk.store.save(replace(first, untold=()), [broken])
    await desk.around.telling.sweep(now=FAR)
    (left,) = await desk.store.with_untold(before=FAR, limit=9)
    assert left.number == first.number


async def test_what_a_crash_left_untold_is_told_by_the_sweep(database: Any, bus: KeptBus) -> None:
    desk = Desk(database, bus)
    bus.away = True
    with pytest.raises(BusUnavailable):
        await desk.file(mail_received())
    bus.away = False
    assert await desk.around.telling.sweep(now=NOW.replace(year=2030)) == 1
    assert sorted(bus.subjects()) == [REQUESTED, OPENED]
    assert await desk.around.telling.sweep(now=NOW.replace(year=2030)) == 0


async def test_a_crash_before_crossing_off_doubles_nothing(database: Any, bus: KeptBus) -> None:
    """INVARIANT: what was told and not crossed off is told again under the same ids."""
    desk = Desk(database, bus)
    store = desk.store
    dead = Telling(store, bus, CrossingOff(store, after_seconds=NEVER))
    await MailHandlers(replace(desk.around, telling=dead)).on_mail_received(received(CHAIN[0]))
    told = dict(bus.told)
    assert await desk.told_and_not_crossed_off() == len(told) == 2
    await desk.file(CHAIN[1])
    assert await desk.told_and_not_crossed_off() == 0
    assert sorted(bus.subjects()) == sorted([OPENED, REQUESTED, REPLIED])
    await desk.assert_receipts_are_shown_as_they_are_sent()


async def test_the_sweep_crosses_off_what_it_told(desk: Desk) -> None:
    lost = Telling(desk.store, desk.bus, CrossingOff(desk.store, after_seconds=NEVER))
    dying = replace(desk.around, telling=lost)
    await MailHandlers(dying).on_mail_received(received(mail_received()))
    assert await desk.around.telling.sweep(now=FAR) == 1
    assert await desk.around.telling.sweep(now=FAR) == 0
    assert len(desk.bus.told) == 2


async def test_an_answer_is_kept_while_nats_is_away_and_told_later(desk: Desk) -> None:
    await desk.file(mail_received())
    ticket = await desk.store.ticket_by_number(1)
    assert ticket is not None
    desk.bus.away = True
    message = await desk.answering.reply(ticket, Answer("We come."), key="k1", by="bob")
    assert message.delivery is not None
    assert message.delivery.state is SendState.REQUESTED
    desk.bus.away = False
    await desk.around.telling.sweep(now=NOW.replace(year=2030))
    requests = [one for one in desk.bus.of(REQUESTED) if not one.automatic]
    assert [(one.text, one.message_id) for one in requests] == [("We come.", message.message_id)]
    assert len(desk.bus.of("postbus.ticket.agent-replied.support")) == 1


async def test_one_key_is_one_answer(desk: Desk) -> None:
    """INVARIANT: an impatient click sends one mail."""
    await desk.file(mail_received())

    async def reply(text: str) -> Any:
        for _ in range(10):
            ticket = await desk.store.ticket_by_number(1)
            assert ticket is not None
            try:
                return await desk.answering.reply(ticket, Answer(text), key="k1", by="bob")
            except StateConflict:
                continue
        raise AssertionError

    answers = await asyncio.gather(*(reply("We come.") for _ in range(4)))
    assert len({answer.id for answer in answers}) == 1
    assert len({answer.message_id for answer in answers}) == 1
    assert len([one for one in desk.bus.of(REQUESTED) if not one.automatic]) == 1
    with pytest.raises(KeyReused):
        await reply("Something else.")


@pytest.mark.parametrize("after_the_work", [False, True])
async def test_a_crash_while_answering_is_cured_by_asking_again(
    database: Any, *, after_the_work: bool
) -> None:
    at = 0
    while True:
        at += 1
        own = database.client[f"{database.name}_{at}"]
        await ensure_indexes(own)
        desk = Desk(own, KeptBus())
        await desk.file(mail_received())
        crash = CrashAt(at, after_the_work)
        store = crash.wrap(desk.store)
        crossing_off = CrossingOff(store, after_seconds=NEVER)
        telling = Telling(store, crash.wrap(desk.bus), crossing_off)
        dying = Answering(replace(desk.around, store=store, telling=telling))
        ticket = await desk.store.ticket_by_number(1)
        assert ticket is not None
        crashed = False
        try:
            await dying.reply(ticket, Answer("We come."), key="k", by="bob")
            await crossing_off.flush()
        except Crash:
            crashed = True
        ticket = await desk.store.ticket_by_number(1)
        assert ticket is not None
        message = await desk.answering.reply(ticket, Answer("We come."), key="k", by="bob")
        await desk.around.telling.sweep(now=NOW.replace(year=2030))
        requests = [one for one in desk.bus.of(REQUESTED) if not one.automatic]
        assert [one.message_id for one in requests] == [message.message_id], f"step {at}"
        await desk.threads()
        await database.client.drop_database(own.name)
        if not crashed:
            assert at > 5
            return


async def test_references_of_an_answer_are_kept_to_ten(desk: Desk) -> None:
    many = tuple(f"r{n}@example.com" for n in range(30))
    await desk.file(mail_received("m1", references=many))
    ticket = await desk.store.ticket_by_number(1)
    assert ticket is not None
    await desk.answering.reply(ticket, Answer("Yes."), key="k", by="bob")
    (request,) = [one for one in desk.bus.of(REQUESTED) if not one.automatic]
    assert len(request.references) == 10
    assert request.references[0] == "r0@example.com"
    assert request.references[-1] == request.in_reply_to == "m1@example.com"


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ([(SendState.SENT, 2)], SendState.SENT),
        ([(SendState.DEFERRED, 1), (SendState.SENT, 2)], SendState.SENT),
        ([(SendState.SENT, 2), (SendState.DEFERRED, 1)], SendState.SENT),
        ([(SendState.SENT, 2), (SendState.SENT, 2)], SendState.SENT),
        ([(SendState.HELD, 1)], SendState.HELD),
        ([(SendState.HELD, 1), (SendState.SENT, 2)], SendState.SENT),
        ([(SendState.SENT, 1), (SendState.BOUNCED, 2)], SendState.BOUNCED),
        ([(SendState.FAILED, 1), (SendState.SENT, 2)], SendState.FAILED),
        ([(SendState.IN_DOUBT, 1)], SendState.IN_DOUBT),
    ],
)
async def test_the_message_shows_its_outcome_in_whatever_order_it_is_told(
    desk: Desk, told: list[tuple[SendState, int]], shown: SendState
) -> None:
    await desk.file(mail_received())
    (receipt,) = desk.bus.of(REQUESTED)
    handlers = OutcomeHandlers(desk.store)
    for state, seconds in told:
        await handlers.on_outcome(outcome(receipt.send_id, state, seconds))
    message = await desk.store.message(receipt.send_id)
    assert message is not None
    assert message.delivery is not None
    assert message.delivery.state is shown


async def test_an_outcome_of_a_message_nobody_knows_is_an_error(desk: Desk) -> None:
    with pytest.raises(PermanentError):
        await OutcomeHandlers(desk.store).on_outcome(outcome("nobody", SendState.SENT, 1))


async def test_an_answer_to_the_message_id_that_a_mail_really_got_joins_its_ticket(
    desk: Desk,
) -> None:
    """INVARIANT: where a provider renames a mail, answers to it still find the ticket."""
    await desk.file(mail_received())
    (receipt,) = desk.bus.of(REQUESTED)
    told = outcome(receipt.send_id, SendState.SENT, 1)
    data = told.data.model_copy(update={"sent_as": "new@rewritten.example"})
    await OutcomeHandlers(desk.store).on_outcome(told.model_copy(update={"data": data}))
    await desk.file(mail_received("m2", in_reply_to=("new@rewritten.example",)))
    assert len(await desk.messages(1)) == 3
