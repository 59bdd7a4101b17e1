"""What ticketing relies on of its store, on both asynchronous drivers."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient

from doubles.mails import mail_received
from postbus.contracts.base import BlobRef
from postbus.contracts.mail import Address, Attachment, CalendarItem, Origin, Route
from postbus.contracts.sending import SendState
from postbus.contracts.tickets import CustomerRef, MessageFlag, QueueRef, TicketStatus
from postbus.errors import StateConflict, StoreUnavailable
from postbus.mail.cause import cause_of
from postbus.mail.uid_sets import UidSet
from ticketing.adapters.mongo_filed import MongoFiled
from ticketing.adapters.mongo_indexes import INDEXES, ensure_indexes
from ticketing.adapters.mongo_listed import MongoListed
from ticketing.adapters.mongo_notices import MongoNotices
from ticketing.domain.filing import Filing, add_to_ticket, open_ticket
from ticketing.domain.model import Delivery, Direction, Fact, Message, Report
from ticketing.domain.notices import (
    Happened,
    Happening,
    Lane,
    Notice,
    Notification,
    Pause,
    Turn,
)
from ticketing.domain.placing import Claim
from ticketing.ports import TicketQuery

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
QUEUE = QueueRef(id="support", name="Support", colour="#3b82f6")
ANNA = CustomerRef(id="c1", name="Anna", address="anna@example.com")

pytestmark = pytest.mark.xdist_group("mongodb")


@pytest.fixture(params=["motor", "pymongo"])
async def database(request: pytest.FixtureRequest, mongodb_url: str) -> AsyncIterator[Any]:
    """An empty database, through each driver."""
    drivers: dict[str, Callable[..., Any]] = {
        "motor": AsyncIOMotorClient,
        "pymongo": AsyncMongoClient,
    }
    client = drivers[request.param](mongodb_url, tz_aware=True, serverSelectionTimeoutMS=3000)
    name = f"test_{uuid.uuid4().hex[:12]}"
    await ensure_indexes(client[name])
    yield client[name]
    await client.drop_database(name)
    closing = client.close()
    if closing is not None:
        await closing


@pytest.fixture
def store(database: Any) -> MongoFiled:
    return MongoFiled(database)


@pytest.fixture
def listed(database: Any) -> MongoListed:
    return MongoListed(database)


@pytest.fixture
def notices(database: Any) -> MongoNotices:
    return MongoNotices(database)


def opened(mail_id: str = "m1", number: int = 1, **fields: Any) -> Filing:
    mail = mail_received(mail_id, **fields)
    return open_ticket(
        mail, ticket_id=f"t-{mail_id}", number=number, customer=ANNA, queue=QUEUE, now=NOW
    )


async def test_a_ticket_is_read_back_as_it_was_written(store: MongoFiled) -> None:
    filing = opened()
    await store.open(filing.ticket, filing.facts)
    found = await store.ticket("t-m1")
    assert found is not None
    assert replace(found, untold=()) == filing.ticket
    assert found.untold == filing.facts
    assert await store.ticket_by_number(1) == found
    assert await store.ticket("nobody") is None


async def test_a_ticket_is_opened_once(store: MongoFiled) -> None:
    filing = opened()
    await store.open(filing.ticket, filing.facts)
    with pytest.raises(StateConflict):
        await store.open(filing.ticket, filing.facts)
    with pytest.raises(StateConflict):
        await store.open(replace(filing.ticket, id="other"), ())


async def test_state_and_untold_facts_are_one_write(store: MongoFiled) -> None:
    """INVARIANT: a crash never leaves a state whose fact nobody will tell."""
    filing = opened()
    await store.open(filing.ticket, filing.facts)
    second = add_to_ticket(mail_received("m2"), filing.ticket, queue=QUEUE, now=NOW)
    await store.save(second.ticket, second.facts)
    found = await store.ticket("t-m1")
    assert found is not None
    assert found.message_count == 2
    assert found.untold == (*filing.facts, *second.facts)
    await store.told({"t-m1": [fact.event_id for fact in filing.facts]})
    found = await store.ticket("t-m1")
    assert found is not None
    assert found.untold == second.facts


async def test_facts_of_many_tickets_are_forgotten_at_once(store: MongoFiled) -> None:
    one, two = opened("m1", 1), opened("m2", 2)
    for filing in (one, two):
        await store.open(filing.ticket, filing.facts)
    told = {f.ticket.id: [fact.event_id for fact in f.facts] for f in (one, two)}
    await store.told({**told, "a ticket that is gone": ["e1"]})
    for filing in (one, two):
        found = await store.ticket(filing.ticket.id)
        assert found is not None
        assert found.untold == ()


async def test_of_two_changes_of_one_state_the_second_is_refused(store: MongoFiled) -> None:
    filing = opened()
    await store.open(filing.ticket, ())
    await store.save(replace(filing.ticket, status=TicketStatus.OPEN), ())
    with pytest.raises(StateConflict):
        await store.save(replace(filing.ticket, status=TicketStatus.SOLVED), ())


async def test_telling_does_not_stand_in_the_way_of_a_change(store: MongoFiled) -> None:
    filing = opened()
    await store.open(filing.ticket, filing.facts)
    await store.told({"t-m1": [filing.facts[0].event_id]})
    after = await store.save(replace(filing.ticket, assignee="bob"), ())
    assert (after.revision, after.assignee) == (1, "bob")


async def test_untold_facts_are_found_when_they_are_old_enough(store: MongoFiled) -> None:
    filing = opened()
    await store.open(filing.ticket, filing.facts)
    told = opened("m2", 2)
    await store.open(told.ticket, ())
    later = NOW + timedelta(seconds=1)
    assert [t.id for t in await store.with_untold(before=later, limit=9)] == ["t-m1"]
    assert await store.with_untold(before=NOW, limit=9) == []
    await store.told({"t-m1": [fact.event_id for fact in filing.facts]})
    assert await store.with_untold(before=later, limit=9) == []


async def test_numbers_are_never_given_twice(store: MongoFiled) -> None:
    numbers = await asyncio.gather(*(store.next_number() for _ in range(20)))
    assert sorted(numbers) == list(range(1, 21))


async def test_the_first_claim_of_an_id_wins(store: MongoFiled) -> None:
    await store.claim(["support|a", "support|b"], "t1", now=NOW)
    await store.claim(["support|b", "support|c"], "t1", now=NOW)
    with pytest.raises(StateConflict):
        await store.claim(["support|c", "support|d"], "t2", now=NOW)
    claims = await store.claims(["support|a", "support|b", "support|c", "support|x"])
    assert claims == {f"support|{x}": Claim("t1", NOW) for x in "abc"}
    assert await store.claims([]) == {}


async def test_a_key_is_claimed_first_once(store: MongoFiled) -> None:
    """INVARIANT: of two replicas that file the same mail, one takes the short way."""
    won = await asyncio.gather(
        *(store.claim_first("support|a", "t1", now=NOW + timedelta(seconds=n)) for n in range(5))
    )
    assert sorted(won) == [False, False, False, False, True]
    assert not await store.claim_first("support|a", "t2", now=NOW)
    assert {claim.ticket_id for claim in (await store.claims(["support|a"])).values()} == {"t1"}


async def test_claims_of_a_lost_race_are_moved(store: MongoFiled) -> None:
    await store.claim(["support|a", "support|b"], "t1", now=NOW)
    await store.claim(["support|c"], "t2", now=NOW)
    await store.move_claims(["support|a", "support|c"], old="t1", new="t9")
    claims = await store.claims(["support|a", "support|b", "support|c"])
    tickets = {key: claim.ticket_id for key, claim in claims.items()}
    assert tickets == {"support|a": "t9", "support|b": "t1", "support|c": "t2"}


async def test_a_message_is_written_once(store: MongoFiled) -> None:
    """INVARIANT: a second delivery of the same mail changes nothing."""
    attachment = Attachment(name="a.png", content_type="image/png", size_bytes=3, sha256="a" * 64)
    blob = BlobRef(sha256="b" * 64, size_bytes=70_000)
    message = opened(attachments=(attachment,), content=blob).message
    assert await store.put_message(message) == message
    assert await store.put_message(replace(message, text="other")) == message
    assert await store.message(message.id) == message
    await store.mark_filed(message.id)
    found = await store.message(message.id)
    assert found == replace(message, filed=True)


async def test_messages_are_written_together_unless_they_are_there(store: MongoFiled) -> None:
    first, second = opened().message, replace(outgoing(), text="Thank you.")
    assert await store.put_messages([first])
    assert not await store.put_messages([replace(first, text="other"), second])
    assert await store.message(first.id) == first
    assert await store.message(second.id) == second
    assert not await store.put_messages([first, second])


async def test_a_message_is_settled_by_the_request_that_is_told(store: MongoFiled) -> None:
    """INVARIANT: what agents see of an outgoing mail is what was sent."""
    left_by_a_dead_run = replace(outgoing(), message_id="old@x", text="It is ticket #1.")
    asked_for = replace(outgoing(), message_id="new@x", text="It is ticket #2.")
    await store.put_message(left_by_a_dead_run)
    await store.settle_message(asked_for)
    assert await store.message("out") == asked_for
    await store.settle_message(replace(asked_for, id="fresh"))
    assert await store.message("fresh") == replace(asked_for, id="fresh")


async def test_settling_leaves_a_message_that_is_right_as_it_is(store: MongoFiled) -> None:
    sent = Delivery(SendState.SENT, "relay", "", NOW, 1)
    right = replace(outgoing(), delivery=sent, request_digest="d", filed=True)
    await store.put_message(right)
    await store.settle_message(outgoing())
    assert await store.message("out") == right


async def test_the_newest_mail_of_a_person_is_what_is_answered(store: MongoFiled) -> None:
    for number, kind in enumerate(("human", "human", "auto-reply")):
        message = opened("m1").message
        await store.put_message(
            replace(
                message,
                id=f"x{number}",
                automatic=kind != "human",
                created_at=NOW + timedelta(seconds=number),
            )
        )
    found = await store.last_inbound("t-m1")
    assert found is not None
    assert found.id == "x1"
    assert await store.last_inbound("nobody") is None


async def test_a_conversation_is_what_people_wrote_and_sent_the_newest_first(
    store: MongoFiled,
) -> None:
    """INVARIANT: a quote shows no customer a note, a stranger's mail, or what never went out."""
    given = {
        "first": {}, "note": {"direction": Direction.NOTE}, "robot": {"automatic": True},
        "stranger": {"flags": (MessageFlag.STRANGER,)},
        **{
            state.value: {"direction": Direction.OUTBOUND, "delivery": Delivery(state, at=NOW)}
            for state in SendState
        },
        "elsewhere": {"ticket_id": "other"}, "last": {"flags": (MessageFlag.OTHER_TICKET,)},
    }  # fmt: skip
    for number, (name, fields) in enumerate(given.items()):
        message = replace(opened().message, id=name, **fields)  # type: ignore[arg-type] # fields of any kind
        await store.put_message(replace(message, created_at=NOW + timedelta(seconds=number)))
    found = await store.conversation("t-m1", limit=9)
    assert [one.id for one in found] == ["last", "sent", "first"]
    assert [one.id for one in await store.conversation("t-m1", limit=2)] == ["last", "sent"]
    assert await store.conversation("nobody", limit=9) == []


def outgoing() -> Message:
    message = opened().message
    delivery = Delivery(SendState.REQUESTED, at=NOW)
    return replace(message, id="out", direction=Direction.OUTBOUND, delivery=delivery)


async def test_a_delivery_moves_on_from_what_was_read(store: MongoFiled) -> None:
    message = outgoing()
    await store.put_message(message)
    sent = Delivery(SendState.SENT, "relay", "", NOW + timedelta(seconds=1), 1)
    await store.set_delivery(message, sent)
    with pytest.raises(StateConflict):
        await store.set_delivery(message, Delivery(SendState.FAILED, "relay", "x", NOW, 1))
    found = await store.message("out")
    assert found is not None
    assert found.delivery == sent


async def test_the_first_outcome_needs_no_look_at_the_message(store: MongoFiled) -> None:
    sent = Delivery(SendState.SENT, "relay", "", NOW + timedelta(seconds=1), 1)
    assert not await store.first_delivery("out", sent)
    await store.put_messages([outgoing(), opened().message])
    assert await store.first_delivery("out", sent)
    assert not await store.first_delivery("out", Delivery(SendState.FAILED, "relay", "x", NOW, 1))
    assert await store.message("out") == replace(outgoing(), delivery=sent)
    assert not await store.first_delivery(opened().message.id, sent)


REPORT = Report("in", "mail", "auto-reply", NOW, "anna@example.com")


async def test_an_outcome_does_not_wipe_out_a_report_that_came_before_it(
    store: MongoFiled,
) -> None:
    """INVARIANT: a bounce that overtakes the word `sent` stays."""
    noted = Delivery(SendState.REQUESTED, at=NOW, reports=(REPORT,))
    await store.put_message(outgoing())
    await store.set_delivery(outgoing(), noted)
    assert not await store.first_delivery("out", Delivery(SendState.SENT, "relay", at=NOW))
    assert await store.message("out") == replace(outgoing(), delivery=noted)


async def test_of_two_reports_at_once_the_second_is_refused(store: MongoFiled) -> None:
    await store.put_message(outgoing())
    noted = Delivery(SendState.REQUESTED, at=NOW, reports=(REPORT,))
    await store.set_delivery(outgoing(), noted)
    with pytest.raises(StateConflict):
        await store.set_delivery(outgoing(), replace(noted, reports=(replace(REPORT, kind="x"),)))
    both = replace(noted, reports=(REPORT, replace(REPORT, mail_id="other")))
    await store.set_delivery(replace(outgoing(), delivery=noted), both)
    assert await store.message("out") == replace(outgoing(), delivery=both)


async def test_outgoing_messages_are_found_newest_first_or_by_their_ids(store: MongoFiled) -> None:
    sent = [
        replace(outgoing(), id=f"o{n}", message_id=f"o{n}@x", created_at=NOW + timedelta(seconds=n))
        for n in range(60)
    ]
    await store.put_messages([*sent, opened().message])
    newest = [one.id for one in await store.outbound("t-m1")]
    assert newest == [f"o{n}" for n in range(59, 9, -1)]
    found = await store.outbound("t-m1", message_ids=["o3@x", "m1@example.com", "nobody@x"])
    assert [one.id for one in found] == ["o3"]
    assert await store.outbound("t-m1", message_ids=[]) == []
    assert await store.outbound("nobody") == []


async def test_several_tickets_are_read_at_once(store: MongoFiled) -> None:
    for number in (1, 2):
        await store.open(opened(f"m{number}", number).ticket, ())
    found = await store.tickets(["t-m2", "t-m1", "nobody"])
    assert sorted(one.number for one in found) == [1, 2]
    assert await store.tickets([]) == []


async def test_only_messages_that_were_counted_are_taken_over(store: MongoFiled) -> None:
    """INVARIANT: what a dying process wrote and did not count appears on no ticket."""
    filing = opened()
    counted = replace(filing.message, id="counted", filed=True)
    recent = replace(filing.message, id="recent")
    orphan = replace(filing.message, id="orphan")
    ticket = filing.ticket.with_message("recent", at=NOW)
    await store.put_messages([filing.message, counted, recent, orphan])
    for _ in range(2):
        await store.take_over(ticket, "t-elder")
    for one in (filing.message, counted, recent):
        assert await store.message(one.id) == replace(one, ticket_id="t-elder", filed=True)
    assert await store.message("orphan") == orphan


async def test_a_later_reading_replaces_an_earlier_one_and_not_the_other_way_round(
    store: MongoFiled,
) -> None:
    filed = replace(opened().message, filed=True, flags=(MessageFlag.STRANGER,))
    item = CalendarItem(method="REQUEST", uid="1")
    late, early = (
        replace(filed, filed=False, flags=(), text=text, reread_at=NOW + timedelta(days=days),
                calendar=(item,), problems=("odd",), kind="machine")
        for text, days in (("late", 2), ("early", 1))
    )  # fmt: skip
    await store.put_message(filed)
    for reading in (early, late, early, late):
        await store.put_reading(reading)
    found = await store.message(filed.id)
    assert found == replace(late, filed=True, flags=(MessageFlag.STRANGER,))
    await store.put_reading(replace(late, id="nobody"))
    assert await store.message("nobody") is None


async def test_a_stranger_is_not_whom_an_answer_quotes(store: MongoFiled) -> None:
    message = opened().message
    stranger = replace(
        message, id="s", flags=(MessageFlag.STRANGER,), created_at=NOW + timedelta(seconds=1)
    )
    other = replace(
        message, id="o", flags=(MessageFlag.OTHER_TICKET,), created_at=NOW + timedelta(seconds=2)
    )
    await store.put_messages([message, stranger])
    assert await store.last_inbound("t-m1") == message
    await store.put_message(other)
    assert await store.last_inbound("t-m1") == other


@pytest.mark.parametrize(
    ("name", "later_seconds", "written"),
    [("Anna", 59, False), ("", 59, False), ("Anna Lee", 1, True), ("Anna", 61, True)],
)
async def test_a_customer_who_was_just_written_is_not_written_again(
    store: MongoFiled, database: Any, *, name: str, later_seconds: int, written: bool
) -> None:
    met = await store.meet_customer(Address(name="Anna", address="anna@example.com"), now=NOW)
    await database["customers"].delete_one({"_id": met.id})
    later = NOW + timedelta(seconds=later_seconds)
    again = await store.meet_customer(Address(name=name, address="Anna@example.com"), now=later)
    assert (again.id, again.name) == (met.id, name)
    assert (await database["customers"].count_documents({"_id": met.id}) == 1) is written


async def test_a_customer_is_met_once_under_any_spelling(
    store: MongoFiled, listed: MongoListed
) -> None:
    first = await store.meet_customer(Address(name="Anna", address="Anna@Example.com"), now=NOW)
    again = await store.meet_customer(Address(address="anna@example.com"), now=NOW)
    assert first.id == again.id
    (customer,) = await listed.customers(after=None, limit=10)
    assert (customer.name, customer.addresses) == ("Anna", ("anna@example.com",))
    assert await listed.customer(first.id) == customer
    assert await listed.customer("nobody") is None


async def test_a_name_of_before_is_taken_for_a_new_customer_only(
    store: MongoFiled, listed: MongoListed
) -> None:
    before = Address(name="Anna de Vries", address="anna@example.com")
    for who, from_history in (
        (before, True),
        (replace_name(before, "Anna"), False),
        (before, True),
    ):
        await store.meet_customer(who, now=NOW, from_history=from_history)
    (customer,) = await listed.customers(after=None, limit=9)
    assert customer.name == "Anna"


def replace_name(address: Address, name: str) -> Address:
    return address.model_copy(update={"name": name})


async def test_places_of_fetched_mails_are_remembered_once(
    store: MongoFiled, database: Any
) -> None:
    for uid, held in ((1, False), (1, False), (2, True), (40, False), (9000, False)):
        origin = Origin(folder="INBOX", uidvalidity=7, uid=uid)
        route = Route(door="imap", received_at=NOW, origin=origin)
        await store.note_origin(mail_received(f"m{uid}", route=route), held=held)
    await store.note_origin(mail_received("never fetched"), held=False)
    assert await database["origins"].count_documents({}) == 4
    asked = UidSet.parse("1:3,30:50,8000:9500")
    known = await store.uids_known("support", "INBOX", 7, asked)
    assert known == UidSet.parse("1:2,40,9000")
    assert await store.uids_known("support", "INBOX", 7, UidSet.parse("3:39")) == UidSet()
    assert await store.uids_known("support", "Sent", 7, asked) == UidSet()
    assert await store.uids_known("support", "INBOX", 7, UidSet()) == UidSet()


async def test_two_deliveries_may_remember_a_place_at_once(store: MongoFiled) -> None:
    route = Route(door="imap", received_at=NOW, origin=Origin(folder="INBOX", uidvalidity=7, uid=1))
    mail = mail_received(route=route)
    await asyncio.gather(*(store.note_origin(mail, held=False) for _ in range(8)))
    assert await store.uids_known("support", "INBOX", 7, UidSet.of([1])) == UidSet.of([1])


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (TicketQuery(), [5, 4, 3, 2, 1]),
        (TicketQuery(limit=2), [5, 4]),
        (TicketQuery(limit=2, before=4), [3, 2]),
        (TicketQuery(queue="sales"), [3]),
        (TicketQuery(status="solved"), [2]),
        (TicketQuery(assignee="bob"), [4]),
        (TicketQuery(customer="c9"), [1]),
        (TicketQuery(text="PRINTER"), [5]),
        (TicketQuery(text="#2"), [2]),
        (TicketQuery(text="a.*b ("), []),
        (TicketQuery(queue="support", status="new"), [5, 4, 1]),
    ],
)
async def test_tickets_are_listed_by_what_agents_ask_for(
    store: MongoFiled, listed: MongoListed, query: TicketQuery, numbers: list[int]
) -> None:
    changes: dict[int, dict[str, Any]] = {
        1: {"customer": CustomerRef(id="c9", name="Zoe", address="zoe@example.com")},
        2: {"status": TicketStatus.SOLVED},
        3: {"queue": "sales"},
        4: {"assignee": "bob"},
        5: {"title": "The printer smokes"},
    }
    for number, change in changes.items():
        ticket = replace(opened(f"m{number}", number, subject="Question").ticket, **change)
        await store.open(ticket, ())
    assert [ticket.number for ticket in await listed.tickets(query)] == numbers


async def test_a_conversation_is_listed_in_order(store: MongoFiled, listed: MongoListed) -> None:
    inbound = opened().message
    receipt = replace(outgoing(), id="a-receipt")
    later = replace(inbound, id="later", created_at=NOW + timedelta(seconds=5))
    for message in (later, receipt, inbound):
        await store.put_message(message)
    found = [message.id for message in await listed.messages("t-m1")]
    assert found == [inbound.id, "a-receipt", "later"]


async def test_an_attachment_is_known_by_its_hash(store: MongoFiled, listed: MongoListed) -> None:
    attachment = Attachment(name="a.png", content_type="image/png", size_bytes=3, sha256="a" * 64)
    await store.put_message(opened(attachments=(attachment,)).message)
    assert await listed.attachment_type("a" * 64) == ("a.png", "image/png")
    assert await listed.attachment_type("b" * 64) is None


async def test_what_is_aside_is_no_part_of_the_conversation(
    store: MongoFiled, listed: MongoListed
) -> None:
    aside = replace(outgoing(), id="aside", aside=True)
    await store.put_messages([opened().message, aside])
    assert [one.id for one in await listed.messages("t-m1")] == [opened().message.id]
    assert await store.outbound("t-m1") == [aside]
    assert await listed.messages_of_ids(["aside", "nobody"]) == [aside]
    assert await listed.messages_of_ids([]) == []


def notice(id_: str, agent: str = "bea", lane: Lane = Lane.MAIL, *, minute: int = 0) -> Notice:
    happened = Happened(
        happening=Happening.ANSWER,
        agents=(agent,),
        ticket_id="t1",
        ticket_number=1,
        title="Printer on fire",
        queue="support",
        customer="Anna",
        cause=cause_of(mail_received()),
        at=NOW.replace(minute=minute),
    )
    return Notice(id_, lane, agent, happened)


async def test_a_notice_is_kept_once_and_told_once(
    store: MongoFiled, notices: MongoNotices
) -> None:
    """INVARIANT: telling a fact again makes no second notice, and none of one that was told."""
    first, second, third = (notice(f"n{minute}", minute=minute) for minute in (1, 2, 3))
    await store.keep_notices([second, third])
    await store.keep_notices([first, second])
    assert await notices.untold(Lane.MAIL, "bea", limit=9) == [first, second, third]
    assert await notices.untold(Lane.MAIL, "bea", limit=1) == [first]
    await notices.mark_told(["n1", "n2"], "sent-1")
    await notices.mark_told(["n2", "n3"], "sent-2")
    await store.keep_notices([first, second, third])
    assert await notices.untold(Lane.MAIL, "bea", limit=9) == []
    told = {one.id: one.told_by for one in await notices.of_tickets(["t1", "t2"])}
    assert told == {"n1": "sent-1", "n2": "sent-1", "n3": "sent-2"}
    assert await notices.of_tickets(["t2"]) == []


async def test_it_is_the_turn_of_whom_something_is_to_be_told(
    store: MongoFiled, notices: MongoNotices
) -> None:
    assert await notices.whose_turn() == []
    await store.keep_notices(
        [notice("n1"), notice("n2"), notice("n3", lane=Lane.PERSON), notice("n4", "cas")]
    )
    await notices.mark_told(["n4"], "dropped")
    request = Fact(NOW, "e1", "postbus.send.requested", "support", "tickets/1", "{}")
    begun = Turn(Lane.MAIL, "dot", (NOW,), Notification("t1", ("n9",), request))
    saved = await notices.save_turn(begun)
    mail, person, dot = (Lane.MAIL, "bea"), (Lane.PERSON, "bea"), (Lane.MAIL, "dot")
    assert set(await notices.whose_turn()) == {mail, person, dot}
    assert await notices.turn(Lane.MAIL, "dot") == saved
    await notices.save_turn(replace(saved, unfinished=None))
    assert set(await notices.whose_turn()) == {mail, person}


async def test_of_two_who_take_one_turn_the_second_is_refused(notices: MongoNotices) -> None:
    """INVARIANT: two replicas never write two mails about one thing."""
    new = await notices.turn(Lane.MAIL, "bea")
    assert (new.revision, new.sent) == (0, ())
    first = await notices.save_turn(replace(new, sent=(NOW,)))
    with pytest.raises(StateConflict):
        await notices.save_turn(new)
    await notices.save_turn(first)
    with pytest.raises(StateConflict):
        await notices.save_turn(first)
    assert (await notices.turn(Lane.PERSON, "bea")).revision == 0


async def test_an_address_is_paused_until_it_is_resumed(
    store: MongoFiled, notices: MongoNotices
) -> None:
    pause = Pause("bea@abc.com", NOW, "5.1.1 no such user")
    await store.pause_notifications(pause)
    await store.pause_notifications(replace(pause, reason="another"))
    assert await notices.paused("bea@abc.com") == pause
    assert await notices.paused("cas@abc.com") is None
    await notices.resume("bea@abc.com")
    assert await notices.paused("bea@abc.com") is None


async def test_whether_a_customer_has_many_tickets_of_the_hour(store: MongoFiled) -> None:
    hour_ago = NOW - timedelta(hours=1)
    for number in range(1, 6):
        ticket = opened(f"m{number}", number).ticket
        at = hour_ago - timedelta(seconds=1) if number == 1 else hour_ago
        await store.open(replace(ticket, created_at=at), ())
    wanted = [(3, True), (4, True), (5, False), (6, False)]
    for at_least, there in wanted:
        assert await store.opened_since("c1", since=hour_ago, at_least=at_least) is there
    assert await store.opened_since("c2", since=hour_ago, at_least=1) is False


async def test_tickets_are_listed_by_their_tags(store: MongoFiled, listed: MongoListed) -> None:
    tags: list[tuple[str, ...]] = [(), ("burst",), ("fire", "burst"), ("fire",)]
    for number, some in enumerate(tags, 1):
        await store.open(replace(opened(f"m{number}", number).ticket, tags=some), ())

    async def found(**query: Any) -> list[int]:
        return [one.number for one in await listed.tickets(TicketQuery(**query))]

    assert await found(tag="burst") == [3, 2]
    assert await found(without_tag="burst") == [4, 1]
    assert await found(tag="fire", without_tag="burst") == [4]
    assert await found(tag="bur") == []
    assert await found(tag="burst", before=3, queue="support") == [2]


async def test_every_look_up_has_an_index(database: Any) -> None:
    """INVARIANT: no look-up gets slower with the number of tickets."""
    for collection, indexes in INDEXES.items():
        there = await database[collection].index_information()
        for index in indexes:
            assert index.document["name"] in there


async def test_a_database_that_is_away_is_said_to_be_away() -> None:
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(
        "mongodb://127.0.0.1:1/", serverSelectionTimeoutMS=200
    )
    with pytest.raises(StoreUnavailable):
        await MongoFiled(client["x"]).ticket("t1")
    client.close()
