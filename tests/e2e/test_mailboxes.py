"""Whole mailboxes on the whole system: a real Dovecot, and a real Postfix that carries the mail."""

import json
import os
import signal
import smtplib
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from local.ports import Ports

from servers.customer import answer_to, new_mail, plain_address
from servers.debian import needed
from servers.dovecot import PASSWORD, Dovecot
from servers.google import GoogleServer
from servers.google_keys import service_account_key
from servers.nats import free_port
from servers.postfix import Postfix, sasl_listener
from servers.smtp import CERTIFICATE
from servers.stack import LocalStack, free_base

pytestmark = [pytest.mark.xdist_group("mailboxes"), pytest.mark.timeout(120)]

SUPPORT = "support@xyz.example"
GMAIL = "desk@gmail.example"
WORKSPACE = "team@workspace.example"
FORWARDED = "help@xyz.example"
APP_PASSWORD = "abcdefghijklmnop"
CUSTOMERS = {name: f"{name}@customers.example" for name in ("anna", "bert", "cora", "dirk", "els")}
AUTHORITY = CERTIFICATE.read_text().partition("-----BEGIN PRIVATE KEY-----")[0]


@dataclass
class Town:
    """Postbus, and a provider with the mailboxes of a company and of its customers."""

    stack: LocalStack
    dovecot: Dovecot
    postfix: Postfix
    google: GoogleServer

    def write(self, mail: EmailMessage) -> None:
        """As a customer's program hands a mail in: signed in, over STARTTLS."""
        sender = plain_address(str(mail["From"]))
        context = ssl.create_default_context(cafile=str(CERTIFICATE))
        with smtplib.SMTP("localhost", self.postfix.submission_port, timeout=20) as smtp:
            smtp.starttls(context=context)
            smtp.login(sender, PASSWORD)
            smtp.send_message(mail)

    def mail_with_id(self, user: str, message_id: str, folder: str = "INBOX") -> list[EmailMessage]:
        """The mails of that Message-ID in a folder."""
        mails = self.dovecot.mails(user, folder)
        return [mail for mail in mails if mail["Message-ID"].strip() == f"<{message_id}>"]

    def answered(self, number: int, text: str, *, to: str) -> EmailMessage:
        """The mail that an agent's answer becomes, out of the customer's mailbox."""
        answer = self.stack.reply(number, text, key=f"{number} {text}")
        assert answer.status == 202, answer.body
        id_ = answer.body["message_id"]
        found = self.stack.until(lambda: self.mail_with_id(to, id_), what="the answer")
        assert len(found) == 1
        return found[0]

    def round_trip(self, address: str, customer: str, subject: str) -> dict[str, Any]:
        """A mail to the address, the answer to it, and the customer's; the ticket of them."""
        self.write(new_mail(subject, sender=f"{customer} <{customer}>", to=address))
        ticket = self.stack.ticket_titled(subject, seconds=15)
        assert ticket["customer"]["address"] == customer
        answer = self.answered(ticket["number"], f"About {subject}", to=customer)
        assert plain_address(answer["From"]) == address
        assert plain_address(answer["Return-Path"]) == address
        self.write(answer_to(answer, f"Thanks for {subject}", to=address))
        self.stack.until(
            lambda: f"Thanks for {subject}" in inbound(self.stack, ticket["number"]),
            what="the customer's answer",
        )
        return ticket

    def until_connected(self, channel: str) -> list[dict[str, Any]]:
        """Health of both ways of a mailbox."""

        def connected() -> Any:
            items = self.stack.api("GET", "health", admin=True).body["items"]
            both = [one for one in items if one["channel"] == channel]
            return both if {one["state"] for one in both} == {"connected"} else None

        return self.stack.until(connected, what=f"{channel} connected")

    def proof(self, channel: str) -> dict[str, Any]:
        path = f"inbound-channels/{channel}/completeness?fresh=true"
        answer = self.stack.api("GET", path, admin=True)
        assert answer.status == 200, answer.body
        return answer.body

    def made(self) -> dict[str, list[str]]:
        """All channels and filter entries there are, by their ids."""
        kinds = ("inbound-channels", "outbound-channels", "outbound-filter")
        return {
            kind: sorted(one["id"] for one in self.stack.api("GET", kind, admin=True).body["items"])
            for kind in kinds
        }


def inbound(stack: LocalStack, number: int) -> list[str]:
    return [m["text"].strip() for m in stack.messages(number) if m["direction"] == "inbound"]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    needed("dovecot", "postfix")
    folder = tmp_path_factory.mktemp("town")
    (folder / "authority.pem").write_text(AUTHORITY)
    google = GoogleServer().start()
    sasl_port = free_port()
    dovecot = Dovecot(sasl_listener(sasl_port), tokeninfo_url=google.tokeninfo_url).start()
    for user in (SUPPORT, *CUSTOMERS.values()):
        dovecot.add_user(user)
    dovecot.add_user(GMAIL, APP_PASSWORD)
    base = free_base()
    postfix = Postfix(
        dovecot,
        sasl_port,
        (SUPPORT, GMAIL, WORKSPACE, *CUSTOMERS.values()),
        {FORWARDED: ("support@postbus.localhost", Ports(base).smtp_in)},
    ).start()
    environment = {
        "GMAIL_IMAP": f"localhost:{dovecot.tls_port}",
        "GMAIL_SMTP": f"localhost:{postfix.submissions_port}",
        "GMAIL_CA_FILE": str(folder / "authority.pem"),
        "GOOGLE_TOKEN_URL": google.token_url,
        "GOOGLE_CA_FILE": str(google.ca_file),
    }
    try:
        stack = LocalStack(folder / "home", environment, base=base).start()
        yield Town(stack, dovecot, postfix, google)
        assert stack.stop() == 0
    finally:
        postfix.remove()
        dovecot.remove()
        google.stop()


def imap_channel(town: Town, secret: str) -> dict[str, Any]:
    return {
        "id": "box",
        "name": "Box",
        "kind": "imap",
        "address": SUPPORT,
        "imap": {
            "host": "localhost",
            "port": town.dovecot.tls_port,
            "username": SUPPORT,
            "secret": secret,
            "ca_certificates": AUTHORITY,
        },
    }


def smtp_channel(town: Town, secret: str) -> dict[str, Any]:
    return {
        "id": "box",
        "name": "Box",
        "kind": "smtp",
        "from_address": SUPPORT,
        "smtp": {
            "host": "localhost",
            "port": town.postfix.submission_port,
            "tls": "starttls",
            "auth": "password",
            "username": SUPPORT,
            "secret": secret,
            "ca_certificates": AUTHORITY,
        },
    }


@pytest.fixture(scope="module")
def box(town: Town) -> str:
    """The id of both channels of the support mailbox, made by the config API."""
    for kind, channel in (("outbound", smtp_channel), ("inbound", imap_channel)):
        path = f"{kind}-channels"
        answer = town.stack.api("POST", path, channel(town, PASSWORD), admin=True)
        assert answer.status == 201, answer.body
    town.until_connected("box")
    return "box"


@pytest.mark.parametrize(
    ("path", "channel"),
    [("inbound-channels", imap_channel), ("outbound-channels", smtp_channel)],
)
def test_a_channel_with_a_wrong_password_is_not_made_and_it_is_said_why(
    town: Town, path: str, channel: Any
) -> None:
    before = town.made()
    other = "other@xyz.example"
    key = "address" if path == "inbound-channels" else "from_address"
    wrong = {**channel(town, "wrong"), "id": "other", key: other}
    answer = town.stack.api("POST", path, wrong, admin=True)
    assert (answer.status, answer.body["reason"]) == (422, "wrong-password")
    assert "user name or password is not accepted" in answer.body["detail"]
    assert answer.body["advice"]
    assert town.made() == before


def test_a_mailbox_answers_from_its_own_address_and_keeps_one_copy(town: Town, box: str) -> None:
    """R3, R5: in by IMAP and out by SMTP, both of the company's own provider."""
    before = town.proof(box)["seen"]
    began = time.monotonic()
    subject = "The heating is cold"
    town.write(new_mail(subject, sender=f"Anna <{CUSTOMERS['anna']}>", to=SUPPORT))
    ticket = town.stack.ticket_titled(subject, seconds=15)
    assert time.monotonic() - began < 5
    assert ticket["queue"]["id"] == box
    number = ticket["number"]
    answer = town.answered(number, "We come at noon.", to=CUSTOMERS["anna"])
    assert plain_address(answer["From"]) == SUPPORT
    assert plain_address(answer["Return-Path"]) == SUPPORT
    assert "mx.provider.example" in str(answer["Received"])
    id_ = answer["Message-ID"].strip().strip("<>")
    copies = town.stack.until(lambda: town.mail_with_id(SUPPORT, id_, "Sent"), what="a copy")
    assert plain_address(copies[0]["To"]) == CUSTOMERS["anna"]
    town.write(answer_to(answer, "Noon is fine.", to=SUPPORT))
    town.stack.until(lambda: "Noon is fine." in inbound(town.stack, number))
    receipts = [mail for mail in town.dovecot.mails(CUSTOMERS["anna"]) if mail["Auto-Submitted"]]
    assert [plain_address(mail["From"]) for mail in receipts] == [SUPPORT]
    again = Counter(mail["Message-ID"] for mail in town.dovecot.mails(SUPPORT, "Sent"))
    assert set(again.values()) == {1}
    assert {one["direction"] for one in town.until_connected(box)} == {"inbound", "outbound"}
    proof = town.proof(box)
    assert (proof["seen"], proof["filed"], proof["unexplained"]) == (before + 2, before + 2, 0)
    assert proof["ok"] is True


def test_a_wrong_app_password_makes_nothing_and_the_right_one_the_whole_mailbox(
    town: Town,
) -> None:
    """INVARIANT: a mailbox is connected whole or not at all; else mail comes and no answer goes."""
    before = town.made()
    asked = {"address": GMAIL, "app_password": "wron gwro ngwr ongw"}
    refused = town.stack.api("POST", "connect/gmail", asked, admin=True)
    assert (refused.status, refused.body["reason"]) == (422, "wrong-password")
    assert "Nothing was set up" in refused.body["detail"]
    assert town.made() == before
    asked["app_password"] = "abcd efgh ijkl mnop"
    connected = town.stack.api("POST", "connect/gmail", asked, admin=True)
    assert connected.status == 201, connected.body
    id_ = connected.body["inbound"]["id"]
    assert connected.body["outbound"]["id"] == id_
    assert connected.body["inbound"]["imap"]["since"]
    town.until_connected(id_)
    ticket = town.round_trip(GMAIL, CUSTOMERS["bert"], "Where is my parcel")
    assert ticket["queue"]["id"] == id_
    assert town.proof(id_)["filed"] == 2
    again = town.stack.api("POST", "connect/gmail", asked, admin=True)
    assert (again.status, again.body["inbound"]) == (200, connected.body["inbound"])
    # Gmail files what it sends by itself; a copy of ours would be the second.
    assert town.dovecot.mails(GMAIL, "Sent") == []


def test_a_service_account_reads_and_sends_for_a_mailbox(town: Town) -> None:
    """XOAUTH2 at a real Dovecot and a real Postfix, with tokens of the stand-in for Google."""
    key = service_account_key(town.google)
    asked = {"address": WORKSPACE, "key": key}
    town.google.delegated = set()
    refused = town.stack.api("POST", "connect/google-service-account", asked, admin=True)
    assert (refused.status, refused.body["reason"]) == (422, "not-delegated")
    town.google.delegated = {WORKSPACE}
    connected = town.stack.api("POST", "connect/google-service-account", asked, admin=True)
    assert connected.status == 201, connected.body
    town.until_connected(connected.body["inbound"]["id"])
    town.round_trip(WORKSPACE, CUSTOMERS["cora"], "Invoice twice")


def test_forwarded_mail_is_a_ticket_of_the_one_who_wrote_it(town: Town) -> None:
    """R3: the provider forwards, and Postbus holds no password."""
    customer = CUSTOMERS["dirk"]
    town.write(new_mail("Forwarded", sender=f"Dirk <{customer}>", to=FORWARDED))
    ticket = town.stack.ticket_titled("Forwarded", seconds=15)
    assert ticket["queue"]["id"] == "support"
    assert (ticket["customer"]["name"], ticket["customer"]["address"]) == ("Dirk", customer)
    receipts = town.stack.until(lambda: town.stack.mails_to(customer), what="a receipt")
    assert len(receipts) == 1


def test_mail_that_comes_while_ingest_imap_is_killed_is_filed_once(town: Town, box: str) -> None:
    """INVARIANT: a crash of ingest-imap costs seconds and no mail, and none is filed twice."""
    before = town.proof(box)["seen"]
    pid = town.stack.endpoints["pids"]["ingest-imap"]
    subjects = [f"Killed {number}" for number in range(12)]
    for number, subject in enumerate(subjects):
        town.write(new_mail(subject, sender=f"Els <{CUSTOMERS['els']}>", to=SUPPORT))
        if number == 3:
            os.kill(pid, signal.SIGKILL)

    def titles() -> Counter[str]:
        items = town.stack.api("GET", "tickets?limit=200").body["items"]
        return Counter(one["title"] for one in items if one["title"].startswith("Killed "))

    town.stack.until(lambda: len(titles()) == len(subjects), seconds=45, what="all tickets")
    assert town.stack.endpoints["pids"]["ingest-imap"] != pid
    town.stack.wait_ready()
    proof = town.stack.until(
        lambda: proof if (proof := town.proof(box))["waiting"] == 0 else None, what="a proof"
    )
    assert (proof["seen"], proof["filed"]) == (before + 12, before + 12)
    assert proof["unexplained"] == 0
    assert titles() == Counter(subjects)

    def fresh() -> Any:
        # Of reading alone: twelve mails of one sender at once may be a burst, without a receipt.
        both = town.until_connected(box)
        return all(one["last_mail_at"] for one in both if one["direction"] == "inbound")

    # News of mails are written into the health every ten seconds at most.
    town.stack.until(fresh, what="health that knows of the last mail")


def test_a_maildir_of_old_mail_is_imported_and_nobody_is_sent_anything(
    town: Town, box: str, tmp_path: Path
) -> None:
    customer = "freya@customers.example"
    folder = tmp_path / "Maildir"
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    for number in range(5):
        mail = new_mail(f"Old {number}", sender=f"Freya <{customer}>", to=SUPPORT)
        mail.replace_header("Date", f"Tue, {number + 1:02} Mar 2016 09:00:00 +0000")
        (folder / "cur" / f"{number}.old:2,S").write_bytes(mail.as_bytes())

    def run() -> dict[str, Any]:
        postbus = Path(sys.executable).parent / "postbus"
        done = subprocess.run(
            [postbus, "import", "--queue", box, "--maildir", folder, "--yes", "--json"],
            env={**os.environ, "POSTBUS_HOME": str(town.stack.home)},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout.splitlines()[-1])["summary"]

    assert run()["told"] == 5
    numbers = [town.stack.ticket_titled(f"Old {one}")["number"] for one in range(5)]
    assert run()["told"] == 0
    time.sleep(1)
    for number in numbers:
        ticket = town.stack.api("GET", f"tickets/{number}").body
        assert (ticket["status"], ticket["message_count"]) == ("closed", 1)
        assert ticket["created_at"].startswith("2016-03-0")
    assert town.stack.mails_to(customer) == []
    assert customer not in town.postfix.log
