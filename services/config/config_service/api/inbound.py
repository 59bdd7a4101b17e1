"""`/inbound-channels`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from config_service.api import replies
from config_service.bodies import InboundChannelBody, InboundChannels, TestView
from config_service.resources.channel_tests import ChannelTests
from config_service.resources.documents import document_of
from config_service.resources.inbound import KIND, Inbound
from postbus.contracts.configuration import InboundChannel
from postbus.runtime.auth import BearerAuth, Caller


def routes(inbound: Inbound, tests: ChannelTests, auth: BearerAuth) -> APIRouter:
    """The routes of inbound channels."""
    router = APIRouter(prefix=f"/{KIND}", tags=[KIND], dependencies=[Depends(auth.reader)])
    admin = Annotated[Caller, Depends(auth.admin)]

    @router.get("", response_model=InboundChannels, summary="All inbound channels")
    async def list_them(none_match: replies.IfNoneMatch = None) -> Response:
        documents = [kept.document or {} for kept in await inbound.all()]
        return replies.many(documents, none_match=none_match)

    @router.get("/{channel_id}", response_model=InboundChannel, summary="One inbound channel")
    async def get(channel_id: str, none_match: replies.IfNoneMatch = None) -> Response:
        kept = await inbound.get(channel_id)
        return replies.one(kept.document or {}, kept.revision, none_match=none_match)

    @router.post(
        "",
        response_model=InboundChannel,
        status_code=201,
        summary="Make an inbound channel; its addresses go on the outgoing mail filter",
    )
    async def create(body: InboundChannelBody, caller: admin) -> Response:
        channel = InboundChannel.model_validate(document_of(body))
        kept = await inbound.create(channel, by=caller.name)
        return replies.created(kept.document or {}, kept.revision, at=f"{KIND}/{kept.id}")

    @router.patch(
        "/{channel_id}", response_model=InboundChannel, summary="Change an inbound channel"
    )
    async def patch(
        channel_id: str, body: replies.MergePatch, caller: admin, match: replies.IfMatch = None
    ) -> Response:
        kept = await inbound.patch(channel_id, body, match=match, by=caller.name)
        return replies.one(kept.document or {}, kept.revision)

    @router.delete("/{channel_id}", status_code=204, summary="Remove an inbound channel")
    async def remove(channel_id: str, caller: admin, match: replies.IfMatch = None) -> Response:
        await inbound.remove(channel_id, match=match, by=caller.name)
        return replies.gone()

    @router.post("/{channel_id}/pause", response_model=InboundChannel, summary="Take no more mail")
    async def pause(channel_id: str, caller: admin, match: replies.IfMatch = None) -> Response:
        kept = await inbound.pause(channel_id, match=match, by=caller.name)
        return replies.one(kept.document or {}, kept.revision)

    @router.post("/{channel_id}/resume", response_model=InboundChannel, summary="Take mail again")
    async def resume(channel_id: str, caller: admin, match: replies.IfMatch = None) -> Response:
        kept = await inbound.enable(channel_id, match=match, by=caller.name)
        return replies.one(kept.document or {}, kept.revision)

    @router.post(
        "/{channel_id}/test",
        summary="Try an inbound channel step by step",
        dependencies=[Depends(auth.admin)],
    )
    async def test(channel_id: str) -> TestView:
        return await tests.inbound(channel_id)

    return router
