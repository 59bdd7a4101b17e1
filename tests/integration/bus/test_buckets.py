"""KV buckets on a real nats-server."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client
from prometheus_client import CollectorRegistry

from postbus.bus import Bucket, Bus, BusSettings, Entry
from postbus.bus.topology import GUARD_BUCKET
from postbus.errors import BusUnavailable, StateConflict
from servers.nats import NatsServer


@pytest.fixture
async def bus(nats_server: NatsServer, admin: Client) -> AsyncIterator[Bus]:
    made = Bus(BusSettings(nats_server.url, "loopguard"), CollectorRegistry())
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def bucket(bus: Bus) -> Bucket:
    return await bus.bucket(GUARD_BUCKET)


async def test_a_key_is_made_once(bucket: Bucket) -> None:
    revision = await bucket.create("a.b", b"1")
    with pytest.raises(StateConflict):
        await bucket.create("a.b", b"2")
    assert await bucket.get("a.b") == Entry("a.b", b"1", revision)


async def test_of_two_writers_one_wins(bucket: Bucket) -> None:
    """INVARIANT: a claim is held by one replica."""
    revision = await bucket.create("a.b", b"0")
    results = await asyncio.gather(
        *(bucket.update("a.b", str(n).encode(), revision=revision) for n in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, int) for result in results) == 1
    assert sum(isinstance(result, StateConflict) for result in results) == 7


async def test_a_key_with_a_time_to_live_goes_away_and_can_be_made_again(bucket: Bucket) -> None:
    revision = await bucket.create("a.b", b"1", ttl_seconds=1)
    await bucket.update("a.b", b"2", revision=revision, ttl_seconds=1)
    for _ in range(60):
        if await bucket.get("a.b") is None:
            break
        await asyncio.sleep(0.1)
    assert await bucket.get("a.b") is None
    await bucket.create("a.b", b"3")
    assert (await bucket.all()).keys() == {"a.b"}


async def test_a_deleted_key_can_be_made_again(bucket: Bucket) -> None:
    revision = await bucket.create("a.b", b"1")
    with pytest.raises(StateConflict):
        await bucket.delete("a.b", revision=revision + 5)
    await bucket.delete("a.b", revision=revision)
    assert await bucket.get("a.b") is None
    assert await bucket.all() == {}
    await bucket.create("a.b", b"2")


async def test_a_purged_key_can_be_made_again(bucket: Bucket) -> None:
    await bucket.create("open.x", b"1")
    await bucket.create("done.x", b"1")
    await bucket.purge("open.x")
    assert await bucket.get("open.x") is None
    assert (await bucket.all("open.")).keys() == set()
    assert (await bucket.all("done.")).keys() == {"done.x"}
    await bucket.create("open.x", b"2")
    assert (await bucket.all("open.")).keys() == {"open.x"}


async def test_changes_are_followed_from_now_on(bucket: Bucket) -> None:
    await bucket.create("old", b"1")
    seen: list[Entry] = []
    stop = await bucket.follow(seen.append)
    revision = await bucket.create("new", b"1")
    await bucket.delete("new", revision=revision)
    await _until(lambda: len(seen) == 2)
    assert [(entry.key, entry.operation) for entry in seen] == [("new", "PUT"), ("new", "DEL")]
    await stop()
    await bucket.create("later", b"1")
    await asyncio.sleep(0.2)
    assert len(seen) == 2


async def test_a_watch_sees_again_soon_after_a_restart_of_nats(
    bus: Bus, bucket: Bucket, nats_server: NatsServer
) -> None:
    """INVARIANT: nats-py's own recovery leaves a watch blind for up to 20 seconds."""
    seen: list[str] = []
    await bucket.follow(lambda entry: seen.append(entry.key))
    refreshed: list[float] = []

    async def refresh() -> None:
        refreshed.append(time.monotonic())

    bus.on_reconnect(refresh)
    nats_server.stop(kill=True)
    nats_server.start()
    await _until(lambda: refreshed, seconds=8)
    await bucket.create("after.restart", b"1")
    await _until(lambda: "after.restart" in seen, seconds=3)


async def test_a_write_without_nats_fails_at_once_and_is_not_done_later(
    bus: Bus, bucket: Bucket, nats_server: NatsServer
) -> None:
    """INVARIANT: nats-py would keep it and write it when nobody expects it any more."""
    nats_server.stop(kill=True)
    await _until(lambda: not bus.connected)
    started = time.monotonic()
    with pytest.raises(BusUnavailable):
        await bucket.create("claim", b"1")
    assert time.monotonic() - started < 1
    nats_server.start()
    await _until(lambda: bus.connected)
    await asyncio.sleep(0.5)
    assert await bucket.get("claim") is None


async def _until(condition: object, *, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited too long"
        await asyncio.sleep(0.02)
