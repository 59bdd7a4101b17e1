"""Mails that are kept and not filed, as the stream tells of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from postbus.contracts.mail import MailHeld, MailReleased

State = Literal["held", "filed"]
Mark = tuple[str, str]
"""Channel and mail id: the same bytes may be held for two channels."""


@dataclass(frozen=True)
class Told:
    """A fact at its place in the stream."""

    sequence: int
    at: datetime
    fact: MailHeld | MailReleased


@dataclass(frozen=True)
class HeldMail:
    """A mail that was held; `sequence` is where that was told first.

    `received_as` is its id as a mail that was received, once it was read after all.
    """

    sequence: int
    held_at: datetime
    fact: MailHeld
    received_as: str | None = None

    @property
    def id(self) -> str:
        """Its name in a URL."""
        return f"{self.fact.channel}.{self.fact.mail_id}"

    @property
    def state(self) -> State:
        """Whether it still waits for somebody."""
        return "held" if self.received_as is None else "filed"


@dataclass(frozen=True)
class HeldQuery:
    """Which of them; `before_sequence` is where the page before ended."""

    channel: str | None = None
    state: State | None = None
    before_sequence: int | None = None
    limit: int = 50


def held_mails(told: Iterable[Told]) -> list[HeldMail]:
    """Each held mail once, newest first, whatever the order of what was told.

    A mail that was held again is the first one with the newest reason, and waits again if it was
    read in between.
    """
    found: dict[Mark, HeldMail] = {}
    released: dict[Mark, str] = {}
    for one in sorted(told, key=lambda told: told.sequence):
        mark = (one.fact.channel, one.fact.mail_id)
        if isinstance(one.fact, MailReleased):
            released[mark] = one.fact.received_as
        elif mark in found:
            found[mark] = replace(found[mark], fact=one.fact)
            released.pop(mark, None)
        else:
            found[mark] = HeldMail(one.sequence, one.at, one.fact)
    mails = [replace(mail, received_as=released.get(mark)) for mark, mail in found.items()]
    return sorted(mails, key=lambda mail: mail.sequence, reverse=True)


def page_of(mails: Sequence[HeldMail], query: HeldQuery) -> tuple[list[HeldMail], int | None]:
    """The page that was asked for, and where the next one begins."""
    wanted = [
        mail
        for mail in mails
        if query.channel in (None, mail.fact.channel)
        and query.state in (None, mail.state)
        and (query.before_sequence is None or mail.sequence < query.before_sequence)
    ]
    page = wanted[: query.limit]
    return page, page[-1].sequence if len(wanted) > query.limit else None
