"""Crosses off what was told: a moment later, and for many tickets in one write.

What a crash or an outage keeps from being crossed off is still with its ticket. The sweep tells it
again, under ids that the stream knows.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from contextvars import Context

import structlog

from postbus.errors import TemporaryError
from ticketing.ports import Filed

log = structlog.get_logger("ticketing")


class CrossingOff:
    """Collects the ids of told facts and writes them at the latest after `after_seconds`."""

    def __init__(
        self, store: Filed, *, after_seconds: float = 0.2, most_tickets: int = 200
    ) -> None:
        self._store = store
        self._after_seconds = after_seconds
        self._most_tickets = most_tickets
        self._told: dict[str, list[str]] = {}
        self._full = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    def add(self, ticket_id: str, event_ids: Sequence[str]) -> None:
        """Cross these off soon."""
        self._told.setdefault(ticket_id, []).extend(event_ids)
        if len(self._told) >= self._most_tickets:
            self._full.set()
        if self._writing is None or self._writing.done():
            # A context of its own: its log lines are not about the message that came first.
            self._writing = asyncio.create_task(self._write(), context=Context())

    async def flush(self) -> None:
        """Write what was collected until now; after StoreUnavailable it is left to the sweep.

        A write that is under way is waited for, so all of it is written when this returns.
        """
        async with self._one_at_a_time:
            told, self._told = self._told, {}
            if told:
                await self._store.told(told)

    async def stop(self) -> None:
        """Write the rest; nothing may be added any more."""
        self._full.set()
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._told:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._after_seconds):
                    await self._full.wait()
            self._full.clear()
            try:
                await self.flush()
            except TemporaryError as error:
                log.warning("crossing_off_left_to_sweep", error=str(error))
            except Exception:
                log.exception("crossing_off_failed")
