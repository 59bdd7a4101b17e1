"""The routes by which agents find outgoing mail that is held, waits, failed, or is in doubt.

What one rule holds may be decided about at once.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from postbus.contracts.sending import SendState, WhatNext
from postbus.runtime.auth import BearerAuth, Caller
from ticketing.api.bodies import AlikeIn, DecidedBody, LeftBody, OutgoingBody, Page
from ticketing.api.parts import Api
from ticketing.api.views import outgoing_body
from ticketing.deciding_alike import DecidingAlike
from ticketing.ports import OutgoingQuery

MAX_PAGE = 200
_SAYS: Final = {
    WhatNext.RELEASE: "Send all mail that a rule holds all the same, 200 at a time",
    WhatNext.DISCARD: "Never send any of the mail that a rule holds, 200 at a time",
}


def add_outgoing(routes: APIRouter, api: Api, auth: BearerAuth) -> None:
    """`GET /outgoing`, `POST /outgoing/<decision>`."""
    for what, says in _SAYS.items():
        _add(routes, api, auth, what, says)

    @routes.get(
        "/outgoing",
        dependencies=[Depends(auth.reader)],
        summary="Outgoing mail of all tickets that is in one state, newest first",
    )
    async def outgoing(
        state: SendState = SendState.HELD,
        rule: Annotated[str | None, Query(max_length=40)] = None,
        outbound: Annotated[str | None, Query(max_length=100)] = None,
        cursor: Annotated[str | None, Query(max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    ) -> Page[OutgoingBody]:
        found = await api.listed.outgoing(OutgoingQuery(state, cursor, limit + 1, rule, outbound))
        tickets = await api.around.store.tickets(sorted({one.ticket_id for one in found}))
        known = {one.id: one for one in tickets}
        items = [
            outgoing_body(one, known[one.ticket_id])
            for one in found[:limit]
            if one.ticket_id in known
        ]
        more = found[limit - 1].id if len(found) > limit else None
        return Page(items=items, next_cursor=more)


def _add(routes: APIRouter, api: Api, auth: BearerAuth, what: WhatNext, says: str) -> None:
    async def decide(given: AlikeIn, caller: Annotated[Caller, Depends(auth.agent)]) -> DecidedBody:
        done = await DecidingAlike(api.around, api.listed).decide(
            what, rule=given.rule, outbound=given.outbound, by=caller.name
        )
        left = [
            LeftBody(ticket=one.ticket, id=one.message_id, reason=one.reason, detail=one.detail)
            for one in done.left
        ]
        return DecidedBody(decided=done.count, left=left, more=done.more)

    name = f"{what}_all_held_by_a_rule"
    routes.post(f"/outgoing/{what}", status_code=202, summary=says, name=name)(decide)
