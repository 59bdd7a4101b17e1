"""A mail becomes a ticket, and the answer reaches the customer: the whole system as processes."""

import base64
import hashlib
import smtplib
import socket
import time
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest

from servers.customer import answer_to, bounce, new_mail, plain_address, send, without
from servers.stack import LocalStack

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(180)]


def open_ticket(
    stack: LocalStack, subject: str, **fields: Any
) -> tuple[dict[str, Any], EmailMessage]:
    """A new ticket and its receipt."""
    sender = f"{hashlib.sha1(subject.encode()).hexdigest()[:8]}@example.com"
    send(stack, new_mail(subject, sender=f"Anna <{sender}>", **fields), sender=sender)
    ticket = stack.ticket_titled(subject)
    receipt = stack.until(lambda: stack.mails_to(sender), what="a receipt")[0]
    return ticket, receipt


def replied(stack: LocalStack, ticket: dict[str, Any], text: str, **more: Any) -> EmailMessage:
    """The mail that an agent's answer becomes."""
    answer = stack.reply(ticket["number"], text, key=str(hash(text)), **more)
    assert answer.status == 202, answer.body
    wanted = f"<{answer.body['message_id']}>"

    def found() -> list[EmailMessage]:
        return [mail for mail in stack.outbox() if mail["Message-ID"].strip() == wanted]

    (mail,) = stack.until(found, what="the answer in the outbox")
    return mail


def inbound(stack: LocalStack, number: int) -> list[str]:
    return [m["text"] for m in stack.messages(number) if m["direction"] == "inbound"]


def test_a_new_mail_is_a_ticket(stack: LocalStack) -> None:
    """R4: subject is the title, body the description, and the customer is linked."""
    send(stack, new_mail("Printer on fire", "It burns.\n\nAnna"))
    ticket = stack.ticket_titled("Printer on fire")
    assert ticket["description"].startswith("It burns.")
    assert ticket["status"] == "new"
    assert ticket["queue"] == {"id": "support", "name": "Support", "colour": "#3b82f6"}
    assert ticket["customer"]["name"] == "Anna"
    assert ticket["customer"]["address"] == "anna@example.com"
    customer = stack.api("GET", f"customers/{ticket['customer']['id']}").body
    assert ticket["number"] in [one["number"] for one in customer["tickets"]]
    raw = stack.api("GET", f"messages/{stack.messages(ticket['number'])[0]['id']}/raw").body
    assert b"Subject: Printer on fire" in raw


def test_a_receipt_is_fully_marked_as_automatic(stack: LocalStack) -> None:
    """RFC 3834 §3.1: who answers automatically says so, and leaves no return path."""
    _, receipt = open_ticket(stack, "Receipt please")
    assert receipt["Auto-Submitted"] == "auto-replied"
    assert receipt["X-Auto-Response-Suppress"] == "All"
    assert receipt["Precedence"] == "auto_reply"
    assert receipt["X-MailFrom"] == "<>"
    assert receipt["In-Reply-To"].strip() == receipt["References"].strip()


def test_an_answer_reaches_the_customer_and_finds_its_way_back(stack: LocalStack) -> None:
    ticket, _ = open_ticket(stack, "Where is my parcel?")
    mail = replied(stack, ticket, "It is on its way. Grüße — 日本")
    assert plain_address(mail["From"]) == "support@postbus.localhost"
    assert mail["Subject"] == "Re: Where is my parcel?"
    assert mail["Auto-Submitted"] is None
    # Bounces come back by the address of the reply, stamp and all.
    assert mail["X-MailFrom"] == plain_address(mail["Reply-To"])
    assert plain_address(mail["Reply-To"]).startswith("support+")
    assert mail["In-Reply-To"].strip() in mail["References"]
    plain = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "It is on its way. Grüße — 日本" in plain.get_content()
    assert "Grüße — 日本" in html.get_content()
    assert "> Help." in plain.get_content()
    send(stack, answer_to(mail, "Thank you!\n\n> It is on its way."), sender="x@example.com")
    stack.until(lambda: "Thank you!" in inbound(stack, ticket["number"]))
    second = replied(stack, ticket, "You are welcome.")
    send(stack, answer_to(second, "Bye."), sender="x@example.com")
    stack.until(lambda: "Bye." in inbound(stack, ticket["number"]))
    states = [m["delivery"]["state"] for m in stack.messages(ticket["number"]) if m["delivery"]]
    assert states == ["sent"] * 3
    assert stack.api("GET", f"tickets/{ticket['number']}").body["status"] == "open"


MANNERS: dict[str, Callable[[EmailMessage], EmailMessage]] = {
    "full": without(),
    "no-references": without("References"),
    "no-in-reply-to": without("In-Reply-To"),
    "only-the-address": without("References", "In-Reply-To", "Message-ID"),
}


@pytest.mark.parametrize("manner", MANNERS, ids=str)
def test_any_mail_programs_answer_lands_on_the_ticket(stack: LocalStack, manner: str) -> None:
    ticket, receipt = open_ticket(stack, f"Manner {manner}")
    answer = MANNERS[manner](answer_to(receipt, f"Answer {manner}"))
    send(stack, answer, sender="x@example.com")
    stack.until(lambda: f"Answer {manner}" in inbound(stack, ticket["number"]))


def test_an_answer_to_the_plain_address_is_threaded_by_its_headers(stack: LocalStack) -> None:
    ticket, receipt = open_ticket(stack, "Plain address")
    send(stack, answer_to(receipt, "By ids.", to="support@postbus.localhost"), sender="x@x.example")
    stack.until(lambda: "By ids." in inbound(stack, ticket["number"]))


def test_an_upper_cased_reply_address_is_ours(stack: LocalStack) -> None:
    ticket, receipt = open_ticket(stack, "Upper case")
    shouted = plain_address(receipt["Reply-To"]).upper()
    mail = without("In-Reply-To", "References")(answer_to(receipt, "LOUD.", to=shouted))
    send(stack, mail, sender="x@example.com")
    stack.until(lambda: "LOUD." in inbound(stack, ticket["number"]))


def test_attachments_go_both_ways_unchanged(stack: LocalStack) -> None:
    """10 MB in, an inline image beside it, 3 MB out."""
    big = bytes(range(256)) * 40_960
    mail = new_mail("Big files", sender="Big <big@example.com>")
    mail.add_alternative('<p>See <img src="cid:pic1"></p>', subtype="html")
    parts = mail.get_payload()
    parts[1].add_related(b"\x89PNG fake", "image", "png", cid="<pic1>", filename="pic.png")  # type: ignore[union-attr,index]
    mail.add_attachment(big, maintype="application", subtype="x-thing", filename="grüße ✉.bin")
    send(stack, mail)
    ticket = stack.ticket_titled("Big files", seconds=60)
    message = stack.messages(ticket["number"])[0]
    found = {one["name"]: one for one in message["attachments"]}
    assert found["grüße ✉.bin"]["size_bytes"] == len(big)
    assert found["pic.png"]["inline"] is True
    assert found["grüße ✉.bin"]["inline"] is False
    answer = stack.api("GET", f"attachments/{found['grüße ✉.bin']['sha256']}")
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(big).digest()
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment;")
    file = {
        "name": "plan ✓.pdf",
        "content_type": "application/pdf",
        "content_base64": base64.b64encode(big[:3_000_000]).decode(),
    }
    sent = replied(stack, ticket, "Here is the plan.", attachments=[file])
    (out,) = list(sent.iter_attachments())
    assert out.get_filename() == "plan ✓.pdf"
    assert out.get_content() == big[:3_000_000]


LANGUAGES = [
    ("utf-8", "Ελληνικά: ο εκτυπωτής"), ("utf-8", "Emoji 🖨️🔥"), ("utf-8", "हिन्दी प्रिंटर"),
    ("iso-8859-1", "Français: à bientôt"), ("iso-8859-15", "Preis 5 € Größe"),
    ("windows-1252", "“Quotes” – English"), ("iso-8859-2", "Polski: zażółć gęślą jaźń"),
    ("windows-1250", "Čeština: příliš žluťoučký"), ("koi8-r", "Русский принтер"),
    ("windows-1251", "Українська: їжак"), ("iso-8859-7", "Ελληνικά ISO"),
    ("iso-8859-9", "Türkçe: ığüşöç"), ("windows-1255", "עברית מדפסת"),
    ("windows-1256", "العربية طابعة"), ("iso-2022-jp", "日本語プリンター"),
    ("shift_jis", "日本語シフト"), ("euc-jp", "日本語イーユーシー"), ("gb18030", "中文打印机"),
    ("big5", "中文印表機"), ("euc-kr", "한국어 프린터"), ("tis-620", "ภาษาไทย"),
    ("iso-8859-4", "Latviešu ā"),
]  # fmt: skip


@pytest.mark.parametrize(("charset", "text"), LANGUAGES, ids=[c for c, _ in LANGUAGES])
def test_languages_and_charsets_are_read(stack: LocalStack, charset: str, text: str) -> None:
    subject = base64.b64encode(text.encode(charset)).decode()
    raw = (
        f"From: Anna <{charset.replace('_', '-')}@example.com>\r\nTo: support@postbus.localhost\r\n"
        f"Subject: =?{charset}?B?{subject}?= {charset}\r\nMIME-Version: 1.0\r\n"
        f"Message-ID: <{charset}-{len(text)}@example.com>\r\n"
        f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    ).encode() + base64.encodebytes(text.encode(charset))
    send(stack, raw)
    ticket = stack.ticket_titled(f"{text} {charset}")
    assert ticket["description"] == text


def test_the_same_mail_delivered_again_is_one_ticket(stack: LocalStack) -> None:
    mail = new_mail("Twice delivered", sender="Twice <twice@example.com>")
    for _ in range(3):
        send(stack, mail)
    ticket = stack.ticket_titled("Twice delivered")
    open_ticket(stack, "After twice")  # whatever was on its way before is filed by now
    assert stack.ticket_titled("Twice delivered")["message_count"] == ticket["message_count"] == 2
    assert len(stack.mails_to("twice@example.com")) == 1


def test_another_mail_under_the_same_message_id_is_not_lost(stack: LocalStack) -> None:
    """A broken sender uses one Message-ID for all its mails."""
    for text in ("Alarm one.", "Alarm two."):
        mail = new_mail("Broken sender", text, sender="Robot <robot@example.com>")
        mail.replace_header("Message-ID", "<always-the-same@example.com>")
        send(stack, mail)
    ticket = stack.ticket_titled("Broken sender")
    stack.until(lambda: sorted(inbound(stack, ticket["number"])) == ["Alarm one.", "Alarm two."])


ROBOTS = {
    "auto-reply": {"Auto_Submitted": "auto-replied"},
    "auto-generated": {"Auto_Submitted": "auto-generated; x=y"},
    "list": {"List_Id": "<news.example.com>", "Precedence": "list"},
    "suppress": {"X_Auto_Response_Suppress": "OOF, AutoReply"},
}


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_robot_gets_no_receipt(stack: LocalStack, robot: str) -> None:
    """INVARIANT: no automatic mail is answered automatically."""
    address = f"{robot}@robots.example"
    mail = new_mail(f"Robot {robot}", sender=f"Robot <{address}>", **ROBOTS[robot])
    with smtplib.SMTP(*stack.address("smtp_in")) as smtp:
        smtp.sendmail(address, ["support@postbus.localhost"], mail.as_bytes())
    ticket = stack.ticket_titled(f"Robot {robot}")

    def settled() -> bool:
        out = [m for m in stack.messages(ticket["number"]) if m["direction"] == "outbound"]
        return all(m["delivery"]["state"] == "held" for m in out)

    stack.until(settled)
    open_ticket(stack, f"After robot {robot}")
    assert stack.mails_to(address) == []


def test_a_bounce_is_shown_on_the_mail_that_came_back_and_is_no_ticket(stack: LocalStack) -> None:
    """R10: neither a ticket nor a receipt, whether we know the mail that it reports on or not."""
    ticket, _ = open_ticket(stack, "Mailbox of mine")
    mail = replied(stack, ticket, "Are you there?")
    refused = plain_address(mail["To"])
    send(stack, bounce("<not-ours@example.com>", refused, subject="Not ours"), sender="")
    send(stack, bounce(mail["Message-ID"].strip(), refused), sender="")

    def bounced() -> Any:
        shown = [m["delivery"] for m in stack.messages(ticket["number"]) if m["delivery"]]
        return [one for one in shown if one["state"] == "bounced"]

    (delivery,) = stack.until(bounced, what="a bounced message")
    assert refused in delivery["reason"]
    assert [(one["status"], one["hard"]) for one in delivery["reports"]] == [("5.1.1", True)]
    titles = [one["title"] for one in stack.api("GET", "tickets?limit=200").body["items"]]
    assert "Undelivered Mail" not in titles
    assert "Not ours" not in titles


def test_a_human_no_in_auto_submitted_gets_a_receipt(stack: LocalStack) -> None:
    """RFC 3834 §5: `no` means that a person wrote it."""
    sender = "human@example.com"
    send(stack, new_mail("Not automatic", sender=f"Hans <{sender}>", Auto_Submitted="no"))
    stack.until(lambda: stack.mails_to(sender))


def smtp_code(stack: LocalStack, to: str, sender: str = "anna@example.com") -> tuple[int, bytes]:
    with smtplib.SMTP(*stack.address("smtp_in")) as smtp:
        smtp.ehlo()
        smtp.mail(sender)
        return smtp.rcpt(to)


@pytest.mark.parametrize(
    "to",
    [
        "nobody@postbus.localhost",
        "somebody@gmail.example",
        "support+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@other.example",
    ],
)
def test_an_address_that_is_not_ours_is_refused(stack: LocalStack, to: str) -> None:
    """INVARIANT: no open relay (RFC 5321 §3.6.2)."""
    code, text = smtp_code(stack, to)
    assert (code, text[:5]) == (550, b"5.1.1")


def test_a_mail_over_the_limit_is_refused(stack: LocalStack) -> None:
    """552 as soon as the size is told (RFC 1870 §6.1), and also when it was not."""
    with smtplib.SMTP(*stack.address("smtp_in"), timeout=120) as smtp:
        smtp.ehlo()
        limit = int(smtp.esmtp_features["size"])
        code, _ = smtp.mail("anna@example.com", [f"SIZE={limit + 1}"])
        assert code == 552


def test_a_client_that_hangs_up_in_the_middle_leaves_nothing(stack: LocalStack) -> None:
    with socket.create_connection(stack.address("smtp_in")) as connection:
        for line in (b"EHLO x", b"MAIL FROM:<a@b.example>", b"RCPT TO:<support@postbus.localhost>"):
            connection.recv(1000)
            connection.sendall(line + b"\r\n")
        connection.recv(1000)
        connection.sendall(b"DATA\r\nSubject: Half a mail\r\n\r\nhalf")
    open_ticket(stack, "After half a mail")
    titles = [one["title"] for one in stack.api("GET", "tickets?limit=200").body["items"]]
    assert "Half a mail" not in titles


def test_one_idempotency_key_is_one_mail(stack: LocalStack) -> None:
    ticket, _ = open_ticket(stack, "Double click")
    answers = [stack.reply(ticket["number"], "Once.", key="same") for _ in range(3)]
    assert {answer.status for answer in answers} == {202}
    assert len({answer.body["message_id"] for answer in answers}) == 1
    other = stack.reply(ticket["number"], "Something else.", key="same")
    assert other.status == 422
    assert other.body["type"].endswith("idempotency-key-reused")
    assert other.headers["content-type"].startswith("application/problem+json")
    wanted = f"<{answers[0].body['message_id']}>"

    def sent() -> list[EmailMessage]:
        return [mail for mail in stack.outbox() if mail["Message-ID"].strip() == wanted]

    stack.until(sent)
    open_ticket(stack, "After double click")
    assert len(sent()) == 1


def test_an_address_on_the_filter_never_gets_mail(stack: LocalStack) -> None:
    """R10: not a receipt, and not an agent's answer either."""
    pattern = {"pattern": "*@never.example", "reason": "asked for it"}
    made = stack.api("POST", "outbound-filter", pattern, admin=True)
    assert made.status == 201, made.body
    send(
        stack, new_mail("Filtered", sender="Nina <nina@never.example>"), sender="nina@never.example"
    )
    ticket = stack.ticket_titled("Filtered")
    reply = stack.reply(ticket["number"], "Hello?", key="k")
    assert reply.status == 202

    def held() -> Any:
        out = [m for m in stack.messages(ticket["number"]) if m["direction"] == "outbound"]
        return [m["delivery"] for m in out if m["delivery"]["state"] == "held"]

    deliveries = stack.until(lambda: len(held()) == 2 and held())
    assert all(one["reason"] for one in deliveries)
    assert stack.mails_to("never.example") == []
    gone = stack.api(
        "DELETE", f"outbound-filter/{made.body['id']}", admin=True, headers={"If-Match": "*"}
    )
    assert gone.status == 204


def test_the_channels_own_address_is_on_the_filter_by_itself(stack: LocalStack) -> None:
    """R10: our own receipt must not come back to us and make a ticket."""
    own = "support@postbus.localhost"
    items = stack.api("GET", "outbound-filter", admin=True).body["items"]
    assert [(one["automatic"], one["channel"]) for one in items if one["pattern"] == own] == [
        (True, "support")
    ]
    send(stack, new_mail("From ourselves", sender=f"Us <{own}>"), sender=own)
    ticket = stack.ticket_titled("From ourselves")

    def held() -> bool:
        out = [m for m in stack.messages(ticket["number"]) if m["direction"] == "outbound"]
        return bool(out) and all(m["delivery"]["state"] == "held" for m in out)

    stack.until(held)
    assert stack.mails_to(own) == []


def test_reply_via_another_channel_changes_where_the_answer_leaves(stack: LocalStack) -> None:
    """R8: a mail to xyz@ is answered from IT@abc.com because that is how it was assigned."""
    host, port = stack.address("outbox_smtp")
    smtp = {"host": host, "port": port, "tls": "none", "auth": "none"}
    it = {
        "id": "it-abc", "name": "IT of ABC", "kind": "smtp", "smtp": smtp,
        "from_address": "IT@abc.com", "from_name": "IT",
    }  # fmt: skip
    made = stack.api("POST", "outbound-channels", it, admin=True)
    assert made.status == 201, made.body
    xyz = {
        "id": "xyz", "name": "XYZ", "colour": "#ff0000", "kind": "forward",
        "forward": {"creation_addresses": ["support@xyz.com"]}, "reply_via": "it-abc",
    }  # fmt: skip
    assert stack.api("POST", "inbound-channels", xyz, admin=True).status == 201
    stack.until(lambda: smtp_code(stack, "support@xyz.com")[0] == 250, seconds=5)
    send(stack, new_mail("To XYZ", sender="Xena <xena@example.com>", to="support@xyz.com"))
    ticket = stack.ticket_titled("To XYZ")
    assert ticket["queue"]["id"] == "xyz"
    mail = replied(stack, ticket, "From IT.")
    assert plain_address(mail["From"]) == "IT@abc.com"
    assert mail["X-MailFrom"] == "IT@abc.com"
    assert plain_address(mail["Reply-To"]).endswith("@xyz.com")
    send(stack, answer_to(mail, "Thanks, IT."), sender="xena@example.com")
    stack.until(lambda: "Thanks, IT." in inbound(stack, ticket["number"]))
    change = stack.api(
        "PATCH", "inbound-channels/xyz", {"reply_via": None}, admin=True, headers={"If-Match": "*"}
    )
    assert change.status == 200, change.body
    stack.until(
        lambda: (
            plain_address(replied(stack, ticket, f"Own {stack.outbox().__len__()}")["From"])
            == "support@xyz.com"
        ),
        seconds=10,
    )


def test_an_answer_to_a_closed_ticket_does_what_its_queue_says(stack: LocalStack) -> None:
    """D7: as configured over the config API, and within a second."""
    channel = {
        "id": "closing", "name": "Closing", "kind": "forward", "receipt": False,
        "forward": {"creation_addresses": ["ask@closing.example"]}, "reopen_for_days": 30,
    }  # fmt: skip
    wrong = {**channel, "on_reply_to_closed": "explode"}
    assert stack.api("POST", "inbound-channels", wrong, admin=True).status == 422
    made = stack.api("POST", "inbound-channels", channel, admin=True)
    assert (made.body["on_reply_to_closed"], made.body["reopen_for_days"]) == ("reopen", 30)
    stack.until(lambda: smtp_code(stack, "ask@closing.example")[0] == 250, seconds=5)
    first = new_mail("Closing", to="ask@closing.example")
    send(stack, first)
    number = stack.ticket_titled("Closing")["number"]
    any_state = {"If-Match": "*"}

    def closed_and_answered(text: str) -> None:
        path = f"tickets/{number}"
        assert stack.api("PATCH", path, {"status": "closed"}, headers=any_state).status == 200
        mail = new_mail("Re: Closing", text, to="ask@closing.example")
        mail["In-Reply-To"] = first["Message-ID"]
        send(stack, mail)

    closed_and_answered("Once more.")
    stack.until(lambda: stack.api("GET", f"tickets/{number}").body["status"] == "open")
    linked = {"on_reply_to_closed": "new-linked"}
    path = "inbound-channels/closing"
    assert stack.api("PATCH", path, linked, admin=True, headers=any_state).status == 200
    time.sleep(1)
    closed_and_answered("And again.")
    followed = stack.until(lambda: stack.api("GET", f"tickets/{number}").body["links"])
    assert [link["relation"] for link in followed] == ["followed-by"]
    follow_up = followed[0]["number"]
    stack.until(lambda: stack.api("GET", f"tickets/{follow_up}").status == 200)
    assert stack.api("GET", f"tickets/{follow_up}").body["links"] == [
        {"number": number, "relation": "follow-up-of"}
    ]
    assert inbound(stack, follow_up) == ["And again."]


def test_an_answer_waits_while_its_channel_is_switched_off(stack: LocalStack) -> None:
    """INVARIANT: it never leaves from another address by itself."""
    host, port = stack.address("outbox_smtp")
    smtp = {"host": host, "port": port, "tls": "none", "auth": "none"}
    out = {
        "id": "paused-out", "name": "Paused", "kind": "smtp", "smtp": smtp,
        "from_address": "desk@paused.example", "enabled": False,
    }  # fmt: skip
    assert stack.api("POST", "outbound-channels", out, admin=True).status == 201
    channel = {
        "id": "paused", "name": "Paused", "kind": "forward", "reply_via": "paused-out",
        "forward": {"creation_addresses": ["in@paused.example"]},
    }  # fmt: skip
    assert stack.api("POST", "inbound-channels", channel, admin=True).status == 201
    stack.until(lambda: smtp_code(stack, "in@paused.example")[0] == 250, seconds=5)
    send(stack, new_mail("To paused", sender="Pia <pia@example.com>", to="in@paused.example"))
    ticket = stack.ticket_titled("To paused")
    key = stack.reply(ticket["number"], "Later.", key="k").body["id"]

    def delivery() -> dict[str, Any]:
        return next(m["delivery"] for m in stack.messages(ticket["number"]) if m["id"] == key)

    stack.until(lambda: delivery()["state"] == "deferred")
    assert "paused-out" in delivery()["reason"]
    assert stack.mails_to("pia@example.com") == []
    on = {"enabled": True}
    match = {"If-Match": "*"}
    changed = stack.api("PATCH", "outbound-channels/paused-out", on, admin=True, headers=match)
    assert changed.status == 200, changed.body
    stack.until(lambda: delivery()["state"] == "sent")
    mails = stack.mails_to("pia@example.com")
    assert {plain_address(mail["From"]) for mail in mails} == {"desk@paused.example"}
