"""Very much mail of one sender that repeats itself, on a real store (L14)."""

from typing import Any

import pytest

from doubles.bus import KeptBus
from doubles.crash import CrashAt
from doubles.desk import OPENED, REPLIED, REQUESTED, Desk
from doubles.mails import mail_received
from postbus.contracts.mail import Address, MailKind, MailReceived
from postbus.contracts.tickets import MessageFlag

pytestmark = pytest.mark.xdist_group("mongodb")


def alert(n: int, subject: str = "Disk full", **fields: Any) -> MailReceived:
    monitor = Address(name="Monitoring", address="monitor@example.com")
    plain = {"from_": monitor, "customer": monitor, "text": f"Host {n}.", "full_text": f"Host {n}."}
    return mail_received(f"alert-{n}", subject=subject, **{**plain, **fields})


async def test_what_repeats_itself_becomes_ten_tickets_and_none_of_it_is_lost(
    database: Any,
) -> None:
    desk = Desk(database, KeptBus(), also=[])
    await desk.file(*(alert(n) for n in range(60)))
    tickets = await desk.tickets()
    assert len(tickets) == 9
    filed = [m for one in tickets for m in await desk.messages(one.number)]
    inbound = [one for one in filed if one.direction == "inbound"]
    assert sorted(str(one.message_id) for one in inbound) == sorted(
        f"alert-{n}@example.com" for n in range(60)
    )
    folded = [one for one in inbound if MessageFlag.FOLDED in one.flags]
    assert len(folded) == 51
    assert {one.ticket_id for one in folded} == {tickets[-1].id}
    assert tickets[-1].message_count == 51 + 2, "with its own mail and a receipt"
    assert len(desk.bus.of(OPENED)) == 9
    assert len(desk.bus.of(REPLIED)) == 51
    assert len(desk.bus.of(REQUESTED)) == 9, "what is folded asks for no receipt"


async def test_different_alerts_are_as_many_tickets(database: Any) -> None:
    desk = Desk(database, KeptBus(), also=[])
    await desk.file(*(alert(n, f"Host {n} is down") for n in range(40)))
    assert len(await desk.tickets()) == 40


async def test_another_sender_in_between_has_a_ticket_of_their_own(database: Any) -> None:
    desk = Desk(database, KeptBus(), also=[])
    await desk.file(*(alert(n) for n in range(20)))
    await desk.file(mail_received("anna", subject="Disk full"))
    assert (await desk.tickets())[-1].customer.address == "anna@example.com"


async def test_an_answer_to_a_folded_mail_is_led_to_its_ticket(database: Any) -> None:
    desk = Desk(database, KeptBus(), also=[])
    await desk.file(*(alert(n) for n in range(15)))
    number = (await desk.tickets())[-1].number
    await desk.file(
        mail_received(
            "answer", subject="Re: Disk full", in_reply_to=("alert-14@example.com",),
            references=("alert-14@example.com",),
        )
    )  # fmt: skip
    assert [m.message_id for m in await desk.messages(number)][-1] == "answer@example.com"
    assert len(await desk.tickets()) == 9


@pytest.mark.parametrize("kind", [MailKind.MACHINE, MailKind.AUTO_GENERATED, MailKind.HUMAN])
async def test_a_folded_mail_that_is_delivered_again_is_there_once(
    database: Any, kind: MailKind
) -> None:
    desk = Desk(database, KeptBus(), also=[])
    mails = [alert(n, kind=kind) for n in range(14)]
    await desk.file(*mails, *mails)
    assert len(await desk.tickets()) == 9
    assert sum(one.message_count for one in await desk.tickets()) == 14 + len(
        desk.bus.of(REQUESTED)
    )


@pytest.mark.parametrize("after_the_work", [False, True])
async def test_a_crash_while_a_mail_is_folded_neither_loses_nor_doubles_it(
    database: Any,
    after_the_work: bool,  # noqa: FBT001 - a parameter of pytest
) -> None:
    desk = Desk(database, KeptBus(), also=[])
    await desk.file(*(alert(n) for n in range(12)))
    number = (await desk.tickets())[-1].number
    before = len(await desk.messages(number))
    n, step = 100, 0
    while True:
        step += 1
        crash, mail = CrashAt(step, after_the_work), alert(n)
        if not await desk.die_at(crash, mail):
            break
        await desk.file(mail)
        n += 1
    assert step > 5
    messages = await desk.messages(number)
    assert len(messages) - before == n - 100 + 1
    assert len({one.message_id for one in messages if one.direction == "inbound"}) == len(
        [one for one in messages if one.direction == "inbound"]
    )
    assert (await desk.ticket(number)).message_count == len(messages)
    assert len(await desk.tickets()) == 9
