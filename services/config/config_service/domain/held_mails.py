"""Mails that are kept and not filed, as the stream tells of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from postbus.contracts.mail import HeldDecision, MailDecided, MailHeld, MailReleased, Route

State = Literal["held", "releasing", "filed", "discarded"]
Mark = tuple[str, str]
"""Channel and mail id: the same bytes may be held for two channels."""


@dataclass(frozen=True)
class Told:
    """A fact at its place in the stream."""

    sequence: int
    at: datetime
    fact: MailHeld | MailDecided | MailReleased


@dataclass(frozen=True)
class HeldMail:
    """A mail that was held; `sequence` is where that was told first, `fact` what was told last.

    `routes` are the ways it came by, one for each place where it lay. `decided` is what somebody
    decided about it last, `released` is there once it is filed after all.
    """

    sequence: int
    held_at: datetime
    fact: MailHeld
    routes: tuple[Route, ...]
    decided: MailDecided | None = None
    released: MailReleased | None = None

    @property
    def id(self) -> str:
        """Its name in a URL."""
        return f"{self.fact.channel}.{self.fact.mail_id}"

    @property
    def state(self) -> State:
        """Whether it still waits for somebody."""
        if self.released is not None:
            return "filed"
        if self.decided is None:
            return "held"
        return "releasing" if self.decided.decision is HeldDecision.RELEASE else "discarded"

    @property
    def received_as(self) -> str | None:
        """Its id as a mail that was received, once it was."""
        return self.released.received_as if self.released else None

    def filed(self, fact: MailReleased) -> "HeldMail":
        """On a ticket; what names none, of a mailbox that gave the mail later, hides none."""
        names_more = self.released is None or fact.ticket is not None
        return replace(self, released=fact if names_more else self.released)

    def held_again(self, fact: MailHeld) -> "HeldMail":
        """With the newest reason: it waits again, unless it was discarded for that same reason."""
        known = {route.origin for route in self.routes}
        routes = self.routes if fact.route.origin in known else (*self.routes, fact.route)
        stays = self.state == "discarded" and fact.reason == self.fact.reason
        return replace(
            self,
            fact=fact,
            routes=routes,
            decided=self.decided if stays else None,
            released=None,
        )


@dataclass(frozen=True)
class HeldQuery:
    """Which of them; `before_sequence` is where the page before ended.

    Those that were discarded are asked for by their state only.
    """

    channel: str | None = None
    state: State | None = None
    before_sequence: int | None = None
    limit: int = 50

    def wants(self, mail: HeldMail) -> bool:
        """Whether that one is asked for."""
        of_state = mail.state == self.state if self.state else mail.state != "discarded"
        return (
            of_state
            and self.channel in (None, mail.fact.channel)
            and (self.before_sequence is None or mail.sequence < self.before_sequence)
        )


def held_mails(told: Iterable[Told]) -> list[HeldMail]:
    """Each held mail once, newest first, whatever the order of what was told.

    A mail that was held again is the first one with the newest reason.
    """
    found: dict[Mark, HeldMail] = {}
    for one in sorted(told, key=lambda told: told.sequence):
        fact = one.fact
        mark = (fact.channel, fact.mail_id)
        known = found.get(mark)
        if isinstance(fact, MailHeld):
            first = HeldMail(one.sequence, one.at, fact, (fact.route,))
            found[mark] = first if known is None else known.held_again(fact)
        elif known is not None and isinstance(fact, MailReleased):
            found[mark] = known.filed(fact)
        elif known is not None and isinstance(fact, MailDecided):
            found[mark] = replace(known, decided=fact)
    return sorted(found.values(), key=lambda mail: mail.sequence, reverse=True)


def page_of(mails: Sequence[HeldMail], query: HeldQuery) -> tuple[list[HeldMail], int | None]:
    """The page that was asked for, and where the next one begins."""
    wanted = [mail for mail in mails if query.wants(mail)]
    page = wanted[: query.limit]
    return page, page[-1].sequence if len(wanted) > query.limit else None
