"""Verdicts are told behind the answer: in order, again, and never in the way of the next one."""

import asyncio
from typing import Any

from prometheus_client import CollectorRegistry

from guard_builders import NOW, question
from loopguard.adapters import nats_telling
from loopguard.adapters.nats_telling import NatsTelling
from postbus.contracts.guard import Decision, Judged, Verdict
from postbus.errors import BusUnavailable, PermanentError


class Stream:
    """A bus that refuses as often as it is told to."""

    def __init__(self, *refusals: Exception) -> None:
        self.refusals = list(refusals)
        self.told: list[str] = []

    async def tell(self, _type: str, _token: str, data: Judged, **_: Any) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.told.append(data.question.send_id)


def judged(n: int) -> Judged:
    verdict = Verdict(decision=Decision.ALLOW, rule="none", reason="a test")
    return Judged(question=question(send_id=f"s-{n}"), verdict=verdict, at=NOW)


def telling(stream: Stream) -> tuple[NatsTelling, CollectorRegistry]:
    registry = CollectorRegistry()
    return NatsTelling(stream, registry), registry  # type: ignore[arg-type] # all it needs


async def until(stream: Stream, count: int) -> None:
    async with asyncio.timeout(5):
        while len(stream.told) < count:
            await asyncio.sleep(0.01)


async def test_what_the_stream_did_not_take_is_told_again_in_its_order(monkeypatch: Any) -> None:
    monkeypatch.setattr(nats_telling, "_AGAIN_SECONDS", 0.01)
    stream = Stream(BusUnavailable("away"), BusUnavailable("away"))
    mouth, _ = telling(stream)
    mouth.start()
    for n in range(5):
        mouth.told(judged(n))
    await until(stream, 5)
    await mouth.stop()
    assert stream.told == [f"s-{n}" for n in range(5)]


async def test_a_verdict_that_no_stream_takes_is_counted_and_the_next_one_is_told() -> None:
    stream = Stream(PermanentError("too large"))
    mouth, registry = telling(stream)
    mouth.start()
    for n in range(3):
        mouth.told(judged(n))
    await until(stream, 2)
    await mouth.stop()
    assert stream.told == ["s-1", "s-2"]
    assert registry.get_sample_value("postbus_guard_untold_total") == 1


async def test_while_nats_is_away_the_oldest_make_room_and_are_counted(monkeypatch: Any) -> None:
    monkeypatch.setattr(nats_telling, "MOST_WAITING", 10)
    stream = Stream(*[BusUnavailable("away")] * 1000)
    mouth, registry = telling(stream)
    for n in range(15):
        mouth.told(judged(n))
    assert registry.get_sample_value("postbus_guard_untold_total") == 5
    mouth.start()
    await asyncio.sleep(0.05)
    await mouth.stop()
    assert registry.get_sample_value("postbus_guard_untold_total") == 15
