"""The limits of the loop guard: one document, which need not be there."""

from config_service.domain.merge_patch import merge
from config_service.guard_bodies import LoopLimitsBody
from config_service.resources.documents import Documents, State, checked, document_of
from config_service.resources.refusing import require_match, require_same_id
from postbus.configuration import Kept, key_of
from postbus.contracts.base import JsonObject
from postbus.contracts.configuration import Change, LoopLimits

KIND, ID = "loop-limits", "default"


class Limits:
    """What can be done with the limits."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def get(self) -> Kept:
        """The limits that hold; those that come with Postbus have revision 0."""
        return self._kept(await self._documents.state())

    async def patch(self, patch: JsonObject, *, match: str | None, by: str) -> Kept:
        """Change some of them; 412, 422, 428."""
        async with self._documents.changing() as state:
            kept = self._kept(state)
            require_match(match, kept)
            require_same_id(patch, kept)
            body = checked(LoopLimitsBody, merge(kept.document or {}, patch))
            document = document_of(body)
            if kept.revision:
                return await self._documents.replace(kept, document, by=by)
            return await self._documents.create(KIND, ID, document, by=by)

    async def reset(self, *, match: str | None, by: str) -> None:
        """Take those that come with Postbus again; 412, 428."""
        async with self._documents.changing() as state:
            kept = self._kept(state)
            require_match(match, kept)
            if kept.revision:
                await self._documents.remove(kept, by=by)

    def _kept(self, state: State) -> Kept:
        found = state.kept.get(key_of(KIND, ID))
        if found is not None:
            return found
        change = Change(by="postbus", at=self._documents.now())
        return Kept(KIND, ID, document_of(LoopLimits()), change, 0)
