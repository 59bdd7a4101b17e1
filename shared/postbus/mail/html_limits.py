"""HTML that would cost more time than anybody's mail is worth.

Parsers of HTML look through all open elements at many tags, as the HTML standard asks, so their
time grows with the square of the depth: 100,000 open `div` took 40 seconds.
"""

import re
from typing import Final

MAX_CHARACTERS: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 400
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_ANY_TAG: Final = re.compile(r"<[^<>]*>")
_CLOSE_BY_THEMSELVES: Final = frozenset((
    "p", "li", "td", "th", "tr", "dt", "dd", "option", "tbody", "thead", "tfoot", "colgroup",
    "br", "img", "hr", "input", "meta", "link", "col", "area", "base", "wbr", "html", "body",
))  # fmt: skip


def is_too_much(html: str) -> bool:
    """Whether the HTML is too large or too deep to be parsed."""
    if len(html) > MAX_CHARACTERS:
        return True
    if html.count("<") <= MAX_DEPTH:
        return False
    depth = 0
    for tag in _TAG.finditer(html):
        if tag[2].lower() in _CLOSE_BY_THEMSELVES:
            continue
        depth = max(0, depth - 1) if tag[1] else depth + 1
        if depth > MAX_DEPTH:
            return True
    return False


def roughly_text_of(html: str) -> str:
    """The words of such HTML, in one pass; layout is lost."""
    return _ANY_TAG.sub(" ", html[:MAX_CHARACTERS])
