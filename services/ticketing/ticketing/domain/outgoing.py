"""The mail that goes out for a ticket: an agent's answer or a receipt, and the request to send it.

All that makes Postbus send something is in here, so what does not import it cannot.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from postbus.contracts.base import BlobRef
from postbus.contracts.guard import Cause, SendKind
from postbus.contracts.mail import Address, Attachment
from postbus.contracts.sending import Quote, SendRequested, SendState
from postbus.mail.addresses import with_ascii_domain
from ticketing.domain.facts import fact_of
from ticketing.domain.model import Delivery, Direction, Fact, Message, Ticket

SEND_REQUESTED = "postbus.send.requested"
_MOST_REFERENCES = 10
_MOST_SUBJECT = 250
_MOST_QUOTED = 20_000
_MOST_EARLIER = 60_000
"""Characters of one quote, and of all earlier ones together."""
_REPLY_PREFIX = re.compile(
    r"^\s*(re|aw|antw|sv|vs|odp|ynt|rif|r)\s*(\[\d+\])?\s*:\s*", re.IGNORECASE
)


@dataclass(frozen=True)
class Letter:
    """What is to be said, to whom, by whom; without `subject` as an answer to the ticket's.

    `channel` is the inbound channel that it is an answer of; without one that of the ticket.
    """

    send_id: str
    kind: SendKind
    to: tuple[Address, ...]
    text: str
    stamp: str
    sender: Address
    cc: tuple[Address, ...] = ()
    html: str | None = None
    content: BlobRef | None = None
    attachments: tuple[Attachment, ...] = ()
    answers: Message | None = None
    earlier: tuple[Message, ...] = ()
    cause: Cause | None = None
    by: str = ""
    subject: str | None = None
    language: str | None = None
    channel: str | None = None


def reply_subject(title: str) -> str:
    """`Re: ` once, whatever prefixes the subject collected (RFC 5322 §3.6.5)."""
    bare = title
    while (stripped := _REPLY_PREFIX.sub("", bare, count=1)) != bare:
        bare = stripped
    return f"Re: {bare}".strip()


def kept_references(parent: Message | None) -> tuple[str, ...]:
    """References of an answer (RFC 5322 §3.6.4), kept to ten: the first and the nearest nine."""
    if parent is None or parent.message_id is None:
        return ()
    chain = tuple(dict.fromkeys((*parent.references, parent.message_id)))
    if len(chain) <= _MOST_REFERENCES:
        return chain
    return (chain[0], *chain[-(_MOST_REFERENCES - 1) :])


def message_id_of(letter: Letter, sender_address: str) -> str:
    """The Message-ID, fixed for ever: it carries the stamp, and is unique per message.

    Its domain is in ASCII, as all of an id must be (RFC 5322 §3.6.4).
    """
    unique = hashlib.sha256(letter.send_id.encode()).hexdigest()[:16]
    domain = with_ascii_domain(sender_address).rpartition("@")[2]
    return f"pb.{letter.stamp}.{unique}@{domain}"


def request_of(letter: Letter, ticket: Ticket, *, now: datetime) -> SendRequested:
    """The request to send it."""
    return SendRequested(
        send_id=letter.send_id,
        ticket_number=ticket.number,
        queue=ticket.queue,
        channel=letter.channel or ticket.channel,
        kind=letter.kind,
        automatic=letter.kind is not SendKind.AGENT_REPLY,
        reply_address=letter.sender,
        meant_for=letter.answers.meant_for if letter.answers else None,
        message_id=message_id_of(letter, letter.sender.address),
        stamp=letter.stamp,
        in_reply_to=letter.answers.message_id if letter.answers else None,
        references=kept_references(letter.answers),
        to=letter.to,
        cc=letter.cc,
        subject=_subject(letter) or reply_subject(ticket.title),
        text=letter.text,
        html=letter.html,
        content=letter.content,
        quote=_quote(letter),
        earlier=_earlier(letter),
        language=letter.language,
        attachments=letter.attachments,
        cause=letter.cause,
        requested_by=letter.by,
        requested_at=now,
    )


def notification_of(
    ticket: Ticket,
    *,
    send_id: str,
    to: Address,
    sender: Address,
    subject: str,
    text: str,
    language: str,
    stamp: str,
    cause: Cause | None,
    now: datetime,
) -> SendRequested:
    """The request to tell an agent what happened; it answers no mail, so that no thread joins it.

    Without a `cause` a person caused it.
    """
    letter = Letter(
        send_id=send_id,
        kind=SendKind.NOTIFICATION,
        to=(to,),
        text=text,
        stamp=stamp,
        sender=sender,
        cause=cause,
        language=language,
    )
    return request_of(letter, ticket, now=now).model_copy(update={"subject": subject})


def send_requested(ticket: Ticket, request: SendRequested) -> Fact:
    """`postbus.send.requested.<queue>`"""
    return fact_of(SEND_REQUESTED, ticket.queue, ticket, request, cause=request.send_id)


def message_of(
    request: SendRequested, ticket_id: str, *, request_digest: str | None = None
) -> Message:
    """The message as ticketing keeps it: all of it follows from the request."""
    return Message(
        id=request.send_id,
        ticket_id=ticket_id,
        direction=Direction.OUTBOUND,
        automatic=request.automatic,
        sender=request.reply_address,
        to=request.to,
        cc=request.cc,
        subject=request.subject,
        text=request.text,
        full_text=request.text,
        html=request.html,
        content=request.content,
        created_at=request.requested_at,
        attachments=request.attachments,
        message_id=request.message_id,
        references=request.references,
        kind=request.kind,
        delivery=Delivery(SendState.REQUESTED, at=request.requested_at),
        request_digest=request_digest,
        by=request.requested_by,
    )


def _subject(letter: Letter) -> str:
    """In one line; RFC 5322 §2.1.1 has a limit for lines, people for subjects."""
    return " ".join((letter.subject or "").split())[:_MOST_SUBJECT]


def _quote(letter: Letter) -> Quote | None:
    """What an agent answers stands below the answer; automatic mail repeats nothing."""
    answered = letter.answers
    if answered is None or letter.kind is not SendKind.AGENT_REPLY:
        return None
    return _quote_of(answered)


def _earlier(letter: Letter) -> tuple[Quote, ...]:
    """What was said before that, as far as an event has room."""
    found: list[Quote] = []
    if _quote(letter) is None:
        return ()
    left = _MOST_EARLIER
    for message in letter.earlier:
        quote = _quote_of(message)
        left -= len(quote.text)
        if left < 0:
            break
        found.append(quote)
    return tuple(found)


def _quote_of(message: Message) -> Quote:
    text = message.text[:_MOST_QUOTED]
    return Quote(author=message.sender, written_at=message.created_at, text=text)
