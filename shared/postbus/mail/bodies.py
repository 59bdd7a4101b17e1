"""What the parts of a mail came to: its text in both readings, its files."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Final
from urllib.parse import unquote

from postbus.contracts.mail import CalendarItem
from postbus.mail.charsets import Note
from postbus.mail.html_limits import is_too_much, roughly_text_of
from postbus.mail.html_lines import HtmlText
from postbus.mail.html_text import text_of
from postbus.mail.line_kinds import Kind
from postbus.mail.parsed import ParsedAttachment
from postbus.mail.safe_html import safe_html

_MAX_STUB_CHARACTERS: Final = 300
_SAYS_HTML: Final = re.compile(r"\bHTML\b|\bMIME\b", re.IGNORECASE)
_CID: Final = re.compile(r"cid:([^\"'\s>)]{1,300})", re.IGNORECASE)


@dataclass
class Chunk:
    """One piece of the body: as plain text, as HTML, or both readings of the same."""

    plain: str | None = None
    html: str | None = None


@dataclass(frozen=True)
class Written:
    """All text of a mail, and what its HTML says of the lines, which are numbered from 0."""

    full_text: str = ""
    kinds: Mapping[int, Kind] = field(default_factory=dict)


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

    def written(self) -> Written:
        """All text in its order; HTML only where there is no plain reading of it."""
        texts: list[str] = []
        kinds: dict[int, Kind] = {}
        at = 0
        for chunk in self.chunks:
            for piece in _pieces(chunk):
                text = _tidy(piece.text)
                if text:
                    kinds |= {at + line: kind for line, kind in piece.kinds.items()}
                    texts.append(text)
                    at += text.count("\n") + 2
        return Written("\n\n".join(texts), kinds)

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


def _pieces(chunk: Chunk) -> tuple[HtmlText, ...]:
    plain = chunk.plain or ""
    if not chunk.html:
        return (HtmlText(plain),)
    if not says_something(plain):
        return (_text_of_html(chunk.html),)
    if len(plain) <= _MAX_STUB_CHARACTERS and _SAYS_HTML.search(plain):
        html = _text_of_html(chunk.html)
        if _is_stub(plain, html.text):
            stub = _tidy(plain)
            return HtmlText(stub, dict.fromkeys(range(stub.count("\n") + 1), Kind.SIGNATURE)), html
    return (HtmlText(plain),)


def _is_stub(plain: str, html_text: str) -> bool:
    """Whether the plain text only says that there is HTML, which has other words."""
    words = set(plain.split())
    return bool(html_text) and len(words - set(html_text.split())) > len(words) / 2


def _text_of_html(html: str) -> HtmlText:
    return HtmlText(roughly_text_of(html)) if is_too_much(html) else text_of(html)


def _tidy(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return text.strip("\n").rstrip()
