"""What is counted of the course of one robot, and whether it is what was asked for."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loops.post import Course
from postbus.mail.addresses import normalise, without_plus

TEN_MINUTES = timedelta(minutes=10)
A_DAY = timedelta(hours=24)


def most_within(times: Sequence[datetime], length: timedelta) -> int:
    """The largest number within any stretch of time, which is open at its end."""
    ordered = sorted(times)
    first = most = 0
    for last, at in enumerate(ordered):
        while at - ordered[first] >= length:
            first += 1
        most = max(most, last - first + 1)
    return most


@dataclass(frozen=True)
class Figures:
    """Of one robot; what is of correspondents is of the one who got most."""

    mails_in: int
    automatic: int
    ten_minutes: int
    a_day: int
    silent_after: timedelta | None
    """From its first mail to our last automatic one; None: it was cut short."""
    stopped_by: Counter[str]
    tickets: int
    filed: int
    held: int
    lost: int
    doubled: int
    refused: int
    parked: int
    reached: frozenset[str]
    """Who got an automatic mail."""


def figures_of(course: Course) -> Figures:
    """Counted from what the other side got and from what was told; nothing is taken on trust."""
    times: dict[str, list[datetime]] = defaultdict(list)
    for one in course.automatic:
        for to in one.recipients:
            times[without_plus(normalise(to))].append(one.at)
    last = max((one.at for one in course.automatic), default=course.began_at)
    filed, held = _filed(course), _held(course)
    handed = {hashlib.sha256(one.data + one.to.encode()).digest() for one in course.handed}
    return Figures(
        mails_in=len(course.handed),
        automatic=len(course.automatic),
        ten_minutes=max((most_within(at, TEN_MINUTES) for at in times.values()), default=0),
        a_day=max((most_within(at, A_DAY) for at in times.values()), default=0),
        silent_after=None if course.cut_short else last - course.began_at,
        stopped_by=_stopped_by(course),
        tickets=sum(fact.subject.startswith("ticket.opened.") for fact in course.facts),
        filed=len(filed),
        held=len(held),
        lost=max(0, len(handed) - len(filed) - len(held)),
        doubled=max(0, len(filed) + len(held) - len(handed)),
        refused=len(course.refused),
        parked=sum(fact.subject.startswith("parked.") for fact in course.facts),
        reached=frozenset(times),
    )


def _filed(course: Course) -> set[str]:
    """What came in and is on a ticket, or is the bounce of a notification and told as that."""
    messages = (f.data.get("message") for f in course.facts if f.subject.startswith("ticket."))
    bounced = (f.data for f in course.facts if f.subject.startswith("send.bounced."))
    return {one["id"] for one in messages if one and one["direction"] == "inbound"} | {
        f"bounce of {one['send_id']}" for one in bounced if one["kind"] == "notification"
    }


def _held(course: Course) -> set[tuple[str, str]]:
    facts = (fact.data for fact in course.facts if fact.subject.startswith("mail.held."))
    return {(fact["channel"], fact["mail_id"]) for fact in facts}


def _stopped_by(course: Course) -> Counter[str]:
    """Rules of the guard that held an automatic mail, and why ticketing asked for none."""
    found: Counter[str] = Counter()
    for fact in course.facts:
        what = ".".join(fact.subject.split(".")[:2])
        if what == "send.held":
            found[(fact.data["verdict"] or {}).get("rule", "?")] += 1
        elif what == "mail.held":
            found[fact.data["reason"]] += 1
        elif what == "mail.received" and fact.data["kind"] not in ("human", "own"):
            found[fact.data["kind"]] += 1
        elif what == "mail.received" and fact.data["kind"] == "human" and fact.data["stamp"]:
            found[f"own stamp ({fact.data['stamp']['found_in']})"] += 1
    return found
