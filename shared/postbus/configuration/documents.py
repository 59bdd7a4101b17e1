"""How a document is kept in the bucket `postbus-config`.

Key `<kind>.<id>`, value `{"document": {…}, "change": {"by": …, "at": …}}`. A removed document is
kept as `"document": null`, so that who removed it, and when, is part of the history as well.
"""

from dataclasses import dataclass

import orjson
from pydantic import ValidationError

from postbus.contracts.base import Contract, JsonObject
from postbus.contracts.configuration import KINDS, Change


@dataclass(frozen=True)
class Kept:
    """A document as it stands in the bucket; `document` is None when it was removed."""

    kind: str
    id: str
    document: JsonObject | None
    change: Change
    revision: int

    @property
    def key(self) -> str:
        """Its KV key."""
        return key_of(self.kind, self.id)

    def content(self) -> "Contract | Unreadable | None":
        """The document as its model, None when it was removed."""
        if self.document is None:
            return None
        try:
            return KINDS[self.kind].model_validate(self.document)
        except ValidationError as error:
            places = {".".join(str(part) for part in one["loc"]) or "it" for one in error.errors()}
            return Unreadable(self.key, f"not valid: {', '.join(sorted(places))}")


@dataclass(frozen=True)
class Unreadable:
    """An entry that nothing can be made of, and why; never the value itself."""

    key: str
    problem: str


def key_of(kind: str, id_: str) -> str:
    """The KV key of a document."""
    return f"{kind}.{id_}"


def value_of(document: JsonObject | None, change: Change) -> bytes:
    """The KV value of a document, or of its removal."""
    return orjson.dumps({"document": document, "change": change.model_dump(mode="json")})


def read_value(key: str, value: bytes, revision: int) -> Kept | Unreadable | None:
    """The document behind a KV entry; None for keys that hold no document (`meta.…`)."""
    kind, _, id_ = key.partition(".")
    if kind not in KINDS or not id_:
        return None
    try:
        fields = orjson.loads(value)
        document, change = fields["document"], Change.model_validate(fields["change"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValidationError) as error:
        return Unreadable(key, type(error).__name__)
    if document is not None and not isinstance(document, dict):
        return Unreadable(key, "the document is not an object")
    return Kept(kind, id_, document, change, revision)
