"""Robots that answer whatever we send, on real services in simulated time (`make loops`, short)."""

from collections.abc import Iterator

import pytest

from loops.rows import ONE, TWO, rows
from loops.running import World, open_world

pytestmark = [pytest.mark.xdist_group("loops"), pytest.mark.timeout(180)]

SHORT = [row for row in rows(alerts=60, stubborn_hours=12) if row.required is not None]


@pytest.fixture(scope="module")
def one() -> Iterator[World]:
    with open_world(ONE) as world:
        yield world


@pytest.fixture(scope="module")
def two() -> Iterator[World]:
    with open_world(TWO) as world:
        yield world


@pytest.mark.parametrize(
    "row", [row for row in SHORT if row.house == ONE], ids=lambda row: row.name
)
def test_a_robot_gets_three_mails_in_ten_minutes_and_ten_in_a_day(one: World, row) -> None:
    """INVARIANT: a loop with somebody else's robot, or a mail that was lost because of one."""
    assert one.run(row).missed == []


@pytest.mark.parametrize(
    "row", [row for row in SHORT if row.house == TWO], ids=lambda row: row.name
)
def test_two_postbuses_leave_one_another_alone(two: World, row) -> None:
    """INVARIANT: two customers of ours write receipts to one another for ever."""
    assert two.run(row).missed == []
