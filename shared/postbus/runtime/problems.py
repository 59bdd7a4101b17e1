"""Errors over HTTP are problem documents (RFC 9457), the same in every service.

`type` is `/problems/<slug>`; the slugs are stable, so that programs can tell the cases apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from postbus.errors import BlobMissing, NotConfigured, StateConflict, TemporaryError

MEDIA_TYPE = "application/problem+json"
DEFAULT_RETRY_AFTER_SECONDS = 2


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field; `pointer` is a JSON Pointer fragment (RFC 6901 §6)."""

    pointer: str
    detail: str


class Problem(Exception):
    """An answer that is not the one that was asked for; `install` makes the response of it."""

    def __init__(
        self,
        status: int,
        slug: str,
        *,
        detail: str = "",
        title: str = "",
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        """Keep what the document will say; `title` defaults to the words of the slug.

        `members` are those that only this type of problem has (RFC 9457 §3.2).
        """
        super().__init__(f"{status} {slug}: {detail}")
        self.status = status
        self.slug = slug
        self.title = title or slug.replace("-", " ").capitalize()
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.members = dict(members or {})

    def document(self) -> dict[str, object]:
        """The members of the problem document (RFC 9457 §3.1)."""
        members: dict[str, object] = {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
        }
        if self.detail:
            members["detail"] = self.detail
        if self.errors:
            members["errors"] = [
                {"pointer": error.pointer, "detail": error.detail} for error in self.errors
            ]
        own = {name: value for name, value in self.members.items() if name not in members}
        return members | own


class FieldErrorBody(BaseModel):
    """One field of the request that is wrong."""

    pointer: str = Field(description="where in the body, e.g. `#/reply_via` (RFC 6901 §6)")
    detail: str


class ProblemBody(BaseModel):
    """A problem document, for the API description; a type may have more members (RFC 9457 §3.2)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`/problems/<slug>`; stable")
    title: str
    status: int
    detail: str = ""
    errors: list[FieldErrorBody] = Field(default_factory=list)


RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "model": ProblemBody,
        "description": "A problem document (RFC 9457), as `application/problem+json`",
    }
}
"""For `FastAPI(responses=...)`: every operation may answer with a problem document."""


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document, FastAPI's own ones included."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(StateConflict, _conflict)
    app.add_exception_handler(TemporaryError, _temporary)
    app.add_exception_handler(NotConfigured, _not_configured)
    app.add_exception_handler(BlobMissing, _blob_missing)
    app.add_exception_handler(Exception, _unexpected)


def validation_problem(errors: Sequence[Mapping[str, Any]], *, skip: int = 0) -> Problem:
    """422 from pydantic's list of errors; `skip` leading parts of each place are left out."""
    fields = [
        FieldError(_pointer([str(part) for part in error["loc"]][skip:]), str(error["msg"]))
        for error in errors
    ]
    return Problem(
        422, "invalid", title="Not valid", detail="Some fields are not valid.", errors=fields
    )


def response(problem: Problem) -> JSONResponse:
    """The problem as an HTTP response."""
    return JSONResponse(
        problem.document(),
        status_code=problem.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def _pointer(parts: Sequence[str]) -> str:
    escaped = [part.replace("~", "~0").replace("/", "~1") for part in parts]
    return "#" + "".join(f"/{part}" for part in escaped)


def _problem(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, Problem):
        raise TypeError(f"not a problem: {type(error).__name__}")
    return response(error)


def _http_exception(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise TypeError(f"not an HTTP exception: {type(error).__name__}")
    phrase = HTTPStatus(error.status_code).phrase
    detail = error.detail if error.detail != phrase else ""
    slug = phrase.lower().replace(" ", "-").replace("'", "")
    return response(Problem(error.status_code, slug, detail=detail, headers=error.headers))


def _validation(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise TypeError(f"not a validation error: {type(error).__name__}")
    errors = error.errors()
    if any(one["type"] == "json_invalid" for one in errors):
        return response(Problem(400, "malformed-json", detail="The body is not JSON."))
    return response(validation_problem(errors, skip=1))


def _conflict(request: Request, _: Exception) -> JSONResponse:
    if "if-match" in request.headers:
        detail = "It was changed since you read it."
        return response(Problem(412, "stale", detail=detail))
    return response(Problem(409, "conflict", detail="Somebody else changed it at the same time."))


def _temporary(_: Request, error: Exception) -> JSONResponse:
    asked = getattr(error, "retry_after_seconds", None)
    seconds = ceil(asked) if asked else DEFAULT_RETRY_AFTER_SECONDS
    problem = Problem(
        503,
        "unavailable",
        detail="Something this service depends on is away; try again later.",
        headers={"Retry-After": str(seconds)},
    )
    return response(problem)


def _not_configured(_: Request, error: Exception) -> JSONResponse:
    return response(Problem(422, "not-configured", detail=str(error)))


def _blob_missing(_: Request, __: Exception) -> JSONResponse:
    detail = "The bytes are not in the blob store any more."
    return response(Problem(404, "bytes-missing", detail=detail))


def _unexpected(_: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - Starlette raises it on, so the server logs it; callers are told nothing of our inside
    return response(Problem(500, "internal", detail="A fault of ours; it is in the log."))
