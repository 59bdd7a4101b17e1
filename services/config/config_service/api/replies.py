"""How documents and lists are answered: ETag, Location, 304 (RFC 9110)."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any

import orjson
from fastapi import Body, Header, Query, Response
from pydantic import BaseModel, Field

from config_service.domain.etags import Match, etag_of, if_none_match
from postbus.contracts.base import Contract, JsonObject
from postbus.runtime.problems import ProblemBody

PREFIX = "/api/v1"

IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="ETag of what was read, or `*`")
]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description="ETag of what is there already")
]
Force = Annotated[bool, Query(description="save without trying whether it works")]
MergePatch = Annotated[
    JsonObject,
    Body(
        media_type="application/merge-patch+json",
        description="the fields that change; null removes one (RFC 7396)",
    ),
]


class TryProblem(ProblemBody):
    """A problem document about a channel that was tried and does not work."""

    step: str = Field(default="", description="the step that failed")
    reason: str = Field(default="", description="why: a stable word, where the cause is known")
    advice: str = Field(default="", description="what to do about it, for people")


TRY_FAILED: dict[int | str, dict[str, Any]] = {
    422: {
        "model": TryProblem,
        "description": "Not valid, or it was tried and does not work (`/problems/try-failed`)",
    }
}


def body_of(content: Contract | JsonObject) -> JsonObject:
    """A model or a document as JSON members."""
    return content.model_dump(mode="json") if isinstance(content, BaseModel) else content


def one(
    content: Contract | JsonObject, revision: int, *, none_match: str | None = None
) -> Response:
    """One document; 304 when the reader has that revision."""
    return _tagged(orjson.dumps(body_of(content)), etag_of(revision), none_match)


def created(content: Contract | JsonObject, revision: int, *, at: str) -> Response:
    """201 with where it is."""
    return Response(
        orjson.dumps(body_of(content)),
        status_code=201,
        headers={"ETag": etag_of(revision), "Location": f"{PREFIX}/{at}"},
        media_type="application/json",
    )


def connected(content: Contract, *, at: str, is_new: bool) -> Response:
    """201 with where it is, 200 for what was there before."""
    return Response(
        orjson.dumps(body_of(content)),
        status_code=201 if is_new else 200,
        headers={"Location": f"{PREFIX}/{at}", "Cache-Control": "no-store"},
        media_type="application/json",
    )


def pending(content: Contract, *, seconds: int) -> Response:
    """202 of what is not done yet, with when to ask again (RFC 9110 §10.2.3)."""
    return Response(
        orjson.dumps(body_of(content)),
        status_code=202,
        headers={"Retry-After": str(seconds), "Cache-Control": "no-store"},
        media_type="application/json",
    )


def many(
    items: Sequence[Contract | JsonObject],
    *,
    none_match: str | None = None,
    next_cursor: str | None = None,
) -> Response:
    """A list; its ETag is that of its content, since a removal leaves no revision behind."""
    body = orjson.dumps({"items": [body_of(item) for item in items], "next_cursor": next_cursor})
    return _tagged(body, f'"{sha256(body).hexdigest()[:32]}"', none_match)


def gone() -> Response:
    """204."""
    return Response(status_code=204)


def _tagged(body: bytes, etag: str, none_match: str | None) -> Response:
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if if_none_match(none_match, etag) is Match.GOOD:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")
