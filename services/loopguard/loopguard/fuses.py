"""Counts repeated automatic mail by channel; far too much of it opens the fuse (L17)."""

from datetime import timedelta

from loopguard.changing import changed
from loopguard.domain.facts import Facts
from loopguard.domain.fuse import should_open
from loopguard.domain.memory import Repeats
from loopguard.surroundings import EVERYTHING, Surroundings, fuse_of
from postbus.contracts.guard import Alarm, JudgeRequest
from postbus.errors import StateConflict

RESTS = timedelta(hours=1)
_KEPT_FOR = timedelta(days=8)


class Fuses:
    """One for each outbound channel, and one for all of them."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def count(self, request: JudgeRequest, facts: Facts) -> None:
        """One more repeat, allowed just now. BusUnavailable."""
        for channel in (request.outbound_channel, EVERYTHING):
            repeats = await self._with_one(fuse_of(channel), facts)
            why = should_open(repeats, facts.limits, facts.now)
            if why is None:
                continue
            alarm = Alarm(what="fuse", about=channel, until=facts.now + RESTS, evidence=why)
            await self._around.alarms.raise_(fuse_of(channel), alarm, now=facts.now)

    async def _with_one(self, name: str, facts: Facts) -> Repeats:
        shelf = self._around.memories.repeats
        try:
            repeats = await changed(
                shelf, name, lambda known: known.with_one(facts.now), lasts=lambda _: _KEPT_FOR
            )
        except StateConflict:
            repeats = None
        # Others were faster each time: they counted, and look at the fuse, too.
        return repeats or (await shelf.read(name)).value
