"""How the snapshot is kept up to date."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from doubles.kv import MemoryBucket, MemoryBus
from postbus.bus import Entry
from postbus.configuration import Configuration, Follower, value_of
from postbus.contracts.configuration import Change
from postbus.errors import BusUnavailable

CHANGE = Change(by="anna", at=datetime(2024, 5, 1, tzinfo=UTC))


def ticket_type(id_: str, name: str = "Name") -> bytes:
    return value_of({"id": id_, "name": name}, CHANGE)


@pytest.fixture
def bucket() -> MemoryBucket:
    return MemoryBucket()


@pytest.fixture
def bus(bucket: MemoryBucket) -> MemoryBus:
    return MemoryBus({"postbus-config": bucket})


@pytest.fixture
async def follower(bus: MemoryBus) -> AsyncIterator[Follower]:
    follower = Follower()
    await follower.start(bus)
    yield follower
    await follower.stop()


def names(configuration: Configuration) -> list[str]:
    return [one.name for one in configuration.ticket_types]


async def soon() -> None:
    await asyncio.sleep(0.03)


def test_before_the_first_reading_there_is_no_snapshot() -> None:
    follower = Follower()
    assert follower.age_seconds is None
    with pytest.raises(BusUnavailable):
        _ = follower.current


async def test_what_is_there_at_the_start_is_in_the_first_snapshot(
    bus: MemoryBus, bucket: MemoryBucket
) -> None:
    revision = await bucket.create("ticket-types.a", ticket_type("a", "A"))
    follower = Follower()
    await follower.start(bus)
    assert names(follower.current) == ["A"]
    assert follower.current.revision == revision
    await follower.stop()


async def test_an_empty_bucket_is_a_configuration_too(follower: Follower) -> None:
    assert follower.current.ticket_types == ()
    assert await follower.ready_problems() == []


async def test_changes_are_followed(follower: Follower, bucket: MemoryBucket) -> None:
    first = await bucket.create("ticket-types.a", ticket_type("a", "A"))
    await soon()
    assert names(follower.current) == ["A"]
    second = await bucket.update("ticket-types.a", ticket_type("a", "B"), revision=first)
    await soon()
    assert names(follower.current) == ["B"]
    await bucket.update("ticket-types.a", value_of(None, CHANGE), revision=second)
    await soon()
    assert names(follower.current) == []


async def test_a_deletion_mark_removes_a_document(follower: Follower, bucket: MemoryBucket) -> None:
    await bucket.create("ticket-types.a", ticket_type("a"))
    await soon()
    await bucket.delete("ticket-types.a")
    await soon()
    assert names(follower.current) == []


async def test_a_snapshot_in_hand_does_not_change(follower: Follower, bucket: MemoryBucket) -> None:
    before = follower.current
    await bucket.create("ticket-types.a", ticket_type("a"))
    await soon()
    assert names(before) == []
    assert names(follower.current) == ["Name"]


async def test_an_unreadable_document_is_skipped_and_the_others_go_on(
    follower: Follower, bucket: MemoryBucket
) -> None:
    await bucket.create("ticket-types.bad", b"nonsense")
    await bucket.create("ticket-types.worse", ticket_type("NO SLUG"))
    await bucket.create("ticket-types.good", ticket_type("good", "Good"))
    await soon()
    assert names(follower.current) == ["Good"]


async def test_a_blind_watch_is_cured_by_the_reconnect(
    follower: Follower, bucket: MemoryBucket, bus: MemoryBus
) -> None:
    bucket.blind = True
    await bucket.create("ticket-types.a", ticket_type("a", "A"))
    await soon()
    assert names(follower.current) == []
    await bus.reconnect()
    assert names(follower.current) == ["A"]


async def test_a_blind_watch_is_found_by_reading_regularly_and_opened_anew(
    bus: MemoryBus, bucket: MemoryBucket
) -> None:
    follower = Follower(reread_seconds=0.02)
    await follower.start(bus)
    bucket.blind = True
    await bucket.create("ticket-types.a", ticket_type("a", "A"))
    await asyncio.sleep(0.1)
    assert names(follower.current) == ["A"]
    assert bucket.follower_count == 1
    await follower.stop()
    assert bucket.follower_count == 0


async def test_a_bus_that_is_away_leaves_the_last_snapshot_and_shows_its_age(
    bus: MemoryBus, bucket: MemoryBucket
) -> None:
    now = [100.0]
    follower = Follower(reread_seconds=0.01, clock=lambda: now[0])
    await bucket.create("ticket-types.a", ticket_type("a", "A"))
    await follower.start(bus)
    await asyncio.sleep(0)
    bucket.away = True
    now[0] += 50
    await asyncio.sleep(0.05)
    assert names(follower.current) == ["A"]
    assert follower.age_seconds == 50
    assert await follower.ready_problems() == ["configuration: last read 50 s ago"]
    await follower.stop()


async def test_a_start_that_failed_may_be_tried_again(bus: MemoryBus, bucket: MemoryBucket) -> None:
    follower = Follower()
    bucket.away = True
    with pytest.raises(BusUnavailable):
        await follower.start(bus)
    bucket.away = False
    await follower.start(bus)
    assert follower.current.ticket_types == ()
    assert bucket.follower_count == 1
    await follower.stop()


async def test_a_stop_ends_it_even_where_a_driver_swallows_the_cancellation(
    bus: MemoryBus, bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INVARIANT: asyncio.wait_for of Python 3.11 may answer a cancellation with its result."""

    async def swallow() -> dict[str, Entry]:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(10)
        return {}

    follower = Follower(reread_seconds=0.01)
    await follower.start(bus)
    monkeypatch.setattr(bucket, "all", swallow)
    await asyncio.sleep(0.05)
    async with asyncio.timeout(1):
        await follower.stop()


async def test_every_snapshot_is_announced_and_a_burst_is_one(
    bus: MemoryBus, bucket: MemoryBucket
) -> None:
    seen: list[list[str]] = []
    follower = Follower()
    follower.on_change(lambda snapshot: seen.append(names(snapshot)))
    await follower.start(bus)
    await soon()
    for id_ in "abc":
        await bucket.create(f"ticket-types.{id_}", ticket_type(id_, id_))
    await soon()
    assert seen == [[], ["a", "b", "c"]]
    await follower.stop()


async def test_a_callback_that_fails_stops_nobody(bus: MemoryBus, bucket: MemoryBucket) -> None:
    seen: list[int] = []
    follower = Follower()
    follower.on_change(lambda _: 1 / 0)
    follower.on_change(lambda snapshot: seen.append(snapshot.revision))
    await follower.start(bus)
    await bucket.create("ticket-types.a", ticket_type("a"))
    await soon()
    assert seen[-1] == 1
    await follower.stop()


async def test_keys_without_documents_change_nothing(
    follower: Follower, bucket: MemoryBucket
) -> None:
    seen: list[Configuration] = []
    await soon()
    follower.on_change(seen.append)
    await bucket.create("meta.seeded", b"{}")
    await soon()
    assert seen == []
    assert follower.current.revision == 0
