"""`postbus import`: mail from before, out of files or a mailbox, onto tickets of a queue."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import typer

from postbus.bus.topology import CURSORS_BUCKET, IMPORTS
from postbus.contracts.base import utc_now
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mail import OpenAs, Route
from postbus.intake import As, Intake
from postbus.reading import MailReader
from postbus_cli.adapters.archive import Archive
from postbus_cli.adapters.connected import Connected, connected
from postbus_cli.adapters.journals import Journals
from postbus_cli.adapters.measured import OnlyMeasured
from postbus_cli.adapters.pacing import Pacing
from postbus_cli.adapters.places import find_places
from postbus_cli.commands.rereading import stamper_of
from postbus_cli.commands.telling import Counting, Telling
from postbus_cli.domain.came import came_at, written_at
from postbus_cli.domain.importing import Journal, Lying, Position, Progress, Source
from postbus_cli.exits import Cannot, Exit
from postbus_cli.settings import CliSettings
from postbus_cli.shown.importing import Printer

_KEEP_JOURNAL_SECONDS = 1.0
DOOR = "import"


@dataclass(frozen=True)
class Asked:
    """Where the mails go, and how far this run goes."""

    queue: str
    status: OpenAs = OpenAs.CLOSED
    is_dry: bool = False
    is_sure: bool = False
    from_start: bool = False


def import_mails(
    asked: Asked, opened: Callable[[], Source], settings: CliSettings, printer: Printer
) -> Exit:
    """Import, and say what became of it; ``opened`` gives the source and is called once.

    Raises:
        Cannot: what is needed is away, or it is not known where it is.
    """
    with suppress(KeyboardInterrupt):
        return asyncio.run(_import(asked, opened, settings, printer))
    return Exit.STOPPED


async def _import(
    asked: Asked, opened: Callable[[], Source], settings: CliSettings, printer: Printer
) -> Exit:
    places = find_places(settings)
    stamper = stamper_of(settings.tenant, places.stamp_keys_file)
    if stamper is None and not asked.is_dry:
        raise Cannot("nothing is imported without STAMP_KEYS_FILE: an answer to a mail of ours "
                     "would not be known as one")  # fmt: skip
    reader = MailReader(settings.reading_limits)
    async with connected(places) as around:
        channel = _queue(around, asked.queue)
        source = await asyncio.to_thread(opened)
        try:
            bucket = await around.bus.bucket(CURSORS_BUCKET)
            journals = Journals(bucket, source.name, channel.id)
            progress = Progress(source.name, channel.id, asked.status, is_dry=asked.is_dry)
            run = _Run(asked, source, journals, printer, progress)
            with printer.working("Looking which mails are there already"):
                await run.find_begin()
                known = await Archive(around.bus).known(channel.id)
            counting = Counting(known, progress.counts)
            telling = Telling(counting, around.bus, Pacing(around.bus, printer.say))
            intake = Intake(
                blobs=OnlyMeasured() if asked.is_dry else around.blobs,
                telling=counting if asked.is_dry else telling,
                read=reader.read,
                find_stamps=stamper.find if stamper else lambda _: [],
                own_addresses=around.configuration.own_addresses,
            )
            return await run.go(intake, channel, around, at_once=settings.read_processes + 2)
        finally:
            await asyncio.to_thread(source.close)


def _queue(around: Connected, queue: str) -> InboundChannel:
    channel = around.configuration.inbound(queue)
    if channel is None:
        raise Cannot(f"there is no queue {queue}; a queue is an inbound channel")
    return channel


class _Run:
    """One run of an import."""

    def __init__(
        self,
        asked: Asked,
        source: Source,
        journals: Journals,
        printer: Printer,
        progress: Progress,
    ) -> None:
        self._asked = asked
        self._source = source
        self._journals = journals
        self._printer = printer
        self._progress = progress
        self._position: Position = {}
        self._kept_at = time.monotonic()

    async def find_begin(self) -> None:
        """Go on where the last run stopped, where the source is the same as then."""
        journal = await self._journals.read()
        if journal is None or not journal.position or self._asked.from_start:
            return
        if await asyncio.to_thread(self._source.can_go_on, journal.position):
            self._position = journal.position
            self._progress.before = journal.read
        else:
            self._printer.say("The source is not what it was, so all of it is read again.")

    async def go(
        self, intake: Intake, channel: InboundChannel, around: Connected, *, at_once: int
    ) -> Exit:
        """Read to the end; what is told and what the journal says stay in step."""
        total = await asyncio.to_thread(self._source.total, self._position)
        self._printer.begin(self._progress, total)
        asks = total and not self._asked.is_dry and not self._asked.is_sure
        if asks and not typer.confirm("Import them?", err=True):
            return Exit.DONE
        began, counts = time.monotonic(), self._progress.counts
        try:
            with self._printer.progress(self._progress, total) as step:
                async for lying in self._taken(intake, channel, at_once):
                    counts.read += 1
                    counts.unreadable += bool(lying.error)
                    self._position = lying.position
                    step(lying.steps)
                    await self._keep_journal()
            self._progress.finished = True
            if not self._asked.is_dry:
                self._progress.waiting = await around.bus.backlog(IMPORTS)
        finally:
            # Also when somebody stops it: the next run goes on behind what was told.
            self._progress.seconds = time.monotonic() - began
            try:
                await self._keep_journal(now=True)
            finally:
                self._printer.summary(self._progress)
        return Exit.NOT_ALL if counts.unreadable or counts.held else Exit.DONE

    async def _taken(
        self, intake: Intake, channel: InboundChannel, at_once: int
    ) -> AsyncIterator[Lying]:
        """The mails in order, each once it is told; some are read at a time."""
        mails = self._source.mails(self._position)
        under_way: deque[asyncio.Task[Lying]] = deque()
        try:
            while (lying := await asyncio.to_thread(_next, mails)) is not None:
                under_way.append(asyncio.create_task(self._take(lying, intake, channel)))
                if len(under_way) >= at_once:
                    yield await under_way.popleft()
            while under_way:
                yield await under_way.popleft()
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _take(self, lying: Lying, intake: Intake, channel: InboundChannel) -> Lying:
        if lying.error:
            self._printer.unreadable(lying)
            return lying
        came = came_at(
            lying.came_at, written_at(lying.raw), now=utc_now(), copied=self._source.copied
        )
        route = Route(door=DOOR, received_at=came)
        taken = await intake.take(
            lying.raw, [(channel, route)], told_as=As.IMPORTED, open_as=self._asked.status
        )
        if taken.outcomes[channel.id] == "held":
            self._printer.held(lying, taken.mail_id)
        return lying

    async def _keep_journal(self, *, now: bool = False) -> None:
        is_time = time.monotonic() - self._kept_at >= _KEEP_JOURNAL_SECONDS
        if self._asked.is_dry or not (now or is_time):
            return
        self._kept_at = time.monotonic()
        progress = self._progress
        await self._journals.write(
            Journal(
                source=progress.source,
                queue=progress.queue,
                position=dict(self._position),
                read=progress.before + progress.counts.read,
                finished=progress.finished,
                at=utc_now(),
            )
        )


def _next(mails: Iterator[Lying]) -> Lying | None:
    return next(mails, None)
