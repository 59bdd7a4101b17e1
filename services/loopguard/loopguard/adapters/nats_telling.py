"""Verdicts on their way to the stream, told behind the answer."""

import asyncio
from collections import deque
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter

from postbus.bus import Bus
from postbus.contracts.base import derived_id
from postbus.contracts.guard import Judged
from postbus.errors import BusUnavailable, PermanentError
from postbus.runtime.logging import get_logger
from postbus.runtime.rounds import end_tasks

log = get_logger("loopguard")

MOST_WAITING = 10_000
_AGAIN_SECONDS = 1.0
JUDGED = "postbus.send.judged"


class NatsTelling:
    """The port `Telling`: in order, again while NATS is away, and no more than fits.

    What is lost in a crash, or when there is no room, is lost as an event of its own only: dispatch
    tells the verdict with the outcome of the mail.
    """

    def __init__(self, bus: Bus, registry: CollectorRegistry) -> None:
        self._bus = bus
        self._waiting: deque[Judged] = deque()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._untold = Counter(
            "postbus_guard_untold", "Verdicts that no event was told of", registry=registry
        )

    def start(self) -> None:
        """Begin to tell."""
        if self._task is None:
            self._task = asyncio.create_task(self._tell_all())

    async def stop(self) -> None:
        """Tell what waits, where NATS takes it at once."""
        task, self._task = self._task, None
        if task is None:
            return
        await end_tasks([task])
        with suppress(BusUnavailable):
            while self._waiting:
                await self._tell_first()
        self._untold.inc(len(self._waiting))

    def told(self, judged: Judged) -> None:
        """Soon; the oldest makes room where there is none."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self._untold.inc()
        self._waiting.append(judged)
        self._news.set()

    async def _tell_all(self) -> None:
        # wait_for in a driver may swallow a cancellation that comes with its answer (Python 3.11),
        # so the task also looks whether it is still wanted.
        while self._task is not None:
            await self._news.wait()
            self._news.clear()
            while self._waiting and self._task is not None:
                try:
                    await self._tell_first()
                except BusUnavailable:
                    await asyncio.sleep(_AGAIN_SECONDS)

    async def _tell_first(self) -> None:
        """Tell the one that waits longest; it goes on waiting while NATS is away."""
        judged = self._waiting[0]
        try:
            await self._tell(judged)
        except PermanentError as error:  # too large, e.g. with a novel as evidence
            log.warning("verdict_untold", error=type(error).__name__)
            self._untold.inc()
        if self._waiting and self._waiting[0] is judged:  # it may have had to make room
            self._waiting.popleft()

    async def _tell(self, judged: Judged) -> None:
        question = judged.question
        await self._bus.tell(
            JUDGED,
            question.queue,
            judged,
            event_id=derived_id("judged", question.send_id, question.asked_at.isoformat()),
            about=f"tickets/{question.ticket_number}",
        )
