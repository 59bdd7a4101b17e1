"""`/health` and `/audit`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from config_service.api import replies
from config_service.bodies import AuditRecords, Health
from config_service.resources.audit import AuditQuery, AuditTrail
from config_service.resources.channel_tests import ChannelTests
from postbus.contracts.configuration import KINDS
from postbus.runtime.auth import BearerAuth
from postbus.runtime.problems import FieldError, Problem

MAX_PAGE = 200


def routes(tests: ChannelTests, trail: AuditTrail, auth: BearerAuth) -> APIRouter:
    """The routes that only look."""
    router = APIRouter(tags=["insight"])

    @router.get(
        "/health",
        response_model=Health,
        summary="How each channel is doing, as far as it is known",
        dependencies=[Depends(auth.reader)],
    )
    async def health() -> Response:
        return replies.many(await tests.health())

    @router.get(
        "/audit",
        response_model=AuditRecords,
        summary="Who changed what, newest first",
        dependencies=[Depends(auth.admin)],
    )
    async def audit(
        kind: str | None = None,
        id: str | None = None,  # noqa: A002 - the name in the query string
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    ) -> Response:
        if kind is not None and kind not in KINDS:
            raise _not_valid("kind", f"one of {', '.join(KINDS)}")
        if cursor is not None and not (cursor.isascii() and cursor.isdigit()):
            raise _not_valid("cursor", "the next_cursor of a page before")
        before = int(cursor) if cursor is not None else None
        page = await trail.page(AuditQuery(kind, id, before, limit))
        return replies.many(page.items, next_cursor=page.next_cursor)

    return router


def _not_valid(name: str, expected: str) -> Problem:
    errors = (FieldError(f"#/{name}", f"expected: {expected}"),)
    return Problem(422, "invalid", detail=f"{name} is not valid.", errors=errors)
