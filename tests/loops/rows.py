"""The table: each robot, what it is measured against, and what a run of it must give."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from loops.adversaries import (
    Aliases,
    AnswersElsewhere,
    Bouncing,
    Echo,
    Forwarder,
    MailingList,
    MarksLost,
    OtherTicketSystem,
    PatientStranger,
    PoliteVacation,
    Redirector,
    Rewriter,
    RudeVacation,
    Shifting,
    ShiftingRewriter,
    ShiftingUnsigned,
    Stubborn,
)
from loops.figures import Figures
from loops.monitoring import Monitoring
from loops.notified import AGENT, BouncingAgent
from loops.peers import Mark
from loops.robot import Robot

ONE, TWO, OFFICE = "one Postbus", "two Postbuses", "Microsoft 365"
MOST = 60
"""Automatic mails after which a loop counts as one that does not end."""


@dataclass(frozen=True)
class Addresses:
    """Of a row: the robot's own, and where tickets begin: two queues, and another Postbus."""

    robot: str
    queue: str
    other_queue: str
    elsewhere: str


@dataclass(frozen=True)
class Required:
    """What the figures of a row must be; `in_all` bounds the automatic mails to everybody.

    `at_least` so many must have left, since a robot that gets nothing shows nothing.
    """

    ten_minutes: int = 3
    a_day: int = 10
    in_all: int | None = None
    at_least: int = 1
    on_tickets: int | None = None
    receipts_to: tuple[str, ...] = ()
    """Who must have got at least one, since nobody is blocked."""

    def missed(self, figures: Figures) -> list[str]:
        """Every requirement that was missed, in words."""
        most = {
            "in 10 minutes": (figures.ten_minutes, self.ten_minutes),
            "in 24 hours": (figures.a_day, self.a_day),
            "in all": (figures.automatic, self.in_all),
            "lost": (figures.lost, 0),
            "doubled": (figures.doubled, 0),
            "refused": (figures.refused, 0),
            "parked": (figures.parked, 0),
        }
        found = [
            f"{count} {what}, at most {limit} wanted"
            for what, (count, limit) in most.items()
            if limit is not None and count > limit
        ]
        if figures.automatic < self.at_least:
            found.append(f"{figures.automatic} in all, at least {self.at_least} wanted")
        if figures.silent_after is None:
            found.append("it did not end")
        if self.on_tickets is not None and figures.filed != self.on_tickets:
            found.append(f"{figures.filed} on tickets, {self.on_tickets} wanted")
        found += [f"nothing to {who}" for who in self.receipts_to if who not in figures.reached]
        return found


@dataclass(frozen=True)
class Row:
    """One robot; `marks` is what its mail can be known by, `one_address` whether it keeps to one.

    `most` automatic mails are enough to say that it does not end.
    """

    name: str
    title: str
    make: Callable[[Addresses], Robot]
    marks: frozenset[Mark] = frozenset()
    one_address: bool = True
    house: str = ONE
    required: Required | None = field(default_factory=Required)
    """None: it is shown, and nothing is asked of it."""
    most: int = MOST


def _robot(kind: type[Robot]) -> Callable[[Addresses], Robot]:
    return lambda at: kind(at.queue, at.robot)


_MARKED = frozenset({Mark.AUTO_SUBMITTED})
_OWN = frozenset({Mark.OWN_MAIL, Mark.AUTO_SUBMITTED})
_LIST = frozenset({Mark.LIST_HEADERS, Mark.PRECEDENCE_LIST})
_REPORT = frozenset({Mark.REPORT, Mark.AUTO_SUBMITTED})


def rows(*, alerts: int = 500, stubborn_hours: float = 72) -> tuple[Row, ...]:
    """All of them; fewer alerts and hours make a short run, which asks for the same."""
    return (
        Row("vacation", "polite vacation responder", _robot(PoliteVacation), marks=_MARKED),
        Row("rude", "responder that ignores RFC 3834", _robot(RudeVacation)),
        Row("echo", "echo robot: new headers, subject, Message-ID", _robot(Echo)),
        Row("rewriter", "the same, and new words each time", _robot(Rewriter)),
        Row("stubborn", "the same, and writes again every 10 minutes",
            lambda at: Stubborn(at.queue, at.robot, hours=stubborn_hours)),
        Row("shifting", "echo robot that changes its address, too", _robot(Shifting),
            one_address=False, required=Required(in_all=20)),
        Row("unsigned", "the same, and cuts off our mark", _robot(ShiftingUnsigned),
            one_address=False, required=Required(in_all=20)),
        Row("stranger", "the same, and new words each time", _robot(ShiftingRewriter),
            one_address=False, required=Required(in_all=80), most=120),
        Row("patient", "the same, every 15 seconds", _robot(PatientStranger),
            one_address=False, required=None),
        Row("elsewhere", "robot that answers from another address", _robot(AnswersElsewhere)),
        Row("redirect", "redirect that returns our mail as it is", _robot(Redirector), marks=_OWN),
        Row("forward", "forwarder that returns our mail in a new one", _robot(Forwarder)),
        Row("list", "mailing list with our address on it", lambda at: MailingList(at.queue),
            marks=_LIST, required=Required(at_least=0)),
        Row("helpdesk", "ticket system of another make, own receipts",
            lambda at: OtherTicketSystem(at.queue)),
        Row("postbus", "second Postbus, same defaults", lambda at: Robot(at.queue, at.elsewhere),
            marks=_MARKED, house=TWO, required=Required(in_all=2)),
        Row("gateway", "second Postbus, a gateway drops all marks",
            lambda at: MarksLost(at.queue, at.elsewhere), house=TWO,
            required=Required(in_all=2)),
        Row("graph", "Graph in and out of one mailbox, marks dropped",
            lambda at: Redirector(at.queue, at.robot), house=OFFICE),
        Row("graph-echo", "the same with an echo robot of new words",
            lambda at: Rewriter(at.queue, at.robot), house=OFFICE),
        Row("bounce", "bounce of a receipt", _robot(Bouncing), marks=_REPORT),
        Row("notified", "bounce of a notification", _robot(BouncingAgent), marks=_REPORT,
            required=Required(in_all=4, receipts_to=(AGENT,))),
        Row("queues", "mail from one queue of ours to another",
            lambda at: Robot(at.queue, at.other_queue), marks=_OWN,
            required=Required(at_least=0)),
        Row("aliases", "two queues that answer one another, rewritten",
            lambda at: Aliases(at.queue, at.robot, other_queue=at.other_queue)),
        Row("alerts", f"{alerts} genuine alerts in one hour",
            lambda at: Monitoring(at.queue, alerts=alerts),
            required=Required(
                on_tickets=alerts + 2,
                receipts_to=("anna@customers.example", "monitoring@customers.example"),
            )),
    )  # fmt: skip


ROWS = rows()


def chosen(names: Sequence[str]) -> list[Row]:
    """The rows of those names, all without any; KeyError for one that is not there."""
    by_name = {one.name: one for one in ROWS}
    return [by_name[name] for name in names] if names else list(ROWS)
