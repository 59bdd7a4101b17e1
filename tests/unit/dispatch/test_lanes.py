"""Lanes: a server that hangs holds up nobody else."""

import asyncio
from datetime import UTC, datetime, timedelta

from dispatch.domain.schedule import Schedule
from dispatch.lanes import Lanes
from postbus.errors import BusUnavailable

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def clock() -> datetime:
    return datetime.now(UTC)


async def test_a_lane_that_hangs_holds_up_no_other() -> None:
    done: list[str] = []
    hang = asyncio.Event()

    async def work(send_id: str) -> datetime | None:
        if send_id.startswith("dead"):
            await hang.wait()
        done.append(send_id)
        return None

    lanes = Lanes(work, width=2, now=clock)
    for number in range(10):
        lanes.offer("dead", f"dead{number}")
        lanes.offer("alive", f"alive{number}")
    await asyncio.sleep(0.1)
    assert done == [f"alive{number}" for number in range(10)]
    hang.set()
    await asyncio.sleep(0.1)
    assert len(done) == 20
    await lanes.stop(seconds=1)


async def test_a_mail_comes_again_when_it_is_due_or_after_an_outage() -> None:
    calls: list[str] = []

    async def work(send_id: str) -> datetime | None:
        calls.append(send_id)
        if len(calls) == 1:
            return clock() + timedelta(seconds=0.1)
        if len(calls) == 2:
            raise BusUnavailable("away")
        return None

    lanes = Lanes(work, width=1, now=clock)
    lanes.offer("x", "m1")
    lanes.offer("x", "m1")
    await asyncio.sleep(0.4)
    assert calls == ["m1", "m1"]
    lanes.hurry()
    await asyncio.sleep(0.1)
    assert calls == ["m1"] * 3
    assert lanes.waiting == 0
    await lanes.stop(seconds=1)


def test_retries_follow_the_schedule_and_end_after_five_days() -> None:
    """RFC 5321 §4.5.4.1: at least half an hour apart after the first tries, four to five days."""
    schedule = Schedule()
    now, attempt, waits = NOW, 0, []
    while True:
        attempt += 1
        at = schedule.next_attempt_at(attempt, accepted_at=NOW, now=now, asked_seconds=None)
        if at is None:
            break
        waits.append((at - now).total_seconds())
        now = at
    assert waits[:4] == [60, 300, 900, 1800]
    assert timedelta(days=4) < now - NOW <= timedelta(days=5)


def test_a_server_that_asks_for_more_time_gets_it() -> None:
    at = Schedule().next_attempt_at(1, accepted_at=NOW, now=NOW, asked_seconds=7200)
    assert at == NOW + timedelta(hours=2)


def test_no_server_ends_the_tries_by_asking_for_years() -> None:
    at = Schedule().next_attempt_at(1, accepted_at=NOW, now=NOW, asked_seconds=999_999 * 3600)
    assert at == NOW + timedelta(days=1)


async def test_stop_comes_back_though_a_driver_swallows_the_cancellation() -> None:
    """INVARIANT: Python 3.11's wait_for may do that, and the process would never end."""
    began = asyncio.Event()

    async def work(_: str) -> datetime | None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise BusUnavailable("the driver says") from None
        return None

    lanes = Lanes(work, width=1, now=clock)
    lanes.offer("x", "m1")
    await began.wait()
    async with asyncio.timeout(1):
        await lanes.stop(seconds=0.05)
