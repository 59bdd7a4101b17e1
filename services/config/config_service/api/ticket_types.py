"""`/ticket-types`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from config_service import bodies
from config_service.api import replies
from config_service.resources.ticket_types import KIND, TicketTypes
from postbus.runtime.auth import BearerAuth, Caller


def routes(types: TicketTypes, auth: BearerAuth) -> APIRouter:
    """The routes of ticket types."""
    router = APIRouter(prefix=f"/{KIND}", tags=[KIND], dependencies=[Depends(auth.reader)])
    admin = Annotated[Caller, Depends(auth.admin)]

    @router.get(
        "",
        response_model=bodies.TicketTypes,
        summary="All ticket types, with the addresses that make tickets of them",
    )
    async def list_them(none_match: replies.IfNoneMatch = None) -> Response:
        return replies.many(await types.all(), none_match=none_match)

    @router.get("/{type_id}", response_model=bodies.TicketTypeView, summary="One ticket type")
    async def get(type_id: str) -> Response:
        kept, view = await types.get(type_id)
        # No 304: the addresses shown come from channels, which the revision does not count.
        return replies.one(view, kept.revision)

    @router.post(
        "", response_model=bodies.TicketTypeView, status_code=201, summary="Make a ticket type"
    )
    async def create(body: bodies.TicketTypeBody, caller: admin) -> Response:
        kept, view = await types.create(body, by=caller.name)
        return replies.created(view, kept.revision, at=f"{KIND}/{kept.id}")

    @router.patch(
        "/{type_id}", response_model=bodies.TicketTypeView, summary="Change a ticket type"
    )
    async def patch(
        type_id: str, body: replies.MergePatch, caller: admin, match: replies.IfMatch = None
    ) -> Response:
        kept, view = await types.patch(type_id, body, match=match, by=caller.name)
        return replies.one(view, kept.revision)

    @router.delete("/{type_id}", status_code=204, summary="Remove a ticket type no channel makes")
    async def remove(type_id: str, caller: admin, match: replies.IfMatch = None) -> Response:
        await types.remove(type_id, match=match, by=caller.name)
        return replies.gone()

    return router
