"""What agents are to be told of: which happenings, and which agents.

A happening is a fact of its ticket, told not to the stream but to the notices of the agents, from
which notifications are written (`notifications`). So a crash neither loses nor doubles one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from postbus.configuration import Configuration
from postbus.contracts.base import Contract, derived_id
from postbus.contracts.configuration import Agent, NotifyScope
from postbus.contracts.guard import Cause, SendKind
from postbus.contracts.mail import MailKind, MailReceived
from postbus.mail.addresses import normalise
from ticketing.domain.facts import fact_of
from ticketing.domain.model import Fact, Ticket
from ticketing.domain.people import writers_of

NOTICED: Final = "notice"
"""The type of a fact that is told to the agents' notices, and not to the stream."""
_BULK: Final = frozenset(("list", "bulk", "junk", "auto_reply", "auto-reply", "autoreply"))
_WORDS_CHARACTERS: Final = 300
_MOST_HOPS: Final = 15
"""Received fields; a mail that went round more often may be going in circles (RFC 5321 §6.3)."""


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


def is_worth_telling(mail: MailReceived) -> bool:
    """Whether agents are told of a mail: a person wrote it, today, and not to many.

    What the loop guard would hold a notification for (RFC 3834 §2; L8, L10) is left out here
    already: one such mail would hold all that is told together with it.
    """
    signals = mail.signals
    declared = (signals.auto_submitted or "no").strip().lower() != "no"
    bulk = signals.is_list or (signals.precedence or "").strip().lower() in _BULK
    system = signals.null_return_path or signals.from_mail_system or signals.is_report
    return (
        mail.kind is MailKind.HUMAN
        and mail.reread_at is None
        and not (declared or bulk or system)
        and signals.received_count < _MOST_HOPS
        and not _is_ours(mail)
    )


def _is_ours(mail: MailReceived) -> bool:
    """One of our own that came back, or the answer to a notification."""
    stamp = mail.stamp
    return stamp is not None and (stamp.found_in == "header" or stamp.kind == SendKind.NOTIFICATION)


def told_of_mail(
    happening: Happening, ticket: Ticket, mail: MailReceived, there: Configuration
) -> tuple[str, ...]:
    """The agents who are told of a mail on a ticket; nobody of a mail from ourselves."""
    writers = writers_of(mail)
    if not is_worth_telling(mail) or any(there.is_own(one) for one in writers):
        return ()
    return tuple(
        agent.id
        for agent in there.agents
        if _wants(agent, happening, there)
        and _is_concerned(agent, ticket, there)
        and normalise(agent.address) not in writers
    )


def told_of_assignment(
    ticket: Ticket, there: Configuration, *, acting: str | None
) -> tuple[str, ...]:
    """The agent whom the ticket was assigned to, unless she did it herself (`acting`)."""
    agent = there.agent(ticket.assignee) if ticket.assignee else None
    if agent is None or agent.id == acting or not _wants(agent, Happening.ASSIGNMENT, there):
        return ()
    return (agent.id,)


def can_be_told(agent: Agent | None, there: Configuration) -> bool:
    """Whether anything may be sent to an agent at all."""
    return agent is not None and agent.enabled and not there.is_own(agent.address)


def first_words(text: str, *, most: int = _WORDS_CHARACTERS) -> str:
    """The beginning of a text, on one line."""
    # What is cut off first is more than enough, whatever the white space.
    line = " ".join(text[: most * 10].split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def hop_of(causes: Iterable[Cause | None]) -> int:
    """How far a notification travelled: one hop more than the furthest of what caused it."""
    stamps = (cause.stamp for cause in causes if cause is not None)
    return max((stamp.hop + 1 for stamp in stamps if stamp is not None), default=0)


def _wants(agent: Agent, happening: Happening, there: Configuration) -> bool:
    if not can_be_told(agent, there):
        return False
    name = happening.replace("-", "_")
    own: bool | None = getattr(agent.notify, name)
    default: bool = getattr(there.notifications, name)
    return default if own is None else own


def _is_concerned(agent: Agent, ticket: Ticket, there: Configuration) -> bool:
    """Hers always; of her queues nobody's too, or everybody's if she wants all."""
    if ticket.assignee == agent.id:
        return True
    if agent.queues and ticket.queue not in agent.queues:
        return False
    if (agent.notify.scope or there.notifications.scope) is NotifyScope.ALL:
        return True
    # A name that is no agent's reads nothing, so it is nobody's ticket.
    return ticket.assignee is None or there.agent(ticket.assignee) is None
