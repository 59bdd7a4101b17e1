"""Hints in the KV bucket `postbus-hints`, and who of this replica hears them."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

from ingest_graph.domain.hints import Hint
from postbus.bus.buckets import Bucket, Entry
from postbus.errors import StateConflict

Heard = Callable[[str, str], None]


class NatsHints:
    """The port `Hints`: key `<channel>.<folder key>.<hint>`."""

    def __init__(self, bucket: Callable[[], Awaitable[Bucket]]) -> None:
        self._bucket = bucket
        self._stop: Callable[[], Awaitable[None]] | None = None

    async def put(self, channel: str, folder_key: str, hint: Hint) -> None:
        at = datetime.now(UTC).isoformat().encode()
        await (await self._bucket()).put(_key(channel, folder_key, hint), at)

    async def pending(self, channel: str, folder_key: str) -> dict[Hint, int]:
        bucket = await self._bucket()
        found = {}
        for hint in Hint:
            entry = await bucket.get(_key(channel, folder_key, hint))
            if entry is not None:
                found[hint] = entry.revision
        return found

    async def done(self, channel: str, folder_key: str, hint: Hint, revision: int) -> None:
        bucket = await self._bucket()
        with suppress(StateConflict):  # it came again meanwhile, and is looked at again
            await bucket.delete(_key(channel, folder_key, hint), revision=revision)

    async def follow(self, heard: Heard) -> None:
        """Call `heard(channel, folder key)` for each hint from now on."""

        def on_change(entry: Entry) -> None:
            parts = entry.key.split(".")
            if entry.operation == "PUT" and len(parts) == 3:
                heard(parts[0], parts[1])

        self._stop = await (await self._bucket()).follow(on_change)

    async def stop(self) -> None:
        """Hear no more."""
        if self._stop is not None:
            await self._stop()
            self._stop = None


def _key(channel: str, folder_key: str, hint: Hint) -> str:
    return f"{channel}.{folder_key}.{hint}"
