"""Reads one folder of one mailbox, for as long as it is this replica's."""

import asyncio
from contextlib import suppress
from typing import Final

from ingest_imap.domain.cursor import backlog, live, seen, tidied
from ingest_imap.fetching import Fetching
from ingest_imap.ports import ConnectionLost, KeptCursor, NotGiven, Session
from ingest_imap.surroundings import Surroundings
from ingest_imap.taking_up import TakingUp
from postbus.contracts.configuration import History, InboundChannel
from postbus.contracts.mailboxes import ChannelState
from postbus.errors import MailHostUnavailable
from postbus.mail.uid_sets import UidSet
from postbus.mailboxes.health import Seen
from postbus.mailboxes.ports import Lease
from postbus.mailboxes.reading import PatientReader
from postbus.mailboxes.turns import Kind

_CATCHING_UP: Final = 0.8
"""The part of the day's bytes that mail from before may use."""


class FolderReader(PatientReader):
    """One for each folder that is read."""

    def __init__(
        self, around: Surroundings, channel: InboundChannel, folder: str, lease: Lease
    ) -> None:
        super().__init__(around.board, channel.id, folder, lease, around.spread)
        self._around = around
        self._given = channel
        self._taking_up = TakingUp(around, channel.id, folder)
        self._fetching = Fetching(around, channel.id, folder)
        self._todo = UidSet()
        self._later = UidSet()

    @property
    def _channel(self) -> InboundChannel:
        """As it is configured now; it was this when we began."""
        return self._around.channel(self._id) or self._given

    @property
    def _history(self) -> History:
        imap = self._channel.imap
        return imap.history if imap else History.NONE

    async def _read(self) -> None:
        try:
            await self._read_on()
        except (ConnectionLost, NotGiven) as error:
            self._around.lost.inc()
            raise MailHostUnavailable(str(error), reason="connection-lost") from error

    async def _read_on(self) -> None:
        session = await self._around.connect(self._channel)
        try:
            taken_up = await self._taking_up.take_up(session, self._channel)
            kept = await self._sweep(session, taken_up.kept, taken_up.there, anew=taken_up.anew)
            if not self._todo and not self._later:
                kept = await self._settle(kept, taken_up.modseq)
            while True:
                kept = await self._drain(session, kept)
                self._well()
                kept = await self._wait(session, kept)
        finally:
            await asyncio.shield(session.close())

    def _well(self) -> None:
        self._failures = 0
        waiting = len(self._todo) + len(self._later)
        well = Seen(ChannelState.CONNECTED, waiting=waiting)
        self._around.board.seen(self._id, self._folder, self._fetching.trouble or well)

    async def _sweep(
        self, session: Session, kept: KeptCursor, there: UidSet, *, anew: bool = False
    ) -> KeptCursor:
        """Find everything that is to be done with what lies there, however it was missed."""
        untidied = UidSet.parse(kept.cursor.untidied)
        if untidied - there:
            cursor = tidied(kept.cursor, untidied - there)
            kept = await self._around.cursors.put(
                self._id, self._folder, cursor, revision=kept.revision
            )
        while (after := await self._fetching.tidy(session, self._channel, kept)) is not kept:
            kept = after
        kept = await self._fetching.ask_again(session, self._channel, kept, there)
        new, old = live(kept.cursor, there), backlog(kept.cursor, there, self._history)
        # Comparing a folder that was made anew is a long work that must not hold up others.
        self._todo, self._later = (UidSet(), new | old) if anew else (new, old)
        return kept

    async def _settle(self, kept: KeptCursor, modseq: int | None) -> KeptCursor:
        """Nothing is left to do in the folder as it was opened; the next opening may know that."""
        history = self._history is History.ALL
        if modseq is None or kept.cursor.settled_at == modseq or history or kept.cursor.held:
            return kept
        cursor = kept.cursor.model_copy(update={"settled_at": modseq})
        return await self._around.cursors.put(
            self._id, self._folder, cursor, revision=kept.revision
        )

    async def _drain(self, session: Session, kept: KeptCursor) -> KeptCursor:
        """Fetch what is to be fetched, batch by batch, each in its turn."""
        while self._todo or (self._later and self._may_catch_up(kept)):
            await self._until_good()
            if self._todo:
                self._require_allowance(kept)
            kind = Kind.LIVE if self._todo else Kind.BACKLOG
            async with self._around.scheduler.turn(kind):
                uids = self._fetching.choose(self._todo or self._later)
                kept = await self._fetching.batch(session, self._channel, kept, uids)
                self._todo, self._later = self._todo - uids, self._later - uids
            self._well()
            if kind is Kind.BACKLOG:
                kept = await self._new_mail(session, kept)
        return kept

    async def _new_mail(self, session: Session, kept: KeptCursor) -> KeptCursor:
        found = await session.search(above=kept.cursor.known_to)
        if not found:
            return kept
        self._todo |= found
        return KeptCursor(seen(kept.cursor, found), kept.revision)

    async def _wait(self, session: Session, kept: KeptCursor) -> KeptCursor:
        """Until there is news, for as long as IDLE may last, or until somebody wants a look."""
        limits = self._around.limits
        seconds = limits.idle_seconds if session.can_push else limits.poll_seconds
        waiting = asyncio.ensure_future(session.wait(seconds))
        looking = asyncio.ensure_future(self._look.wait())
        try:
            await asyncio.wait((waiting, looking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            looking.cancel()
            if not waiting.done():
                waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
        await self._until_good()
        if self._look.is_set():
            self._look.clear()
            return await self._sweep(session, kept, await session.search())
        return await self._new_mail(session, kept)

    def _may_catch_up(self, kept: KeptCursor) -> bool:
        """Whether mail from before may be fetched: it leaves some of the day for that of today.

        Meanwhile the folder is watched, and it is asked again after each wait.
        """
        limits, now = self._around.limits, self._around.now().timestamp()
        bytes_for_it = int(limits.daily_bytes * _CATCHING_UP)
        return kept.cursor.allowance.wait_seconds(bytes_for_it, at=now) <= 0

    def _require_allowance(self, kept: KeptCursor) -> None:
        limits, now = self._around.limits, self._around.now().timestamp()
        seconds = kept.cursor.allowance.wait_seconds(limits.daily_bytes, at=now)
        if seconds > 0:
            raise MailHostUnavailable(
                f"{limits.daily_bytes} bytes were fetched within 24 hours",
                reason="bandwidth",
                retry_after_seconds=seconds,
                advice="Fetching goes on by itself when the day is over; the provider would lock "
                "the mailbox for everybody otherwise.",
            )
