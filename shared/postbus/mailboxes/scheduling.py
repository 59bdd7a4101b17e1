"""Lets tasks take turns, as `domain.turns` says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postbus.mailboxes.turns import Kind, Turns


class Scheduler:
    """One for a process."""

    def __init__(self, *, places: int, backlog_places: int) -> None:
        self._turns: Turns[asyncio.Future[None]] = Turns(places, backlog_places)

    @asynccontextmanager
    async def turn(self, kind: Kind) -> AsyncIterator[None]:
        """Waits for a turn, and has it until the block is left."""
        mine = asyncio.get_running_loop().create_future()
        self._turns.stand_in_line(mine, kind)
        self._let_in()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.cancelled():
                self._turns.leave(mine, kind)
            else:
                self._end(kind)
            raise
        try:
            yield
        finally:
            self._end(kind)

    def _end(self, kind: Kind) -> None:
        self._turns.done(kind)
        self._let_in()

    def _let_in(self) -> None:
        while (found := self._turns.next()) is not None:
            who, kind = found
            if who.cancelled():
                self._turns.done(kind)
            else:
                who.set_result(None)
