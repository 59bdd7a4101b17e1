"""What two replicas allow together: at once, asked again, after answers of agents, as keys expire.

A mail that was allowed may wait, and leaves when it is allowed for the last time.

INVARIANT: no sequence of incoming mail gets more automatic mail out of them than the bound.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from doubles.kv import MemoryBucket
from guard_builders import NOW, Guard, cause, question
from loopguard.domain.keys import key_of
from postbus.bus import Entry
from postbus.contracts.guard import Decision, Fingerprint, JudgeRequest, SendKind
from postbus.contracts.mail import Address, MailKind, OwnStamp
from postbus.contracts.sending import SendRequestedEvent
from postbus.errors import StateConflict
from postbus.mail.addresses import normalise, without_plus
from send_builders import send_requested

BOUNDS = ((timedelta(minutes=10), 3), (timedelta(minutes=60), 6), (timedelta(hours=24), 10))
AUTOMATIC = (SendKind.RECEIPT, SendKind.NOTIFICATION)
PHASES = (Phase.explicit, Phase.generate, Phase.shrink)
"""Without explaining, which takes minutes for courses of this length."""


class ExpiringBucket(MemoryBucket):
    """Keys go away when their time to live is over, and two may read before one of them writes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self._ends: dict[str, datetime] = {}

    async def get(self, key: str) -> Entry | None:
        if (ends := self._ends.get(key)) is not None and ends <= self.now:
            del self._ends[key]
            await super().delete(key)
        await asyncio.sleep(0)
        return await super().get(key)

    async def create(self, key: str, value: bytes, *, ttl_seconds: int | None = None) -> int:
        revision = await super().create(key, value, ttl_seconds=ttl_seconds)
        return self._lives(key, ttl_seconds, revision)

    async def update(
        self, key: str, value: bytes, *, revision: int, ttl_seconds: int | None = None
    ) -> int:
        written = await super().update(key, value, revision=revision, ttl_seconds=ttl_seconds)
        return self._lives(key, ttl_seconds, written)

    def _lives(self, key: str, ttl_seconds: int | None, revision: int) -> int:
        self._ends.pop(key, None)
        if ttl_seconds is not None:
            self._ends[key] = self.now + timedelta(seconds=ttl_seconds)
        return revision


@dataclass
class Both:
    """Two replicas over one bucket, and when they last allowed each mail because of a mail."""

    bucket: ExpiringBucket = field(default_factory=ExpiringBucket)
    allowed: dict[str, dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))

    def __post_init__(self) -> None:
        self.guards = [Guard(self.bucket), Guard(self.bucket)]

    def later(self, pause: timedelta) -> None:
        self.bucket.now += pause
        for guard in self.guards:
            guard.now = self.bucket.now

    async def ask(self, requests: Iterable[JudgeRequest]) -> None:
        """All of them at once; dispatch waits where a race was lost every time."""
        asked = enumerate(requests)
        await asyncio.gather(*(self._ask(self.guards[n % 2], one) for n, one in asked))

    async def _ask(self, guard: Guard, request: JudgeRequest) -> None:
        try:
            verdict = await guard.ask(request)
        except StateConflict:
            return
        if verdict.decision is not Decision.ALLOW:
            return
        if request.cause is not None and request.kind in AUTOMATIC:
            for who in {without_plus(normalise(one)) for one in request.recipients}:
                self.allowed[who][request.send_id] = guard.now

    async def answered(self, address: str) -> None:
        """An agent answers somebody."""
        data = send_requested().model_copy(
            update={"to": (Address(address=address),), "requested_at": self.bucket.now}
        )
        event = SendRequestedEvent(
            id="x", source="/postbus/test", type="postbus.send.requested", time=NOW, data=data
        )
        await self.guards[0].watching.on_send_requested(event)


@dataclass(frozen=True)
class Drawn:
    """What hypothesis chooses of a mail of a robot, and of what is to be sent because of it.

    `again` is how many questions back one is asked once more, instead.
    """

    address: str
    others: tuple[str, ...]
    kind: SendKind
    caused: bool
    new_ticket: bool
    queue: str
    marks_survive: bool
    mail_kind: MailKind
    same_words: bool
    stamp: OwnStamp | None
    again: int | None

    def question(self, number: int) -> JudgeRequest:
        words = "0" * 16 if self.same_words else f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}"
        why: dict[str, Any] = {
            "mail_id": f"m-{number}",
            "sender": self.address,
            "kind": self.mail_kind,
            "stamp": self.stamp,
            "fingerprint": Fingerprint(subject=words, content=words, similar=words),
        }
        return question(
            self.kind,
            send_id=f"s-{number}",
            ticket_number=number if self.new_ticket else 1,
            queue=self.queue,
            recipients=(self.address, *self.others),
            marks_survive=self.marks_survive,
            outbound_kind="relay" if self.marks_survive else "graph",
            cause=cause(**why) if self.caused else None,
        )


@dataclass(frozen=True)
class Spell:
    """The same comes so many times, each time as new mails; an agent may answer in between."""

    pause_seconds: float
    at_once: list[Drawn]
    times: int
    agent_answers: bool


ROBOTS = st.sampled_from(
    ["kim@x.example", "KIM@X.example", "kim+1@x.example", "kim+2@X.EXAMPLE", "bo@x.example"]
)
STAMPS = st.builds(
    OwnStamp,
    ticket_number=st.integers(1, 3),
    kind=st.sampled_from(["agent-reply", "receipt", "notification"]),
    hop=st.integers(0, 4),
    found_in=st.sampled_from(["recipient", "references", "header", "body"]),
)
DRAWN = st.builds(
    Drawn,
    address=ROBOTS,
    others=st.one_of(st.just(()), st.lists(ROBOTS, max_size=2).map(tuple)),
    kind=st.sampled_from((*AUTOMATIC, SendKind.RECEIPT, SendKind.AGENT_REPLY)),
    caused=st.sampled_from((True, True, True, False)),
    new_ticket=st.sampled_from((True, True, False)),
    queue=st.sampled_from([f"q-{n}" for n in range(8)]),
    marks_survive=st.sampled_from((True, True, False)),
    mail_kind=st.sampled_from((*[MailKind.HUMAN] * 20, *MailKind)),
    same_words=st.sampled_from((False, False, False, True)),
    stamp=st.one_of(st.none(), st.none(), st.none(), STAMPS),
    again=st.one_of(st.none(), st.none(), st.integers(1, 12)),
)
SPELLS = st.builds(
    Spell,
    pause_seconds=st.one_of(
        st.floats(0, 30), st.floats(0, 700), st.sampled_from([200, 600, 8640]), st.floats(0, 1e5)
    ),
    at_once=st.lists(DRAWN, min_size=1, max_size=5),
    times=st.integers(1, 12),
    agent_answers=st.booleans(),
)


async def course_of(spells: list[Spell]) -> Both:
    both, asked = Both(), list[JudgeRequest]()
    for spell in (one for one in spells for _ in range(one.times)):
        both.later(timedelta(seconds=spell.pause_seconds))
        requests = []
        for drawn in spell.at_once:
            if drawn.again is not None and drawn.again <= len(asked):
                requests.append(asked[-drawn.again])
            else:
                asked.append(drawn.question(len(asked)))
                requests.append(asked[-1])
        await both.ask(requests)
        if spell.agent_answers:
            await both.answered(spell.at_once[0].address)
    return both


def most_within(times: list[datetime], length: timedelta) -> int:
    return max(sum(start <= at < start + length for at in times) for start in times)


@settings(max_examples=100, deadline=None, phases=PHASES)
@given(st.lists(SPELLS, max_size=20))
def test_no_sequence_of_mail_gets_more_than_the_bound_out_of_two_replicas(
    spells: list[Spell],
) -> None:
    both = asyncio.run(course_of(spells))
    for left in both.allowed.values():
        for length, limit in BOUNDS:
            assert most_within(list(left.values()), length) <= limit


@pytest.mark.parametrize("similar", ["", "0" * 16])
async def test_one_mail_that_is_asked_about_many_times_at_once_gets_one_answer(
    similar: str,
) -> None:
    """INVARIANT: each would move the count a little, and the last would lose every race."""
    bucket = ExpiringBucket()
    guards = [Guard(bucket, now=NOW + timedelta(milliseconds=n)) for n in range(30)]
    print_ = Fingerprint(subject="s", content="c" * 16, similar=similar)
    asked = question(cause=cause(fingerprint=print_))
    verdicts = await asyncio.gather(*(guard.ask(asked) for guard in guards))
    assert {one.decision for one in verdicts} == {Decision.ALLOW}
    kept = await guards[0].around.memories.correspondents.read(key_of("anna@example.com"))
    assert [one.send_id for one in kept.value.sends] == ["s-1"]
    for guard in guards:
        await guard.fuses.write()
    flow = await guards[0].around.memories.flows.read("fuse.all")
    assert flow.value.all.in_ten_minutes(NOW) == 1


def test_the_bound_is_reached_by_a_robot_that_agents_answer() -> None:
    """Otherwise the other test would say nothing of it."""
    robots = [
        Drawn(
            f"kim+{n}@x.example", (), SendKind.RECEIPT, caused=True, new_ticket=True,
            queue=f"q-{n}", marks_survive=True, mail_kind=MailKind.HUMAN, same_words=False,
            stamp=None, again=None,
        )
        for n in range(5)
    ]  # fmt: skip
    notified = [replace(one, kind=SendKind.NOTIFICATION) for one in robots]
    both = asyncio.run(course_of([Spell(201, robots + notified, 100, agent_answers=True)]))
    (left,) = both.allowed.values()
    times = list(left.values())
    assert [most_within(times, length) for length, _ in BOUNDS] == [limit for _, limit in BOUNDS]
