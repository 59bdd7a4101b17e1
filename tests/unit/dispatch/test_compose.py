"""What leaves us, as bytes, read back by the standard library."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, default
from typing import Any

import pytest

from dispatch.domain.compose import Composed, LoadedFile, _HeaderClasses, compose
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import Address, Attachment
from postbus.contracts.sending import Quote, SendRequested

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
STAMP = "ceaaaaaaafvqjnjy2dzzdzlpm7hqzzbr"
RELAY = OutboundChannel(id="relay", name="Relay", kind="relay")
ANNA = Address(name="Anna Jansen", address="anna@example.com")


def request(**fields: Any) -> SendRequested:
    given: dict[str, Any] = {
        "send_id": "one", "ticket_number": 7, "queue": "support", "channel": "support",
        "kind": SendKind.AGENT_REPLY, "automatic": False,
        "reply_address": Address(name="Support", address="support@postbus.localhost"),
        "message_id": f"pb.{STAMP}.1@postbus.localhost", "stamp": STAMP, "to": (ANNA,),
        "subject": "Re: Printer on fire", "text": "Please use the stairs.",
        "requested_by": "agent", "requested_at": AT, "cause": None,
    }  # fmt: skip
    return SendRequested(**{**given, **fields})


def written(sent: SendRequested, *files: LoadedFile) -> Composed:
    return compose(sent, RELAY, content=None, files=files, now=AT)


def read(mail: Composed) -> EmailMessage:
    found = message_from_bytes(mail.data, policy=default)
    assert isinstance(found, EmailMessage)
    return found


def test_the_mail_says_who_to_whom_and_where_answers_go() -> None:
    mail = read(written(request(in_reply_to="a@x", references=("b@x", "a@x"), cc=(ANNA,))))
    assert mail["From"] == "Support <support@postbus.localhost>"
    assert mail["To"] == mail["Cc"] == "Anna Jansen <anna@example.com>"
    assert mail["Reply-To"] == f"Support <support+{STAMP}@postbus.localhost>"
    assert (mail["In-Reply-To"], mail["References"]) == ("<a@x>", "<b@x> <a@x>")
    assert mail["X-Postbus-Stamp"] == STAMP
    assert mail["Auto-Submitted"] is None
    assert mail.get_body() is not None


def test_a_long_message_id_stays_on_the_line_of_its_name() -> None:
    """Some servers read a folded id as none."""
    long_id = f"pb.{STAMP}.{'f' * 60}@a-rather-long-domain.postbus.localhost"
    assert f"\r\nMessage-ID: <{long_id}>\r\n".encode() in written(request(message_id=long_id)).data


@pytest.mark.parametrize(
    ("local", "tagged"), [("s" * 31, True), ("s" * 32, False), ("é" * 15, True), ("é" * 16, False)]
)
def test_reply_to_is_no_longer_than_an_address_may_be(local: str, *, tagged: bool) -> None:
    """RFC 5321 §4.5.3.1.1: 64 octets; the customer's server may refuse more."""
    own = Address(name="S", address=f"{local}@postbus.localhost")
    mail = written(request(reply_address=own))
    wanted = f"{local}+{STAMP}@" if tagged else f"<{local}@"
    assert f"{wanted}postbus.localhost>".removeprefix("<").encode() in mail.data
    assert (f"+{STAMP}@".encode() in mail.data) is tagged


def test_an_answer_to_outlook_is_in_its_thread() -> None:
    """Its ids are longer than a line, and it knows none that is encoded."""
    outlook = "AM0PR05MB6834D2C88EE7DD0B43CC6B35E8A0A@AM0PR05MB6834.eurprd05.prod.outlook.com"
    data = written(request(in_reply_to=outlook, references=("a@x", outlook))).data
    assert f"\r\nIn-Reply-To: <{outlook}>\r\n".encode() in data
    assert f"\r\nReferences: <a@x>\r\n <{outlook}>\r\n".encode() in data


def test_a_long_name_with_commas_is_one_recipient() -> None:
    """Without its quotes it was four, and the customer could choose who they are."""
    name = "A long name, evil@example.com, that goes on and on until it must be folded, somewhere"
    mail = read(written(request(to=(Address(name=name, address="a@example.com"),))))
    assert [one.addr_spec for one in mail["To"].addresses] == ["a@example.com"]
    assert mail["To"].addresses[0].display_name == name


def test_what_no_body_may_have_is_left_away() -> None:
    """Programs cut a text at NUL, and some servers refuse it; half a letter cannot be written."""
    odd = "Hel\x00lo \x1b\ud800there.\r\n\tBye."
    quote = Quote.model_construct(author=ANNA, written_at=AT, text=odd)
    made = request().model_copy(update={"text": odd, "html": f"<p>{odd}</p>", "quote": quote})
    mail = read(written(made))
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        assert body.get_content().count("Hello there.") == 2


@pytest.mark.parametrize("field", ["subject", "in_reply_to"])
def test_nothing_can_add_a_header_of_its_own(field: str) -> None:
    mail = read(written(request(**{field: "x\r\nBcc: all@example.com"})))
    assert mail["Bcc"] is None


def test_a_name_with_a_line_break_is_one_line() -> None:
    mail = read(written(request(to=(Address(name="A\r\nBcc: b@x", address="a@example.com"),))))
    assert mail["Bcc"] is None
    assert mail["To"].addresses[0].addr_spec == "a@example.com"


@pytest.mark.parametrize(
    ("kind", "submitted"),
    [(SendKind.RECEIPT, "auto-replied"), (SendKind.NOTIFICATION, "auto-generated")],
)
def test_automatic_mail_says_so_and_leaves_with_the_null_sender(
    kind: SendKind, submitted: str
) -> None:
    """RFC 3834 §5 and §3.3: so that no robot answers."""
    mail = written(request(kind=kind, automatic=True))
    assert mail.envelope.sender == ""
    assert mail.envelope.otherwise == "support@postbus.localhost"
    assert written(request()).envelope.otherwise == ""
    assert read(mail)["Auto-Submitted"] == submitted


def test_the_quote_and_the_attachment_come_along() -> None:
    attached = Attachment(
        name="plän.pdf", content_type="application/pdf", size_bytes=4, sha256="c" * 64
    )
    quote = Quote(author=ANNA, written_at=AT, text="It burns.")
    mail = read(written(request(quote=quote), LoadedFile(attached, b"%PDF")))
    body = mail.get_body(("plain",))
    assert body is not None
    assert "> It burns." in body.get_content()
    assert f"#7 · {STAMP}" in body.get_content()
    assert [(one.get_filename(), one.get_content()) for one in mail.iter_attachments()] == [
        ("plän.pdf", b"%PDF")
    ]


@pytest.mark.parametrize(
    ("address", "written_as", "utf8"),
    [
        ("anna@example.com", "anna@example.com", False),
        ("Anna@bücher.example", "Anna@xn--bcher-kva.example", False),
        ("änna@bücher.example", "änna@xn--bcher-kva.example", True),
    ],
)
def test_only_a_local_part_outside_ascii_needs_smtputf8(
    address: str, written_as: str, *, utf8: bool
) -> None:
    """A domain has a form in ASCII that every server takes (RFC 5890 §2.3.2.1)."""
    mail = written(request(to=(Address(name="Änna", address=address),)))
    assert mail.utf8 is utf8
    assert mail.envelope.recipients == (written_as,)
    assert f"<{written_as}>".encode() in mail.data


HEADERS = [
    ("From", "Änna <a@example.com>"),
    ("To", "Anna Jansen <anna@example.com>, b@example.com"),
    ("Reply-To", f"support+{STAMP}@postbus.localhost"),
    ("Subject", "Ein sehr langer Betreff mit Umlauten äöü " * 5),
    ("Date", "Mon, 02 Mar 2026 09:30:00 +0000"),
    ("Message-ID", f"<pb.{STAMP}.1@postbus.localhost>"),
    ("References", " ".join(f"<{number}@example.com>" for number in range(20))),
    ("MIME-Version", "1.0"),
    ("Content-Type", 'text/plain; charset="utf-8"'),
    ("Content-Disposition", 'attachment; filename="plän.pdf"'),
    ("Content-Transfer-Encoding", "base64"),
    ("X-Anything", "else"),
]


@pytest.mark.parametrize("policy", [SMTP, SMTPUTF8])
@pytest.mark.parametrize(("name", "value"), HEADERS)
def test_headers_of_kept_classes_are_those_of_the_library(
    policy: Any, name: str, value: str
) -> None:
    ours, its = _HeaderClasses()(name, value), HeaderRegistry()(name, value)
    assert type(ours).__mro__[1:] == type(its).__mro__[1:]
    assert ours.fold(policy=policy) == its.fold(policy=policy)


def test_a_header_class_is_made_once_whatever_the_case_of_its_name() -> None:
    classes = _HeaderClasses()
    assert classes["To"] is classes["to"]
    assert classes["To"] is not classes["Subject"]
    assert type(classes("TO", "a@example.com")) is classes["to"]


def test_names_without_end_do_not_take_memory_without_end() -> None:
    classes = _HeaderClasses()
    for number in range(1000):
        classes(f"X-{number}", "x")
    assert classes._class_of.cache_info().currsize <= 64
