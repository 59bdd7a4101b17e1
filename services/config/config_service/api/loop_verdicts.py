"""`/loop-limits` and `/loop-verdicts`."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Response

from config_service.api import replies
from config_service.domain.loop_verdicts import VerdictQuery
from config_service.guard_bodies import (
    Alarms,
    DryRunBody,
    ExplainBody,
    ExplanationView,
    LiftBody,
    LiftedView,
    Verdicts,
)
from config_service.resources import loop_limits
from config_service.resources.loop_limits import Limits
from config_service.resources.loop_verdicts import KIND, LoopVerdicts
from postbus.contracts.base import JsonObject, Slug
from postbus.contracts.configuration import LoopLimits
from postbus.contracts.guard import Decision, DryRun
from postbus.runtime.auth import BearerAuth, Caller

MAX_PAGE = 200
Cursor = Annotated[
    str | None, Query(pattern=r"^\d{1,19}$", description="the next_cursor of a page before")
]
Days = Annotated[int, Query(ge=1, le=90, description="how far back from now")]


def limit_routes(limits: Limits, auth: BearerAuth) -> APIRouter:
    """The routes of the limits."""
    router = APIRouter(prefix=f"/{loop_limits.KIND}", tags=[loop_limits.KIND])
    admin = Annotated[Caller, Depends(auth.admin)]

    @router.get(
        "",
        response_model=LoopLimits,
        summary="How much automatic mail there may be, and the kill switch",
        dependencies=[Depends(auth.reader)],
    )
    async def get(none_match: replies.IfNoneMatch = None) -> Response:
        kept = await limits.get()
        return replies.one(kept.document or {}, kept.revision, none_match=none_match)

    @router.patch("", response_model=LoopLimits, summary="Change some of the limits")
    async def patch(
        patch: Annotated[JsonObject, Body(media_type="application/merge-patch+json")],
        caller: admin,
        match: replies.IfMatch = None,
    ) -> Response:
        kept = await limits.patch(patch, match=match, by=caller.name)
        return replies.one(kept.document or {}, kept.revision)

    @router.delete("", status_code=204, summary="Take the limits that come with Postbus again")
    async def reset(caller: admin, match: replies.IfMatch = None) -> Response:
        await limits.reset(match=match, by=caller.name)
        return replies.gone()

    return router


def routes(verdicts: LoopVerdicts, auth: BearerAuth, now: Callable[[], datetime]) -> APIRouter:
    """The routes of verdicts."""
    router = APIRouter(prefix=f"/{KIND}", tags=[KIND])
    admin = Annotated[Caller, Depends(auth.admin)]

    @router.get(
        "",
        response_model=Verdicts,
        summary="What the loop guard decided and why, newest first",
        dependencies=[Depends(auth.reader)],
    )
    async def list_them(
        decision: Decision | None = None,
        queue: Slug | None = None,
        rule: str | None = None,
        address: str | None = None,
        ticket: int | None = None,
        days: Days = 7,
        cursor: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    ) -> Response:
        query = VerdictQuery(
            since=now() - timedelta(days=days),
            queue=queue,
            decision=decision,
            rule=rule,
            address=address,
            ticket=ticket,
            before_sequence=int(cursor) if cursor is not None else None,
            limit=limit,
        )
        page = await verdicts.page(query)
        return replies.many(page.items, next_cursor=page.next_cursor)

    @router.post(
        "/explain",
        summary="The verdict that a mail would get now; nothing is counted",
        dependencies=[Depends(auth.reader)],
    )
    async def explain(body: ExplainBody) -> ExplanationView:
        return await verdicts.explain(body)

    @router.post(
        "/dry-run",
        summary="What other limits would have decided about the mail of the last days",
        dependencies=[Depends(auth.reader)],
    )
    async def dry_run(body: DryRunBody) -> DryRun:
        return await verdicts.dry_run(body)

    @router.post("/lift", summary="Let the guard forget an address, or close a fuse")
    async def lift(body: LiftBody, caller: admin) -> LiftedView:
        return await verdicts.lift(body, by=caller.name)

    @router.get(
        "/alarms",
        response_model=Alarms,
        summary="What the guard holds more than one mail for at the moment",
        dependencies=[Depends(auth.reader)],
    )
    async def alarms() -> Response:
        return replies.many(await verdicts.alarms())

    return router
