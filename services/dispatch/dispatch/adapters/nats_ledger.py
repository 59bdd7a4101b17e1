"""The ledger in the KV bucket `postbus-ledger`.

`open.<send id>` holds an unfinished mail, `done.<send id>` the end of it, for 35 days, or 180 where
a person may take it up again. The end is written before the open entry goes, so both standing side
by side means: ended, and not told yet, or requested again afterwards; an attempt then tells the
end, and takes the open entry away. Where the open entry knows of a later decision than the end
does, a person took the mail up again, and it has no end yet.
`copy.<send id>` beside them belongs to `nats_copies`.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pydantic
import structlog

from dispatch.adapters.ledger_keys import key_part
from dispatch.domain.attempts import (
    ENTRY_LIFE_SECONDS,
    WAITING_LIFE_SECONDS,
    Attempt,
    Finished,
)
from dispatch.ports import Kept
from postbus.bus import Bucket
from postbus.errors import StateConflict

log = structlog.get_logger("dispatch")
_OPEN = "open."
_DONE = "done."


class NatsLedger:
    """The port `Ledger`; the bucket is opened when it is first needed."""

    def __init__(self, bucket: Callable[[], Awaitable[Bucket]]) -> None:
        self._bucket = bucket

    async def accept(self, attempt: Attempt) -> None:
        bucket = await self._bucket()
        with suppress(StateConflict):
            await bucket.create(_open(attempt.request.send_id), _bytes(attempt))

    async def open(self, send_id: str) -> Kept | None:
        bucket = await self._bucket()
        entry = await bucket.get(_open(send_id))
        return _kept(entry.value, entry.revision) if entry else None

    async def change(self, kept: Kept, attempt: Attempt) -> Kept:
        bucket = await self._bucket()
        key = _open(attempt.request.send_id)
        revision = await bucket.update(key, _bytes(attempt), revision=kept.revision)
        return Kept(attempt, revision)

    async def take_up(self, attempt: Attempt) -> None:
        bucket = await self._bucket()
        await bucket.create(_open(attempt.request.send_id), _bytes(attempt))

    async def finish(self, finished: Finished) -> None:
        bucket, key = await self._bucket(), _done(finished.outcome.send_id)
        value = finished.model_dump_json(by_alias=True).encode()
        life = WAITING_LIFE_SECONDS if finished.attempt else ENTRY_LIFE_SECONDS
        try:
            await bucket.create(key, value, ttl_seconds=life)
        except StateConflict:
            entry = await bucket.get(key)
            if entry is None:
                raise
            standing = Finished.model_validate_json(entry.value)
            if standing.outcome.decision >= finished.outcome.decision:
                raise
            await bucket.update(key, value, revision=entry.revision, ttl_seconds=life)

    async def finished(self, send_id: str) -> Finished | None:
        entry = await (await self._bucket()).get(_done(send_id))
        return Finished.model_validate_json(entry.value) if entry else None

    async def forget_open(self, kept: Kept) -> None:
        key = _open(kept.attempt.request.send_id)
        await (await self._bucket()).purge(key, revision=kept.revision)

    async def unfinished(self) -> list[Kept]:
        entries = await (await self._bucket()).all(_OPEN)
        found = []
        for entry in entries.values():
            try:
                found.append(_kept(entry.value, entry.revision))
            except pydantic.ValidationError:
                log.error("ledger_entry_unreadable", key=entry.key)  # noqa: TRY400 - its text quotes the mail
        return found


def _open(send_id: str) -> str:
    return _OPEN + key_part(send_id)


def _done(send_id: str) -> str:
    return _DONE + key_part(send_id)


def _bytes(attempt: Attempt) -> bytes:
    return attempt.model_dump_json(by_alias=True).encode()


def _kept(value: bytes, revision: int) -> Kept:
    return Kept(Attempt.model_validate_json(value), revision)
