"""Header fields, each read on its own: one that is broken never costs the others."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from postbus.mail.charsets import Note
from postbus.mail.encoded_words import decode_words, readable, unfold

MAX_VALUE_CHARACTERS = 256 * 1024
"""A longer field is cut: no honest header is, and the raw mail keeps it."""


@dataclass(frozen=True)
class HeaderFields:
    """The fields of one part in their order, as they stand in the mail; decoded when asked for.

    Names are found regardless of case. 8-bit bytes are surrogates (`surrogateescape`).
    """

    fields: tuple[tuple[str, str], ...] = ()
    charset_hint: str | None = None

    @staticmethod
    def of(raw_items: Iterable[tuple[str, str]], charset_hint: str | None = None) -> "HeaderFields":
        """From what the parser found."""
        return HeaderFields(
            tuple(
                (name.strip().lower(), value[:MAX_VALUE_CHARACTERS]) for name, value in raw_items
            ),
            charset_hint,
        )

    def raw(self, name: str) -> str:
        """The first field of that name as it stands there; empty if there is none."""
        return next((value for field, value in self.fields if field == name), "")

    def raw_all(self, name: str) -> tuple[str, ...]:
        """Every field of that name as it stands there."""
        return tuple(value for field, value in self.fields if field == name)

    def has(self, name: str) -> bool:
        """Whether there is a field of that name, be it empty."""
        return any(field == name for field, _ in self.fields)

    def text(self, name: str, note: Note) -> str:
        """The first field of that name as people read it (RFC 2047), on one line."""
        return self.decoded(self.raw(name), note)

    def decoded(self, value: str, note: Note) -> str:
        """A value of these fields as people read it."""
        return unfold(decode_words(unfold(readable(value, self.charset_hint, note)), note))

    def decoded_bytes(self, value: str, note: Note) -> str:
        """A value with its raw 8-bit made readable and its encoded words left alone."""
        return readable(value, self.charset_hint, note)

    def token(self, name: str) -> str:
        """The first field of that name for comparing: lower case, one line, without decoding."""
        return unfold(self.raw(name)).lower()


def read_date(value: str) -> datetime | None:
    """The moment of a Date field, in UTC; None if it says none (RFC 5322 §3.3).

    A date without a zone is taken for UTC.
    """
    if not value.strip():
        return None
    try:
        moment = parsedate_to_datetime(unfold(value))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
