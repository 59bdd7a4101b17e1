"""A mail that cannot be read is kept, shown, and filed once it can be: the whole system."""

import json
import os
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builders import raw_mail
from servers.stack import LocalStack

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(240)]

LITTLE_MEMORY = str(300 * 1024 * 1024)
"""Enough to read what people write, and not for a text of 24 MB, which is 96 MB in memory."""
HEAVY = raw_mail(
    {
        "Content-Type": "text/plain; charset=utf-8",
        "Subject": "A heavy letter",
        "Message-ID": "<heavy@example.com>",
    },
    "A line of words \U0001f642 that takes much room.\n" * 500_000,
)


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[LocalStack]:
    """A stack whose door may use little memory for a mail."""
    running = LocalStack(tmp_path / "home", {"READ_MEMORY_BYTES": LITTLE_MEMORY}).start()
    yield running
    assert running.stop() == 0


def send(stack: LocalStack, raw: bytes) -> None:
    with smtplib.SMTP(*stack.address("smtp_in"), timeout=60) as smtp:
        smtp.sendmail("anna@example.com", ["support@postbus.localhost"], raw, ["BODY=8BITMIME"])


def reparse(stack: LocalStack, *options: str) -> list[dict[str, Any]]:
    """The command beside the stack: it is told nothing but where that is."""
    done = subprocess.run(
        [Path(sys.executable).parent / "postbus", "reparse", "--json", *options],
        env={**os.environ, "POSTBUS_HOME": str(stack.home)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def held_mail(stack: LocalStack, reason: str) -> dict[str, Any]:
    """The one that is held for that reason, as soon as it is."""

    def found() -> list[dict[str, Any]]:
        items = stack.api("GET", "held-mails?state=held", admin=True).body["items"]
        return [item for item in items if item["reason"] == reason]

    (held,) = stack.until(found, what=f"a mail held for {reason}")
    return held


def release(stack: LocalStack, held: dict[str, Any]) -> dict[str, Any]:
    """What it is once an admin released it and it is filed; twice is once."""
    path = f"held-mails/{held['id']}"
    for _ in range(2):
        assert stack.api("POST", f"{path}/release", admin=True).status in (200, 202)

    def filed() -> dict[str, Any] | None:
        shown = stack.api("GET", path, admin=True).body
        return shown if shown["state"] == "filed" else None

    return stack.until(filed, what="the released mail")


def test_a_held_mail_is_filed_when_an_admin_releases_it(strict: LocalStack) -> None:
    """Our own mail that came back goes on its ticket, one that cannot be read is one, too."""
    send(strict, raw_mail({"Subject": "Where is it?", "Message-ID": "<where@example.com>"}))
    ticket = strict.ticket_titled("Where is it?")
    (receipt,) = strict.until(strict.outbox, what="the receipt")
    send(strict, receipt.as_bytes())
    own = held_mail(strict, "own-mail-came-back")
    path = f"held-mails/{own['id']}"
    assert strict.api("POST", f"{path}/discard", admin=True).body["state"] == "discarded"
    assert strict.api("GET", "held-mails", admin=True).body["items"] == []
    shown = release(strict, own)
    assert (shown["ticket"], shown["decided_by"]) == (ticket["number"], "local admin")
    assert strict.api("POST", f"{path}/discard", admin=True).status == 409
    messages = strict.messages(ticket["number"])
    assert [(m["kind"], m["released_by"]) for m in messages] == [
        ("human", ""), ("receipt", ""), ("own", "local admin"),
    ]  # fmt: skip

    send(strict, HEAVY)
    heavy = release(strict, held_mail(strict, "takes-too-much-to-read"))
    ticket = strict.ticket_titled("A heavy letter")
    assert (heavy["ticket"], ticket["description"]) == (ticket["number"], "")
    (message,) = (m for m in strict.messages(ticket["number"]) if m["direction"] == "inbound")
    (file,) = message["attachments"]
    assert strict.api("GET", f"attachments/{file['sha256']}").body == HEAVY
    reparse(strict, "--apply", "--yes")

    def text() -> str:
        found = strict.messages(ticket["number"])
        return next(m["text"] for m in found if m["direction"] == "inbound")

    assert strict.until(text, what="the text").startswith("A line of words")
    assert len(strict.mails_to("postbus.localhost")) == 0, "nobody answered our own mail"


def test_a_mail_that_was_held_is_filed_by_reparse(strict: LocalStack) -> None:
    send(strict, HEAVY)
    send(strict, raw_mail({"Subject": "A light one", "Message-ID": "<light@example.com>"}))
    strict.ticket_titled("A light one")

    (held,) = strict.api("GET", "held-mails", admin=True).body["items"]
    assert (held["state"], held["reason"]) == ("held", "takes-too-much-to-read")
    assert (held["door"], held["channel"]) == ("forward", "support")
    raw = strict.api("GET", f"held-mails/{held['id']}/raw", admin=True)
    assert raw.headers["content-type"] == "message/rfc822"
    assert raw.body == HEAVY

    found, said = reparse(strict, "--held")
    assert (found["outcome"], found["mail_id"]) == ("new", held["mail_id"])
    assert (said["summary"]["told"], said["summary"]["stamps"]) == (0, "verified")
    assert strict.api("GET", "held-mails", admin=True).body["items"] == [held]

    reparse(strict, "--held", "--apply", "--yes")
    ticket = strict.ticket_titled("A heavy letter")
    assert ticket["customer"]["address"] == "anna@example.com"
    (now,) = strict.api("GET", "held-mails", admin=True).body["items"]
    assert (now["state"], now["received_as"]) == ("filed", found["received_as"])

    (said,) = reparse(strict)
    assert said["summary"]["unchanged"] == said["summary"]["looked_at"] == 2
    assert said["summary"]["already_filed"] == 1
