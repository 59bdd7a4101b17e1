"""Which ticket a mail belongs to: a signed stamp first, then the ids that mails claim.

Every mail claims the ids in its Message-ID, In-Reply-To and References for its ticket; the first
claim wins. So an answer that arrives before the mail it answers still meets it on one ticket.
Claims count within a queue: mail to two queues makes two tickets on purpose.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from postbus.contracts.base import derived_id
from postbus.contracts.mail import MailReceived

_MOST_REFERENCES = 50


@dataclass(frozen=True)
class Thread:
    """The ticket of a mail, and the claims to make for it.

    `missing` are unclaimed; `strays` are claims that an earlier, lost race of this very mail left
    on a ticket that was never opened.
    """

    ticket_id: str
    missing: tuple[str, ...]
    strays: tuple[str, ...] = ()


def claim_key(queue: str, message_id: str) -> str:
    """The key under which a queue claims a Message-ID."""
    return f"{queue}|{message_id}"


def claim_keys(mail: MailReceived) -> tuple[str, ...]:
    """All ids that the mail claims, its own first."""
    own = (mail.message_id,) if mail.message_id else ()
    ids = (*own, *mail.in_reply_to, *mail.references[-_MOST_REFERENCES:])
    return tuple(dict.fromkeys(claim_key(mail.queue, i) for i in ids))


def own_ticket_id(mail: MailReceived) -> str:
    """The id of the ticket that this mail opens, if it opens one; the same on every delivery."""
    return derived_id("ticket", mail.queue, mail.mail_id)


def thread_of(
    mail: MailReceived, claims: Mapping[str, str], *, stamped_ticket_id: str | None
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
    others = [claims[k] for k in in_order if k in claims and claims[k] != own]
    if not others:
        return Thread(own, missing)
    return Thread(others[0], missing, _strays(keys, claims, own, others[0]))


def _parents(mail: MailReceived) -> tuple[str, ...]:
    return tuple(claim_key(mail.queue, i) for i in mail.in_reply_to)


def _strays(
    keys: tuple[str, ...], claims: Mapping[str, str], own: str, chosen: str
) -> tuple[str, ...]:
    return tuple(k for k in keys if claims.get(k) == own and own != chosen)
