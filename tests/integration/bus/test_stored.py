"""Reading what a stream holds, on a real server."""

from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client
from prometheus_client import CollectorRegistry

from postbus.bus import Bus, BusSettings
from postbus.bus.topology import MAIL
from postbus.errors import BusUnavailable
from servers.nats import NatsServer


@pytest.fixture
async def bus(nats_server: NatsServer, admin: Client) -> AsyncIterator[Bus]:
    made = Bus(BusSettings(nats_server.url, "archivist", graceful_seconds=1), CollectorRegistry())
    await made.connect()
    yield made
    await made.stop()


async def fill(admin: Client, count: int, size_bytes: int = 2) -> None:
    """Every tenth is of another subject."""
    js = admin.jetstream()
    for number in range(count):
        subject = "postbus.mail.held.a" if number % 10 == 0 else "postbus.mail.received.a"
        await js.publish(subject, b"x" * size_bytes)


async def test_more_than_a_batch_is_read_in_order_and_once(bus: Bus, admin: Client) -> None:
    await fill(admin, 700)
    found = [one async for one in bus.stored(MAIL, "postbus.mail.>")]
    assert [one.sequence for one in found] == list(range(1, 701))
    assert found[0].to_come == 699
    assert found[-1].to_come == 0
    assert found[0].stored_at <= found[-1].stored_at


async def test_a_batch_of_large_messages_is_read_whole(bus: Bus, admin: Client) -> None:
    await fill(admin, 12, size_bytes=1024 * 1024)
    found = [len(one.body) async for one in bus.stored(MAIL, "postbus.mail.>")]
    assert found == [1024 * 1024] * 12


@pytest.mark.parametrize(
    ("subject", "after", "count"),
    [
        ("postbus.mail.held.>", 0, 3),
        ("postbus.mail.held.a", 1, 2),
        ("postbus.mail.received.a", 25, 5),
        ("postbus.mail.received.b", 0, 0),
        ("postbus.mail.>", 30, 0),
        ("postbus.mail.>", 4000, 0),
    ],
)
async def test_only_what_was_asked_for_is_read(
    bus: Bus, admin: Client, subject: str, after: int, count: int
) -> None:
    await fill(admin, 30)
    found = [one async for one in bus.stored(MAIL, subject, after=after)]
    assert len(found) == count
    assert all(one.sequence > after for one in found)


async def test_one_message_is_found_by_its_place(bus: Bus, admin: Client) -> None:
    await fill(admin, 3)
    found = await bus.stored_at(MAIL, 1)
    assert found is not None
    assert (found.sequence, found.subject, found.body) == (1, "postbus.mail.held.a", b"xx")
    assert await bus.stored_at(MAIL, 4) is None


async def test_an_empty_stream_holds_nothing(bus: Bus) -> None:
    assert [one async for one in bus.stored(MAIL, "postbus.mail.>")] == []
    assert await bus.stored_at(MAIL, 1) is None


async def test_a_server_that_is_away_is_said(bus: Bus, nats_server: NatsServer) -> None:
    nats_server.stop(kill=True)
    with pytest.raises(BusUnavailable):
        [one async for one in bus.stored(MAIL, "postbus.mail.>")]
