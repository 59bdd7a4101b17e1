"""Work that comes round again, beside everything else that a service does."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import structlog

from postbus.errors import TemporaryError

log = structlog.get_logger("postbus.runtime")

_CANCEL_AGAIN_SECONDS = 1.0


async def end_tasks(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks and come back when they have ended, however they did.

    In Python 3.11 `asyncio.wait_for` swallows a cancellation that meets its result, in drivers too,
    and the task goes on. So they are cancelled again every second; a task that works in a loop
    needs a flag besides, which it looks at in between.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_SECONDS)


class Rounds:
    """Waits, does the work, and so on until stopped; a round that fails ends nothing.

    `seconds` lie between two rounds, or `again_seconds` (the same if not given) after a round that
    met a TemporaryError. `name` says in the log whose rounds they are.
    """

    def __init__(
        self,
        work: Callable[[], Awaitable[None]],
        *,
        name: str,
        seconds: float,
        again_seconds: float | None = None,
    ) -> None:
        self._work = work
        self._name = name
        self._seconds = seconds
        self._again_seconds = seconds if again_seconds is None else again_seconds
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin, with a wait; safe to call again."""
        if self._task is None:
            self._stopping = False
            self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """The next round comes now, or right after the one under way."""
        self._woken.set()

    async def stop(self) -> None:
        """Cancel whatever is under way and come back when it has ended; safe to call again."""
        self._stopping = True
        task, self._task = self._task, None
        if task is not None:
            await end_tasks([task])

    async def _run(self) -> None:
        wait_seconds = self._seconds
        while not self._stopping:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._woken.wait()
            self._woken.clear()
            wait_seconds = await self._round()

    async def _round(self) -> float:
        """One round; how long to wait after it."""
        try:
            await self._work()
        except TemporaryError as error:
            log.warning("round_waits", rounds=self._name, error=f"{type(error).__name__}: {error}")
            return self._again_seconds
        except Exception:
            log.exception("round_failed", rounds=self._name)
        return self._seconds
