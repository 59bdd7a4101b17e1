"""`/connect`: a whole mailbox in one call."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import SecretStr

from config_service.api import replies
from config_service.api.callback_page import page_of
from config_service.connect_bodies import (
    ConnectedView,
    FinishBody,
    GmailBody,
    GoogleBody,
    ServiceAccountBody,
    SignInStarted,
)
from config_service.domain.gmail import (
    BY_APP_PASSWORD,
    BY_KEY,
    GmailServers,
    at,
    bare_app_password,
)
from config_service.domain.google_consent import Returned, returned_of
from config_service.resources import inbound
from config_service.resources.channel_secrets import key_credential
from config_service.resources.connecting import Connect, Connected, Connecting
from config_service.resources.google_sign_ins import GoogleSignIns
from postbus.runtime.auth import BearerAuth, Caller

MADE: dict[str, Any] = {
    "response_model": ConnectedView,
    "status_code": 201,
    "responses": {
        200: {"model": ConnectedView, "description": "It was there, and is signed in anew"},
        **replies.TRY_FAILED,
    },
}
CALLBACK = "/connect/google/callback"
FromGoogle = Annotated[str, Query(max_length=4096)]


def routes(
    connect: Connect, sign_ins: GoogleSignIns, servers: GmailServers, auth: BearerAuth
) -> APIRouter:
    """The routes that set mailboxes of Google up."""
    router = APIRouter(tags=["connect"])
    admin = Annotated[Caller, Depends(auth.admin)]

    @router.post("/connect/gmail", summary="A Gmail mailbox with an app password", **MADE)
    async def gmail(body: GmailBody, caller: admin) -> Response:
        password = SecretStr(bare_app_password(body.app_password.get_secret_value()))
        what = Connecting(
            body.wish(),
            at(servers, BY_APP_PASSWORD),
            password,
            caller.name,
            pointer="#/app_password",
        )
        return answer_of(await connect.connect(what))

    @router.post(
        "/connect/google-service-account",
        summary="A Workspace mailbox that a service account acts for",
        **MADE,
    )
    async def service_account(body: ServiceAccountBody, caller: admin) -> Response:
        credential = key_credential(body.key, body.address, "#/key")
        what = Connecting(
            body.wish(), at(servers, BY_KEY), credential, caller.name, pointer="#/key"
        )
        return answer_of(await connect.connect(what))

    @router.post("/connect/google", summary="Start a sign-in with Google")
    async def google(body: GoogleBody, caller: admin) -> SignInStarted:
        return await sign_ins.start(body, caller)

    @router.post(
        "/connect/google/finish", summary="Finish a sign-in with what the browser ended at", **MADE
    )
    async def finish(body: FinishBody, caller: admin) -> Response:
        returned = returned_of(body.code.get_secret_value(), body.state)
        return answer_of(await sign_ins.finish(returned, caller))

    @router.get(
        CALLBACK,
        summary="Where Google sends the browser back to; the state is the proof",
        responses={200: {"content": {"text/html": {}}, "description": "What happened, in words"}},
        response_class=Response,
    )
    async def callback(
        state: FromGoogle = "", code: FromGoogle = "", error: FromGoogle = ""
    ) -> Response:
        return await page_of(sign_ins.come_back(Returned(code, state, error)))

    return router


def answer_of(connected: Connected) -> Response:
    """201 with both channels, 200 where they were there."""
    view = connected.view
    at = f"{inbound.KIND}/{view.inbound.id}"
    return replies.connected(view, at=at, is_new=connected.is_new)
