"""Entity tags and the conditions on them (RFC 9110 §8.8.3, §13.1)."""

import re
from enum import Enum

_ONE = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')


class Match(Enum):
    """How a condition compares with what is there."""

    MISSING = "missing"
    STALE = "stale"
    GOOD = "good"


def etag_of(revision: int) -> str:
    """The strong entity tag of a KV revision."""
    return f'"{revision}"'


def if_match(header: str | None, current: str) -> Match:
    """Whether a change may go on; compared strongly, `*` matches all (RFC 9110 §13.1.1)."""
    if header is None:
        return Match.MISSING
    if header.strip() == "*":
        return Match.GOOD
    strong = [tag for weak, tag in _ONE.findall(header) if not weak]
    return Match.GOOD if current in strong else Match.STALE


def if_none_match(header: str | None, current: str) -> Match:
    """GOOD when the reader has it already; compared weakly (RFC 9110 §13.1.2)."""
    if header is None:
        return Match.MISSING
    if header.strip() == "*" or current in [tag for _, tag in _ONE.findall(header)]:
        return Match.GOOD
    return Match.STALE
