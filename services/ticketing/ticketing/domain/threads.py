"""Which ticket a mail belongs to: a signed stamp first, then the ids that mails claim.

Every mail claims the ids in its Message-ID, In-Reply-To and References for its ticket; the first
claim wins. So an answer that arrives before the mail it answers still meets it on one ticket.
Claims count within a queue: mail to two queues makes two tickets on purpose.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from postbus.contracts.base import derived_id
from postbus.contracts.mail import MailReceived

_MOST_REFERENCES = 50
_OPENING_TAKES_AT_MOST = timedelta(seconds=60)


@dataclass(frozen=True)
class Claim:
    """A ticket that claimed an id, and when."""

    ticket_id: str
    at: datetime


@dataclass(frozen=True)
class Thread:
    """The ticket of a mail, and the claims to make for it.

    `missing` are unclaimed; `strays` are claims that an earlier, lost race of this very mail left
    on a ticket that was never opened. `claimed_at` is set where somebody else's claim decided.
    """

    ticket_id: str
    missing: tuple[str, ...]
    strays: tuple[str, ...] = ()
    claimed_at: datetime | None = None

    def is_being_opened(self, *, now: datetime) -> bool:
        """Another mail claimed the ids a moment ago and has not opened its ticket yet.

        That claim may still move, so joining it now could split a thread. After a minute its holder
        is dead, and whoever comes opens the ticket in its place.
        """
        return self.claimed_at is not None and now - self.claimed_at < _OPENING_TAKES_AT_MOST


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
    keys = claim_keys(mail)
    return keys[0] if mail.stamp is None and len(keys) == 1 else None


def own_ticket_id(mail: MailReceived) -> str:
    """The id of the ticket that this mail opens, if it opens one; the same on every delivery."""
    return derived_id("ticket", mail.queue, mail.mail_id)


def thread_of(
    mail: MailReceived, claims: Mapping[str, Claim], *, stamped_ticket_id: str | None
) -> Thread:
    """The ticket that the mail belongs to, given what its ids are claimed for.

    Where several tickets claim its ids, the one its own Message-ID is claimed for wins, then the
    direct parent's, then the nearest reference's.
    """
    keys = claim_keys(mail)
    own = own_ticket_id(mail)
    missing = tuple(k for k in keys if k not in claims)
    if stamped_ticket_id is not None:
        return Thread(stamped_ticket_id, missing, _strays(keys, claims, own, stamped_ticket_id))
    in_order = (*keys[:1], *_parents(mail), *reversed(keys[1:]))
    others = [claims[k] for k in in_order if k in claims and claims[k].ticket_id != own]
    if not others:
        return Thread(own, missing)
    chosen = others[0]
    strays = _strays(keys, claims, own, chosen.ticket_id)
    return Thread(chosen.ticket_id, missing, strays, chosen.at)


def _parents(mail: MailReceived) -> tuple[str, ...]:
    return tuple(claim_key(mail.queue, i) for i in mail.in_reply_to)


def _strays(
    keys: tuple[str, ...], claims: Mapping[str, Claim], own: str, chosen: str
) -> tuple[str, ...]:
    if own == chosen:
        return ()
    return tuple(key for key in keys if key in claims and claims[key].ticket_id == own)
