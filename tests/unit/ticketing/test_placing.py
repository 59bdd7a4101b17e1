"""Where a mail belongs, decided from what was looked up."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from doubles.mails import NOW, mail_received
from postbus.contracts.mail import MailKind, OwnStamp
from postbus.contracts.tickets import CustomerRef, TicketStatus
from ticketing.domain.model import Ticket
from ticketing.domain.placing import Claim, Place, claim_key, only_key, own_ticket_id, place_of

LONG_AGO = NOW - timedelta(hours=1)
MAIL = mail_received("m", in_reply_to=("p@x",), references=("r1@x", "r2@x", "p@x"))
OWN = own_ticket_id(MAIL)
STAMP = OwnStamp(ticket_number=1, kind="receipt", hop=0, found_in="recipient")


def ticket(id_: str, number: int = 1, **fields: Any) -> Ticket:
    values: dict[str, Any] = {
        "title": "Printer on fire", "status": TicketStatus.OPEN, "queue": "support",
        "channel": "support", "ticket_type": "support", "created_at": NOW, "updated_at": NOW,
        "customer": CustomerRef(id="c1", name="Anna", address="Anna@example.com"),
        "first_message": "f",
    }  # fmt: skip
    return Ticket(id=id_, number=number, **{**values, **fields})


def place(claimed: dict[str, str], *there: Ticket, at: datetime = LONG_AGO, **more: Any) -> Place:
    claims = {claim_key("support", id_): Claim(to, at) for id_, to in claimed.items()}
    tickets = {one.id: one for one in there}
    return place_of(more.get("mail", MAIL), claims, tickets, anchor=more.get("anchor"), now=NOW)


@pytest.mark.parametrize(
    ("claimed", "chosen"),
    [
        ({"m@example.com": "a", "p@x": "b"}, "a"),
        ({"p@x": "a", "r2@x": "b"}, "a"),
        ({"r2@x": "a", "r1@x": "b"}, "a"),
        ({"r1@x": "a"}, "a"),
        ({"r1@x": OWN}, OWN),
        ({}, OWN),
    ],
    ids=["own-id", "parent", "nearest-reference", "first-reference", "itself", "nothing"],
)
def test_the_nearest_claim_decides(claimed: dict[str, str], chosen: str) -> None:
    others = [ticket(one, n) for n, one in enumerate(("a", "b"), 1)]
    found = place(claimed, *others)
    assert found.ticket_id == chosen
    assert (found.ticket is None) is (chosen == OWN)


def test_the_stamp_counts_more_than_any_claim_and_joins_the_two() -> None:
    one, other = ticket("a"), ticket("b", 2)
    found = place({"m@example.com": "b"}, other, anchor=one)
    assert (found.ticket, found.same, found.others) == (one, (other,), ())


APART = {
    "other-queue": {"queue": "sales"},
    "closed": {"status": TicketStatus.CLOSED},
    "other-customer": {"customer": CustomerRef(id="c2", name="Bo", address="bo@example.com")},
}


@pytest.mark.parametrize("apart", APART)
def test_what_is_not_the_same_matter_stays_apart(apart: str) -> None:
    one, other = ticket("a"), ticket("b", 2, **APART[apart])
    found = place({"p@x": "a", "r2@x": "b"}, one, other)
    assert (found.ticket, found.same, found.others) == (one, (), (other,))


def test_a_follow_up_is_neither_merged_nor_called_another_ticket() -> None:
    one, follow_up = ticket("a"), ticket("b", 2, lineage="a")
    third = ticket("c", 3, lineage="a")
    found = place({"p@x": "c", "r2@x": "b", "r1@x": "a"}, one, follow_up, third)
    assert (found.ticket, found.same, found.others) == (third, (), ())


def test_a_bounce_merges_nothing() -> None:
    bounce = MAIL.model_copy(update={"kind": MailKind.BOUNCE})
    found = place({"p@x": "a", "r2@x": "b"}, ticket("a"), ticket("b", 2), mail=bounce)
    assert found.same == ()


@pytest.mark.parametrize(("seconds", "waits"), [(59, True), (60, False)])
def test_a_ticket_that_is_being_opened_is_waited_for_a_minute(seconds: int, *, waits: bool) -> None:
    at = NOW - timedelta(seconds=seconds)
    alone = place({"p@x": "gone"}, at=at)
    assert (alone.ticket_id, alone.ticket, alone.waits) == ("gone", None, waits)
    beside = place({"m@example.com": "gone", "p@x": "a"}, ticket("a"), at=at)
    assert (beside.ticket_id, beside.waits) == ("a", waits)
    assert beside.strays == {"gone": (claim_key("support", "m@example.com"),)}


def test_claims_of_a_lost_race_are_strays_and_the_rest_is_missing() -> None:
    found = place({"m@example.com": OWN, "p@x": "a"}, ticket("a"))
    assert found.strays == {OWN: (claim_key("support", "m@example.com"),)}
    assert found.missing == tuple(claim_key("support", one) for one in ("r1@x", "r2@x"))


@pytest.mark.parametrize(
    ("fields", "short"),
    [
        ({}, True),
        ({"in_reply_to": ("p@x",)}, False),
        ({"message_id": None}, False),
        ({"subject": "Re: [#12] Printer"}, False),
        ({"stamp": STAMP}, False),
        ({"kind": MailKind.BOUNCE}, False),
        ({"reread_at": NOW}, False),
    ],
)
def test_only_mail_that_points_nowhere_takes_the_short_way(
    fields: dict[str, Any], *, short: bool
) -> None:
    assert (only_key(mail_received("n", **fields)) is not None) is short
