"""What `make loops` counts, and what it says of others."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loops.clock import SimulatedClock
from loops.figures import A_DAY, TEN_MINUTES, Figures, most_within
from loops.peers import PEERS, Limit, Mark, Peer, greedy
from loops.rows import ROWS, Required

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIGURES = Figures(
    mails_in=4, automatic=3, ten_minutes=3, a_day=3, silent_after=timedelta(seconds=10),
    stopped_by={}, tickets=4, filed=4, held=0, lost=0, doubled=0, refused=0, parked=0,
    reached=frozenset({"kim@robots.example"}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("minutes", "length", "most"),
    [
        ([], 10, 0),
        ([0], 10, 1),
        ([0, 10], 10, 1),
        ([0, 9.99], 10, 2),
        ([0, 4, 9, 10, 13, 30], 10, 4),
        ([30, 0, 25, 21], 10, 3),
    ],
)
def test_the_most_within_a_stretch_of_time_is_found_wherever_it_is(
    minutes: list[float], length: int, most: int
) -> None:
    times = [NOON + timedelta(minutes=one) for one in minutes]
    assert most_within(times, timedelta(minutes=length)) == most


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({}, []),
        ({"ten_minutes": 4}, ["4 in 10 minutes, at most 3 wanted"]),
        ({"a_day": 11}, ["11 in 24 hours, at most 10 wanted"]),
        ({"automatic": 6}, ["6 in all, at most 5 wanted"]),
        ({"automatic": 0}, ["0 in all, at least 1 wanted"]),
        ({"doubled": 1}, ["1 doubled, at most 0 wanted"]),
        ({"lost": 1}, ["1 lost, at most 0 wanted"]),
        ({"refused": 1}, ["1 refused, at most 0 wanted"]),
        ({"parked": 1}, ["1 parked, at most 0 wanted"]),
        ({"silent_after": None}, ["it did not end"]),
        ({"filed": 3}, ["3 on tickets, 4 wanted"]),
        ({"reached": frozenset()}, ["nothing to kim@robots.example"]),
    ],
)
def test_whatever_is_missed_is_said(changes: dict[str, object], missed: list[str]) -> None:
    """INVARIANT: a table that shows a loop and says that all is well."""
    required = Required(in_all=5, on_tickets=4, receipts_to=("kim@robots.example",))
    figures = Figures(**{**vars(FIGURES), **changes})
    assert required.missed(figures) == missed


def test_every_row_asks_for_three_in_ten_minutes_and_ten_in_a_day() -> None:
    """INVARIANT: a row whose bound was widened without a word."""
    required = {row.name: row.required for row in ROWS}
    # Its mails are those of people who never wrote before, and no more than people write.
    assert required.pop("patient") is None
    assert {(one.ten_minutes, one.a_day) for one in required.values() if one} == {(3, 10)}
    assert None not in required.values()
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    ("name", "bound"),
    [
        ("Zammad", ("30", "1080")),
        ("Znuny", ("80", "80")),
        ("FreeScout", ("10", "80")),
        ("RT", ("∞", "∞")),
        ("osTicket", ("∞", "∞")),
        ("Zendesk", ("?", "?")),
    ],
)
def test_the_bounds_of_others_follow_from_what_they_publish(
    name: str, bound: tuple[str, str]
) -> None:
    peer = next(one for one in PEERS if one.name == name)
    assert peer.bound(frozenset(), one_address=True) == bound


def test_a_peer_that_reads_a_mark_sends_one_receipt_and_counts_no_new_address() -> None:
    peer = Peer("x", frozenset({Mark.AUTO_SUBMITTED}), (Limit(5, TEN_MINUTES),))
    assert peer.bound(frozenset({Mark.AUTO_SUBMITTED}), one_address=False) == ("1", "1")
    assert peer.bound(frozenset({Mark.REPORT}), one_address=False) == ("∞", "∞")
    assert peer.bound(frozenset({Mark.REPORT}), one_address=True) == ("5", "720")


def test_a_limit_of_a_calendar_day_begins_anew_at_midnight() -> None:
    minutes = [at // timedelta(minutes=1) for at in greedy((Limit(2, A_DAY, resets=True),), A_DAY)]
    assert minutes == [0, 0, 1, 1]


def test_all_who_share_a_clock_see_at_once_that_it_was_put_forward(tmp_path: Path) -> None:
    driver, service = (SimulatedClock(tmp_path / "clock") for _ in range(2))
    before = service.now()
    driver.skip(timedelta(days=3))
    assert timedelta(days=3) <= service.now() - before < timedelta(days=3, minutes=1)
    later = service.now() + timedelta(hours=1)
    driver.skip_to(later)
    driver.skip_to(NOON)
    assert later <= service.now() < later + timedelta(minutes=1)
