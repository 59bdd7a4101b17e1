"""Sets of UIDs do what sets of Python do, in ranges."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbus.mail.uid_sets import UidSet

UIDS = st.sets(st.integers(1, 60))


@given(UIDS)
def test_a_set_is_read_back_as_it_is_written(uids: set[int]) -> None:
    made = UidSet.of(uids)
    assert UidSet.parse(str(made)) == made
    assert list(made) == sorted(uids)
    assert len(made) == len(uids)
    assert made.max_uid == max(uids, default=0)
    assert [uid for uid in range(62) if uid in made] == sorted(uids)


@given(UIDS, UIDS)
def test_operations_are_those_of_sets(one: set[int], other: set[int]) -> None:
    a, b = UidSet.of(one), UidSet.of(other)
    assert a | b == UidSet.of(one | other)
    assert a & b == UidSet.of(one & other)
    assert a - b == UidSet.of(one - other)
    assert bool(a) is bool(one)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", ""),
        ("7", "7"),
        ("1:4,7", "1:4,7"),
        ("7,1:4", "1:4,7"),
        ("4:1", "1:4"),
        ("1,2,3", "1:3"),
        ("1:5,3:9,10", "1:10"),
        ("4294967295", "4294967295"),
    ],
)
def test_a_set_is_written_as_short_as_it_goes(text: str, written: str) -> None:
    assert str(UidSet.parse(text)) == written


@pytest.mark.parametrize(
    "text", ["0", "*", "1:*", "a", "1,", ",", "1:2:3", "1 ", "-1", "4294967296", "01", "٣"]
)
def test_what_is_no_set_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="UID"):
        UidSet.parse(text)


def test_the_empty_set_and_what_is_no_uid() -> None:
    assert UidSet() == UidSet.parse("") == UidSet.of([])
    assert not UidSet()
    assert "7" not in UidSet.of([7])


def test_a_hundred_thousand_uids_cost_nearly_nothing() -> None:
    began = time.perf_counter()
    odd = UidSet.of(range(1, 200_001, 2))
    everything = UidSet.parse("1:200000")
    assert len(everything - odd) == len(odd) == len(everything & odd) == 100_000
    assert (everything - odd) | odd == everything
    assert UidSet.parse(str(odd)) == odd
    assert time.perf_counter() - began < 5
