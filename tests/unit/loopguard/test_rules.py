"""Each rule as a table: which mail it holds, and which it leaves alone."""

from datetime import timedelta
from typing import Any

import pytest

from guard_builders import AGENT, CUSTOMER, NOW, cause, question, receipt_of
from loopguard.domain.facts import Facts, others, own_address, recipients_of
from loopguard.domain.memory import Bounced, Correspondent, Echo, Send, Text
from loopguard.domain.rules import RULES, judge
from postbus.configuration import OutboundFilter
from postbus.contracts.configuration import FilterEntry, LoopLimits
from postbus.contracts.guard import (
    Alarm,
    Decision,
    Fingerprint,
    JudgeRequest,
    SendKind,
    Verdict,
)
from postbus.contracts.mail import MailKind, OtherStamp, OwnStamp, Signals

REPLY, RECEIPT, NOTIFICATION = SendKind.AGENT_REPLY, SendKind.RECEIPT, SendKind.NOTIFICATION
OWN = frozenset({"support@abc.com", "sales@xn--bcher-kva.example"})


def entry(pattern: str, **changes: Any) -> FilterEntry:
    return FilterEntry(id=f"e-{pattern}", pattern=pattern, **changes)


def verdict_of(
    request: JudgeRequest,
    *,
    entries: tuple[FilterEntry, ...] = (),
    sends: tuple[Send, ...] = (),
    **facts: Any,
) -> Verdict:
    """The verdict where `sends` went to the customer before."""
    plain: dict[str, Any] = {
        "now": NOW,
        "recipients": recipients_of(request, OutboundFilter.of(entries), OWN),
        "sender_own_address": own_address(request.cause.sender, OWN) if request.cause else None,
        "known": {CUSTOMER: Correspondent(sends)},
    }
    given = {**plain, **facts}
    known = others(given["known"], request.send_id)
    return judge(request, Facts(**{**given, "known": known}))


def stamp(kind: str, found_in: str = "body", hop: int = 0) -> OwnStamp:
    return OwnStamp(ticket_number=7, kind=kind, hop=hop, found_in=found_in)


def alarm(what: str) -> Alarm:
    return Alarm(what=what, about="x", until=NOW + timedelta(minutes=10), evidence={"n": 1})


def caused_by(kind: SendKind = RECEIPT, /, **changes: Any) -> JudgeRequest:
    return question(kind, cause=cause(**changes))


@pytest.mark.parametrize("kind", [REPLY, RECEIPT, NOTIFICATION])
@pytest.mark.parametrize(
    ("pattern", "recipient"),
    [
        ("anna@example.com", "anna@example.com"),
        ("anna@example.com", "Anna@EXAMPLE.com"),
        ("anna@example.com", "anna+invoice@example.com"),
        ("*@example.com", "whoever@example.com"),
        ("*@bücher.example", "info@xn--bcher-kva.example"),
    ],
)
def test_the_outgoing_filter_holds_every_kind_of_mail(
    kind: SendKind, pattern: str, recipient: str
) -> None:
    request = question(kind, recipients=("somebody@else.example", recipient))
    verdict = verdict_of(request, entries=(entry(pattern),))
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, "filter")
    assert verdict.evidence["recipient"] == recipient


def test_the_filter_says_which_entry_it_was_and_how_to_lift_it() -> None:
    listed = entry("anna@example.com", reason="asked for it", automatic=True, channel="support")
    verdict = verdict_of(question(REPLY), entries=(listed,))
    assert verdict.evidence == {
        "recipient": CUSTOMER,
        "entry": "e-anna@example.com",
        "pattern": "anna@example.com",
        "reason": "asked for it",
        "automatic": True,
        "channel": "support",
        "recipients_listed": 1,
    }
    assert verdict.lifted_by == (
        "remove `anna@example.com` (e-anna@example.com) from the outgoing mail filter"
    )


def test_the_filter_names_every_entry_that_would_have_to_go() -> None:
    both = question(REPLY, recipients=("a@one.example", "b@two.example", "c@two.example"))
    verdict = verdict_of(both, entries=(entry("a@one.example"), entry("*@two.example")))
    assert verdict.evidence["recipients_listed"] == 3
    assert verdict.lifted_by == (
        "remove `a@one.example` (e-a@one.example) and `*@two.example` (e-*@two.example)"
        " from the outgoing mail filter"
    )


@pytest.mark.parametrize("pattern", ["bert@example.com", "*@mail.example.com", "*@ample.com"])
def test_the_filter_leaves_other_addresses_alone(pattern: str) -> None:
    assert verdict_of(question(), entries=(entry(pattern),)).decision is Decision.ALLOW


@pytest.mark.parametrize(
    ("recipient", "sender"),
    [
        ("support@abc.com", CUSTOMER),
        ("SUPPORT@ABC.COM", CUSTOMER),
        ("support+7abc@abc.com", CUSTOMER),
        ("sales@bücher.example", CUSTOMER),
        (CUSTOMER, "support@abc.com"),
        (CUSTOMER, "Support+7abc@abc.com"),
    ],
)
@pytest.mark.parametrize("kind", [RECEIPT, NOTIFICATION])
def test_l2_holds_automatic_mail_to_and_because_of_our_own_addresses(
    kind: SendKind, recipient: str, sender: str
) -> None:
    request = question(kind, recipients=(recipient,), cause=cause(sender=sender))
    verdict = verdict_of(request)
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, "L2")


@pytest.mark.parametrize("recipient", ["support@abc.com.example", "upport@abc.com", "a@abc.com"])
def test_l2_leaves_what_only_looks_like_ours_alone(recipient: str) -> None:
    assert verdict_of(question(recipients=(recipient,))).decision is Decision.ALLOW


def test_l19_lets_a_person_write_to_an_address_of_ours_that_is_not_on_the_filter() -> None:
    verdict = verdict_of(question(REPLY, recipients=("support@abc.com",)))
    assert (verdict.decision, verdict.rule) == (Decision.ALLOW, "L19")


def test_a_reply_that_a_program_sends_in_an_agents_name_is_automatic() -> None:
    robot = cause(kind=MailKind.AUTO_REPLY)
    verdict = verdict_of(question(REPLY, automatic=True, cause=robot))
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, "L3")


def test_a_receipt_that_claims_to_be_written_by_a_person_is_judged_as_a_receipt() -> None:
    robot = cause(kind=MailKind.AUTO_REPLY)
    verdict = verdict_of(question(RECEIPT, automatic=False, cause=robot))
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, "L3")


def test_a_receipt_that_names_no_mail_is_held() -> None:
    verdict = verdict_of(question(RECEIPT, cause=None))
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, "cause")


CAUSES: list[tuple[str, dict[str, Any]]] = [
    ("L8", {"stamp": stamp("receipt", "recipient")}),
    ("L8", {"stamp": stamp("receipt", "references")}),
    ("L8", {"stamp": stamp("receipt", "body")}),
    ("L8", {"stamp": stamp("notification", "body")}),
    ("L8", {"stamp": stamp("agent-reply", "header")}),
    ("L8", {"stamp": stamp("receipt", "header"), "kind": MailKind.OWN}),
    ("L4", {"kind": MailKind.BOUNCE, "kind_reasons": ("report-delivery-status",)}),
    ("L4", {"kind": MailKind.FEEDBACK_REPORT}),
    ("L4", {"signals": Signals(null_return_path=True)}),
    ("L4", {"signals": Signals(from_mail_system=True)}),
    ("L4", {"signals": Signals(is_report=True)}),
    ("L3", {"kind": MailKind.AUTO_REPLY}),
    ("L3", {"kind": MailKind.AUTO_GENERATED}),
    ("L3", {"kind": MailKind.MACHINE}),
    ("L3", {"kind": MailKind.OWN}),
    ("L3", {"signals": Signals(auto_submitted="auto-replied")}),
    ("L3", {"signals": Signals(auto_submitted="auto-generated")}),
    ("L3", {"signals": Signals(auto_submitted="auto-notified")}),
    ("L3", {"signals": Signals(auto_submitted="Vacation")}),
    ("L3", {"signals": Signals(auto_submitted="whatever-comes-next")}),
    ("L5", {"kind": MailKind.LIST}),
    ("L5", {"signals": Signals(is_list=True)}),
    ("L5", {"signals": Signals(precedence="list")}),
    ("L5", {"signals": Signals(precedence="bulk")}),
    ("L5", {"signals": Signals(precedence="junk")}),
    ("L5", {"signals": Signals(precedence=" Auto_Reply ")}),
]


@pytest.mark.parametrize(("rule", "changes"), CAUSES)
def test_a_cause_like_this_gets_no_receipt(rule: str, changes: dict[str, Any]) -> None:
    verdict = verdict_of(caused_by(**changes))
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, rule)
    assert verdict.lifted_by == "an admin may release it"
    assert verdict.evidence
    assert verdict.source


@pytest.mark.parametrize(("rule", "changes"), CAUSES)
def test_a_cause_like_this_never_keeps_an_agent_from_answering(
    rule: str, changes: dict[str, Any]
) -> None:
    verdict = verdict_of(caused_by(REPLY, **changes))
    assert (verdict.decision, verdict.rule) == (Decision.ALLOW, "L19")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"signals": Signals(auto_submitted="no")},
        {"signals": Signals(auto_submitted="No ")},
        {"signals": Signals(precedence="first-class")},
        {"signals": Signals(precedence="special-delivery")},
        {"signals": Signals(received_count=14)},
        {"signals": Signals(suppress=("dr", "ndr", "rn", "nrn"))},
        {"signals": Signals(suppress=("none",))},
        {"signals": Signals(suppress=("allow",))},
        {"stamp": stamp("agent-reply", "recipient")},
        {"stamp": stamp("agent-reply", "references")},
        {"stamp": stamp("agent-reply", "body")},
    ],
)
def test_a_persons_mail_like_this_gets_a_receipt(changes: dict[str, Any]) -> None:
    verdict = verdict_of(caused_by(**changes))
    assert (verdict.decision, verdict.rule) == (Decision.ALLOW, "none")


@pytest.mark.parametrize(
    "given", [("all",), ("oof",), ("autoreply",), ("dr", "rn", "nrn", "oof", "autoreply"), ("OOF",)]
)
def test_l6_sends_no_receipt_where_the_sender_wants_none(given: tuple[str, ...]) -> None:
    verdict = verdict_of(caused_by(signals=Signals(suppress=given)))
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, "L6")


@pytest.mark.parametrize(
    ("recipient", "rule"), [(AGENT, "none"), (CUSTOMER, "L6"), ("Anna+x@example.com", "L6")]
)
def test_l6_is_about_mail_to_the_one_who_asked(recipient: str, rule: str) -> None:
    """Exchange puts the header on people's mail too; the desk must hear of that mail."""
    wants_none = cause(signals=Signals(suppress=("all",)))
    request = question(NOTIFICATION, recipients=(recipient,), cause=wants_none)
    assert verdict_of(request).rule == rule


@pytest.mark.parametrize(
    ("kind", "found_in", "recipient", "rule"),
    [
        ("receipt", "recipient", AGENT, "none"),  # a customer answers the receipt
        ("receipt", "body", AGENT, "none"),
        ("receipt", "recipient", CUSTOMER, "L8"),
        ("receipt", "header", AGENT, "L8"),
        ("notification", "recipient", AGENT, "L8"),
        ("notification", "recipient", CUSTOMER, "L8"),
        ("agent-reply", "recipient", AGENT, "none"),
        ("agent-reply", "header", AGENT, "L8"),
    ],
)
def test_l8_tells_a_customer_who_adds_something_from_a_loop(
    kind: str, found_in: str, recipient: str, rule: str
) -> None:
    stamped = cause(stamp=stamp(kind, found_in))
    request = question(NOTIFICATION, recipients=(recipient,), cause=stamped)
    assert verdict_of(request).rule == rule


def test_l8_says_which_mail_of_ours_came_back() -> None:
    assert verdict_of(caused_by(stamp=stamp("receipt", "references"))).evidence == {
        "stamp_kind": "receipt",
        "ticket": 7,
        "hop": 0,
        "found_in": "references",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": MailKind.BOUNCE},
        {"kind": MailKind.FEEDBACK_REPORT},
        {"signals": Signals(null_return_path=True)},
        {"signals": Signals(is_report=True)},
    ],
)
def test_l18_notifies_nobody_of_a_bounce(changes: dict[str, Any]) -> None:
    verdict = verdict_of(caused_by(NOTIFICATION, **changes))
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, "L18")


@pytest.mark.parametrize(
    ("rule", "changes"),
    [(rule, changes) for rule, changes in CAUSES if rule in ("L3", "L5")],
)
def test_l18_puts_notifications_under_the_same_rules(rule: str, changes: dict[str, Any]) -> None:
    verdict = verdict_of(caused_by(NOTIFICATION, **changes))
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, rule)


def ago(*minutes: float, **fields: Any) -> tuple[Send, ...]:
    """Automatic mails of other tickets, so many minutes ago; notifications if nothing is said."""
    plain = {"kind": "notification", **fields}
    return tuple(
        Send(f"old-{n}", NOW - timedelta(minutes=m), **plain) for n, m in enumerate(minutes)
    )


LIMITS: list[tuple[str, JudgeRequest, tuple[int, int, int], dict[str, Any]]] = [
    ("L12", question(NOTIFICATION, recipients=(CUSTOMER,), cause=cause(sender="x@y.example")),
     (3, 6, 10), {"ticket": 1}),
    ("L13", question(NOTIFICATION, recipients=(CUSTOMER,), cause=cause(sender="x@y.example")),
     (2, 4, 8), {"ticket": 7}),
    ("L13b", question(NOTIFICATION, recipients=(CUSTOMER,), cause=None),
     (15, 40, 120), {"ticket": 1, "by_mail": False}),
    ("L13b", question(NOTIFICATION, recipients=(CUSTOMER,), cause=None),
     (5, 12, 40), {"ticket": 7, "by_mail": False}),
]  # fmt: skip
WINDOWS_MINUTES = (10, 60, 1440)


@pytest.mark.parametrize(("rule", "request_", "most", "fields"), LIMITS)
@pytest.mark.parametrize("which", [0, 1, 2], ids=["10 min", "60 min", "24 h"])
@pytest.mark.parametrize("marks_survive", [True, False], ids=["marks", "no marks"])
def test_a_limit_at_the_edges_of_its_windows(
    rule: str,
    request_: JudgeRequest,
    most: tuple[int, int, int],
    fields: dict[str, Any],
    which: int,
    marks_survive: bool,  # noqa: FBT001 - a parameter of pytest
) -> None:
    """As many as the limit within the window: held; one of them just out of it: allowed (L21)."""
    request = request_.model_copy(update={"marks_survive": marks_survive})
    limits = [count if marks_survive else max(1, count // 2) for count in most]
    shorter = WINDOWS_MINUTES[which - 1] if which else 0
    length, count = WINDOWS_MINUTES[which], limits[which]
    # so that only this window is full: none of them lies in a shorter one
    inside = [shorter + 0.01 + (length - shorter) * n / (count + 1) for n in range(count)]
    held = verdict_of(request, sends=ago(*inside, **fields))
    assert (held.decision, held.rule) == (Decision.HOLD, rule)
    one_out = [*inside[:-1], length]
    assert verdict_of(request, sends=ago(*one_out, **fields)).decision is Decision.ALLOW
    one_in = [*inside[:-1], length - 0.01]
    assert verdict_of(request, sends=ago(*one_in, **fields)).rule == rule


def test_what_mail_causes_and_what_people_cause_are_counted_apart() -> None:
    by_people = question(NOTIFICATION, recipients=(CUSTOMER,), cause=None)
    assert verdict_of(by_people, sends=ago(1, 2, 3, ticket=7)).decision is Decision.ALLOW
    by_mail = question(NOTIFICATION, recipients=(CUSTOMER,), cause=cause(sender="x@y.example"))
    many = ago(*[n / 4 for n in range(14)], by_mail=False)
    assert verdict_of(by_mail, sends=many).decision is Decision.ALLOW


def test_the_clock_of_another_replica_may_be_ahead() -> None:
    assert verdict_of(receipt_of(9), sends=ago(-0.5, 1, 2)).rule == "L12"


def test_a_limit_counts_and_says_when_there_is_room_again() -> None:
    verdict = verdict_of(receipt_of(9), sends=ago(1, 2, 9, 30))
    assert verdict.rule == "L12"
    assert verdict.evidence == {
        "sent": {"10 min": 3, "60 min": 4, "1440 min": 4},
        "limits": {"10 min": 3, "60 min": 6, "1440 min": 10},
        "marks_survive": True,
        "free_at": "2026-03-02T09:01:00+00:00",
    }
    assert verdict.lifted_by == "time: there is room again at 2026-03-02T09:01:00+00:00"


COUNTED = Send("s-1", NOW - timedelta(minutes=3), ticket=7, kind="receipt")


@pytest.mark.parametrize(
    ("sends", "rule"),
    [
        ((*ago(1, 2), COUNTED), "none"),  # it does not stand in its own way
        ((*ago(1, 2, 4), COUNTED), "L12"),  # what was counted since, or before, does
        ((*ago(1, 2, 10), COUNTED), "none"),
    ],
)
def test_what_was_allowed_is_judged_anew_by_what_else_was_counted(
    sends: tuple[Send, ...], rule: str
) -> None:
    """INVARIANT: what waited for a relay would leave all at once when that is back."""
    assert verdict_of(question(), sends=sends).rule == rule


@pytest.mark.parametrize(
    ("facts", "rule"), [({"burst": alarm("burst")}, "L14"), ({"fuse": alarm("fuse")}, "L17")]
)
def test_what_was_allowed_is_held_by_an_alarm_that_came_since(
    facts: dict[str, Any], rule: str
) -> None:
    assert verdict_of(question(), sends=(COUNTED,), **facts).rule == rule


def test_a_mail_that_is_counted_with_some_is_judged_for_the_others() -> None:
    """INVARIANT: who lost a race for one of several recipients would pass all limits of it."""
    both = question(NOTIFICATION, recipients=(AGENT, CUSTOMER), cause=cause(sender="x@y.example"))
    counted = Correspondent((Send("s-1", NOW),))
    full = Correspondent(ago(1, 2, 3))
    verdict = verdict_of(both, known={AGENT: counted, CUSTOMER: full})
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, "L12")
    room = Correspondent((*ago(1, 2), Send("s-1", NOW)))
    assert verdict_of(both, known={AGENT: room, CUSTOMER: room}).decision is Decision.ALLOW


def receipts(*minutes: float, queue: str = "support", subject: str = "") -> tuple[Send, ...]:
    return tuple(
        Send(f"r-{n}", NOW - timedelta(minutes=m), n, queue, "receipt", subject=subject or f"o{n}")
        for n, m in enumerate(minutes)
    )


L11: list[tuple[str, tuple[Send, ...], dict[str, Any], str]] = [
    ("another question after five minutes", receipts(5), {}, "none"),
    ("the same subject after five minutes", receipts(5, subject=f"{9:016x}"), {}, "L11"),
    ("the same subject after ten", receipts(10, subject=f"{9:016x}"), {}, "none"),
    ("the same subject in another queue", receipts(5, queue="sales", subject=f"{9:016x}"), {},
     "none"),
    ("Exchange wants no reports", receipts(5), {"signals": Signals(suppress=("dr",))}, "L11"),
    ("a Precedence of any kind", receipts(5), {"signals": Signals(precedence="first-class")},
     "L11"),
    ("it says that it is not automatic", receipts(5), {"signals": Signals(auto_submitted="no")},
     "none"),
    ("two in the day", receipts(100, 200), {}, "none"),
    ("three in the day", receipts(100, 200, 1439.9), {}, "L11"),
    ("three, one of them a day ago", receipts(100, 200, 1440), {}, "none"),
    ("three of another queue", receipts(100, 200, 300, queue="sales"), {}, "none"),
    ("five of all queues",
     (*receipts(100, 200), *ago(300, 400, 500, kind="receipt", queue="sales")), {}, "L11"),
    ("four of all queues", (*receipts(100, 200), *ago(300, 400, kind="receipt", queue="sales")),
     {}, "none"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sends", "changes", "rule"), [case[1:] for case in L11], ids=[case[0] for case in L11]
)
def test_l11_lets_a_person_with_two_questions_have_two_receipts(
    sends: tuple[Send, ...], changes: dict[str, Any], rule: str
) -> None:
    request = receipt_of(9)
    assert request.cause is not None
    why = request.cause.model_copy(update=changes)
    assert verdict_of(request.model_copy(update={"cause": why}), sends=sends).rule == rule


def test_l11_is_halved_where_our_marks_are_lost() -> None:
    request = receipt_of(9, marks_survive=False)
    assert verdict_of(request, sends=receipts(100)).rule == "L11"
    assert verdict_of(request, sends=receipts(1440)).rule == "none"


@pytest.mark.parametrize(
    ("changes", "recipient", "rule"),
    [
        ({"stamp": stamp("receipt", hop=0)}, CUSTOMER, "L8"),
        ({"stamp": stamp("receipt", hop=1)}, CUSTOMER, "L9"),
        ({"stamp": stamp("notification", hop=1)}, CUSTOMER, "L9"),
        ({"stamp": stamp("agent-reply", hop=2)}, CUSTOMER, "none"),
        ({"stamp": stamp("agent-reply", hop=3)}, CUSTOMER, "L9"),
        ({"stamp": stamp("receipt", hop=2)}, AGENT, "none"),
        ({"stamp": stamp("receipt", hop=3)}, AGENT, "L9"),
    ],
)
def test_l9_stops_at_one_round_back_to_the_sender_and_at_three_for_all(
    changes: dict[str, Any], recipient: str, rule: str
) -> None:
    request = question(NOTIFICATION, recipients=(recipient,), cause=cause(**changes))
    assert verdict_of(request).rule == rule


def test_l9_keeps_a_ticket_quiet_on_which_mail_went_round() -> None:
    verdict = verdict_of(question(), ticket=alarm("ticket"))
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, "L9")
    assert verdict_of(question(REPLY), ticket=alarm("ticket")).decision is Decision.ALLOW


@pytest.mark.parametrize(("count", "rule"), [(0, "none"), (14, "none"), (15, "L10"), (99, "L10")])
def test_l10_holds_what_went_through_fifteen_servers(count: int, rule: str) -> None:
    request = question(cause=cause(signals=Signals(received_count=count)))
    assert verdict_of(request).rule == rule


@pytest.mark.parametrize("kind", [RECEIPT, NOTIFICATION])
@pytest.mark.parametrize("found_in", ["header", "message-id", "reply-to", "body"])
def test_l24_holds_what_automatic_mail_of_another_postbus_causes(
    kind: SendKind, found_in: str
) -> None:
    mark = OtherStamp(kind="receipt", hop=0, found_in=found_in)
    verdict = verdict_of(question(kind, cause=cause(other_stamp=mark)))
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, "L24")
    assert verdict.evidence == {"stamp_kind": "receipt", "hop": 0, "found_in": found_in}


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        (question(), "L14"),
        (question(NOTIFICATION), "none"),
        (question(NOTIFICATION, recipients=(CUSTOMER,)), "L14"),
        (question(REPLY), "L19"),
    ],
)
def test_l14_gives_whoever_writes_very_often_no_automatic_answers(
    request_: JudgeRequest, rule: str
) -> None:
    assert verdict_of(request_, burst=alarm("burst")).rule == rule


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        (question(), "L17"),
        (question(NOTIFICATION), "none"),
        (question(NOTIFICATION, cause=None), "none"),
        (question(REPLY), "L19"),
    ],
)
def test_l17_holds_automatic_answers_while_the_fuse_is_open(
    request_: JudgeRequest, rule: str
) -> None:
    assert verdict_of(request_, fuse=alarm("fuse")).rule == rule


SAID = Fingerprint(subject="s", content="c", similar="00ff00ff00ff00ff")


def said(*, content: str = "c", similar: str = "", **fields: Any) -> tuple[Send, ...]:
    return ago(100, 300, content=content, similar=similar, **fields)


@pytest.mark.parametrize(
    ("sends", "rule"),
    [
        (said(), "L16"),
        (said()[:1], "none"),
        (said(content="d"), "none"),
        (said(content="d", similar="00ff00ff00ff00ff"), "L16"),
        (said(content="d", similar="ffff00ff00ff00ff"), "L16"),  # eight bits of 64 differ
        (said(content="d", similar="ffff80ff00ff00ff"), "none"),  # nine
        (said(by_mail=False), "none"),
        ((*said(), *ago(1, 2, 3, 4, 5, content="d", queue="q", by_mail=False)), "L16"),
        ((*said(), *ago(99, 98, 97, 96, 95, content="d")), "none"),  # longer ago than five
    ],
)
def test_l16_holds_the_third_answer_to_the_same_words(sends: tuple[Send, ...], rule: str) -> None:
    assert verdict_of(question(cause=cause(fingerprint=SAID)), sends=sends).rule == rule


@pytest.mark.parametrize(
    ("others", "minutes", "rule"),
    [(4, 5, "none"), (5, 5, "L16"), (5, 20, "none"), (14, 90, "none"), (15, 90, "L16")],
)
def test_l16_sees_a_robot_that_changes_its_address_by_what_it_says(
    others: int, minutes: int, rule: str
) -> None:
    echoes = tuple(
        Echo(f"e-{n}", NOW - timedelta(minutes=n * minutes), f"other-{n}") for n in range(others)
    )
    request = question(cause=cause(fingerprint=SAID))
    assert verdict_of(request, text=Text(echoes)).rule == rule


def quick(*seconds_ago: float, ticket: int = 1, first_quick: bool = False) -> tuple[Send, ...]:
    return tuple(
        Send(f"q-{n}", NOW - timedelta(seconds=s), ticket, "sales", quick=n > 0 or first_quick)
        for n, s in enumerate(seconds_ago)
    )


@pytest.mark.parametrize(
    ("sends", "came_seconds_ago", "rule"),
    [
        (quick(60), 5, "none"),  # the first quick answer
        (quick(60, 30), 5, "L15"),  # the second
        (quick(60, 30), 40, "none"),  # it had come before our last mail went out
        (quick(400, 200), 5, "none"),  # it took a person's time
        (quick(500, 200), 81, "L15"),
        (quick(500, 200), 80, "none"),
        (ago(700, 600, ticket=7), 5, "L15"),  # on this very ticket, however slow
        (ago(700, ticket=7), 5, "none"),
    ],
)
def test_l15_stops_what_goes_to_and_fro(
    sends: tuple[Send, ...], came_seconds_ago: float, rule: str
) -> None:
    at = NOW - timedelta(seconds=came_seconds_ago)
    assert verdict_of(question(cause=cause(received_at=at)), sends=sends).rule == rule


def test_l15_begins_anew_when_a_person_answers() -> None:
    request = question(cause=cause(received_at=NOW - timedelta(seconds=5)))
    answered = Correspondent(quick(60, 30), answered_at=NOW - timedelta(seconds=20))
    assert verdict_of(request, known={CUSTOMER: answered}).rule == "none"
    before = Correspondent(quick(60, 30), answered_at=NOW - timedelta(seconds=90))
    assert verdict_of(request, known={CUSTOMER: before}).rule == "L15"


@pytest.mark.parametrize("kind", [RECEIPT, NOTIFICATION, REPLY])
@pytest.mark.parametrize(("days", "rule"), [(0, "bounced"), (59.9, "bounced"), (60, None)])
def test_no_mail_goes_to_an_address_that_bounced_for_good(
    kind: SendKind, days: float, rule: str | None
) -> None:
    bounced = Bounced(NOW - timedelta(days=days), "5.1.1", "no such user")
    request = question(kind, recipients=("Anna+x@example.com",))
    verdict = verdict_of(request, known={CUSTOMER: Correspondent(bounced=bounced)})
    if rule is None:
        assert verdict.decision is Decision.ALLOW
        return
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, rule)
    assert verdict.evidence["recipient"] == "Anna+x@example.com"
    assert verdict.evidence["status"] == "5.1.1"


@pytest.mark.parametrize(
    ("stop", "kind", "rule"),
    [
        ("nothing", RECEIPT, "none"),
        ("automatic", RECEIPT, "stop"),
        ("automatic", NOTIFICATION, "stop"),
        ("automatic", REPLY, "L19"),
        ("everything", RECEIPT, "stop"),
        ("everything", REPLY, "stop"),
    ],
)
def test_the_kill_switch(stop: str, kind: SendKind, rule: str) -> None:
    assert verdict_of(question(kind), limits=LoopLimits(stop=stop)).rule == rule


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_can_be_explained(rule: Any) -> None:
    assert rule.says
    assert rule.source or rule.id == "L19"


def test_rules_are_asked_in_this_order() -> None:
    assert [rule.id for rule in RULES] == [
        "filter", "stop", "L2", "bounced", "L19", "cause", "L9", "L8", "L24", "L18", "L4", "L3",
        "L6", "L5", "L10", "L14", "L17", "L16", "L15", "L13", "L12", "L13b", "L11",
    ]  # fmt: skip
