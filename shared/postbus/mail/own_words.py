"""The writer's own words in a mail: without the mail that is answered and without the signature.

Careful on purpose: where it is not sure, it keeps. What is cut stays in `full_text`. A forwarded
mail is what the writer wants to show, so it is never cut.
"""

from collections.abc import Mapping
from typing import Final

from postbus.mail.line_kinds import Kind
from postbus.mail.quote_marks import DECORATION
from postbus.mail.quoted_lines import ReadLines, read_lines
from postbus.mail.signatures import (
    DELIMITER_SIGNS,
    MAX_SIGNATURE_LINES,
    is_advertisement,
    is_closing,
    signature_limit,
)

_MAX_LINES: Final = 20_000
"""Nobody writes more by hand; beyond it a text is taken as it is."""
_MAX_CLOSING_LINES: Final = 3


def own_words(
    full_text: str, *, marked: Mapping[int, Kind] | None = None, is_forward: bool = False
) -> str:
    """The text without quotes, attributions and signature; all of it if nothing would be left.

    Every line given back is a line of the text, or the begin of one that goes on with a quote.
    ``marked`` is what HTML says of some lines, by their number from 0; ``is_forward`` says that a
    header in the text begins what is passed on, whatever the HTML says of it.
    """
    lines = full_text.replace("\r\n", "\n").split("\n")
    if len(lines) > _MAX_LINES:
        return full_text.strip()
    read = read_lines(lines, marked=marked or {}, is_forward=is_forward)
    end = _end_of_own_words(read)
    own = _kept(read, end, with_quotes=_keeps_quotes(read, end))
    if read.passed_on is not None:
        own += lines[read.passed_on :]
    return "\n".join(own).strip() or full_text.strip()


def _kept(read: ReadLines, end: int, *, with_quotes: bool) -> list[str]:
    """The lines up to ``end`` that stay; a blank line goes with the line above it."""
    own: list[str] = []
    stays = True
    for at in range(end):
        kind = read.kinds[at]
        if kind is not Kind.BLANK:
            stays = kind is Kind.OWN or (with_quotes and kind is Kind.QUOTE)
        if stays:
            own.append(read.lines[at])
    return own


def _keeps_quotes(read: ReadLines, end: int) -> bool:
    """Whether answers stand among the questions: nobody understands them without the questions.

    A reply below the one quote stands alone, and so does one above it with no more than a closing
    below.
    """
    with_words = [at for at in range(end) if read.kinds[at] is not Kind.BLANK]
    quotes = [at for at in with_words if read.kinds[at] is Kind.QUOTE]
    if not quotes:
        return False
    own = [at for at in with_words if read.kinds[at] is Kind.OWN]
    if any(quotes[0] < at < quotes[-1] for at in own):
        return True
    if not own or own[0] > quotes[0]:
        return False
    below = [at for at in own if at > quotes[-1]]
    is_attributed = read.kinds[with_words[with_words.index(quotes[0]) - 1]] is Kind.ATTRIBUTION
    has_closing = 0 < len(below) <= _MAX_CLOSING_LINES and is_closing(read.lines[below[0]])
    return not (is_attributed and has_closing)


def _end_of_own_words(read: ReadLines) -> int:
    """Where what the writer did not write begins, at the end: signature, quote, signature again."""
    end = _without_signature(read, read.end)
    start = _start_of_quote(read, end)
    while start is not None:
        end = _without_attribution(read, start)
        start = _start_of_quote(read, end)
        if start is not None and _last_of(Kind.ATTRIBUTION, read, start) is None:
            break  # the writer quotes something else: it was not introduced as the mail answered
    return _without_signature(read, end)


def _start_of_quote(read: ReadLines, end: int) -> int | None:
    """Where the quote begins with which the lines up to ``end`` end; None if they do not."""
    found = None
    for at in range(end - 1, -1, -1):
        if read.kinds[at] is Kind.QUOTE:
            found = at
        elif read.kinds[at] is not Kind.BLANK:
            break
    return found


def _last_of(kind: Kind, read: ReadLines, end: int) -> int | None:
    """The last line before ``end`` that is not blank, if it is of that kind."""
    for at in range(end - 1, -1, -1):
        if read.kinds[at] is not Kind.BLANK:
            return at if read.kinds[at] is kind else None
    return None


def _without_attribution(read: ReadLines, end: int) -> int:
    while (at := _last_of(Kind.ATTRIBUTION, read, end)) is not None:
        end = at
    return end


def _without_signature(read: ReadLines, end: int) -> int:
    """Up to the signature, or the advertisement of a telephone."""
    end = _without_advertisements(read, end)
    start, below = end, 0
    for at in range(end - 1, -1, -1):
        if read.kinds[at] is Kind.BLANK:
            continue
        if read.kinds[at] is not Kind.OWN or below > MAX_SIGNATURE_LINES:
            break
        if read.lines[at][0] in DELIMITER_SIGNS and below <= signature_limit(read.lines[at]):
            start = at
        below += 1
    return end if start == end else _without_advertisements(read, start)


def _without_advertisements(read: ReadLines, end: int) -> int:
    for at in range(end - 1, -1, -1):
        if read.kinds[at] is Kind.BLANK:
            continue
        line = read.lines[at]
        if read.kinds[at] is not Kind.OWN or not (DECORATION.match(line) or is_advertisement(line)):
            break
        end = at
    return end
