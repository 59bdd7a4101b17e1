"""What the parts of a mail came to: its text in both readings, its files."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from html import escape
from typing import Final
from urllib.parse import unquote

from postbus.contracts.mail import CalendarItem
from postbus.mail.charsets import Note
from postbus.mail.html_limits import is_too_much, roughly_text_of
from postbus.mail.html_text import text_of
from postbus.mail.parsed import ParsedAttachment
from postbus.mail.safe_html import safe_html

_CID: Final = re.compile(r"cid:([^\"'\s>)]{1,300})", re.IGNORECASE)


@dataclass
class Chunk:
    """One piece of the body: as plain text, as HTML, or both readings of the same."""

    plain: str | None = None
    html: str | None = None


@dataclass
class Bodies:
    """What the parts came to."""

    chunks: list[Chunk] = field(default_factory=list)
    files: list[ParsedAttachment] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    report_type: str | None = None
    calendar: tuple[CalendarItem, ...] = ()
    protection: dict[str, None] = field(default_factory=dict)

    def protect(self, found: Iterable[str]) -> None:
        """Note how the mail is protected, each way once."""
        self.protection |= dict.fromkeys(found)

    def full_text(self) -> str:
        """All text in its order; HTML only where there is no plain reading of it."""
        pieces = (
            chunk.plain if says_something(chunk.plain) else _text_of_html(chunk.html or "")
            for chunk in self.chunks
        )
        return "\n\n".join(text for piece in pieces if (text := _tidy(piece or "")))

    def attachments(self) -> tuple[ParsedAttachment, ...]:
        """The files; one that the HTML shows is inline, whatever its disposition says.

        Seen in practice: pictures marked `attachment` that the text refers to by `cid:` (RFC 2392).
        """
        referred = {unquote(one) for one in _CID.findall(self._all_html())}
        return tuple(
            replace(file, inline=True) if file.content_id in referred else file
            for file in self.files
        )

    def _all_html(self) -> str:
        return "".join(chunk.html or "" for chunk in self.chunks)

    def safe_html(self, note: Note) -> str | None:
        """The whole body as HTML that is safe to show; None if the mail has none."""
        if not any(chunk.html for chunk in self.chunks):
            return None
        html = "\n".join(
            chunk.html or f'<div style="white-space: pre-wrap">{escape(chunk.plain or "")}</div>'
            for chunk in self.chunks
        )
        if is_too_much(html):
            note("html-too-large")
            return None
        return safe_html(html) or None


def says_something(plain: str | None) -> bool:
    """Whether there is more than white space."""
    return bool(plain and plain.strip())


def _text_of_html(html: str) -> str:
    return roughly_text_of(html) if is_too_much(html) else text_of(html)


def _tidy(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return text.strip("\n").rstrip()
