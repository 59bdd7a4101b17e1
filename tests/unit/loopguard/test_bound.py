"""INVARIANT: no sequence of incoming mail gets more automatic mail out of the guard than it may.

Asked of the whole handler: rules, counters with compare-and-set, keys that expire, two replicas at
once, questions that are asked again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from doubles.kv import MemoryBucket, MemoryBus
from guard_builders import NOW, cause, question
from loopguard.adapters.nats_counters import NatsCounters
from loopguard.handlers import Judging
from postbus.bus import Entry
from postbus.configuration import Configuration
from postbus.contracts.guard import Decision, JudgeRequest, SendKind, Verdict
from postbus.contracts.mail import MailKind, OwnStamp, Signals
from postbus.errors import StateConflict
from postbus.mail.addresses import normalise, without_plus

BOUNDS = ((timedelta(minutes=10), 3), (timedelta(hours=24), 10))
PHASES = (Phase.explicit, Phase.generate, Phase.shrink)
"""Without explaining, which takes minutes for courses of this length."""
AUTOMATIC = (SendKind.RECEIPT, SendKind.NOTIFICATION)


@dataclass
class Clock:
    now: datetime = NOW


class ExpiringBucket(MemoryBucket):
    """Keys go away when their time to live is over, as on the real one."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._ends: dict[str, datetime] = {}

    async def get(self, key: str) -> Entry | None:
        if (ends := self._ends.get(key)) is not None and ends <= self._clock.now:
            del self._ends[key]
            await super().delete(key)
        # Others may read the same before anybody writes.
        await asyncio.sleep(0)
        return await super().get(key)

    async def create(self, key: str, value: bytes, *, ttl_seconds: int | None = None) -> int:
        revision = await super().create(key, value, ttl_seconds=ttl_seconds)
        self._lives(key, ttl_seconds)
        return revision

    async def update(
        self, key: str, value: bytes, *, revision: int, ttl_seconds: int | None = None
    ) -> int:
        written = await super().update(key, value, revision=revision, ttl_seconds=ttl_seconds)
        self._lives(key, ttl_seconds)
        return written

    def _lives(self, key: str, ttl_seconds: int | None) -> None:
        self._ends.pop(key, None)
        if ttl_seconds is not None:
            self._ends[key] = self._clock.now + timedelta(seconds=ttl_seconds)


class Uncounted:
    """A tally that keeps nothing."""

    def counted(self, verdict: Verdict) -> None: ...


@dataclass
class Guard:
    """Two replicas over one bucket, and what they allowed because of a mail."""

    clock: Clock = field(default_factory=Clock)
    allowed: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    _known: set[str] = field(default_factory=set)

    async def open(self) -> "Guard":
        bucket = ExpiringBucket(self.clock)
        self._replicas = []
        for _ in range(2):
            counters = NatsCounters(MemoryBus({"postbus-guard": bucket}))
            await counters.open()
            self._replicas.append(
                Judging(
                    counters,
                    Uncounted(),
                    configuration=Configuration,
                    now=lambda: self.clock.now,
                )
            )
        return self

    async def asked(self, requests: Iterable[JudgeRequest]) -> None:
        """All of them at once; dispatch waits where a race was lost every time."""
        await asyncio.gather(
            *(self._ask(self._replicas[n % 2], one) for n, one in enumerate(requests))
        )

    async def _ask(self, replica: Judging, request: JudgeRequest) -> None:
        try:
            verdict = await replica.on_question(request)
        except StateConflict:
            return
        if verdict.decision is not Decision.ALLOW or request.send_id in self._known:
            return
        self._known.add(request.send_id)
        if request.cause is not None and request.kind in AUTOMATIC:
            for who in {without_plus(normalise(one)) for one in request.recipients}:
                self.allowed[who].append(self.clock.now)


def most_within(times: list[datetime], length: timedelta) -> int:
    return max((sum(start <= at < start + length for at in times) for start in times), default=0)


def asking(number: int, drawn: "Drawn") -> JudgeRequest:
    """A question of dispatch; what was asked before is asked again as it was."""
    sender = drawn.address
    return question(
        drawn.kind,
        send_id=f"s-{number}",
        ticket_number=number if drawn.new_ticket else 1,
        queue=drawn.queue,
        recipients=(sender, *drawn.others),
        marks_survive=drawn.marks_survive,
        outbound_kind="relay" if drawn.marks_survive else "graph",
        automatic=drawn.kind in AUTOMATIC,
        cause=cause(
            mail_id=f"m-{number}",
            sender=sender,
            kind=drawn.mail_kind,
            signals=drawn.signals,
            stamp=drawn.stamp,
        )
        if drawn.caused
        else None,
    )


@dataclass(frozen=True)
class Drawn:
    """What hypothesis chooses of a question, and how long after the one before it comes."""

    pause: timedelta
    address: str
    others: tuple[str, ...]
    kind: SendKind
    caused: bool
    new_ticket: bool
    queue: str
    marks_survive: bool
    mail_kind: MailKind
    signals: Signals
    stamp: OwnStamp | None
    again: int | None
    """How many questions back one is asked once more."""


ROBOTS = st.sampled_from(
    ["kim@x.example", "KIM@X.example", "kim+1@x.example", "kim+2@X.EXAMPLE", "bo@x.example"]
)
PAUSES = st.one_of(
    st.just(0.0), st.floats(0, 30), st.floats(0, 700), st.sampled_from([200.0, 600.0, 8640.0]),
    st.floats(0, 100_000),
).map(lambda seconds: timedelta(seconds=seconds))  # fmt: skip
STAMPS = st.builds(
    OwnStamp,
    ticket_number=st.integers(1, 3),
    kind=st.sampled_from(["agent-reply", "receipt", "notification"]),
    hop=st.integers(0, 4),
    found_in=st.sampled_from(["recipient", "references", "header", "body"]),
)
MOSTLY_HUMAN = st.one_of(
    st.just(MailKind.HUMAN), st.just(MailKind.HUMAN), st.sampled_from(MailKind)
)
DRAWN = st.builds(
    Drawn,
    pause=PAUSES,
    address=ROBOTS,
    others=st.one_of(st.just(()), st.lists(ROBOTS, max_size=2).map(tuple)),
    kind=st.sampled_from((*AUTOMATIC, SendKind.RECEIPT, SendKind.AGENT_REPLY)),
    caused=st.sampled_from((True, True, True, False)),
    new_ticket=st.sampled_from((True, True, False)),
    queue=st.sampled_from(("support", "sales", "it")),
    marks_survive=st.booleans(),
    mail_kind=MOSTLY_HUMAN,
    signals=st.builds(
        Signals, received_count=st.sampled_from((1, 3, 16, 40)), suppress=st.just(())
    ),
    stamp=st.one_of(st.none(), st.none(), STAMPS),
    again=st.one_of(st.none(), st.none(), st.integers(1, 12)),
)


async def courses(steps: Iterable[list[Drawn]]) -> Guard:
    """Each step is asked at once; the longest pause of its questions is before it."""
    guard, asked = await Guard().open(), list[JudgeRequest]()
    for step in steps:
        guard.clock.now += max(one.pause for one in step)
        requests = []
        for one in step:
            if one.again is not None and one.again <= len(asked):
                requests.append(asked[-one.again])
            else:
                requests.append(asking(len(asked), one))
                asked.append(requests[-1])
        await guard.asked(requests)
    return guard


@settings(max_examples=150, deadline=None, phases=PHASES)
@given(
    st.lists(st.tuples(st.lists(DRAWN, min_size=1, max_size=5), st.integers(1, 12)), max_size=20)
)
def test_no_sequence_of_mail_gets_more_automatic_mail_than_the_bound(
    spells: list[tuple[list[Drawn], int]],
) -> None:
    """A spell is a step that is repeated so many times, each with new mails."""
    guard = asyncio.run(courses(step for step, times in spells for _ in range(times)))
    for times in guard.allowed.values():
        for length, limit in BOUNDS:
            assert most_within(times, length) <= limit


def robot(seconds: float, **changes: object) -> Drawn:
    """A person's mail, as far as anybody can see, of a new ticket."""
    plain = {
        "pause": timedelta(seconds=seconds), "address": "kim@x.example", "others": (),
        "kind": SendKind.RECEIPT, "caused": True, "new_ticket": True, "queue": "support",
        "marks_survive": True, "mail_kind": MailKind.HUMAN, "signals": Signals(), "stamp": None,
        "again": None,
    }  # fmt: skip
    return Drawn(**{**plain, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "at_once"), [(1, 5), (61, 1), (199, 1), (200, 2), (601, 4), (3600, 3), (8641, 1)]
)
def test_whatever_its_rhythm_a_robot_gets_no_more_than_the_bound_in_three_days(
    seconds: float, at_once: int
) -> None:
    rounds = min(700, int(3 * 86_400 / seconds))
    queues = ("support", "sales", "it")
    steps = [
        [
            robot(seconds, address=f"kim+{n}-{m}@x.example", queue=queues[(n + m) % 3])
            for m in range(at_once)
        ]
        for n in range(rounds)
    ]
    guard = asyncio.run(courses(steps))
    (times,) = guard.allowed.values()
    for length, limit in BOUNDS:
        assert 1 <= most_within(times, length) <= limit
