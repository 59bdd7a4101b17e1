"""Bounces, absence notes and complaints are the outcome of the mail that they came back for."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from doubles.desk import (
    BOUNCED,
    CHANGED,
    HELD,
    OPENED,
    REPLIED,
    REQUESTED,
    Desk,
    absence_of,
    at_every_step,
    bounce_of,
    outcome,
    stamp_of,
    token_of,
)
from doubles.mails import NOW, mail_received
from postbus.contracts.mail import Bounce, BouncedRecipient, MailKind, MailReceived, Route
from postbus.contracts.sending import SendState
from postbus.contracts.tickets import TicketStatus
from ticketing.answering import Answer, Answering
from ticketing.domain.model import Delivery, Message
from ticketing.handlers import OutcomeHandlers

pytestmark = pytest.mark.xdist_group("mongodb")

DELAYED = BouncedRecipient(address="anna@example.com", action="delayed", status="4.4.1", hard=False)
TO_SUPPORT = {"door": "forward", "received_at": NOW.replace(minute=7)}


async def answered(desk: Desk) -> Message:
    """A ticket with an agent's answer."""
    await desk.file(mail_received("m1"))
    return await desk.reply()


async def delivery(desk: Desk, message: Message) -> Delivery:
    found = await desk.store.message(message.id)
    assert found is not None
    assert found.delivery is not None
    return found.delivery


async def test_a_bounce_is_the_outcome_of_the_mail_that_came_back(desk: Desk) -> None:
    """INVARIANT: a bounce opens no ticket, wakes none, and is answered by nobody."""
    message = await answered(desk)
    await desk.told(message, SendState.SENT)
    await desk.set_status(TicketStatus.SOLVED)
    before = len(desk.bus.told)
    await desk.file(bounce_of(message))
    (ticket,) = await desk.tickets()
    assert (ticket.status, ticket.message_count) == (TicketStatus.SOLVED, 4)
    came_back = (await desk.messages())[-1]
    assert (came_back.direction, came_back.kind) == ("inbound", "bounce")
    assert came_back.automatic
    assert came_back.about == message.id
    shown = await delivery(desk, message)
    assert shown.state is SendState.BOUNCED
    assert shown.reason == "anna@example.com: 5.1.1 no such user"
    assert [(one.message, one.action, one.hard) for one in shown.reports] == [
        (came_back.id, "failed", True)
    ]
    assert [subject for subject, _ in list(desk.bus.told.values())[before:]] == [CHANGED, BOUNCED]


async def test_other_services_hear_whom_it_did_not_reach_and_why(desk: Desk) -> None:
    message = await answered(desk)
    soft = BouncedRecipient(address="anna@example.com", status="4.2.2", hard=False)
    await desk.file(bounce_of(message, "dsn", soft))
    (told,) = desk.bus.of(BOUNCED)
    assert (told.send_id, told.message_id) == (message.id, message.message_id)
    assert (told.ticket_number, told.state, told.outbound_channel) == (1, "bounced", "relay")
    assert told.bounced == (soft,)
    assert told.recipients == ("anna@example.com",)
    (shown,) = [fact for fact in desk.bus.of(CHANGED) if "report" in fact.change]
    assert shown.change["report"] == {
        "kind": "bounce", "about": message.id, "delivery": "bounced"
    }  # fmt: skip
    assert shown.message.automatic


WAYS_BACK: dict[str, Any] = {
    "returned-message-id": lambda _: {},
    "in-reply-to": lambda message: {
        "in_reply_to": (message.message_id,), "bounce": Bounce(message_id=None)
    },
    "references": lambda message: {
        "references": ("m1@example.com", message.message_id), "bounce": None
    },
    "envelope": lambda message: {
        "bounce": None,
        "stamp": stamp_of(message, "recipient"),
        "route": Route(**TO_SUPPORT, envelope_to=(f"support+{token_of(message)}@x.example",)),
    },
    "reply-address-in-to": lambda message: {
        "bounce": None,
        "stamp": stamp_of(message, "recipient"),
        "to": ({"address": f"SUPPORT+{token_of(message).upper()}@x.example"},),
    },
    "text": lambda message: {
        "bounce": None,
        "stamp": stamp_of(message, "body"),
        "full_text": f"Reply-To: support+{token_of(message)}@postbus.localhost",
    },
    "only-the-address": lambda message: {
        "stamp": stamp_of(message, "body"),
        "bounce": Bounce(recipients=(BouncedRecipient(address="Anna@Example.com"),)),
    },
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS_BACK)
async def test_a_bounce_finds_its_mail_by_whatever_is_left_of_it(desk: Desk, way: str) -> None:
    message = await answered(desk)
    in_a_minute = replace(desk.around, now=lambda: datetime.now(UTC) + timedelta(minutes=1))
    await Answering(in_a_minute).reply(
        await desk.ticket(), Answer("Still coming."), key="later", by="bob"
    )
    message = message if way != "only-the-address" else (await desk.messages())[-1]
    await desk.file(bounce_of(message, **WAYS_BACK[way](message)))
    assert (await delivery(desk, message)).state is SendState.BOUNCED
    states = [one.delivery.state for one in await desk.messages() if one.delivery]
    assert states.count(SendState.BOUNCED) == 1


async def test_a_bounce_of_a_mail_that_is_not_ours_is_held(desk: Desk) -> None:
    """INVARIANT: what cannot be attached is visible, is no ticket, and is not lost."""
    await desk.file(*[bounce_of(None)] * 2)
    assert await desk.tickets() == []
    assert desk.bus.subjects() == [HELD]
    (held,) = desk.bus.of(HELD)
    assert (held.reason, held.mail_id, held.raw.sha256) == (
        "bounce-of-unknown-mail", "dsn", "0" * 64
    )  # fmt: skip


async def test_our_own_mail_that_comes_back_is_held(desk: Desk) -> None:
    """INVARIANT: a loop never opens a ticket."""
    message = await answered(desk)
    told = len(desk.bus.told)
    stamp = stamp_of(message, "header")
    await desk.file(mail_received("own", kind=MailKind.OWN, stamp=stamp, in_reply_to=("m1@x",)))
    assert [held.reason for held in desk.bus.of(HELD)] == ["own-mail-came-back"]
    assert len(desk.bus.told) == told + 1
    assert (await desk.ticket()).message_count == 3


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
async def test_what_is_no_failure_is_noted_and_bounces_nothing(desk: Desk, action: str) -> None:
    message = await answered(desk)
    await desk.told(message, SendState.SENT)
    await desk.file(bounce_of(message, "dsn", DELAYED.model_copy(update={"action": action})))
    shown = await delivery(desk, message)
    assert shown.state is SendState.SENT
    assert [one.action for one in shown.reports] == [action]
    assert desk.bus.of(BOUNCED) == []


@pytest.mark.parametrize(
    "kind", [MailKind.AUTO_REPLY, MailKind.AUTO_GENERATED, MailKind.FEEDBACK_REPORT]
)
@pytest.mark.parametrize("status", [TicketStatus.PENDING, TicketStatus.CLOSED])
async def test_an_absence_note_is_shown_where_it_belongs_and_wakes_nothing(
    desk: Desk, kind: MailKind, status: TicketStatus
) -> None:
    message = await answered(desk)
    await desk.told(message, SendState.SENT)
    await desk.set_status(status)
    sent = len(desk.bus.of(REQUESTED))
    await desk.file(absence_of(message, kind=kind))
    (ticket,) = await desk.tickets()
    assert ticket.status is status
    note = (await desk.messages())[-1]
    assert (note.automatic, note.kind, note.about) == (True, kind, message.id)
    shown = await delivery(desk, message)
    assert shown.state is SendState.SENT
    assert [(one.kind, one.address) for one in shown.reports] == [(kind, "anna@example.com")]
    assert len(desk.bus.of(REQUESTED)) == sent
    assert desk.bus.of(REPLIED) == []


async def test_an_absence_note_that_answers_nothing_of_ours_is_a_ticket(desk: Desk) -> None:
    """A web form may call itself automatic; it must not be lost."""
    await desk.file(mail_received("m1", kind=MailKind.AUTO_REPLY))
    assert len(desk.bus.of(OPENED)) == 1
    assert desk.bus.of(REQUESTED) == []


async def test_an_answer_quotes_the_customer_and_no_robot(desk: Desk) -> None:
    message = await answered(desk)
    await desk.file(absence_of(message), bounce_of(message))
    await desk.reply(key="next")
    assert desk.bus.of(REQUESTED)[-1].in_reply_to == "m1@example.com"


async def step(desk: Desk, message: Message, what: str) -> None:
    if what in ("deferred", "sent", "in-doubt"):
        state = SendState(what)
        told = outcome(message.id, state, list(SendState).index(state))
        attempt = 1 if state is not SendState.SENT else 2
        data = told.data.model_copy(update={"attempt": attempt})
        await OutcomeHandlers(desk.store).on_outcome(told.model_copy(update={"data": data}))
    elif what == "absence":
        await desk.file(absence_of(message, f"away-{message.id}"))
    else:
        reported = {"bounce": (), "delay": (DELAYED,)}[what]
        await desk.file(bounce_of(message, f"{what}-{message.id}", *reported))


@pytest.mark.parametrize(
    "steps",
    [
        ("sent", "bounce"),
        ("deferred", "sent", "bounce"),
        ("in-doubt", "bounce", "absence"),
        ("deferred", "sent", "delay", "bounce"),
    ],
    ids="-".join,
)
async def test_the_end_is_the_same_in_whatever_order_it_is_heard(
    desk: Desk, steps: tuple[str, ...]
) -> None:
    """INVARIANT: a bounce that is faster than the word `sent` is not forgotten."""
    ends = set()
    await desk.file(mail_received("m1"))
    for number, order in enumerate(itertools.permutations(steps)):
        await desk.file(mail_received(f"m{number + 2}", in_reply_to=("m1@example.com",)))
        message = await desk.reply(key=str(number))
        for what in (*order, *order):
            await step(desk, message, what)
        end = await delivery(desk, message)
        assert end.state is SendState.BOUNCED
        reports = [(one.kind, one.action, one.address, one.at) for one in end.reports]
        ends.add((end.outbound_channel, end.reason, end.at, end.attempt, tuple(reports)))
    assert len(ends) == 1, ends


async def test_two_addresses_that_bounce_are_two_reports(desk: Desk) -> None:
    message = await answered(desk)
    both = [
        BouncedRecipient(address="bo@example.com", status="5.7.1"),
        BouncedRecipient(address="anna@example.com", status="5.1.1"),
    ]
    await desk.file(bounce_of(message, "dsn1", both[0]), bounce_of(message, "dsn2", both[1]))
    shown = await delivery(desk, message)
    assert {one.address: one.status for one in shown.reports} == {
        "anna@example.com": "5.1.1", "bo@example.com": "5.7.1"
    }  # fmt: skip
    assert len(desk.bus.of(BOUNCED)) == 2


async def test_a_report_that_names_nobody_is_about_everybody(desk: Desk) -> None:
    message = await answered(desk)
    await desk.file(bounce_of(message, bounce=Bounce(message_id=message.message_id)))
    (told,) = desk.bus.of(BOUNCED)
    assert told.recipients == ("anna@example.com",)


@pytest.mark.parametrize("report", [bounce_of, absence_of], ids=["bounce", "absence"])
async def test_a_crash_at_any_step_loses_no_report_and_doubles_none(
    database: Any, report: Any
) -> None:
    async def scene(desk: Desk) -> MailReceived:
        return report(await answered(desk))  # type: ignore[no-any-return]

    async def check(desk: Desk) -> None:
        (ticket,) = await desk.tickets()
        assert ticket.message_count == len(await desk.messages()) == 4
        message = next(one for one in await desk.messages() if one.kind == "agent-reply")
        shown = await delivery(desk, message)
        assert len(shown.reports) == 1
        assert (shown.state is SendState.BOUNCED) is (report is bounce_of)
        assert len(desk.bus.of(BOUNCED)) == (report is bounce_of)
        assert len([one for one in desk.bus.of(CHANGED) if "report" in one.change]) == 1

    assert await at_every_step(database, scene, check) > 7


async def test_a_bounce_that_returns_nothing_is_found_by_the_address_that_it_came_to(
    desk: Desk,
) -> None:
    """VERP: the stamp in the envelope of what we sent is all that such a bounce has of it."""
    await desk.file(mail_received("a"))
    answer = await desk.reply()
    receipt = next(one for one in await desk.messages() if one.kind == "receipt")
    await desk.told(receipt, SendState.SENT)
    await desk.told(answer, SendState.SENT)
    bare = bounce_of(None, "bare", stamp=stamp_of(receipt, "recipient"))
    route = bare.route.model_copy(
        update={"envelope_to": (f"support+{token_of(receipt)}@postbus.localhost",)}
    )
    nothing = Bounce(recipients=(), message_id=None)
    await desk.file(bare.model_copy(update={"route": route, "bounce": nothing, "text": ""}))
    shown = {one.id: one.delivery for one in await desk.messages() if one.delivery}
    # The answer is the newer of the two, and to the same customer.
    assert [len(shown[one.id].reports) for one in (receipt, answer)] == [1, 0]
