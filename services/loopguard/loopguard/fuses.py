"""Counts automatic answers by channel; far too much of it opens the fuse (L17)."""

from collections import Counter
from contextlib import suppress
from datetime import datetime

from loopguard.changing import changed
from loopguard.domain.flow import KEPT_FOR, Flow
from loopguard.domain.fuse import EVERYTHING, opened
from loopguard.surroundings import Surroundings, fuse_of
from postbus.errors import PermanentError, TemporaryError
from postbus.runtime.logging import get_logger
from postbus.runtime.rounds import Rounds

log = get_logger("loopguard")

WRITE_SECONDS = 1.0
MANY = 10
"""So many mails are not kept waiting for the second to end."""


class Fuses:
    """One for each outbound channel, and one for all of them.

    A verdict waits for none of it: mails are counted in memory, and rounds write the counts of all
    replicas into one document a fuse and look whether it opens: each second, and sooner where there
    are many. So it opens a second late at most, and a replica that dies loses no more than that.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._noted: Counter[tuple[str, datetime, bool]] = Counter()
        self._waiting = 0
        self._unwritten: dict[str, Flow] = {}
        self._rounds = Rounds(self.write, name="fuses", seconds=WRITE_SECONDS)

    def start(self) -> None:
        """Begin the rounds."""
        self._rounds.start()

    async def stop(self) -> None:
        """Write what is left, where it can be written at once."""
        await self._rounds.stop()
        with suppress(TemporaryError):
            await self.write()

    def count(self, channel: str, at: datetime, *, repeat: bool) -> None:
        """One more automatic answer was allowed, for the first time."""
        self._noted[channel, at.replace(second=0, microsecond=0), repeat] += 1
        self._waiting += 1
        if self._waiting == MANY:
            self._rounds.wake()

    async def write(self) -> None:
        """Write what was counted, and open what is to be opened.

        What cannot be written is written by the next round. BusUnavailable, StateConflict.
        """
        noted, self._noted, self._waiting = self._noted, Counter(), 0
        for (channel, minute, repeat), count in noted.items():
            for about in (channel, EVERYTHING):
                known = self._unwritten.get(about, Flow())
                more = count if repeat else 0
                self._unwritten[about] = known.with_more(count, minute, repeats=more)
        for about in tuple(self._unwritten):
            await self._write(about)

    async def _write(self, about: str) -> None:
        counted, flow = self._unwritten.pop(about), None
        try:
            flow = await self._added(about, counted)
        finally:
            if flow is None:
                self._unwritten[about] = counted.plus(self._unwritten.get(about, Flow()))
        now, alarms = self._around.now(), self._around.alarms
        alarm = opened(about, flow, self._around.configuration().loop_limits, now)
        if alarm is not None:
            await alarms.raise_(fuse_of(about), alarm, now=now)

    async def _added(self, about: str, counted: Flow) -> Flow:
        flows, name = self._around.memories.flows, fuse_of(about)
        try:
            kept = await changed(
                flows, name, lambda known: known.plus(counted), lasts=lambda _: KEPT_FOR
            )
        except PermanentError:
            # Nobody could count by what cannot be understood; without it the fuse opens sooner.
            log.exception("flow_unreadable", about=about)
            await flows.forget(name)
            return await self._added(about, counted)
        return counted if kept is None else kept
