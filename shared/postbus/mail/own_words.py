"""The writer's own words in a mail: without the mail that is answered and without the signature.

Careful on purpose: where it is not sure, it keeps. What is cut stays in `full_text`. A forwarded
mail is what the writer wants to show, so it is never cut.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from postbus.mail import quote_marks as marks
from postbus.mail.header_labels import block_at, field_of

_MAX_LINES: Final = 20_000
"""Nobody writes more by hand; beyond it a text is taken as it is."""


@dataclass(frozen=True)
class _Span:
    """Lines from ``start`` up to ``end``, without it."""

    start: int
    end: int


class _Kind(Enum):
    OWN = "own"
    QUOTE = "quote"
    ATTRIBUTION = "attribution"


@dataclass(frozen=True)
class _Block:
    kind: _Kind
    lines: list[str]


def own_words(full_text: str) -> str:
    """The text without quotes, attributions and signature; all of it if nothing would be left."""
    lines = full_text.replace("\r\n", "\n").split("\n")
    if len(lines) > _MAX_LINES:
        return full_text.strip()
    kept = _without_quotes(_before_the_tail(lines))
    own = "\n".join(_without_signature(kept)).strip()
    return own or full_text.strip()


def _before_the_tail(lines: list[str]) -> list[str]:
    """The lines above an answered mail that is not marked line by line (Outlook, Gmail, phones)."""
    has_words = False
    for at, line in enumerate(lines):
        if marks.FORWARD.match(line):
            return lines
        if has_words and _starts_a_tail(lines, at):
            return lines[:at]
        if not has_words and _starts_a_header_block(lines, at):
            return lines  # a mail that begins with a header block is a forward
        if line.strip() and not marks.is_quoted(line):
            has_words = True
    return lines


def _starts_a_tail(lines: list[str], at: int) -> bool:
    line = lines[at]
    if marks.ORIGINAL.match(line) or marks.ABOVE_THIS_LINE.match(line):
        return True
    if marks.RULE.match(line):
        following = _next_with_words(lines, at + 1)
        return following is not None and _starts_a_header_block(lines, following)
    if _starts_a_header_block(lines, at):
        return True
    span = _attribution_at(lines, at)
    if span is None:
        return False
    # above marked quotes it is dealt with together with them, since more may follow below
    return not _is_above_a_quote(lines, span.end)


def _starts_a_header_block(lines: list[str], at: int) -> bool:
    """From: and at least two of Sent, To, Subject in the lines that follow."""
    found = field_of(lines[at])
    if found is None or found[0] != "from" or not found[1]:
        return False
    block = block_at(lines, at)
    return block is not None and len(block.fields) >= 3


def _attribution_at(lines: list[str], at: int) -> _Span | None:
    """The line that says who wrote what follows, if it begins here; it may be cut over four."""
    if not lines[at].strip() or marks.is_quoted(lines[at]):
        return None
    if len(lines[at]) > marks.MAX_ATTRIBUTION_CHARACTERS:
        return None
    joined = ""
    for end in range(at, min(at + 4, len(lines))):
        line = lines[end].strip()
        # seen in practice: the closing bracket of the address stands alone and looks like a quote
        if not line or (marks.is_quoted(line) and line != ">:"):
            return None
        joined = f"{joined} {line}".strip()
        is_candidate = marks.may_end_an_attribution(line) and (
            end == at or marks.opens_an_attribution(lines[at])
        )
        if is_candidate and marks.is_attribution(
            joined, is_above_a_quote=_is_above_a_quote(lines, end + 1)
        ):
            return _Span(at, end + 1)
    return None


def _is_above_a_quote(lines: list[str], at: int) -> bool:
    following = _next_with_words(lines, at)
    return following is not None and marks.is_quoted(lines[following])


def _next_with_words(lines: list[str], at: int) -> int | None:
    return next((n for n in range(at, min(at + 5, len(lines))) if lines[n].strip()), None)


def _without_quotes(lines: list[str]) -> list[str]:
    """The lines without marked quotes and attributions.

    Between answers that stand among the questions the questions stay: nobody understands the
    answers without them.
    """
    blocks = _blocks(lines)
    while blocks and blocks[-1].kind is not _Kind.OWN:
        blocks.pop()
    quotes = [n for n, block in enumerate(blocks) if block.kind is _Kind.QUOTE]
    is_among = len(quotes) > 1 or any(n > 0 and blocks[n - 1].kind is _Kind.OWN for n in quotes)
    kept = (_Kind.OWN, _Kind.QUOTE) if is_among else (_Kind.OWN,)
    return [line for block in blocks if block.kind in kept for line in block.lines]


def _blocks(lines: list[str]) -> list[_Block]:
    """The lines in runs of one kind; blank lines belong to the run before them."""
    blocks: list[_Block] = []
    at = 0
    while at < len(lines):
        span = _attribution_at(lines, at)
        if span is not None:
            blocks.append(_Block(_Kind.ATTRIBUTION, lines[at : span.end]))
            at = span.end
            continue
        line = lines[at]
        at += 1
        if not line.strip():
            if blocks:
                blocks[-1].lines.append(line)
            continue
        kind = _Kind.QUOTE if marks.is_quoted(line) else _Kind.OWN
        if blocks and blocks[-1].kind is kind:
            blocks[-1].lines.append(line)
        else:
            blocks.append(_Block(kind, [line]))
    return blocks


def _without_signature(lines: list[str]) -> list[str]:
    """The lines above the signature (RFC 3676 §4.3) or the advertisement of a telephone."""
    for at, line in enumerate(lines):
        if marks.SIGNATURE.match(line) and any(x.strip() for x in lines[:at]):
            below = [x for x in lines[at + 1 :] if x.strip()]
            if len(below) <= marks.MAX_SIGNATURE_LINES:
                return lines[:at]
    end = len(lines)
    for at in range(len(lines) - 1, -1, -1):
        if not lines[at].strip():
            continue
        if not marks.SENT_FROM.match(lines[at]):
            break
        end = at
    return lines[:end]
