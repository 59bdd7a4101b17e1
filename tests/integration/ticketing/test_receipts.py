"""Receipts in the language and the words of the queue, on a real MongoDB wire server."""

from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from doubles.desk import REQUESTED, Desk
from doubles.mails import NOW, mail_received
from doubles.ticketing import channel, received
from postbus.configuration import Configuration
from postbus.contracts.appearance import Appearance
from postbus.contracts.mail import MailReceived
from postbus.contracts.sending import SendState
from postbus.errors import NotConfigured
from ticketing.adapters.prometheus_fallbacks import PrometheusFallbacks
from ticketing.answering import Answer, Answering, TicketChange
from ticketing.domain.model import Delivery, Ticket
from ticketing.handlers import MailHandlers

pytestmark = pytest.mark.xdist_group("mongodb")

DUTCH = "Mijn printer staat in brand, kunnen jullie mij snel helpen?"
GERMAN = "Mein Drucker brennt, können Sie mir bitte schnell helfen?"


def dutch(**fields: Any) -> MailReceived:
    return mail_received(text=DUTCH, full_text=DUTCH, **fields)


def look_like(desk: Desk, **fields: Any) -> None:
    """From now on the queue looks like this."""
    looks = Appearance.model_validate({"id": "support", **fields})
    configuration = Configuration.of([channel("support"), looks])
    desk.around = replace(desk.around, configuration=lambda: configuration)


@pytest.mark.parametrize(
    ("text", "language", "begins"),
    [(DUTCH, "nl", "Hallo Anna,"), (GERMAN, "de", "Hallo Anna,"), ("Help.", "en", "Hello Anna,")],
)
async def test_a_receipt_speaks_the_language_of_the_mail(
    desk: Desk, text: str, language: str, begins: str
) -> None:
    await desk.file(mail_received(text=text))
    (receipt,) = desk.bus.of(REQUESTED)
    assert (receipt.language, receipt.text.splitlines()[0]) == (language, begins)
    assert "#1" in receipt.text
    assert receipt.subject == "Re: Printer on fire"
    message = await desk.store.message(receipt.send_id)
    assert message is not None
    assert message.text == receipt.text


async def test_a_queue_has_words_and_a_language_of_its_own(desk: Desk) -> None:
    own = {"subject": "Ontvangen:\n#{{ ticket.number }}", "text": "Dag {{ customer.name }}"}
    look_like(desk, receipts={"nl": own}, language="nl")
    await desk.file(mail_received())
    (receipt,) = desk.bus.of(REQUESTED)
    assert (receipt.subject, receipt.text) == ("Ontvangen: #1", "Dag Anna")
    message = await desk.store.message(receipt.send_id)
    assert message is not None
    assert message.subject == "Ontvangen: #1"


async def test_a_delivery_that_comes_again_sends_the_same_receipt(desk: Desk) -> None:
    """INVARIANT: also when the texts were changed in between; else the ticket would lie."""
    await desk.file(dutch())
    look_like(desk, receipts={"nl": {"text": "Iets anders"}})
    await desk.file(dutch())
    first, *others = desk.bus.of(REQUESTED)
    assert all(one.text == first.text for one in others)
    message = await desk.store.message(first.send_id)
    assert message is not None
    assert message.text == first.text


async def test_a_text_that_fails_is_said_and_the_shipped_one_goes(desk: Desk) -> None:
    look_like(desk, receipts={"nl": {"text": "{% for a in 'b' %}{% endfor %}"}})
    registry = CollectorRegistry()
    desk.around = replace(desk.around, receipt_failed=PrometheusFallbacks(registry))
    with capture_logs() as logs:
        await MailHandlers(desk.around).on_mail_received(received(dutch()))
    (receipt,) = desk.bus.of(REQUESTED)
    assert receipt.text.startswith("Hallo Anna,")
    assert [one["event"] for one in logs] == ["receipt_text_failed"]
    assert registry.get_sample_value("postbus_receipt_texts_failed_total") == 1


async def test_an_answer_says_which_language_it_answers(desk: Desk) -> None:
    await desk.file(dutch())
    ticket = await desk.store.ticket_by_number(1)
    assert ticket is not None
    await desk.answering.reply(ticket, Answer("We komen."), key="k1", by="bob")
    assert desk.bus.of(REQUESTED)[-1].language == "nl"
    again = mail_received(
        "m2", text="ok", in_reply_to=("m1@example.com",), references=("m1@example.com",)
    )
    await desk.file(again)
    ticket = await desk.store.ticket_by_number(1)
    assert ticket is not None
    await desk.answering.reply(ticket, Answer("Tot zo."), key="k2", by="bob")
    assert desk.bus.of(REQUESTED)[-1].language == "nl"


async def conversation(desk: Desk) -> Ticket:
    """Anna wrote, Bob answered, which was sent, and Anna wrote again."""
    await desk.file(dutch())
    ticket = await desk.store.ticket_by_number(1)
    assert ticket is not None
    sent = await desk.answering.reply(ticket, Answer("We komen."), key="k1", by="bob")
    await desk.store.first_delivery(sent.id, Delivery(SendState.SENT, "relay", at=NOW))
    again = mail_received(
        "m2", text="Wanneer?", in_reply_to=("m1@example.com",), references=("m1@example.com",)
    )
    await desk.file(again)
    ticket = await desk.store.ticket_by_number(1)
    assert ticket is not None
    return ticket


@pytest.mark.parametrize(
    ("quote", "earlier"), [("none", []), ("last", []), ("thread", ["We komen.", DUTCH])]
)
async def test_an_answer_quotes_the_whole_conversation_where_the_queue_wants_it(
    desk: Desk, quote: str, earlier: list[str]
) -> None:
    look_like(desk, quote=quote)
    desk.answering = Answering(desk.around)
    ticket = await conversation(desk)
    await desk.answering.reply(ticket, Answer("Nu."), key="k2", by="bob")
    request = desk.bus.of(REQUESTED)[-1]
    assert request.quote.text == "Wanneer?"
    assert [one.text for one in request.earlier] == earlier


async def test_a_long_conversation_is_quoted_as_far_as_an_event_has_room(desk: Desk) -> None:
    look_like(desk, quote="thread")
    desk.answering = Answering(desk.around)
    mails = [
        mail_received(
            f"m{number}",
            text=f"{number} " * 9_000,
            in_reply_to=("m0@example.com",) if number else (),
        )
        for number in range(8)
    ]
    await desk.file(*mails)
    ticket = await desk.store.ticket_by_number(1)
    assert ticket is not None
    await desk.answering.reply(ticket, Answer("Enough."), key="k1", by="bob")
    request = desk.bus.of(REQUESTED)[-1]
    assert 0 < sum(len(one.text) for one in request.earlier) <= 60_000
    assert len(request.model_dump_json()) < 200_000


async def test_a_ticket_whose_channel_is_gone_is_answered_from_the_queue_it_is_moved_to(
    desk: Desk,
) -> None:
    await desk.file(mail_received("m1"))
    there = Configuration.of([channel("sales")])
    desk.around = replace(desk.around, configuration=lambda: there)
    desk.answering = Answering(desk.around)
    ticket = await desk.store.ticket_by_number(1)
    assert ticket is not None
    with pytest.raises(NotConfigured, match="move it to a queue"):
        await desk.answering.reply(ticket, Answer("We come."), key="k", by="bob")
    moved = await desk.answering.change(ticket, TicketChange(queue="sales"), by="bob")
    await desk.answering.reply(moved, Answer("We come."), key="k", by="bob")
    request = desk.bus.of("postbus.send.requested.sales")[-1]
    assert (request.channel, request.queue) == ("sales", "sales")
    assert request.reply_address.address == channel("sales").address
