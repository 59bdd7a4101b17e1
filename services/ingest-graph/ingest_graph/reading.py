"""Reads one folder of one mailbox, for as long as it is this replica's."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog

from ingest_graph.domain.cursor import from_the_beginning, gone_on, to_ask_again
from ingest_graph.domain.hints import Hint, folder_key
from ingest_graph.fetching import Fetching
from ingest_graph.importing import Importing
from ingest_graph.missing import Missing
from ingest_graph.ports import Brief, KeptCursor, Mailbox, ResyncNeeded
from ingest_graph.subscribing import Subscribing
from ingest_graph.surroundings import Surroundings
from ingest_graph.taking_up import take_up
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mailboxes import ChannelState
from postbus.errors import BusUnavailable
from postbus.mailboxes.health import Seen
from postbus.mailboxes.ports import Lease
from postbus.mailboxes.reading import PatientReader
from postbus.mailboxes.turns import Kind

log = structlog.get_logger("ingest_graph")
_BATCH: Final = 25
_OPENED_FOR: Final = timedelta(hours=1)
"""Then the sign-in is read anew, and with it when it ends."""
_YOUNG: Final = timedelta(minutes=10)
"""Of older mail that is new in a folder ticketing is asked: it may have lain here before."""


class FolderReader(PatientReader):
    """One for each folder that is read."""

    def __init__(
        self, around: Surroundings, channel: InboundChannel, folder: str, lease: Lease
    ) -> None:
        super().__init__(around.board, channel.id, folder, lease, around.spread)
        self._around = around
        self._given = channel
        self._missing = Missing(around.ticketing, channel.id, folder)
        self._fetching = Fetching(around, self._missing, channel.id, folder)
        self._importing = Importing(around, self._fetching, self._missing, channel.id)
        self._subscribing = Subscribing(around, channel.id, folder)
        self._hinted = asyncio.Event()

    def hint(self) -> None:
        """Graph says that there is something to know of the folder."""
        self._hinted.set()

    @property
    def _channel(self) -> InboundChannel:
        """As it is configured now; it was this when we began."""
        return self._around.channel(self._id) or self._given

    async def _read(self) -> None:
        mailbox = await self._around.open(self._channel)
        opened_at = self._around.now()
        kept = await take_up(self._around, mailbox, self._channel, self._folder)
        while True:
            self._hinted.clear()
            if self._around.now() - opened_at > _OPENED_FOR:
                mailbox, opened_at = await self._around.open(self._channel), self._around.now()
            kept = await self._news(mailbox, kept)
            kept = await self._work_off_hints(mailbox, kept)
            kept = await self._importing.some(mailbox, self._channel, kept)
            kept = await self._fetching.tidy(mailbox, self._channel, kept)
            told = await self._subscribing.keep(mailbox, kept.cursor.folder_id)
            self._well()
            if self._importing.rests(self._channel, kept.cursor):
                await self._wait(told=told)
            if self._look.is_set():
                self._look.clear()
                kept = await self._compare(mailbox, kept)

    def _well(self) -> None:
        self._failures = 0
        well = Seen(ChannelState.CONNECTED)
        self._board.seen(self._id, self._folder, self._fetching.trouble or well)

    async def _wait(self, *, told: bool) -> None:
        """Until there is a hint, somebody wants a look, or for as long as we do without."""
        limits = self._around.limits
        seconds = limits.sweep_seconds if told else limits.poll_seconds
        waiting = [asyncio.ensure_future(one.wait()) for one in (self._hinted, self._look)]
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
                with suppress(asyncio.CancelledError):
                    await one
        await self._until_good()

    async def _work_off_hints(self, mailbox: Mailbox, kept: KeptCursor) -> KeptCursor:
        """What Graph said about the subscription; news are looked for in any case."""
        if self._around.hooks_url is None:
            return kept
        key = folder_key(self._folder)
        for hint, revision in (await self._around.hints.pending(self._id, key)).items():
            log.info("hint", channel=self._id, hint=hint)
            if hint is Hint.MISSED:
                kept = await self._compare(mailbox, kept)
            elif hint is Hint.REMOVED:
                await self._subscribing.forget()
            elif hint is Hint.REAUTHORIZE:
                await self._subscribing.reauthorize(mailbox)
            await self._around.hints.done(self._id, key, hint, revision)
        return kept

    async def _news(self, mailbox: Mailbox, kept: KeptCursor) -> KeptCursor:
        """Follow the links until there is nothing new."""
        while True:
            await self._until_good()
            cursor = kept.cursor
            try:
                page = await mailbox.news(cursor.folder_id, cursor.link)
            except ResyncNeeded:
                log.warning("delta_reset", channel=self._id)
                self._around.metrics.resyncs.inc()
                kept = await self._fetching.put(kept, from_the_beginning(cursor))
                continue
            kept = await self._take(mailbox, kept, await self._to_fetch(kept, page.briefs))
            if page.link != kept.cursor.link or not kept.cursor.in_step:
                cursor = gone_on(kept.cursor, page.link, is_last=page.is_last)
                kept = await self._fetching.put(kept, cursor)
            self._failures = 0
            if page.is_last:
                return kept

    async def _to_fetch(self, kept: KeptCursor, briefs: Sequence[Brief]) -> list[Brief]:
        """Of a page: all that is new; while a folder is gone through, what of today is missing."""
        cursor = kept.cursor
        if not cursor.in_step:
            of_today = [one for one in briefs if one.arrived_at >= cursor.of_today]
            if cursor.again:
                return await self._missing.of(cursor, of_today)
            return self._missing.unknown(cursor, of_today)
        unknown = self._missing.unknown(cursor, briefs)
        young_from = self._around.now() - _YOUNG
        old = [one for one in unknown if one.arrived_at < young_from]
        if not old:
            return unknown
        try:
            missing = {one.id for one in await self._missing.of(cursor, old)}
        except BusUnavailable:
            return unknown  # a mail that is told again is one fact, and must not wait
        return [one for one in unknown if one.arrived_at >= young_from or one.id in missing]

    async def _take(
        self, mailbox: Mailbox, kept: KeptCursor, briefs: Sequence[Brief]
    ) -> KeptCursor:
        for at in range(0, len(briefs), _BATCH):
            some = briefs[at : at + _BATCH]
            await self._until_good()
            before = self._fetching.taken
            try:
                async with self._around.scheduler.turn(Kind.LIVE):
                    kept = await self._fetching.take(mailbox, self._channel, kept, some)
            finally:
                if self._fetching.taken > before:
                    self._failures = 0
        return kept

    async def _compare(self, mailbox: Mailbox, kept: KeptCursor) -> KeptCursor:
        """Find what of today lies there and is on no ticket, however it was missed."""
        self._missing.forget()
        of_today: datetime = kept.cursor.of_today
        async for briefs in mailbox.listed(kept.cursor.folder_id, since=of_today):
            kept = await self._take(mailbox, kept, await self._missing.of(kept.cursor, briefs))
        again = [Brief(id_, self._around.now()) for id_ in to_ask_again(kept.cursor)]
        for brief in again:
            kept = await self._fetching.take(mailbox, self._channel, kept, [brief])
        return kept
