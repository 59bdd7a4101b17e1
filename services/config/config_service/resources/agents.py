"""Agents, and what they are notified of."""

from config_service.bodies import AgentBody, NotificationsBody
from config_service.domain.merge_patch import merge
from config_service.domain.references import agent_refusal, agent_removal_refusal
from config_service.resources.documents import Documents, State, checked, document_of, read_as
from config_service.resources.refusing import (
    refuse,
    require_match,
    require_new_id,
    require_same_id,
)
from postbus.configuration import Kept, key_of
from postbus.contracts.base import JsonObject
from postbus.contracts.configuration import Agent, Change, Notifications

KIND = "agents"
DEFAULTS_KIND = "notifications"
_DEFAULT = "default"


class Agents:
    """What can be done with agents."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def all(self) -> list[Kept]:
        """Every agent, by id."""
        return (await self._documents.state()).of_kind(KIND)

    async def get(self, id_: str) -> Kept:
        """One; 404."""
        return await self._documents.get(KIND, id_)

    async def create(self, body: AgentBody, *, by: str) -> Kept:
        """Make one; 409, 422."""
        async with self._documents.changing() as state:
            require_new_id(KIND, body.id, state.kept)
            refuse(agent_refusal(body, state.configuration))
            return await self._documents.create(KIND, body.id, document_of(body), by=by)

    async def patch(self, id_: str, patch: JsonObject, *, match: str | None, by: str) -> Kept:
        """Change one; 404, 409, 412, 422, 428."""
        async with self._documents.changing() as state:
            kept = state.get(KIND, id_)
            require_match(match, kept)
            require_same_id(patch, kept)
            body = checked(AgentBody, merge(kept.document or {}, patch))
            refuse(agent_refusal(body, state.configuration))
            return await self._documents.replace(kept, document_of(body), by=by)

    async def remove(self, id_: str, *, match: str | None, by: str) -> None:
        """Remove one; 404, 409 while a token is made for it, 412, 428."""
        async with self._documents.changing() as state:
            kept = state.get(KIND, id_)
            require_match(match, kept)
            refuse(agent_removal_refusal(read_as(Agent, kept), state.configuration))
            await self._documents.remove(kept, by=by)


class NotificationDefaults:
    """The one document that says what agents are notified of."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def get(self) -> Kept:
        """What holds; as Postbus comes, before anybody wrote it."""
        return self._kept(await self._documents.state())

    async def put(self, body: NotificationsBody, *, match: str | None, by: str) -> Kept:
        """Say what holds from now on; 412, 428."""
        async with self._documents.changing() as state:
            kept = self._kept(state)
            require_match(match, kept)
            document = document_of(body)
            if kept.revision == 0:
                return await self._documents.create(DEFAULTS_KIND, _DEFAULT, document, by=by)
            return await self._documents.replace(kept, document, by=by)

    def _kept(self, state: State) -> Kept:
        found = state.kept.get(key_of(DEFAULTS_KIND, _DEFAULT))
        if found is not None:
            return found
        unwritten = Change(by="postbus", at=self._documents.now())
        return Kept(DEFAULTS_KIND, _DEFAULT, document_of(Notifications()), unwritten, revision=0)
