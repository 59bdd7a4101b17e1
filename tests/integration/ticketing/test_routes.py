"""Two queues are two tickets on purpose; two routes of one mail are one."""

import itertools
from typing import Any

import pytest

from doubles.desk import Desk, answer_to, at_every_step
from doubles.mails import NOW, mail_received
from postbus.contracts.mail import MailReceived, Route

pytestmark = pytest.mark.xdist_group("mongodb")

REDELIVERED = [
    mail_received("m1", channel=queue, queue=queue) for queue in ("support", "sales")
] * 2
ONE_MAIL_TWO_ROUTES = [
    mail_received("m1", route=Route(door=door, received_at=NOW), to=({"address": to},))
    for door, to in (("forward", "support@postbus.localhost"), ("imap", "help@postbus.localhost"))
] * 2
NO_MESSAGE_ID = [one.model_copy(update={"message_id": None}) for one in ONE_MAIL_TWO_ROUTES]


@pytest.mark.parametrize("order", sorted(set(itertools.permutations((0, 1, 2, 3)))), ids=str)
async def test_mail_to_two_queues_is_two_tickets_in_any_order(
    desk: Desk, order: tuple[int, ...]
) -> None:
    await desk.file(*(REDELIVERED[at] for at in order))
    for queue in ("support", "sales"):
        assert await desk.threads(queue=queue) == {frozenset({"m1@example.com"})}
    assert sorted(one.number for one in await desk.tickets()) == [1, 2]


@pytest.mark.parametrize("mails", [ONE_MAIL_TWO_ROUTES, NO_MESSAGE_ID], ids=["id", "no-id"])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 0, 1), (1, 1, 0, 0)], ids=str)
async def test_one_mail_by_two_routes_is_one_ticket(
    desk: Desk, order: tuple[int, ...], mails: list[MailReceived]
) -> None:
    await desk.file(*(mails[at] for at in order))
    (ticket,) = await desk.tickets()
    assert ticket.message_count == len(await desk.messages()) == 2


async def test_answers_stay_with_the_ticket_of_their_queue(desk: Desk) -> None:
    await desk.file(*REDELIVERED)
    for queue in ("support", "sales"):
        of_queue = {"channel": queue, "queue": queue, "in_reply_to": ("m1@example.com",)}
        await desk.file(mail_received("m2", **of_queue))
        threads = await desk.threads(queue=queue)
        assert threads == {frozenset({"m1@example.com", "m2@example.com"})}


async def test_an_answer_that_is_copied_to_another_queue_is_one_message(desk: Desk) -> None:
    """Its stamp names the ticket, so it does not open one where it was copied to."""
    await desk.file(mail_received("m1"))
    message = await desk.reply()
    for queue in ("support", "sales"):
        await desk.file(answer_to(message, "m2", channel=queue, queue=queue))
    (ticket,) = await desk.tickets()
    assert ticket.message_count == 4


@pytest.mark.parametrize("mails", [ONE_MAIL_TWO_ROUTES, NO_MESSAGE_ID], ids=["id", "no-id"])
async def test_a_crash_at_any_step_makes_no_second_ticket_of_the_other_route(
    database: Any, mails: list[MailReceived]
) -> None:
    async def scene(_: Desk) -> MailReceived:
        return mails[0]

    async def check(desk: Desk) -> None:
        await desk.file(mails[1])
        (ticket,) = await desk.tickets()
        assert ticket.message_count == 2

    await at_every_step(database, scene, check)
