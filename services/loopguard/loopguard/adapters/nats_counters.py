"""The counters in the KV bucket `postbus-guard`, one key per correspondent, with a time to live."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from loopguard.domain.windows import LONGEST, Send
from loopguard.ports import Count
from postbus.bus import Bucket, Bus
from postbus.bus.topology import GUARD_BUCKET
from postbus.errors import BusUnavailable, PermanentError, StateConflict, TemporaryError

LIFE = LONGEST + timedelta(hours=1)
"""How long a counter is kept after the last mail was counted."""


@dataclass(frozen=True)
class _Kept:
    """One allowed mail, as it is written: `{"send_id": …, "at": …}`."""

    send_id: str
    at: AwareDatetime


_HISTORY = TypeAdapter(tuple[_Kept, ...])


class NatsCounters:
    """The port `Counters`: compare-and-set on NATS, so that replicas never count over each other.

    `bus` must be connected before `open`; `life` is how long an untouched counter lasts.
    """

    def __init__(self, bus: Bus, *, life: timedelta = LIFE) -> None:
        self._bus = bus
        self._life_seconds = int(life.total_seconds())
        self._bucket: Bucket | None = None

    async def open(self) -> None:
        """Find the bucket; BusUnavailable."""
        self._bucket = await self._bus.bucket(GUARD_BUCKET)

    async def read(self, correspondent: str) -> Count:
        """One get."""
        entry = await self._opened.get(key_of(correspondent))
        if entry is None:
            return Count(correspondent)
        try:
            kept = _HISTORY.validate_json(entry.value)
        except ValidationError as error:
            raise PermanentError(f"{entry.key} cannot be read") from error
        sends = tuple(Send(one.send_id, one.at) for one in kept)
        return Count(correspondent, sends, entry.revision)

    async def keep(self, count: Count, sends: tuple[Send, ...]) -> bool:
        """One update, conditional on the revision that was read."""
        key = key_of(count.correspondent)
        value = _HISTORY.dump_json(tuple(_Kept(send.send_id, send.at) for send in sends))
        bucket, seconds = self._opened, self._life_seconds
        try:
            if count.revision is None:
                await bucket.create(key, value, ttl_seconds=seconds)
            else:
                await bucket.update(key, value, revision=count.revision, ttl_seconds=seconds)
        except StateConflict:
            return False
        return True

    async def ready_problems(self) -> list[str]:
        """What keeps the counters from being read; empty when all is well."""
        try:
            await self._opened.get("sent.ready")
        except TemporaryError as error:
            return [f"counters: {error}"]
        return []

    @property
    def _opened(self) -> Bucket:
        if self._bucket is None:
            raise BusUnavailable("the counters are not open yet")
        return self._bucket


def key_of(correspondent: str) -> str:
    """The key of a correspondent: hashed, because an address is no KV key and nobody's business."""
    return f"sent.{hashlib.sha256(correspondent.encode()).hexdigest()[:32]}"
