"""What waited for a relay leaves by the limits of then: dispatch, guard and a real ledger."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from dispatch.domain.attempts import Attempt
from dispatch_world import World, decided
from doubles.crash import Crash, CrashAt
from guard_builders import CUSTOMER, Guard, cause
from postbus.bus.topology import GUARD_BUCKET
from postbus.contracts.guard import JudgeRequest, SendKind, Verdict
from postbus.contracts.mail import Address
from postbus.contracts.sending import SendOutcome, SendRequested, SendState, WhatNext
from send_builders import send_requested

BETWEEN = timedelta(hours=2, minutes=24)
"""Between two mails, so that ten of them in 24 hours are all allowed."""


class AsksTheGuard:
    """The real rules and counters, by the clock of the world."""

    def __init__(self, world: World, guard: Guard) -> None:
        self._world = world
        self._guard = guard

    async def judge(self, question: JudgeRequest) -> Verdict:
        self._guard.now = self._world.now()
        return await self._guard.ask(question)


@pytest.fixture
async def guarded(world: World) -> World:
    bucket: Any = await world.bus.bucket(GUARD_BUCKET)
    world.guard = AsksTheGuard(world, Guard(bucket))  # type: ignore[assignment] # asks as NATS would
    return world


def automatic(n: int, world: World) -> SendRequested:
    """A mail that goes to the customer because of a colleague's, each on a ticket of its own."""
    changes = {
        "kind": SendKind.NOTIFICATION,
        "automatic": True,
        "ticket_number": 100 + n,
        "to": (Address(address=CUSTOMER),),
        "cause": cause(mail_id=f"m-{n}", sender="colleague@example.com"),
        "requested_at": world.now(),
    }
    return send_requested(f"s-{n}").model_copy(update=changes)


async def wait_for_the_relay(world: World, count: int) -> list[str]:
    """So many mails are asked for while it is away; gives back their ids."""
    ids = [f"s-{n}" for n in range(count)]
    world.server.stop()
    for n, send_id in enumerate(ids):
        await world.begin(send_id, automatic(n, world))
        world.later += BETWEEN
    assert world.states() == ["deferred"] * count
    world.server.start()
    return ids


def newest(world: World) -> dict[str, SendOutcome]:
    """What was told of each mail last; before that, that some are late."""
    return {fact.send_id: fact for fact in world.told}


async def test_after_hours_without_a_relay_no_more_than_three_leave_in_ten_minutes(
    guarded: World,
) -> None:
    """INVARIANT: whoever is written to would get a day's automatic mail within a minute."""
    ids = await wait_for_the_relay(guarded, 10)
    sending, _ = guarded.process()
    for send_id in ids:
        await sending.attempt(send_id)
    ends = newest(guarded)
    assert [ends[send_id].state for send_id in ids] == ["sent"] * 3 + ["held"] * 7
    assert [send_id for send_id in ids if guarded.sent(send_id)] == ids[:3]
    for held in (ends[send_id] for send_id in ids[3:]):
        assert held.verdict is not None
        assert (held.verdict.rule, held.reason) == ("L12", held.verdict.reason)
        assert held.verdict.evidence["sent"]["10 min"] == 3

    await guarded.decide(decided(WhatNext.RELEASE, send_id="s-9"))
    assert newest(guarded)["s-9"].state is SendState.SENT
    assert [send_id for send_id in ids if guarded.sent(send_id)] == [*ids[:3], "s-9"]


async def test_what_is_tried_again_and_again_is_not_held_by_its_own_counts(
    guarded: World,
) -> None:
    ids = await wait_for_the_relay(guarded, 3)
    guarded.server.behaviour.rcpt = ["451 4.7.1 come later"] * 9
    for _ in range(3):
        await guarded.sweep(guarded.process()[0])
        assert [guarded.sent(send_id) for send_id in ids] == [0, 0, 0]
        guarded.later += timedelta(minutes=1)
    await guarded.sweep(guarded.process()[0])
    assert [guarded.sent(send_id) for send_id in ids] == [1, 1, 1]


async def test_a_process_that_dies_after_the_verdict_gets_the_same_one_again(
    guarded: World,
) -> None:
    """INVARIANT: after a crash a mail would be held for itself, at whatever step it was."""
    for call in range(1, 9):
        guarded.later += timedelta(hours=25)
        for n in (1, 2):
            await guarded.begin(f"s-{call}{n}", automatic(call * 10 + n, guarded))
        third = automatic(call * 10 + 3, guarded)
        await guarded.ledger.accept(Attempt(request=third, accepted_at=third.requested_at))
        with suppress(Crash):
            await guarded.process(CrashAt(call))[0].attempt(third.send_id)
        await guarded.sweep(guarded.process()[0])
        assert newest(guarded)[third.send_id].state in (SendState.SENT, SendState.IN_DOUBT)
        await guarded.begin(f"s-{call}4", automatic(call * 10 + 4, guarded))
        assert guarded.told[-1].state is SendState.HELD, "the window was full"
