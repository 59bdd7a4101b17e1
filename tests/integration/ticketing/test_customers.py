"""Who the customer is behind a forward, and how an agent says otherwise."""

from typing import Any

import pytest

from doubles.desk import CHANGED, OPENED, REQUESTED, Desk, answer_to
from doubles.mails import mail_received
from postbus.contracts.mail import Address, Confidence, Forwarded
from ticketing.choosing_customer import ChoosingCustomer

pytestmark = pytest.mark.xdist_group("mongodb")

ANNA = Address(name="Anna", address="anna@example.com")
CAS = Address(name="Cas", address="cas@postbus.localhost")


def passed_on(confidence: Confidence = Confidence.CERTAIN, **fields: Any) -> Any:
    """Cas of our own house forwards what Anna wrote."""
    forwarded = Forwarded(author=ANNA, by=CAS, confidence=confidence, evidence=("forward-line",))
    values = {
        "from_": CAS,
        "customer": ANNA,
        "customer_confidence": confidence,
        "customer_evidence": ("forwarded-by-colleague", "forward-line"),
        "forwarded": forwarded,
        **fields,
    }
    return mail_received("m1", **values)


async def test_the_evidence_stands_on_the_ticket_the_message_and_the_event(desk: Desk) -> None:
    await desk.file(passed_on())
    ticket = await desk.ticket()
    assert ticket.customer.address == ANNA.address
    assert (ticket.customer_alternative, ticket.forwarded_by) == (CAS, CAS)
    assert ticket.customer_evidence == ("forwarded-by-colleague", "forward-line")
    message = (await desk.messages())[0]
    assert (message.sender, message.forwarded_by) == (ANNA, CAS)
    (opened,) = desk.bus.of(OPENED)
    assert opened.ticket.forwarded_by == opened.ticket.customer_alternative == CAS
    assert opened.ticket.customer_confidence is Confidence.CERTAIN


@pytest.mark.parametrize(("confidence", "receipts"), [("certain", 1), ("likely", 0)])
async def test_only_who_is_certainly_the_customer_gets_a_receipt(
    desk: Desk, confidence: str, receipts: int
) -> None:
    """INVARIANT: nobody is told of a mail that they may not have written."""
    await desk.file(passed_on(Confidence(confidence)))
    assert [one.to for one in desk.bus.of(REQUESTED)] == [(ANNA,)] * receipts


async def test_one_call_makes_the_other_one_the_customer_and_a_second_takes_it_back(
    desk: Desk,
) -> None:
    await desk.file(passed_on())
    choosing = ChoosingCustomer(desk.around)
    for number, (who, other) in enumerate([(CAS, ANNA), (ANNA, CAS)]):
        ticket = await desk.ticket()
        assert ticket.customer_alternative == who
        after = await choosing.choose(ticket, who, by="bob")
        assert (after.customer.address, after.customer.name) == (who.address, who.name)
        assert (after.customer_alternative, after.forwarded_by) == (other, CAS)
        assert after.customer_evidence == ("set-by-agent",)
        told = desk.bus.of(CHANGED)[number]
        assert (told.by, told.change) == ("bob", {"customer": [other.address, who.address]})
        await desk.reply(key=f"k{number}")
        assert [one.address for one in desk.bus.of(REQUESTED)[-1].to] == [who.address]


async def test_choosing_who_it_is_already_changes_nothing(desk: Desk) -> None:
    await desk.file(passed_on())
    ticket = await desk.ticket()
    assert await ChoosingCustomer(desk.around).choose(ticket, ANNA, by="bob") == ticket
    assert desk.bus.of(CHANGED) == []


async def test_a_forward_from_outside_leaves_the_forwarder_the_customer(desk: Desk) -> None:
    outside = Address(name="Bo", address="bo@example.com")
    await desk.file(passed_on(from_=outside, customer=outside, customer_evidence=()))
    ticket = await desk.ticket()
    assert ticket.customer.address == outside.address
    assert ticket.customer_alternative == ANNA


async def test_an_ordinary_mail_has_no_other_customer(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    assert (await desk.ticket()).customer_alternative is None


async def test_colleague_and_customer_are_no_strangers(desk: Desk) -> None:
    await desk.file(passed_on())
    message = await desk.reply()
    await desk.file(answer_to(message, "m2", from_=CAS, customer=CAS), answer_to(message, "m3"))
    assert [one.flags for one in await desk.messages()] == [()] * 5
