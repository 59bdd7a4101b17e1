"""The documents in the KV bucket `postbus-config`."""

from collections.abc import Callable, Sequence

import orjson

from config_service.adapters.bus import KvBucket
from postbus.configuration import Kept, key_of, read_value, value_of
from postbus.configuration.ports import KvEntry
from postbus.contracts.base import JsonObject
from postbus.contracts.configuration import Change
from postbus.errors import StateConflict

META = "meta"


class NatsStore:
    """`config_service.ports.Store` on a bucket that keeps `history_limit` revisions of a key."""

    def __init__(self, bucket: Callable[[], KvBucket], history_limit: int) -> None:
        self._bucket = bucket
        self._history_limit = history_limit

    async def all(self) -> Sequence[Kept]:
        """The last revision of every document, removed ones included."""
        found = [_kept(entry) for entry in (await self._bucket().all()).values()]
        return [kept for kept in found if kept is not None]

    async def get(self, kind: str, id_: str) -> Kept | None:
        """The document, or None when it never was or was removed."""
        kept = await self._last(kind, id_)
        return kept if kept is not None and kept.document is not None else None

    async def ever(self, kind: str, id_: str) -> bool:
        """Whether there is anything under its key."""
        return await self._bucket().get(key_of(kind, id_)) is not None

    async def create(self, kind: str, id_: str, document: JsonObject, *, change: Change) -> Kept:
        """Write a document that is not there, or was removed; StateConflict."""
        key, value = key_of(kind, id_), value_of(document, change)
        removed = await self._last(kind, id_)
        if removed is None:
            revision = await self._bucket().create(key, value)
        elif removed.document is None:
            revision = await self._bucket().update(key, value, revision=removed.revision)
        else:
            raise StateConflict(f"{key} is there")
        return Kept(kind, id_, document, change, revision)

    async def replace(self, kept: Kept, document: JsonObject | None, *, change: Change) -> Kept:
        """Write over that very revision; StateConflict."""
        value = value_of(document, change)
        revision = await self._bucket().update(kept.key, value, revision=kept.revision)
        return Kept(kept.kind, kept.id, document, change, revision)

    async def history(self, kind: str, id_: str) -> tuple[Sequence[Kept], bool]:
        """The revisions that the bucket still has; the first may be among those it forgot."""
        entries = await self._bucket().history(key_of(kind, id_))
        found = [_kept(entry) for entry in entries]
        readable = [kept for kept in found if kept is not None]
        return readable, len(entries) < self._history_limit

    async def mark(self, name: str) -> int | None:
        """The number under `meta.<name>`."""
        entry = await self._bucket().get(key_of(META, name))
        return int(orjson.loads(entry.value)) if entry else None

    async def set_mark(self, name: str, value: int) -> None:
        """Remember a number; StateConflict when another process did at the same time."""
        key, new = key_of(META, name), orjson.dumps(value)
        entry = await self._bucket().get(key)
        if entry is None:
            await self._bucket().create(key, new)
        else:
            await self._bucket().update(key, new, revision=entry.revision)

    async def _last(self, kind: str, id_: str) -> Kept | None:
        entry = await self._bucket().get(key_of(kind, id_))
        return _kept(entry) if entry else None


def _kept(entry: KvEntry) -> Kept | None:
    read = read_value(entry.key, entry.value, entry.revision)
    return read if isinstance(read, Kept) else None
