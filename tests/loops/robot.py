"""What every adversary is: somebody who writes to a Postbus, and again because of its mail."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage

from loops.house import AGENT_SAYS, House, Letter, Sent
from servers.customer import new_mail, plain_address

Planned = tuple[timedelta, Letter]
"""A letter, and how long after what caused it the robot hands it over."""
SOON = timedelta(seconds=5)


@dataclass
class Robot:
    """Writes once to `to`, as a person would, and says nothing more.

    `letters_at_once` are handed over before anybody looks what became of them; `hours` is how long
    it is watched.
    """

    to: str
    address: str = "kim@robots.example"
    hours: float = 24
    letters_at_once: int = 1

    def begins(self) -> Iterator[Planned]:
        """What it writes by itself, timed from the beginning."""
        yield timedelta(), letter(self.first(), self.address)

    def first(self) -> EmailMessage:
        """The mail of a person that opens the ticket."""
        text = "The printer on the second floor is on fire.\nCan you help?\n\nKim"
        return new_mail("Printer on fire", text, sender=f"Kim <{self.address}>", to=self.to)

    def is_expected(self, house: House) -> None:
        """What is set up before it begins."""

    def ticket_is_there(self, house: House, number: int) -> None:
        """What people at the desk do as soon as the first ticket is there."""

    def carried(self, sent: Sent, to: str) -> Letter:
        """A mail from one Postbus to another, as the servers between them carry it."""
        return Letter(sent.sender, to, sent.data)

    def answers(self, sent: Sent) -> Iterator[Planned]:
        """What it writes because of a mail of ours, timed from when it got that."""
        yield from ()


def letter(mail: EmailMessage, sender: str) -> Letter:
    """The mail in its envelope; `sender` is MAIL FROM, empty for `<>`."""
    return Letter(sender, plain_address(str(mail["To"])), mail.as_bytes())


def agent_answers(house: House, number: int) -> None:
    """An agent answers the customer of a ticket."""
    answer = house.stack.reply(number, f"{AGENT_SAYS}\nIt is out now.", key=uuid.uuid4().hex)
    assert answer.status == 202, answer.body


def reply_address(mail: EmailMessage) -> str:
    """Where a mail program sends an answer (RFC 5322 §3.6.2)."""
    return plain_address(str(mail["Reply-To"] or mail["From"]))


def in_thread(mail: EmailMessage, parent: EmailMessage) -> EmailMessage:
    """The mail as an answer to another one (RFC 5322 §3.6.4)."""
    its_id = str(parent["Message-ID"]).strip()
    mail["In-Reply-To"] = its_id
    mail["References"] = f"{parent.get('References', '')} {its_id}".strip()
    return mail
