"""The copies that are still to be put into mailboxes, in the ledger's bucket: `copy.<send id>`."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pydantic
import structlog

from dispatch.adapters.ledger_keys import key_part
from dispatch.domain.copies import CopyTask
from dispatch.ports import KeptCopy
from postbus.bus import Bucket
from postbus.errors import StateConflict

log = structlog.get_logger("dispatch")
_COPY = "copy."


class NatsCopies:
    """The port `Copies`; the bucket is opened when it is first needed."""

    def __init__(self, bucket: Callable[[], Awaitable[Bucket]]) -> None:
        self._bucket = bucket

    async def keep(self, task: CopyTask) -> None:
        bucket = await self._bucket()
        with suppress(StateConflict):
            await bucket.create(_key(task.send_id), _bytes(task))

    async def get(self, send_id: str) -> KeptCopy | None:
        entry = await (await self._bucket()).get(_key(send_id))
        if entry is None:
            return None
        return KeptCopy(CopyTask.model_validate_json(entry.value), entry.revision)

    async def change(self, kept: KeptCopy, task: CopyTask) -> KeptCopy:
        bucket = await self._bucket()
        revision = await bucket.update(_key(task.send_id), _bytes(task), revision=kept.revision)
        return KeptCopy(task, revision)

    async def forget(self, send_id: str) -> None:
        await (await self._bucket()).purge(_key(send_id))

    async def waiting(self) -> list[CopyTask]:
        entries = await (await self._bucket()).all(_COPY)
        found = []
        for entry in entries.values():
            try:
                found.append(CopyTask.model_validate_json(entry.value))
            except pydantic.ValidationError:
                log.error("ledger_entry_unreadable", key=entry.key)  # noqa: TRY400 - its text quotes the mail
        return found


def _key(send_id: str) -> str:
    return _COPY + key_part(send_id)


def _bytes(task: CopyTask) -> bytes:
    return task.model_dump_json(by_alias=True).encode()
