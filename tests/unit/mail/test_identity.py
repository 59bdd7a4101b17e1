import base64

import pytest

from builders import multipart_mail, part, raw_mail
from postbus.mail.identity import mail_id
from postbus.mail.parse import parse


def id_of(raw: bytes) -> str:
    return mail_id(parse(raw), raw)


def test_one_mail_by_two_routes_is_one() -> None:
    direct = raw_mail()
    forwarded = raw_mail(
        {"Return-Path": "<fwd@example.org>", "Delivered-To": "x@example.org", "X-Spam": "no"},
        more=[b"Received: from a by b", b"Received: from b by c"],
    )
    assert id_of(direct) == id_of(forwarded)


def test_line_ends_and_transfer_encoding_do_not_matter() -> None:
    text = "Grüße,\nder Drucker brennt.\n"
    plain = raw_mail({"Content-Type": "text/plain; charset=utf-8"}, text)
    based = raw_mail(
        {"Content-Type": "text/plain; charset=utf-8", "Content-Transfer-Encoding": "base64"},
        base64.encodebytes(text.encode()),
    )
    assert id_of(plain) == id_of(based) == id_of(plain.replace(b"\r\n", b"\n"))


@pytest.mark.parametrize(
    "other",
    [
        raw_mail({"Message-ID": "<second@example.com>"}),
        raw_mail({"From": "bob@example.com"}),
        raw_mail({"Date": "Mon, 02 Mar 2026 09:31:00 +0100"}),
        raw_mail({"Subject": "Printer on ice"}),
        raw_mail(body="Help again.\n"),
        multipart_mail("mixed", part("text/plain", "Help."), part("application/pdf", b"%PDF")),
    ],
)
def test_another_mail_is_another_even_with_the_same_message_id(other: bytes) -> None:
    """INVARIANT: a sender that reuses one Message-ID for many mails loses none of them."""
    assert id_of(raw_mail()) != id_of(other)


def test_mails_without_a_message_id_are_told_apart() -> None:
    one, two = (raw_mail({"Message-ID": None}, body) for body in ("one", "two"))
    assert id_of(one) != id_of(two)
    assert id_of(one) == id_of(one)


def test_what_has_nothing_to_tell_it_by_is_told_by_its_bytes() -> None:
    assert id_of(b"\x00") != id_of(b"\x00\x00")
