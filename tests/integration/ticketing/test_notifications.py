"""Agents are told what happened: once, soon, together where much happens, and never in a loop."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from doubles.bus import KeptBus
from doubles.crash import Crash, CrashAt
from doubles.desk import BOUNCED, Desk, absence_of, answer_to, at_every_step, bounce_of, outcome
from doubles.mails import mail_received
from doubles.ticketing import agent
from postbus.configuration import Configuration
from postbus.contracts.configuration import LoopLimits, Notifications, Stop
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import BouncedRecipient, MailReceived, OwnStamp, Route
from postbus.contracts.sending import SendRequested, SendState, WhatNext
from postbus.contracts.tickets import TicketStatus
from postbus.errors import BusUnavailable
from ticketing.adapters.mongo_indexes import ensure_indexes
from ticketing.answering import TicketChange, UnknownAgent
from ticketing.deciding import Deciding
from ticketing.domain.model import Message
from ticketing.handlers import OutcomeHandlers
from ticketing.notifying import Notifying
from ticketing.telling import Telling

pytestmark = pytest.mark.xdist_group("mongodb")

BEA, CAS = agent("bea"), agent("cas", language="nl")
NOTED = "postbus.ticket.noted.support"


@pytest.fixture
def desk(database: Any, bus: KeptBus) -> Desk:
    return Desk(database, bus, also=[BEA])


def tomorrow() -> datetime:
    """When there is room for another notification, whatever was sent today."""
    return datetime.now(UTC) + timedelta(hours=25)


def told(requests: list[SendRequested]) -> set[tuple[str, str]]:
    return {(one.to[0].address, one.subject) for one in requests}


async def assign(
    desk: Desk, assignee: str | None, number: int = 1, *, acting: str | None = None
) -> None:
    ticket = await desk.ticket(number)
    change = TicketChange(assignee=assignee)
    await desk.answering.change(ticket, change, by="Cas", acting=acting)


async def letter(desk: Desk) -> Message:
    """The only notification so far, as it is kept."""
    (request,) = desk.notifications()
    found = await desk.store.message(request.send_id)
    assert found is not None
    return found


def from_agent(message: Message, mail_id: str = "n1", **fields: Any) -> MailReceived:
    """What Bea's mail program makes of an answer to it."""
    bea = {"name": "Bea", "address": "bea@abc.com"}
    return answer_to(message, mail_id, **{"from_": bea, "customer": bea, **fields})


async def test_a_new_ticket_is_told_to_agents_by_automatic_mail(
    database: Any, bus: KeptBus
) -> None:
    desk = Desk(database, bus, also=[BEA, CAS])
    mail = mail_received("m1", stamp=None, text="It burns.\n\nAnna")
    await desk.file(mail)
    assert told(await desk.notify()) == {
        ("bea@abc.com", "New ticket: Printer on fire"),
        ("cas@abc.com", "Nieuw ticket: Printer on fire"),
    }
    # Screen readers go by the language of the HTML.
    assert sorted(one.language or "" for one in desk.notifications()) == ["en", "nl"]
    request = next(one for one in desk.notifications() if one.to[0].name == "Bea")
    assert request.automatic
    assert request.reply_address.address == "support@postbus.localhost"
    assert (request.in_reply_to, request.references, request.quote) == (None, (), None)
    assert request.cause is not None
    assert request.cause.mail_id == "m1"
    stamp = desk.around.stamper.read(request.stamp)
    assert stamp is not None
    assert (stamp.kind.slug, stamp.ticket_number, stamp.hop) == ("notification", 1, 0)
    assert "> It burns. Anna\nhttps://desk.abc.com/tickets/1\n" in request.text
    assert await desk.notify() == []


async def test_a_notification_goes_one_hop_further_than_its_cause(desk: Desk) -> None:
    stamp = OwnStamp(ticket_number=99, kind="receipt", hop=2, found_in="references")
    await desk.file(mail_received("m1", stamp=stamp))
    (request,) = await desk.notify()
    found = desk.around.stamper.read(request.stamp)
    assert found is not None
    assert found.hop == 3


async def test_a_notification_is_no_part_of_the_conversation(desk: Desk) -> None:
    """INVARIANT: what is said among agents is never shown as said to the customer."""
    await desk.file(mail_received("m1"))
    await desk.notify()
    message = await letter(desk)
    assert message.aside
    ticket = await desk.ticket()
    assert message.id not in [one.id for one in await desk.messages()]
    assert ticket.message_count == len(await desk.messages()) == 2
    await desk.told(message, SendState.SENT)
    sent = await desk.store.message(message.id)
    assert sent is not None
    assert sent.delivery is not None
    assert sent.delivery.state is SendState.SENT


async def test_a_held_notification_can_be_decided_about(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    await desk.notify()
    message = await letter(desk)
    await desk.told(message, SendState.HELD)
    ticket = await desk.ticket()
    decided = await Deciding(desk.around).decide(ticket, message.id, WhatNext.DISCARD, by="cas")
    assert decided.delivery is not None
    assert decided.delivery.under_way is not None


async def test_a_customers_answer_is_told_and_an_agents_is_not(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    await desk.notify()
    reply = await desk.reply()
    assert await desk.notify(tomorrow()) == []
    await desk.file(answer_to(reply, "m2", text="It burns again."))
    (request,) = await desk.notify(tomorrow())
    assert request.subject == "Answer: Printer on fire"
    assert "> It burns again." in request.text


async def test_an_assignment_is_told_to_her_and_names_no_cause(desk: Desk) -> None:
    """What a person caused is not counted as what a mail caused (L13b)."""
    await desk.file(mail_received("m1"))
    await desk.notify()
    await assign(desk, "bea")
    (request,) = await desk.notify()
    assert (request.subject, request.cause) == ("Assigned to you: Printer on fire", None)
    assert "By: Cas" in request.text


async def test_her_own_assignment_and_the_end_of_one_are_no_news(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    await desk.notify()
    await assign(desk, "bea", acting="bea")
    await assign(desk, None)
    assert await desk.notify(tomorrow()) == []


async def test_a_ticket_is_assigned_to_an_agent_there_is(desk: Desk, database: Any) -> None:
    await desk.file(mail_received("m1"))
    with pytest.raises(UnknownAgent):
        await assign(desk, "nobody")
    assert (await desk.ticket()).assignee is None
    without_agents = Desk(database, KeptBus())
    await assign(without_agents, "nobody")
    assert (await desk.ticket()).assignee == "nobody"


UNTOLD: dict[str, dict[str, Any]] = {
    "imported": {"route": Route(door="import", received_at=datetime(2020, 1, 1, tzinfo=UTC))},
    "robot": {"kind": "auto-generated"},
    "hers": {"from_": {"address": "bea@abc.com"}, "customer": {"address": "bea@abc.com"}},
}


@pytest.mark.parametrize("what", UNTOLD)
async def test_what_is_no_news_to_her_is_not_told(desk: Desk, what: str) -> None:
    await desk.file(mail_received("m1", **UNTOLD[what]))
    assert len(await desk.tickets()) == 1
    assert await desk.notify(tomorrow()) == []
    assert await desk.notices.whose_turn() == []


async def test_fifty_tickets_in_ten_minutes_are_two_mails_that_name_them_all(desk: Desk) -> None:
    """INVARIANT: a flood of mail is no flood of notifications, and no ticket of it goes untold."""
    start = datetime.now(UTC)
    sent = []
    for number in range(50):
        await desk.file(mail_received(f"m{number}", subject=f"Matter {number}."))
        sent += await desk.notify(start + timedelta(seconds=12 * number))
    sent += await desk.notify(start + timedelta(minutes=11))
    assert len(sent) == 2
    assert sent[0].subject == "New ticket: Matter 0."
    assert sent[1].subject == "49 new tickets"
    for number in range(50):
        assert sum(f": Matter {number}.\n" in one.text for one in sent) == 1


async def test_more_than_one_mail_can_tell_is_told_by_the_next(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    ticket = await desk.ticket()
    (kept,) = await desk.notices.of_tickets([ticket.id])
    await desk.store.keep_notices([replace(kept, id=f"n{number}") for number in range(1001)])
    start = datetime.now(UTC)
    (first,) = await desk.notify(start)
    assert first.subject == "1000 new tickets"
    assert first.text.count("#1: ") == 100
    assert "And 900 more." in first.text
    (second,) = await desk.notify(start + timedelta(minutes=11))
    assert second.subject == "2 new tickets"


def with_configuration(desk: Desk, *also: Any) -> None:
    there = desk.around.configuration()
    documents = [*there.inbound_channels, *there.outbound_channels, *also]
    changed = Configuration.of(documents)
    desk.around = replace(desk.around, configuration=lambda: changed)


async def test_the_quiet_time_is_as_long_as_it_is_set(desk: Desk) -> None:
    with_configuration(desk, BEA, Notifications(quiet_minutes=60))
    start = datetime.now(UTC)
    await desk.file(mail_received("m1"))
    await desk.notify(start)
    await desk.file(mail_received("m2"))
    assert await desk.notify(start + timedelta(minutes=59)) == []
    assert len(await desk.notify(start + timedelta(minutes=61))) == 1


async def test_nothing_is_told_while_an_admin_has_stopped_automatic_mail(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    with_configuration(desk, BEA, LoopLimits(stop=Stop.AUTOMATIC))
    assert await desk.notify() == []
    with_configuration(desk, BEA)
    assert len(await desk.notify()) == 1


@pytest.mark.parametrize("after", [(), (agent("bea", enabled=False),)], ids=["gone", "disabled"])
async def test_an_agent_who_is_gone_is_told_nothing(desk: Desk, after: tuple[Any, ...]) -> None:
    await desk.file(mail_received("m1"))
    with_configuration(desk, *after)
    assert await desk.notify(tomorrow()) == []
    with_configuration(desk, BEA)
    assert await desk.notify(tomorrow()) == []
    (notice,) = await desk.notices.of_tickets([(await desk.ticket()).id])
    assert notice.told_by == "dropped"


async def test_a_notification_waits_while_nats_is_away_and_goes_once(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    desk.bus.away = True
    with pytest.raises(BusUnavailable):
        await desk.notify()
    desk.bus.away = False
    assert len(await desk.notify()) == 1
    assert await desk.notify(tomorrow()) == []


async def test_one_agents_trouble_keeps_nobody_else_waiting(database: Any, bus: KeptBus) -> None:
    desk = Desk(database, bus, also=[BEA, CAS])
    await desk.file(mail_received("m1"))
    await database["turns"].insert_one({"_id": "mail|bea", "sent": "what nobody can read"})
    assert [one.to[0].address for one in await desk.notify()] == ["cas@abc.com"]


# What comes back.


async def test_an_agents_answer_is_a_note_and_nothing_else(desk: Desk) -> None:
    """INVARIANT: what an agent writes to us never reaches the customer by accident."""
    await desk.file(mail_received("m1"))
    await desk.notify()
    await desk.set_status(TicketStatus.PENDING)
    before = set(desk.bus.told)
    await desk.file(from_agent(await letter(desk), text="I know him, he is fine."))
    (ticket,) = await desk.tickets()
    note = (await desk.messages())[-1]
    assert (note.direction, note.text, note.by) == ("note", "I know him, he is fine.", "Bea")
    assert note.flags == ("notification-answer",)
    assert (ticket.status, ticket.message_count) == (TicketStatus.PENDING, 3)
    assert "bea@abc.com" not in ticket.participants
    assert [desk.bus.told[id_][0] for id_ in desk.bus.told if id_ not in before] == [NOTED]
    assert await desk.notify(tomorrow()) == []
    last = await desk.store.last_inbound(ticket.id)
    assert last is not None
    assert last.message_id == "m1@example.com"


async def test_an_answer_to_a_notification_of_a_closed_ticket_is_a_note_on_it(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    await desk.notify()
    await desk.set_status(TicketStatus.CLOSED)
    await desk.file(from_agent(await letter(desk)))
    (ticket,) = await desk.tickets()
    assert (ticket.status, ticket.message_count) == (TicketStatus.CLOSED, 3)


async def test_who_is_no_agent_and_answers_a_notification_leaves_a_note_as_a_stranger(
    desk: Desk,
) -> None:
    """She passed it on, or writes from home."""
    await desk.file(mail_received("m1"))
    await desk.notify()
    someone = {"address": "bea@home.example"}
    await desk.file(from_agent(await letter(desk), from_=someone, customer=someone))
    note = (await desk.messages())[-1]
    assert (note.direction, note.by) == ("note", "bea@home.example")
    assert set(note.flags) == {"notification-answer", "stranger"}


async def test_a_customer_who_got_hold_of_a_notification_goes_on_with_the_conversation(
    desk: Desk,
) -> None:
    """INVARIANT: a customer's words are an answer, by whatever mail they come."""
    await desk.file(mail_received("m1"))
    await desk.notify()
    await desk.file(answer_to(await letter(desk), "m2"))
    assert [one.direction for one in await desk.messages()] == ["inbound", "outbound", "inbound"]


async def test_a_notification_that_bounces_for_good_is_the_last(desk: Desk) -> None:
    """FreeScout #4250: a bounce that is a mail like any other notifies an agent, and bounces."""
    await desk.file(mail_received("m1"))
    await desk.notify()
    message = await letter(desk)
    await desk.told(message, SendState.SENT)
    await desk.set_status(TicketStatus.SOLVED)
    before = set(desk.bus.told)
    refused = BouncedRecipient(address="bea@abc.com", status="5.1.1", hard=True)
    await desk.file(bounce_of(message, "dsn", refused))
    await desk.file(bounce_of(message, "dsn", refused))
    assert [desk.bus.told[id_][0] for id_ in desk.bus.told if id_ not in before] == [BOUNCED]
    (outcome,) = desk.bus.of(BOUNCED)
    assert (outcome.send_id, outcome.kind, outcome.bounced) == (
        message.id, "notification", (refused,)
    )  # fmt: skip
    (ticket,) = await desk.tickets()
    assert (ticket.status, ticket.message_count) == (TicketStatus.SOLVED, 2)
    bounced = await letter(desk)
    assert bounced.delivery is not None
    assert bounced.delivery.state is SendState.BOUNCED
    assert len(bounced.delivery.reports) == 1
    await desk.file(mail_received("m2"))
    await assign(desk, "bea", 2)
    assert await desk.notify(tomorrow()) == []
    await desk.notices.resume("bea@abc.com")
    assert told(await desk.notify(tomorrow())) == {
        ("bea@abc.com", "New ticket: Printer on fire"),
        ("bea@abc.com", "Assigned to you: Printer on fire"),
    }


async def test_a_bounce_of_a_notification_that_is_read_again_says_nothing_anew(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    await desk.notify()
    refused = BouncedRecipient(address="bea@abc.com", status="5.1.1", hard=True)
    report = bounce_of(await letter(desk), "dsn", refused)
    await desk.file(report)
    await desk.notices.resume("bea@abc.com")
    before = len(desk.bus.told)
    await desk.file(report, report.model_copy(update={"reread_at": datetime.now(UTC)}))
    assert len(desk.bus.told) == before
    assert await desk.notices.paused("bea@abc.com") is None


async def test_another_address_of_hers_is_not_paused(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    await desk.notify()
    refused = BouncedRecipient(address="bea@abc.com", status="5.1.1", hard=True)
    await desk.file(bounce_of(await letter(desk), "dsn", refused))
    with_configuration(desk, agent("bea", address="bea@new.example"))
    await desk.file(mail_received("m2"))
    (request,) = await desk.notify(tomorrow())
    assert request.to[0].address == "bea@new.example"


async def test_a_bounce_that_is_not_for_good_pauses_nothing(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    await desk.notify()
    full = BouncedRecipient(address="bea@abc.com", status="4.2.2", hard=False)
    await desk.file(bounce_of(await letter(desk), "dsn", full))
    await desk.file(mail_received("m2"))
    assert len(await desk.notify(tomorrow())) == 1


REFUSED = [("5.1.1", True), ("5.1.8", False), ("5.7.1", False), ("5.2.2", False), (None, None)]


@pytest.mark.parametrize(("code", "hard"), REFUSED)
async def test_an_address_that_is_refused_as_none_is_paused_too(
    desk: Desk, code: str | None, *, hard: bool | None
) -> None:
    """Automatic mail leaves no return path, so most servers refuse it or stay silent."""
    await desk.file(mail_received("m1"))
    await desk.notify()
    message = await letter(desk)
    failed = outcome(message.id, SendState.FAILED, 1)
    refused = BouncedRecipient(address="Bea@abc.com", status=code, hard=hard)
    said = {"kind": SendKind.NOTIFICATION, "bounced": (refused,)}
    event = failed.model_copy(update={"data": failed.data.model_copy(update=said)})
    for _ in range(2):
        await OutcomeHandlers(desk.store).on_outcome(event)
    assert (await desk.notices.paused("bea@abc.com") is not None) is bool(hard)


async def test_an_answers_refusal_pauses_nobody(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    failed = outcome((await desk.reply()).id, SendState.FAILED, 1)
    said = {"bounced": (BouncedRecipient(address="bea@abc.com", status="5.1.1", hard=True),)}
    event = failed.model_copy(update={"data": failed.data.model_copy(update=said)})
    await OutcomeHandlers(desk.store).on_outcome(event)
    assert await desk.notices.paused("bea@abc.com") is None


async def test_what_waited_for_a_week_is_no_news(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    assert await desk.notify(datetime.now(UTC) + timedelta(days=8)) == []
    (notice,) = await desk.notices.of_tickets([(await desk.ticket()).id])
    assert notice.told_by == "dropped"


async def test_an_absence_note_of_an_agent_is_noted_on_the_notification(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    await desk.notify()
    message = await letter(desk)
    before = len(desk.bus.told)
    bea = {"address": "bea@abc.com"}
    await desk.file(absence_of(message, from_=bea, customer=bea))
    assert len(desk.bus.told) == before
    assert (await desk.ticket()).message_count == len(await desk.messages()) == 2
    shown = await letter(desk)
    assert shown.delivery is not None
    assert [one.kind for one in shown.delivery.reports] == ["auto-reply"]
    assert await desk.notify(tomorrow()) == []


async def test_what_came_back_for_a_notification_goes_along_when_tickets_merge(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    await desk.file(mail_received("m2"))
    (request,) = await desk.notify()
    both = ("m1@example.com", "m2@example.com")
    await desk.file(mail_received("m3", references=both))
    (ticket,) = await desk.tickets()
    kept = await desk.store.message(request.send_id)
    assert kept is not None
    assert kept.ticket_id == ticket.id
    notices = await desk.notices.of_tickets((ticket.id, *ticket.absorbed))
    assert {one.told_by for one in notices} == {request.send_id, None}


# Crashes.


async def opens(desk: Desk) -> MailReceived:
    return mail_received("m1")


async def answers(desk: Desk) -> MailReceived:
    await desk.file(mail_received("m1"))
    await desk.notify()
    return answer_to(await desk.reply(), "m2")


@pytest.mark.parametrize(("scene", "notices"), [(opens, 1), (answers, 2)])
async def test_a_crash_while_a_mail_is_filed_neither_loses_nor_doubles_a_notice(
    database: Any, scene: Callable[[Desk], Awaitable[MailReceived]], notices: int
) -> None:
    """INVARIANT: what agents are told of is written together with the ticket that it is about."""

    async def check(desk: Desk) -> None:
        await desk.notify(tomorrow())
        (ticket,) = await desk.tickets()
        assert len(await desk.notices.of_tickets([ticket.id])) == notices
        assert len(desk.notifications()) == notices

    assert await at_every_step(database, scene, check, also=[BEA]) >= 5


async def bounces(desk: Desk) -> MailReceived:
    await desk.file(mail_received("m1"))
    await desk.notify()
    refused = BouncedRecipient(address="bea@abc.com", status="5.1.1", hard=True)
    return bounce_of(await letter(desk), "dsn", refused)


async def test_a_crash_while_a_bounce_is_filed_pauses_and_tells_once(database: Any) -> None:
    async def check(desk: Desk) -> None:
        assert await desk.notices.paused("bea@abc.com") is not None
        assert len(desk.bus.of(BOUNCED)) == 1
        bounced = await letter(desk)
        assert bounced.delivery is not None
        assert bounced.delivery.state is SendState.BOUNCED
        assert (await desk.ticket()).message_count == 2

    assert await at_every_step(database, bounces, check, also=[BEA]) >= 5


async def test_a_crash_while_agents_are_notified_neither_loses_nor_doubles_a_mail(
    database: Any,
) -> None:
    """INVARIANT: each notice is told by exactly one mail, wherever the process died."""
    calls = 0
    for after_the_work in (False, True):
        for at in range(1, 100):
            own = database.client[f"{database.name}_{at}_{after_the_work:d}"]
            await ensure_indexes(own)
            desk = Desk(own, KeptBus(), also=[BEA, CAS])
            for number in range(3):
                await desk.file(mail_received(f"m{number}"))
            crashed = await dies_notifying(desk, CrashAt(at, after_the_work))
            await desk.file(mail_received("later"))
            await desk.notify()
            await desk.notify(tomorrow())
            for who in ("bea@abc.com", "cas@abc.com"):
                hers = [one for one in desk.notifications() if one.to[0].address == who]
                said = "\n".join(one.text for one in hers)
                assert [said.count(f"#{n}: ") for n in (1, 2, 3, 4)] == [1] * 4, (at, who)
                for one in hers:
                    assert await desk.store.message(one.send_id) is not None
            await database.client.drop_database(own.name)
            if not crashed:
                calls = at - 1
                break
    assert calls > 10


async def dies_notifying(desk: Desk, crash: CrashAt) -> bool:
    store, bus = crash.wrap(desk.store), crash.wrap(desk.bus)
    telling = Telling(store, bus, desk.around.telling.crossing_off)
    around = replace(desk.around, store=store, telling=telling)
    try:
        await Notifying(around, crash.wrap(desk.notices)).round()
    except Crash:
        return True
    return False
