"""What differs between two readings of one mail."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from postbus.contracts.mail import MailReceived

_NOT_READ_IN_THE_MAIL = frozenset(
    (
        "mail_id", "channel", "queue", "ticket_type", "route", "raw", "reread_at", "open_as",
        "released",
    )
)  # fmt: skip
_CONTEXT_CHARACTERS = 12


@dataclass(frozen=True)
class Difference:
    """A field of the fact, and its values as JSON has them."""

    field: str
    old: Any
    new: Any


def differences(old: MailReceived, new: MailReceived) -> tuple[Difference, ...]:
    """The fields that were read otherwise, in the order of the event."""
    before = old.model_dump(mode="json", by_alias=True, exclude=set(_NOT_READ_IN_THE_MAIL))
    after = new.model_dump(mode="json", by_alias=True, exclude=set(_NOT_READ_IN_THE_MAIL))
    return tuple(
        Difference(field, value, after[field])
        for field, value in before.items()
        if value != after[field]
    )


def short(difference: Difference, limit: int) -> tuple[str, str]:
    """Both values on a line each, at most `limit` characters, from where they begin to differ."""
    old, new = _text(difference.old), _text(difference.new)
    same = _length_of_common_beginning(old, new)
    start = max(0, same - _CONTEXT_CHARACTERS) if max(len(old), len(new)) > limit else 0
    return _cut(old, start, limit), _cut(new, start, limit)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _length_of_common_beginning(one: str, other: str) -> int:
    pairs: Sequence[tuple[str, str]] = list(zip(one, other, strict=False))
    return next((at for at, (a, b) in enumerate(pairs) if a != b), len(pairs))


def _cut(text: str, start: int, limit: int) -> str:
    head = "…" if start else ""
    rest = text[start:]
    return f"{head}{rest}" if len(rest) <= limit else f"{head}{rest[: limit - 1]}…"
