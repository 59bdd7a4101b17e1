"""The places for requests under way, one KV key each, held by whoever has a request there.

A key that has been left free holds nothing, so that taking it is one write. A holder that dies
leaves its key to its time to live; one that cannot renew its key stops before that.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from postbus.bus.buckets import Bucket
from postbus.errors import BusUnavailable, MailHostUnavailable, PostbusError, StateConflict

OpenBucket = Callable[[], Awaitable[Bucket]]

_FREE, _TAKEN = b"", b"taken"


@dataclass
class Held:
    """A place of mine; `until` is by the monotonic clock, and earlier than its time to live."""

    key: str
    revision: int
    until: float


class Slots:
    """The places of one app and mailbox."""

    def __init__(self, bucket: OpenBucket, of: str, *, at_once: int, seconds: int) -> None:
        self._bucket = bucket
        self._keys = [f"slot.{of}.{n}" for n in range(at_once)]
        self._seconds = seconds

    async def take(self, up_to: int) -> list[Held]:
        """Places that are free now, at most so many; perhaps none. BusUnavailable."""
        bucket = await self._bucket()
        held: list[Held] = []
        try:
            for key in random.sample(self._keys, len(self._keys)):
                if len(held) == up_to:
                    break
                one = await self._try(bucket, key)
                if one is not None:
                    held.append(one)
        except BaseException:
            await self.give_back(held)
            raise
        return held

    async def _try(self, bucket: Bucket, key: str) -> Held | None:
        entry = await bucket.get(key)
        if entry is not None and entry.value != _FREE:
            return None
        began = time.monotonic()
        try:
            revision = await bucket.update(
                key, _TAKEN, revision=entry.revision if entry else 0, ttl_seconds=self._seconds
            )
        except StateConflict:
            return None
        return Held(key, revision, began + self._seconds)

    @asynccontextmanager
    async def kept(self, held: Sequence[Held]) -> AsyncIterator[None]:
        """Keep them while the block runs, and give them back after it.

        MailHostUnavailable, and the block cancelled, where one of them is lost.
        """
        try:
            async with asyncio.timeout(None) as alarm:
                keeping = asyncio.create_task(self._keep(held, alarm))
                try:
                    yield
                finally:
                    keeping.cancel()
                    with suppress(asyncio.CancelledError):
                        await keeping
        except TimeoutError as error:
            if not alarm.expired():
                raise
            raise MailHostUnavailable(
                "the place for this request was lost while it ran", reason="slot-lost"
            ) from error
        finally:
            await self.give_back(held)

    async def give_back(self, held: Sequence[Held]) -> None:
        """Let others have them; where the bus is away they become free by themselves."""
        for one in held:
            with suppress(PostbusError):
                await (await self._bucket()).update(
                    one.key, _FREE, revision=one.revision, ttl_seconds=self._seconds
                )

    async def _keep(self, held: Sequence[Held], alarm: asyncio.Timeout) -> None:
        """Renew at every third of their life; ring when one cannot be held to be mine any more."""
        bucket = await self._bucket()
        while True:
            await asyncio.sleep(self._seconds / 3)
            for one in held:
                if not await self._renewed(bucket, one):
                    alarm.reschedule(asyncio.get_running_loop().time())
                    return

    async def _renewed(self, bucket: Bucket, one: Held) -> bool:
        began = time.monotonic()
        try:
            one.revision = await bucket.update(
                one.key, _TAKEN, revision=one.revision, ttl_seconds=self._seconds
            )
        except StateConflict:
            return False
        except BusUnavailable:
            # Time for one more try, which comes before the key ends.
            return one.until - time.monotonic() > self._seconds / 3 + 1
        one.until = began + self._seconds
        return True
