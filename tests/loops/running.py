"""Runs rows: a world of houses for those that need the same, and a queue of its own for each."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from pathlib import Path

from loops.clock import SimulatedClock
from loops.figures import Figures, figures_of
from loops.house import House, SmtpHouse
from loops.office_house import MAILBOX, OfficeHouse
from loops.post import Post
from loops.rows import OFFICE, TWO, Addresses, Row

_BETWEEN_ROWS = timedelta(hours=25)
"""Longer than the longest window, so that no row counts for the next."""
DOMAIN, OTHER_DOMAIN = "postbus.localhost", "second.localhost"


@dataclass(frozen=True)
class Result:
    """The figures of a row, and what was missed."""

    row: Row
    figures: Figures
    missed: list[str]


def run(rows: Sequence[Row], say: Callable[[str], None] = lambda _: None) -> Iterator[Result]:
    """The result of each row as soon as it is there, world by world."""
    for house, group in groupby(sorted(rows, key=lambda row: row.house), key=lambda row: row.house):
        say(f"Starting {house} …")
        with open_world(house) as world:
            for row in group:
                yield world.run(row)


@dataclass
class World:
    """Houses that share a clock."""

    clock: SimulatedClock
    houses: list[House]
    other: str = ""
    """A creation address of the second house, if there is one."""

    def run(self, row: Row) -> Result:
        robot = row.make(self._addresses(row.name))
        robot.is_expected(self.houses[0])
        course = Post(self.clock, self.houses).carry(robot, most=row.most)
        figures = figures_of(course)
        if row.house != OFFICE:
            self.clock.skip(_BETWEEN_ROWS)
        return Result(row, figures, row.required.missed(figures) if row.required else [])

    def _addresses(self, name: str) -> Addresses:
        first, robot = self.houses[0], f"kim@{name}.example"
        if not isinstance(first, SmtpHouse):
            return Addresses(robot, MAILBOX, "", "")
        queue = first.open_queue(name)
        return Addresses(robot, queue, first.open_queue(f"{name}-two"), self.other)


@contextmanager
def open_world(house: str) -> Iterator[World]:
    """The houses of that name, started, and stopped in the end."""
    with tempfile.TemporaryDirectory(prefix="postbus-loops-") as folder, ExitStack() as stack:
        place = Path(folder)
        clock = SimulatedClock(place / "clock")
        if house == OFFICE:
            office = OfficeHouse(place, clock, place / "clock")
            stack.callback(office.close)
            yield World(clock, [office])
            return
        (place / "first").mkdir()
        first = SmtpHouse(place / "first", clock, place / "clock", DOMAIN)
        stack.callback(first.close)
        world = World(clock, [first])
        if house == TWO:
            (place / "second").mkdir()
            second = SmtpHouse(place / "second", clock, place / "clock", OTHER_DOMAIN)
            stack.callback(second.close)
            world.houses.append(second)
            world.other = second.open_queue("helpdesk")
        yield world
