"""A mail that was read again is shown as it reads now; nothing else happens."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from doubles.desk import (
    CHANGED,
    HELD,
    OPENED,
    RELEASED,
    Desk,
    answer_to,
    at_every_step,
    bounce_of,
    stamp_of,
)
from doubles.mails import NOW, mail_received
from postbus.contracts.mail import Attachment, CalendarItem, MailKind, MailReceived
from postbus.contracts.tickets import TicketStatus

pytestmark = pytest.mark.xdist_group("mongodb")

FILE = Attachment(name="a.png", content_type="image/png", size_bytes=3, sha256="a" * 64)


def reading(hours: int, mail_id: str = "m1", **fields: Any) -> MailReceived:
    """A mail as release after release reads it."""
    told = f"Read {hours}."
    values = {"text": told, "full_text": told, "subject": told, **fields}
    return mail_received(mail_id, reread_at=NOW + timedelta(hours=hours), **values)


async def test_a_new_reading_replaces_what_is_shown(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    before = (await desk.messages())[0]
    told = dict(desk.bus.told)
    new = {
        "html": "<p>Read 1.</p>", "attachments": (FILE,), "kind": MailKind.AUTO_GENERATED,
        "problems": ("no-charset",), "protection": ("smime-signed",),
        "calendar": (CalendarItem(method="REQUEST", uid="1"),),
    }  # fmt: skip
    await desk.file(reading(1, **new))
    after = (await desk.messages())[0]
    assert (after.text, after.full_text, after.subject) == ("Read 1.",) * 3
    assert {name: getattr(after, name) for name in new} == new
    assert (after.automatic, after.created_at) == (True, before.created_at)
    ticket = await desk.ticket()
    assert (ticket.title, ticket.description, ticket.message_count) == ("Read 1.", "Read 1.", 2)
    assert desk.bus.told == told


@pytest.mark.parametrize("status", [TicketStatus.SOLVED, TicketStatus.CLOSED])
async def test_a_new_reading_wakes_nothing_and_tells_nobody(
    desk: Desk, status: TicketStatus
) -> None:
    """INVARIANT: a new release is not heard by customers."""
    await desk.file(mail_received("m1"), mail_received("m2", in_reply_to=("m1@example.com",)))
    await desk.set_status(status)
    ticket = await desk.ticket()
    told = dict(desk.bus.told)
    await desk.file(reading(1), reading(2, "m2"), reading(3, "m2"))
    assert desk.bus.told == told
    after = await desk.ticket()
    assert (after.status, after.updated_at, after.message_count) == (status, ticket.updated_at, 3)
    assert [one.text for one in await desk.messages()] == [
        "Read 1.",
        after_receipt(desk),
        "Read 3.",
    ]


def after_receipt(desk: Desk) -> str:
    return str(desk.bus.of("postbus.send.requested.support")[0].text)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
async def test_the_newest_reading_stays_in_whatever_order_they_arrive(
    desk: Desk, order: tuple[int, ...]
) -> None:
    readings = [mail_received("m1"), reading(1), reading(2), reading(3)]
    await desk.file(*(readings[at] for at in order), *(readings[at] for at in order))
    (ticket,) = await desk.tickets()
    assert (await desk.messages())[0].text == "Read 3."
    assert (ticket.message_count, ticket.description) == (2, "Read 3.")
    assert len(desk.bus.of(OPENED)) == 1


async def test_a_mail_that_was_never_filed_is_filed_like_new(desk: Desk) -> None:
    await desk.file(reading(1), reading(1))
    assert len(desk.bus.of(OPENED)) == 1
    assert (await desk.ticket()).message_count == 2
    (released,) = desk.bus.of(RELEASED)
    assert (released.mail_id, released.received_as) == ("m1", "m1")


async def test_a_bounce_that_is_still_of_nothing_we_know_stays_held(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    message = await desk.reply()
    lost = bounce_of(message).model_copy(
        update={"reread_at": NOW, "bounce": None, "stamp": None, "in_reply_to": (),
                "references": (), "subject": "Undeliverable"}
    )  # fmt: skip
    await desk.file(lost)
    assert desk.bus.of(RELEASED) == []
    assert len(desk.bus.of(HELD)) == 1


async def test_a_mail_stays_where_it_is_though_it_reads_as_of_another_ticket(desk: Desk) -> None:
    """The new release found a stamp or an id that the old one did not."""
    await desk.file(mail_received("m1"), mail_received("m2"))
    message = await desk.reply(1)
    elsewhere = {"stamp": stamp_of(message), "in_reply_to": ("m1@example.com",)}
    await desk.file(reading(1, "m2", **elsewhere), reading(2, "m2", message_id="other@example.com"))
    assert (await desk.messages(2))[0].text == "Read 2."
    assert [one.message_count for one in await desk.tickets()] == [3, 2]


async def test_a_mail_on_a_merged_ticket_is_found(desk: Desk) -> None:
    await desk.file(mail_received("a"), mail_received("c", in_reply_to=("b@example.com",)))
    await desk.file(mail_received("b", in_reply_to=("a@example.com",)))
    await desk.file(reading(1, "c", in_reply_to=("b@example.com",)))
    shown = {one.message_id: one.text for one in await desk.messages()}
    assert shown["c@example.com"] == "Read 1."
    assert len(await desk.tickets()) == 1


async def test_a_bounce_that_is_read_again_is_told_once(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    message = await desk.reply()
    await desk.file(bounce_of(message))
    told = dict(desk.bus.told)
    await desk.file(bounce_of(message, reread_at=NOW, text="Read 1."))
    assert desk.bus.told == told
    assert (await desk.messages())[-1].text == "Read 1."


@pytest.mark.parametrize("filed", [True, False])
async def test_a_crash_at_any_step_is_made_good(database: Any, *, filed: bool) -> None:
    async def scene(desk: Desk) -> MailReceived:
        await desk.file(mail_received("m0"))
        message = await desk.reply()
        if filed:
            await desk.file(answer_to(message, "m1"))
        return reading(1, stamp=stamp_of(message))

    async def check(desk: Desk) -> None:
        (ticket,) = await desk.tickets()
        assert ticket.message_count == len(await desk.messages()) == 4
        assert (await desk.messages())[-1].text == "Read 1."
        assert [fact.change for fact in desk.bus.of(CHANGED)] == []

    await at_every_step(database, scene, check)
