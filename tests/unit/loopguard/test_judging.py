"""The handler: what it keeps, what it asks of the counters, and what it says when it cannot."""

import hashlib
import json
from collections.abc import Container
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from doubles.kv import MemoryBucket
from guard_builders import CUSTOMER, Guard, cause, question, receipt_of
from postbus.configuration import Configuration
from postbus.contracts.configuration import LoopLimits, Windows
from postbus.contracts.guard import Decision, Fingerprint, JudgeRequest, SendKind
from postbus.contracts.mail import MailKind, OwnStamp
from postbus.errors import BusUnavailable, PermanentError, StateConflict

KEY = f"who.{hashlib.sha256(b'anna@example.com').hexdigest()[:32]}"


class ContestedBucket(MemoryBucket):
    """Another replica is faster, so many times."""

    def __init__(self, lost_races: int) -> None:
        super().__init__()
        self.lost: Container[int] = range(1, lost_races + 1)
        """Which of the writes, the first is 1."""
        self.reads = 0
        self.writes = 0

    async def get(self, key: str) -> Any:
        self.reads += 1
        return await super().get(key)

    async def update(self, key: str, value: bytes, **how: Any) -> int:
        self._lose()
        return await super().update(key, value, **how)

    async def create(self, key: str, value: bytes, **how: Any) -> int:
        self._lose()
        return await super().create(key, value, **how)

    def _lose(self) -> None:
        self.writes += 1
        if self.writes in self.lost:
            raise StateConflict("lost")


async def test_a_counter_holds_what_was_sent_and_lives_longer_than_a_day() -> None:
    bucket = MemoryBucket()
    await Guard(bucket).ask(question())
    kept = await bucket.get(KEY)
    assert json.loads(kept.value) == {
        "sends": [
            {"send_id": "s-1", "at": "2026-03-02T09:00:00Z", "ticket": 7, "queue": "support",
             "kind": "receipt"}
        ]
    }  # fmt: skip
    assert bucket.lives_seconds[KEY] == timedelta(hours=25).total_seconds()


LONG = Fingerprint(subject="5" * 16, content="a" * 16, similar="0" * 16)


@pytest.mark.parametrize(
    ("request_", "reads", "writes"),
    [
        (question(), 1, 1),
        (question(cause=cause(kind=MailKind.LIST)), 1, 0),
        (question(cause=cause(fingerprint=LONG)), 2, 2),
        (question(SendKind.AGENT_REPLY), 1, 0),
        (question(SendKind.NOTIFICATION, recipients=("a@x.example", "b@x.example")), 2, 2),
        (question(SendKind.NOTIFICATION, recipients=("a@x.example", "A+1@x.example")), 1, 1),
    ],
)
async def test_a_question_costs_a_read_and_at_most_a_write_for_a_correspondent_and_a_long_text(
    request_: JudgeRequest, reads: int, writes: int
) -> None:
    bucket = ContestedBucket(lost_races=0)
    await Guard(bucket).ask(request_)
    assert (bucket.reads, bucket.writes) == (reads, writes)


async def test_a_lost_race_is_run_again_and_counted_once() -> None:
    guard = Guard(ContestedBucket(lost_races=3))
    verdict = await guard.ask(question())
    assert verdict.decision is Decision.ALLOW
    assert guard.verdicts == [verdict]
    assert len(json.loads((await guard.bucket.get(KEY)).value)["sends"]) == 1


async def test_a_race_that_is_always_lost_gives_no_permission() -> None:
    with pytest.raises(StateConflict):
        await Guard(ContestedBucket(lost_races=1000)).ask(question())


async def test_without_counters_automatic_mail_waits_and_a_persons_goes() -> None:
    """L22: fail closed for automatic mail."""
    guard = Guard()
    guard.bucket.away = True
    with pytest.raises(BusUnavailable):
        await guard.ask(question())
    assert await guard.allows(question(SendKind.AGENT_REPLY))


async def test_every_verdict_is_told_with_its_question() -> None:
    guard = Guard()
    asked = [
        receipt_of(1),
        question(cause=cause(kind=MailKind.LIST)),
        question(SendKind.AGENT_REPLY),
    ]
    verdicts = [await guard.ask(one) for one in asked]
    assert [one.question for one in guard.told] == asked
    assert [one.verdict for one in guard.told] == verdicts
    assert [one.rule for one in verdicts] == ["none", "L5", "L19"]


async def test_to_explain_counts_and_tells_nothing() -> None:
    guard = Guard()
    for _ in range(20):
        assert (await guard.judging.explain(receipt_of(1))).decision is Decision.ALLOW
    assert (guard.told, guard.verdicts) == ([], [])
    assert await guard.bucket.get(KEY) is None


async def test_a_fourth_mail_in_ten_minutes_waits_for_the_first_to_be_ten_minutes_old() -> None:
    guard = Guard()
    for n in range(3):
        assert await guard.allows(receipt_of(n, queue=f"q-{n}"))
        guard.later(minutes=2, seconds=30)
    assert (await guard.ask(receipt_of(3, queue="q-3"))).rule == "L12"
    guard.later(minutes=2, seconds=30)
    assert await guard.allows(receipt_of(3, queue="q-3"))


@pytest.mark.parametrize("kind", [SendKind.RECEIPT, SendKind.NOTIFICATION])
async def test_who_asks_again_within_seconds_gets_the_same_answer(kind: SendKind) -> None:
    """INVARIANT: after a crash or a lost answer a mail would be held by its own count."""
    guard = Guard()
    asked = [receipt_of(n, queue=f"q-{n}", kind=kind) for n in range(6)]
    first = []
    for one in asked:
        first.append((await guard.ask(one)).rule)
        guard.later(seconds=3)
    assert first == ["none"] * 3 + ["L12"] * 3
    for _ in range(4):
        assert [(await guard.ask(one)).rule for one in asked] == first
        guard.later(seconds=3)
        assert [(await guard.ask(one)).rule for one in reversed(asked)] == first[::-1]


async def test_a_mail_that_is_asked_about_again_counts_from_then_on() -> None:
    guard = Guard()
    for n in range(3):
        assert await guard.allows(receipt_of(n, queue=f"q-{n}"))
    guard.later(minutes=9)
    assert await guard.allows(receipt_of(0, queue="q-0"))
    guard.later(minutes=1)
    assert await guard.allows(receipt_of(3, queue="q-3"))
    assert await guard.allows(receipt_of(4, queue="q-4"))
    assert (await guard.ask(receipt_of(1, queue="q-1"))).rule == "L12", "it was allowed before"
    guard.later(minutes=9)
    assert await guard.allows(receipt_of(1, queue="q-1"))


async def test_a_round_that_was_quick_stays_so_when_it_is_asked_about_again() -> None:
    """INVARIANT: a robot would begin anew with every mail that had to wait."""
    guard = Guard()

    def answer_to_the_last(n: int, came: datetime) -> JudgeRequest:
        return receipt_of(n, queue=f"q-{n}", cause=cause(mail_id=f"m-{n}", received_at=came))

    assert await guard.allows(answer_to_the_last(0, guard.now))
    guard.later(seconds=5)
    came = guard.now
    for _ in range(2):
        assert await guard.allows(answer_to_the_last(0, came - timedelta(seconds=5)))
        assert await guard.allows(answer_to_the_last(1, came))
        guard.later(seconds=5)
    assert (await guard.ask(answer_to_the_last(2, guard.now))).rule == "L15"


async def test_the_largest_limits_that_can_be_set_are_limits() -> None:
    """INVARIANT: a limit over what is remembered of somebody would be none."""
    most = Windows(ten_minutes=200, hour=200, day=200)
    limits = LoopLimits(correspondent=most, people_correspondent=most)
    guard = Guard(configuration=Configuration(loop_limits=limits))
    for why in (cause(sender="x@y.example"), None):
        allowed = [
            await guard.allows(
                question(
                    SendKind.NOTIFICATION,
                    send_id=f"{why is None}-{n}",
                    ticket_number=n,
                    recipients=(CUSTOMER,),
                    cause=why,
                )
            )
            for n in range(202)
        ]
        assert allowed.count(True) == 200
    with pytest.raises(ValidationError):
        Windows(ten_minutes=3, hour=6, day=201)


async def test_mail_that_came_back_thrice_keeps_its_ticket_quiet_for_a_month() -> None:
    guard = Guard()
    stamp = OwnStamp(ticket_number=7, kind="receipt", hop=3, found_in="body")
    assert (await guard.ask(question(cause=cause(stamp=stamp)))).rule == "L9"
    other = question(SendKind.NOTIFICATION, send_id="n-1")
    assert (await guard.ask(other)).rule == "L9"
    assert await guard.allows(other.model_copy(update={"ticket_number": 8, "send_id": "n-2"}))
    guard.later(days=30)
    assert await guard.allows(other)


@pytest.mark.parametrize("lost", [1, 2])
async def test_a_mail_whose_count_lost_a_race_counts_for_the_fuse_all_the_same(lost: int) -> None:
    """INVARIANT: one that was counted with some at first would be none for the fuse."""
    guard = Guard(ContestedBucket(lost_races=0))
    for n in range(51):
        guard.bucket.writes, guard.bucket.lost = 0, {lost}
        print_ = LONG.model_copy(update={"content": f"{n:016x}"})
        why = cause(sender=f"c{n}@example.com", fingerprint=print_)
        assert await guard.allows(receipt_of(n, f"c{n}@example.com", cause=why))
    await guard.fuses.write()
    assert (await guard.ask(receipt_of(2000, "new@example.com"))).rule == "L17"


def unreadable() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        JudgeRequest.model_validate_json(b'{"sender": "' + CUSTOMER.encode() + b'"}')
    return caught.value


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (unreadable(), "The question could not be read."),
        (BusUnavailable("x"), "The counters or the configuration cannot be reached."),
        (StateConflict("x"), "Too many questions about one correspondent at once."),
        (PermanentError(CUSTOMER), "The guard failed."),
        (RuntimeError(CUSTOMER), "The guard failed."),
    ],
)
async def test_what_cannot_be_judged_is_held_under_a_rule_of_its_own(
    error: Exception, reason: str
) -> None:
    guard = Guard()
    verdict = guard.judging.unable(error)
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, "guard-error")
    assert verdict.reason == reason
    assert verdict.evidence == {"error": type(error).__name__}
    assert CUSTOMER not in verdict.model_dump_json()
    assert guard.verdicts == [verdict]
    assert guard.told == [], "whoever asked asks again"
