"""Each rule as a table: which mail it holds, and which it leaves alone."""

from datetime import timedelta
from typing import Any

import pytest

from guard_builders import AGENT, CUSTOMER, NOW, cause, question
from loopguard.domain.facts import History, facts_of
from loopguard.domain.rules import RULES, judge
from loopguard.domain.windows import Send
from postbus.configuration import OutboundFilter
from postbus.contracts.configuration import FilterEntry
from postbus.contracts.guard import Decision, JudgeRequest, SendKind, Verdict
from postbus.contracts.mail import MailKind, OwnStamp, Signals

REPLY, RECEIPT, NOTIFICATION = SendKind.AGENT_REPLY, SendKind.RECEIPT, SendKind.NOTIFICATION
OWN = frozenset({"support@abc.com", "sales@xn--bcher-kva.example"})


def entry(pattern: str, **changes: Any) -> FilterEntry:
    return FilterEntry(id=f"e-{pattern}", pattern=pattern, **changes)


def verdict_of(
    request: JudgeRequest, *, entries: tuple[FilterEntry, ...] = (), sends: tuple[Send, ...] = ()
) -> Verdict:
    facts = facts_of(
        request,
        outbound_filter=OutboundFilter.of(entries),
        own_addresses=OWN,
        histories=(History(CUSTOMER, sends),),
        now=NOW,
    )
    return judge(request, facts)


def stamp(kind: str, found_in: str = "body") -> OwnStamp:
    return OwnStamp(ticket_number=7, kind=kind, hop=0, found_in=found_in)


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


def ago(*minutes: float) -> tuple[Send, ...]:
    return tuple(Send(f"old-{n}", NOW - timedelta(minutes=m)) for n, m in enumerate(minutes))


@pytest.mark.parametrize(
    ("sends", "decision"),
    [
        (ago(), Decision.ALLOW),
        (ago(1, 2), Decision.ALLOW),
        (ago(0, 1, 2), Decision.HOLD),
        (ago(1, 2, 9.99), Decision.HOLD),
        (ago(1, 2, 10), Decision.ALLOW),
        (ago(1, 2, 15, 25, 35), Decision.ALLOW),
        (ago(1, 2, 15, 25, 35, 59.99), Decision.HOLD),
        (ago(1, 2, 15, 25, 35, 60), Decision.ALLOW),
        (ago(61, 62, 63, 64, 65, 66, 67, 68, 69), Decision.ALLOW),
        (ago(61, 62, 63, 64, 65, 66, 67, 68, 69, 1439.99), Decision.HOLD),
        (ago(61, 62, 63, 64, 65, 66, 67, 68, 69, 1440), Decision.ALLOW),
        (ago(-0.5, 1, 2), Decision.HOLD),  # the clock of another replica is ahead
    ],
)
def test_l12_at_the_edges_of_its_windows(sends: tuple[Send, ...], decision: Decision) -> None:
    assert verdict_of(question(), sends=sends).decision is decision


@pytest.mark.parametrize(
    ("sends", "decision"),
    [
        (ago(), Decision.ALLOW),
        (ago(9.99), Decision.HOLD),
        (ago(10), Decision.ALLOW),
        (ago(11, 59), Decision.ALLOW),
        (ago(11, 30, 59), Decision.HOLD),
        (ago(61, 71, 81, 91), Decision.ALLOW),
        (ago(61, 71, 81, 91, 1439), Decision.HOLD),
    ],
)
def test_l21_halves_the_limits_where_our_marks_are_lost(
    sends: tuple[Send, ...], decision: Decision
) -> None:
    assert verdict_of(question(marks_survive=False), sends=sends).decision is decision


def test_l12_counts_and_says_when_there_is_room_again() -> None:
    verdict = verdict_of(question(), sends=ago(1, 2, 9, 30))
    assert verdict.rule == "L12"
    assert verdict.evidence == {
        "sent": {"10 min": 3, "60 min": 4, "1440 min": 4},
        "limits": {"10 min": 3, "60 min": 6, "1440 min": 10},
        "marks_survive": True,
        "free_at": "2026-03-02T09:01:00+00:00",
    }
    assert verdict.lifted_by == "time: there is room again at 2026-03-02T09:01:00+00:00"


def test_l12_allows_again_what_it_has_counted() -> None:
    sends = (*ago(1, 2), Send("s-1", NOW - timedelta(minutes=3)))
    assert verdict_of(question(), sends=sends).decision is Decision.ALLOW


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_can_be_explained(rule: Any) -> None:
    assert rule.says
    assert rule.source or rule.id == "L19"


def test_rules_are_asked_in_this_order() -> None:
    assert [rule.id for rule in RULES] == [
        "filter", "L2", "L19", "cause", "L8", "L18", "L4", "L3", "L6", "L5", "L12",
    ]  # fmt: skip
