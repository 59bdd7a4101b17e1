"""Where a stamp of ours may stand in a mail that comes in, the surest place first."""

from collections.abc import Callable, Iterator, Sequence

from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mail import OwnStamp
from postbus.mail import ParsedMail, normalise, plus_tag
from postbus.tokens import Stamp

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
