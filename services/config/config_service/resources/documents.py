"""Reading and writing documents: one writer at a time, every change audited.

What one document says of another cannot be checked and written in one operation on KV, so this
service takes one change at a time and runs as one replica.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pydantic import ValidationError

from config_service.ports import Store
from config_service.resources.audit import AuditTrail
from config_service.resources.refusing import already_there, invalid, not_found
from postbus.configuration import Configuration, Kept, key_of
from postbus.contracts.base import Contract, JsonObject
from postbus.contracts.configuration import Change
from postbus.errors import StateConflict

Model = TypeVar("Model", bound=Contract)
_MAY_BE_ID = re.compile(r"[a-z0-9-]{1,128}")


@dataclass(frozen=True)
class State:
    """Everything that is there now: as kept, with revisions, and as it is understood."""

    kept: Mapping[str, Kept]
    configuration: Configuration

    @classmethod
    def of(cls, everything: Sequence[Kept]) -> "State":
        """The state made of what the store has."""
        live = {one.key: one for one in everything if one.document is not None}
        contents = [one.content() for one in live.values()]
        readable = [one for one in contents if isinstance(one, Contract)]
        revision = max((one.revision for one in everything), default=0)
        return cls(live, Configuration.of(readable, revision))

    def get(self, kind: str, id_: str) -> Kept:
        """The document; a 404 problem when it is not there."""
        found = self.kept.get(key_of(kind, id_))
        if found is None:
            raise not_found(kind, id_)
        return found

    def of_kind(self, kind: str) -> list[Kept]:
        """The documents of a kind, by id."""
        return [self.kept[key] for key in sorted(self.kept) if self.kept[key].kind == kind]


class Documents:
    """The documents of the configuration."""

    def __init__(self, store: Store, trail: AuditTrail, now: Callable[[], datetime]) -> None:
        self._store = store
        self._trail = trail
        self._now = now
        self._one_at_a_time = asyncio.Lock()

    def now(self) -> datetime:
        """The time, for documents that carry it."""
        return self._now()

    async def state(self) -> State:
        """What is there now."""
        return State.of(await self._store.all())

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[State]:
        """The state, which nobody else changes until the block is left."""
        async with self._one_at_a_time:
            yield await self.state()

    async def get(self, kind: str, id_: str) -> Kept:
        """One document; a 404 problem when it is not there."""
        found = await self._store.get(kind, id_) if _MAY_BE_ID.fullmatch(id_) else None
        if found is None:
            raise not_found(kind, id_)
        return found

    async def ever(self, kind: str, id_: str) -> bool:
        """Whether the document is there or was."""
        return await self._store.ever(kind, id_)

    async def create(self, kind: str, id_: str, document: JsonObject, *, by: str) -> Kept:
        """Write a new document; a 409 problem when there is one of that id."""
        change = Change(by=by, at=self._now())
        try:
            kept = await self._store.create(kind, id_, document, change=change)
        except StateConflict as error:
            raise already_there(kind, id_) from error
        await self._trail.changed(None, kept)
        return kept

    async def replace(self, before: Kept, document: JsonObject, *, by: str) -> Kept:
        """Write over a revision; nothing is written when nothing changes. StateConflict."""
        if document == before.document:
            return before
        change = Change(by=by, at=self._now())
        kept = await self._store.replace(before, document, change=change)
        await self._trail.changed(before, kept)
        return kept

    async def remove(self, before: Kept, *, by: str) -> None:
        """Remove that revision; StateConflict."""
        change = Change(by=by, at=self._now())
        kept = await self._store.replace(before, None, change=change)
        await self._trail.changed(before, kept)

    async def restore(self, kind: str, id_: str, before: Kept | None, *, by: str) -> None:
        """Make the document what it was, whether or not it has changed since; StateConflict."""
        there = (await self.state()).kept.get(key_of(kind, id_))
        if there is None or (before is not None and there.revision == before.revision):
            return
        if before is None or before.document is None:
            await self.remove(there, by=by)
        else:
            await self.replace(there, before.document, by=by)


def document_of(content: Contract) -> JsonObject:
    """How a model is kept."""
    return content.model_dump(mode="json")


def read_as(model: type[Model], kept: Kept) -> Model:
    """The kept document as its model; a 422 problem when it cannot be read."""
    return checked(model, kept.document or {})


def checked(model: type[Model], document: JsonObject) -> Model:
    """The document as a model; a 422 problem that names each field that is wrong."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise invalid(error) from error
