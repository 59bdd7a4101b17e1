"""When a mail of before came."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from postbus_cli.domain.came import came_at, separated_at, written_at

NOW = datetime(2026, 11, 24, tzinfo=UTC)
THEN = datetime(2016, 3, 2, 9, 30, tzinfo=UTC)
HOUR, YEAR = timedelta(hours=1), timedelta(days=365)


@pytest.mark.parametrize(
    ("stated", "written", "copied", "came"),
    [
        (THEN, THEN - HOUR, True, THEN),
        (THEN, None, True, THEN),
        (None, THEN, True, THEN),
        (None, None, True, NOW),
        (NOW + HOUR, THEN, False, THEN),
        (datetime(1970, 1, 1, tzinfo=UTC), THEN, False, THEN),
        (NOW + HOUR, NOW + YEAR, False, NOW),
        (NOW - HOUR, THEN, True, THEN),
        (NOW - HOUR, THEN, False, NOW - HOUR),
        (THEN, THEN + YEAR, True, THEN),
    ],
)
def test_the_likeliest_of_two_dates_is_taken(
    stated: datetime | None, written: datetime | None, *, copied: bool, came: datetime
) -> None:
    assert came_at(stated, written, now=NOW, copied=copied) == came


@pytest.mark.parametrize(
    ("raw", "at"),
    [
        (b"Subject: x\r\nDate: Wed, 2 Mar 2016 10:30:00 +0100\r\n\r\nDate: never", THEN),
        (b"date:\n Wed, 2 Mar 2016 09:30:00 +0000\n\nText", THEN),
        (b"Subject: x\n\nDate: Wed, 2 Mar 2016 09:30:00 +0000\n", None),
        (b"Date: soon\n\n", None),
        (b"", None),
        (b"\xff\xfe\n\n", None),
    ],
)
def test_the_date_of_a_mail(raw: bytes, at: datetime | None) -> None:
    assert written_at(raw) == at


@pytest.mark.parametrize(
    ("line", "at"),
    [
        (b"From c@example.com Wed Mar  2 09:30:00 2016\n", THEN),
        (b"From 1512345@xxx Wed Mar 02 09:30:00 +0000 2016\r\n", THEN),
        (b"From - Wed Mar 02 09:30:00 2016\n", THEN),
        (b"From c@example.com\n", None),
        (b"From c@example.com Xyz Abc 99 99:99:99 99999999\n", None),
    ],
)
def test_the_date_of_a_separator(line: bytes, at: datetime | None) -> None:
    assert separated_at(line) == at


def test_zones_are_compared_and_not_only_numbers() -> None:
    west = timezone(-timedelta(hours=8))
    stated = THEN.astimezone(west)
    assert came_at(stated, THEN, now=NOW, copied=True) == THEN
