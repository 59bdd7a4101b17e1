"""What Microsoft lets an app do with a mailbox, kept together by all replicas of all services.

Graph counts by app and mailbox: 4 requests at once, 10,000 in 10 minutes, 150 MB of upload in 5
minutes ("Microsoft Graph service-specific throttling limits", Outlook). In the KV bucket
`postbus-limits`, `<of>` being a hash of both:

- `slot.<of>.<n>`: request n is under way. It ends by itself when its holder is gone.
- `spent.<of>.requests`, `spent.<of>.bytes`: what was spent, by tenths of the window.
- `pause.<of>`: Graph asked for a pause; it stands as long as the pause is.
"""

import asyncio
import hashlib
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import CollectorRegistry, Histogram

from postbus.bus import Bucket, Budget
from postbus.contracts.base import utc_now
from postbus.errors import MailHostUnavailable, StateConflict
from postbus.microsoft.slots import Held, Slots

OpenBucket = Callable[[], Awaitable[Bucket]]

_JITTER: Final = (0.02, 0.12)
_MB: Final = 1_000_000


@dataclass(frozen=True)
class Numbers:
    """Microsoft's, and our own: how long a caller waits, and how soon a dead holder is gone."""

    at_once: int = 4
    requests: int = 10_000
    requests_seconds: float = 600
    requests_chunk: int = 20
    upload_bytes: int = 150 * _MB
    upload_seconds: float = 300
    upload_chunk_bytes: int = 256 * 1024
    wait_seconds: float = 60
    slot_seconds: int = 20


class MailboxLimits:
    """One for a process; `of` gives those of an app and a mailbox."""

    def __init__(
        self,
        bucket: OpenBucket,
        registry: CollectorRegistry | None = None,
        numbers: Numbers | None = None,
    ) -> None:
        self._bucket = bucket
        self._numbers = numbers or Numbers()
        self._known: dict[str, Allowance] = {}
        self._waited = Histogram(
            "postbus_graph_slot_wait_seconds",
            "How long a request to Graph waited for its turn",
            buckets=(0.01, 0.05, 0.25, 1, 5, 15, 60),
            registry=registry,
        )

    def of(self, client_id: str, mailbox: str) -> "Allowance":
        """What this app may do with this mailbox."""
        named = f"{client_id.lower()}\n{mailbox.lower()}".encode()
        key = hashlib.sha256(named).hexdigest()[:32]
        if key not in self._known:
            self._known[key] = Allowance(self._bucket, key, self._numbers, self._waited)
        return self._known[key]


class Allowance:
    """The limits of one app and mailbox. Raises BusUnavailable: nothing is done without them."""

    def __init__(self, bucket: OpenBucket, of: str, numbers: Numbers, waited: Histogram) -> None:
        self._bucket = bucket
        self._pause_key = f"pause.{of}"
        self._numbers = numbers
        self._waited = waited
        self._slots = Slots(bucket, of, at_once=numbers.at_once, seconds=numbers.slot_seconds)
        self._requests = Budget(
            bucket,
            f"spent.{of}.requests",
            most=numbers.requests,
            seconds=numbers.requests_seconds,
            chunk=numbers.requests_chunk,
        )
        self._bytes = Budget(
            bucket,
            f"spent.{of}.bytes",
            most=numbers.upload_bytes,
            seconds=numbers.upload_seconds,
            chunk=numbers.upload_chunk_bytes,
        )
        self._queue = asyncio.Lock()

    @asynccontextmanager
    async def slots(self, up_to: int = 1, *, upload_bytes: int = 0) -> AsyncIterator[int]:
        """Do as many requests as this gives, at least one, within the block.

        Raises:
            MailHostUnavailable: it takes too long (`throttled`), or the slot was lost on the way
                (`slot-lost`); what was under way then is cancelled.
        """
        began = time.monotonic()
        held = await self._in_turn(up_to, upload_bytes)
        self._waited.observe(time.monotonic() - began)
        async with self._slots.kept(held):
            yield len(held)

    async def pause(self, seconds: float) -> None:
        """Graph asked for it (Retry-After); all replicas obey. A longer pause stands."""
        bucket, until = await self._bucket(), utc_now() + timedelta(seconds=seconds)
        while True:
            entry = await bucket.get(self._pause_key)
            if entry is not None and datetime.fromisoformat(entry.value.decode()) >= until:
                return
            try:
                await bucket.update(
                    self._pause_key,
                    until.isoformat().encode(),
                    revision=entry.revision if entry else 0,
                    ttl_seconds=max(1, math.ceil(seconds)),
                )
            except StateConflict:
                continue
            return

    async def _in_turn(self, up_to: int, upload_bytes: int) -> list[Held]:
        """The one in front looks for what is free; the others wait in the order they came."""
        try:
            async with asyncio.timeout(self._numbers.wait_seconds), self._queue:
                while upload_bytes and (seconds := await self._bytes.spend(upload_bytes)):
                    await self._wait(seconds)
                return await self._taken(up_to)
        except TimeoutError as error:
            raise throttled(self._numbers.wait_seconds) from error

    async def _taken(self, up_to: int) -> list[Held]:
        while True:
            while seconds := await self._paused():
                await self._wait(seconds)
            held = await self._slots.take(up_to)
            if not held:
                await asyncio.sleep(random.uniform(*_JITTER))  # noqa: S311 - jitter
                continue
            try:
                seconds = await self._requests.spend(len(held))
            except BaseException:
                await self._slots.give_back(held)
                raise
            if not seconds:
                return held
            await self._slots.give_back(held)
            await self._wait(seconds)

    async def _paused(self) -> float:
        entry = await (await self._bucket()).get(self._pause_key)
        if entry is None:
            return 0.0
        until = datetime.fromisoformat(entry.value.decode())
        # The key decides; another replica's clock only guesses how long.
        return max(0.05, (until - utc_now()).total_seconds())

    async def _wait(self, seconds: float) -> None:
        """At once an error where it is longer than anybody waits here."""
        if seconds > self._numbers.wait_seconds:
            raise throttled(seconds)
        await asyncio.sleep(min(seconds, 1.0) + random.uniform(*_JITTER))  # noqa: S311 - jitter


def throttled(seconds: float) -> MailHostUnavailable:
    """The error for a mailbox that has to be left alone so long."""
    return MailHostUnavailable(
        "the mailbox has used up what Microsoft gives it for now",
        reason="throttled",
        retry_after_seconds=seconds,
        advice="It is tried again by itself.",
    )
