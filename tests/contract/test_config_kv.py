"""What the configuration relies on in a KV bucket, on the double and on a real nats-server.

Run on both, the suite keeps the double honest.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.js.api import KeyValueConfig
from prometheus_client import CollectorRegistry

from config_service.adapters.nats_store import NatsStore
from doubles.kv import MemoryBucket
from postbus.bus import Bus, BusSettings, Entry
from postbus.contracts.base import utc_now
from postbus.contracts.configuration import Change
from postbus.errors import StateConflict
from servers.nats import NatsServer

HISTORY = 5
Buckets = Callable[[Path], Any]


@asynccontextmanager
async def in_memory(_: Path) -> AsyncIterator[MemoryBucket]:
    yield MemoryBucket(history=HISTORY)


@asynccontextmanager
async def on_nats(folder: Path) -> AsyncIterator[Any]:
    server = NatsServer(folder).start()
    admin = await nats.connect(server.url)
    config = KeyValueConfig(bucket="postbus-config", history=HISTORY)
    await admin.jetstream().create_key_value(config)
    bus = Bus(BusSettings(server.url, "config"), CollectorRegistry())
    await bus.start()
    try:
        yield await bus.bucket("postbus-config")
    finally:
        await bus.stop()
        await admin.close()
        server.stop()


@pytest.fixture(params=[in_memory, on_nats], ids=["double", "nats"])
async def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    make: Buckets = request.param
    async with make(tmp_path / "nats") as made:
        yield made


async def heard(seen: list[Entry], count: int) -> list[Entry]:
    """What was heard, once there is so much of it."""
    async with asyncio.timeout(5):
        while len(seen) < count:
            await asyncio.sleep(0.01)
    return seen


async def test_a_key_that_is_not_there_is_none(bucket: Any) -> None:
    assert await bucket.get("ticket-types.a") is None
    assert await bucket.all() == {}
    assert await bucket.history("ticket-types.a") == []


async def test_what_is_created_is_read_back_at_its_revision(bucket: Any) -> None:
    revision = await bucket.create("ticket-types.a", b"one")
    entry = await bucket.get("ticket-types.a")
    assert (entry.key, entry.value, entry.revision) == ("ticket-types.a", b"one", revision)
    assert entry.operation == "PUT"


async def test_a_key_is_created_once(bucket: Any) -> None:
    await bucket.create("k.a", b"one")
    with pytest.raises(StateConflict):
        await bucket.create("k.a", b"two")
    assert (await bucket.get("k.a")).value == b"one"


async def test_revisions_rise_over_all_keys(bucket: Any) -> None:
    """INVARIANT: the audit orders changes of different documents by revision."""
    first = await bucket.create("k.a", b"1")
    second = await bucket.create("k.b", b"1")
    third = await bucket.update("k.a", b"2", revision=first)
    assert first < second < third


async def test_an_update_needs_the_last_revision(bucket: Any) -> None:
    first = await bucket.create("k.a", b"1")
    second = await bucket.update("k.a", b"2", revision=first)
    for stale in (first, second + 1, 0):
        with pytest.raises(StateConflict):
            await bucket.update("k.a", b"3", revision=stale)
    assert (await bucket.get("k.a")).value == b"2"


async def test_of_two_writers_at_once_one_wins(bucket: Any) -> None:
    first = await bucket.create("k.a", b"0")
    results = await asyncio.gather(
        *(bucket.update("k.a", str(n).encode(), revision=first) for n in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, int) for result in results) == 1
    assert sum(isinstance(result, StateConflict) for result in results) == 4


async def test_a_deleted_key_is_gone_and_may_be_created_again(bucket: Any) -> None:
    first = await bucket.create("k.a", b"1")
    with pytest.raises(StateConflict):
        await bucket.delete("k.a", revision=first + 1)
    await bucket.delete("k.a", revision=first)
    assert await bucket.get("k.a") is None
    assert await bucket.all() == {}
    assert await bucket.create("k.a", b"2") > first
    assert (await bucket.get("k.a")).value == b"2"


async def test_all_are_the_last_live_entries(bucket: Any) -> None:
    first = await bucket.create("k.a", b"1")
    await bucket.update("k.a", b"2", revision=first)
    await bucket.create("k.b", b"3")
    await bucket.create("k.c", b"4")
    await bucket.delete("k.c")
    everything = await bucket.all()
    assert {key: entry.value for key, entry in everything.items()} == {"k.a": b"2", "k.b": b"3"}


async def test_history_is_oldest_first_with_deletions(bucket: Any) -> None:
    revision = await bucket.create("k.a", b"1")
    await bucket.update("k.a", b"2", revision=revision)
    await bucket.create("k.b", b"other")
    await bucket.delete("k.a")
    await bucket.create("k.a", b"3")
    entries = await bucket.history("k.a")
    assert [(entry.operation, entry.value) for entry in entries] == [
        ("PUT", b"1"),
        ("PUT", b"2"),
        ("DEL", b""),
        ("PUT", b"3"),
    ]


async def test_history_forgets_the_oldest(bucket: Any) -> None:
    revision = await bucket.create("k.a", b"0")
    for number in range(1, 8):
        revision = await bucket.update("k.a", str(number).encode(), revision=revision)
    entries = await bucket.history("k.a")
    assert [entry.value for entry in entries] == [b"3", b"4", b"5", b"6", b"7"]


async def test_changes_from_now_on_are_heard_in_order(bucket: Any) -> None:
    seen: list[Entry] = []
    await bucket.create("k.before", b"not heard")
    stop = await bucket.follow(seen.append)
    first = await bucket.create("k.a", b"1")
    await bucket.update("k.a", b"2", revision=first)
    await bucket.delete("k.a")
    await heard(seen, 3)
    assert [(entry.operation, entry.value) for entry in seen] == [
        ("PUT", b"1"),
        ("PUT", b"2"),
        ("DEL", b""),
    ]
    await stop()
    await bucket.create("k.b", b"not heard")
    await asyncio.sleep(0.05)
    assert len(seen) == 3


async def test_two_followers_hear_the_same(bucket: Any) -> None:
    seen: list[list[Entry]] = [[], []]
    stops = [await bucket.follow(one.append) for one in seen]
    await bucket.create("k.a", b"1")
    await heard(seen[0], 1)
    await heard(seen[1], 1)
    for stop in stops:
        await stop()
    assert seen[0] == seen[1]


@pytest.fixture
def store(bucket: Any) -> NatsStore:
    return NatsStore(lambda: bucket, HISTORY)


def change(by: str = "anna") -> Change:
    return Change(by=by, at=utc_now())


async def test_a_document_lives_and_leaves_a_trace(store: NatsStore) -> None:
    made = await store.create("ticket-types", "a", {"n": 1}, change=change())
    assert await store.get("ticket-types", "a") == made
    changed = await store.replace(made, {"n": 2}, change=change("bert"))
    removed = await store.replace(changed, None, change=change("cleo"))
    assert await store.get("ticket-types", "a") is None
    assert await store.ever("ticket-types", "a")
    assert not await store.ever("ticket-types", "b")
    assert await store.all() == [removed]
    revisions, whole = await store.history("ticket-types", "a")
    assert [one.change.by for one in revisions] == ["anna", "bert", "cleo"]
    assert whole


async def test_a_removed_document_may_be_made_again_and_a_live_one_not(store: NatsStore) -> None:
    made = await store.create("ticket-types", "a", {"n": 1}, change=change())
    with pytest.raises(StateConflict):
        await store.create("ticket-types", "a", {"n": 2}, change=change())
    await store.replace(made, None, change=change())
    again = await store.create("ticket-types", "a", {"n": 3}, change=change())
    assert again.revision > made.revision
    with pytest.raises(StateConflict):
        await store.replace(made, {"n": 4}, change=change())


async def test_a_history_that_was_cut_says_so(store: NatsStore) -> None:
    kept = await store.create("ticket-types", "a", {"n": 0}, change=change())
    for number in range(1, HISTORY + 2):
        kept = await store.replace(kept, {"n": number}, change=change())
    revisions, whole = await store.history("ticket-types", "a")
    assert len(revisions) == HISTORY
    assert not whole


async def test_marks_are_remembered_beside_the_documents(store: NatsStore) -> None:
    assert await store.mark("seeded") is None
    await store.set_mark("seeded", 1)
    await store.set_mark("seeded", 2)
    assert await store.mark("seeded") == 2
    assert await store.all() == []
