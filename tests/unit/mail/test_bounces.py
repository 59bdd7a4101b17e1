from collections.abc import Callable

import pytest

from builders import multipart_mail, part, raw_mail
from postbus.contracts.mail import Bounce, BouncedRecipient
from postbus.mail.bounces import read_bounce
from postbus.mail.parse import parse

HEADERS = {"From": "MAILER-DAEMON@mx.example.net", "Subject": "failure notice"}
RETURNED = part(
    "message/rfc822",
    "Received: from a by b\r\nMessage-ID: <ours@postbus.example>\r\nTo: bob@example.com\r\n"
    "Subject: Printer\r\n\r\nHello\r\n",
)


def bounce_of(raw: bytes) -> Bounce:
    bounce = read_bounce(parse(raw))
    assert bounce is not None
    return bounce


def told(text: str) -> Bounce:
    """What a notice in plain text comes to."""
    return bounce_of(raw_mail(HEADERS, text))


def reported(fields: str, notice: str = "Sorry.\r\n") -> Bounce:
    """What a multipart/report with those fields comes to."""
    return bounce_of(
        multipart_mail(
            "report", part("text/plain", notice), part("message/delivery-status", fields), RETURNED,
            headers=HEADERS, report_type="delivery-status",
        )
    )  # fmt: skip


def only(bounce: Bounce) -> BouncedRecipient:
    assert len(bounce.recipients) == 1
    return bounce.recipients[0]


def test_a_delivery_report_says_who_why_and_which_mail() -> None:
    bounce = reported(
        "Reporting-MTA: dns; mx.example.net\r\nArrival-Date: Mon, 2 Mar 2026 09:30:00 +0100\r\n\r\n"
        "Original-Recipient: rfc822;bob@example.com\r\n"
        "Final-Recipient: rfc822;robert@example.org\r\n"
        "Action: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 <robert@example.org>\r\n no mailbox of that name here\r\n"
    )
    assert bounce.message_id == "ours@postbus.example"
    assert bounce.reporting_mta == "mx.example.net"
    assert bounce.evidence == ("delivery-status", "returned-message-id")
    recipient = only(bounce)
    assert recipient.address == "robert@example.org"
    assert recipient.original_address == "bob@example.com"
    assert (recipient.action, recipient.status, recipient.hard) == ("failed", "5.1.1", True)
    assert recipient.diagnostic.endswith("no mailbox of that name here")


TWO = ("Final-Recipient: rfc822; a@x.example", "Action: failed", "Status: 5.2.2")
OTHER = ("Final-Recipient: RFC822;<b@x.example>", "Action: delayed", "Status: 4.4.1 (no answer)")


@pytest.mark.parametrize(
    "lines",
    [
        ("Reporting-MTA: dns; x", "", *TWO, "", *OTHER),
        ("Reporting-MTA: dns; x", *TWO, *OTHER),
        ("Reporting-MTA: dns; x", "", "", *TWO, "", "", *OTHER, ""),
        ("", "Reporting-MTA: dns; x", "", TWO[1], TWO[0], TWO[2], "", OTHER[1], OTHER[0], OTHER[2]),
        (TWO[0], "", TWO[1], TWO[2], "", *OTHER),
    ],
    ids=["as written down", "no blank lines", "too many", "other order", "split"],
)
def test_blank_lines_in_a_report_are_where_they_please(lines: tuple[str, ...]) -> None:
    """RFC 3464 §2.1 separates recipients by one blank line; programs do not."""
    bounce = reported("\r\n".join(lines) + "\r\n")
    assert [(one.address, one.action, one.status) for one in bounce.recipients] == [
        ("a@x.example", "failed", "5.2.2"),
        ("b@x.example", "delayed", "4.4.1"),
    ]


@pytest.mark.parametrize(
    ("fields", "status", "hard"),
    [
        ("Status: 5.0.0\r\nDiagnostic-Code: smtp; 550 5.1.1 no", "5.1.1", True),
        ("Status: 5.1.1\r\nDiagnostic-Code: smtp; 552 5.2.2 over quota", "5.2.2", False),
        ("Status: 4.4.7\r\nDiagnostic-Code: smtp; 451 4.7.1 try later", "4.7.1", False),
        ("Status: 4.4.7\r\nDiagnostic-Code: smtp; 450 too long in the queue", "4.4.7", False),
        ("Status: 5.0.0\r\nDiagnostic-Code: smtp; 550 at [10.5.1.1]: unknown user", "5.0.0", True),
        ("Status: 5.7.1\r\nDiagnostic-Code: smtp; 554 5.7.1 listed as spam", "5.7.1", False),
        ("Status: 5.3.4\r\nDiagnostic-Code: smtp; 552 5.3.4 message too big", "5.3.4", False),
        ("Status: 5.4.4", "5.4.4", True),
        ("Status: 5.9.9", "5.9.9", False),
        ("Action: failed\r\nDiagnostic-Code: smtp; 550 no such domain", "5.1.2", True),
        ("Action: failed\r\nDiagnostic-Code: smtp; 452 mailbox full", "4.2.2", False),
        ("Action: failed", None, None),
    ],
)
def test_the_most_telling_code_counts(
    fields: str, status: str | None, *, hard: bool | None
) -> None:
    recipient = only(reported(f"\r\nFinal-Recipient: rfc822; a@x.example\r\n{fields}\r\n"))
    assert (recipient.status, recipient.hard) == (status, hard)


@pytest.mark.parametrize("where", ["in reply to end of DATA command", "after end of data"])
def test_a_server_that_refuses_the_content_says_nothing_about_the_address(where: str) -> None:
    """It took the recipient before; without this rule a filter would stop mail to good people."""
    fields = "\r\nFinal-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.0.0\r\n"
    notice = f"<a@x.example>: host mx said: 550 unknown user ({where})\r\n"
    assert only(reported(fields, notice)).hard is False


@pytest.mark.parametrize(
    ("fields", "action", "hard"),
    [
        ("Action: delivered\r\nStatus: 2.0.0", "delivered", None),
        ("Action: deliverable\r\nStatus: 2.1.5", "delivered", None),
        ("Action: relayed\r\nStatus: 2.0.0", "relayed", None),
        ("Action: Delayed (still trying)\r\nStatus: 4.0.0", "delayed", False),
        ("Status: 5.1.1", "failed", True),
    ],
)
def test_a_report_may_say_that_all_is_well(fields: str, action: str, *, hard: bool | None) -> None:
    recipient = only(reported(f"\r\nFinal-Recipient: rfc822; a@x.example\r\n{fields}\r\n"))
    assert (recipient.action, recipient.hard) == (action, hard)


def test_an_international_report_is_read() -> None:
    """RFC 6533 §3: addresses of type utf-8, with what ASCII cannot say escaped."""
    raw = multipart_mail(
        "report",
        part("text/plain", "Sorry.\r\n"),
        part(
            "message/global-delivery-status",
            "\r\nFinal-Recipient: utf-8; \\x{e4}nne@x.example\r\nStatus: 5.1.1\r\n",
        ),
        headers=HEADERS, report_type="delivery-status",
    )  # fmt: skip
    assert only(bounce_of(raw)).address == "änne@x.example"


def test_a_report_written_into_the_text_is_a_report() -> None:
    bounce = told(
        "We are sorry.\n\nReporting-MTA: dns; mx.example.net\n\n"
        "Final-Recipient: rfc822; bob@example.com\nAction: failed\nStatus: 5.2.1\n"
    )
    assert bounce.evidence[0] == "delivery-status"
    assert (only(bounce).address, only(bounce).status) == ("bob@example.com", "5.2.1")


def test_a_recipient_that_is_no_address_is_found_by_its_other_names() -> None:
    bounce = reported(
        "\r\nFinal-Recipient: X-LOCAL; CN=Bob/O=Example\r\n"
        "X-Actual-Recipient: rfc822; bob@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    )
    assert only(bounce).address == "bob@example.com"


NOTICES: dict[str, tuple[str, list[str], str | None, bool | None]] = {
    "an address and a colon": (
        ("Hello, this is the mail program.\nIt did not work out.\n\n"
        "<bob@example.com>:\nThere is no such mailbox. (#5.1.1)\n\n"
        "--- Below this line is a copy of the message.\n\nTo: carol@example.com\n"),
        ["bob@example.com"], "5.1.1", True,
    ),
    "a list": (
        ("A mail of yours failed for:\n\n  bob@example.com\n  carol@example.org\n"
        "\nmailbox is full\n"),
        ["bob@example.com", "carol@example.org"], "5.2.2", False,
    ),
    "each with its own answer": (
        "bob@example.com\n  550 5.1.1 unknown\n\ncarol@example.org\n  452 4.2.2 over quota\n",
        ["bob@example.com", "carol@example.org"], "5.1.1", True,
    ),
    "a transcript": (
        ("   ----- Transcript of session follows -----\n... while talking to mx.example.com.:\n"
        ">>> RCPT To:<bob@example.com>\n<<< 550 User unknown\n"
        "550 <bob@example.com>... User unknown\n"),
        ["bob@example.com"], "5.1.1", True,
    ),
    "a sentence": (
        ("Your mail could not be delivered to bob@example.com because the domain was not found.\n"
        "Please contact help@provider.example with questions.\n"),
        ["bob@example.com"], "5.1.2", True,
    ),
    "told by a header of the mail": (
        ("Your message\n\n  To:      list@example.net\n  Subject: Printer\n\n"
        "did not reach:\n\nbob@example.com on Mon, 2 Mar 2026\n    The recipient is not known\n"),
        ["bob@example.com"], "5.1.1", True,
    ),
    "late": (
        ("Your message has not yet been delivered to:\n\n  bob@example.com\n\n"
        "We will continue to try.\n"),
        ["bob@example.com"], "4.4.7", False,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "addresses", "status", "hard"), NOTICES.values(), ids=NOTICES.keys()
)
def test_notices_without_a_report_are_read_by_their_form(
    text: str, addresses: list[str], status: str, *, hard: bool
) -> None:
    bounce = told(text)
    assert [one.address for one in bounce.recipients] == addresses
    assert bounce.evidence[0] == "notice"
    assert (bounce.recipients[0].status, bounce.recipients[0].hard) == (status, hard)


def test_each_of_several_addresses_keeps_its_own_answer() -> None:
    bounce = told(NOTICES["each with its own answer"][0])
    assert [(one.status, one.hard) for one in bounce.recipients] == [
        ("5.1.1", True),
        ("4.2.2", False),
    ]


def test_an_alias_is_kept_beside_the_address_it_leads_to() -> None:
    bounce = told("This failed:\n\n  rob@internal.example\n    (generated from bob@example.com)\n")
    assert only(bounce).address == "rob@internal.example"
    assert only(bounce).original_address == "bob@example.com"


def test_an_address_in_the_returned_mail_is_none_of_the_notice() -> None:
    bounce = told(
        "This failed:\n\n  bob@example.com\n\n------ Original message follows ------\n\n"
        "Message-ID: <ours@postbus.example>\nCc: dave@example.com\n\ndave@example.com\n"
    )
    assert only(bounce).address == "bob@example.com"
    assert bounce.message_id == "ours@postbus.example"


def test_our_own_address_counts_only_where_no_other_is_named() -> None:
    ours = "support@postbus.localhost"
    assert only(told(f"{ours} wrote to\n\n{ours}\n\nbob@example.com\n")).address == (
        "bob@example.com"
    )
    assert only(told(f"This failed:\n\n{ours}\n\nuser unknown\n")).address == ours


@pytest.mark.parametrize(
    ("make", "evidence"),
    [
        (
            lambda: raw_mail({**HEADERS, "X-Failed-Recipients": "bob@example.com"}, "Sorry.\n"),
            "x-failed-recipients",
        ),
        (
            lambda: raw_mail({**HEADERS, "Subject": "Undeliverable: bob@example.com"}, "Sorry.\n"),
            "subject",
        ),
        (
            lambda: multipart_mail("mixed", part("text/plain", "No."), RETURNED, headers=HEADERS),
            "returned-mail",
        ),
    ],
)
def test_where_the_text_names_nobody_other_places_do(
    make: Callable[[], bytes], evidence: str
) -> None:
    bounce = bounce_of(make())
    assert only(bounce).address == "bob@example.com"
    assert bounce.evidence[0] == evidence


@pytest.mark.parametrize("content_type", ["text/rfc822-headers", "text/plain; name=headers.txt"])
def test_the_returned_header_may_come_as_text(content_type: str) -> None:
    header = "Received: from a by b\r\nMessage-ID: <ours@postbus.example>\r\n\r\n"
    raw = multipart_mail(
        "mixed", part("text/plain", "bob@example.com: no\r\n"), part(content_type, header),
        headers=HEADERS,
    )  # fmt: skip
    assert bounce_of(raw).message_id == "ours@postbus.example"


def test_a_report_that_names_nobody_is_none() -> None:
    assert read_bounce(parse(raw_mail(HEADERS, "It did not work.\n"))) is None


@pytest.mark.parametrize(
    "body",
    [
        "Final-Recipient: rfc822; a@b.example\n" * 20_000,
        "Final-Recipient: rfc822; a@b.example\n" + " a@b.example\n" * 20_000,
        "a@" + "b" * 60_000,
        "<" * 60_000,
        "user " * 12_000,
    ],
    ids=["fields", "folds", "domain", "brackets", "words"],
)
@pytest.mark.timeout(10)
def test_a_hostile_report_is_read_in_bounded_time(body: str) -> None:
    bounce = read_bounce(parse(raw_mail(HEADERS, body)))
    assert bounce is None or len(bounce.recipients) <= 100


def test_details_below_a_summary_of_the_mail_still_count() -> None:
    """Seen in practice: Microsoft 365 writes who and when first and the answer of the host last."""
    bounce = told(
        "Your mail to bob@example.com did not arrive.\n\nOriginal Message Details\n"
        "Sender Address: support@postbus.localhost\nRecipient Address: bob@example.com\n\n"
        "Error Details\nReported error: 550 5.1.10 no such recipient\n"
    )
    assert (only(bounce).address, only(bounce).status) == ("bob@example.com", "5.1.10")
