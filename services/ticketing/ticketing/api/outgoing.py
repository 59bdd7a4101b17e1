"""The route by which agents find outgoing mail that is held, waits, failed, or is in doubt."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from postbus.contracts.sending import SendState
from postbus.runtime.auth import BearerAuth
from ticketing.api.bodies import OutgoingBody, Page
from ticketing.api.parts import Api
from ticketing.api.views import outgoing_body
from ticketing.ports import OutgoingQuery

MAX_PAGE = 200


def add_outgoing(routes: APIRouter, api: Api, auth: BearerAuth) -> None:
    """`GET /outgoing`."""

    @routes.get(
        "/outgoing",
        dependencies=[Depends(auth.reader)],
        summary="Outgoing mail of all tickets that is in one state, newest first",
    )
    async def outgoing(
        state: SendState = SendState.HELD,
        cursor: Annotated[str | None, Query(max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    ) -> Page[OutgoingBody]:
        found = await api.listed.outgoing(OutgoingQuery(state, cursor, limit + 1))
        tickets = await api.around.store.tickets(sorted({one.ticket_id for one in found}))
        known = {one.id: one for one in tickets}
        items = [
            outgoing_body(one, known[one.ticket_id])
            for one in found[:limit]
            if one.ticket_id in known
        ]
        more = found[limit - 1].id if len(found) > limit else None
        return Page(items=items, next_cursor=more)
