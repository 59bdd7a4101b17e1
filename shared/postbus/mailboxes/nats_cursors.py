"""Cursors in the KV bucket `postbus-cursors`, one key for each folder of a channel."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Generic, TypeVar

import pydantic
import structlog

from postbus.bus import Bucket
from postbus.contracts.base import Contract
from postbus.mailboxes.ports import Kept

log = structlog.get_logger("postbus.mailboxes")
Cursor = TypeVar("Cursor", bound=Contract)


class NatsCursors(Generic[Cursor]):
    """The port `Cursors` for cursors of one `model`, kept under `<kind>.<channel>.<hash>`."""

    def __init__(
        self, bucket: Callable[[], Awaitable[Bucket]], model: type[Cursor], *, kind: str
    ) -> None:
        self._bucket = bucket
        self._model = model
        self._kind = kind

    async def get(self, channel: str, folder: str) -> Kept[Cursor] | None:
        """What is known of a folder. BusUnavailable."""
        entry = await (await self._bucket()).get(self._key(channel, folder))
        if entry is None:
            return None
        try:
            return Kept(self._model.model_validate_json(entry.value), entry.revision)
        except pydantic.ValidationError:
            # Reading the folder anew makes no mail twice; not reading it would lose some.
            log.error("cursor_unreadable", channel=channel)  # noqa: TRY400 - its text helps nobody
            return None

    async def put(
        self, channel: str, folder: str, cursor: Cursor, *, revision: int
    ) -> Kept[Cursor]:
        """Write over that very revision, 0 for none. StateConflict, BusUnavailable."""
        bucket = await self._bucket()
        key, value = self._key(channel, folder), cursor.model_dump_json().encode()
        if revision:
            return Kept(cursor, await bucket.update(key, value, revision=revision))
        return Kept(cursor, await bucket.create(key, value))

    def _key(self, channel: str, folder: str) -> str:
        """A folder may be called anything, a key may not."""
        return f"{self._kind}.{channel}.{sha256(folder.encode()).hexdigest()[:16]}"
