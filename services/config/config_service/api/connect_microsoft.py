"""`/connect/microsoft…`: a whole mailbox of Microsoft 365 in one call."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import RedirectResponse

from config_service.api import replies
from config_service.api.callback_page import page_of, problem_page
from config_service.api.connect import MADE, answer_of
from config_service.connect_bodies import (
    MicrosoftAppBody,
    MicrosoftBody,
    MicrosoftFinishBody,
    MicrosoftPending,
    MicrosoftStarted,
)
from config_service.domain.microsoft_consent import parameters_of
from config_service.resources.again_links import AgainLinks
from config_service.resources.microsoft_sign_ins import MicrosoftSignIns, StillPending
from postbus.runtime.auth import BearerAuth, Caller
from postbus.runtime.problems import FieldError, Problem

CALLBACK = "/connect/microsoft/callback"
AGAIN = "/connect/microsoft/again"
FromMicrosoft = Annotated[str, Query(max_length=8192)]
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {}}, "description": "What happened, in words"}
}


def routes(sign_ins: MicrosoftSignIns, links: AgainLinks, auth: BearerAuth) -> APIRouter:
    """The routes that set mailboxes of Microsoft 365 up."""
    router = APIRouter(tags=["connect"])
    admin = Annotated[Caller, Depends(auth.admin)]

    @router.post("/connect/microsoft", summary="Start a sign-in with Microsoft")
    async def microsoft(body: MicrosoftBody, caller: admin) -> MicrosoftStarted:
        return await sign_ins.start(body, caller)

    @router.post("/connect/microsoft-app", summary="A mailbox that an app opens as itself", **MADE)
    async def app(body: MicrosoftAppBody, caller: admin) -> Response:
        return answer_of(await sign_ins.app(body, caller))

    @router.post(
        "/connect/microsoft/finish",
        summary="Whether a device code was used, or what the browser ended at",
        **{**MADE, "responses": {**MADE["responses"], 202: {"model": MicrosoftPending}}},
    )
    async def finish(body: MicrosoftFinishBody, caller: admin) -> Response:
        if body.code is not None:
            returned = parameters_of(body.code.get_secret_value(), body.state)
            return answer_of(await sign_ins.finish(returned, caller))
        if body.state is None:
            detail = "Give the `state` of a device code, or the `code`."
            raise Problem(422, "invalid", detail=detail, errors=(FieldError("#/state", detail),))
        done = await sign_ins.finish_device(body.state, caller)
        return _pending(done) if isinstance(done, StillPending) else answer_of(done)

    @router.get(
        CALLBACK,
        summary="Where Microsoft sends the browser back to; the state is the proof",
        responses=_PAGE,
        response_class=Response,
        name="microsoft_callback",
    )
    async def callback(
        state: FromMicrosoft = "",
        code: FromMicrosoft = "",
        error: FromMicrosoft = "",
        error_description: FromMicrosoft = "",
        client_info: FromMicrosoft = "",
    ) -> Response:
        said = {
            "state": state, "code": code, "error": error, "error_description": error_description,
            "client_info": client_info,
        }  # fmt: skip
        return await page_of(sign_ins.come_back({k: v for k, v in said.items() if v}))

    @router.get(
        AGAIN + "/{channel}",
        summary="Sign a mailbox in anew; the key in the link is the proof",
        responses={302: {"description": "To Microsoft"}, **_PAGE},
        response_class=Response,
    )
    async def again(
        channel: Annotated[str, Path(max_length=63)],
        key: Annotated[str, Query(max_length=128)] = "",
    ) -> Response:
        try:
            url = await links.follow(channel, key)
        except Problem as problem:
            return problem_page(problem)
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return RedirectResponse(url, status_code=302, headers=headers)

    return router


def _pending(still: StillPending) -> Response:
    body = MicrosoftPending(state=still.state, expires_at=still.expires_at)
    return replies.pending(body, seconds=still.seconds)
