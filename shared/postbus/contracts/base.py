"""The envelope that every fact travels in: CloudEvents 1.0, JSON, structured mode."""

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""A name that may stand in a NATS subject, a KV key and a URL."""

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Contract(BaseModel):
    """A value that crosses a border between services: immutable, and tolerant of new fields."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


Data = TypeVar("Data", bound=Contract)


class Event(Contract, Generic[Data]):
    """CloudEvents 1.0 in structured mode; ``id`` is also the ``Nats-Msg-Id``."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str = Field(description="the service that told it, as `/postbus/<service>`")
    type: str = Field(description="the NATS subject without the channel or queue at its end")
    subject: str | None = Field(default=None, description="what it is about, e.g. `tickets/12`")
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str | None = None
    data: Data


class BlobRef(Contract):
    """Bytes in the blob store, by content."""

    sha256: Sha256
    size_bytes: int = Field(ge=0)


def derived_id(*parts: str) -> str:
    """An id that is the same whenever it is derived from the same parts (UUID 5, RFC 9562 §5.5).

    Telling the same fact again after a crash gives the same event id, so the stream drops the copy.
    """
    return str(uuid5(NAMESPACE_URL, "postbus:" + "\x1f".join(parts)))


def utc_now() -> datetime:
    """Now, with its time zone; for composition roots and adapters, never for `domain`."""
    return datetime.now(UTC)


JsonObject = dict[str, Any]
