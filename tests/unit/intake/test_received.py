from datetime import UTC, datetime

from builders import multipart_mail, part, raw_mail
from postbus.contracts.base import BlobRef
from postbus.contracts.configuration import ForwardSettings, InboundChannel
from postbus.contracts.mail import INLINE_TEXT_LIMIT_BYTES, MailKind, MailReceived, OwnStamp, Route
from postbus.intake.received import Taken, mail_received, whole_content
from postbus.mail.inline_texts import cut
from postbus.mail.parse import parse

OWN = frozenset({"support@postbus.localhost"})
RAW = BlobRef(sha256="a" * 64, size_bytes=10)
CHANNEL = InboundChannel(
    id="support",
    name="Support",
    kind="forward",
    ticket_type="complaint",
    forward=ForwardSettings(creation_addresses=("support@postbus.localhost",)),
)


def fact_of(
    raw: bytes, envelope_from: str | None = "anna@example.com", stamp: OwnStamp | None = None
) -> MailReceived:
    route = Route(
        door="forward", received_at=datetime(2026, 3, 2, tzinfo=UTC), envelope_from=envelope_from
    )
    return mail_received(
        Taken("id", parse(raw), RAW),
        CHANNEL,
        route=route,
        stamp=stamp,
        own_addresses=OWN,
    )


def test_the_fact_says_what_the_mail_says() -> None:
    fact = fact_of(
        multipart_mail("mixed", part("text/plain", "Help."), part("application/pdf", b"%PDF"))
    )
    assert (fact.channel, fact.queue, fact.ticket_type) == ("support", "support", "complaint")
    assert (fact.subject, fact.text, fact.message_id) == (
        "Printer on fire", "Help.", "first@example.com",
    )  # fmt: skip
    assert fact.customer.address == "anna@example.com"
    assert [(a.content_type, a.size_bytes) for a in fact.attachments] == [("application/pdf", 4)]
    assert fact.raw == RAW


def test_the_null_sender_of_the_envelope_is_a_signal() -> None:
    assert fact_of(raw_mail(), "").signals.null_return_path
    assert not fact_of(raw_mail(), "anna@example.com").signals.null_return_path


def test_short_texts_travel_in_the_fact_alone() -> None:
    assert whole_content(parse(raw_mail())) is None


def test_long_texts_are_cut_and_kept_whole_elsewhere() -> None:
    text = "é" * INLINE_TEXT_LIMIT_BYTES
    parsed = parse(raw_mail({"Content-Type": "text/plain; charset=utf-8"}, text))
    content = whole_content(parsed)
    assert content is not None
    assert content.full_text == text
    fact = fact_of(raw_mail({"Content-Type": "text/plain; charset=utf-8"}, text))
    assert len(fact.full_text.encode()) == INLINE_TEXT_LIMIT_BYTES
    assert set(fact.full_text) == {"é"}


def test_a_cut_never_leaves_half_a_letter() -> None:
    assert cut("x" + "€" * INLINE_TEXT_LIMIT_BYTES).strip("€") == "x"


def test_long_html_that_is_cut_is_whole_html() -> None:
    html = "<p>" + "<b>word</b> " * 10_000 + "</p>"
    fact = fact_of(raw_mail({"Content-Type": "text/html"}, html))
    assert fact.html is not None
    assert len(fact.html) < INLINE_TEXT_LIMIT_BYTES + 100
    assert fact.html.endswith("</p>")


def test_a_mail_to_the_whole_world_still_fits_into_a_fact() -> None:
    everybody = ", ".join(f'"{"x" * 500}" <p{n}@example.com>' for n in range(900))
    fact = fact_of(raw_mail({"To": everybody, "Cc": everybody}))
    assert len(fact.to) == 100
    assert "recipients-cut" in fact.problems
    assert len(fact.model_dump_json()) < 256 * 1024


def test_the_kind_is_judged_from_the_mail_its_route_and_its_stamp() -> None:
    assert fact_of(raw_mail()).kind is MailKind.HUMAN
    absent = fact_of(raw_mail({"Auto-Submitted": "auto-replied"}))
    assert absent.kind is MailKind.AUTO_REPLY
    assert absent.kind_reasons
    own = OwnStamp(ticket_number=7, kind="receipt", hop=1, found_in="header")
    assert fact_of(raw_mail(), stamp=own).stamp == own
