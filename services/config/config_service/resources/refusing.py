"""Turns refusals into problem documents."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from config_service.domain.etags import Match, etag_of, if_match
from config_service.domain.refusals import Reason, Refusal
from postbus.configuration import Kept, key_of
from postbus.runtime.problems import FieldError, Problem, validation_problem

STATUS: Mapping[Reason, int] = {
    Reason.UNKNOWN_REFERENCE: 422,
    Reason.ADDRESS_NOT_USABLE: 422,
    Reason.SECRET_NEEDED: 422,
    Reason.ADDRESS_TAKEN: 409,
    Reason.ALREADY_EXISTS: 409,
    Reason.IN_USE: 409,
    Reason.PROTECTED: 409,
}


def refuse(refusal: Refusal | None) -> None:
    """Raise the problem, if there is one."""
    if refusal is not None:
        raise problem_of(refusal)


def problem_of(refusal: Refusal) -> Problem:
    """The problem document of a refusal."""
    errors: Sequence[FieldError] = (
        (FieldError(refusal.pointer, refusal.detail),) if refusal.pointer else ()
    )
    status = STATUS[refusal.reason]
    return Problem(status, refusal.reason.value, detail=refusal.detail, errors=errors)


def invalid(error: ValidationError) -> Problem:
    """The 422 problem that names every field that is wrong."""
    return validation_problem(error.errors(include_url=False))


def not_found(kind: str, id_: str) -> Problem:
    """The 404 problem."""
    return Problem(404, "not-found", detail=f"There is no {id_} among {kind}.")


def require_new_id(kind: str, id_: str, there: Container[str]) -> None:
    """409 when there is one of that id; asked before anything is tried or written."""
    if key_of(kind, id_) in there:
        raise already_there(kind, id_)


def already_there(kind: str, id_: str) -> Problem:
    """The 409 problem of an id that is taken."""
    detail = f"There is a {id_} among {kind} already."
    return problem_of(Refusal(Reason.ALREADY_EXISTS, detail, "#/id"))


def require_same_id(body: Mapping[str, Any], kept: Kept) -> None:
    """A document keeps its id; 422 otherwise."""
    if body.get("id", kept.id) != kept.id:
        error = FieldError("#/id", "the id of a document does not change")
        raise Problem(422, "invalid", detail=f"It stays {kept.id}.", errors=(error,))


def require_match(header: str | None, kept: Kept) -> None:
    """Only what the caller has seen is changed: 428 without If-Match (RFC 6585 §3), 412 if stale.

    RFC 9110 §13.1.1.
    """
    match = if_match(header, etag_of(kept.revision))
    if match is Match.MISSING:
        detail = "Send the ETag of what you read as If-Match, or `*` for whatever is there."
        raise Problem(428, "if-match-needed", detail=detail)
    if match is Match.STALE:
        raise Problem(412, "stale", detail="It was changed since you read it.")
