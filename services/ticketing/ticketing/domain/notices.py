"""What agents are to be told of, and what is kept of it until they are.

A happening is a fact of its ticket, told not to the stream but to the notices of the agents, from
which notifications are written (`notifications`). So a crash neither loses nor doubles one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from postbus.contracts.base import Contract, derived_id
from postbus.contracts.guard import Cause
from ticketing.domain.facts import fact_of
from ticketing.domain.model import Fact, Ticket

NOTICED: Final = "notice"
"""The type of a fact that is told to the agents' notices, and not to the stream."""
_WORDS_CHARACTERS: Final = 300


class Happening(StrEnum):
    """What an agent is told of."""

    NEW_TICKET = "new-ticket"
    ANSWER = "answer"
    ASSIGNMENT = "assignment"


class Lane(StrEnum):
    """What a mail caused and what a person did are told in mails of their own.

    The loop guard gives the first kind less room than the second.
    """

    MAIL = "mail"
    PERSON = "person"


class Happened(Contract):
    """Something that agents are to be told of, as it was when it happened.

    ``agents`` are who is to be told; it is empty once there is a notice for each.
    """

    happening: Happening
    agents: tuple[str, ...] = ()
    ticket_id: str
    ticket_number: int
    title: str
    queue: str
    customer: str
    words: str = ""
    by: str = ""
    cause: Cause | None = None
    at: datetime


@dataclass(frozen=True)
class Notice:
    """One agent is to be told of one happening; `told_by` is the mail that did, once it is.

    `lane` and `agent` say whose turn it is. What needs no telling any more is `DROPPED`.
    """

    id: str
    lane: Lane
    agent: str
    happened: Happened
    told_by: str | None = None


DROPPED: Final = "dropped"


@dataclass(frozen=True)
class Notification:
    """A mail to an agent that is decided on: what it tells, and the fact that it wants out."""

    ticket_id: str
    notices: tuple[str, ...]
    request: Fact


@dataclass(frozen=True)
class Turn:
    """When an agent was notified lately in one lane; `unfinished` is told before any other.

    `revision` rises with each change.
    """

    lane: Lane
    agent: str
    sent: tuple[datetime, ...] = ()
    unfinished: Notification | None = None
    revision: int = 0


@dataclass(frozen=True)
class Pause:
    """An address that notifications came back from for good, and so gets no more of them."""

    address: str
    at: datetime
    reason: str


def noticed(ticket: Ticket, happened: Happened, *, cause: str) -> Fact:
    """The happening as a fact of its ticket; ``cause`` is the id of what is behind it."""
    return fact_of(NOTICED, happened.happening, ticket, happened, cause=cause)


def notices_of(fact: Fact) -> list[Notice]:
    """A notice for each agent, with the same id however often the fact is told."""
    happened = Happened.model_validate_json(fact.data_json)
    lane = Lane.PERSON if happened.happening is Happening.ASSIGNMENT else Lane.MAIL
    told = happened.model_copy(update={"agents": ()})
    return [
        Notice(derived_id(NOTICED, fact.event_id, agent), lane, agent, told)
        for agent in happened.agents
    ]


def first_words(text: str, *, most: int = _WORDS_CHARACTERS) -> str:
    """The beginning of a text, on one line."""
    # What is cut off first is more than enough, whatever the white space.
    line = " ".join(text[: most * 10].split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def hop_of(causes: Iterable[Cause | None]) -> int:
    """How far a notification travelled: one hop more than the furthest of what caused it."""
    stamps = (cause.stamp for cause in causes if cause is not None)
    return max((stamp.hop + 1 for stamp in stamps if stamp is not None), default=0)
