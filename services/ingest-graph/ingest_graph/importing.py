"""Imports mail from before the mailbox was connected, where that is asked for, in its own turns.

It goes from the newest back, by the time of arrival and not by places in a list, which change while
mails are moved away.
"""

from datetime import timedelta
from typing import Final

from ingest_graph.domain.cursor import Cursor
from ingest_graph.fetching import Fetching
from ingest_graph.missing import Missing
from ingest_graph.ports import KeptCursor, Mailbox
from ingest_graph.surroundings import Surroundings
from postbus.contracts.configuration import History, InboundChannel
from postbus.errors import BusUnavailable
from postbus.mailboxes.turns import Kind

_BATCH: Final = 25
_MOST: Final = 1000
"""The largest page that Graph gives; so many mails that arrived in one second come to their end."""


class Importing:
    """For one folder of one channel."""

    def __init__(
        self, around: Surroundings, fetching: Fetching, missing: Missing, channel: str
    ) -> None:
        self._around = around
        self._fetching = fetching
        self._missing = missing
        self._channel = channel
        self._ticketing_away = False

    def rests(self, channel: InboundChannel, cursor: Cursor) -> bool:
        """Whether nothing is to be imported, or nothing more, or ticketing cannot say what."""
        return self._ticketing_away or self._is_done(channel, cursor)

    @staticmethod
    def _is_done(channel: InboundChannel, cursor: Cursor) -> bool:
        wanted = channel.graph is not None and channel.graph.history is History.ALL
        return cursor.imported or not wanted

    async def some(self, mailbox: Mailbox, channel: InboundChannel, kept: KeptCursor) -> KeptCursor:
        """Import a batch; the cursor knows how far that went. Raises what `Fetching.take` does."""
        cursor = kept.cursor
        if self._is_done(channel, cursor):
            return kept
        until = cursor.imported_until or cursor.of_today - timedelta(seconds=1)
        briefs = await mailbox.older(cursor.folder_id, until=until, at_most=_MOST)
        if not briefs:
            return await self._fetching.put(kept, cursor.model_copy(update={"imported": True}))
        try:
            missing = await self._missing.of(cursor, briefs)
        except BusUnavailable:
            # Mail of today goes on; what is from before can wait until ticketing is back.
            self._ticketing_away = True
            return kept
        self._ticketing_away = False
        # Newest first, so that a crash leaves a clean line between what is and what is to be.
        some = missing[-_BATCH:]
        if some:
            async with self._around.scheduler.turn(Kind.BACKLOG):
                kept = await self._fetching.take(mailbox, channel, kept, some, imported=True)
        if len(missing) > len(some):
            reached = some[0].arrived_at
        else:
            # All of these are on tickets or told: go on behind the oldest.
            reached = min(one.arrived_at for one in briefs) - timedelta(seconds=1)
        update = {"imported_until": min(reached, until)}
        return await self._fetching.put(kept, kept.cursor.model_copy(update=update))
