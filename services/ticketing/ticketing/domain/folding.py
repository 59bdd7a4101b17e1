"""Very much mail of one sender: what repeats itself goes on one ticket, and not on hundreds (L14).

Only while the sender writes as often as the loop guard calls a burst, and only where subject or
words are the same: five hundred different alerts are as many matters. They are all tickets; those
beyond very many have a tag by which agents can leave them out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postbus.contracts.configuration import LoopLimits
from postbus.contracts.mail import MailReceived
from postbus.contracts.tickets import TicketStatus
from postbus.mail.fingerprint import FEW_WORDS
from postbus.mail.subjects import stripped_subject
from ticketing.domain.filing import description_of
from ticketing.domain.model import Ticket

TEN_MINUTES, HOUR = timedelta(minutes=10), timedelta(hours=1)
WORTH_A_LOOK = 3
"""Mails of a sender within an hour that one process saw; its replicas see the others."""
NEWEST = 30
"""So many tickets of a customer are looked at; a burst that says the same has one among them."""


@dataclass(frozen=True)
class Came:
    """How many mails came on some tickets before this one, back from now."""

    ten_minutes: int
    hour: int


def alike(mail: MailReceived, newest: Sequence[Ticket], *, now: datetime) -> Ticket | None:
    """The newest ticket of the sender in the queue that the mail repeats; None: it is new.

    ``newest`` are tickets of the customer, the newest first. A ticket that nobody wrote on for an
    hour, or that is closed, is not gone on with.
    """
    for ticket in of_the_hour(mail, newest, now=now):
        if ticket.status is not TicketStatus.CLOSED and _repeats(mail, ticket):
            return ticket
    return None


def of_the_hour(
    mail: MailReceived, newest: Sequence[Ticket], *, now: datetime
) -> tuple[Ticket, ...]:
    """Those in the mail's queue on which something happened within an hour."""
    return tuple(
        one
        for one in newest
        if one.queue == mail.queue and one.merged_into is None and now - one.updated_at < HOUR
    )


def is_burst(came: Came, limits: LoopLimits) -> bool:
    """Whether this mail is the tenth in ten minutes, or the 25th in an hour, or a later one."""
    return (
        came.ten_minutes + 1 >= limits.incoming_ten_minutes or came.hour + 1 >= limits.incoming_hour
    )


def _repeats(mail: MailReceived, ticket: Ticket) -> bool:
    about = stripped_subject(mail.subject).casefold()
    if about and about == stripped_subject(ticket.title).casefold():
        return True
    words = description_of(mail).split()
    return len(words) >= FEW_WORDS and words == ticket.description.split()
