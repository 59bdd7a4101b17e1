"""How large a request may be: 413 for more (RFC 9110 §15.5.14), by what it says or by counting.

FastAPI's own limit answers in plain text where the length is declared, so it is not used.
"""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from postbus.runtime.problems import Problem, response


class _TooLarge(HTTPException):
    """FastAPI makes a 400 of other errors while it reads a body, and lets this one through."""


class _BodyLimit:
    """Refuses a declared length at once, and any other body at the first byte too many."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _declared_bytes(scope) > self._max_bytes:
            await _refusal(self._max_bytes)(scope, receive, send)
        else:
            await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        seen_bytes = 0

        async def counted() -> Message:
            nonlocal seen_bytes
            message = await receive()
            seen_bytes += len(message.get("body", b""))
            if seen_bytes > self._max_bytes:
                raise _TooLarge(413)
            return message

        return counted


def install(app: FastAPI, *, max_bytes: int) -> None:
    """Answer requests of `app` with larger bodies by the problem `too-large`."""

    def too_large(_: Request, __: Exception) -> JSONResponse:
        return _refusal(max_bytes)

    app.add_middleware(_BodyLimit, max_bytes=max_bytes)
    app.add_exception_handler(_TooLarge, too_large)


def _refusal(max_bytes: int) -> JSONResponse:
    return response(
        Problem(413, "too-large", detail=f"The body of a request has at most {max_bytes} bytes.")
    )


def _declared_bytes(scope: Scope) -> int:
    try:
        return int(Headers(scope=scope).get("content-length", "0"))
    except ValueError:
        return 0  # it is counted then
