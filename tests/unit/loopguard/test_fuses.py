"""The fuse of a channel and of all: what is counted, when it opens, and what a failure costs."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles.kv import MemoryBucket
from guard_builders import NOW, Guard, cause, question, receipt_of
from loopguard.domain.flow import Flow, Pace
from loopguard.domain.fuse import opened
from loopguard.domain.windows import minute_of
from loopguard.fuses import MANY
from loopguard.lifting import Lifting
from loopguard.ports import Kept
from postbus.configuration import Configuration
from postbus.contracts.configuration import LoopLimits
from postbus.contracts.guard import JudgeRequest, LiftRequest, SendKind
from postbus.errors import BusUnavailable

ALL = "all automatic answers"
REPEATS = "automatic answers to who had automatic mail within a day"
HOUR = minute_of(NOW) // 60
NOTIFICATION, REPLY = SendKind.NOTIFICATION, SendKind.AGENT_REPLY


def usual(each_hour: int) -> Pace:
    """So many in every hour of the week before."""
    return Pace(hours=tuple((HOUR - n, each_hour) for n in range(167, 0, -1)))


def strangers(count: int, begin: int = 0) -> list[JudgeRequest]:
    """Receipts to so many people who never wrote before."""
    return [receipt_of(n, f"c{n}@example.com") for n in range(begin, begin + count)]


async def known_flow(guard: Guard, about: str = "fuse.all") -> Flow:
    return (await guard.around.memories.flows.read(about)).value


@pytest.mark.parametrize(
    ("now_count", "each_hour_before", "opens"),
    [
        (50, 0, False),
        (51, 0, True),
        (51, 62, False),  # about ten are usual in ten minutes, so fifty are five times that
        (51, 61, True),
        (200, 240, False),
        (201, 240, True),
    ],
)
@pytest.mark.parametrize("counted", [ALL, REPEATS])
def test_a_fuse_opens_over_fifty_and_over_five_times_what_is_usual(
    counted: str, now_count: int, each_hour_before: int, *, opens: bool
) -> None:
    pace = usual(each_hour_before).with_more(now_count, NOW)
    often = usual(100_000).with_more(now_count, NOW)
    flow = Flow(all=pace) if counted == ALL else Flow(all=often, repeats=pace)
    alarm = opened("relay", flow, LoopLimits(), NOW)
    assert (alarm is not None) is opens
    if alarm is not None:
        assert alarm.until == NOW + timedelta(hours=1)
        assert alarm.evidence == {
            "counted": counted,
            "in_10_min": now_count,
            "most": 50,
            "usual_in_10_min": round(each_hour_before / 6, 2),
            "times": 5,
        }


def test_a_flow_forgets_what_is_older_than_a_week() -> None:
    flow = Flow()
    for hours in range(400):
        flow = flow.with_more(3, NOW + timedelta(hours=hours), repeats=1)
    assert [len(flow.all.hours), len(flow.all.minutes)] == [7 * 24, 1]
    assert [len(flow.repeats.hours), len(flow.repeats.minutes)] == [7 * 24, 1]
    assert flow.all.usual_in_ten_minutes(NOW + timedelta(hours=399)) == pytest.approx(3 / 6)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9), st.booleans()), max_size=30))
def test_it_does_not_matter_who_counts_what_and_when_it_is_put_together(
    mails: list[tuple[int, int, bool]],
) -> None:
    """INVARIANT: replicas, and rounds that failed, would count otherwise than one would."""
    one, two, together = Flow(), Flow(), Flow()
    for minutes, count, mine in mails:
        at = NOW + timedelta(minutes=minutes)
        together = together.with_more(count, at, repeats=count // 2)
        if mine:
            one = one.with_more(count, at, repeats=count // 2)
        else:
            two = two.with_more(count, at, repeats=count // 2)
    now = NOW + timedelta(minutes=max((minutes for minutes, _, _ in mails), default=0))
    for both in (one.plus(two), two.plus(one)):
        assert both.all.in_ten_minutes(now) == together.all.in_ten_minutes(now)
        assert both.repeats.in_ten_minutes(now) == together.repeats.in_ten_minutes(now)
        assert both.all.hours == together.all.hours


async def test_a_robot_of_new_addresses_gets_fifty_mails_and_no_more() -> None:
    """INVARIANT: who never shows an address, a subject or a word again would have no bound."""
    guard = Guard()
    allowed = await guard.all_allowed(strangers(200))
    assert allowed == [True] * 51 + [False] * 149
    held = await guard.ask(receipt_of(999, "new@example.com"))
    assert (held.rule, held.evidence["fuse"], held.evidence["counted"]) == ("L17", "relay", ALL)
    assert "this channel" in held.reason
    elsewhere = await guard.ask(receipt_of(999, "new@example.com", outbound_channel="own-smtp"))
    assert (elsewhere.rule, elsewhere.evidence["fuse"]) == ("L17", "*")
    assert "all channels" in elsewhere.reason
    assert await guard.allows(question(REPLY, send_id="reply"))
    assert await guard.allows(question(NOTIFICATION, send_id="assigned", cause=None))
    guard.later(minutes=59, seconds=59)
    assert (await guard.ask(receipt_of(999, "new@example.com"))).rule == "L17"
    guard.later(seconds=1)
    assert await guard.allows(receipt_of(999, "new@example.com"))


async def test_repeats_open_the_fuse_where_much_mail_is_usual() -> None:
    """INVARIANT: many robots at once, each within its own limits, would pass for a busy day."""
    guard = Guard()
    for about in ("fuse.all", "fuse.channel.relay"):
        nothing: Kept[Flow] = Kept(about, Flow())
        busy = Flow(all=usual(10_000))
        await guard.around.memories.flows.keep(nothing, busy, lasts=timedelta(days=8))
    assert all(await guard.all_allowed(strangers(400)))
    again = [receipt_of(1000 + n, f"c{n}@example.com") for n in range(100)]
    assert await guard.all_allowed(again) == [True] * 51 + [False] * 49
    assert (await guard.ask(again[-1])).evidence["counted"] == REPEATS


async def test_notifications_neither_count_nor_are_held() -> None:
    """INVARIANT: a rush would keep agents from hearing of it, and forty agents be a rush."""
    guard = Guard()

    def told(n: int, *, by_mail: bool) -> JudgeRequest:
        why = cause(sender=f"c{n}@example.com") if by_mail else None
        to = (f"agent{n}@desk.example",)
        return question(NOTIFICATION, send_id=f"n-{by_mail}-{n}", recipients=to, cause=why)

    assert all(await guard.all_allowed(told(n, by_mail=False) for n in range(60)))
    assert all(await guard.all_allowed(told(n, by_mail=True) for n in range(60)))
    assert (await known_flow(guard)).all == Pace()
    assert (await guard.all_allowed(strangers(60))).count(True) == 51
    assert all(await guard.all_allowed(told(n, by_mail=True) for n in range(60, 70)))


async def test_a_relay_that_is_away_for_hours_opens_no_fuse() -> None:
    """INVARIANT: what waits and is tried again and again would hold all other mail."""
    guard, waiting = Guard(), strangers(50)
    for _ in range(30):
        assert all(await guard.all_allowed(waiting))
        guard.later(minutes=10)
    assert guard.alarms.known == {}
    assert (await known_flow(guard)).all.hours == ((HOUR, 50),)


async def test_a_wide_limit_lets_a_rush_through() -> None:
    limits = LoopLimits(fuse_ten_minutes=500)
    guard = Guard(configuration=Configuration(loop_limits=limits))
    assert all(await guard.all_allowed(strangers(400)))


async def test_a_verdict_waits_for_no_count() -> None:
    guard = Guard()
    assert all([await guard.allows(one) for one in strangers(60)])
    assert await guard.bucket.all("flow") == {}
    await guard.fuses.write()
    assert set(await guard.bucket.all("flow")) == {"flow.fuse.all", "flow.fuse.channel.relay"}
    assert guard.bucket.lives_seconds["flow.fuse.all"] == timedelta(days=8).total_seconds()
    assert not await guard.allows(receipt_of(999, "new@example.com"))


async def test_two_replicas_count_into_one_document() -> None:
    """INVARIANT: with n replicas a robot would get n times the mail."""
    bucket = MemoryBucket()
    one, two = Guard(bucket), Guard(bucket)
    for n, request in enumerate(strangers(52)):
        assert await (one if n % 2 else two).allows(request)
    await one.fuses.write()
    assert one.alarms.known == {}, "of 26"
    await two.fuses.write()
    assert two.alarms.known["fuse.all"].evidence["in_10_min"] == 52


async def test_a_round_that_fails_loses_no_count_and_counts_none_twice() -> None:
    guard = Guard()
    await guard.all_allowed(strangers(20))
    for one in strangers(20, begin=20):
        assert await guard.allows(one)
    guard.bucket.away = True
    for _ in range(3):
        with pytest.raises(BusUnavailable):
            await guard.fuses.write()
    guard.bucket.away = False
    for one in strangers(20, begin=40):
        assert await guard.allows(one)
    await guard.fuses.write()
    await guard.fuses.write()
    for about in ("fuse.all", "fuse.channel.relay"):
        assert (await known_flow(guard, about)).all.in_ten_minutes(guard.now) == 60


async def test_what_is_left_is_written_in_the_end() -> None:
    guard = Guard()
    guard.fuses.start()
    for one in strangers(7):
        assert await guard.allows(one)
    await guard.fuses.stop()
    assert (await known_flow(guard)).all.in_ten_minutes(guard.now) == 7
    guard.bucket.away = True
    guard.fuses.count("relay", guard.now, repeat=False)
    await guard.fuses.stop()


async def test_counts_that_cannot_be_understood_begin_anew() -> None:
    """INVARIANT: one damaged document would switch the fuse off for good."""
    guard = Guard()
    await guard.bucket.create("flow.fuse.all", b"not json")
    allowed = await guard.all_allowed(strangers(60))
    assert allowed.count(True) == 51
    assert (await known_flow(guard)).all.in_ten_minutes(guard.now) == 51


async def test_a_fuse_is_closed_even_where_its_counts_cannot_be_understood() -> None:
    guard = Guard()
    assert not all(await guard.all_allowed(strangers(60)))
    for about in ("fuse.all", "fuse.channel.relay"):
        await guard.bucket.put(f"flow.{about}", b"not json")
    for fuse in ("relay", "*"):
        await Lifting(guard.around).on_request(LiftRequest(fuse=fuse, by="eve"))
    assert await guard.allows(receipt_of(999, "new@example.com"))


async def test_a_fuse_that_is_closed_counts_anew_and_knows_the_rush_as_usual() -> None:
    """INVARIANT: an admin who closes it would see it open again with the next mail."""
    guard = Guard()
    lifting = Lifting(guard.around)
    assert not all(await guard.all_allowed(strangers(60)))
    for fuse, said in (("relay", "the fuse of relay"), ("*", "the fuse of all channels")):
        assert (await lifting.on_request(LiftRequest(fuse=fuse, by="eve"))).lifted == (said,)
        assert (await lifting.on_request(LiftRequest(fuse=fuse, by="eve"))).lifted == ()
    again = await guard.all_allowed(strangers(60, begin=100))
    assert again == [True] * 51 + [False] * 9
    flow = await known_flow(guard)
    assert flow.all.in_ten_minutes(guard.now) == 51
    assert flow.all.usual_in_ten_minutes(NOW + timedelta(hours=1)) == pytest.approx(102 / 167 / 6)


async def test_many_at_once_are_written_before_the_second_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """INVARIANT: a flood would have a whole second's mails before the fuse opens."""
    monkeypatch.setattr("loopguard.fuses.WRITE_SECONDS", 3600)
    guard, found = Guard(), []
    guard.fuses.start()
    for one in strangers(90):
        found.append(await guard.allows(one))
        await asyncio.sleep(0.001)
    assert 51 <= found.count(True) <= 51 + MANY
    assert found == sorted(found, reverse=True)
    await guard.fuses.stop()
