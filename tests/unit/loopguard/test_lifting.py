"""An admin takes back what was counted; and other limits are tried out on recorded mail."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from doubles.mails import mail_received
from guard_builders import CUSTOMER, NOW, Guard, cause, question, receipt_of, received
from loopguard.lifting import Lifting
from loopguard.trying_out import TryingOut
from postbus.contracts.configuration import LoopLimits, Windows
from postbus.contracts.guard import (
    DryRun,
    DryRunRequest,
    Judged,
    LiftRequest,
    SendKind,
    StateRequest,
)
from postbus.contracts.mail import Address, MailKind, Route


async def test_an_address_is_forgotten_with_everything_counted_about_it() -> None:
    guard = Guard()
    for n in range(10):
        mail = mail_received(
            f"m-{n}",
            customer=Address(address=CUSTOMER),
            route=Route(door="forward", received_at=NOW),
        )
        await guard.watching.on_mail_received(received(mail))
    await guard.ask(receipt_of(0, queue="q-0"))
    lifting = Lifting(guard.around)
    assert len((await lifting.on_state(StateRequest())).alarms) == 1
    done = await lifting.on_request(LiftRequest(address="Anna+x@Example.com", by="eve"))
    assert done.lifted == ("how often it wrote", "that it writes very often")
    assert (await lifting.on_state(StateRequest())).alarms == ()
    assert await guard.allows(receipt_of(1))
    again = await lifting.on_request(LiftRequest(address=CUSTOMER, by="eve"))
    assert again.lifted == ("what it was sent, and that mail to it bounced",)
    nothing = await lifting.on_request(LiftRequest(address=CUSTOMER, by="eve"))
    assert nothing.lifted == ()


class Kept:
    """The port `Recorded`: what the guard told."""

    def __init__(self, judged: list[Judged]) -> None:
        self._judged = judged

    async def since(self, moment: datetime) -> AsyncIterator[Judged]:
        for one in self._judged:
            if one.at >= moment:
                yield one


async def a_week(guard: Guard) -> None:
    """A robot every hour, a person once a day, an agent's answer, a mail of a list."""
    for hour in range(7 * 24):
        guard.now = NOW + timedelta(hours=hour)
        await guard.ask(receipt_of(hour, "robot@x.example", queue=f"q-{hour % 4}"))
        if hour % 24 == 9:
            await guard.ask(receipt_of(1000 + hour))
            await guard.ask(question(SendKind.AGENT_REPLY, send_id=f"a-{hour}"))
            listed = cause(kind=MailKind.LIST, sender="l@x.example")
            await guard.ask(question(send_id=f"l-{hour}", cause=listed))


async def dry_run(guard: Guard, days: int = 7, **limits: object) -> DryRun:
    request = DryRunRequest(limits=LoopLimits(**limits), days=days)
    return await TryingOut(guard.around, Kept(list(guard.told))).on_question(request)


async def test_the_same_limits_change_nothing() -> None:
    guard = Guard()
    await a_week(guard)
    same = await dry_run(guard)
    assert same.judged == 7 * 24 + 21
    assert (same.newly_held, same.newly_allowed, same.differences) == (0, 0, ())
    really_allowed = sum(one.verdict.decision == "allow" for one in guard.told)
    assert same.allowed_before == same.allowed_after == really_allowed


async def test_tighter_limits_show_what_would_be_held_and_wider_ones_what_would_go() -> None:
    guard = Guard()
    await a_week(guard)
    tighter = await dry_run(guard, receipts_day_all_queues=2)
    assert tighter.newly_held > 0
    assert tighter.newly_allowed == 0
    assert tighter.allowed_after == tighter.allowed_before - tighter.newly_held
    assert {one.recipients for one in tighter.differences} == {("robot@x.example",)}
    assert {(one.before.rule, one.after.rule) for one in tighter.differences} == {("none", "L11")}
    wide = Windows(ten_minutes=100, hour=100, day=100)
    wider = await dry_run(guard, correspondent=wide, receipts_day_all_queues=100, receipts_day=100)
    assert wider.newly_allowed > 0
    assert wider.newly_held == 0
    assert wider.by_rule == {"L5": 7}


async def test_a_dry_run_counts_nothing_and_looks_so_many_days_back() -> None:
    guard = Guard()
    await a_week(guard)
    told, kept = len(guard.told), await guard.bucket.all()
    assert (await dry_run(guard, days=1)).judged < (await dry_run(guard, days=7)).judged
    assert len(guard.told) == told
    assert await guard.bucket.all() == kept


async def test_a_mail_that_was_asked_about_again_is_one_mail() -> None:
    guard = Guard()
    for _ in range(5):
        await guard.ask(receipt_of(1))
    assert (await dry_run(guard)).judged == 1


async def test_a_dry_run_counts_what_waited_as_of_its_last_question() -> None:
    """INVARIANT: it would say that mail leaves which the guard holds, or the other way round."""
    guard = Guard()
    waiting = [receipt_of(n, queue=f"q-{n}") for n in range(5)]
    for one in waiting:
        assert await guard.allows(one)
        guard.later(hours=1)
    rules = [(await guard.ask(one)).rule for one in waiting]
    assert rules == ["none"] * 3 + ["L12"] * 2
    same = await dry_run(guard)
    assert (same.judged, same.allowed_before, same.newly_held) == (5, 3, 0)
    tighter = await dry_run(guard, receipts_day_all_queues=2)
    assert (tighter.allowed_before, tighter.allowed_after, tighter.newly_held) == (3, 2, 1)
    wide = Windows(ten_minutes=100, hour=100, day=100)
    wider = await dry_run(guard, correspondent=wide)
    assert (wider.newly_allowed, wider.newly_held, wider.by_rule) == (2, 0, {})
    assert [one.send_id for one in wider.differences] == ["s-4", "s-3"]


async def test_a_dry_run_of_the_fuse() -> None:
    guard = Guard()
    strangers = [receipt_of(n, f"c{n}@example.com") for n in range(80)]
    assert (await guard.all_allowed(strangers)).count(True) == 51
    same = await dry_run(guard)
    assert (same.allowed_before, same.newly_held, same.newly_allowed) == (51, 0, 0)
    assert (await dry_run(guard, fuse_ten_minutes=100)).newly_allowed == 29
    tighter = await dry_run(guard, fuse_ten_minutes=10)
    assert (tighter.allowed_after, tighter.by_rule) == (11, {"L17": 69})


@pytest.mark.parametrize("stop", ["automatic", "everything"])
async def test_a_dry_run_of_the_kill_switch(stop: str) -> None:
    guard = Guard()
    await a_week(guard)
    stopped = await dry_run(guard, stop=stop)
    assert stopped.allowed_after == (7 if stop == "automatic" else 0)
