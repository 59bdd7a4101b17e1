"""Where a mail belongs: a signed stamp first, then the ids that mails claim, then a hint.

Every mail claims the ids in its Message-ID, In-Reply-To and References for its ticket; the first
claim wins. So an answer that arrives before the mail it answers still meets it on one ticket, and a
mail whose ids are claimed for several tickets shows that they are one.
Claims count within a queue: mail to two queues makes two tickets on purpose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postbus.contracts.base import derived_id
from postbus.contracts.mail import MailKind, MailReceived
from postbus.contracts.tickets import TicketStatus
from postbus.mail.subjects import numbers_in
from ticketing.domain.model import Ticket
from ticketing.domain.people import same_people, takes_part, writers_of

OPENING_TAKES_AT_MOST = timedelta(seconds=60)
"""After this a ticket that was to be opened and is not there is taken for given up."""

_MOST_REFERENCES = 50


@dataclass(frozen=True)
class Claim:
    """A ticket that claimed an id, and when."""

    ticket_id: str
    at: datetime


@dataclass(frozen=True)
class Place:
    """The ticket of a mail, and the claims to make for it.

    `ticket` is None where it is to be opened. `missing` are unclaimed keys; `strays` are claims, by
    the ticket that was never opened, of a race that this mail lost or of a holder that died. `same`
    are tickets that the mail shows to be the same matter, `others` those it refers to all the same.
    `waits` says that another mail claimed an id a moment ago and has not opened its ticket yet;
    joining now could split a thread, for that claim may still move.
    """

    ticket_id: str
    ticket: Ticket | None = None
    missing: tuple[str, ...] = ()
    strays: Mapping[str, tuple[str, ...]] | None = None
    same: tuple[Ticket, ...] = ()
    others: tuple[Ticket, ...] = ()
    waits: bool = False


def claim_key(queue: str, message_id: str) -> str:
    """The key under which a queue claims a Message-ID."""
    return f"{queue}|{message_id}"


def claim_keys(mail: MailReceived) -> tuple[str, ...]:
    """All ids that the mail claims, its own first."""
    own = (mail.message_id,) if mail.message_id else ()
    ids = (*own, *mail.in_reply_to, *mail.references[-_MOST_REFERENCES:])
    return tuple(dict.fromkeys(claim_key(mail.queue, i) for i in ids))


def only_key(mail: MailReceived) -> str | None:
    """The one id on which it depends where the mail belongs, or None where more has a say.

    Such a mail opens a ticket if it is the first to claim that id, and there is nothing to look up.
    """
    more = mail.stamp is not None or mail.kind is MailKind.BOUNCE or mail.reread_at is not None
    if more or "[#" in mail.subject:
        return None
    keys = claim_keys(mail)
    return keys[0] if len(keys) == 1 else None


def own_ticket_id(mail: MailReceived) -> str:
    """The id of the ticket that this mail opens, if it opens one; the same on every delivery."""
    return derived_id("ticket", mail.queue, mail.mail_id)


def place_of(
    mail: MailReceived,
    claims: Mapping[str, Claim],
    tickets: Mapping[str, Ticket],
    *,
    anchor: Ticket | None,
    now: datetime,
    parties: frozenset[str] | None = None,
) -> Place:
    """The place of a mail.

    ``claims`` are those of its keys, ``tickets`` the open ends of what they are claimed for: by the
    id in the claim, the ticket that it is part of now. ``anchor`` is the ticket of its stamp.
    ``parties`` are those whose mail it is, if not its writers'.

    Of several tickets the one of the stamp wins, then the one that its own Message-ID is claimed
    for, then the direct parent's, then the nearest reference's.
    """
    keys, own = claim_keys(mail), own_ticket_id(mail)
    in_order = tuple(dict.fromkeys((*keys[:1], *_parents(mail), *reversed(keys))))
    holders = [claims[key] for key in in_order if key in claims]
    there = [tickets[one.ticket_id] for one in holders if one.ticket_id in tickets]
    if mail.message_id is None and own in tickets:
        there = [tickets[own], *there]  # nothing that it claims says so
    absent = [one for one in holders if one.ticket_id not in (*tickets, own)]
    missing = tuple(key for key in keys if key not in claims)
    waits = any(now - one.at < OPENING_TAKES_AT_MOST for one in absent)
    found = tuple({one.id: one for one in ((anchor,) if anchor else ()) + tuple(there)}.values())
    if not found:
        chosen = absent[0].ticket_id if absent else own
        return Place(chosen, None, missing, _strays(keys, claims, {}, chosen), waits=waits)
    first, *rest = found
    who = writers_of(mail) if parties is None else parties
    same = tuple(one for one in rest if _is_same_matter(mail, first, one, who))
    others = tuple(one for one in rest if one not in same and not one.is_kin_of(first))
    strays = _strays(keys, claims, tickets, first.id)
    return Place(first.id, first, missing, strays, same, others, waits)


def hinted(mail: MailReceived, place: Place) -> tuple[int, ...]:
    """Ticket numbers in the subject, where nothing better says where the mail belongs."""
    return () if place.ticket is not None or place.waits else numbers_in(mail.subject)


def accepts_hint(mail: MailReceived, ticket: Ticket) -> bool:
    """A number in the subject counts for the ticket's own people and queue only.

    Anybody can write a number, and other systems write numbers of their own.
    """
    people = any(takes_part(ticket, one) for one in writers_of(mail))
    return people and ticket.channel == mail.channel


def by_age(tickets: Sequence[Ticket]) -> list[Ticket]:
    """The eldest first."""
    return sorted(tickets, key=lambda ticket: ticket.number)


def _is_same_matter(
    mail: MailReceived, one: Ticket, other: Ticket, parties: frozenset[str]
) -> bool:
    """Whether a mail that refers to both may make one ticket of them.

    What an agent closed or moved to another queue, or what was opened as a follow-up on purpose,
    stays apart; and so do the tickets of other people, or else a stranger could join them. What an
    import closed nobody decided to close.
    """
    return (
        mail.kind is not MailKind.BOUNCE
        and one.queue == other.queue
        and not any(x.status is TicketStatus.CLOSED and not x.history for x in (one, other))
        and not one.is_kin_of(other)
        and same_people(one, other)
        and any(takes_part(ticket, who) for who in parties for ticket in (one, other))
    )


def _parents(mail: MailReceived) -> tuple[str, ...]:
    return tuple(claim_key(mail.queue, i) for i in mail.in_reply_to)


def _strays(
    keys: tuple[str, ...],
    claims: Mapping[str, Claim],
    tickets: Mapping[str, Ticket],
    chosen: str,
) -> dict[str, tuple[str, ...]]:
    """Keys by the ticket that they are claimed for and that is not there."""
    found: dict[str, tuple[str, ...]] = {}
    for key in keys:
        holder = claims[key].ticket_id if key in claims else chosen
        if holder not in tickets and holder != chosen:
            found[holder] = (*found.get(holder, ()), key)
    return found
