"""Keeps what others can read of the health of outbound channels; never in the way of a mail."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from dispatch.domain.health import CONNECTED, Seen, after, fact_of, is_worth_writing, seen_in
from dispatch.surroundings import Around
from postbus.contracts.mailboxes import KnownHealth
from postbus.errors import PostbusError

log = structlog.get_logger("dispatch")

_BELIEVE = timedelta(seconds=10)
"""How long the health that was read is believed; other replicas write it, too."""


@dataclass(frozen=True)
class _Believed:
    health: KnownHealth | None
    read_at: datetime


class Watching:
    """What attempts saw of their channels."""

    def __init__(self, around: Around) -> None:
        self._a = around
        self._believed: dict[str, _Believed] = {}
        self._one_at_a_time: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def saw(self, channel: str, error: Exception | None) -> None:
        """An attempt on the channel ended so: None when the mail was taken. It raises nothing."""
        seen = CONNECTED if error is None else seen_in(error)
        if seen is None:
            return
        try:
            async with self._one_at_a_time[channel]:
                await self._note(channel, seen)
        except PostbusError as trouble:
            self._believed.pop(channel, None)
            log.warning("health_not_noted", outbound=channel, error=type(trouble).__name__)

    async def _note(self, channel: str, seen: Seen) -> None:
        now = self._a.now()
        believed = self._believed.get(channel)
        if believed is not None and now - believed.read_at < _BELIEVE:
            news = after(believed.health, seen, channel=channel, now=now)
            if not is_worth_writing(believed.health, news):
                return
        kept = await self._a.healths.read(channel)
        health = after(kept.health, seen, channel=channel, now=now)
        if not is_worth_writing(kept.health, health):
            self._believed[channel] = _Believed(kept.health, now)
            return
        fact = fact_of(kept.health, health)
        if fact is not None:
            # Told first, under an id of the change: a crash or a rival tells the same fact again.
            await self._a.healths.tell(fact, health, after=kept)
        await self._a.healths.write(kept, health)
        self._believed[channel] = _Believed(health, now)
