"""A queue that looks as somebody wants, from the config API to the customer's inbox."""

import base64
import io
import time
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import dkim
import pytest
from PIL import Image

from servers.customer import new_mail, send
from servers.stack import LocalStack

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(180)]

DUTCH = "Mijn wasmachine doet het niet meer, kunnen jullie mij snel helpen?"
ANY = {"If-Match": "*"}


def picture(colour: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (300, 60), colour).save(made, "PNG")
    return made.getvalue()


@pytest.fixture
def queue(stack: LocalStack) -> Iterator[str]:
    """A queue of its own, with colour, logo and signature; all of it goes in the end."""
    channel = {
        "id": "care", "name": "Klantenservice", "kind": "forward",
        "forward": {"creation_addresses": ["care@postbus.localhost"]},
    }  # fmt: skip
    assert stack.api("POST", "inbound-channels", channel, admin=True).status == 201
    look = {
        "accent": "#0f766e",
        "signature": "Met vriendelijke groet,\n{{ queue.name }}",
        "receipts": {
            "nl": {"subject": "Ontvangen: #{{ ticket.number }}", "text": "Dag {{ customer.name }}"}
        },
    }
    assert stack.api("PUT", "appearance/care", look, admin=True).status == 201
    put_logo(stack, picture("#0f766e"))
    yield "care"
    stack.api("DELETE", "inbound-channels/care", admin=True, headers=ANY)


def put_logo(stack: LocalStack, data: bytes) -> None:
    ends = stack.endpoints
    request = urllib.request.Request(
        f"{ends['config_api']}/api/v1/appearance/care/logo",
        method="PUT",
        data=data,
        headers={
            **ANY,
            "Authorization": f"Bearer {ends['admin_token']}",
            "Content-Type": "image/png",
        },
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200


def write_to(stack: LocalStack, subject: str, text: str) -> dict[str, Any]:
    """A customer's mail to the queue; it may take a second until the address is known."""
    # Each from an address of their own: the guard lets few receipts go to one.
    sender = f"Anna <{subject.lower()}@example.com>"
    mail = new_mail(subject, text, sender=sender, to="care@postbus.localhost")

    def taken() -> bool:
        try:
            send(stack, mail)
        except OSError:
            return False
        return True

    stack.until(taken, what="the address")
    ticket: dict[str, Any] = stack.ticket_titled(subject)
    return ticket


def mails_about(stack: LocalStack, number: int) -> list[EmailMessage]:
    return [mail for mail in stack.outbox() if f"#{number} ·" in text_of(mail)]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body else ""


def html_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    return str(body.get_content()) if body else ""


def pictures(mail: EmailMessage) -> dict[str, bytes]:
    return {one["Content-ID"]: one.get_content() for one in mail.walk() if one["Content-ID"]}


def test_a_dutch_customer_sees_the_queue_as_it_was_meant(stack: LocalStack, queue: str) -> None:
    """R11 and R13: colours, logo, signature, and a receipt in the language of the mail."""
    ticket = write_to(stack, "Wasmachine", DUTCH)
    number = ticket["number"]
    (receipt,) = stack.until(lambda: mails_about(stack, number), what="the receipt")
    assert receipt["Subject"] == f"Ontvangen: #{number}"
    assert text_of(receipt).splitlines()[:4] == [
        "Dag Anna", "", "Met vriendelijke groet,", "Klantenservice",
    ]  # fmt: skip
    assert receipt["Auto-Submitted"] == "auto-replied"
    shot = {
        "name": "shot.png", "content_type": "image/png", "content_id": "shot@desk",
        "content_base64": base64.b64encode(picture("#ff0000")).decode(),
    }  # fmt: skip
    answer = stack.reply(
        number, "Wij komen.", key="a1", attachments=[shot],
        html='<p>Wij <b>komen</b>. <img src="cid:shot@desk"></p>',
    )  # fmt: skip
    assert answer.status == 202, answer.body
    mails = stack.until(
        lambda: (found := mails_about(stack, number)) and len(found) == 2 and found, what="answer"
    )
    reply = next(mail for mail in mails if mail["Auto-Submitted"] is None)
    assert "schreef Anna:" in text_of(reply)
    assert f"> {DUTCH}" in text_of(reply)
    assert "Met vriendelijke groet," in text_of(reply)
    for mail in mails:
        assert "solid #0f766e" in html_of(mail)
        assert 'lang="nl"' in html_of(mail)
        assert pictures(mail)["<logo@postbus>"] == picture("#0f766e")
    assert pictures(reply)["<shot@desk>"] == picture("#ff0000")
    assert "<b>komen</b>" in html_of(reply)


def test_a_change_is_seen_within_a_second_and_the_queue_can_look_as_shipped(
    stack: LocalStack, queue: str
) -> None:
    changed = stack.api(
        "PUT", f"appearance/{queue}", {"accent": "#aa0000"}, admin=True, headers=ANY
    )
    assert changed.status == 200
    time.sleep(1)
    number = write_to(stack, "Red", "Hello, could you please have a look at my washing machine?")[
        "number"
    ]
    (receipt,) = stack.until(lambda: mails_about(stack, number), what="the receipt")
    assert "solid #aa0000" in html_of(receipt)
    assert text_of(receipt).startswith("Hello Anna,\n")
    assert stack.api("DELETE", f"appearance/{queue}", admin=True, headers=ANY).status == 204
    time.sleep(1)
    number = write_to(stack, "Blue", "Hello.")["number"]
    (receipt,) = stack.until(lambda: mails_about(stack, number), what="the receipt")
    assert "solid #3b82f6" in html_of(receipt)
    assert pictures(receipt) == {}


def test_mail_of_the_relay_is_signed_with_a_key_that_was_activated(
    stack: LocalStack, queue: str
) -> None:
    keys = "outbound-channels/relay/dkim"
    key = stack.api("POST", keys, {"domain": "postbus.localhost"}, admin=True).body
    stack.api("POST", f"{keys}/{key['selector']}/activate", admin=True)
    try:
        time.sleep(1)
        number = write_to(stack, "Signed", "Hello.")["number"]
        (receipt,) = stack.until(lambda: mails_about(stack, number), what="the receipt")
        folder = stack.home / "outbox" / "new"
        mark = receipt["Message-ID"].strip().encode()
        (data,) = [one for file in folder.iterdir() if mark in (one := file.read_bytes())]
        record = key["record"]
        known = {f"{record['name']}.".encode(): record["value"].encode()}
        assert dkim.verify(data, dnsfunc=lambda name, **_: known[name])
        assert not dkim.verify(data.replace(b"Hello", b"Hullo"), dnsfunc=lambda n, **_: known[n])
    finally:
        stack.api("DELETE", keys, admin=True, headers=ANY)
