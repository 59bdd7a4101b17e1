"""What a provider lets us spend in a window that rolls, counted by tenths in one document.

The window is looked at with one tenth and a tenth more, since a tenth is only partly over, and the
clocks of replicas differ: what is allowed is never exceeded, and sometimes not quite used.
"""

import math
from collections.abc import Awaitable, Callable
from typing import Final

import orjson

from postbus.bus.buckets import Bucket
from postbus.contracts.base import utc_now
from postbus.errors import StateConflict

OpenBucket = Callable[[], Awaitable[Bucket]]

_TENTHS: Final = 10
_LOOK_BACK: Final = _TENTHS + 1


class Budget:
    """One kind of spending. What is reserved for a tenth and not used by its end is gone."""

    def __init__(
        self, bucket: OpenBucket, key: str, *, most: int, seconds: float, chunk: int = 1
    ) -> None:
        self._bucket = bucket
        self._key = key
        self._most = most
        self._tenth_seconds = seconds / _TENTHS
        self._chunk = chunk
        self._reserved = (0, 0)
        """A tenth, and how much of it is mine."""

    async def spend(self, amount: int) -> float:
        """0, and it is spent; or how many seconds to wait until it may be tried again.

        ValueError for more than may ever be spent at once, BusUnavailable.
        """
        if amount > self._most:
            raise ValueError(f"{amount} is more than the whole window has")
        tenth, left = self._reserved
        if tenth == self._now() and left >= amount:
            self._reserved = tenth, left - amount
            return 0.0
        while True:
            try:
                return await self._reserve(amount)
            except StateConflict:
                continue  # another replica was faster

    async def _reserve(self, amount: int) -> float:
        bucket, tenth = await self._bucket(), self._now()
        entry = await bucket.get(self._key)
        spent = _read(entry.value) if entry else {}
        recent = {at: count for at, count in spent.items() if at >= tenth - _LOOK_BACK}
        left = self._most - sum(recent.values())
        if left < amount:
            return self._until_free(recent, amount - left)
        granted = min(left, max(amount, self._chunk))
        recent[tenth] = recent.get(tenth, 0) + granted
        await bucket.update(
            self._key,
            orjson.dumps({str(at): count for at, count in recent.items()}),
            revision=entry.revision if entry else 0,
            ttl_seconds=math.ceil(self._tenth_seconds * (_LOOK_BACK + 2)),
        )
        self._reserved = tenth, granted - amount
        return 0.0

    def _until_free(self, spent: dict[int, int], missing: int) -> float:
        """Seconds until the oldest tenths that hold as much are out of sight."""
        for at in sorted(spent):
            missing -= spent[at]
            if missing <= 0:
                break
        ends = (at + _LOOK_BACK + 1) * self._tenth_seconds
        return max(0.05, ends - utc_now().timestamp())

    def _now(self) -> int:
        return int(utc_now().timestamp() / self._tenth_seconds)


def _read(value: bytes) -> dict[int, int]:
    return {int(at): int(count) for at, count in orjson.loads(value).items()}
