"""What the table says about a figure."""

import pytest

from bench.figures import Line, percentiles, table


@pytest.mark.parametrize(
    ("count", "p50", "p99"),
    [(1, 1, 1), (2, 1, 2), (100, 50, 99), (200, 100, 198), (1000, 500, 990)],
)
def test_a_percentile_is_the_nearest_rank(count: int, p50: float, p99: float) -> None:
    found = percentiles(n / 1000 for n in range(count, 0, -1))
    assert found == pytest.approx({"p50": p50, "p99": p99, "max": count})


def test_nothing_timed_has_no_percentiles() -> None:
    assert percentiles([]) == {}


@pytest.mark.parametrize(
    ("line", "reached"),
    [
        (Line("rate", 150, at_least=150), True),
        (Line("rate", 149.9, at_least=150), False),
        (Line("cost", 10, at_most=10), True),
        (Line("cost", 10.1, at_most=10), False),
        (Line("cost", 1), None),
        (Line("cost", None, at_most=10), None),
    ],
)
def test_a_target_is_reached_or_not_or_there_is_none(line: Line, *, reached: bool | None) -> None:
    assert line.reached is reached


def test_the_table_has_the_ratio_to_the_peer() -> None:
    text = table([Line("CPU", 5.0, "ms", at_most=10, peer=20.0), Line("verdict", None, "ms")])
    assert [cell.strip() for cell in text.splitlines()[2].strip("|").split("|")] == [
        "CPU", "5.00 ms", "<= 10", "yes", "20.00 ms", "0.25",
    ]  # fmt: skip
    assert "not measured" in text.splitlines()[3]
