"""Mail that waits: for its channel's turn, and for so long that an agent is warned."""

import asyncio
from datetime import timedelta
from typing import Any, cast

import pytest

from dispatch.adapters.nats_turns import NatsTurns
from dispatch.adapters.smtp_transport import SmtpTransport
from dispatch.domain.attempts import Attempt
from dispatch.ports import Accepted
from dispatch_stage import support
from dispatch_world import World, decided
from postbus.bus.topology import LIMITS_BUCKET
from postbus.contracts.configuration import (
    FilterEntry,
    InboundChannel,
    OutboundChannel,
    SendLimits,
)
from postbus.contracts.guard import Decision
from postbus.contracts.mail import Address
from postbus.contracts.sending import WhatNext
from send_builders import send_requested


def relay(**limits: int) -> OutboundChannel:
    return OutboundChannel(id="relay", name="Relay", kind="relay", limits=SendLimits(**limits))


async def test_what_is_over_the_limit_of_a_day_waits_and_does_not_fail(world: World) -> None:
    world.guard.decision = Decision.ALLOW
    world.configure(relay(per_day=3))
    for n in range(5):
        await world.begin(f"s-{n}")
    assert world.states() == ["sent"] * 3 + ["deferred"] * 2
    waits = world.told[-1]
    assert (
        waits.reason
        == "relay has sent the 3 mails that it may in a day; this one waits for its turn."
    )
    assert waits.next_attempt_at is not None
    assert timedelta(hours=24) < waits.next_attempt_at - waits.at < timedelta(hours=29)
    # Told once, and it counts as no attempt.
    asked = world.guard.asked
    sending = world.process()[0]
    await world.sweep(sending)
    again = await sending.attempt("s-4")
    assert again is not None
    assert again - world.now() <= timedelta(minutes=10)
    # Another replica asks once, and then knows.
    assert (len(world.told), world.guard.asked) == (5, asked + 1)
    world.configure(relay(per_day=10))
    await world.sweep(sending)
    assert world.states()[-2:] == ["sent", "sent"]
    assert [one.attempt for one in world.told[-2:]] == [1, 1]


async def test_replicas_together_keep_to_thirty_a_minute(world: World) -> None:
    """INVARIANT: no provider sees more than its limit, however many replicas send."""
    channel = relay(per_minute=30)
    replicas = [NatsTurns(lambda: world.bus.bucket(LIMITS_BUCKET), world.now) for _ in range(3)]
    turns = await asyncio.gather(*(one.take(channel) for one in replicas for _ in range(20)))
    granted = sum(turn is None for turn in turns)
    assert granted == 30
    refused = next(turn for turn in turns if turn is not None)
    assert timedelta(seconds=50) < refused.until - world.now() < timedelta(seconds=80)
    assert any(one.known_wait(channel) is not None for one in replicas)


async def test_a_short_wait_is_not_told(world: World) -> None:
    world.guard.decision = Decision.ALLOW
    world.configure(relay(per_minute=1))
    await world.begin("s-1")
    await world.begin("s-2")
    assert world.states() == ["sent"]
    assert await world.ledger.open("s-2") is not None


async def test_an_agent_is_warned_once_after_four_hours(world: World) -> None:
    world.guard.decision = Decision.ALLOW
    world.server.behaviour.rcpt = ["451 4.7.1 come later"] * 2
    await world.begin()
    assert [one.late_since for one in world.told] == [None]
    kept = await world.ledger.open("s-1")
    assert kept is not None
    # Even where the next attempt is later, somebody looks in time for the warning.
    far = kept.attempt.model_copy(update={"next_attempt_at": world.now() + timedelta(hours=9)})
    await world.ledger.change(kept, far)
    sending = world.process()[0]
    wakes = await sending.attempt("s-1")
    assert wakes is not None
    assert timedelta(hours=3.9) < wakes - world.now() <= timedelta(hours=4)

    world.later = timedelta(hours=4, minutes=1)
    for _ in range(3):
        await sending.attempt("s-1")
    late = world.told[-1]
    assert len(world.told) == 2
    assert (late.state, late.attempt) == ("deferred", 1)
    assert late.reason.startswith("451")
    assert late.late_since is not None
    assert late.next_attempt_at == far.next_attempt_at

    world.later = timedelta(hours=10)
    await sending.attempt("s-1")
    assert (world.told[-1].state, world.told[-1].late_since) == ("deferred", late.late_since)
    await world.decide(decided(WhatNext.SEND_VIA, outbound="own"))
    assert (world.told[-1].state, world.told[-1].late_since) == ("sent", None)


async def test_nobody_waits_for_days_because_somebody_in_cc_has_a_full_mailbox(
    world: World,
) -> None:
    world.guard.decision = Decision.ALLOW
    request = send_requested().model_copy(update={"cc": (Address(address="bo@example.com"),)})
    await world.ledger.accept(Attempt(request=request, accepted_at=world.now()))
    for hours, states in [(0, ["deferred"]), (5, ["deferred", "deferred", "sent"])]:
        world.later = timedelta(hours=hours)
        world.server.behaviour.rcpt = ["250 OK", "452 4.2.2 full"]
        await world.process()[0].attempt("s-1")
        assert world.states() == states
    assert world.told[-1].reason == "not to bo@example.com: 4.2.2 full"
    assert world.server.taken[0].recipients == ["anna@example.com"]


async def test_a_mail_that_was_never_tried_is_late_too(world: World) -> None:
    request = send_requested()
    before = world.now() - timedelta(hours=5)
    await world.ledger.accept(Attempt(request=request, accepted_at=before))
    await world.process()[0].attempt("s-1")
    assert world.states() == ["deferred", "held"]
    assert world.told[0].late_since is not None
    assert world.told[0].outbound_channel == "relay"


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_mail_that_was_put_off_goes_as_soon_as_its_channel_is_another(
    world: World, *, restarted: bool
) -> None:
    """Otherwise an answer would wait for four hours for a channel that it does not need."""
    world.guard.decision = Decision.ALLOW
    world.server.behaviour.rcpt = ["451 4.7.1 try again in 60 min"]
    await world.ledger.accept(Attempt(request=send_requested(), accepted_at=world.now()))
    sending = world.process()[0]
    again = await sending.attempt("s-1")
    assert world.states() == ["deferred"]
    assert await sending.attempt("s-1") == again
    assert await world.process()[0].attempt("s-1") == again
    world.configure(InboundChannel.model_validate(support(reply_via="own")))
    if restarted:
        sending = world.process()[0]
    await sending.attempt("s-1")
    assert world.states() == ["deferred", "sent"]
    assert world.told[-1].outbound_channel == "own"


async def test_a_mail_that_was_put_off_goes_as_soon_as_its_channel_is_mended(world: World) -> None:
    world.guard.decision = Decision.ALLOW
    world.server.behaviour.rcpt = ["451 4.7.1 try again in 60 min"]
    await world.ledger.accept(Attempt(request=send_requested(), accepted_at=world.now()))
    sending = world.process()[0]
    again = await sending.attempt("s-1")
    world.configure(FilterEntry(id="f", pattern="x@example.com"))
    assert await sending.attempt("s-1") == again, "another change is none of its channel"
    world.configure(relay(per_day=9))
    await sending.attempt("s-1")
    assert world.states() == ["deferred", "sent"]


class Broken:
    """A way out with a fault of ours in it."""

    async def send(self, *_: Any, **__: Any) -> Accepted:
        raise ValueError("odd")


async def test_a_fault_of_ours_is_told_and_ends_after_five_days(world: World) -> None:
    """It would be tried in silence for ever, and nobody would know."""
    world.guard.decision = Decision.ALLOW
    way, world.way = world.way, cast("SmtpTransport", Broken())
    await world.begin()
    assert world.states() == ["deferred"]
    assert world.told[0].reason == "A fault of ours keeps it from being sent (ValueError)."
    assert world.told[0].next_attempt_at is not None
    await world.begin("s-2")
    world.later = timedelta(days=5, minutes=1)
    await world.process()[0].attempt("s-1")
    assert [one.state for one in world.told if one.send_id == "s-1"][-1] == "failed"
    world.way = way
    await world.process()[0].attempt("s-2")
    assert (world.told[-1].send_id, world.told[-1].state) == ("s-2", "sent")
