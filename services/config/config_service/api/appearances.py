"""`/appearance`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from config_service.api import replies
from config_service.appearance_bodies import (
    AppearanceBody,
    Appearances,
    PreviewBody,
    PreviewView,
)
from config_service.resources.appearances import KIND, AppearanceOfQueues
from postbus.contracts.appearance import Appearance
from postbus.contracts.base import JsonObject
from postbus.runtime.auth import BearerAuth, Caller

_PICTURES: dict[str, JsonObject] = {"image/png": {}, "image/jpeg": {}, "image/gif": {}}
_UPLOAD = {"requestBody": {"required": True, "content": _PICTURES}}


def routes(looks: AppearanceOfQueues, auth: BearerAuth) -> APIRouter:
    """The routes of the appearance of queues."""
    router = APIRouter(prefix=f"/{KIND}", tags=[KIND], dependencies=[Depends(auth.reader)])
    admin = Annotated[Caller, Depends(auth.admin)]

    @router.get("", response_model=Appearances, summary="The queues that do not look as shipped")
    async def list_them(none_match: replies.IfNoneMatch = None) -> Response:
        documents = [kept.document or {} for kept in await looks.all()]
        return replies.many(documents, none_match=none_match)

    @router.get("/{queue}", response_model=Appearance, summary="How mail of a queue looks")
    async def get(queue: str, none_match: replies.IfNoneMatch = None) -> Response:
        kept = await looks.get(queue)
        return replies.one(kept.document or {}, kept.revision, none_match=none_match)

    @router.put(
        "/{queue}",
        response_model=Appearance,
        responses={201: {"model": Appearance, "description": "The first of this queue"}},
        summary="Say how mail of a queue looks; the logo stays",
    )
    async def put(
        queue: str, body: AppearanceBody, caller: admin, match: replies.IfMatch = None
    ) -> Response:
        kept, is_new = await looks.put(queue, body, match=match, by=caller.name)
        if is_new:
            return replies.created(kept.document or {}, kept.revision, at=f"{KIND}/{queue}")
        return replies.one(kept.document or {}, kept.revision)

    @router.delete("/{queue}", status_code=204, summary="Look as shipped again")
    async def remove(queue: str, caller: admin, match: replies.IfMatch = None) -> Response:
        await looks.remove(queue, match=match, by=caller.name)
        return replies.gone()

    @router.get(
        "/{queue}/logo",
        response_class=Response,
        responses={200: {"content": _PICTURES, "description": "The picture"}},
        summary="The logo of a queue",
    )
    async def logo(queue: str) -> Response:
        found = await looks.logo(queue)
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-cache"}
        return Response(found.data, media_type=found.logo.content_type, headers=headers)

    @router.put(
        "/{queue}/logo",
        response_model=Appearance,
        openapi_extra=_UPLOAD,
        summary="Show that picture: PNG, JPEG or GIF, 256 KiB at most",
    )
    async def put_logo(
        queue: str, request: Request, caller: admin, match: replies.IfMatch = None
    ) -> Response:
        data = await request.body()
        kept = await looks.put_logo(queue, data, match=match, by=caller.name)
        return replies.one(kept.document or {}, kept.revision)

    @router.delete("/{queue}/logo", status_code=204, summary="Show the queue's name instead")
    async def remove_logo(queue: str, caller: admin, match: replies.IfMatch = None) -> Response:
        await looks.remove_logo(queue, match=match, by=caller.name)
        return replies.gone()

    @router.post("/{queue}/preview", summary="What a mail would look like; nothing is sent")
    async def preview(queue: str, body: PreviewBody) -> PreviewView:
        return await looks.preview(queue, body)

    return router
