"""`/tokens`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from config_service import bodies
from config_service.api import replies
from config_service.resources.tokens import KIND, Tokens
from postbus.runtime.auth import BearerAuth, Caller


def routes(tokens: Tokens, auth: BearerAuth) -> APIRouter:
    """The routes of API tokens; for admins only."""
    router = APIRouter(prefix=f"/{KIND}", tags=[KIND], dependencies=[Depends(auth.admin)])
    admin = Annotated[Caller, Depends(auth.admin)]

    @router.get("", response_model=bodies.Tokens, summary="All tokens, by name and scope")
    async def list_them(none_match: replies.IfNoneMatch = None) -> Response:
        return replies.many(await tokens.all(), none_match=none_match)

    @router.get("/{token_id}", response_model=bodies.TokenView, summary="One token")
    async def get(token_id: str, none_match: replies.IfNoneMatch = None) -> Response:
        kept, view = await tokens.get(token_id)
        return replies.one(view, kept.revision, none_match=none_match)

    @router.post(
        "",
        response_model=bodies.NewTokenView,
        status_code=201,
        summary="Make a token; it is shown in this answer and never again",
    )
    async def create(body: bodies.TokenBody, caller: admin) -> Response:
        kept, view = await tokens.create(body, by=caller.name)
        answer = replies.created(view, kept.revision, at=f"{KIND}/{kept.id}")
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @router.patch("/{token_id}", response_model=bodies.TokenView, summary="Say whose token it is")
    async def patch(
        token_id: str, body: replies.MergePatch, caller: admin, match: replies.IfMatch = None
    ) -> Response:
        kept, view = await tokens.patch(token_id, body, match=match, by=caller.name)
        return replies.one(view, kept.revision)

    @router.delete("/{token_id}", status_code=204, summary="Revoke a token")
    async def remove(token_id: str, caller: admin, match: replies.IfMatch = None) -> Response:
        await tokens.remove(token_id, match=match, by=caller.name)
        return replies.gone()

    return router
