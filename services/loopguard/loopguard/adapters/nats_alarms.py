"""Alarms in the KV bucket `postbus-guard`, held in memory and followed.

They are few and change seldom, and every verdict looks at some, so a read for each would cost more
than it finds. A watch is a hint: the alarms are read whole at start, after a reconnect and every
thirty seconds.
"""

import math
from collections.abc import Awaitable, Callable
from datetime import datetime

from pydantic import ValidationError

from postbus.bus import Bucket, Bus
from postbus.bus.buckets import Entry
from postbus.bus.topology import GUARD_BUCKET
from postbus.contracts.guard import Alarm
from postbus.errors import BusUnavailable
from postbus.runtime.logging import get_logger
from postbus.runtime.rounds import Rounds

log = get_logger("loopguard")

_PREFIX = "alarm."
REREAD_SECONDS = 30.0


class NatsAlarms:
    """The port `Alarms`; `bus` must be connected before `start`."""

    def __init__(self, bus: Bus, *, reread_seconds: float = REREAD_SECONDS) -> None:
        self._bus = bus
        self._bucket: Bucket | None = None
        self._known: dict[str, tuple[int, Alarm]] = {}
        self._read = False
        self._stop_following: Callable[[], Awaitable[None]] | None = None
        self._rereading = Rounds(self.refresh, name="alarms", seconds=reread_seconds)
        bus.on_reconnect(self.refresh)

    async def start(self) -> None:
        """Read them and follow; BusUnavailable, after which it may be called again."""
        self._bucket = await self._bus.bucket(GUARD_BUCKET)
        if self._stop_following is None:
            self._stop_following = await self._bucket.follow(self._on_entry)
        await self.refresh()
        self._rereading.start()

    async def stop(self) -> None:
        """Follow no longer."""
        await self._rereading.stop()
        if self._stop_following is not None:
            await self._stop_following()

    async def refresh(self) -> None:
        """Read them whole, now; BusUnavailable."""
        begun = {name: revision for name, (revision, _) in self._known.items()}
        found = await self._opened.all(_PREFIX)
        for entry in found.values():
            self._on_entry(entry)
        for name, revision in begun.items():
            if _PREFIX + name not in found and self._known.get(name, (0,))[0] == revision:
                self._known.pop(name, None)
        self._read = True

    def standing(self, name: str, now: datetime) -> Alarm | None:
        """From memory."""
        if not self._read:
            raise BusUnavailable("the alarms were not read yet")
        known = self._known.get(name)
        return known[1] if known is not None and known[1].until > now else None

    def all(self, now: datetime) -> tuple[Alarm, ...]:
        """From memory, in the order of their names."""
        if not self._read:
            raise BusUnavailable("the alarms were not read yet")
        standing = (self._known[name][1] for name in sorted(self._known))
        return tuple(alarm for alarm in standing if alarm.until > now)

    async def raise_(self, name: str, alarm: Alarm, *, now: datetime) -> None:
        """One write, whatever is there: what is raised twice at once says the same."""
        known = self.standing(name, now)
        if known is not None and known.until >= alarm.until:
            return
        lasts = max(1, math.ceil((alarm.until - now).total_seconds()))
        revision = await self._opened.put(
            _PREFIX + name, alarm.model_dump_json().encode(), ttl_seconds=lasts
        )
        self._known[name] = (revision, alarm)
        log.warning("alarm_raised", what=alarm.what, until=alarm.until.isoformat())

    async def lift(self, name: str) -> bool:
        """Purge the key."""
        if await self._opened.get(_PREFIX + name) is None:
            self._known.pop(name, None)
            return False
        await self._opened.purge(_PREFIX + name)
        self._known.pop(name, None)
        return True

    def _on_entry(self, entry: Entry) -> None:
        if not entry.key.startswith(_PREFIX):
            return
        name = entry.key.removeprefix(_PREFIX)
        if entry.revision < self._known.get(name, (0,))[0]:
            return
        if entry.operation != "PUT":
            self._known.pop(name, None)
            return
        try:
            self._known[name] = (entry.revision, Alarm.model_validate_json(entry.value))
        except ValidationError:
            log.error("alarm_unreadable", key=entry.key)  # noqa: TRY400 - a traceback quotes it

    @property
    def _opened(self) -> Bucket:
        if self._bucket is None:
            raise BusUnavailable("the alarms are not open yet")
        return self._bucket
