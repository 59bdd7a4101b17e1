"""`/outbound-filter`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from config_service.api import replies
from config_service.bodies import FilterEntries, FilterEntryBody
from config_service.resources.outbound_filter import FilterByHand
from config_service.resources.own_addresses import KIND
from postbus.contracts.configuration import FilterEntry
from postbus.runtime.auth import BearerAuth, Caller


def routes(entries: FilterByHand, auth: BearerAuth) -> APIRouter:
    """The routes of the outgoing mail filter."""
    router = APIRouter(prefix=f"/{KIND}", tags=[KIND], dependencies=[Depends(auth.reader)])
    admin = Annotated[Caller, Depends(auth.admin)]

    @router.get("", response_model=FilterEntries, summary="Who never gets mail from us")
    async def list_them(none_match: replies.IfNoneMatch = None) -> Response:
        documents = [kept.document or {} for kept in await entries.all()]
        return replies.many(documents, none_match=none_match)

    @router.get("/{entry_id}", response_model=FilterEntry, summary="One entry")
    async def get(entry_id: str, none_match: replies.IfNoneMatch = None) -> Response:
        kept = await entries.get(entry_id)
        return replies.one(kept.document or {}, kept.revision, none_match=none_match)

    @router.post(
        "",
        response_model=FilterEntry,
        status_code=201,
        summary="Send no more mail to an address, or to `*@domain`",
    )
    async def create(body: FilterEntryBody, caller: admin) -> Response:
        kept = await entries.create(body, by=caller.name)
        return replies.created(kept.document or {}, kept.revision, at=f"{KIND}/{kept.id}")

    @router.delete(
        "/{entry_id}", status_code=204, summary="Remove an entry that no channel of ours needs"
    )
    async def remove(entry_id: str, caller: admin, match: replies.IfMatch = None) -> Response:
        await entries.remove(entry_id, match=match, by=caller.name)
        return replies.gone()

    return router
