"""A KV bucket with compare-and-set, per-key time to live, and a watch that survives restarts.

nats-py's `put` and `update` know no time to live, and an `update` without the header would make an
expiring key eternal, so writes go through the stream behind the bucket.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import nats.errors
import nats.js.errors
import structlog
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import DeliverPolicy
from nats.js.kv import KV_DEL, KV_OP, KV_PURGE, KeyValue

from postbus.errors import BusUnavailable, StateConflict

log = structlog.get_logger("postbus.bus")

_WRONG_SEQUENCE = (10071, 10164)
"""JSStreamWrongLastSequence and its newer twin, …Constant (nats-server errors.json)."""
_TIMEOUT_SECONDS = 5.0
_MARK_TTL_SECONDS = 300


@dataclass(frozen=True)
class Entry:
    """A value of a key at a revision; `operation` is PUT or DEL."""

    key: str
    value: bytes
    revision: int
    operation: str = "PUT"


@asynccontextmanager
async def bus_errors() -> AsyncIterator[None]:
    """Translate what nats-py raises: a lost race is a StateConflict, all else BusUnavailable."""
    try:
        yield
    except nats.js.errors.APIError as error:
        if error.err_code in _WRONG_SEQUENCE:
            raise StateConflict(str(error.description)) from error
        raise BusUnavailable(f"{type(error).__name__}: {error.description}") from error
    except (nats.errors.Error, TimeoutError, OSError) as error:
        raise BusUnavailable(f"{type(error).__name__}: {error}") from error


class Bucket:
    """One KV bucket."""

    def __init__(
        self, kv: KeyValue, js: JetStreamContext, name: str, *, connected: Callable[[], bool]
    ) -> None:
        self._kv = kv
        self._js = js
        self._connected = connected
        self._name = name
        self._followers: set[_Follow] = set()

    async def get(self, key: str) -> Entry | None:
        """The live entry, or None; BusUnavailable."""
        self._must_be_connected()
        async with bus_errors():
            try:
                found = await asyncio.wait_for(self._kv.get(key), _TIMEOUT_SECONDS)
            except nats.js.errors.KeyNotFoundError:
                return None
        return _entry(found)

    async def create(self, key: str, value: bytes, *, ttl_seconds: int | None = None) -> int:
        """Write a key that is not there; its revision. StateConflict if it is, BusUnavailable."""
        try:
            return await self.update(key, value, revision=0, ttl_seconds=ttl_seconds)
        except StateConflict:
            last = await self._deletion(key)
            if last is None:
                raise
        return await self.update(key, value, revision=last, ttl_seconds=ttl_seconds)

    async def update(
        self, key: str, value: bytes, *, revision: int, ttl_seconds: int | None = None
    ) -> int:
        """Write if the key is still at that revision. StateConflict, BusUnavailable."""
        headers = {"Nats-Expected-Last-Subject-Sequence": str(revision), **_life(ttl_seconds)}
        return await self._publish(key, value, headers)

    async def put(self, key: str, value: bytes, *, ttl_seconds: int | None = None) -> int:
        """Write whatever is there now, for values of which the last one is right; its revision.

        Raises:
            BusUnavailable: it may be written all the same.
        """
        return await self._publish(key, value, _life(ttl_seconds))

    async def delete(self, key: str, *, revision: int | None = None) -> None:
        """Leave a deletion mark; StateConflict if the key moved on, BusUnavailable."""
        headers = {KV_OP: KV_DEL}
        if revision is not None:
            headers["Nats-Expected-Last-Subject-Sequence"] = str(revision)
        await self._publish(key, b"", headers)

    async def purge(self, key: str, *, revision: int | None = None) -> None:
        """Forget a key and its history; the mark that is left goes away by itself.

        StateConflict if the key moved on from `revision`, BusUnavailable.
        """
        headers = {KV_OP: KV_PURGE, "Nats-Rollup": "sub", "Nats-TTL": f"{_MARK_TTL_SECONDS}s"}
        if revision is not None:
            headers["Nats-Expected-Last-Subject-Sequence"] = str(revision)
        await self._publish(key, b"", headers)

    async def all(self, prefix: str = "") -> dict[str, Entry]:
        """Every live entry by key, or those under `prefix` (whole tokens, with its dot)."""
        found = await self._stored(f"{prefix}>", DeliverPolicy.LAST_PER_SUBJECT)
        return {entry.key: entry for entry in found if entry.operation == "PUT"}

    async def history(self, key: str) -> list[Entry]:
        """What the bucket still knows of a key, oldest first, deletions included."""
        return await self._stored(key, DeliverPolicy.ALL)

    async def _stored(self, keys: str, policy: DeliverPolicy) -> list[Entry]:
        """What is stored now, counted by the server.

        Not by nats-py's watch: its sign that all was seen may come before the first value (2.16),
        and a whole configuration would look empty.
        """
        self._must_be_connected()
        prefix = f"$KV.{self._name}."
        async with bus_errors():
            subscription = await self._js.subscribe(
                f"{prefix}{keys}",
                stream=f"KV_{self._name}",
                ordered_consumer=True,
                deliver_policy=policy,
            )
            try:
                info = await subscription.consumer_info()
                sent = info.delivered.consumer_seq if info.delivered else 0
                total = (info.num_pending or 0) + sent
                return [
                    _stored_entry(await subscription.next_msg(timeout=_TIMEOUT_SECONDS), prefix)
                    for _ in range(total)
                ]
            finally:
                await subscription.unsubscribe()

    async def follow(self, on_change: Callable[[Entry], None]) -> Callable[[], Awaitable[None]]:
        """Call for each change from now on; gives back what stops it.

        A hint, not the truth: after a server restart a watch is blind until it is opened anew,
        which `reopen` does when the connection is back. Re-read the bucket then, and regularly.
        """
        follow = _Follow(self._kv, on_change)
        await follow.open()
        self._followers.add(follow)

        async def stop() -> None:
            self._followers.discard(follow)
            await follow.close()

        return stop

    async def reopen(self) -> None:
        """Open every watch anew; the bus calls it after a reconnect."""
        for follow in list(self._followers):
            await follow.close()
            await follow.open()

    async def _publish(self, key: str, value: bytes, headers: dict[str, str]) -> int:
        # nats-py would keep an unconnected write and do it when nobody expects it any more.
        self._must_be_connected()
        async with bus_errors():
            ack = await self._js.publish(
                f"$KV.{self._name}.{key}", value, headers=headers, timeout=_TIMEOUT_SECONDS
            )
        return ack.seq

    def _must_be_connected(self) -> None:
        if not self._connected():
            raise BusUnavailable("not connected")

    async def _deletion(self, key: str) -> int | None:
        """The revision of the deletion mark that is the key's last entry, if it is one."""
        async with bus_errors():
            try:
                await self._kv.get(key)
            except nats.js.errors.KeyNotFoundError as error:
                entry = getattr(error, "entry", None)
                return entry.revision if entry is not None else None
        return None


class _Follow:
    def __init__(self, kv: KeyValue, on_change: Callable[[Entry], None]) -> None:
        self._kv = kv
        self._on_change = on_change
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    async def open(self) -> None:
        self._closing = False
        async with bus_errors():
            watcher = await self._kv.watchall(ignore_deletes=False)
        self._task = asyncio.create_task(self._read(watcher))

    async def close(self) -> None:
        if self._task is not None:
            # Python 3.11's wait_for may swallow a cancellation that meets a result; the flag stays.
            self._closing = True
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _read(self, watcher: KeyValue.KeyWatcher) -> None:
        live = False
        try:
            while not self._closing:
                try:
                    found = await watcher.updates(timeout=3600)
                except nats.errors.TimeoutError:
                    continue
                if found is None:
                    live = True
                elif live:
                    self._on_change(_entry(found))
        except nats.errors.Error as error:
            log.warning("watch_ended", error=type(error).__name__)
        finally:
            with suppress(Exception):  # the connection may be gone; the server forgets the watch
                await watcher.stop()


def _life(ttl_seconds: int | None) -> dict[str, str]:
    return {} if ttl_seconds is None else {"Nats-TTL": f"{ttl_seconds}s"}


def _entry(found: KeyValue.Entry) -> Entry:
    operation = "DEL" if found.operation in ("DEL", "PURGE") else "PUT"
    return Entry(found.key, found.value or b"", found.revision or 0, operation)


def _stored_entry(message: Msg, prefix: str) -> Entry:
    headers = message.headers or {}
    gone = headers.get(KV_OP) in (KV_DEL, KV_PURGE) or "Nats-Marker-Reason" in headers
    key = message.subject.removeprefix(prefix)
    revision = message.metadata.sequence.stream
    return Entry(key, message.data, revision, "DEL" if gone else "PUT")
