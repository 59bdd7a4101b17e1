"""Whose mail opened tickets lately: a small memory with an end."""

from datetime import timedelta

import pytest

from doubles.mails import NOW
from ticketing.lately import Lately


@pytest.mark.parametrize(
    ("minutes", "count"), [((0,), 1), ((0, 59), 2), ((0, 60), 1), ((0, 1, 2, 3), 3)]
)
def test_mails_within_an_hour_are_counted_up_to_three(minutes: tuple[int, ...], count: int) -> None:
    lately = Lately()
    counts = [lately.count("anna", NOW + timedelta(minutes=one)) for one in minutes]
    assert counts[-1] == count
    assert lately.count("bert", NOW) == 1


def test_it_forgets_who_wrote_longest_ago_when_it_is_full() -> None:
    lately = Lately()
    for n in range(5_000):
        lately.count(f"c{n}", NOW)
    lately.count("c0", NOW)
    lately.count("new", NOW)
    assert lately.count("c0", NOW) == 3
    assert lately.count("c1", NOW) == 1, "it was forgotten"
