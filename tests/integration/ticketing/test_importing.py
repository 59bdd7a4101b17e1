"""Mail from before is filed as it was then, and nothing automatic follows."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from doubles.bus import KeptBus
from doubles.desk import (
    BOUNCED,
    CHANGED,
    HELD,
    MERGED,
    OPENED,
    RELEASED,
    REPLIED,
    REQUESTED,
    Desk,
    answer_to,
    at_every_step,
    bounce_of,
    stamp_of,
)
from doubles.mails import mail_received
from postbus.contracts.configuration import ReplyToClosed
from postbus.contracts.mail import Address, Forwarded, MailKind, MailReceived, OpenAs, Route
from postbus.contracts.sending import SendState
from postbus.contracts.tickets import TicketStatus
from ticketing.adapters.mongo_indexes import ensure_indexes
from ticketing.domain.model import Direction

pytestmark = pytest.mark.xdist_group("mongodb")

THEN = datetime(2016, 3, 1, 9, 0, tzinfo=UTC)
AGENT_REPLIED = "postbus.ticket.agent-replied.support"
SUPPORT = Address(name="Support", address="support@postbus.localhost")
ANNA = Address(name="Anna", address="anna@example.com")
BO = dict.fromkeys(("from_", "customer"), Address(address="bo@example.com"))


def old(mail_id: str, day: int = 0, **fields: Any) -> MailReceived:
    """A mail of Anna that came that many days after `THEN`."""
    route = Route(door="import", received_at=THEN + timedelta(days=day))
    return mail_received(mail_id, **{"route": route, **fields})


def sent(mail_id: str, day: int = 0, **fields: Any) -> MailReceived:
    """A mail that an agent wrote to Anna then, in another program."""
    ours: dict[str, Any] = {"from_": SUPPORT, "customer": SUPPORT, "to": (ANNA,)}
    return old(mail_id, day, **{**ours, **fields})


FIRST = old("a", 0)
ANSWER = sent("b", 1, in_reply_to=("a@example.com",), subject="Re: Printer on fire")
THANKS = old("c", 2, in_reply_to=("b@example.com",), subject="Re: Printer on fire")
THREAD = (FIRST, ANSWER, THANKS)


async def test_a_mail_from_before_opens_a_ticket_of_then(desk: Desk) -> None:
    await desk.file(FIRST)
    (ticket,) = await desk.tickets()
    assert (ticket.status, ticket.closed_at) == (TicketStatus.CLOSED, THEN)
    assert (ticket.created_at, ticket.updated_at) == (THEN, THEN)
    (message,) = await desk.messages()
    assert (message.direction, message.created_at) == (Direction.INBOUND, THEN)
    (opened,) = desk.bus.of(OPENED)
    assert (opened.imported, opened.ticket.created_at) == (True, THEN)


async def test_nothing_is_ever_asked_to_be_sent_for_it(desk: Desk) -> None:
    """INVARIANT: without it ten years of customers would get a receipt at once."""
    desk_with_receipts = desk.around.configuration().inbound("support")
    assert desk_with_receipts is not None
    assert desk_with_receipts.receipt
    await desk.file(*(old(f"m{n}", n, open_as=status) for n, status in enumerate(OpenAs)), *THREAD)
    assert not [subject for subject in desk.bus.subjects() if ".send." in subject]
    assert all(data.imported for _, data in desk.bus.told.values())


@pytest.mark.parametrize("order", list(itertools.permutations(THREAD)))
async def test_a_conversation_of_then_is_one_ticket_in_whatever_order_it_comes(
    desk: Desk, order: tuple[MailReceived, ...]
) -> None:
    """INVARIANT: closed by an import is no reason to keep two halves of a thread apart."""
    await desk.file(*order, *order)
    (ticket,) = await desk.tickets()
    messages = await desk.listed.messages(ticket.id)
    assert [(one.message_id, str(one.direction)) for one in messages] == [
        ("a@example.com", "inbound"),
        ("b@example.com", "outbound"),
        ("c@example.com", "inbound"),
    ]
    assert ticket.message_count == 3
    assert ticket.status is TicketStatus.CLOSED
    assert (ticket.created_at, ticket.updated_at) == (THEN, THEN + timedelta(days=2))
    assert ticket.closed_at == ticket.updated_at
    assert (ticket.customer.address, ticket.participants) == (ANNA.address, (ANNA.address,))
    assert all(fact.imported for fact in desk.bus.of(MERGED))


async def test_what_we_wrote_then_is_shown_as_sent(desk: Desk) -> None:
    await desk.file(ANSWER)
    (message,) = await desk.messages()
    assert message.delivery is not None
    assert (message.direction, message.delivery.state) == (Direction.OUTBOUND, SendState.SENT)
    assert (message.sender, message.kind, message.automatic) == (SUPPORT, "agent-reply", False)
    assert message.delivery.at == message.created_at == THEN + timedelta(days=1)
    ticket = await desk.ticket()
    assert (ticket.customer.address, ticket.customer_evidence) == (
        ANNA.address, ("first-recipient",),
    )  # fmt: skip
    await desk.file(FIRST)
    assert desk.bus.of(AGENT_REPLIED) == []
    (told,) = desk.bus.of(REPLIED)
    assert (told.imported, told.message.direction) == (True, "inbound")


async def test_what_a_colleague_passed_on_or_wrote_to_us_is_inbound(desk: Desk) -> None:
    cas = Address(name="Cas", address="sales@postbus.localhost")
    passed_on = Forwarded(author=ANNA, by=cas, confidence="certain")
    await desk.file(
        old("forward", from_=cas, forwarded=passed_on),
        old("internal", from_=cas, customer=cas),
    )
    for number in (1, 2):
        (message,) = await desk.messages(number)
        assert message.direction == Direction.INBOUND


@pytest.mark.parametrize("status", OpenAs)
async def test_a_ticket_is_opened_as_the_import_says(desk: Desk, status: OpenAs) -> None:
    await desk.file(old("a", open_as=status), old("b", 1, in_reply_to=("a@example.com",)))
    ticket = await desk.ticket()
    assert ticket.status == TicketStatus(status)
    assert (ticket.closed_at is not None) is (status is OpenAs.CLOSED)


async def test_a_customers_answer_of_today_opens_it_again(desk: Desk) -> None:
    await desk.file(*THREAD)
    await desk.file(mail_received("today", in_reply_to=("c@example.com",)))
    (ticket,) = await desk.tickets()
    assert (ticket.status, ticket.message_count, ticket.history) == (TicketStatus.OPEN, 4, False)
    (replied,) = [fact for fact in desk.bus.of(REPLIED) if not fact.imported]
    assert replied.change == {"status": ["closed", "open"]}


async def test_the_rule_of_the_queue_for_closed_tickets_counts_from_then(
    database: Any, bus: KeptBus
) -> None:
    desk = Desk(database, bus, on_reply_to_closed=ReplyToClosed.REOPEN, reopen_for_days=30)
    await desk.file(*THREAD, mail_received("today", in_reply_to=("c@example.com",)))
    old_one, new_one = await desk.tickets()
    assert (old_one.status, new_one.status) == (TicketStatus.CLOSED, TicketStatus.NEW)
    assert [link.number for link in new_one.links] == [1]


@pytest.mark.parametrize("status", [TicketStatus.PENDING, TicketStatus.SOLVED, TicketStatus.CLOSED])
async def test_an_import_wakes_no_ticket_and_makes_none_younger(
    desk: Desk, status: TicketStatus
) -> None:
    await desk.file(mail_received("live"))
    await desk.set_status(status)
    before = await desk.ticket()
    await desk.file(old("a", 0, references=("live@example.com",)))
    (after,) = await desk.tickets()
    assert (after.status, after.message_count) == (status, 3)
    assert (after.created_at, after.updated_at) == (before.created_at, before.updated_at)
    assert after.closed_at == before.closed_at
    assert len(desk.bus.of(REQUESTED)) == 1


async def test_a_mail_that_came_by_another_way_too_is_filed_once(desk: Desk) -> None:
    """INVARIANT: and what was imported first gets no receipt when it comes again."""
    await desk.file(FIRST, mail_received("a"), FIRST)
    await desk.file(mail_received("x"), old("x"), mail_received("x"))
    assert [(await desk.ticket(n)).message_count for n in (1, 2)] == [1, 2]
    assert len(desk.bus.of(REQUESTED)) == 1


async def test_the_copy_of_what_postbus_sent_is_not_filed_again(desk: Desk) -> None:
    await desk.file(mail_received("live"))
    reply = await desk.reply()
    copy = sent("copy", message_id=reply.message_id, stamp=stamp_of(reply, "header"), kind="own")
    plain = sent("plain", message_id=reply.message_id, in_reply_to=("live@example.com",))
    before = await desk.ticket()
    await desk.file(copy, plain)
    assert (await desk.ticket()).message_count == before.message_count == 3
    assert desk.bus.of(HELD) == []


async def test_a_stamped_mail_of_ours_that_postbus_no_longer_knows_is_outbound(desk: Desk) -> None:
    await desk.file(mail_received("live"))
    reply = await desk.reply()
    lost = sent("lost", message_id="pb.lost@postbus.localhost", kind="own", stamp=stamp_of(reply))
    await desk.file(lost)
    *_, found = sorted(await desk.messages(), key=lambda one: one.message_id == lost.message_id)
    assert (found.direction, found.kind, found.automatic) == ("outbound", "agent-reply", False)
    unknown = stamp_of(reply).model_copy(update={"ticket_number": 99})
    await desk.file(sent("nobodys", kind="own", stamp=unknown, to=(SUPPORT,)))
    (held,) = desk.bus.of(HELD)
    assert (held.reason, held.imported) == ("own-mail-came-back", True)


async def test_a_bounce_of_then_is_shown_on_the_mail_it_is_about(desk: Desk) -> None:
    await desk.file(FIRST, ANSWER)
    message = (await desk.messages())[1]
    bounce = bounce_of(message, route=Route(door="import", received_at=THEN + timedelta(days=3)))
    await desk.file(bounce, bounce)
    messages = await desk.messages()
    assert [one.message_id for one in messages][2:] == [bounce.message_id]
    assert messages[1].delivery is not None
    assert messages[1].delivery.state is SendState.BOUNCED
    ticket = await desk.ticket()
    assert (ticket.message_count, ticket.status) == (3, TicketStatus.CLOSED)
    assert ticket.updated_at == THEN + timedelta(days=3)
    (changed,) = desk.bus.of(CHANGED)
    assert changed.imported
    assert desk.bus.of(BOUNCED) == []
    again = bounce.model_copy(update={"reread_at": datetime.now(UTC), "text": "As read now"})
    await desk.file(again)
    assert (await desk.messages())[2].text == "As read now"
    assert desk.bus.of(RELEASED) == []


async def test_a_bounce_of_a_mail_nobody_knows_is_held(desk: Desk) -> None:
    await desk.file(bounce_of(None, route=Route(door="import", received_at=THEN)))
    (held,) = desk.bus.of(HELD)
    assert (held.reason, held.imported) == ("bounce-of-unknown-mail", True)
    assert await desk.tickets() == []


async def test_a_bounce_with_our_stamp_is_filed_and_tells_no_outcome(desk: Desk) -> None:
    await desk.file(mail_received("live"))
    reply = await desk.reply()
    route = Route(door="import", received_at=THEN)
    await desk.file(bounce_of(reply, stamp=stamp_of(reply), route=route))
    kept = await desk.store.message(reply.id)
    assert kept is not None
    assert kept.delivery is not None
    assert kept.delivery.state is SendState.BOUNCED
    assert desk.bus.of(BOUNCED) == []


async def test_numbers_in_subjects_of_then_are_those_of_another_system(desk: Desk) -> None:
    await desk.file(mail_received("live"), old("a", subject="Re: [#1] Printer"))
    assert len(await desk.tickets()) == 2


async def test_a_name_of_then_replaces_no_name_of_today(desk: Desk) -> None:
    maiden = Address(name="Anna de Vries", address="anna@example.com")
    await desk.file(old("a", customer=maiden), mail_received("live"), old("b", customer=maiden))
    (customer,) = await desk.listed.customers(after=None, limit=9)
    assert customer.name == "Anna"
    await desk.file(old("c", **BO))
    assert len(await desk.listed.customers(after=None, limit=9)) == 2


async def test_a_mail_of_today_that_joins_two_tickets_of_then_wakes_what_they_become(
    desk: Desk,
) -> None:
    await desk.file(old("a"), old("c", 2))
    ids = ("a@example.com", "c@example.com")
    await desk.file(mail_received("today", in_reply_to=ids[1:], references=ids))
    (ticket,) = await desk.tickets()
    assert (ticket.status, ticket.message_count) == (TicketStatus.OPEN, 3)
    young = await desk.ticket(2)
    assert (young.merged_into, young.closed_at) == (1, THEN + timedelta(days=2))


async def test_a_ticket_of_today_that_an_old_mail_makes_part_of_an_old_one_is_still_awake(
    desk: Desk,
) -> None:
    await desk.file(old("a"), mail_received("c", in_reply_to=("b@example.com",)))
    await desk.file(old("b", 1, in_reply_to=("a@example.com",)))
    (ticket,) = await desk.tickets()
    assert (ticket.number, ticket.status) == (1, TicketStatus.OPEN)
    (merged,) = desk.bus.of(MERGED)
    assert not merged.imported


async def test_what_an_agent_closed_stays_apart(desk: Desk) -> None:
    await desk.file(old("a", open_as="new"), old("c", 2, in_reply_to=("b@example.com",)))
    await desk.set_status(TicketStatus.CLOSED)
    await desk.file(old("b", 1, in_reply_to=("a@example.com",)))
    assert len(await desk.tickets()) == 2


async def test_what_we_wrote_stays_ours_when_it_is_read_again(desk: Desk) -> None:
    await desk.file(FIRST, ANSWER)
    again = ANSWER.model_copy(update={"reread_at": datetime.now(UTC), "text": "As read now"})
    await desk.file(again)
    message = (await desk.messages())[1]
    assert (message.text, message.kind, message.direction) == (
        "As read now", "agent-reply", Direction.OUTBOUND,
    )  # fmt: skip


async def test_a_mail_that_was_held_and_is_read_again_is_filed_as_one_from_before(
    desk: Desk,
) -> None:
    await desk.file(old("a", reread_at=datetime.now(UTC)))
    assert [fact.received_as for fact in desk.bus.of(RELEASED)] == ["a"]
    assert desk.bus.of(REQUESTED) == []
    assert (await desk.ticket()).status is TicketStatus.CLOSED


async def test_what_automation_of_ours_wrote_is_automatic(desk: Desk) -> None:
    await desk.file(sent("auto", kind=MailKind.AUTO_REPLY))
    (message,) = await desk.messages()
    assert (message.automatic, message.kind) == (True, "notification")


async def test_dying_at_any_step_of_an_import_loses_and_doubles_nothing(database: Any) -> None:
    """INVARIANT: every mail of an import is filed once, whatever dies on the way."""

    async def scene(desk: Desk) -> MailReceived:
        await desk.file(FIRST, THANKS)
        return ANSWER

    async def check(desk: Desk) -> None:
        (ticket,) = await desk.tickets()
        assert ticket.message_count == len(await desk.listed.messages(ticket.id)) == 3
        assert ticket.status is TicketStatus.CLOSED
        assert desk.bus.of(REQUESTED) == []
        assert await desk.told_and_not_crossed_off() == 0
        assert len(desk.bus.of(MERGED)) == len(desk.bus.of(AGENT_REPLIED)) == 1

    await ensure_indexes(database)
    assert await at_every_step(database, scene, check) > 10


async def test_dying_while_a_ticket_of_then_is_opened(database: Any) -> None:
    async def scene(desk: Desk) -> MailReceived:
        return ANSWER

    async def check(desk: Desk) -> None:
        (ticket,) = await desk.tickets()
        assert ticket.message_count == len(await desk.listed.messages(ticket.id)) == 1
        assert [fact.imported for fact in desk.bus.of(OPENED)] == [True]
        assert desk.bus.subjects() == [OPENED]

    assert await at_every_step(database, scene, check) > 4


async def test_an_answer_to_history_is_written_like_any_other(desk: Desk) -> None:
    await desk.file(*THREAD)
    reply = await desk.reply()
    (request,) = desk.bus.of(REQUESTED)
    assert request.in_reply_to == "c@example.com"
    await desk.file(answer_to(reply, "next"))
    assert len(await desk.tickets()) == 1
