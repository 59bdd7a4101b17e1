"""A token makes nobody the customer, and a number in a subject is only a hint."""

import pytest

from doubles.desk import REPLIED, REQUESTED, Desk, answer_to, stamp_of
from doubles.mails import mail_received
from postbus.contracts.mail import Address, MailKind
from postbus.contracts.tickets import MessageFlag, TicketStatus
from ticketing.answering import Answer

pytestmark = pytest.mark.xdist_group("mongodb")

EVE = {
    "from_": Address(address="eve@evil.example"),
    "customer": Address(address="eve@evil.example"),
}
BO = {"from_": Address(address="Bo@Example.com"), "customer": Address(address="Bo@Example.com")}


async def test_a_stranger_with_the_token_is_filed_and_flagged(desk: Desk) -> None:
    """INVARIANT: what a stranger writes is not lost, and nobody takes it for the customer's."""
    await desk.file(mail_received("m1"))
    message = await desk.reply()
    await desk.set_status(TicketStatus.PENDING)
    await desk.file(answer_to(message, "m2", **EVE), answer_to(message, "m3", **EVE))
    (ticket,) = await desk.tickets()
    assert ticket.customer.address == "anna@example.com"
    assert ticket.status is TicketStatus.OPEN
    flags = [one.flags for one in await desk.messages() if one.direction == "inbound"]
    assert flags == [(), (MessageFlag.STRANGER,), (MessageFlag.STRANGER,)]
    assert [fact.message.flags for fact in desk.bus.of(REPLIED)] == [(MessageFlag.STRANGER,)] * 2


async def test_the_next_answer_goes_to_the_customer_and_quotes_the_customer(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    message = await desk.reply()
    await desk.file(answer_to(message, "m2", **EVE))
    await desk.reply(key="next")
    request = desk.bus.of(REQUESTED)[-1]
    assert [one.address for one in request.to] == ["anna@example.com"]
    assert request.in_reply_to == "m1@example.com"


PARTS = {
    "customer": {},
    "other-case": {"from_": Address(address="ANNA@example.com")},
    "copied-in": BO,
    "behind-a-list": {"from_": Address(address="list@lists.example")},
    "one-of-us": {
        "from_": Address(address="sales@postbus.localhost"),
        "customer": Address(address="sales@postbus.localhost"),
    },
}


@pytest.mark.parametrize("part", PARTS)
async def test_who_took_part_is_no_stranger(desk: Desk, part: str) -> None:
    await desk.file(mail_received("m1", cc=(Address(address="bo@example.com"),)))
    message = await desk.reply()
    await desk.file(answer_to(message, "m2", **PARTS[part]))
    assert (await desk.messages())[-1].flags == ()


async def test_whom_an_agent_writes_to_is_no_stranger_any_more(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    cc = Answer("We come.", cc=(Address(address="Eve@evil.example"),))
    message = await desk.answering.reply(await desk.ticket(), cc, key="k", by="bob")
    await desk.file(answer_to(message, "m2", **EVE))
    assert (await desk.messages())[-1].flags == ()


async def test_whom_a_stranger_copies_in_is_a_stranger(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    message = await desk.reply()
    friend = Address(address="mallory@evil.example")
    await desk.file(answer_to(message, "m2", **EVE, cc=(friend,)))
    await desk.file(answer_to(message, "m3", from_=friend, customer=friend))
    assert (await desk.messages())[-1].flags == (MessageFlag.STRANGER,)


async def test_a_robot_is_not_called_a_stranger(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    message = await desk.reply()
    await desk.file(answer_to(message, "m2", kind=MailKind.AUTO_REPLY, **EVE))
    assert (await desk.messages())[-1].flags == ()


async def test_a_stranger_opens_no_follow_up(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    message = await desk.reply()
    await desk.set_status(TicketStatus.CLOSED)
    await desk.file(answer_to(message, "m2", **EVE))
    (ticket,) = await desk.tickets()
    assert ticket.status is TicketStatus.OPEN


@pytest.mark.parametrize(
    ("fields", "tickets"),
    [
        ({}, 1),
        ({"from_": Address(address="ANNA@EXAMPLE.COM")}, 1),
        (BO, 1),
        (EVE, 2),
        ({"channel": "sales", "queue": "sales"}, 2),
        ({"subject": "Re: [#77] Printer on fire"}, 2),
        ({"subject": "Printer on fire 1"}, 2),
    ],
    ids=[
        "same-customer",
        "other-case",
        "participant",
        "stranger",
        "other-queue",
        "gone",
        "no-mark",
    ],
)
async def test_a_number_in_the_subject_counts_for_the_same_people_and_queue(
    desk: Desk, fields: dict[str, object], tickets: int
) -> None:
    await desk.file(mail_received("m1", cc=(Address(address="bo@example.com"),)))
    hinted = {"subject": "AW: [#1] Printer on fire", **fields}
    await desk.file(*[mail_received("m2", **hinted)] * 3)
    assert len(await desk.tickets()) == tickets


async def test_ids_and_stamps_count_more_than_a_number(desk: Desk) -> None:
    await desk.file(mail_received("m1"), mail_received("m2"))
    await desk.file(mail_received("m3", subject="[#1] x", in_reply_to=("m2@example.com",)))
    message = await desk.reply(2)
    stamp = stamp_of(message, "recipient")
    await desk.file(mail_received("m4", subject="[#1] x", stamp=stamp))
    assert {frozenset({"m2@example.com", "m3@example.com", "m4@example.com"})} < (
        await desk.threads()
    )


async def test_a_claim_of_its_id_counts_more_than_a_number(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    await desk.file(mail_received("m3", in_reply_to=("m2@example.com",)))
    await desk.file(mail_received("m2", subject="[#1] Printer on fire"))
    assert len(await desk.threads()) == 2
