"""Which agents are told of what, how often, and in which words."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from doubles.mails import NOW, mail_received
from doubles.ticketing import agent, channel
from postbus.configuration import Configuration
from postbus.contracts.configuration import (
    Agent,
    Language,
    LoopLimits,
    Notifications,
    OutboundChannel,
    Windows,
)
from postbus.contracts.mail import MailKind, OtherStamp, OwnStamp, Signals
from postbus.contracts.tickets import CustomerRef, QueueRef
from postbus.mail.cause import cause_of
from ticketing.domain.audience import told_of_assignment, told_of_mail
from ticketing.domain.filing import open_ticket
from ticketing.domain.model import Ticket
from ticketing.domain.notices import (
    Happened,
    Happening,
    Lane,
    first_words,
    hop_of,
)
from ticketing.domain.notifications import subject_of, text_of
from ticketing.domain.pace import Room, free_at, rooms_of

ANNA = CustomerRef(id="c1", name="Anna", address="anna@example.com")
QUEUE = QueueRef(id="support", name="Support", colour="#3b82f6")
SENDER = OutboundChannel(id="abc", name="ABC", kind="relay", from_address="sender@abc.com")
BEA = agent("bea")


def ticket(**fields: Any) -> Ticket:
    filing = open_ticket(
        mail_received(), ticket_id="t1", number=1, customer=ANNA, queue=QUEUE, now=NOW
    )
    return Ticket(**{**vars(filing.ticket), **fields})


def there(*agents: Agent, **defaults: Any) -> Configuration:
    documents = [channel("support"), channel("sales"), SENDER, Notifications(**defaults)]
    return Configuration.of([*documents, *agents])


CAUSES: list[tuple[str, dict[str, Any], bool]] = [
    ("person", {}, True),
    ("auto-submitted-no", {"signals": Signals(auto_submitted="no")}, True),
    ("answer-to-receipt", {"stamp": OwnStamp(ticket_number=1, kind="receipt", hop=0,
                                             found_in="references")}, True),
    ("bounce", {"kind": MailKind.BOUNCE}, False),
    ("feedback-report", {"kind": MailKind.FEEDBACK_REPORT}, False),
    ("absence", {"kind": MailKind.AUTO_REPLY}, False),
    ("robot", {"kind": MailKind.AUTO_GENERATED}, False),
    ("machine", {"kind": MailKind.MACHINE}, False),
    ("list", {"kind": MailKind.LIST}, False),
    ("own", {"kind": MailKind.OWN}, False),
    ("read-again", {"reread_at": NOW}, False),
    ("auto-submitted", {"signals": Signals(auto_submitted="auto-replied")}, False),
    ("list-header", {"signals": Signals(is_list=True)}, False),
    ("precedence", {"signals": Signals(precedence="Bulk")}, False),
    ("null-return-path", {"signals": Signals(null_return_path=True)}, False),
    ("mail-system", {"signals": Signals(from_mail_system=True)}, False),
    ("report", {"signals": Signals(is_report=True)}, False),
    ("answer-to-notification", {"stamp": OwnStamp(ticket_number=1, kind="notification", hop=1,
                                                  found_in="references")}, False),
    ("fourteen-hops", {"signals": Signals(received_count=14)}, True),
    ("fifteen-hops", {"signals": Signals(received_count=15)}, False),
    ("two-rounds", {"stamp": OwnStamp(ticket_number=1, kind="receipt", hop=2,
                                      found_in="references")}, True),
    ("three-rounds", {"stamp": OwnStamp(ticket_number=1, kind="receipt", hop=3,
                                        found_in="references")}, False),
    ("another-postbus", {"other_stamp": OtherStamp(kind="receipt", hop=0,
                                                   found_in="message-id")}, False),
    ("own-come-back", {"stamp": OwnStamp(ticket_number=1, kind="receipt", hop=0,
                                         found_in="header")}, False),
    ("from-own-address", {"customer": {"address": "sender+x@abc.com"}}, False),
    ("sent-by-own-address", {"from_": {"address": "support@postbus.localhost"}}, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "told"), [row[1:] for row in CAUSES], ids=[r[0] for r in CAUSES]
)
@pytest.mark.parametrize("happening", [Happening.NEW_TICKET, Happening.ANSWER])
def test_agents_are_told_of_what_a_person_wrote_today_and_of_nothing_else(
    happening: Happening, fields: dict[str, Any], *, told: bool
) -> None:
    """INVARIANT: an agent told of a bounce or a robot's mail is how a loop over agents begins."""
    mail = mail_received(**fields)
    assert told_of_mail(happening, ticket(), mail, there(BEA)) == (("bea",) if told else ())


OWN_CHOICE: list[tuple[str, Agent, dict[str, Any], dict[str, Any], bool]] = [
    ("default", BEA, {}, {}, True),
    ("default-off", BEA, {"new_ticket": False}, {}, False),
    ("own-on", agent("bea", notify={"new_ticket": True}), {"new_ticket": False}, {}, True),
    ("own-off", agent("bea", notify={"new_ticket": False}), {}, {}, False),
    ("other-choice", agent("bea", notify={"answer": False}), {}, {}, True),
    ("disabled", agent("bea", enabled=False), {}, {}, False),
    ("her-queue", agent("bea", queues=["support"]), {}, {}, True),
    ("other-queue", agent("bea", queues=["sales"]), {}, {}, False),
    ("other-queue-but-hers", agent("bea", queues=["sales"]), {}, {"assignee": "bea"}, True),
    ("hers", BEA, {}, {"assignee": "bea"}, True),
    ("a-colleagues", BEA, {}, {"assignee": "cas"}, False),
    ("a-colleagues-all", agent("bea", notify={"scope": "all"}), {}, {"assignee": "cas"}, True),
    ("all-by-default", BEA, {"scope": "all"}, {"assignee": "cas"}, True),
    ("mine-by-choice", agent("bea", notify={"scope": "mine"}), {"scope": "all"},
     {"assignee": "cas"}, False),
    ("all-of-her-queues", agent("bea", queues=["sales"], notify={"scope": "all"}), {}, {}, False),
    ("assigned-to-no-agent", BEA, {}, {"assignee": "somebody"}, True),
    ("own-address", agent("bea", address="support+bea@postbus.localhost"), {}, {}, False),
    ("address-of-a-sender", agent("bea", address="sender@abc.com"), {}, {}, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("who", "defaults", "fields", "told"), [row[1:] for row in OWN_CHOICE],
    ids=[row[0] for row in OWN_CHOICE],
)  # fmt: skip
def test_an_agent_is_told_of_her_tickets_as_she_chose(
    who: Agent, defaults: dict[str, Any], fields: dict[str, Any], *, told: bool
) -> None:
    known = there(who, agent("cas", enabled=False), **defaults)
    found = told_of_mail(Happening.NEW_TICKET, ticket(**fields), mail_received(), known)
    assert found == (("bea",) if told else ())


def test_who_wrote_or_passed_on_the_mail_is_not_told_of_it() -> None:
    known = there(BEA, agent("cas"))
    bea = {"address": "Bea@abc.com"}
    written = mail_received(from_=bea, customer=bea)
    assert told_of_mail(Happening.ANSWER, ticket(), written, known) == ("cas",)
    tagged = {"address": "bea+desk@abc.com"}
    written = mail_received(from_=tagged, customer=tagged)
    assert told_of_mail(Happening.ANSWER, ticket(), written, known) == ("cas",)
    passed_on = mail_received(from_=bea)
    assert told_of_mail(Happening.NEW_TICKET, ticket(), passed_on, known) == ("cas",)


@pytest.mark.parametrize(
    ("who", "assignee", "acting", "told"),
    [
        (BEA, "bea", None, ("bea",)),
        (BEA, "bea", "cas", ("bea",)),
        (BEA, "bea", "bea", ()),
        (BEA, "cas", None, ()),
        (BEA, None, None, ()),
        (agent("bea", queues=["sales"]), "bea", None, ("bea",)),
        (agent("bea", enabled=False), "bea", None, ()),
        (agent("bea", notify={"assignment": False}), "bea", None, ()),
    ],
    ids=["hers", "by-colleague", "by-herself", "not-hers", "nobodys", "other-queue", "disabled",
         "unwanted"],
)  # fmt: skip
def test_an_assignment_is_told_to_whom_it_was_made_unless_she_did_it(
    who: Agent, assignee: str | None, acting: str | None, told: tuple[str, ...]
) -> None:
    found = told_of_assignment(ticket(assignee=assignee), there(who), acting=acting)
    assert found == told


def test_a_notification_is_one_hop_further_than_the_furthest_of_its_causes() -> None:
    stamped = [
        cause_of(mail_received(stamp=OwnStamp(ticket_number=1, kind="receipt", hop=hop,
                                              found_in="references")))
        for hop in (0, 2, 1)
    ]  # fmt: skip
    assert hop_of([None, cause_of(mail_received())]) == 0
    assert hop_of([*stamped, None]) == 3


START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LOOSE = Windows(ten_minutes=20, hour=60, day=100)
TIGHT = Windows(ten_minutes=1, hour=2, day=3)
LIMITS = {
    "as-it-comes": (LoopLimits(), 8, 40),
    "tight": (LoopLimits(correspondent=TIGHT, people_ticket=TIGHT), 3, 3),
    "loose": (LoopLimits(correspondent=LOOSE, ticket=LOOSE), 100, 40),
}


def sent_in(rooms: tuple[Room, ...], *, days: int = 3) -> list[datetime]:
    """When mails go where something happens all the time."""
    sent: list[datetime] = []
    now = START
    while now < START + timedelta(days=days):
        if now >= free_at(tuple(sent[-200:]), rooms, quiet=timedelta(minutes=5), now=now):
            sent.append(now)
        now += timedelta(minutes=1)
    return sent


@pytest.mark.parametrize("which", LIMITS)
@pytest.mark.parametrize("lane", Lane)
@pytest.mark.parametrize("marks_survive", [True, False])
def test_notifications_stay_below_the_limits_of_the_guard(
    lane: Lane, which: str, *, marks_survive: bool
) -> None:
    """INVARIANT: a notification that the guard holds is one that an agent waits for in vain."""
    limits, by_mail, by_people = LIMITS[which]
    sent = sent_in(rooms_of(limits, lane, marks_survive=marks_survive))
    most_a_day = by_mail if lane is Lane.MAIL else by_people
    given = (limits.correspondent, limits.ticket)
    if lane is Lane.PERSON:
        given = (limits.people_correspondent, limits.people_ticket)
    for one in given:
        for minutes, limit in ((10, one.ten_minutes), (60, one.hour), (1440, one.day)):
            most = limit if marks_survive else max(1, limit // 2)
            for at in sent:
                ago = (at - other for other in sent)
                assert sum(timedelta(0) <= a < timedelta(minutes=minutes) for a in ago) <= most
    share = most_a_day if marks_survive else max(1, most_a_day // 2)
    assert len(sent) >= min(share, 40) * 2


def test_the_more_a_day_had_the_longer_the_next_one_collects() -> None:
    rooms = rooms_of(LoopLimits(), Lane.MAIL, marks_survive=True)
    sent = sent_in(rooms, days=1)
    minutes = [(at - before) // timedelta(minutes=1) for before, at in pairwise(sent)]
    assert minutes == [10, 10, 20, 40, 60, 120, 240]


def test_it_is_quiet_for_as_long_as_it_is_set() -> None:
    rooms = rooms_of(LoopLimits(), Lane.PERSON, marks_survive=True)
    sent, now = (START, START + timedelta(minutes=10)), START + timedelta(minutes=12)
    quiet = timedelta(minutes=30)
    assert free_at(sent, rooms, quiet=quiet, now=now) == START + timedelta(minutes=40)


def happened(
    happening: Happening = Happening.NEW_TICKET, number: int = 1, **fields: Any
) -> Happened:
    values: dict[str, Any] = {
        "happening": happening, "agents": ("bea",), "ticket_id": f"t{number}",
        "ticket_number": number, "title": "Printer on fire", "queue": "support",
        "customer": "Anna", "words": "It burns.", "at": NOW,
    }  # fmt: skip
    return Happened(**{**values, **fields})


def text(
    *told: Happened, language: Language = Language.ENGLISH, desk_url: str | None = None
) -> str:
    return text_of(
        told, name="Bea", language=language, queue_name=str.title, desk_url=desk_url, answered_on=1
    )


def test_one_happening_is_told_in_few_words() -> None:
    assert subject_of([happened()], Language.ENGLISH) == "New ticket: Printer on fire"
    assert text(happened(), desk_url="https://desk.abc.com/") == (
        "Hello Bea,\n\n"
        "New ticket #1: Printer on fire\n"
        "Customer: Anna · Queue: Support\n"
        "> It burns.\n"
        "https://desk.abc.com/tickets/1\n\n"
        "If you answer this mail, your words become a note on ticket #1. The customer does not see"
        " it, and is sent nothing.\n"
    )


def test_an_agent_reads_it_in_her_language() -> None:
    told = happened(Happening.ASSIGNMENT, by="Cas")
    assert subject_of([told], Language.DUTCH) == "Aan jou toegewezen: Printer on fire"
    assert text(told, language=Language.DUTCH) == (
        "Hallo Bea,\n\n"
        "Aan jou toegewezen #1: Printer on fire\n"
        "Klant: Anna · Wachtrij: Support\n"
        "Door: Cas\n"
        "> It burns.\n\n"
        "Als je deze mail beantwoordt, worden je woorden een notitie bij ticket #1. De klant ziet"
        " die niet en krijgt niets.\n"
    )


SUBJECTS = [
    (Language.ENGLISH, (2, 0), "2 new tickets"),
    (Language.ENGLISH, (1, 3), "1 new ticket, 3 answers"),
    (Language.DUTCH, (2, 1), "2 nieuwe tickets, 1 antwoord"),
]


@pytest.mark.parametrize(("language", "counts", "subject"), SUBJECTS, ids=[r[2] for r in SUBJECTS])
def test_several_happenings_are_counted_in_the_subject(
    language: Language, counts: tuple[int, int], subject: str
) -> None:
    new, answers = counts
    told = [happened()] * new + [happened(Happening.ANSWER)] * answers
    assert subject_of(told, language) == subject


def test_of_many_happenings_each_is_named_without_its_words() -> None:
    said = text(*(happened(number=number) for number in range(1, 51)))
    assert all(f"New ticket #{number}: " in said for number in range(1, 51))
    assert "It burns." not in said


def test_of_very_many_happenings_the_rest_is_counted() -> None:
    told = [happened(number=number) for number in range(1, 141)]
    assert "#100: " in text(*told)
    assert "#101: " not in text(*told)
    assert "And 40 more." in text(*told)
    assert "En nog 40." in text(*told, language=Language.DUTCH)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("1\r\n2\n\n 3\t", "1 2 3"),
        ("", ""),
        ("abcdefghij", "abcdefghij"),
        ("abcdefghij k", "abcdefghi…"),
        ("a" * 5_000_000, "a" * 9 + "…"),
    ],
    ids=["lines", "empty", "whole", "cut", "huge"],
)
def test_what_others_wrote_stands_on_one_short_line(given: str, line: str) -> None:
    assert first_words(given, most=10) == line
