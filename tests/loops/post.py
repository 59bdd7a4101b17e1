"""Carries mail between Postbuses and robots, in simulated time."""

import heapq
import itertools
import smtplib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loops.clock import SimulatedClock
from loops.house import House, Letter, Sent
from loops.robot import Planned, Robot
from loops.told import Fact

_ON_THE_WIRE = timedelta(seconds=2)
_LOOK_SECONDS = 0.02
_STUCK_SECONDS = 60.0


@dataclass
class Course:
    """All that happened with one robot; times are simulated."""

    began_at: datetime
    handed: list[Letter] = field(default_factory=list)
    refused: list[Letter] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    cut_short: bool = False
    """It was ended while there were still automatic mails."""

    @property
    def automatic(self) -> list[Sent]:
        """The automatic mails that left, in order."""
        return [one for one in self.sent if one.automatic]


class Post:
    """One driver for all houses, which share its clock."""

    def __init__(self, clock: SimulatedClock, houses: Sequence[House]) -> None:
        self._clock = clock
        self._houses = houses

    def carry(self, robot: Robot, *, most: int) -> Course:
        """Let a robot be at it until nothing comes any more, its time is over, or we sent `most`.

        Before every step all services have done what there was to do; then the clock is put to
        when the next mail is due. TimeoutError if they never come to rest.
        """
        seen = [(len(one.outbox), len(one.facts)) for one in self._houses]
        course = Course(self._clock.now())
        due = _Due()
        due.add(course.began_at, robot.begins())
        end = course.began_at + timedelta(hours=robot.hours)
        met = False
        while (at := due.next_at) is not None and at <= end:
            for _ in range(robot.letters_at_once):
                if (due_at := due.next_at) is not None and due_at <= end:
                    self._clock.skip_to(due_at)
                    self._hand_over(due.take(), course)
            met = met or self._meet(robot, seen)
            self._collect(robot, seen, course, due)
            if len(course.automatic) >= most:
                course.cut_short = True
                break
        for house, (_, facts) in zip(self._houses, seen, strict=True):
            course.facts += house.facts[facts:]
        return course

    def _hand_over(self, letter: Letter, course: Course) -> None:
        house = next(one for one in self._houses if one.has(letter.to))
        try:
            house.take(letter)
        except smtplib.SMTPException:
            course.refused.append(letter)
        else:
            course.handed.append(letter)

    def _meet(self, robot: Robot, seen: list[tuple[int, int]]) -> bool:
        """Once a ticket is there, the desk does its part; whether it was there."""
        self.rest()
        house = self._houses[0]
        opened = [f for f in house.facts[seen[0][1] :] if f.subject.startswith("ticket.opened.")]
        if opened:
            robot.ticket_is_there(house, opened[0].data["ticket"]["number"])
        return bool(opened)

    def _collect(
        self, robot: Robot, seen: list[tuple[int, int]], course: Course, due: "_Due"
    ) -> None:
        """What the houses sent since goes to other houses, or to the robot."""
        self.rest()
        for number, house in enumerate(self._houses):
            mails, facts = seen[number]
            new = house.outbox[mails:]
            seen[number] = (mails + len(new), facts)
            course.sent += new
            for one in new:
                due.add(self._clock.now(), self._reactions(robot, one))

    def _reactions(self, robot: Robot, sent: Sent) -> list[Planned]:
        found: list[Planned] = []
        for to in sent.recipients:
            if any(house.has(to) for house in self._houses):
                found.append((_ON_THE_WIRE, robot.carried(sent, to)))
            else:
                found += robot.answers(sent)
        return found

    def rest(self) -> None:
        """Wait until no service has anything to do; TimeoutError."""
        deadline = time.monotonic() + _STUCK_SECONDS
        while not all(house.is_quiet() for house in self._houses):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not quiet after {_STUCK_SECONDS:g} s")
            time.sleep(_LOOK_SECONDS)


class _Due:
    """Letters by the time when they are to be handed over."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Letter]] = []
        self._order = itertools.count()

    @property
    def next_at(self) -> datetime | None:
        return self._heap[0][0] if self._heap else None

    def add(self, since: datetime, planned: Iterable[Planned]) -> None:
        for after, letter in planned:
            heapq.heappush(self._heap, (since + after, next(self._order), letter))

    def take(self) -> Letter:
        return heapq.heappop(self._heap)[2]
