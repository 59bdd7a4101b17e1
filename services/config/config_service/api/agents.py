"""`/agents` and `/notifications`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from config_service import bodies
from config_service.api import replies
from config_service.resources.agents import DEFAULTS_KIND, KIND, Agents, NotificationDefaults
from postbus.contracts.configuration import Agent, Notifications
from postbus.runtime.auth import BearerAuth, Caller


def routes(agents: Agents, auth: BearerAuth) -> APIRouter:
    """The routes of agents."""
    router = APIRouter(prefix=f"/{KIND}", tags=[KIND], dependencies=[Depends(auth.reader)])
    admin = Annotated[Caller, Depends(auth.admin)]

    @router.get("", response_model=bodies.Agents, summary="Who works on tickets")
    async def list_them(none_match: replies.IfNoneMatch = None) -> Response:
        documents = [kept.document or {} for kept in await agents.all()]
        return replies.many(documents, none_match=none_match)

    @router.get("/{agent_id}", response_model=Agent, summary="One agent")
    async def get(agent_id: str, none_match: replies.IfNoneMatch = None) -> Response:
        kept = await agents.get(agent_id)
        return replies.one(kept.document or {}, kept.revision, none_match=none_match)

    @router.post("", response_model=Agent, status_code=201, summary="Make an agent")
    async def create(body: bodies.AgentBody, caller: admin) -> Response:
        kept = await agents.create(body, by=caller.name)
        return replies.created(kept.document or {}, kept.revision, at=f"{KIND}/{kept.id}")

    @router.patch("/{agent_id}", response_model=Agent, summary="Change an agent")
    async def patch(
        agent_id: str, body: replies.MergePatch, caller: admin, match: replies.IfMatch = None
    ) -> Response:
        kept = await agents.patch(agent_id, body, match=match, by=caller.name)
        return replies.one(kept.document or {}, kept.revision)

    @router.delete("/{agent_id}", status_code=204, summary="Remove an agent without tokens")
    async def remove(agent_id: str, caller: admin, match: replies.IfMatch = None) -> Response:
        await agents.remove(agent_id, match=match, by=caller.name)
        return replies.gone()

    return router


def default_routes(defaults: NotificationDefaults, auth: BearerAuth) -> APIRouter:
    """The routes of what agents are notified of."""
    router = APIRouter(
        prefix=f"/{DEFAULTS_KIND}", tags=[DEFAULTS_KIND], dependencies=[Depends(auth.reader)]
    )
    admin = Annotated[Caller, Depends(auth.admin)]

    @router.get("", response_model=Notifications, summary="What agents are notified of")
    async def get(none_match: replies.IfNoneMatch = None) -> Response:
        kept = await defaults.get()
        return replies.one(kept.document or {}, kept.revision, none_match=none_match)

    @router.put("", response_model=Notifications, summary="Say what agents are notified of")
    async def put(
        body: bodies.NotificationsBody, caller: admin, match: replies.IfMatch = None
    ) -> Response:
        kept = await defaults.put(body, match=match, by=caller.name)
        return replies.one(kept.document or {}, kept.revision)

    return router
