"""Where a stamp of ours may stand in a mail that comes in, the surest place first."""

from collections.abc import Callable, Iterator, Sequence

from postbus.contracts.mail import OwnStamp
from postbus.mail import ParsedMail, plus_tag
from postbus.tokens import Stamp

_BODY_CHARACTERS = 256 * 1024
"""A stamp stands near the top of a quote; a text of megabytes is not searched to its end."""


def find_stamp(
    parsed: ParsedMail, recipients: Sequence[str], find: Callable[[str], list[Stamp]]
) -> OwnStamp | None:
    """The first verified stamp in the mail; None if it has none.

    `header` means our own header field or the mail's own Message-ID, which only we write. Then come
    the recipients, the ids that are answered (the newest first), and the body, whose last stamp is
    that of the oldest quote, so the first one counts. ``find`` gives the verified stamps of a text.
    """
    for found_in, text in _places(parsed, recipients):
        for stamp in find(text):
            return OwnStamp(
                ticket_number=stamp.ticket_number,
                kind=stamp.kind.slug,
                hop=stamp.hop,
                found_in=found_in,
            )
    return None


def _places(parsed: ParsedMail, recipients: Sequence[str]) -> Iterator[tuple[str, str]]:
    for value in parsed.headers.raw_all("x-postbus-stamp"):
        yield "header", value
    if parsed.message_id:
        yield "header", parsed.message_id
    for address in recipients:
        yield "recipient", plus_tag(address) or ""
    for message_id in (*parsed.in_reply_to, *reversed(parsed.references)):
        yield "references", message_id
    yield "body", parsed.full_text[:_BODY_CHARACTERS]
