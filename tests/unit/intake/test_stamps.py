from datetime import UTC, datetime

import pytest

from builders import raw_mail
from postbus.contracts.configuration import ForwardSettings, InboundChannel
from postbus.contracts.mail import OtherStamp, OwnStamp
from postbus.intake import find_stamp
from postbus.intake.stamps import find_other_stamp
from postbus.mail.parse import parse
from postbus.tokens import Stamper, StampKind

CHANNEL = InboundChannel(
    id="support",
    name="Support",
    kind="forward",
    address="help+desk@abc.com",
    forward=ForwardSettings(creation_addresses=("support@postbus.localhost", "it@bücher.example")),
)
STAMPER = Stamper("here", [b"k" * 32])
AT = datetime(2026, 3, 2, tzinfo=UTC)
STAMP = STAMPER.stamp(ticket_number=7, kind=StampKind.RECEIPT, hop=1, at=AT)
OTHER = STAMPER.stamp(ticket_number=8, kind=StampKind.AGENT_REPLY, hop=0, at=AT)
FORGED = Stamper("here", [b"x" * 32]).stamp(ticket_number=7, kind=StampKind.RECEIPT, hop=1, at=AT)


def found(
    headers: dict[str, str | None], body: str = "Help.", to: str = "support@postbus.localhost"
) -> OwnStamp | None:
    return find_stamp(parse(raw_mail(headers, body)), [to], channel=CHANNEL, find=STAMPER.find)


@pytest.mark.parametrize(
    ("headers", "body", "to", "found_in"),
    [
        ({"X-Postbus-Stamp": STAMP}, "", "s@x", "header"),
        ({"Message-ID": f"<pb.{STAMP}.1@x>"}, "", "s@x", "header"),
        ({}, "", f"support+{STAMP}@x", "recipient"),
        ({}, "", f"Support+{STAMP.upper()}@x", "recipient"),
        ({"In-Reply-To": f"<pb.{STAMP}.1@x>"}, "", "s@x", "references"),
        ({"References": f"<a@x> <pb.{STAMP}.1@x>"}, "", "s@x", "references"),
        ({"To": f"Help <help+desk+{STAMP}@abc.com>"}, "", "s@x", "recipient"),
        ({"To": f"HELP+desk+{STAMP.upper()}@ABC.com"}, "", "s@x", "recipient"),
        ({"Cc": f"a@x, support+{STAMP}@postbus.localhost"}, "", "s@x", "recipient"),
        ({"Cc": f"it+{STAMP}@xn--bcher-kva.example"}, "", "s@x", "recipient"),
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


def test_an_envelope_is_believed_before_the_ids_that_are_answered() -> None:
    stamp = found({"References": f"<pb.{OTHER}.2@x>"}, to=f"support+{STAMP}@x")
    assert stamp is not None
    assert (stamp.ticket_number, stamp.found_in) == (7, "recipient")


def test_an_id_that_is_answered_is_believed_before_an_address_from_an_address_book() -> None:
    """INVARIANT: a program fills To from old mails, and this mail is about another ticket."""
    stamp = found({"To": f"help+desk+{STAMP}@abc.com", "In-Reply-To": f"<pb.{OTHER}.2@x>"})
    assert stamp is not None
    assert (stamp.ticket_number, stamp.found_in) == (8, "references")


def test_an_address_in_to_is_believed_before_what_is_quoted() -> None:
    stamp = found({"To": f"help+desk+{STAMP}@abc.com"}, f"> #8 · {OTHER}")
    assert stamp is not None
    assert stamp.ticket_number == 7


@pytest.mark.parametrize(
    "address",
    [
        f"somebody+{STAMP}@abc.com",
        f"help+{STAMP}@abc.com",
        f"support+{STAMP}@elsewhere.example",
        f"sales+{STAMP}@postbus.localhost",
        f"{STAMP}@postbus.localhost",
        f'"{STAMP}" <support@postbus.localhost>',
        f"help+desk+{FORGED}@abc.com",
    ],
)
def test_only_a_reply_address_of_this_channel_counts_in_to(address: str) -> None:
    """INVARIANT: a copy for another channel, or for somebody else, is not about its ticket here."""
    assert found({"To": address}) is None


def test_reply_addresses_of_two_tickets_in_to_and_cc_say_nothing() -> None:
    both = {"To": f"help+desk+{STAMP}@abc.com", "Cc": f"support+{OTHER}@postbus.localhost"}
    assert found(both) is None
    stamp = found(both, f"> #8 · {OTHER}")
    assert stamp is not None
    assert (stamp.ticket_number, stamp.found_in) == (8, "body")


def test_two_mails_of_one_ticket_in_to_and_cc_are_no_contradiction() -> None:
    again = STAMPER.stamp(ticket_number=7, kind=StampKind.AGENT_REPLY, hop=2, at=AT)
    stamp = found({"To": f"help+desk+{again}@abc.com", "Cc": f"help+desk+{STAMP}@abc.com"})
    assert stamp is not None
    assert (stamp.ticket_number, stamp.hop) == (7, 2)


def token(kind: StampKind, tenant: str = "elsewhere", hop: int = 0) -> str:
    return Stamper(tenant, [b"z" * 32]).stamp(ticket_number=12, kind=kind, hop=hop, at=AT)


THEIRS = token(StampKind.RECEIPT, hop=2)
FOOT = f"We have your message.\n\n-- \n#12 \u00b7 {THEIRS}\n"


@pytest.mark.parametrize(
    ("headers", "body", "found_in"),
    [
        ({"X-Postbus-Stamp": THEIRS}, "", "header"),
        ({"Message-ID": f"<pb.{THEIRS}.{'0' * 16}@x>"}, "", "message-id"),
        ({"Reply-To": f"help+{THEIRS}@x.example"}, "", "reply-to"),
        ({"Reply-To": f"help+{THEIRS.upper()}@x.example"}, "", "reply-to"),
        ({}, FOOT, "body"),
    ],
)
def test_automatic_mail_of_another_installation_says_so_in_four_places(
    headers: dict[str, str | None], body: str, found_in: str
) -> None:
    mail = parse(raw_mail(headers, body))
    assert find_other_stamp(mail) == OtherStamp(kind="receipt", hop=2, found_in=found_in)
    assert find_stamp(mail, ["s@x"], channel=CHANNEL, find=STAMPER.find) is None


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, "Help."),
        ({"X-Postbus-Stamp": token(StampKind.AGENT_REPLY)}, "An agent of theirs asks us."),
        ({"X-Postbus-Stamp": "a" * 32}, ""),  # no version of ours
        ({"X-Postbus-Stamp": THEIRS[:-1]}, ""),
        ({"In-Reply-To": f"<pb.{THEIRS}.{'0' * 16}@x>"}, "A person answers their receipt."),
        ({"References": f"<pb.{THEIRS}.{'0' * 16}@x>"}, ""),
        ({"To": f"help+{THEIRS}@x.example"}, ""),
        ({}, f"See below.\n\nOn Monday they wrote:\n> {FOOT.replace(chr(10), chr(10) + '> ')}"),
        ({"Subject": "Fwd: your message"},
         (f"For you.\n\n---------- Forwarded message ----------\nFrom: Help <h@x.example>\n"
          f"Subject: your message\nTo: anna@example.com\n\n{FOOT}")),
        ({}, f"What is #12 \u00b7 {THEIRS} in your mail, please?"),
    ],
)  # fmt: skip
def test_what_a_person_writes_or_passes_on_is_no_automatic_mail_of_another_installation(
    headers: dict[str, str | None], body: str
) -> None:
    assert find_other_stamp(parse(raw_mail(headers, body))) is None
