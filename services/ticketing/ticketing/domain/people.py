"""Who has a part in a ticket, and who has not."""

from collections.abc import Callable
from dataclasses import replace

from postbus.contracts.mail import Address, MailReceived
from postbus.mail.addresses import normalise
from ticketing.domain.model import Ticket

_MOST_PARTICIPANTS = 200

IsOwn = Callable[[str], bool]
"""Whether an address is one of ours, reply addresses included."""


def writers_of(mail: MailReceived) -> frozenset[str]:
    """Who may have written the mail: From, and the customer behind it."""
    return frozenset(normalise(one.address) for one in (mail.customer, mail.from_)) - {""}


def people_of(mail: MailReceived, is_own: IsOwn) -> tuple[str, ...]:
    """The writers of the mail and those it was written to, without ourselves; normalised."""
    others = (one.address for one in (*mail.to, *mail.cc) if not is_own(one.address))
    found = (mail.customer.address, mail.from_.address, *others)
    return tuple(dict.fromkeys(address for one in found if (address := normalise(one))))


def takes_part(ticket: Ticket, address: str) -> bool:
    """Whether a normalised address is the customer or took part before."""
    return address in ticket.participants or address == normalise(ticket.customer.address)


def is_stranger_with_token(mail: MailReceived, ticket: Ticket, is_own: IsOwn) -> bool:
    """Whether the mail found the ticket by our token, and its writer has no part in the ticket.

    A token is no password: whoever a mail is forwarded to has it.
    """
    if mail.stamp is None:
        return False
    return not any(takes_part(ticket, one) or is_own(one) for one in writers_of(mail))


def with_people(ticket: Ticket, people: tuple[str, ...]) -> Ticket:
    """The ticket, with more people who have a part in it; the first two hundred are kept."""
    if set(people) <= set(ticket.participants):
        return ticket
    kept = tuple(dict.fromkeys((*ticket.participants, *people)))[:_MOST_PARTICIPANTS]
    return replace(ticket, participants=kept)


def copied(addresses: tuple[Address, ...]) -> tuple[str, ...]:
    """Those whom an agent wrote to, normalised."""
    return tuple(normalise(one.address) for one in addresses)


def same_people(one: Ticket, other: Ticket) -> bool:
    """Whether the customer of one has a part in the other, so that both may be one matter."""
    return takes_part(one, normalise(other.customer.address)) or takes_part(
        other, normalise(one.customer.address)
    )
