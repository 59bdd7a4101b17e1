"""What is remembered and how it changes: values at their edges."""

from datetime import timedelta

import pytest

from guard_builders import NOW
from loopguard.domain.bursts import burst
from loopguard.domain.memory import (
    Arrivals,
    Bounced,
    Correspondent,
    Echo,
    Send,
    Text,
)
from loopguard.domain.windows import TEN_MINUTES
from postbus.contracts.configuration import LoopLimits

LIMITS = LoopLimits()


def arrivals(*minutes_ago: float) -> Arrivals:
    found = Arrivals()
    for n, minutes in enumerate(sorted(minutes_ago, reverse=True)):
        found = found.with_mail(f"m-{n}", NOW - timedelta(minutes=minutes))
    return found


@pytest.mark.parametrize(
    ("came", "minutes"),
    [
        (arrivals(*[1] * 9), None),
        (arrivals(*[1] * 10), 10),
        (arrivals(*[1] * 9, 10), 10),
        (arrivals(*[1] * 9, 11), None),
        (arrivals(*range(24)), 10),
        (arrivals(*[10 + 2 * n for n in range(24)]), None),
        (arrivals(*[10 + 2 * n for n in range(25)]), 60),
        (arrivals(*[13 + 2 * n for n in range(25)]), None),  # the oldest is over an hour old
    ],
)
def test_a_burst_begins_with_the_tenth_in_ten_minutes_or_the_25th_in_an_hour(
    came: Arrivals, minutes: int | None
) -> None:
    alarm = burst(came, LIMITS, NOW)
    assert (alarm.until - NOW if alarm else None) == (
        None if minutes is None else timedelta(minutes=minutes)
    )


def test_a_mail_that_is_delivered_again_is_counted_once() -> None:
    once = Arrivals().with_mail("m", NOW)
    assert once.with_mail("m", NOW + timedelta(seconds=5)) == once
    assert once.with_mail("n", NOW).count(TEN_MINUTES, NOW) == 2


def test_arrivals_stay_small_however_many_mails_come() -> None:
    found = Arrivals()
    for n in range(5000):
        found = found.with_mail(f"m-{n}", NOW + timedelta(seconds=n))
    assert len(found.minutes) <= 61
    assert len(found.newest) == 20


def test_of_two_reports_the_newer_counts_and_of_two_answers_the_later() -> None:
    old, new = Bounced(NOW, "5.1.1"), Bounced(NOW + timedelta(days=1), "5.7.1")
    assert Correspondent().with_bounce(new).with_bounce(old).bounced == new
    assert Correspondent().with_bounce(old).with_bounce(new).bounced == new
    late = NOW + timedelta(minutes=1)
    assert Correspondent().with_answer(late).with_answer(NOW).answered_at == late


def test_a_bounce_is_kept_as_long_as_it_holds_mail_back() -> None:
    one = Correspondent(bounced=Bounced(NOW, "5.1.1"))
    assert one.lasts(NOW) == timedelta(days=60)
    assert one.lasts(NOW + timedelta(days=59, hours=20)) == timedelta(hours=25)
    assert Correspondent().lasts(NOW) == timedelta(hours=25)


def test_a_text_remembers_each_mail_once_and_for_a_day() -> None:
    text = Text().with_echo(Echo("a", NOW, "x")).with_echo(Echo("a", NOW, "x"))
    assert len(text.echoes) == 1
    later = text.with_echo(Echo("b", NOW + timedelta(days=1), "y"))
    assert [echo.send_id for echo in later.echoes] == ["b"]


def test_sends_older_than_a_day_are_forgotten() -> None:
    one = Correspondent((Send("old", NOW - timedelta(days=1)), Send("new", NOW)))
    assert [send.send_id for send in one.with_send(Send("s", NOW)).sends] == ["new", "s"]
