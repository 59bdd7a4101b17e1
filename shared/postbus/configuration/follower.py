"""Keeps a configuration snapshot up to date.

A watch is a hint and not the truth: it is blind for a while after a server restart. So the bucket
is read whole at start, after every reconnect, and regularly; the watch makes it fast in between.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic

import structlog

from postbus.configuration.documents import Kept, Unreadable, read_value
from postbus.configuration.ports import ConfigurationBus, KvEntry, ReadableBucket
from postbus.configuration.snapshot import Configuration
from postbus.contracts.base import Contract
from postbus.errors import BusUnavailable, TemporaryError

BUCKET = "postbus-config"
REREAD_SECONDS = 30.0
_GATHER_SECONDS = 0.01
"""Changes that come within this time make one new snapshot."""
_STALE_AFTER_READS = 4

log = structlog.get_logger("postbus.configuration")


class Follower:
    """The newest snapshot, and who wants to know when it changes."""

    def __init__(
        self, *, reread_seconds: float = REREAD_SECONDS, clock: Callable[[], float] = monotonic
    ) -> None:
        self._reread_seconds = reread_seconds
        self._clock = clock
        self._bucket: ReadableBucket | None = None
        self._stop_watch: Callable[[], Awaitable[None]] | None = None
        self._rereading: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()
        self._entries: dict[str, _Read] = {}
        self._arrived: dict[str, KvEntry] = {}
        self._current: Configuration | None = None
        self._stale = False
        self._announcing: asyncio.TimerHandle | None = None
        self._read_at: float | None = None
        self._callbacks: list[Callable[[Configuration], None]] = []
        self._hooked = False

    async def start(self, bus: ConfigurationBus) -> None:
        """Read the bucket and follow it; BusUnavailable, after which it may be called again."""
        if not self._hooked:
            bus.on_reconnect(self.refresh)
            self._hooked = True
        self._bucket = await bus.bucket(BUCKET)
        await self._watch()
        await self.refresh()
        if self._rereading is None:
            self._rereading = asyncio.create_task(self._reread())

    async def stop(self) -> None:
        """Follow no longer; the last snapshot stays."""
        if self._announcing is not None:
            self._announcing.cancel()
        task, self._rereading = self._rereading, None
        if task is not None:
            # wait_for in a driver swallows a cancellation that comes with its answer (Python 3.11),
            # so the task also looks whether it is still wanted.
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._unwatch()

    @property
    def current(self) -> Configuration:
        """The newest snapshot; BusUnavailable before the first was read."""
        if self._current is None:
            raise BusUnavailable("the configuration was not read yet")
        if self._stale:
            self._current = self._build()
            self._stale = False
        return self._current

    @property
    def age_seconds(self) -> float | None:
        """How long ago the bucket was last read whole; None before the first time."""
        return None if self._read_at is None else self._clock() - self._read_at

    def on_change(self, callback: Callable[[Configuration], None]) -> None:
        """Call with every new snapshot, the first included; it must not block."""
        self._callbacks.append(callback)

    async def refresh(self) -> None:
        """Read the bucket whole, now; BusUnavailable."""
        await self._read_whole()

    async def ready_problems(self) -> list[str]:
        """What is wrong with the snapshot; empty when it is there and young enough."""
        age_seconds = self.age_seconds
        if age_seconds is None:
            return ["configuration: not read yet"]
        if age_seconds > self._reread_seconds * _STALE_AFTER_READS:
            return [f"configuration: last read {age_seconds:.0f} s ago"]
        return []

    async def _watch(self) -> None:
        await self._unwatch()
        if self._bucket is not None:
            self._stop_watch = await self._bucket.follow(self._on_entry)

    async def _unwatch(self) -> None:
        stop, self._stop_watch = self._stop_watch, None
        if stop is not None:
            await stop()

    async def _reread(self) -> None:
        while self._rereading is not None:
            await asyncio.sleep(self._reread_seconds)
            try:
                if await self._read_whole():
                    # The watch should have told: it is blind, so open another.
                    log.warning("configuration_watch_missed_changes")
                    await self._watch()
            except TemporaryError as error:
                log.warning("configuration_not_reread", error=type(error).__name__)

    async def _read_whole(self) -> bool:
        """Read all entries; whether that brought anything new."""
        async with self._reading:
            if self._bucket is None:
                raise BusUnavailable("the configuration is not followed yet")
            self._arrived = {}
            found: dict[str, KvEntry] = dict(await self._bucket.all())
            for key, entry in self._arrived.items():  # told while the reading was under way
                if key not in found or entry.revision > found[key].revision:
                    found[key] = entry
            live = {key: entry for key, entry in found.items() if entry.operation == "PUT"}
            gone = self._entries.keys() - live.keys()
            for key in gone:
                del self._entries[key]
            news = [self._take(entry) for entry in live.values()]
            self._read_at = self._clock()
            changed = bool(gone) or any(news)
            if changed or self._current is None:
                self._renew()
            return changed

    def _on_entry(self, entry: KvEntry) -> None:
        self._arrived[entry.key] = entry
        if entry.operation == "PUT":
            changed = self._take(entry)
        else:
            known = self._entries.get(entry.key)
            changed = known is not None and known.revision < entry.revision
            if changed:
                del self._entries[entry.key]
        if changed and self._current is not None:
            self._renew()

    def _take(self, entry: KvEntry) -> bool:
        """Keep what an entry says; whether that was news."""
        known = self._entries.get(entry.key)
        if known is not None and known.revision >= entry.revision:
            return False
        read = read_value(entry.key, entry.value, entry.revision)
        content = read.content() if isinstance(read, Kept) else read
        if isinstance(content, Unreadable):
            log.error("configuration_unreadable", key=content.key, problem=content.problem)
            content = None
        self._entries[entry.key] = _Read(entry.revision, content, counts=read is not None)
        return read is not None

    def _renew(self) -> None:
        if self._current is None:
            self._current = self._build()
        else:
            self._stale = True
        if self._announcing is None:
            loop = asyncio.get_running_loop()
            self._announcing = loop.call_later(_GATHER_SECONDS, self._announce)

    def _announce(self) -> None:
        self._announcing = None
        snapshot = self.current
        for callback in self._callbacks:
            try:
                callback(snapshot)
            except Exception:
                log.exception("configuration_callback_failed")

    def _build(self) -> Configuration:
        contents = [read.content for read in self._entries.values() if read.content is not None]
        revision = max((read.revision for read in self._entries.values() if read.counts), default=0)
        return Configuration.of(contents, revision)


class _Read:
    """What is remembered of an entry, so that a change costs one validation and not all."""

    __slots__ = ("content", "counts", "revision")

    def __init__(self, revision: int, content: Contract | None, *, counts: bool) -> None:
        self.revision = revision
        self.content = content
        self.counts = counts
