"""Mends, in the background, what a crash or another hand has left: the filter and the audit."""

import asyncio
from contextlib import suppress

import structlog

from config_service.resources.audit import AuditTrail
from config_service.resources.own_addresses import OwnAddresses
from postbus.errors import TemporaryError

EVERY_SECONDS = 30.0
AGAIN_SECONDS = 2.0
log = structlog.get_logger("config.upkeep")


class Upkeep:
    """Runs when the configuration has changed, and now and then without that."""

    def __init__(self, own_addresses: OwnAddresses, trail: AuditTrail) -> None:
        self._own_addresses = own_addresses
        self._trail = trail
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def wake(self) -> None:
        """The configuration has changed."""
        self._changed.set()

    def start(self) -> None:
        """Begin; safe to call again."""
        if self._task is None:
            self._stopping = False
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop between two rounds or in the middle of one: the next start mends the rest."""
        task, self._task = self._task, None
        if task is not None:
            # wait_for in a driver swallows a cancellation that comes with its answer (Python 3.11).
            self._stopping = True
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def once(self) -> None:
        """One round; BusUnavailable."""
        mended = await self._own_addresses.mend()
        if mended:
            log.warning("filter_mended", entries=mended)
        await self._trail.catch_up()

    async def _run(self) -> None:
        wait_seconds = EVERY_SECONDS
        while not self._stopping:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._changed.wait()
            self._changed.clear()
            try:
                await self.once()
                wait_seconds = EVERY_SECONDS
            except TemporaryError as error:
                log.warning("upkeep_waits", error=type(error).__name__)
                wait_seconds = AGAIN_SECONDS
            except Exception:
                log.exception("upkeep_failed")
                wait_seconds = EVERY_SECONDS
