"""A Postbus among robots: its processes in simulated time, what it sent, and what it told."""

import json
import smtplib
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol

from loops.clock import CLOCK_FILE, SimulatedClock
from loops.told import Fact, Told
from loops.up import RELAY
from postbus.bus.topology import TOPOLOGY
from servers.smtp import SmtpServer
from servers.stack import LocalStack

AGENT_SAYS = "A person at the desk wrote this."
"""In every answer of an agent, so that what has it not is automatic, whatever marks were lost."""


@dataclass(frozen=True)
class Letter:
    """A mail on its way to a Postbus, with its envelope."""

    sender: str
    to: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Sent:
    """A mail that a Postbus sent, as the other side got it, by simulated time."""

    at: datetime
    sender: str
    recipients: tuple[str, ...]
    data: bytes = field(repr=False)

    @property
    def mail(self) -> EmailMessage:
        mail = message_from_bytes(self.data, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        return mail

    @property
    def text(self) -> str:
        body = self.mail.get_body(("plain", "html"))
        return "" if body is None else str(body.get_content()).replace("\r\n", "\n")

    @property
    def automatic(self) -> bool:
        return AGENT_SAYS not in self.text


class House(Protocol):
    """What the post needs of a Postbus, by whatever way its mail comes and goes."""

    stack: LocalStack
    services: "Services"

    @property
    def facts(self) -> list[Fact]: ...
    @property
    def outbox(self) -> list[Sent]: ...
    def has(self, address: str) -> bool:
        """Whether mail to an address comes here."""

    def take(self, letter: Letter) -> None:
        """Hand it over; smtplib.SMTPException if it is refused."""

    def is_quiet(self) -> bool:
        """Whether nothing is on its way through the services."""

    def close(self) -> None: ...


class Relay(SmtpServer):
    """Takes all that leaves a Postbus, and notes when."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__()
        self.clock = clock
        self.outbox: list[Sent] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name for it
        answer = await super().handle_DATA(server, session, envelope)
        if answer.startswith("2"):
            to, sender = tuple(envelope.rcpt_tos), envelope.mail_from.strip("<>")
            self.outbox.append(Sent(self.clock.now(), sender, to, envelope.content))
        return answer


class SmtpHouse:
    """Mail comes in by SMTP, and leaves by the relay."""

    def __init__(self, folder: Path, clock: SimulatedClock, clock_file: Path, domain: str) -> None:
        self.domain = domain
        self.relay = Relay(clock)
        self.relay.start()
        environment = surroundings(clock_file, self.relay)
        self.stack = LocalStack(folder / "home", environment, "loops.up").start()
        self.services = Services(self.stack)

    @property
    def facts(self) -> list[Fact]:
        return self.services.told.facts

    @property
    def outbox(self) -> list[Sent]:
        return self.relay.outbox

    def has(self, address: str) -> bool:
        return address.rpartition("@")[2].lower() == self.domain

    def open_queue(self, name: str) -> str:
        """A queue with a creation address of its own, which is given back."""
        address = f"{name}@{self.domain}"
        body = {
            "id": name, "name": name.title(), "colour": "#336699", "kind": "forward",
            "ticket_type": "support", "forward": {"creation_addresses": [address]},
        }  # fmt: skip
        answer = self.stack.api("POST", "inbound-channels", body, admin=True)
        assert answer.status == 201, answer.body
        self.stack.until(lambda: self._takes(address), what=f"mail for {address}")
        return address

    def take(self, letter: Letter) -> None:
        with smtplib.SMTP(*self.stack.address("smtp_in"), timeout=60) as smtp:
            smtp.sendmail(letter.sender, [letter.to], letter.data)

    def is_quiet(self) -> bool:
        return self.services.are_quiet()

    def close(self) -> None:
        self.services.told.close()
        code = self.stack.stop()
        self.relay.stop()
        assert code == 0, "the stack did not stop in order"

    def _takes(self, address: str) -> bool:
        with smtplib.SMTP(*self.stack.address("smtp_in"), timeout=60) as smtp:
            smtp.ehlo()
            smtp.mail("")
            return smtp.rcpt(address)[0] == 250


class Services:
    """The services of a stack, as their consumers and events show what they are doing."""

    def __init__(self, stack: LocalStack) -> None:
        self.told = Told(stack.endpoints["subscriber_nats_url"])
        self._monitor = f"http://127.0.0.1:{stack.base + 7}/jsz?consumers=true&streams=true"

    def are_quiet(self) -> bool:
        """All that was told was heard, and every mail that was to be sent has an end."""
        return self.have_heard_all() and not self.told.on_the_way

    def have_heard_all(self, *, without: str = "") -> bool:
        """Nothing waits in a durable, but of that service, and we heard all that was told, too."""
        heeded = {one.name for one in TOPOLOGY.durables if one.service != without}
        heard = dict(self.told.heard)
        with urllib.request.urlopen(self._monitor, timeout=10) as answer:
            found = json.load(answer)
        for stream in _streams(found):
            for consumer in stream.get("consumer_detail") or ():
                waits = consumer["num_pending"] + consumer["num_ack_pending"]
                if consumer["name"] in heeded and waits:
                    return False
            name, last = stream["name"], stream["state"]["last_seq"]
            if name in self.told.watched and heard.get(name, 0) < last:
                return False
        return True


def _streams(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for account in found.get("account_details") or ():
        yield from account.get("stream_detail") or ()


def surroundings(clock_file: Path, relay: Relay) -> dict[str, str]:
    """The environment of a stack in simulated time."""
    return {
        "PYTHONPATH": "deploy:tests",
        CLOCK_FILE: str(clock_file),
        RELAY: f"127.0.0.1:{relay.port}",
    }
