"""A mail whose ids are claimed for two tickets of the same people makes one of them."""

import asyncio
import itertools
from dataclasses import replace
from typing import Any

import pytest

from doubles.bus import KeptBus
from doubles.crash import CrashAt
from doubles.desk import (
    CHANGED,
    MERGED,
    REQUESTED,
    Desk,
    absence_of,
    answer_to,
    at_every_step,
    bounce_of,
)
from doubles.mails import mail_received
from postbus.contracts.mail import Address, MailReceived
from postbus.contracts.sending import SendState
from postbus.contracts.tickets import MessageFlag, Priority, TicketStatus
from ticketing.adapters.mongo_indexes import ensure_indexes
from ticketing.answering import Answer
from ticketing.merging import Merging

pytestmark = pytest.mark.xdist_group("mongodb")

BO = dict.fromkeys(("from_", "customer"), Address(address="bo@example.com"))
FIRST = mail_received("a")
LAST = mail_received("c", in_reply_to=("b@example.com",))
BRIDGE = mail_received("b", in_reply_to=("a@example.com",))
CHAIN = [
    FIRST, BRIDGE, LAST, mail_received("d", in_reply_to=("c@example.com",)),
    mail_received("e", in_reply_to=("d@example.com",)),
]  # fmt: skip
ALL = frozenset(f"{one}@example.com" for one in "abcde")


async def test_the_younger_ticket_becomes_part_of_the_elder(desk: Desk) -> None:
    await desk.file(FIRST, LAST)
    assert len(await desk.tickets()) == 2
    await desk.file(BRIDGE)
    (elder,) = await desk.tickets()
    young = await desk.ticket(2)
    assert (young.merged_into, young.status) == (1, TicketStatus.CLOSED)
    assert await desk.listed.messages(young.id) == []
    assert elder.message_count == len(await desk.messages()) == 5
    (merged,) = desk.bus.of(MERGED)
    assert merged.change["merged"] == {"number": 2, "message_count": 2}
    assert merged.ticket.message_count == 4
    (told,) = [fact for fact in desk.bus.of(CHANGED) if fact.ticket.number == 2]
    assert told.change == {"merged_into": [None, 1], "status": ["new", "closed"]}
    assert told.ticket.merged_into == 1


async def test_what_agents_did_with_the_younger_one_is_kept(desk: Desk) -> None:
    await desk.file(FIRST, LAST)
    ticket = await desk.ticket(2)
    await desk.store.save(
        replace(ticket, assignee="bob", tags=("fire",), priority=Priority.URGENT), ()
    )
    await desk.set_status(TicketStatus.SOLVED, 1)
    await desk.file(BRIDGE)
    elder = await desk.ticket(1)
    assert (elder.assignee, elder.tags, elder.priority) == ("bob", ("fire",), "urgent")
    assert elder.status is TicketStatus.OPEN


async def test_a_chain_without_references_is_one_ticket_in_any_order(desk: Desk) -> None:
    """INVARIANT: a program that writes In-Reply-To only splits nothing, however mail arrives."""
    for number, order in enumerate(itertools.permutations("abcde")):
        chain = {
            one: mail_received(
                f"{one}{number}",
                # Of another matter each: what says the same in crowds goes on one ticket.
                subject=f"Matter {number}",
                in_reply_to=(f"{before}{number}@example.com",) if before else (),
            )
            for before, one in zip(("", *"abcd"), "abcde", strict=True)
        }
        await desk.file(*(chain[one] for one in order), *(chain[one] for one in reversed(order)))
    whole = [frozenset(f"{one}{n}@example.com" for one in "abcde") for n in range(120)]
    assert await desk.threads() == set(whole)


async def test_the_old_number_stamp_and_key_lead_to_the_elder(desk: Desk) -> None:
    await desk.file(FIRST, LAST)
    message = await desk.reply(2, key="k")
    await desk.file(BRIDGE)
    elder = await Merging(desk.around).root(await desk.ticket(2))
    again = await desk.answering.reply(elder, Answer("We come."), key="k", by="bob")
    assert again.id == message.id
    assert len([one for one in desk.bus.of(REQUESTED) if not one.automatic]) == 1
    await desk.told(message, SendState.SENT)
    await desk.file(LAST, answer_to(message, "d"), absence_of(message), bounce_of(message))
    assert [one.number for one in await desk.tickets()] == [1]
    shown = {one.id: one for one in await desk.messages()}
    delivery = shown[message.id].delivery
    assert delivery is not None
    assert (delivery.state, len(delivery.reports)) == (SendState.BOUNCED, 2)
    assert (await desk.ticket()).message_count == len(shown) == 9


async def test_a_merge_of_merged_tickets_is_followed_to_its_end(desk: Desk) -> None:
    mails = {one.mail_id: one for one in CHAIN}
    await desk.file(mails["a"], mails["c"], mails["e"], mails["d"])
    assert [(await desk.ticket(number)).merged_into for number in (2, 3)] == [None, 2]
    await desk.file(mails["b"], *CHAIN)
    assert await desk.threads() == {ALL}
    root = await Merging(desk.around).root(await desk.ticket(3))
    assert (root.number, len(root.absorbed)) == (1, 2)


async def apart(desk: Desk) -> None:
    assert len(await desk.tickets()) == 2
    messages = [*await desk.messages(1), *await desk.messages(2)]
    (message,) = [one for one in messages if one.message_id == BRIDGE_ID]
    assert message.flags == (MessageFlag.OTHER_TICKET,)
    assert desk.bus.of(MERGED) == []


BRIDGE_ID = "b@example.com"


async def test_tickets_of_different_customers_stay_apart_and_that_is_said(desk: Desk) -> None:
    """INVARIANT: nobody joins the tickets of others by naming their ids."""
    await desk.file(FIRST, mail_received("c", in_reply_to=("z@example.com",), **BO))
    both = {"in_reply_to": ("a@example.com",), "references": ("a@example.com", "c@example.com")}
    await desk.file(mail_received("b", **both))
    assert frozenset({"a@example.com", "b@example.com"}) in await desk.threads()
    await apart(desk)


async def test_a_third_person_joins_nothing(desk: Desk) -> None:
    eve = dict.fromkeys(("from_", "customer"), Address(address="eve@evil.example"))
    await desk.file(FIRST, LAST)
    await desk.file(BRIDGE.model_copy(update=eve))
    await apart(desk)


@pytest.mark.parametrize("number", [1, 2])
async def test_what_an_agent_closed_stays_apart(desk: Desk, number: int) -> None:
    await desk.file(FIRST, LAST)
    await desk.set_status(TicketStatus.CLOSED, number)
    await desk.file(BRIDGE)
    await apart(desk)


async def test_what_an_agent_moved_to_another_queue_stays_apart(desk: Desk) -> None:
    await desk.file(FIRST, LAST)
    ticket = await desk.ticket(2)
    await desk.store.save(replace(ticket, queue="sales"), ())
    await desk.file(BRIDGE)
    await apart(desk)


@pytest.mark.parametrize("cc", [True, False])
async def test_people_who_wrote_to_one_another_are_the_same_people(desk: Desk, *, cc: bool) -> None:
    """Anna writes and copies Bo in; of Bo's two answers the second comes first."""
    copied = {"cc": (Address(address="bo@example.com"),)} if cc else {}
    await desk.file(FIRST.model_copy(update=copied))
    await desk.file(LAST.model_copy(update=BO), BRIDGE.model_copy(update=BO))
    assert len(await desk.tickets()) == (1 if cc else 2)


async def test_a_stamp_joins_the_ticket_that_a_later_answer_opened(desk: Desk) -> None:
    """The answer to an answer came first, from a program that lost our stamp."""
    await desk.file(FIRST)
    message = await desk.reply()
    await desk.file(mail_received("c", in_reply_to=("b@example.com",)))
    await desk.file(answer_to(message, "b"))
    assert await desk.threads() == {frozenset({"a@example.com", BRIDGE_ID, "c@example.com"})}


async def test_an_absence_note_joins_what_answers_it(desk: Desk) -> None:
    await desk.file(FIRST)
    message = await desk.reply()
    await desk.file(mail_received("c", in_reply_to=("away@example.com",)))
    await desk.file(absence_of(message))
    assert len(await desk.tickets()) == 1


@pytest.mark.parametrize("with_reply", [False, True])
async def test_a_crash_at_any_step_of_a_merge_is_made_good(
    database: Any, *, with_reply: bool
) -> None:
    """INVARIANT: nothing is lost, doubled or miscounted, whoever comes after the crash."""

    async def scene(desk: Desk) -> MailReceived:
        await desk.file(FIRST, LAST)
        if with_reply:
            await desk.reply(2)
        return BRIDGE

    async def check(desk: Desk) -> None:
        await desk.file(*CHAIN, *CHAIN)
        assert await desk.threads() == {ALL}
        assert len(desk.bus.of(MERGED)) == 1
        if with_reply:
            assert "agent-reply" in [one.kind for one in await desk.messages()]
        assert await desk.told_and_not_crossed_off() == 0

    assert await at_every_step(database, scene, check) > 12


async def test_whoever_comes_first_finishes_a_merge(database: Any) -> None:
    """The bridging mail is not the next that is delivered after the crash."""

    for at in range(1, 20):
        for order in ((3, 4, 2, 0, 1), (0, 3, 1, 2, 4)):
            own = database.client[f"{database.name}_{at}_{order[0]}"]
            await ensure_indexes(own)
            desk = Desk(own, KeptBus())
            await desk.file(FIRST, LAST)
            await desk.die_at(CrashAt(at), BRIDGE)
            await desk.file(*(CHAIN[n] for n in order))
            assert await desk.threads() == {ALL}, f"died at call {at}"
            await database.client.drop_database(own.name)


async def test_many_at_once_are_one_ticket_in_the_end(desk: Desk) -> None:
    await asyncio.gather(*(desk.deliver(mail, desk.around) for mail in CHAIN * 3))
    await desk.file(*CHAIN)
    assert await desk.threads() == {ALL}
