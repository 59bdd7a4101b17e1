"""Ticketing says which mails of a mailbox are on tickets."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from nats.aio.client import Client
from prometheus_client import CollectorRegistry

from doubles.desk import Desk, at_every_step, bounce_of
from doubles.mails import NOW, mail_received
from postbus.bus import Bus, BusSettings
from postbus.contracts.catalogue import FILED_SUBJECT
from postbus.contracts.mail import MailReceived, Origin, Route
from postbus.contracts.mailboxes import AskFiled, Filed
from postbus.errors import BusUnavailable
from servers.nats import NatsServer
from ticketing.accounting import Accounting, could_not_look

LONG = os.environ.get("POSTBUS_LONG_TESTS") == "1"
MANY = 100_000 if LONG else 10_000

pytestmark = pytest.mark.xdist_group("mongodb")


def lying(uid: int, mail_id: str = "", *, folder: str = "INBOX", **fields: Any) -> MailReceived:
    """A mail that was fetched from there."""
    origin = Origin(folder=folder, uidvalidity=7, uid=uid)
    door = fields.pop("door", "imap")
    route = Route(door=door, received_at=NOW, origin=origin)
    return mail_received(mail_id or f"m{uid}", route=route, **fields)


async def missing(desk: Desk, uids: str, **fields: Any) -> str:
    values: dict[str, Any] = {"channel": "support", "folder": "INBOX", "uidvalidity": 7}
    question = AskFiled(**{**values, **fields}, uids=uids)
    return (await Accounting(desk.around).which_are_missing(question)).missing


async def test_what_is_on_no_ticket_is_missing(desk: Desk) -> None:
    await desk.file(lying(1), lying(2), lying(5000), mail_received("without"))
    assert await missing(desk, "1:4,5000:5001,9000") == "3:4,5001,9000"
    assert await missing(desk, "") == ""
    assert await missing(desk, "1", folder="Sent") == "1"
    assert await missing(desk, "1", uidvalidity=8) == "1"
    assert await missing(desk, "1", channel="sales") == "1"


async def test_every_place_of_a_mail_is_remembered_and_changes_nothing_else(desk: Desk) -> None:
    await desk.file(mail_received("m1"))
    before, told = await desk.ticket(), len(desk.bus.told)
    await desk.file(lying(1), lying(1), lying(9, "m1"), lying(3, "m1", folder="Archive"))
    await desk.file(lying(4, "m1", door="import"))
    after = await desk.ticket()
    assert (after.revision, after.message_count) == (before.revision, before.message_count)
    assert len(desk.bus.told) == told
    assert await missing(desk, "1:9") == "2:3,5:8"
    assert await missing(desk, "1:9", folder="Archive") == "1:2,4:9"


async def test_what_ticketing_holds_is_not_missing(desk: Desk) -> None:
    unknown = bounce_of(None, "dsn", route=lying(2).route)
    await desk.file(lying(1, kind="own"), unknown)
    assert await desk.tickets() == []
    assert await missing(desk, "1:3") == "3"


async def test_a_mail_is_said_to_be_filed_when_it_is(database: Any) -> None:
    """INVARIANT: a proof of completeness may not count what a crash left half done."""

    async def scene(desk: Desk) -> MailReceived:
        return lying(1)

    async def check(desk: Desk) -> None:
        assert len(await desk.tickets()) == 1
        assert await missing(desk, "1") == ""

    assert await at_every_step(database, scene, check) > 4


async def test_folders_of_any_name_are_kept_apart(desk: Desk) -> None:
    names = ("A", "A|7", "A:0000000001", "Ünïcode/Ordner")
    await desk.file(*(lying(n + 1, f"m{n}", folder=name) for n, name in enumerate(names)))
    for n, name in enumerate(names):
        known = {f"{n + 1}"}
        found = set((await missing(desk, "1,2,3,4", folder=name)).replace(":", ",").split(","))
        assert found.isdisjoint(known)
        assert len(await _each_missing(desk, name)) == 3


async def _each_missing(desk: Desk, folder: str) -> list[str]:
    return [uid for uid in "1234" if await missing(desk, uid, folder=folder)]


async def test_many_uids_are_answered_soon(desk: Desk, database: Any) -> None:
    await desk.file(lying(1))
    example = await database["origins"].find_one({})
    prefix = example["_id"].partition(":")[0]
    odd = ({**example, "_id": f"{prefix}:{uid:010}"} for uid in range(2, MANY + 1, 2))
    await database["origins"].insert_many(list(odd))
    began = time.perf_counter()
    found = await missing(desk, f"1:{MANY}")
    seconds = time.perf_counter() - began
    print(f"\n{MANY} UIDs answered in {seconds:.2f} s")  # noqa: T201 - the figure of a long run
    assert seconds < 10
    assert found.startswith("3,5,7,")
    assert found.count(",") == MANY // 2 - 2


@pytest.fixture
async def buses(nats_server: NatsServer, admin: Client) -> AsyncIterator[tuple[Bus, Bus]]:
    made = [
        Bus(BusSettings(nats_server.url, name, graceful_seconds=1), CollectorRegistry())
        for name in ("ticketing", "ingest-imap")
    ]
    yield made[0], made[1]
    for bus in made:
        await bus.stop()


async def test_it_is_asked_over_the_bus(desk: Desk, buses: tuple[Bus, Bus]) -> None:
    ticketing, asking = buses
    await desk.file(lying(1))
    accounting = Accounting(desk.around)
    ticketing.answer(
        FILED_SUBJECT, AskFiled, accounting.which_are_missing, otherwise=could_not_look
    )
    await ticketing.start()
    await asking.connect()
    await asyncio.sleep(0.1)
    question = AskFiled(channel="support", folder="INBOX", uidvalidity=7, uids="1:2")
    answer = await asking.ask(FILED_SUBJECT, question, Filed, timeout_seconds=5)
    assert answer.missing == "2"
    wrong = question.model_copy(update={"uids": "1:*"})
    # INVARIANT: an answer that is none is never taken for "nothing is missing".
    with pytest.raises(BusUnavailable):
        await asking.ask(FILED_SUBJECT, wrong, Filed, timeout_seconds=5)
