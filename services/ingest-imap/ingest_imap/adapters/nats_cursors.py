"""Cursors in the KV bucket `postbus-cursors`, one key for each folder of a channel."""

from collections.abc import Awaitable, Callable
from hashlib import sha256

import pydantic
import structlog

from ingest_imap.domain.cursor import Cursor
from ingest_imap.ports import KeptCursor
from postbus.bus import Bucket

log = structlog.get_logger("ingest_imap")


class NatsCursors:
    """The port `Cursors`."""

    def __init__(self, bucket: Callable[[], Awaitable[Bucket]]) -> None:
        self._bucket = bucket

    async def get(self, channel: str, folder: str) -> KeptCursor | None:
        entry = await (await self._bucket()).get(_key(channel, folder))
        if entry is None:
            return None
        try:
            return KeptCursor(Cursor.model_validate_json(entry.value), entry.revision)
        except pydantic.ValidationError:
            # Reading the folder anew makes no mail twice; not reading it would lose some.
            log.error("cursor_unreadable", channel=channel)  # noqa: TRY400 - its text helps nobody
            return None

    async def put(self, channel: str, cursor: Cursor, *, revision: int) -> KeptCursor:
        bucket = await self._bucket()
        key, value = _key(channel, cursor.folder), cursor.model_dump_json().encode()
        if revision:
            return KeptCursor(cursor, await bucket.update(key, value, revision=revision))
        return KeptCursor(cursor, await bucket.create(key, value))


def _key(channel: str, folder: str) -> str:
    """A folder may be called anything, a key may not."""
    return f"imap.{channel}.{sha256(folder.encode()).hexdigest()[:16]}"
