"""What a person decides about a mail that is held, waits, failed or is in doubt."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest

from dispatch.domain.attempts import Attempt, Step
from dispatch_stage import Stage
from dispatch_world import World, decided
from doubles.crash import Crash, CrashAt
from postbus.contracts.configuration import FilterEntry
from postbus.contracts.guard import Decision
from postbus.contracts.sending import SendState, WhatNext
from postbus.errors import StateConflict, TemporaryError
from send_builders import send_requested
from servers.smtp import SmtpServer


async def test_a_released_mail_goes_once_whatever_the_guard_says(world: World) -> None:
    await world.begin()
    assert (world.states(), world.sent(), world.guard.asked) == (["held"], 0, 1)
    release = decided(WhatNext.RELEASE)
    await world.decide(release, release)
    assert world.sent() == 1
    assert set(world.states()) == {"held", "sent"}
    end = world.told[-1]
    assert (end.decision, end.verdict and end.verdict.rule) == (1, "released")
    assert end.verdict is not None
    assert end.verdict.evidence == {"held_by": "L12"}
    assert world.guard.asked == 1


async def test_a_released_mail_does_not_pass_the_filter(world: World) -> None:
    """INVARIANT: whoever is on the filter gets no mail, whoever wants it sent."""
    await world.begin()
    listed = FilterEntry(id="f", pattern="*@example.com")
    world.configure(listed)
    await world.decide(decided(WhatNext.RELEASE))
    assert (world.states(), world.sent()) == (["held", "held"], 0)
    assert world.told[-1].verdict is not None
    assert (world.told[-1].verdict.rule, world.told[-1].decision) == ("filter", 1)
    world.configure()
    await world.decide(decided(WhatNext.RELEASE, 2))
    assert world.sent() == 1


async def test_what_the_guard_blocked_cannot_be_released(world: World) -> None:
    world.guard.decision = Decision.BLOCK
    await world.begin()
    await world.decide(decided(WhatNext.RELEASE))
    assert (world.states(), world.sent()) == (["held", "held"], 0)


@pytest.mark.parametrize("waits", ["held", "deferred"])
async def test_a_discarded_mail_is_never_sent_and_the_outcome_says_who(
    world: World, waits: str
) -> None:
    world.configure(relay=waits == "held")
    await world.begin()
    assert world.states() == [waits]
    await world.decide(decided(WhatNext.DISCARD))
    world.configure()
    world.guard.decision = Decision.ALLOW
    await world.decide(decided(WhatNext.RELEASE, 2))
    assert world.sent() == 0
    end = world.told[-1]
    assert (end.state, end.by, end.reason) == (SendState.DISCARDED, "bob", "bob discarded it.")


async def test_a_mail_whose_channel_is_paused_goes_through_another_one(world: World) -> None:
    world.guard.decision = Decision.ALLOW
    world.configure(relay=False)
    await world.begin()
    assert world.states() == ["deferred"]
    assert "disabled" in world.told[0].reason
    await world.decide(decided(WhatNext.SEND_VIA, outbound="own"))
    end = world.told[-1]
    assert (end.state, end.outbound_channel, end.from_address) == ("sent", "own", "it@abc.com")
    [mail] = world.server.taken
    assert mail.sender == "it@abc.com"
    assert b"\r\nReply-To: Support <support+" in b"\r\n" + mail.content


async def test_the_channel_that_was_chosen_goes_away_too_and_no_other_is_taken(
    world: World,
) -> None:
    world.guard.decision = Decision.ALLOW
    await world.begin()
    world.configure(relay=False)
    await world.begin("s-2")
    await world.decide(decided(WhatNext.SEND_VIA, send_id="s-2", outbound="gone"))
    assert (world.told[-1].state, world.sent("s-2")) == ("deferred", 0)
    assert "gone, which does not exist" in world.told[-1].reason


@pytest.mark.parametrize(
    ("what", "sent", "end"), [(WhatNext.SEND_AGAIN, 2, "sent"), (WhatNext.TAKE_AS_SENT, 1, "sent")]
)
async def test_a_mail_in_doubt_is_sent_again_or_taken_as_sent(
    world: World, what: WhatNext, sent: int, end: str
) -> None:
    world.guard.decision = Decision.ALLOW
    world.server.behaviour.drop_after_data = 1
    await world.begin()
    assert world.states() == ["in-doubt"]
    arrived = world.sent()
    await world.decide(decided(what), decided(what))
    assert world.told[-1].state == end
    assert world.sent() - arrived == sent - 1
    if what is WhatNext.TAKE_AS_SENT:
        assert (world.told[-1].by, world.told[-1].outbound_channel) == ("bob", "relay")


async def test_a_failed_mail_may_be_sent_again(world: World) -> None:
    world.guard.decision = Decision.ALLOW
    world.server.behaviour.rcpt = ["550 5.1.1 no such user"]
    await world.begin()
    assert world.states() == ["failed"]
    await world.decide(decided(WhatNext.SEND_AGAIN))
    assert (world.told[-1].state, world.sent()) == ("sent", 1)


async def test_a_decision_waits_while_the_mail_is_handed_over(world: World) -> None:
    """INVARIANT: a mail that is being sent is not discarded, and one that is discarded not sent."""
    request = send_requested()
    now = datetime.now(UTC)
    claimed = Attempt(
        request=request, step=Step.CLAIMED, accepted_at=now, claimed_by="z", claimed_at=now
    )
    await world.ledger.accept(claimed)
    with pytest.raises(TemporaryError):
        await world.process()[1].on_send_decided(decided(WhatNext.DISCARD))
    kept = await world.ledger.open("s-1")
    assert kept is not None
    assert kept.attempt == claimed


async def test_a_replica_that_is_about_to_claim_loses_against_a_decision(world: World) -> None:
    world.guard.decision = Decision.ALLOW
    request = send_requested()
    await world.ledger.accept(Attempt(request=request, accepted_at=request.requested_at))
    before = await world.ledger.open("s-1")
    assert before is not None
    await world.process()[1].on_send_decided(decided(WhatNext.DISCARD))
    with pytest.raises(StateConflict):
        await world.ledger.change(before, before.attempt)
    with pytest.raises(StateConflict):
        await world.ledger.forget_open(before)
    await world.sweep(world.process()[0])
    assert (world.states(), world.sent()) == (["discarded"], 0)


async def test_a_late_word_of_the_end_does_not_forget_what_was_taken_up(world: World) -> None:
    """INVARIANT: a replica that is slow to tell `held` does not remove the mail once released."""
    request = send_requested()
    await world.ledger.accept(Attempt(request=request, accepted_at=request.requested_at))
    slow = world.process(CrashAt(3, after_the_work=True))[0]
    with suppress(Crash):
        await slow.attempt("s-1")  # the end is written, and not told
    left = await world.ledger.open("s-1")
    assert left is not None
    await world.process()[1].on_send_decided(decided(WhatNext.RELEASE))
    with pytest.raises(StateConflict):
        await world.ledger.forget_open(left)
    await world.sweep(world.process()[0])
    assert world.sent() == 1


async def test_of_two_decisions_the_later_counts_in_whatever_order_they_come(
    world: World,
) -> None:
    await world.begin()
    first, second = decided(WhatNext.RELEASE, 1), decided(WhatNext.DISCARD, 2)
    sending, deciding = world.process()
    await deciding.on_send_decided(second)
    await deciding.on_send_decided(first)
    await world.sweep(sending)
    assert (world.told[-1].state, world.sent()) == ("discarded", 0)


async def test_a_mail_that_the_ledger_forgot_is_not_sent_and_the_outcome_says_so(
    world: World,
) -> None:
    await world.decide(decided(WhatNext.RELEASE))
    await world.decide(decided(WhatNext.DISCARD, 2))
    assert [(one.state, one.decision) for one in world.told] == [("failed", 1), ("discarded", 2)]


@pytest.mark.parametrize("what", [WhatNext.RELEASE, WhatNext.DISCARD, WhatNext.SEND_VIA])
@pytest.mark.parametrize("after_the_work", [False, True])
async def test_a_crash_at_any_point_of_a_decision_loses_nothing_and_sends_nothing_twice(
    world: World, what: WhatNext, *, after_the_work: bool
) -> None:
    """INVARIANT: the decision is carried out once, or the mail is in doubt after a crash."""
    for call in range(1, 20):
        send_id = f"s-{call}"
        world.guard.decision = Decision.HOLD
        await world.begin(send_id)
        world.guard.decision = Decision.ALLOW
        event = decided(what, send_id=send_id, outbound="own" if "via" in what else None)
        crash = CrashAt(call, after_the_work)
        sending, deciding = world.process(crash)
        with suppress(Crash):
            await deciding.on_send_decided(event)
            await world.sweep(sending)
        sending, deciding = world.process()
        # Redelivered until it is acknowledged; a claim of the dead is looked at first.
        await world.sweep(sending)
        await deciding.on_send_decided(event)
        await world.sweep(sending)
        assert await world.ledger.unfinished() == []
        end = next(one for one in reversed(world.told) if one.send_id == send_id)
        wanted = {"discarded"} if what is WhatNext.DISCARD else {"sent", "in-doubt"}
        assert end.state in wanted, f"after a crash at call {call}"
        assert end.decision == 1
        assert world.sent(send_id) == (end.state == "sent") or end.state == "in-doubt"
        if crash.calls < call:
            break
    assert call > 6, "the crash met every step"


async def test_a_decision_reaches_the_service_by_the_bus(stage: Stage, relay: SmtpServer) -> None:
    await stage.own_channel("smtp", relay.port, enabled=False, sent_copy="none")
    await stage.start()
    await stage.ask_to_send(send_requested())

    async def told(*states: str) -> bool:
        return [one.state for one in await stage.outcomes()] == list(states)

    await stage.until(lambda: told("deferred"))
    event = decided(WhatNext.SEND_VIA, outbound="relay")
    await stage.ticketing.tell("postbus.send.decided", "support", event.data, event_id="d-1")
    await stage.until(lambda: told("deferred", "sent"))
    end = (await stage.outcomes())[-1]
    assert (end.outbound_channel, end.from_address) == ("relay", "support@postbus.localhost")
    assert len(relay.taken) == 1
