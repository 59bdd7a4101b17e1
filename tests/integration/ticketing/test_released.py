"""A mail that was held is filed when somebody releases it, and causes nothing it would not have."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from doubles.desk import (
    HELD,
    OPENED,
    RELEASED,
    REPLIED,
    REQUESTED,
    Desk,
    at_every_step,
    bounce_of,
    stamp_of,
)
from doubles.mails import NOW, mail_received
from postbus.contracts.mail import MailKind, MailReceived, Origin, Release, Route, Signals
from postbus.contracts.tickets import TicketStatus
from postbus.mail.uid_sets import UidSet
from ticketing.domain.model import Message

pytestmark = pytest.mark.xdist_group("mongodb")

IMPORTED = Route(door="import", received_at=NOW)


def released(mail: MailReceived, *, held_as: str | None = None, minutes: int = 0) -> MailReceived:
    """The mail as config tells it once somebody released it."""
    at = NOW + timedelta(days=1, minutes=minutes)
    release = Release(by="ada", at=at, held_as=held_as or mail.mail_id)
    return mail.model_copy(update={"released": release})


def own(message: Message | None, **fields: Any) -> MailReceived:
    """Our own mail, come back as it was."""
    values: dict[str, Any] = {"kind": MailKind.OWN, "message_id": "own@postbus.localhost"}
    if message is not None:
        values |= {"stamp": stamp_of(message, "header"), "message_id": message.message_id}
    return mail_received("own", **{**values, **fields})


async def receipt(desk: Desk) -> Message:
    """A ticket's receipt."""
    await desk.file(mail_received("m1"))
    return (await desk.messages())[-1]


async def test_our_own_mail_goes_on_the_ticket_of_its_stamp(desk: Desk) -> None:
    mail = own(await receipt(desk))
    await desk.file(mail)
    (held,) = desk.bus.of(HELD)
    assert (held.reason, held.stamp) == ("own-mail-came-back", mail.stamp)
    await desk.file(released(mail))
    (ticket,) = await desk.tickets()
    messages = await desk.messages()
    assert (ticket.message_count, len(messages), messages[-1].released_by) == (3, 3, "ada")
    assert ticket.status is TicketStatus.NEW
    assert len(desk.bus.of(REQUESTED)) == 1, "the receipt that there was"
    (told,) = desk.bus.of(RELEASED)
    assert (told.mail_id, told.received_as, told.by, told.ticket) == ("own", "own", "ada", 1)
    assert [one.by for one in desk.bus.of(REPLIED)] == ["ada"]


@pytest.mark.parametrize("route", [mail_received().route, IMPORTED])
async def test_our_own_mail_of_no_ticket_is_one_of_its_own(desk: Desk, route: Route) -> None:
    mail = own(None, route=route, to=())
    await desk.file(mail)
    assert ([one.reason for one in desk.bus.of(HELD)], await desk.tickets()) == (
        ["own-mail-came-back"], [],
    )  # fmt: skip
    await desk.file(released(mail))
    (ticket,) = await desk.tickets()
    (message,) = await desk.messages()
    assert (ticket.title, message.released_by) == ("Printer on fire", "ada")
    assert desk.bus.of(REQUESTED) == []


@pytest.mark.parametrize("route", [mail_received().route, IMPORTED])
async def test_a_bounce_of_a_mail_that_is_not_ours_is_a_ticket(desk: Desk, route: Route) -> None:
    mail = bounce_of(None, route=route)
    await desk.file(mail)
    assert [one.reason for one in desk.bus.of(HELD)] == ["bounce-of-unknown-mail"]
    await desk.file(released(mail))
    (ticket,) = await desk.tickets()
    assert ticket.customer.address == "mailer-daemon@mx.example.com"
    assert (desk.bus.of(REQUESTED), len(desk.bus.of(RELEASED))) == ([], 1)
    assert [one.by for one in desk.bus.of(OPENED)] == ["ada"]


async def test_a_bounce_of_then_whose_mail_is_known_by_now_goes_on_its_ticket(desk: Desk) -> None:
    mail = bounce_of(None, route=IMPORTED)
    await desk.file(mail)
    await desk.file(mail_received("late", message_id="somebody-elses@example.com"))
    await desk.file(released(mail))
    assert [one.number for one in await desk.tickets()] == [1]
    assert [one.ticket for one in desk.bus.of(RELEASED)] == [1]


async def test_a_mail_of_a_person_gets_what_it_would_have_got(desk: Desk) -> None:
    await desk.file(released(mail_received("m1"), held_as="f" * 64))
    assert len(desk.bus.of(REQUESTED)) == 1
    (told,) = desk.bus.of(RELEASED)
    assert (told.mail_id, told.received_as) == ("f" * 64, "m1")


async def test_a_mail_that_went_through_thirty_servers_is_held_and_released(desk: Desk) -> None:
    """INVARIANT: it is never dropped, and a shorter way is nothing special (L10)."""
    near = mail_received("near", signals=Signals(received_count=29))
    far = mail_received("far", signals=Signals(received_count=30))
    await desk.file(near, far)
    (held,) = desk.bus.of(HELD)
    assert (held.mail_id, held.reason) == ("far", "came-a-long-way")
    assert held.detail == "30 Received fields; held from 30 on"
    assert [one.message_count for one in await desk.tickets()] == [2]
    await desk.file(released(far))
    assert [one.message_count for one in await desk.tickets()] == [2, 2]
    assert [one.ticket for one in desk.bus.of(RELEASED)] == [2]


async def test_an_imported_mail_is_filed_however_far_it_came(desk: Desk) -> None:
    """Nothing automatic follows it, so it is part of no loop."""
    await desk.file(mail_received("old", signals=Signals(received_count=99), route=IMPORTED))
    assert (len(await desk.tickets()), desk.bus.of(HELD)) == (1, [])


@pytest.mark.parametrize("make", [own, lambda _: own(None), lambda _: bounce_of(None)])
async def test_released_twice_it_is_filed_once(
    desk: Desk, make: Callable[[Message], MailReceived]
) -> None:
    mail = make(await receipt(desk))
    first, again = released(mail), released(mail, minutes=5)
    await desk.file(mail, first, again, first)
    filed = [m for one in await desk.tickets() for m in await desk.messages(one.number)]
    assert sum(one.released_by == "ada" for one in filed) == 1
    assert sum(one.message_count for one in await desk.tickets()) == len(filed)


async def test_a_mail_that_is_filed_already_stays_as_it_is(desk: Desk) -> None:
    await desk.file(mail_received("m1"), released(mail_received("m1")))
    (ticket,) = await desk.tickets()
    assert (ticket.message_count, (await desk.messages())[0].released_by) == (2, "")
    assert [one.ticket for one in desk.bus.of(RELEASED)] == [1]


async def test_what_was_released_is_accounted_for_as_filed(desk: Desk) -> None:
    """INVARIANT: the completeness proof counts it as filed."""
    origin = Origin(folder="INBOX", uidvalidity=1, uid=7)
    mail = mail_received("m1", route=Route(door="imap", received_at=NOW, origin=origin))
    asked = ("support", "INBOX", 1, UidSet.parse("7"))
    assert str(await desk.store.uids_known(*asked)) == ""
    await desk.file(released(mail, held_as="f" * 64))
    assert str(await desk.store.uids_known(*asked)) == "7"


async def test_a_released_mail_that_is_read_again_is_not_held_again(desk: Desk) -> None:
    mail = own(None)
    await desk.file(mail, released(mail))
    later = mail.model_copy(update={"reread_at": NOW + timedelta(days=2), "text": "As read now."})
    await desk.file(later)
    assert len(desk.bus.of(HELD)) == 1
    assert (await desk.messages())[0].text == "As read now."


@pytest.mark.parametrize("known", [True, False])
async def test_a_crash_at_any_step_of_filing_it_is_made_good(database: Any, *, known: bool) -> None:
    """INVARIANT: it is filed once, and told to be."""

    async def scene(desk: Desk) -> MailReceived:
        mail = own(await receipt(desk)) if known else bounce_of(None)
        await desk.file(mail)
        return released(mail)

    async def check(desk: Desk) -> None:
        (ticket,) = await desk.tickets()  # a crash may leave a gap in the numbers
        messages = await desk.messages(ticket.number)
        assert [one.released_by for one in messages].count("ada") == 1
        assert ticket.message_count == len(messages)
        assert [one.ticket for one in desk.bus.of(RELEASED)] == [ticket.number]
        assert len(desk.bus.of(HELD)) == 1

    assert await at_every_step(database, scene, check) > 3
