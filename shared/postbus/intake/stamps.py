"""Where a stamp may stand in a mail that comes in: one of ours, or one of another installation."""

import re
from collections.abc import Callable, Iterator, Sequence

from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mail import OtherStamp, OwnStamp
from postbus.mail.addresses import normalise, plus_tag
from postbus.mail.parsed import ParsedMail
from postbus.tokens import Stamp, StampKind, read_unverified

Find = Callable[[str], list[Stamp]]
"""Gives the verified stamps of a text, in order."""

_BODY_CHARACTERS = 256 * 1024
"""A stamp stands near the top of a quote; a text of megabytes is not searched to its end."""


def find_stamp(
    parsed: ParsedMail, recipients: Sequence[str], *, channel: InboundChannel, find: Find
) -> OwnStamp | None:
    """The stamp in the place that is trusted most; None if the mail has none.

    1. `header`: our own header field or the mail's own Message-ID, which only we write.
    2. `recipient`: where the mail was really delivered to, the envelope.
    3. `references`: the ids that are answered, the newest first; programs set them by themselves.
    4. `recipient` again: To and Cc. A forwarded mail has its reply address only there. People
       choose what stands in them, from old mails and address books too, so they come after the ids
       and count only for an address of this very channel, and if they all name one ticket.
    5. `body`: the first, since the last is that of the oldest quote.
    """
    for found_in, stamp in _stamps(parsed, recipients, channel=channel, find=find):
        return OwnStamp(
            ticket_number=stamp.ticket_number,
            kind=stamp.kind.slug,
            hop=stamp.hop,
            found_in=found_in,
        )
    return None


_OUR_MESSAGE_ID = re.compile(r"pb\.([a-z2-7]{32})\.[0-9a-f]{16}@", re.IGNORECASE)
_MARK = re.compile(r"[\s-]*#\d{1,10} \u00b7 ([a-z2-7]{32})(?![a-z2-7])", re.IGNORECASE)
"""The line at the end of every mail of ours, behind the signature's dashes."""


def find_other_stamp(parsed: ParsedMail) -> OtherStamp | None:
    """The mark of another installation's automatic mail, in the mail's own marks; None: no mark.

    The convention is plain, so that two installations stop each other without knowing one another:
    `X-Postbus-Stamp`, Message-ID, the tag of Reply-To, or the line below the text. What stands in
    a quote, or in a mail that was passed on, is not the mail's own mark. Its signature cannot be
    checked; all that a false one does is to keep its writer from a receipt.
    """
    for found_in, token in _other_marks(parsed):
        stamp = read_unverified(token)
        if stamp is not None and stamp.kind is not StampKind.AGENT_REPLY:
            return OtherStamp(kind=stamp.kind.slug, hop=stamp.hop, found_in=found_in)
    return None


def _other_marks(parsed: ParsedMail) -> Iterator[tuple[str, str]]:
    for value in parsed.headers.raw_all("x-postbus-stamp"):
        yield "header", value.strip()
    for match in _OUR_MESSAGE_ID.finditer(parsed.message_id or ""):
        yield "message-id", match[1]
    for to in parsed.reply_to:
        yield "reply-to", plus_tag(to.address) or ""
    own_words, all_of_it = parsed.text.strip(), parsed.full_text.strip()
    if parsed.forwarded is None and own_words and all_of_it.startswith(own_words):
        mark = _MARK.match(all_of_it, len(own_words))
        if mark is not None:
            yield "body", mark[1]


def _stamps(
    parsed: ParsedMail, recipients: Sequence[str], *, channel: InboundChannel, find: Find
) -> Iterator[tuple[str, Stamp]]:
    for value in (*parsed.headers.raw_all("x-postbus-stamp"), parsed.message_id or ""):
        yield from (("header", stamp) for stamp in find(value))
    for address in recipients:
        yield from (("recipient", stamp) for stamp in find(plus_tag(address) or ""))
    for message_id in (*parsed.in_reply_to, *reversed(parsed.references)):
        yield from (("references", stamp) for stamp in find(message_id))
    addressed = _addressed(parsed, channel, find)
    if len({stamp.ticket_number for stamp in addressed}) == 1:
        yield "recipient", addressed[0]
    yield from (("body", stamp) for stamp in find(parsed.full_text[:_BODY_CHARACTERS]))


def _addressed(parsed: ParsedMail, channel: InboundChannel, find: Find) -> list[Stamp]:
    """The stamps of the reply addresses of a channel in To and Cc."""
    own = {normalise(address) for address in channel.own_addresses()}
    found: list[Stamp] = []
    for to in (*parsed.to, *parsed.cc):
        local, _, domain = to.address.rpartition("@")
        base, _, tag = local.rpartition("+")
        if base and normalise(f"{base}@{domain}") in own:
            found += find(tag)
    return found
