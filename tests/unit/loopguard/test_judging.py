"""The handler: what it keeps, what it asks of the counters, and what it says when it cannot."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from doubles.kv import MemoryBucket, MemoryBus
from guard_builders import CUSTOMER, NOW, cause, question
from loopguard.adapters.nats_counters import NatsCounters
from loopguard.handlers import Judging
from postbus.configuration import Configuration
from postbus.contracts.guard import Decision, JudgeRequest, SendKind, Verdict
from postbus.contracts.mail import MailKind
from postbus.errors import BusUnavailable, PermanentError, StateConflict

KEY = f"sent.{hashlib.sha256(b'anna@example.com').hexdigest()[:32]}"


class Verdicts(list[Verdict]):
    """A tally that keeps them."""

    def counted(self, verdict: Verdict) -> None:
        self.append(verdict)


class ContestedBucket(MemoryBucket):
    """Another replica is faster, so many times."""

    def __init__(self, lost_races: int) -> None:
        super().__init__()
        self.lost_races = lost_races
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
        if self.writes <= self.lost_races:
            raise StateConflict("lost")


async def judging(bucket: MemoryBucket, tally: Verdicts | None = None) -> Judging:
    counters = NatsCounters(MemoryBus({"postbus-guard": bucket}))
    await counters.open()
    return Judging(
        counters,
        Verdicts() if tally is None else tally,
        configuration=Configuration,
        now=lambda: NOW,
    )


async def test_a_counter_is_a_list_of_sends_that_lives_longer_than_a_day() -> None:
    bucket = MemoryBucket()
    await (await judging(bucket)).on_question(question())
    kept = await bucket.get(KEY)
    assert json.loads(kept.value) == [{"send_id": "s-1", "at": "2026-03-02T09:00:00Z"}]
    assert bucket.lives_seconds[KEY] == timedelta(hours=25).total_seconds()


@pytest.mark.parametrize(
    ("request_", "reads", "writes"),
    [
        (question(), 1, 1),
        (question(cause=cause(kind=MailKind.LIST)), 1, 0),
        (question(SendKind.AGENT_REPLY), 0, 0),
        (question(SendKind.NOTIFICATION, recipients=("a@x.example", "b@x.example")), 2, 2),
        (question(SendKind.NOTIFICATION, recipients=("a@x.example", "A+1@x.example")), 1, 1),
    ],
)
async def test_a_question_costs_one_read_and_at_most_one_write_a_correspondent(
    request_: JudgeRequest, reads: int, writes: int
) -> None:
    bucket = ContestedBucket(lost_races=0)
    await (await judging(bucket)).on_question(request_)
    assert (bucket.reads, bucket.writes) == (reads, writes)


async def test_a_lost_race_is_run_again_and_counted_once() -> None:
    bucket, tally = ContestedBucket(lost_races=3), Verdicts()
    verdict = await (await judging(bucket, tally)).on_question(question())
    assert verdict.decision is Decision.ALLOW
    assert tally == [verdict]
    assert len(json.loads((await bucket.get(KEY)).value)) == 1


async def test_a_race_that_is_always_lost_gives_no_permission() -> None:
    service = await judging(ContestedBucket(lost_races=1000))
    with pytest.raises(StateConflict):
        await service.on_question(question())


async def test_without_counters_automatic_mail_waits_and_a_persons_goes() -> None:
    """L22: fail closed for automatic mail."""
    bucket = MemoryBucket()
    service = await judging(bucket)
    bucket.away = True
    with pytest.raises(BusUnavailable):
        await service.on_question(question())
    verdict = await service.on_question(question(SendKind.AGENT_REPLY))
    assert verdict.decision is Decision.ALLOW


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
    tally = Verdicts()
    verdict = (await judging(MemoryBucket(), tally)).unable(error)
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, "guard-error")
    assert verdict.reason == reason
    assert verdict.evidence == {"error": type(error).__name__}
    assert CUSTOMER not in verdict.model_dump_json()
    assert tally == [verdict]
