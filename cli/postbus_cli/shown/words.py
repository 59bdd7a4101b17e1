"""Strangers' words on a terminal."""

import re
import unicodedata

_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co"))
_SPACE = re.compile(r"\s+")


def printable(text: str) -> str:
    """The text without what could steer a terminal or turn its direction; line ends and tabs stay.

    Joiners that letters need (ZWJ, ZWNJ) stay, too.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        one
        for one in text
        if one in "\n\t\u200c\u200d" or unicodedata.category(one) not in _INVISIBLE
    )


def one_line(text: str, limit: int = 80) -> str:
    """The text on one line, cut with an ellipsis."""
    line = _SPACE.sub(" ", printable(text)).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def size(count: int) -> str:
    """Bytes for people."""
    if count < 1000:
        return f"{count} B"
    for unit, one in (("kB", 1e3), ("MB", 1e6)):
        if count < one * 1000:
            return f"{count / one:.1f} {unit}"
    return f"{count / 1e9:.1f} GB"
