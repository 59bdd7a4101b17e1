"""Very many tickets of one sender within an hour: all filed, the later ones in a lane (L14)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from doubles.bus import KeptBus
from doubles.desk import OPENED, Desk
from doubles.mails import NOW, mail_received
from doubles.ticketing import agent
from postbus.contracts.configuration import LoopLimits
from postbus.contracts.mail import Address, MailReceived
from postbus.contracts.tickets import MessageFlag
from ticketing.answering import TicketChange
from ticketing.domain.model import Ticket
from ticketing.ports import TicketQuery

pytestmark = pytest.mark.xdist_group("mongodb")

FIVE = LoopLimits(incoming_ten_minutes=10_000, incoming_hour=10_000, tickets_hour=5)
IN_LANE = [False] * 5 + [True] * 2


def mail(n: int, who: str = "anna", **fields: Any) -> MailReceived:
    """Each about something else, so that none is folded."""
    sender = Address(name=who.title(), address=f"{who}@example.com")
    values = {"from_": sender, "customer": sender, "subject": f"Matter {n}", "text": f"Words {n}."}
    return mail_received(f"{who}-{n}", **{**values, **fields})


def at(desk: Desk, when: datetime) -> Any:
    return replace(desk.around, now=lambda: when)


async def tagged(desk: Desk, who: str = "anna") -> list[bool]:
    """Of the tickets of somebody, oldest first, whether they are in the lane."""
    mine = [one for one in await desk.tickets() if one.customer.address == f"{who}@example.com"]
    return ["burst" in one.tags for one in mine]


@pytest.fixture
def few(database: Any) -> Desk:
    return Desk(database, KeptBus(), also=[FIVE, agent("bea")])


async def test_the_two_hundred_and_first_is_in_the_lane_and_nothing_is_held_or_lost(
    database: Any,
) -> None:
    """INVARIANT: a burst is filed whole, and does not bury what others write."""
    desk = Desk(database, KeptBus(), also=[])
    await desk.file(*(mail(n) for n in range(202)), mail(0, "bo"))
    assert await tagged(desk) == [False] * 200 + [True] * 2
    assert await tagged(desk, "bo") == [False]
    assert len(desk.bus.of(OPENED)) == 203
    opened = desk.bus.of(OPENED)[200]
    assert opened.change == {"tags": [[], ["burst"]]}
    assert opened.message.flags == (MessageFlag.BURST,)
    in_lane = await desk.listed.tickets(TicketQuery(tag="burst"))
    assert [one.title for one in in_lane] == ["Matter 201", "Matter 200"]
    queue = await desk.listed.tickets(TicketQuery(without_tag="burst", limit=500))
    assert len(queue) == 201


async def test_a_message_in_the_lane_says_why(few: Desk) -> None:
    await few.file(*(mail(n) for n in range(6)))
    flags = [(await few.messages(one.number))[0].flags for one in await few.tickets()]
    assert flags == [()] * 5 + [(MessageFlag.BURST,)]


async def test_agents_are_notified_of_the_tickets_before_the_lane_only(few: Desk) -> None:
    await few.file(*(mail(n) for n in range(9)), mail(0, "bo"))
    told = {one.happened.ticket_number for one in await _notices(few)}
    assert told == {1, 2, 3, 4, 5, 10}


async def _notices(desk: Desk) -> list[Any]:
    return await desk.notices.of_tickets([one.id for one in await desk.tickets()])


async def test_an_hour_later_the_lane_is_left(few: Desk) -> None:
    minutes = (0, 10, 20, 30, 40, 59, 60, 61, 71)
    for n, minute in enumerate(minutes):
        await few.deliver(mail(n), at(few, NOW + timedelta(minutes=minute)))
    assert await tagged(few) == [False] * 5 + [True] * 4
    await few.deliver(mail(9), at(few, NOW + timedelta(minutes=140)))
    assert (await tagged(few))[-1] is False


async def test_an_answer_on_a_ticket_in_the_lane_is_told_as_any(few: Desk) -> None:
    await few.file(*(mail(n) for n in range(6)))
    await few.file(mail(99, in_reply_to=("anna-5@example.com",)))
    assert [one.message_count for one in await few.tickets()][-1] == 3
    assert [one.happened.happening for one in await _notices(few)][-1] == "answer"


async def test_an_agent_takes_a_ticket_out_of_the_lane(few: Desk) -> None:
    await few.file(*(mail(n) for n in range(6)))
    ticket: Ticket = (await few.tickets())[-1]
    await few.answering.change(ticket, TicketChange(tags=()), by="bea")
    await few.file(mail(5))
    assert await tagged(few) == [False] * 6


async def test_replicas_count_what_the_others_opened(database: Any) -> None:
    """INVARIANT: the count is that of the store, and not of a process."""
    desks = [Desk(database, KeptBus(), also=[FIVE]) for _ in range(2)]
    for n in range(12):
        await desks[n % 2].file(mail(n))
    found = await tagged(desks[0])
    assert found == [False] * 5 + [True] * 7


async def test_mail_that_goes_on_a_ticket_is_not_counted_and_not_marked(few: Desk) -> None:
    await few.file(mail(0), *(mail(n, in_reply_to=("anna-0@example.com",)) for n in range(1, 9)))
    await few.file(*(mail(n) for n in range(9, 14)))
    assert await tagged(few) == [False] * 5 + [True]


async def test_whoever_writes_now_and_then_costs_no_look(few: Desk, database: Any) -> None:
    """INVARIANT: ordinary mail costs nothing for it."""
    asked: list[str] = []
    count = few.store.opened_since

    async def counted(customer_id: str, **fields: Any) -> bool:
        asked.append(customer_id)
        return await count(customer_id, **fields)

    few.store.opened_since = counted  # type: ignore[method-assign] # counts and asks
    await few.file(mail(0), mail(1), mail(0, "bo"), mail(1, "bo"))
    assert asked == []
    await few.file(mail(2))
    assert len(asked) == 1
