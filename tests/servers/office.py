"""A company at Microsoft 365 beside the whole local stack: its mailboxes, people and customers."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from local.ports import Ports

from servers.customer import answer_to, new_mail, plain_address
from servers.graph.sending import Sent
from servers.microsoft365 import CLIENT_ID, SECRET, TENANT, Microsoft365
from servers.microsoft_person import Person
from servers.stack import LocalStack, free_base
from servers.tls_front import TlsFront

Carrier = Callable[[Sent], None]


@dataclass
class Office:
    """Postbus as processes, and both stand-ins of Microsoft, which it reaches as it would them."""

    stack: LocalStack
    microsoft: Microsoft365
    front: TlsFront
    _read: dict[int, EmailMessage] = field(default_factory=dict)

    def connect(self, address: str, *, account: str = "", **fields: Any) -> dict[str, Any]:
        """A mailbox that somebody signs in for, in a browser; its inbound channel."""
        answer = self._ask("connect/microsoft", address, **fields)
        assert answer.status == 200, answer.body
        page = self.browse(answer.body["authorize_url"], account or address)
        assert page.status_code == 200, page.text
        return self.channel(address)

    def connect_app(self, address: str, **fields: Any) -> dict[str, Any]:
        """A mailbox that the app opens as itself; what config answers."""
        client = {"client_id": CLIENT_ID, "client_secret": SECRET}
        answer = self._ask("connect/microsoft-app", address, client=client, **fields)
        assert answer.status in (200, 201), answer.body
        return dict(answer.body)

    def browse(self, authorize_url: str, account: str) -> httpx.Response:
        """The page that a person ends at who signs in."""
        with Person() as person:
            end = person.sign_in(authorize_url, account)
        return httpx.get(end, trust_env=False)

    def click(self, link: str, account: str) -> httpx.Response:
        """The same by the link of a channel that needs a sign-in."""
        leads_to = httpx.get(link, trust_env=False)
        assert leads_to.status_code in (302, 303, 307), leads_to.text
        return self.browse(leads_to.headers["location"], account)

    def unlimited(self, outbound: str) -> None:
        """Have a channel send as fast as it can."""
        answer = self.stack.api(
            "PATCH",
            f"outbound-channels/{outbound}",
            {"limits": {"per_minute": 100_000}},
            admin=True,
            headers={"If-Match": "*"},
        )
        assert answer.status == 200, answer.body

    def channel(self, address: str) -> dict[str, Any]:
        items = self.stack.api("GET", "inbound-channels", admin=True).body["items"]
        return next(one for one in items if one["address"] == address)

    def health(self, channel: str) -> dict[str, dict[str, Any]]:
        """Of both channels of a mailbox, by direction."""
        items = self.stack.api("GET", "health", admin=True).body["items"]
        return {one["direction"]: one for one in items if one["channel"] == channel}

    def until_state(self, channel: str, state: str) -> dict[str, dict[str, Any]]:
        """Wait until both channels of a mailbox are in it; their health."""

        def there() -> Any:
            both = self.health(channel)
            return both if {one["state"] for one in both.values()} == {state} else None

        return self.stack.until(there, what=f"{channel} {state}")

    def proof(self, channel: str) -> dict[str, Any]:
        path = f"inbound-channels/{channel}/completeness?fresh=true"
        answer = self.stack.api("GET", path, admin=True)
        assert answer.status == 200, answer.body
        return dict(answer.body)

    def write(self, mail: EmailMessage) -> None:
        """A customer's mail arrives in every mailbox that it is to."""
        for address in mail["To"].addresses:
            box = re.sub(r"\+[^@]*", "", address.addr_spec).lower()
            self.microsoft.graph.deliver(box, mail.as_bytes())

    def sent_to(self, address: str) -> list[EmailMessage]:
        """What Exchange took for an address, oldest first."""
        outbox = list(self.microsoft.graph.outbox)
        return [self._mail(one) for one in outbox if address in one.recipients]

    def receipts_to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.sent_to(address) if mail["X-Postbus-Automatic"]]

    def answered(self, number: int, text: str, *, to: str, **more: Any) -> EmailMessage:
        """The mail that an agent's answer becomes, as the customer has it."""
        answer = self.stack.reply(number, text, key=f"{number} {text}", **more)
        assert answer.status == 202, answer.body

        def found() -> list[EmailMessage]:
            return [mail for mail in self.sent_to(to) if text in text_of(mail)]

        mails = self.stack.until(found, seconds=60, what=f"the answer {text}")
        assert len(mails) == 1
        return mails[0]

    def round_trip(self, address: str, customer: str, subject: str) -> dict[str, Any]:
        """A mail to the address, its receipt, the answer to it, and the customer's; the ticket."""
        self.write(new_mail(subject, sender=f"C <{customer}>", to=address))
        ticket = self.stack.ticket_titled(subject)
        (receipt,) = self.stack.until(lambda: self.receipts_to(customer), what="a receipt")
        assert plain_address(receipt["From"]) == address
        answer = self.answered(ticket["number"], f"About {subject}", to=customer)
        assert plain_address(answer["From"]) == address
        self.write(answer_to(answer, f"Thanks for {subject}"))
        self.stack.until(
            lambda: f"Thanks for {subject}" in inbound(self.stack, ticket["number"]),
            what="the customer's answer",
        )
        assert len(inbound(self.stack, ticket["number"])) == 2
        return ticket

    def stop(self) -> int:
        code = self.stack.stop()
        self.front.stop()
        self.microsoft.stop()
        return code

    def _ask(self, path: str, address: str, **fields: Any) -> Any:
        places = {k: v for k, v in self.microsoft.access.items() if k not in fields}
        return self.stack.api("POST", path, {"address": address, **places, **fields}, admin=True)

    def _mail(self, sent: Sent) -> EmailMessage:
        if id(sent) not in self._read:
            self._read[id(sent)] = read_mail(sent.mime)
        return self._read[id(sent)]


def open_office(
    folder: Path, *, notices: bool = True, module: str = "local", **settings: str
) -> Office:
    """Everything started, by `module`; `notices`: Graph tells of news."""
    microsoft = Microsoft365().start()
    base = free_base()
    front = TlsFront(lambda: [Ports(base).health("ingest-graph")]).start()
    callback = f"http://127.0.0.1:{base}/api/v1/connect/microsoft/callback"
    microsoft.app.redirect_uris = {callback}
    secret = folder / "microsoft.secret"
    secret.write_text(SECRET)
    environment = {
        "MICROSOFT_CLIENT_ID": CLIENT_ID,
        "MICROSOFT_CLIENT_SECRET_FILE": str(secret),
        "MICROSOFT_CA_FILE": str(microsoft.identity.ca_file),
        "TLS_CA_FILE": str(microsoft.graph.ca_file),
        **({"HOOKS_URL": front.url} if notices else {}),
        **settings,
    }
    stack = LocalStack(folder / "home", environment, module, base=base).start()
    assert urlsplit(stack.endpoints["config_api"]).port == base
    return Office(stack, microsoft, front)


def read_mail(mime: bytes) -> EmailMessage:
    mail = message_from_bytes(mime, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return "" if body is None else str(body.get_content())


def inbound(stack: LocalStack, number: int) -> list[str]:
    """Texts that the customer wrote on a ticket."""
    return [m["text"].strip() for m in stack.messages(number) if m["direction"] == "inbound"]


__all__ = ["TENANT", "Office", "inbound", "open_office", "read_mail", "text_of"]
