"""What others publish about their own limits, as the most one correspondent could get.

Nothing is measured here. The constants are theirs: Zammad's and FreeScout's are in their source,
Znuny's is the default of PostmasterMaxEmails, RT and osTicket have none by default, Zendesk does
not publish its own. A limit counts only where the robot's mail is not known for a robot's before;
which marks each of them reads is in their sources, too.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from loops.figures import A_DAY, TEN_MINUTES

_MINUTE = timedelta(minutes=1)


class Mark(Enum):
    """By what a mail can be known for one that nobody wrote."""

    AUTO_SUBMITTED = "Auto-Submitted"
    PRECEDENCE_LIST = "Precedence: list"
    LIST_HEADERS = "List-Id, List-Unsubscribe"
    REPORT = "a report with a null return path"
    OWN_MAIL = "our own mail, header for header"


@dataclass(frozen=True)
class Limit:
    """At most so many automatic mails to one correspondent in so long; a calendar day resets."""

    mails: int
    length: timedelta
    resets: bool = False


@dataclass(frozen=True)
class Peer:
    """Limits of one system; None: there are none. `published` is false where nobody knows."""

    name: str
    reads: frozenset[Mark]
    limits: tuple[Limit, ...] | None
    published: bool = True

    def bound(self, marks: frozenset[Mark], *, one_address: bool) -> tuple[str, str]:
        """The most in ten minutes and in a day: of one mark that is read, one receipt at most.

        A robot that changes its address is counted by nobody.
        """
        if marks & self.reads:
            return "1", "1"
        if not self.published:
            return "?", "?"
        if self.limits is None or not one_address:
            return "∞", "∞"
        times = greedy(self.limits, 2 * A_DAY)
        return str(_most(times, TEN_MINUTES)), str(_most(times, A_DAY))


def greedy(limits: tuple[Limit, ...], length: timedelta) -> list[timedelta]:
    """When somebody who answers at once gets a mail, from a minute before midnight on."""
    got: list[timedelta] = []
    for minute in range(length // _MINUTE):
        now = minute * _MINUTE
        while all(_has_room(one, got, now) for one in limits):
            got.append(now)
    return got


def _has_room(limit: Limit, got: list[timedelta], now: timedelta) -> bool:
    since = now - limit.length
    if limit.resets:
        # The first minute is the last one before midnight.
        midnight = (now - _MINUTE) // limit.length * limit.length + _MINUTE
        return sum(at >= midnight for at in got) < limit.mails
    return sum(at > since for at in got) < limit.mails


def _most(times: list[timedelta], length: timedelta) -> int:
    return max(sum(start <= at < start + length for at in times) for start in set(times))


def _minutes(*limits: tuple[int, int]) -> tuple[Limit, ...]:
    return tuple(Limit(mails, minutes * _MINUTE) for mails, minutes in limits)


_ALL = frozenset(Mark) - {Mark.OWN_MAIL}
_ZAMMAD = _minutes((30, 10), (60, 30), (120, 60), (240, 180), (360, 600))
PEERS = (
    Peer("Zammad", frozenset(Mark), _ZAMMAD),
    Peer("Znuny", frozenset(Mark), (Limit(40, A_DAY, resets=True),)),
    # Its own auto-reply carries no mark, so it does not know it when it comes back.
    Peer("FreeScout", _ALL - {Mark.LIST_HEADERS}, _minutes((10, 180))),
    Peer("RT", frozenset({Mark.AUTO_SUBMITTED, Mark.REPORT, Mark.OWN_MAIL}), None),
    Peer("osTicket", frozenset(Mark) - {Mark.LIST_HEADERS}, None),
    Peer("Zendesk", frozenset({Mark.AUTO_SUBMITTED, Mark.REPORT, Mark.OWN_MAIL}), None,
         published=False),
)  # fmt: skip
