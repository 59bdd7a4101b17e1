"""An answer to a closed ticket opens it again, or a new one, as its queue says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from doubles.bus import KeptBus
from doubles.desk import CHANGED, OPENED, Desk, absence_of, answer_to, at_every_step
from doubles.mails import mail_received
from postbus.contracts.configuration import ReplyToClosed
from postbus.contracts.mail import MailReceived
from postbus.contracts.tickets import Relation, TicketStatus

pytestmark = pytest.mark.xdist_group("mongodb")

NEW_LINKED = {"on_reply_to_closed": ReplyToClosed.NEW_LINKED}
MONTH = {"reopen_for_days": 30}
PARENT = {"in_reply_to": ("m1@example.com",), "references": ("m1@example.com",)}


async def closed(database: Any, **fields: Any) -> Desk:
    desk = Desk(database, KeptBus(), **fields)
    await desk.file(mail_received("m1"))
    await desk.set_status(TicketStatus.CLOSED)
    return desk


def later(desk: Desk, days: int) -> Any:
    return replace(desk.around, now=lambda: datetime.now(UTC) + timedelta(days=days))


async def test_an_answer_opens_a_closed_ticket_again_where_nothing_else_is_said(
    database: Any,
) -> None:
    desk = await closed(database)
    await desk.deliver(mail_received("m2", **PARENT), later(desk, 3000))
    (ticket,) = await desk.tickets()
    assert (ticket.status, ticket.closed_at) == (TicketStatus.OPEN, None)


async def test_an_answer_opens_a_new_ticket_and_both_name_each_other(database: Any) -> None:
    desk = await closed(database, **NEW_LINKED)
    await desk.file(mail_received("m2", **PARENT))
    first, second = await desk.tickets()
    assert (first.status, second.status) == (TicketStatus.CLOSED, TicketStatus.NEW)
    assert [(one.number, one.relation) for one in first.links] == [(2, Relation.FOLLOWED_BY)]
    assert [(one.number, one.relation) for one in second.links] == [(1, Relation.FOLLOW_UP_OF)]
    (opened,) = [fact for fact in desk.bus.of(OPENED) if fact.ticket.number == 2]
    assert [link.number for link in opened.ticket.links] == [1]
    (told,) = [fact for fact in desk.bus.of(CHANGED) if "followed_by" in fact.change]
    assert [link.number for link in told.ticket.links] == [2]


@pytest.mark.parametrize(("days", "tickets"), [(29, 1), (31, 2)])
async def test_a_ticket_is_opened_again_for_so_many_days(
    database: Any, days: int, tickets: int
) -> None:
    desk = await closed(database, **MONTH)
    await desk.deliver(mail_received("m2", **PARENT), later(desk, days))
    assert len(await desk.tickets()) == tickets


@pytest.mark.parametrize("status", [TicketStatus.SOLVED, TicketStatus.PENDING, TicketStatus.OPEN])
async def test_only_closed_tickets_are_followed(database: Any, status: TicketStatus) -> None:
    desk = await closed(database, **NEW_LINKED)
    await desk.set_status(status)
    await desk.file(mail_received("m2", **PARENT))
    (ticket,) = await desk.tickets()
    assert ticket.status is TicketStatus.OPEN


async def test_further_mail_goes_to_the_ticket_that_follows(database: Any) -> None:
    """By the ids of the new ticket, of the closed one, by the old stamp: there is one follow-up."""
    desk = Desk(database, KeptBus(), **NEW_LINKED)
    await desk.file(mail_received("m1"))
    message = await desk.reply()
    await desk.set_status(TicketStatus.CLOSED)
    follow_ups = [
        answer_to(message, "m2"),
        mail_received("m3", in_reply_to=("m2@example.com",), references=("m2@example.com",)),
        mail_received("m4", **PARENT),
        answer_to(message, "m5", references=("m1@example.com", "m2@example.com")),
    ]
    await desk.file(*follow_ups, *reversed(follow_ups))
    first, second = await desk.tickets()
    assert first.message_count == 3
    assert second.message_count == 5
    assert all(message.flags == () for message in await desk.messages(2))


async def test_a_follow_up_that_is_closed_is_followed_itself(database: Any) -> None:
    desk = await closed(database, **NEW_LINKED)
    await desk.file(mail_received("m2", **PARENT))
    await desk.set_status(TicketStatus.CLOSED, 2)
    await desk.file(mail_received("m3", **PARENT))
    assert [one.number for one in (await desk.ticket(2)).links] == [1, 3]
    assert len(await desk.tickets()) == 3


async def test_a_robot_opens_nothing(database: Any) -> None:
    desk = Desk(database, KeptBus(), **NEW_LINKED)
    await desk.file(mail_received("m1"))
    message = await desk.reply()
    await desk.set_status(TicketStatus.CLOSED)
    await desk.file(absence_of(message), mail_received("m2", kind="auto-reply", **PARENT))
    (ticket,) = await desk.tickets()
    assert (ticket.status, ticket.message_count) == (TicketStatus.CLOSED, 5)


async def test_what_is_reopened_by_an_agent_is_not_filed_twice(database: Any) -> None:
    desk = await closed(database, **NEW_LINKED)
    mail = mail_received("m2", **PARENT)
    await desk.file(mail)
    await desk.set_status(TicketStatus.OPEN)
    await desk.file(mail)
    assert [one.message_count for one in await desk.tickets()] == [2, 2]


@pytest.mark.parametrize("with_id", [True, False], ids=["id", "no-id"])
async def test_a_crash_at_any_step_opens_one_follow_up(database: Any, *, with_id: bool) -> None:
    more = {} if with_id else {"message_id": None}

    async def scene(desk: Desk) -> MailReceived:
        await desk.file(mail_received("m1"))
        await desk.set_status(TicketStatus.CLOSED)
        return mail_received("m2", **PARENT, **more)

    async def check(desk: Desk) -> None:
        await desk.file(mail_received("m3", **PARENT))
        first, second = await desk.tickets()
        assert [one.number for one in first.links] == [second.number]
        assert [one.number for one in second.links] == [1]
        assert (first.message_count, second.message_count) == (2, 3)
        assert len(desk.bus.of(OPENED)) == 2

    assert await at_every_step(database, scene, check, **NEW_LINKED) > 8
