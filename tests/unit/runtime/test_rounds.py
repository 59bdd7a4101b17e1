"""Background work: what fails ends nothing, and stop always comes back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from postbus.errors import BusUnavailable, NotConfigured
from postbus.runtime.rounds import Rounds, end_tasks

Work = Callable[[], Awaitable[None]]
Make = Callable[..., Rounds]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[Rounds] = []

    def one(work: Work, *, seconds: float = 0.01, again_seconds: float | None = None) -> Rounds:
        made.append(Rounds(work, name="test", seconds=seconds, again_seconds=again_seconds))
        return made[-1]

    yield one
    for rounds in made:
        await rounds.stop()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not is_so():
            await asyncio.sleep(0.005)


async def test_the_work_comes_round_after_a_wait(make: Make) -> None:
    done: list[int] = []

    async def work() -> None:
        done.append(1)

    rounds = make(work)
    rounds.start()
    await asyncio.sleep(0)
    assert done == []
    await until(lambda: len(done) >= 3)
    await rounds.stop()
    count = len(done)
    await asyncio.sleep(0.05)
    assert len(done) == count


@pytest.mark.parametrize(
    "error", [BusUnavailable("away"), NotConfigured("missing"), RuntimeError("our own fault")]
)
async def test_a_round_that_fails_is_followed_by_another(make: Make, error: Exception) -> None:
    calls: list[int] = []

    async def work() -> None:
        calls.append(1)
        raise error

    make(work).start()
    await until(lambda: len(calls) >= 3)


async def test_an_outage_may_be_looked_at_sooner_than_the_next_regular_round(make: Make) -> None:
    calls: list[int] = []

    async def work() -> None:
        calls.append(1)
        if len(calls) < 3:
            raise BusUnavailable("away")

    rounds = make(work, seconds=600, again_seconds=0.01)
    rounds.start()
    rounds.wake()
    await until(lambda: len(calls) == 3)
    await asyncio.sleep(0.05)
    assert len(calls) == 3


async def test_being_woken_during_a_round_brings_one_more(make: Make) -> None:
    calls: list[int] = []
    go_on = asyncio.Event()

    async def work() -> None:
        calls.append(1)
        await go_on.wait()

    rounds = make(work, seconds=600)
    rounds.start()
    rounds.wake()
    await until(lambda: calls == [1])
    rounds.wake()
    rounds.wake()
    go_on.set()
    await until(lambda: calls == [1, 1])
    await asyncio.sleep(0.03)
    assert calls == [1, 1]


async def test_started_twice_is_started_once(make: Make) -> None:
    under_way = most = 0

    async def work() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1

    rounds = make(work)
    rounds.start()
    rounds.start()
    await asyncio.sleep(0.1)
    assert most == 1


async def test_it_can_be_started_again_and_stopped_twice(make: Make) -> None:
    done: list[int] = []

    async def work() -> None:
        done.append(1)

    rounds = make(work)
    await rounds.stop()
    rounds.start()
    await until(lambda: bool(done))
    await rounds.stop()
    await rounds.stop()
    done.clear()
    rounds.start()
    await until(lambda: bool(done))


async def test_stop_cancels_a_round_that_hangs(make: Make) -> None:
    began = asyncio.Event()

    async def work() -> None:
        began.set()
        await asyncio.Event().wait()

    rounds = make(work)
    rounds.start()
    await began.wait()
    async with asyncio.timeout(0.5):
        await rounds.stop()


async def test_a_swallowed_cancellation_does_not_make_stop_hang(make: Make) -> None:
    """INVARIANT: Python 3.11's wait_for may swallow it, and a pod would then never end."""
    rounds_done: list[int] = []
    began = asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            rounds_done.append(1)

    rounds = make(work)
    rounds.start()
    await began.wait()
    async with asyncio.timeout(0.5):
        await rounds.stop()
    await asyncio.sleep(0.05)
    assert rounds_done == [1]


async def test_work_that_goes_on_after_a_swallowed_cancellation_is_cancelled_again(
    make: Make,
) -> None:
    began = asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    rounds = make(work)
    rounds.start()
    await began.wait()
    async with asyncio.timeout(3):
        await rounds.stop()


async def test_whoever_waits_for_the_end_can_be_cancelled_too() -> None:
    """A cancellation of the caller is the caller's, and not taken for that of the task."""

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(0.3)
            except asyncio.CancelledError:
                continue
            return

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await end_tasks([task])
    await task


async def test_tasks_that_ended_with_an_error_are_ended() -> None:
    async def broken() -> None:
        raise RuntimeError("long ago")

    task = asyncio.create_task(broken())
    await asyncio.wait([task])
    await end_tasks([task])
    assert isinstance(task.exception(), RuntimeError)
