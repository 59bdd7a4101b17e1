"""The routes by which agents decide about mail that waits, failed, or is in doubt."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends

from postbus.contracts.sending import WhatNext
from postbus.errors import NotConfigured
from postbus.runtime.auth import BearerAuth, Caller
from postbus.runtime.problems import Problem
from ticketing.api.bodies import MessageBody, SendViaIn
from ticketing.api.parts import Api
from ticketing.deciding import Deciding, NotPossible

_SAYS: Final = {
    WhatNext.RELEASE: "Send a held mail all the same",
    WhatNext.DISCARD: "Never send a mail that is held or waits",
    WhatNext.SEND_AGAIN: "Send a mail that failed or is in doubt again",
    WhatNext.TAKE_AS_SENT: "Take a mail that is in doubt as sent",
}


def add_decisions(routes: APIRouter, api: Api, auth: BearerAuth) -> None:
    """`POST /tickets/{number}/messages/{message_id}/<decision>`; each is safe to repeat."""
    for what, says in _SAYS.items():
        _add(routes, api, auth, what, says)

    @routes.post(
        _path(WhatNext.SEND_VIA), status_code=202, summary="Send it through another channel"
    )
    async def send_via(
        number: int,
        message_id: str,
        given: SendViaIn,
        caller: Annotated[Caller, Depends(auth.agent)],
    ) -> MessageBody:
        return await _decide(
            api, number, message_id, WhatNext.SEND_VIA, by=caller.name, outbound=given.outbound
        )


def _add(routes: APIRouter, api: Api, auth: BearerAuth, what: WhatNext, says: str) -> None:
    async def decide(
        number: int, message_id: str, caller: Annotated[Caller, Depends(auth.agent)]
    ) -> MessageBody:
        return await _decide(api, number, message_id, what, by=caller.name)

    name = what.replace("-", "_")
    routes.post(_path(what), status_code=202, summary=says, name=name)(decide)


def _path(what: WhatNext) -> str:
    return "/tickets/{number}/messages/{message_id}/" + what


async def _decide(
    api: Api,
    number: int,
    message_id: str,
    what: WhatNext,
    *,
    by: str,
    outbound: str | None = None,
) -> MessageBody:
    ticket = await api.conversation(number)
    try:
        message = await Deciding(api.around).decide(
            ticket, message_id, what, by=by, outbound=outbound
        )
    except LookupError as error:
        detail = f"Ticket {number} has no message {message_id}."
        raise Problem(404, "no-such-message", detail=detail) from error
    except NotPossible as error:
        detail = f"{error} {error.advice}".strip()
        raise Problem(409, error.reason, detail=detail) from error
    except NotConfigured as error:
        raise Problem(422, error.reason, detail=str(error)) from error
    return await api.message_body(message)
