"""What the guard hears, tells, and shares between replicas, over a real nats-server."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from doubles.mails import mail_received
from guard_builders import CUSTOMER, bounced, question, receipt_of
from guard_replicas import Replicas
from loopguard.adapters.nats_shelf import memories
from postbus.bus import Bus
from postbus.bus.topology import GUARD_BUCKET, SENDING
from postbus.contracts.base import utc_now
from postbus.contracts.catalogue import (
    DRY_RUN_SUBJECT,
    EXPLAIN_SUBJECT,
    GUARD_STATE_SUBJECT,
    JUDGE_SUBJECT,
    LIFT_SUBJECT,
)
from postbus.contracts.configuration import LoopLimits
from postbus.contracts.guard import (
    DryRun,
    DryRunRequest,
    GuardState,
    JudgedEvent,
    JudgeRequest,
    Lifted,
    LiftRequest,
    SendKind,
    StateRequest,
    Verdict,
)
from postbus.contracts.mail import Address, BouncedRecipient, Route


async def ask(bus: Bus, request: JudgeRequest, subject: str = JUDGE_SUBJECT) -> Verdict:
    return await bus.ask(subject, request, Verdict, timeout_seconds=5)


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(10):
        while not (found := await condition()):
            await asyncio.sleep(0.05)
    return found


async def mails_come(bus: Bus, count: int) -> None:
    for n in range(count):
        mail = mail_received(
            f"m-{n}",
            customer=Address(address=CUSTOMER),
            route=Route(door="forward", received_at=utc_now()),
        )
        await bus.tell("postbus.mail.received", "support", mail, event_id=f"e-{n}")


async def judged(bus: Bus) -> list[JudgedEvent]:
    return [
        JudgedEvent.model_validate_json(one.body)
        async for one in bus.stored(SENDING, "postbus.send.judged.>")
    ]


async def test_a_burst_is_known_to_every_replica(dispatch: Bus, replica: Replicas) -> None:
    """INVARIANT: the answer would depend on which replica was asked."""
    await replica()
    await replica()
    await mails_come(dispatch, 10)
    state = StateRequest()

    async def is_known() -> bool:
        answers = [
            await dispatch.ask(GUARD_STATE_SUBJECT, state, GuardState, timeout_seconds=5)
            for _ in range(20)
        ]
        return all(len(one.alarms) == 1 for one in answers)

    await until(is_known)
    rules = [(await ask(dispatch, receipt_of(n))).rule for n in range(20)]
    assert rules == ["L14"] * 20
    done = await dispatch.ask(
        LIFT_SUBJECT, LiftRequest(address=CUSTOMER, by="eve"), Lifted, timeout_seconds=5
    )
    assert "that it writes very often" in done.lifted
    new = (receipt_of(n, CUSTOMER) for n in range(100, 200))

    async def is_over() -> bool:
        return (await ask(dispatch, next(new))).rule == "none"

    await until(is_over)


async def test_a_robot_of_new_addresses_opens_the_fuse_of_all_replicas(
    dispatch: Bus, replica: Replicas
) -> None:
    """INVARIANT: counted apart, each replica would let as much through as all may."""
    services = [await replica(), await replica()]
    for n in range(51):
        assert (await ask(dispatch, receipt_of(n, f"c{n}@example.com"))).rule == "none"
    new = iter(range(1000, 2000))

    async def is_held_by_all() -> bool:
        # Explained, so that looking counts nothing.
        asked = [receipt_of(next(new), "new@example.com") for _ in range(10)]
        rules = [(await ask(dispatch, one, EXPLAIN_SUBJECT)).rule for one in asked]
        return set(rules) == {"L17"}

    await until(is_held_by_all)
    state = await dispatch.ask(GUARD_STATE_SUBJECT, StateRequest(), GuardState, timeout_seconds=5)
    assert [(one.what, one.about) for one in state.alarms] == [("fuse", "*"), ("fuse", "relay")]
    assert state.alarms[0].evidence["in_10_min"] == 51
    for fuse in ("*", "relay"):
        lift = LiftRequest(fuse=fuse, by="eve")
        assert (await dispatch.ask(LIFT_SUBJECT, lift, Lifted, timeout_seconds=5)).lifted

    async def is_over() -> bool:
        return not await is_held_by_all() and await _rule_is(dispatch, "none")

    await until(is_over)
    for service in services:
        await service.stop()


async def test_the_last_counts_are_written_before_it_ends(dispatch: Bus, replica: Replicas) -> None:
    service = await replica()
    for n in range(5):
        await ask(dispatch, receipt_of(n, f"c{n}@example.com"))
    await service.stop()
    bucket = await dispatch.bucket(GUARD_BUCKET)
    flow = (await memories(lambda: bucket).flows.read("fuse.all")).value
    assert flow.all.in_ten_minutes(utc_now()) == 5


async def test_a_replica_that_starts_later_knows_the_alarms(
    dispatch: Bus, replica: Replicas
) -> None:
    first = await replica()
    await mails_come(dispatch, 10)
    await until(lambda: _rule_is(dispatch, "L14"))
    await first.stop()
    await replica()
    assert (await ask(dispatch, receipt_of(500))).rule == "L14"


async def _rule_is(bus: Bus, rule: str) -> bool:
    return (await ask(bus, receipt_of(499), EXPLAIN_SUBJECT)).rule == rule


@pytest.mark.parametrize("fact", ["postbus.send.bounced", "postbus.send.failed"])
async def test_a_bounce_that_is_told_holds_mail_back(
    dispatch: Bus, replica: Replicas, fact: str
) -> None:
    """Whether another server reported it, or the one that we send through said so at once."""
    await replica()
    hard = BouncedRecipient(address=CUSTOMER, hard=True, status="5.1.1")
    outcome = bounced(hard, at=utc_now())
    await dispatch.tell(fact, "relay", outcome, event_id="b-1")
    await until(lambda: _rule_is(dispatch, "bounced"))
    assert (await ask(dispatch, question(SendKind.AGENT_REPLY))).rule == "bounced"


async def test_every_verdict_is_an_event_once(dispatch: Bus, replica: Replicas) -> None:
    """INVARIANT: nobody could see why mail is held, and no other service could act on it (L23)."""
    await replica()
    await replica()
    asked = [receipt_of(n, f"c{n}@example.com") for n in range(20)]
    asked += [question(SendKind.AGENT_REPLY, send_id=f"r-{n}") for n in range(5)]
    verdicts = {one.send_id: await ask(dispatch, one) for one in asked}
    await ask(dispatch, asked[0])  # asked at the same moment: a retry, and no event of its own

    async def all_told() -> bool:
        return len(await judged(dispatch)) >= len(asked)

    await until(all_told)
    await asyncio.sleep(0.3)
    told = [event.data for event in await judged(dispatch)]
    assert {one.question.send_id: one.verdict for one in told} == verdicts
    assert len(told) == len(asked)


async def test_verdicts_are_told_before_it_ends(dispatch: Bus, replica: Replicas) -> None:
    service = await replica()
    for n in range(30):
        await ask(dispatch, receipt_of(n, f"c{n}@example.com"))
    await service.stop()
    assert len(await judged(dispatch)) == 30


async def test_an_explanation_counts_nothing(dispatch: Bus, replica: Replicas) -> None:
    await replica()
    for n in range(10):
        assert (await ask(dispatch, receipt_of(n), EXPLAIN_SUBJECT)).rule == "none"
    assert (await ask(dispatch, receipt_of(1))).rule == "none"
    assert len(await judged(dispatch)) <= 1


@pytest.mark.parametrize(("days", "count"), [(1, 12), (30, 12)])
async def test_a_dry_run_reads_what_was_told(
    dispatch: Bus, replica: Replicas, days: int, count: int
) -> None:
    await replica()
    for n in range(12):
        await ask(dispatch, receipt_of(n, "robot@x.example"))

    async def all_told() -> bool:
        return len(await judged(dispatch)) == 12

    await until(all_told)
    request = DryRunRequest(limits=LoopLimits(receipts_day=1), days=days)
    found = await dispatch.ask(DRY_RUN_SUBJECT, request, DryRun, timeout_seconds=5)
    assert (found.judged, found.problem) == (count, "")
    assert (found.allowed_before, found.allowed_after, found.newly_held) == (3, 1, 2)


async def test_what_was_told_before_the_days_of_a_dry_run_is_left_out(dispatch: Bus) -> None:
    """The server begins at a time, and reading goes on behind it."""
    before = utc_now()
    await asyncio.sleep(0.05)
    for n in range(3):
        await mails_come(dispatch, n + 1)
    later = utc_now() + timedelta(seconds=1)
    found = [s.sequence async for s in dispatch.stored("POSTBUS_MAIL", ">", since=before)]
    assert found == [1, 2, 3]
    assert [s async for s in dispatch.stored("POSTBUS_MAIL", ">", since=later)] == []
