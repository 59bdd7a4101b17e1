"""Lanes: one for each outbound channel, so that a server that hangs holds up nobody else.

A mail waits in its lane, or on the clock when it is to be tried later. Lanes are only memory: the
ledger has everything, and the sweep puts what a crash left there back on a lane.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from postbus.errors import TemporaryError
from postbus.runtime.rounds import end_tasks

log = structlog.get_logger("dispatch")

_AGAIN_AFTER_OUTAGE = timedelta(seconds=2)

Work = Callable[[str], Awaitable[datetime | None]]
"""Does what is to be done with a mail; gives back when to come again."""


class Lanes:
    """Workers by lane, made when a lane is first used."""

    def __init__(self, work: Work, *, width: int, now: Callable[[], datetime]) -> None:
        self._work = work
        self._width = width
        self._now = now
        self._queues: dict[str, asyncio.Queue[str]] = {}
        self._workers: list[asyncio.Task[None]] = []
        self._known: set[str] = set()
        self._hurried: dict[str, str] = {}
        """Mails at work that are to be looked at again right after, and the lane for that."""
        self._clocks: dict[str, tuple[asyncio.TimerHandle, str]] = {}
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    @property
    def waiting(self) -> int:
        """How many mails are on a lane or on the clock."""
        return len(self._known)

    def offer(self, lane: str, send_id: str) -> None:
        """Put a mail on its lane, unless it is on one or on the clock."""
        if send_id in self._known or self._stopping:
            return
        self._known.add(send_id)
        self._queue(lane).put_nowait(send_id)

    def hurry_one(self, lane: str, send_id: str) -> None:
        """Try a mail now, on that lane, whatever it waits for: something about it changed."""
        clock = self._clocks.get(send_id)
        if clock is not None:
            clock[0].cancel()
            self._ring(lane, send_id)
        elif send_id in self._known:
            self._hurried[send_id] = lane
        else:
            self.offer(lane, send_id)

    def hurry(self) -> None:
        """Try everything on the clock now: the configuration changed."""
        for send_id, (handle, lane) in list(self._clocks.items()):
            handle.cancel()
            self._ring(lane, send_id)

    async def stop(self, *, seconds: float) -> None:
        """Let running attempts finish; what waits is in the ledger."""
        self._stopping = True
        for handle, _ in self._clocks.values():
            handle.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)
        await end_tasks(self._workers)

    def _queue(self, lane: str) -> asyncio.Queue[str]:
        if lane not in self._queues:
            queue = self._queues[lane] = asyncio.Queue()
            self._workers += [
                asyncio.create_task(self._serve(lane, queue)) for _ in range(self._width)
            ]
        return self._queues[lane]

    async def _serve(self, lane: str, queue: asyncio.Queue[str]) -> None:
        # The flag, because a driver may swallow the cancellation.
        while not self._stopping:
            send_id = await queue.get()
            if self._stopping:
                return
            self._busy += 1
            self._idle.clear()
            try:
                again = await self._work(send_id)
            except TemporaryError as error:
                log.warning(
                    "attempt_waits", send_id=send_id, error=f"{type(error).__name__}: {error}"
                )
                again = self._now() + _AGAIN_AFTER_OUTAGE
            except Exception:
                log.exception("attempt_failed", send_id=send_id)
                again = self._now() + timedelta(minutes=5)
            finally:
                self._busy -= 1
                if not self._busy:
                    self._idle.set()
            self._after(lane, send_id, again)

    def _after(self, lane: str, send_id: str, again: datetime | None) -> None:
        hurried = self._hurried.pop(send_id, None)
        if hurried is not None:
            self._ring(hurried, send_id)
            return
        if again is None:
            self._known.discard(send_id)
            return
        seconds = max(0.05, (again - self._now()).total_seconds())
        loop = asyncio.get_running_loop()
        self._clocks[send_id] = (loop.call_later(seconds, self._ring, lane, send_id), lane)

    def _ring(self, lane: str, send_id: str) -> None:
        self._clocks.pop(send_id, None)
        self._known.discard(send_id)
        self.offer(lane, send_id)
