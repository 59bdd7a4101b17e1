"""`/held-mails`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from config_service import bodies
from config_service.api import replies
from config_service.domain.held_mails import HeldQuery, State
from config_service.resources.held_decisions import HeldDecisions
from config_service.resources.held_mails import KIND, HeldMails
from postbus.runtime.auth import BearerAuth, Caller

MAX_PAGE = 200
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Cursor = Annotated[
    str | None, Query(pattern=r"^\d{1,19}$", description="the next_cursor of a page before")
]


def routes(mails: HeldMails, decisions: HeldDecisions, auth: BearerAuth) -> APIRouter:
    """The routes of held mails."""
    router = APIRouter(prefix=f"/{KIND}", tags=[KIND])
    admin = Annotated[Caller, Depends(auth.admin)]

    @router.get(
        "",
        response_model=bodies.HeldMails,
        summary="Mails that are kept and not filed, newest first; discarded ones by their state",
        dependencies=[Depends(auth.reader)],
    )
    async def list_them(
        channel: str | None = None,
        state: State | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response:
        before = int(cursor) if cursor is not None else None
        page = await mails.page(HeldQuery(channel, state, before, limit))
        return replies.many(page.items, next_cursor=page.next_cursor)

    @router.get("/{held_id}", summary="One held mail, and why", dependencies=[Depends(auth.reader)])
    async def get(held_id: str) -> bodies.HeldMailView:
        return await mails.get(held_id)

    @router.get(
        "/{held_id}/raw",
        response_class=StreamingResponse,
        responses={200: {"content": {"message/rfc822": {}}, "description": "The mail as it came"}},
        summary="The bytes of a held mail, as a download; who asked is in the audit",
    )
    async def raw(held_id: str, caller: admin) -> Response:
        found = await mails.raw(held_id, by=caller.name)
        return StreamingResponse(
            found.pieces,
            media_type="message/rfc822",
            headers={
                "Content-Disposition": f'attachment; filename="{found.file_name}"',
                "Content-Length": str(found.size_bytes),
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
            },
        )

    @router.post(
        "/{held_id}/release",
        status_code=202,
        summary="File it all the same; 200 where it is filed already",
    )
    async def release(held_id: str, response: Response, caller: admin) -> bodies.HeldMailView:
        view = await decisions.release(held_id, by=caller.name)
        if view.state == "filed":
            response.status_code = 200
        return view

    @router.post(
        "/{held_id}/discard", summary="Make nothing of it; it is kept, and may still be released"
    )
    async def discard(held_id: str, caller: admin) -> bodies.HeldMailView:
        return await decisions.discard(held_id, by=caller.name)

    return router
