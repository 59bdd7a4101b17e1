"""Why a change is not made."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The stable words for programs; also the slug of the problem document."""

    UNKNOWN_REFERENCE = "unknown-reference"
    ADDRESS_NOT_USABLE = "address-not-usable"
    SECRET_NEEDED = "secret-needed"  # noqa: S105 - the name of a reason, no secret
    ADDRESS_TAKEN = "address-taken"
    ALREADY_EXISTS = "already-exists"
    IN_USE = "in-use"
    PROTECTED = "protected"


@dataclass(frozen=True)
class Refusal:
    """What stands in the way; `pointer` is the field, as a JSON Pointer fragment."""

    reason: Reason
    detail: str
    pointer: str = ""
