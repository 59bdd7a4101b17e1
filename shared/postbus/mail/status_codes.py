"""The codes in a refusal: enhanced status codes (RFC 3463) and reply codes (RFC 5321 §4.2)."""

import re
from typing import Final

_AFTER_REPLY: Final = re.compile(
    r"(?<![\d.])([45])\d\d[ \t-]+(?:[45]\d\d[ \t-]+)?[#<(\[]*(\1\.\d{1,3}\.\d{1,3})(?![\d.]*\d)"
)
_HASHED: Final = re.compile(r"#\s?([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_ANYWHERE: Final = re.compile(
    r"(?<![\d.vV/_-])([245]\.(?:\d|1\d|2\d|3\d)\.\d{1,3})(?![\d.]*\d)(?![-_]\w)"
)
_REPLY: Final = re.compile(
    r"(?:^|(?<=[\s:>\"'(\[,-]))([45][0-5]\d)(?=[\s-]+[^\s\d]|[\s-]+[45]\.\d|[\s-]+\d{3}[\s-]|\s*$)",
    re.MULTILINE,
)
_CODE: Final = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")


_HARD_CODES: Final = frozenset(("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.4.4"))
_SOFT_CODES: Final = re.compile(r"4\.|5\.[237]\.|5\.4\.[2-367]$|5\.1\.[78]$")
"""Codes about the mailbox, the system, the policy, the way: the address may be as good as any."""
_VAGUE: Final = re.compile(r"[245]\.\d\.0$")


def code_of_field(value: str) -> str | None:
    """The code at the beginning of a Status field; what stands behind it is a comment."""
    found = _CODE.match(value)
    return found[1] if found else None


def code_in(text: str) -> str | None:
    """The enhanced status code that the text names; not a version, not an IP address."""
    for pattern in (_AFTER_REPLY, _HASHED, _ANYWHERE):
        found = [match[match.lastindex or 0] for match in pattern.finditer(text)]
        if found:
            return next((one for one in found if not is_vague(one)), found[0])
    return None


def reply_in(text: str) -> str | None:
    """The three-digit reply code that the text names (RFC 5321 §4.2)."""
    found = _REPLY.search(text)
    return found[1] if found else None


def is_vague(code: str) -> bool:
    """Whether the code only names a class: `5.0.0`, `5.7.0`."""
    return _VAGUE.match(code) is not None


def hard_by_code(code: str) -> bool | None:
    """Whether the code alone says that the address is no good; None where it leaves it open."""
    if code in _HARD_CODES:
        return True
    return False if _SOFT_CODES.match(code) and not is_vague(code) else None
