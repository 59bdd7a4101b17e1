"""`/outbound-channels/{id}/dkim`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from config_service.api import replies
from config_service.dkim_bodies import DkimCheck, DkimKeyBody, DkimKeys, DkimKeyView
from config_service.resources.dkim import DkimKeysOfChannels
from postbus.contracts.base import utc_now
from postbus.runtime.auth import BearerAuth, Caller


def routes(keys: DkimKeysOfChannels, auth: BearerAuth) -> APIRouter:
    """The routes of the keys that mail of a relay is signed with."""
    router = APIRouter(
        prefix="/outbound-channels/{channel_id}/dkim",
        tags=["outbound-channels"],
        dependencies=[Depends(auth.reader)],
    )
    admin = Annotated[Caller, Depends(auth.admin)]

    @router.get("", response_model=DkimKeys, summary="The keys, and what to publish in DNS")
    async def list_them(channel_id: str, none_match: replies.IfNoneMatch = None) -> Response:
        found = await keys.of(channel_id)
        views = tuple(DkimKeyView.of(key) for key in found.signing.keys)
        body = DkimKeys(items=views, next_cursor=None)
        return replies.one(body, found.revision, none_match=none_match)

    @router.post(
        "",
        response_model=DkimKeyView,
        status_code=201,
        summary="Make a key; mail is signed with it once it is activated",
    )
    async def create(channel_id: str, body: DkimKeyBody, caller: admin) -> Response:
        key = await keys.create(channel_id, body, by=caller.name)
        revision = (await keys.of(channel_id)).revision
        at = f"outbound-channels/{channel_id}/dkim"
        return replies.created(DkimKeyView.of(key), revision, at=at)

    @router.post("/{selector}/check", summary="Ask DNS whether the key is published")
    async def check(channel_id: str, selector: str, _: admin) -> DkimCheck:
        return DkimCheck.of(*await keys.check(channel_id, selector), at=utc_now())

    @router.post("/{selector}/activate", summary="Sign with this key from now on")
    async def activate(channel_id: str, selector: str, caller: admin) -> DkimKeyView:
        return DkimKeyView.of(await keys.activate(channel_id, selector, by=caller.name))

    @router.delete("/{selector}", status_code=204, summary="Remove a key for ever")
    async def remove(
        channel_id: str, selector: str, caller: admin, match: replies.IfMatch = None
    ) -> Response:
        await keys.remove(channel_id, selector, match=match, by=caller.name)
        return replies.gone()

    @router.delete("", status_code=204, summary="Remove all keys, and sign nothing any more")
    async def remove_all(channel_id: str, caller: admin, match: replies.IfMatch = None) -> Response:
        await keys.remove_all(channel_id, match=match, by=caller.name)
        return replies.gone()

    return router
