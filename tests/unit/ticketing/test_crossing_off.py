"""Told facts are crossed off soon, together, and whatever happens to one write."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from postbus.errors import StoreUnavailable
from ticketing.crossing_off import CrossingOff

LONG = 3600.0


class Store:
    """Keeps what is crossed off, write by write; raises the errors it was given first."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.writes: list[dict[str, Sequence[str]]] = []
        self.written = asyncio.Event()
        self.slow = asyncio.Event()
        self.slow.set()

    async def told(self, told: Mapping[str, Sequence[str]]) -> None:
        await self.slow.wait()
        self.written.set()
        if self.errors:
            raise self.errors.pop(0)
        self.writes.append(dict(told))


def crossing_off(store: Any, **others: Any) -> CrossingOff:
    return CrossingOff(store, **{"after_seconds": LONG, **others})


async def test_many_are_one_write_after_a_moment() -> None:
    store = Store()
    crossing = crossing_off(store, after_seconds=0.01)
    crossing.add("t1", ["a", "b"])
    crossing.add("t2", ["c"])
    crossing.add("t1", ["d"])
    await asyncio.wait_for(store.written.wait(), 5)
    assert store.writes == [{"t1": ["a", "b", "d"], "t2": ["c"]}]


async def test_a_full_collection_is_written_at_once() -> None:
    store = Store()
    crossing = crossing_off(store, most_tickets=2)
    crossing.add("t1", ["a"])
    await asyncio.sleep(0.01)
    assert store.writes == []
    crossing.add("t2", ["b"])
    await asyncio.wait_for(store.written.wait(), 5)
    assert store.writes == [{"t1": ["a"], "t2": ["b"]}]


async def test_the_rest_is_written_at_the_end() -> None:
    store = Store()
    crossing = crossing_off(store)
    await crossing.stop()
    crossing.add("t1", ["a"])
    await crossing.stop()
    await crossing.stop()
    assert store.writes == [{"t1": ["a"]}]


async def test_what_comes_during_a_write_is_in_the_next() -> None:
    store = Store()
    store.slow.clear()
    crossing = crossing_off(store, after_seconds=0.0)
    crossing.add("t1", ["a"])
    await asyncio.sleep(0.01)
    crossing.add("t1", ["b"])
    store.slow.set()
    await crossing.stop()
    assert store.writes == [{"t1": ["a"]}, {"t1": ["b"]}]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StoreUnavailable("away"), "crossing_off_left_to_sweep"),
        (ValueError("a fault of ours"), "crossing_off_failed"),
    ],
)
async def test_a_write_that_fails_is_said_and_left_to_the_sweep(
    error: Exception, said: str
) -> None:
    store = Store(error)
    crossing = crossing_off(store)
    crossing.add("t1", ["a"])
    with capture_logs() as logs:
        await crossing.stop()
    assert [line["event"] for line in logs] == [said]
    crossing.add("t2", ["b"])
    await crossing.stop()
    assert store.writes == [{"t2": ["b"]}]


async def test_the_sweep_hears_that_its_own_write_failed() -> None:
    crossing = crossing_off(Store(StoreUnavailable("away")))
    crossing.add("t1", ["a"])
    with pytest.raises(StoreUnavailable):
        await crossing.flush()
