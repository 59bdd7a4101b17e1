"""Robots that answer whatever we send, on real services in simulated time (`make loops`, short)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from loops.adversaries import Stubborn
from loops.rows import ONE, TWO, Row, rows
from loops.running import World, open_world

pytestmark = [pytest.mark.xdist_group("loops"), pytest.mark.timeout(180)]

SHORT = [row for row in rows(alerts=60, stubborn_hours=4) if row.required is not None]


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


def test_the_table_shows_a_loop_where_the_limits_are_lifted(one: World) -> None:
    """INVARIANT: a table that says all is well, whatever the guard lets through."""
    windows = {"ten_minutes": 200, "hour": 200, "day": 200}
    lifted = {
        "correspondent": windows, "ticket": windows, "receipts_ten_minutes": 100,
        "receipts_day": 200, "receipts_day_all_queues": 200, "incoming_ten_minutes": 1000,
        "incoming_hour": 1000,
    }  # fmt: skip
    every = timedelta(minutes=3)
    lenient = Row("lenient", "", lambda at: Stubborn(at.queue, at.robot, hours=1, every=every))
    stack, whatever = one.houses[0].stack, {"If-Match": "*"}
    answer = stack.api("PATCH", "loop-limits", lifted, admin=True, headers=whatever)
    assert answer.status == 200, answer.body
    try:
        missed = one.run(lenient).missed
    finally:
        stack.api("DELETE", "loop-limits", admin=True, headers=whatever)
    assert any("in 10 minutes, at most 3 wanted" in what for what in missed), missed
    assert any("in 24 hours, at most 10 wanted" in what for what in missed), missed
