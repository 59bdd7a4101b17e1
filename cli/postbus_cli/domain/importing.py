"""What an import reads, how far it came, and what became of the mails."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

from postbus.contracts.base import Contract

Position = Mapping[str, Any]
"""How far a source was read, in its own words; JSON."""


@dataclass(frozen=True)
class Lying:
    """A mail as it lies in the source, or in words why it cannot be had.

    ``came_at`` is when its mailbox got it, as the source states it. ``position`` is behind it, and
    ``steps`` is how much nearer the end that is.
    """

    name: str
    position: Position
    steps: int
    raw: bytes = b""
    came_at: datetime | None = None
    error: str = ""


class Source(Protocol):
    """Where the mails lie; it is read and never changed."""

    name: str
    """The same for the same source."""
    copied: bool
    """It is files, whose times may be those of a copy."""

    def total(self, after: Position) -> int:
        """How many steps there are behind that position; Cannot."""

    def can_go_on(self, after: Position) -> bool:
        """Whether what was read up to that position is still there as it was; Cannot."""

    def mails(self, after: Position) -> Iterator[Lying]:
        """The mails behind that position, in order; Cannot when the source goes away."""

    def close(self) -> None:
        """Let go of it."""


class Journal(Contract):
    """How far an import came, so that it can go on there (KV bucket `postbus-cursors`)."""

    source: str
    queue: str
    position: dict[str, Any]
    read: int = 0
    finished: bool = False
    at: datetime


def journal_key(source: str, queue: str) -> str:
    """The key of the journal of a source that goes into a queue."""
    digest = sha256(f"{source}\n{queue}".encode()).hexdigest()
    return f"import.{digest[:32]}"


@dataclass
class Counts:
    """What became of the mails that this run read."""

    read: int = 0
    told: int = 0
    already_there: int = 0
    held: int = 0
    unreadable: int = 0

    def all(self) -> dict[str, int]:
        """By the names of the guide."""
        return dict(vars(self))


@dataclass
class Progress:
    """A run; ``before`` are mails that earlier runs read, ``waiting`` those not filed yet."""

    source: str
    queue: str
    status: str
    is_dry: bool = False
    before: int = 0
    counts: Counts = field(default_factory=Counts)
    finished: bool = False
    waiting: int | None = None
    seconds: float = 0
