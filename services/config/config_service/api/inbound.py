"""`/inbound-channels`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from config_service.api import replies
from config_service.bodies import TestView
from config_service.channel_bodies import (
    InboundChannelBody,
    InboundChannels,
    InboundChannelView,
)
from config_service.resources.channel_documents import shown
from config_service.resources.channel_tests import ChannelTests
from config_service.resources.completeness import Completeness
from config_service.resources.inbound import KIND, Inbound
from config_service.resources.sign_ins import Saving
from postbus.contracts.mailboxes import CompletenessProof
from postbus.runtime.auth import BearerAuth, Caller

Fresh = Annotated[bool, Query(description="compare now, instead of showing the last proof")]


def routes(
    inbound: Inbound, tests: ChannelTests, completeness: Completeness, auth: BearerAuth
) -> APIRouter:
    """The routes of inbound channels."""
    router = APIRouter(prefix=f"/{KIND}", tags=[KIND], dependencies=[Depends(auth.reader)])
    admin = Annotated[Caller, Depends(auth.admin)]

    @router.get("", response_model=InboundChannels, summary="All inbound channels")
    async def list_them(none_match: replies.IfNoneMatch = None) -> Response:
        return replies.many([shown(kept) for kept in await inbound.all()], none_match=none_match)

    @router.get("/{channel_id}", response_model=InboundChannelView, summary="One inbound channel")
    async def get(channel_id: str, none_match: replies.IfNoneMatch = None) -> Response:
        kept = await inbound.get(channel_id)
        return replies.one(shown(kept), kept.revision, none_match=none_match)

    @router.post(
        "",
        response_model=InboundChannelView,
        status_code=201,
        responses=replies.TRY_FAILED,
        summary="Make an inbound channel, after trying it; its addresses go on the filter",
    )
    async def create(
        body: InboundChannelBody,
        caller: admin,
        force: replies.Force = False,  # noqa: FBT002 - a query parameter
    ) -> Response:
        kept = await inbound.create(body, Saving(by=caller.name, force=force))
        return replies.created(shown(kept), kept.revision, at=f"{KIND}/{kept.id}")

    @router.patch(
        "/{channel_id}",
        response_model=InboundChannelView,
        responses=replies.TRY_FAILED,
        summary="Change an inbound channel, after trying it where that matters",
    )
    async def patch(
        channel_id: str,
        body: replies.MergePatch,
        caller: admin,
        match: replies.IfMatch = None,
        force: replies.Force = False,  # noqa: FBT002 - a query parameter
    ) -> Response:
        saving = Saving(by=caller.name, force=force)
        kept = await inbound.patch(channel_id, body, match=match, saving=saving)
        return replies.one(shown(kept), kept.revision)

    @router.delete("/{channel_id}", status_code=204, summary="Remove an inbound channel")
    async def remove(channel_id: str, caller: admin, match: replies.IfMatch = None) -> Response:
        await inbound.remove(channel_id, match=match, by=caller.name)
        return replies.gone()

    @router.post(
        "/{channel_id}/pause", response_model=InboundChannelView, summary="Take no more mail"
    )
    async def pause(channel_id: str, caller: admin, match: replies.IfMatch = None) -> Response:
        kept = await inbound.pause(channel_id, match=match, by=caller.name)
        return replies.one(shown(kept), kept.revision)

    @router.post(
        "/{channel_id}/resume", response_model=InboundChannelView, summary="Take mail again"
    )
    async def resume(channel_id: str, caller: admin, match: replies.IfMatch = None) -> Response:
        kept = await inbound.enable(channel_id, match=match, by=caller.name)
        return replies.one(shown(kept), kept.revision)

    @router.post(
        "/{channel_id}/test",
        summary="Try an inbound channel step by step",
        dependencies=[Depends(auth.admin)],
    )
    async def test(channel_id: str) -> TestView:
        return await tests.inbound(channel_id)

    @router.get(
        "/{channel_id}/completeness",
        summary="What the mailbox has against what is known: is every mail a ticket?",
    )
    async def prove(channel_id: str, fresh: Fresh = False) -> CompletenessProof:  # noqa: FBT002 - a query parameter
        return await completeness.of(channel_id, fresh=fresh)

    return router
