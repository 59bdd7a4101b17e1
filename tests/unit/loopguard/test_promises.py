"""What holds whatever comes: for people, for hostile robots, and for the counters."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard_builders import NOW, cause, question
from loopguard.domain.facts import History, correspondents, facts_of
from loopguard.domain.rules import judge
from loopguard.domain.windows import Send, free_at, windows_for, with_send
from postbus.configuration import OutboundFilter
from postbus.contracts.configuration import FilterEntry
from postbus.contracts.guard import Cause, Decision, JudgeRequest, SendKind
from postbus.contracts.mail import MailKind, OwnStamp, Signals

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
    facts = facts_of(
        request,
        outbound_filter=FILTER,
        own_addresses=frozenset({"anna@abc.com", "support@abc.com"}),
        histories=[History(one, sends) for one in correspondents(request)],
        now=NOW,
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


def echoed(pauses: list[timedelta], *, marks_survive: bool = True) -> list[datetime]:
    """When a robot gets automatic mail that answers whatever comes, unmarked and always new.

    It writes from another plus-address each time, and every mail of it opens another ticket.
    """
    now, sends, got = NOW, (), []
    for n, pause in enumerate(pauses):
        now += pause
        robot = f"Echo+{n}@robot.example"
        request = question(
            send_id=f"receipt-{n}",
            ticket_number=n,
            recipients=(robot,),
            marks_survive=marks_survive,
            cause=cause(mail_id=f"m-{n}", sender=robot),
        )
        (who,) = correspondents(request)
        facts = facts_of(
            request,
            outbound_filter=FILTER,
            own_addresses=frozenset(),
            histories=[History(who, sends)],
            now=now,
        )
        if judge(request, facts).decision is Decision.ALLOW:
            got.append(now)
            sends = with_send(sends, Send(request.send_id, now))
    return got


@pytest.mark.parametrize("every_seconds", [20, 59, 60, 199, 200, 201, 600, 601, 3600, 8640, 8641])
def test_a_hostile_echo_robot_gets_three_mails_in_ten_minutes_and_ten_in_a_day(
    every_seconds: int,
) -> None:
    """INVARIANT: an unlimited loop with a robot that leaves nothing to recognise it by."""
    days = 3
    rounds = days * 86_400 // every_seconds
    got = echoed([timedelta(seconds=every_seconds)] * rounds)
    assert most_within(got, timedelta(minutes=10)) <= 3
    assert most_within(got, timedelta(minutes=60)) <= 6
    assert most_within(got, timedelta(hours=24)) <= 10
    assert len(got) <= days * 10 + 10


def test_a_hostile_echo_robot_gets_half_of_that_where_our_marks_are_lost() -> None:
    got = echoed([timedelta(seconds=30)] * 5760, marks_survive=False)
    assert most_within(got, timedelta(minutes=10)) == 1
    assert most_within(got, timedelta(minutes=60)) == 3
    assert most_within(got, timedelta(hours=24)) == 5


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 20_000), max_size=150), st.booleans())
def test_no_rhythm_gets_a_robot_past_the_windows(seconds: list[int], marks_survive: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    got = echoed([timedelta(seconds=s) for s in seconds], marks_survive=marks_survive)
    for window in windows_for(marks_survive=marks_survive):
        assert not got or most_within(got, window.length) <= window.limit


@given(SENDS, st.booleans())
def test_there_is_room_when_it_was_said_there_would_be(
    sends: tuple[Send, ...],
    marks_survive: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    windows = windows_for(marks_survive=marks_survive)
    free = free_at(sends, windows, NOW)
    if free is not None:
        assert free > NOW
        assert free_at(sends, windows, free - timedelta(microseconds=1)) is not None
        assert free_at(sends, windows, free) is None


@given(SENDS)
def test_a_counter_stays_short_and_counts_a_mail_once(sends: tuple[Send, ...]) -> None:
    once = with_send(sends, Send("s-1", NOW))
    assert len(once) <= 10
    assert [send.send_id for send in once].count("s-1") == 1
    assert with_send(once, Send("s-1", NOW + timedelta(seconds=5))) == once
