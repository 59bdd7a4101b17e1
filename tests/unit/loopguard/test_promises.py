"""What holds whatever comes: for people, for hostile robots, and for the counters."""

import asyncio
import heapq
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doubles.mails import mail_received
from guard_builders import CUSTOMER, NOW, Guard, cause, question, receipt_of, received
from loopguard.domain.facts import Facts, correspondents, own_address, recipients_of
from loopguard.domain.memory import MOST_SENDS, Correspondent, Send
from loopguard.domain.rules import judge
from loopguard.domain.windows import correspondent_of, free_at, windows_of
from postbus.configuration import OutboundFilter
from postbus.contracts.configuration import FilterEntry, LoopLimits
from postbus.contracts.guard import Cause, Decision, Fingerprint, JudgeRequest, SendKind
from postbus.contracts.mail import Address, MailKind, OwnStamp, Route, Signals

LOCAL = st.sampled_from(["anna", "support", "mailer-daemon", "no-reply", "a+b", "ÄNNA", "x" * 64])
DOMAIN = st.sampled_from(["example.com", "abc.com", "bücher.example", "LISTED.example", "x"])
ADDRESSES = st.builds("{}@{}".format, LOCAL, DOMAIN)
WORDS = st.one_of(st.none(), st.text(max_size=12), st.sampled_from(["no", "auto-replied", "bulk"]))
SIGNALS = st.builds(
    Signals,
    auto_submitted=WORDS,
    suppress=st.lists(st.sampled_from(["all", "oof", "autoreply", "dr", ""])).map(tuple),
    precedence=WORDS,
    is_list=st.booleans(),
    null_return_path=st.booleans(),
    from_mail_system=st.booleans(),
    is_report=st.booleans(),
    received_count=st.integers(0, 200),
)
STAMPS = st.builds(
    OwnStamp,
    ticket_number=st.integers(1, 9),
    kind=st.sampled_from(["agent-reply", "receipt", "notification", "something-else"]),
    hop=st.integers(0, 255),
    found_in=st.sampled_from(["recipient", "references", "header", "body"]),
)
CAUSES = st.builds(
    Cause,
    mail_id=st.just("m"),
    sender=ADDRESSES,
    kind=st.sampled_from(MailKind),
    signals=SIGNALS,
    stamp=st.one_of(st.none(), STAMPS),
)
QUESTIONS = st.builds(
    JudgeRequest,
    send_id=st.just("s"),
    ticket_number=st.integers(1, 9),
    queue=st.just("support"),
    kind=st.sampled_from(SendKind),
    automatic=st.booleans(),
    recipients=st.lists(ADDRESSES, min_size=1, max_size=4).map(tuple),
    outbound_channel=st.just("relay"),
    outbound_kind=st.sampled_from(["relay", "smtp", "gmail", "graph"]),
    marks_survive=st.booleans(),
    cause=st.one_of(st.none(), CAUSES),
    asked_at=st.just(NOW),
)
FILTER = OutboundFilter.of(
    (
        FilterEntry(id="a", pattern="support@abc.com"),
        FilterEntry(id="b", pattern="*@listed.example"),
    )
)
SENDS = st.lists(
    st.builds(
        Send,
        st.uuids().map(str),
        st.integers(-60, 100_000).map(lambda seconds: NOW - timedelta(seconds=seconds)),
    ),
    max_size=20,
).map(tuple)


def decided(request: JudgeRequest, sends: tuple[Send, ...]) -> Decision:
    own = frozenset({"anna@abc.com", "support@abc.com"})
    facts = Facts(
        now=NOW,
        recipients=recipients_of(request, FILTER, own),
        sender_own_address=own_address(request.cause.sender, own) if request.cause else None,
        known={one: Correspondent(sends) for one in correspondents(request)},
    )
    return judge(request, facts).decision


def listed(request: JudgeRequest) -> bool:
    return any(FILTER.match(address) for address in request.recipients)


@settings(max_examples=200, deadline=None)
@given(QUESTIONS, SENDS)
def test_nothing_keeps_an_agents_reply_back_but_the_filter(
    request: JudgeRequest, sends: tuple[Send, ...]
) -> None:
    """INVARIANT: an agent could be silenced by a robot's headers or by a counter."""
    reply = request.model_copy(update={"kind": SendKind.AGENT_REPLY, "automatic": False})
    assert (decided(reply, sends) is Decision.ALLOW) is not listed(reply)


@settings(max_examples=200, deadline=None)
@given(QUESTIONS, SENDS)
def test_nothing_is_ever_blocked_for_good(request: JudgeRequest, sends: tuple[Send, ...]) -> None:
    """INVARIANT: mail would be kept back that nobody can release."""
    assert decided(request, sends) is not Decision.BLOCK


@settings(max_examples=200, deadline=None)
@given(QUESTIONS, SENDS)
def test_no_automatic_mail_goes_to_the_filter_or_answers_a_robot(
    request: JudgeRequest, sends: tuple[Send, ...]
) -> None:
    """INVARIANT: a loop could start."""
    automatic = request.automatic or request.kind is not SendKind.AGENT_REPLY
    robot = request.cause is not None and request.cause.kind is not MailKind.HUMAN
    if listed(request) or (automatic and robot):
        assert decided(request, sends) is Decision.HOLD


def most_within(times: list[datetime], length: timedelta) -> int:
    return max(sum(start <= at < start + length for at in times) for start in times)


async def echoed(
    pauses: list[timedelta], *, marks_survive: bool = True, queues: int = 3
) -> list[datetime]:
    """When a robot gets automatic mail that answers whatever comes, unmarked and always new.

    It writes from another plus-address and to another queue each time, and every mail of it opens
    another ticket.
    """
    guard, got = Guard(), []
    for n, pause in enumerate(pauses):
        guard.now += pause
        robot = f"Echo+{n}@robot.example"
        request = receipt_of(n, robot, marks_survive=marks_survive, queue=f"q-{n % queues}")
        if await guard.allows(request):
            got.append(guard.now)
    return got


@pytest.mark.parametrize("every_seconds", [59, 60, 199, 200, 201, 600, 601, 3600, 8640, 8641])
async def test_a_hostile_echo_robot_gets_three_mails_in_ten_minutes_and_ten_in_a_day(
    every_seconds: int,
) -> None:
    """INVARIANT: an unlimited loop with a robot that leaves nothing to recognise it by."""
    days = 2
    rounds = days * 86_400 // every_seconds
    got = await echoed([timedelta(seconds=every_seconds)] * rounds)
    assert most_within(got, timedelta(minutes=10)) <= 3
    assert most_within(got, timedelta(minutes=60)) <= 6
    assert most_within(got, timedelta(hours=24)) <= 10
    assert len(got) <= days * 10 + 10


async def test_a_hostile_echo_robot_gets_half_of_that_where_our_marks_are_lost() -> None:
    got = await echoed([timedelta(seconds=60)] * 2000, marks_survive=False)
    assert most_within(got, timedelta(minutes=10)) == 1
    assert most_within(got, timedelta(minutes=60)) <= 3
    assert most_within(got, timedelta(hours=24)) <= 5


KINDS = st.sampled_from([SendKind.RECEIPT, SendKind.NOTIFICATION, SendKind.AGENT_REPLY])
PRINTS = st.builds(
    Fingerprint,
    subject=st.sampled_from(["a", "b", ""]),
    content=st.sampled_from(["c", "d", ""]),
    similar=st.sampled_from(["", "0" * 16, "f" * 16]),
)


@st.composite
def steps(draw: st.DrawFn) -> tuple[int, bool, dict[str, Any]]:
    """What happens next: seconds later, a question is asked, or a fact is heard."""
    kind = draw(KINDS)
    sender = draw(st.sampled_from(["echo@robot.example", "Echo+1@robot.example", "x@y.example"]))
    to = draw(st.lists(st.sampled_from([sender, "x@y.example"]), min_size=1, max_size=2))
    return (
        draw(st.integers(0, 20_000) | st.integers(0, 90)),
        draw(st.booleans()),
        {
            "kind": kind,
            "automatic": draw(st.booleans()) or kind is not SendKind.AGENT_REPLY,
            "ticket_number": draw(st.integers(1, 4)),
            "queue": draw(st.sampled_from(["support", "sales"])),
            "recipients": tuple(to),
            "marks_survive": draw(st.booleans()),
            "cause": cause(sender=sender, fingerprint=draw(PRINTS), stamp=draw(
                st.none() | STAMPS)),
        },
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(steps(), max_size=60))
def test_no_sequence_of_incoming_mail_makes_the_guard_allow_more_than_the_bound(
    sequence: list[tuple[int, bool, dict[str, Any]]],
) -> None:
    """INVARIANT: a loop that nobody thought of would run as long as it likes."""
    asyncio.run(_bounded(sequence))


async def _bounded(sequence: list[tuple[int, bool, dict[str, Any]]]) -> None:
    guard = Guard()
    got: dict[str, list[datetime]] = defaultdict(list)
    for n, (seconds, a_mail_came, fields) in enumerate(sequence):
        guard.later(seconds=seconds)
        if a_mail_came:
            mail = mail_received(
                f"m-{n}",
                customer=Address(address=fields["cause"].sender),
                route=Route(door="forward", received_at=guard.now),
            )
            await guard.watching.on_mail_received(received(mail))
        request = question(send_id=f"s-{n}", **fields)
        if await guard.allows(request) and request.automatic:
            for address in {correspondent_of(one) for one in request.recipients}:
                got[address].append(guard.now)
    for times in got.values():
        for length, most in ((10, 3), (60, 6), (1440, 10)):
            assert most_within(times, timedelta(minutes=length)) <= most


@dataclass(frozen=True, order=True)
class Asked:
    """Somebody asks about the n-th mail; if it is allowed it waits, or leaves where it need not."""

    at: datetime
    n: int
    waits: tuple[float, ...]
    request: JudgeRequest = field(compare=False)


PAUSES = st.sampled_from([0.0, 60, 200, 600, 3600, 8640]) | st.floats(0, 9000)
WAITS = st.lists(st.floats(0, 60) | st.floats(0, 50_000) | st.just(3600.0), max_size=3).map(tuple)
ASKED_FOR = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([SendKind.NOTIFICATION] * 3 + [SendKind.RECEIPT]),
        "recipients": st.lists(
            st.sampled_from(["echo@robot.example", "Echo+1@robot.example", "x@y.example"]),
            min_size=1, max_size=2,
        ).map(tuple),
        "queue": st.sampled_from(["support", "sales", "it"]),
    }
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(PAUSES, WAITS, ASKED_FOR), max_size=40), st.floats(0, 200_000))
def test_no_delay_makes_more_than_the_bound_leave(
    sequence: list[tuple[float, tuple[float, ...], dict[str, Any]]], relay_is_back: float
) -> None:
    """INVARIANT: what was allowed over a day would leave in a minute when the relay is back."""
    at, asked = NOW, list[Asked]()
    for n, (pause, waits, fields) in enumerate(sequence):
        at += timedelta(seconds=pause)
        why = cause(mail_id=f"m-{n}", sender="z@robot.example")
        request = question(send_id=f"s-{n}", ticket_number=n, cause=why, **fields)
        asked.append(Asked(at, n, waits, request))
    for times in asyncio.run(left(asked, NOW + timedelta(seconds=relay_is_back))).values():
        for length, most in ((10, 3), (60, 6), (1440, 10)):
            assert most_within(times, timedelta(minutes=length)) <= most


async def left(asked: list[Asked], back: datetime) -> dict[str, list[datetime]]:
    """When automatic mail left to whom: asked about last, after its waits, and with the relay."""
    guard, found = Guard(), defaultdict[str, list[datetime]](list)
    heapq.heapify(asked)
    while asked:
        one = heapq.heappop(asked)
        guard.now = one.at
        if not await guard.allows(one.request):
            continue
        if one.waits or one.at < back:
            pause, rest = (one.waits[0], one.waits[1:]) if one.waits else (0.0, ())
            again = max(one.at + timedelta(seconds=pause), min(back, one.at + timedelta(hours=4)))
            heapq.heappush(asked, replace(one, at=again, waits=rest))
            continue
        for who in {correspondent_of(address) for address in one.request.recipients}:
            found[who].append(one.at)
    return found


async def test_ten_mails_that_waited_for_the_relay_leave_three_at_a_time() -> None:
    """Otherwise the other test would say nothing of it: all ten were allowed."""
    guard, why = Guard(), cause(sender="x@y.example")
    told = [
        question(
            SendKind.NOTIFICATION, send_id=f"s-{n}", ticket_number=n,
            recipients=(CUSTOMER,), cause=why,
        )
        for n in range(10)
    ]  # fmt: skip
    for one in told:
        assert await guard.allows(one)
        guard.later(hours=2, minutes=24)
    got = [await guard.ask(one) for one in told]
    assert [one.rule for one in got] == ["none"] * 3 + ["L12"] * 7


@given(SENDS, st.booleans())
def test_there_is_room_when_it_was_said_there_would_be(
    sends: tuple[Send, ...],
    marks_survive: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    windows = windows_of(LoopLimits().correspondent, marks_survive=marks_survive)
    times = [send.at for send in sends]
    free = free_at(times, windows, NOW)
    if free is not None:
        assert free > NOW
        assert free_at(times, windows, free - timedelta(microseconds=1)) is not None
        assert free_at(times, windows, free) is None


@given(SENDS)
def test_a_counter_stays_short_and_counts_a_mail_once_as_of_the_last_question(
    sends: tuple[Send, ...],
) -> None:
    once = Correspondent(sends * 20).with_send(Send("s-1", NOW))
    assert len(once.sends) <= MOST_SENDS
    assert [send.send_id for send in once.sends].count("s-1") == 1
    assert once.with_send(Send("s-1", NOW - timedelta(seconds=5))) == once
    later = once.with_send(Send("s-1", NOW + timedelta(seconds=5)))
    assert [send.at for send in later.sends if send.send_id == "s-1"] == [
        NOW + timedelta(seconds=5)
    ]
    assert later.without("s-1") == once.without("s-1")
