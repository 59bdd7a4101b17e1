"""When a mail is one of very many that say the same, and of which ticket."""

from dataclasses import replace
from datetime import timedelta

import pytest

from doubles.mails import NOW, mail_received
from postbus.contracts.configuration import LoopLimits
from postbus.contracts.mail import MailReceived
from postbus.contracts.tickets import CustomerRef, TicketStatus
from ticketing.domain.filing import message_of, ticket_of
from ticketing.domain.folding import Came, alike, is_burst
from ticketing.domain.model import Ticket

LONG = "The disk of the server in the cellar is nearly full, please make room."


def ticket(subject: str = "Disk full", text: str = LONG, *, ago: float = 1, n: int = 1) -> Ticket:
    mail = mail_received(f"m{n}", subject=subject, text=text)
    customer = CustomerRef(id="c", name="Anna", address="anna@example.com")
    message = message_of(mail, f"t{n}", NOW - timedelta(minutes=ago))
    return ticket_of(mail, message, number=n, customer=customer, people=())


def alert(subject: str = "Disk full", text: str = LONG, **fields: str) -> MailReceived:
    return mail_received("new", subject=subject, text=text, **fields)


@pytest.mark.parametrize(
    ("mail", "known", "folds"),
    [
        (alert(), ticket(), True),
        (alert(text="Other words."), ticket(), True),
        (alert("RE: disk FULL"), ticket(), True),
        (alert("Another subject"), ticket(), True),
        (alert("Another subject", f"  {LONG} "), ticket(), True),
        (alert("Disk full 17"), ticket("Disk full 18", "x"), False),
        (alert("Another subject", "Call me"), ticket(text="Call me"), False),
        (alert("", "x"), ticket("", "y"), False),
        (alert(), ticket(ago=59.9), True),
        (alert(), ticket(ago=60), False),
        (alert(queue="sales"), ticket(), False),
        (alert(), replace(ticket(), status=TicketStatus.CLOSED), False),
        (alert(), replace(ticket(), status=TicketStatus.SOLVED), True),
        (alert(), replace(ticket(), merged_into=9), False),
    ],
)
def test_a_mail_repeats_a_ticket_by_subject_or_by_many_words(
    mail: MailReceived, known: Ticket, *, folds: bool
) -> None:
    assert (alike(mail, [known], now=NOW) is known) is folds


def test_the_newest_of_several_is_gone_on_with() -> None:
    newest = [ticket("Other", "x", n=3), ticket(n=2), ticket(n=1)]
    found = alike(alert(), newest, now=NOW)
    assert found is newest[1]


@pytest.mark.parametrize(
    ("ten_minutes", "hour", "burst"),
    [(8, 8, False), (9, 9, True), (0, 23, False), (0, 24, True), (200, 500, True)],
)
def test_a_burst_is_ten_in_ten_minutes_or_25_in_an_hour(
    ten_minutes: int, hour: int, *, burst: bool
) -> None:
    assert is_burst(Came(ten_minutes, hour), LoopLimits()) is burst
