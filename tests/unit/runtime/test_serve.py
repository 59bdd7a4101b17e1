"""The life of a service: health from the first moment, start again and again, and always an end."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import CollectorRegistry

from postbus.errors import BusUnavailable
from postbus.runtime import serve
from postbus.runtime.serve import Service, mount


class Life:
    """A service that notes what was asked of it."""

    def __init__(self, start: Callable[[], Awaitable[None]]) -> None:
        self.starts = 0
        self.stopped = asyncio.Event()
        self._start = start
        service = Service("test", self.start, self._stop, CollectorRegistry())
        self.api = mount(service)

    async def start(self) -> None:
        self.starts += 1
        await self._start()

    async def _stop(self) -> None:
        self.stopped.set()

    async def run(self, *, until: Callable[[], bool]) -> None:
        """From the first request that could come to the last."""
        async with asyncio.timeout(3):
            async with self.api.router.lifespan_context(self.api):
                while not until():
                    await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "_START_AGAIN_SECONDS", 0.01)


@pytest.mark.parametrize("error", [BusUnavailable("away"), RuntimeError("our own fault")])
async def test_a_start_that_fails_is_tried_again(error: Exception) -> None:
    async def start() -> None:
        if life.starts < 3:
            raise error

    life = Life(start)
    await life.run(until=lambda: life.starts == 3)
    assert life.stopped.is_set()


async def test_a_service_that_never_started_ends_when_it_is_told_to() -> None:
    async def start() -> None:
        await asyncio.Event().wait()

    life = Life(start)
    await life.run(until=lambda: life.starts == 1)
    assert life.stopped.is_set()


async def test_a_swallowed_cancellation_does_not_start_it_again() -> None:
    """INVARIANT: Python 3.11's wait_for may swallow it, and the process would never end."""

    async def start() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise BusUnavailable("the driver says") from None

    life = Life(start)
    await life.run(until=lambda: life.starts == 1)
    assert life.starts == 1
    assert life.stopped.is_set()
