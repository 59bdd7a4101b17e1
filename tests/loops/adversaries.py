"""The robots of customers: responders, echoes, forwarders, and other ticket systems."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

from loops.house import House, Letter, Sent
from loops.robot import SOON, Planned, Robot, agent_answers, in_thread, letter, reply_address
from servers.customer import new_mail, plain_address

_NOTE = "Thank you for your mail. I am away until 14 December and do not read my mail.\n\nKim"


@dataclass
class PoliteVacation(Robot):
    """A vacation responder by RFC 3834 and RFC 5230: marked, once, and never to automatic mail."""

    told: set[str] = field(default_factory=set)

    def ticket_is_there(self, house: House, number: int) -> None:
        agent_answers(house, number)

    def answers(self, sent: Sent) -> Iterator[Planned]:
        mail = sent.mail
        robot = str(mail.get("Auto-Submitted", "no")) != "no" or mail["Precedence"] is not None
        if robot or not sent.sender or sent.sender in self.told:
            return
        self.told.add(sent.sender)
        note = new_mail(
            f"Auto: {mail['Subject']}", _NOTE, sender=self.address, to=sent.sender,
            Auto_Submitted="auto-replied (vacation)",
        )  # fmt: skip
        yield SOON, letter(in_thread(note, mail), "")


@dataclass
class RudeVacation(Robot):
    """A responder that ignores RFC 3834: answers everything, every time, and marks nothing."""

    def ticket_is_there(self, house: House, number: int) -> None:
        agent_answers(house, number)

    def answers(self, sent: Sent) -> Iterator[Planned]:
        note = new_mail(
            f"Re: {sent.mail['Subject']}", _NOTE, sender=self.address, to=reply_address(sent.mail)
        )
        yield SOON, letter(in_thread(note, sent.mail), self.address)


@dataclass
class Echo(Robot):
    """Returns the text of what it gets, with no header of it, new subject and Message-ID."""

    def next_address(self) -> str:
        """Whom the next mail is from."""
        return self.address

    def says(self, sent: Sent) -> str:
        """What it writes because of a mail."""
        return sent.text

    def answers(self, sent: Sent) -> Iterator[Planned]:
        sender = self.next_address()
        mail = new_mail(own_words(4), self.says(sent), sender=sender, to=self.to)
        yield SOON, letter(mail, sender)


@dataclass
class Rewriter(Echo):
    """An echo that writes words of its own, so that nothing of ours is in what it sends."""

    def says(self, sent: Sent) -> str:
        return own_words()


@dataclass
class Stubborn(Rewriter):
    """The same, and it writes again every few minutes whether or not it was answered."""

    every: timedelta = timedelta(minutes=10)

    def begins(self) -> Iterator[Planned]:
        for number in range(int(timedelta(hours=self.hours) / self.every)):
            mail = new_mail(own_words(4), own_words(), sender=self.address, to=self.to)
            yield number * self.every, letter(mail, self.address)


@dataclass
class Shifting(Echo):
    """An echo that writes from a new address each time."""

    def next_address(self) -> str:
        return f"{uuid.uuid4().hex[:10]}@robots.example"


@dataclass
class ShiftingUnsigned(Shifting):
    """The same, and it cuts off what stands below the line of a signature, where our mark is."""

    def says(self, sent: Sent) -> str:
        return sent.text.partition("\n-- \n")[0]


@dataclass
class ShiftingRewriter(Shifting):
    """The worst there is: no address, header, subject or word ever comes again."""

    def says(self, sent: Sent) -> str:
        return own_words()


@dataclass
class PatientStranger(ShiftingRewriter):
    """The same, and it takes its time, so that no ten minutes have more than forty of its mails."""

    def answers(self, sent: Sent) -> Iterator[Planned]:
        for _, answer in super().answers(sent):
            yield timedelta(seconds=15), answer


@dataclass
class AnswersElsewhere(Rewriter):
    """Gets mail at one address and answers from another, which leads to the same robot."""

    def next_address(self) -> str:
        return f"other-{self.address}"


@dataclass
class Redirector(Robot):
    """An alias or a rule that sends all mail on to our own address, as it is (RFC 5321 §3.9.1)."""

    def ticket_is_there(self, house: House, number: int) -> None:
        agent_answers(house, number)

    def answers(self, sent: Sent) -> Iterator[Planned]:
        trace = f"Received: by mx.robots.example; {sent.mail['Date']}\r\n".encode()
        yield SOON, Letter(sent.sender or self.address, self.to, trace + sent.data)


@dataclass
class Forwarder(Robot):
    """A mail program that forwards all mail to our own address, as a mail of its own."""

    def ticket_is_there(self, house: House, number: int) -> None:
        agent_answers(house, number)

    def answers(self, sent: Sent) -> Iterator[Planned]:
        was = sent.mail
        head = "\n".join(f"{name}: {was[name]}" for name in ("From", "Date", "Subject", "To"))
        text = f"---------- Forwarded message ---------\n{head}\n\n{sent.text}"
        mail = new_mail(f"Fwd: {was['Subject']}", text, sender=self.address, to=self.to)
        yield SOON, letter(mail, self.address)


@dataclass
class MailingList(Robot):
    """A list that has our address as a member, and sends answers to all (RFC 2369, RFC 2919)."""

    address: str = "users@lists.example"

    def begins(self) -> Iterator[Planned]:
        post = new_mail("Meeting on Friday", "Who comes?", sender="ann@members.example",
                        to=self.address)  # fmt: skip
        yield timedelta(), self._distributed(post)

    def ticket_is_there(self, house: House, number: int) -> None:
        agent_answers(house, number)

    def answers(self, sent: Sent) -> Iterator[Planned]:
        # What is for a member reaches the list, too: members answer to all.
        yield SOON, self._distributed(sent.mail)

    def _distributed(self, mail: EmailMessage) -> Letter:
        del mail["Reply-To"]
        mail["Reply-To"] = self.address
        mail["List-Id"] = "Users <users.lists.example>"
        mail["List-Post"] = f"<mailto:{self.address}>"
        mail["List-Unsubscribe"] = "<https://lists.example/users>"
        del mail["Precedence"]
        mail["Precedence"] = "list"
        return Letter("users-bounces@lists.example", self.to, mail.as_bytes())


@dataclass
class OtherTicketSystem(Robot):
    """Opens a ticket for every mail and confirms it, unmarked, outside the thread."""

    address: str = "helpdesk@other.example"
    tickets: int = 100

    def ticket_is_there(self, house: House, number: int) -> None:
        agent_answers(house, number)

    def answers(self, sent: Sent) -> Iterator[Planned]:
        self.tickets += 1
        text = (
            f"Dear customer,\n\nyour request has been received and is case {self.tickets}.\n"
            "An employee will contact you within two working days.\n\nYour helpdesk"
        )
        subject = f"[Case {self.tickets}] Your request has been received"
        receipt = new_mail(
            subject, text, sender=self.address, to=plain_address(str(sent.mail["From"]))
        )
        yield SOON, letter(receipt, self.address)


@dataclass
class Bouncing(Robot):
    """An address that does not exist, at a server that bounces even what has no return path."""

    def answers(self, sent: Sent) -> Iterator[Planned]:
        yield SOON, bounce_of(sent, self.address)


@dataclass
class Aliases(Robot):
    """Two queues of ours that write to one another over two aliases outside.

    Each alias writes the mail anew, in words and with headers of its own, from the other alias.
    """

    other_queue: str = ""

    def answers(self, sent: Sent) -> Iterator[Planned]:
        from_first = plain_address(str(sent.mail["From"])) == self.to
        to, by = (self.other_queue, "two") if from_first else (self.to, "one")
        sender = f"alias-{by}-{self.address}"
        yield SOON, letter(new_mail(own_words(4), own_words(), sender=sender, to=to), sender)


@dataclass
class MarksLost(Robot):
    """Between two Postbuses every header and Message-ID of ours gets lost, as in some gateways."""

    def carried(self, sent: Sent, to: str) -> Letter:
        was = sent.mail
        sender = plain_address(str(was["From"]))
        mail = new_mail(str(was["Subject"]), sent.text, sender=str(was["From"]), to=to)
        return letter(mail, sender)


def bounce_of(sent: Sent, address: str) -> Letter:
    """A report of failure with the headers of what could not be delivered (RFC 3464)."""
    returned = sent.mail
    headers = "".join(f"{name}: {value}\n" for name, value in returned.items())
    to = reply_address(returned)
    report = (
        f"From: Mail Delivery System <MAILER-DAEMON@robots.example>\nTo: {to}\n"
        "Subject: Undelivered Mail Returned to Sender\n"
        f"Message-ID: <{uuid.uuid4()}@robots.example>\n"
        f"Date: {returned['Date']}\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"\n\n'
        f"--=_b\n\n<{address}>: host mx.robots.example said: 550 5.1.1 User unknown\n"
        "--=_b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.robots.example\n\n"
        f"Final-Recipient: rfc822; {address}\nAction: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown\n"
        f"--=_b\nContent-Type: text/rfc822-headers\n\n{headers}\n--=_b--\n"
    )
    as_mail = message_from_bytes(report.encode(), policy=policy.SMTP)
    return Letter("", to, as_mail.as_bytes())


_SYLLABLES = [first + vowel for first in "bdfgklmnprstvz" for vowel in "aeiou"]
_CHANCE = random.Random(2026)
"""Each run is the same."""


def own_words(count: int = 24) -> str:
    """A text that nobody wrote before, nor one like it."""
    words = ("".join(_CHANCE.choices(_SYLLABLES, k=_CHANCE.randint(2, 4))) for _ in range(count))
    return " ".join(words).capitalize()
