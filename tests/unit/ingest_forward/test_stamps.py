from datetime import UTC, datetime

import pytest

from builders import raw_mail
from ingest_forward.domain.stamps import find_stamp
from postbus.contracts.mail import OwnStamp
from postbus.mail import parse
from postbus.tokens import Stamper, StampKind

STAMPER = Stamper("here", [b"k" * 32])
AT = datetime(2026, 3, 2, tzinfo=UTC)
STAMP = STAMPER.stamp(ticket_number=7, kind=StampKind.RECEIPT, hop=1, at=AT)
OTHER = STAMPER.stamp(ticket_number=8, kind=StampKind.AGENT_REPLY, hop=0, at=AT)
FORGED = Stamper("here", [b"x" * 32]).stamp(ticket_number=7, kind=StampKind.RECEIPT, hop=1, at=AT)


def found(
    headers: dict[str, str | None], body: str = "Help.", to: str = "support@postbus.localhost"
) -> OwnStamp | None:
    return find_stamp(parse(raw_mail(headers, body)), [to], STAMPER.find)


@pytest.mark.parametrize(
    ("headers", "body", "to", "found_in"),
    [
        ({"X-Postbus-Stamp": STAMP}, "", "s@x", "header"),
        ({"Message-ID": f"<pb.{STAMP}.1@x>"}, "", "s@x", "header"),
        ({}, "", f"support+{STAMP}@x", "recipient"),
        ({}, "", f"Support+{STAMP.upper()}@x", "recipient"),
        ({"In-Reply-To": f"<pb.{STAMP}.1@x>"}, "", "s@x", "references"),
        ({"References": f"<a@x> <pb.{STAMP}.1@x>"}, "", "s@x", "references"),
        ({}, f"Yes.\n\n> #7 · {STAMP}\n", "s@x", "body"),
    ],
)
def test_a_stamp_is_found_wherever_it_survived(
    headers: dict[str, str | None], body: str, to: str, found_in: str
) -> None:
    assert found(headers, body, to) == OwnStamp(
        ticket_number=7, kind="receipt", hop=1, found_in=found_in
    )


@pytest.mark.parametrize(
    ("headers", "body", "to"),
    [
        ({}, "Help.", "support@x"),
        ({"X-Postbus-Stamp": FORGED, "References": f"<pb.{FORGED}@x>"}, FORGED, f"s+{FORGED}@x"),
    ],
)
def test_a_stamp_that_is_not_ours_is_no_stamp(
    headers: dict[str, str | None], body: str, to: str
) -> None:
    """INVARIANT: only what we signed may lead a mail onto a ticket."""
    assert found(headers, body, to) is None


def test_the_surest_place_counts() -> None:
    in_body_and_recipient = found({}, f"> {OTHER}", f"support+{STAMP}@x")
    assert in_body_and_recipient is not None
    assert in_body_and_recipient.found_in == "recipient"


def test_of_the_references_the_newest_counts() -> None:
    newest = found({"References": f"<pb.{STAMP}.1@x> <pb.{OTHER}.2@x>"})
    assert newest is not None
    assert newest.ticket_number == 8
