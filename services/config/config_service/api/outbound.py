"""`/outbound-channels`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from config_service.api import replies
from config_service.bodies import TestView
from config_service.channel_bodies import (
    OutboundChannelBody,
    OutboundChannels,
    OutboundChannelView,
)
from config_service.resources.channel_documents import shown
from config_service.resources.channel_tests import ChannelTests
from config_service.resources.outbound import KIND, Outbound
from config_service.resources.sign_ins import Saving
from postbus.runtime.auth import BearerAuth, Caller


def routes(outbound: Outbound, tests: ChannelTests, auth: BearerAuth) -> APIRouter:
    """The routes of outbound channels."""
    router = APIRouter(prefix=f"/{KIND}", tags=[KIND], dependencies=[Depends(auth.reader)])
    admin = Annotated[Caller, Depends(auth.admin)]

    @router.get("", response_model=OutboundChannels, summary="All outbound channels")
    async def list_them(none_match: replies.IfNoneMatch = None) -> Response:
        return replies.many([shown(kept) for kept in await outbound.all()], none_match=none_match)

    @router.get("/{channel_id}", response_model=OutboundChannelView, summary="One outbound channel")
    async def get(channel_id: str, none_match: replies.IfNoneMatch = None) -> Response:
        kept = await outbound.get(channel_id)
        return replies.one(shown(kept), kept.revision, none_match=none_match)

    @router.post(
        "",
        response_model=OutboundChannelView,
        status_code=201,
        responses=replies.TRY_FAILED,
        summary="Make an outbound channel, after trying it",
    )
    async def create(
        body: OutboundChannelBody,
        caller: admin,
        force: replies.Force = False,  # noqa: FBT002 - a query parameter
    ) -> Response:
        kept = await outbound.create(body, Saving(by=caller.name, force=force))
        return replies.created(shown(kept), kept.revision, at=f"{KIND}/{kept.id}")

    @router.patch(
        "/{channel_id}",
        response_model=OutboundChannelView,
        responses=replies.TRY_FAILED,
        summary="Change an outbound channel, after trying it where that matters",
    )
    async def patch(
        channel_id: str,
        body: replies.MergePatch,
        caller: admin,
        match: replies.IfMatch = None,
        force: replies.Force = False,  # noqa: FBT002 - a query parameter
    ) -> Response:
        saving = Saving(by=caller.name, force=force)
        kept = await outbound.patch(channel_id, body, match=match, saving=saving)
        return replies.one(shown(kept), kept.revision)

    @router.delete(
        "/{channel_id}", status_code=204, summary="Remove an outbound channel nobody uses"
    )
    async def remove(channel_id: str, caller: admin, match: replies.IfMatch = None) -> Response:
        await outbound.remove(channel_id, match=match, by=caller.name)
        return replies.gone()

    @router.post(
        "/{channel_id}/test",
        summary="Try an outbound channel step by step; no mail is sent",
        dependencies=[Depends(auth.admin)],
    )
    async def test(channel_id: str) -> TestView:
        return await tests.outbound(channel_id)

    return router
