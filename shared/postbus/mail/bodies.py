"""The tree of a mail's parts (RFC 2046), taken apart into what is read and what is a file."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.message import Message
from html import escape
from typing import Final
from urllib.parse import unquote

from postbus.mail.charsets import Note, decode
from postbus.mail.encoded_words import unfold
from postbus.mail.file_names import invented_name, safe_name
from postbus.mail.headers import HeaderFields
from postbus.mail.html_limits import is_too_much, roughly_text_of
from postbus.mail.html_text import text_of
from postbus.mail.parameters import Valued, read_valued
from postbus.mail.parsed import ParsedAttachment
from postbus.mail.safe_html import safe_html
from postbus.mail.transfer import bytes_of, unflowed

MAX_DEPTH: Final = 50
MAX_PARTS: Final = 1000
_MAX_CONTENT_ID_CHARACTERS: Final = 200
_CID: Final = re.compile(r"cid:([^\"'\s>)]{1,300})", re.IGNORECASE)
_READ_AS_TEXT: Final = frozenset(("text/plain", "text/enriched", "text/richtext"))
_NOT_SHOWN: Final = frozenset(("text/x-amp-html", "text/watch-html"))
"""Other readings of what is in the mail already, for one program each."""


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

    def full_text(self) -> str:
        """All text in its order; HTML only where there is no plain reading of it."""
        pieces = (
            chunk.plain if _says_something(chunk.plain) else _text_of_html(chunk.html or "")
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


def _says_something(plain: str | None) -> bool:
    return bool(plain and plain.strip())


def _text_of_html(html: str) -> str:
    return roughly_text_of(html) if is_too_much(html) else text_of(html)


def _tidy(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return text.strip("\n").rstrip()


class _Reader:
    """Goes through the parts of one mail, once."""

    def __init__(self, note: Note) -> None:
        self.note = note
        self.found = Bodies()

    def read(self, part: Message, depth: int, *, chunk: Chunk | None = None) -> None:
        """Read a part and all below it; ``chunk`` gathers the alternatives of one content."""
        if depth > MAX_DEPTH or len(self.found.types) >= MAX_PARTS:
            self.note("too-deeply-nested" if depth > MAX_DEPTH else "too-many-parts")
            return
        header = HeaderFields.of(part.raw_items())
        kind = read_valued(header.raw("content-type"), self.note)
        self.found.types.append(_content_type(part, kind))
        if kind.value == "multipart/report" and self.found.report_type is None:
            self.found.report_type = kind.parameters.get("report-type", "").lower()
        if part.is_multipart() and part.get_content_maintype() != "message":
            self._read_children(part, kind, depth, chunk)
        else:
            self._read_leaf(part, _Leaf(header, kind, self.note, depth), chunk)

    def _read_children(self, part: Message, kind: Valued, depth: int, chunk: Chunk | None) -> None:
        children = _children(part)
        if kind.value == "multipart/alternative":
            shared = chunk or self._new_chunk()
            for child in children:
                self.read(child, depth + 1, chunk=shared)
        elif kind.value == "multipart/related" and children:
            root = _root(children, kind)
            self.read(root, depth + 1, chunk=chunk)
            for child in children:
                if child is not root:
                    self.read(child, depth + 1)
        else:
            for child in children:
                self.read(child, depth + 1, chunk=chunk)
                # the first text is the alternative; what follows stands after it
                chunk = None if chunk is not None and (chunk.plain or chunk.html) else chunk

    def _new_chunk(self) -> Chunk:
        self.found.chunks.append(Chunk())
        return self.found.chunks[-1]

    def _read_leaf(self, part: Message, leaf: "_Leaf", chunk: Chunk | None) -> None:
        content_type = self.found.types[-1]
        if content_type in _NOT_SHOWN:
            return
        if content_type.startswith("multipart/"):
            self.note("multipart-without-parts")
            content_type = "text/plain"
        data = bytes_of(part, leaf.header, self.note)
        is_html = content_type in ("text/html", "application/xhtml+xml")
        if (is_html or content_type in _READ_AS_TEXT) and not leaf.is_file:
            self._add_text(data, leaf, chunk, is_html=is_html)
        elif data or leaf.is_file or leaf.name:
            self.found.files.append(self._file(data, content_type, leaf))

    def _add_text(self, data: bytes, leaf: "_Leaf", chunk: Chunk | None, *, is_html: bool) -> None:
        text = decode(data, leaf.kind.parameters.get("charset"), self.note)
        if leaf.kind.parameters.get("format", "").lower() == "flowed" and not is_html:
            text = unflowed(text, delsp=leaf.kind.parameters.get("delsp", "").lower())
        if chunk is None or (chunk.html if is_html else chunk.plain) is not None:
            chunk = self._new_chunk()
        if is_html:
            chunk.html = text.replace("\x00", "")
        else:
            chunk.plain = text

    def _file(self, data: bytes, content_type: str, leaf: "_Leaf") -> ParsedAttachment:
        content_id = unfold(leaf.header.raw("content-id")).strip("<> ") or None
        if content_id is not None:
            content_id = content_id.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            content_id = content_id[:_MAX_CONTENT_ID_CHARACTERS]
        inline = content_id is not None and leaf.disposition.value != "attachment"
        return ParsedAttachment(
            name=leaf.name or invented_name(content_type, len(self.found.files) + 1),
            content_type=content_type,
            data=data,
            sha256=hashlib.sha256(data).hexdigest(),
            inline=inline
            or (leaf.disposition.value == "inline" and content_type.startswith("image/")),
            content_id=content_id,
        )


class _Leaf:
    """What the header of a part without parts says."""

    def __init__(self, header: HeaderFields, kind: Valued, note: Note, depth: int) -> None:
        self.header = header
        self.kind = kind
        self.disposition = read_valued(header.raw("content-disposition"), note)
        self.name = safe_name(
            self.disposition.parameters.get("filename") or kind.parameters.get("name") or ""
        )
        # a mail that is one text with a name is a mail all the same
        self.is_file = self.disposition.value == "attachment" or (bool(self.name) and depth > 0)


def read_bodies(message: Message, note: Note) -> Bodies:
    """Take the parts of a mail apart; never fails, and notes what was odd."""
    reader = _Reader(note)
    reader.read(message, 0)
    reader.found.chunks = [
        c for c in reader.found.chunks if c.plain is not None or c.html is not None
    ]
    return reader.found


def charset_of(message: Message) -> str | None:
    """The first charset that any part declares, to read raw 8-bit header fields by."""
    for part in _first_parts(message):
        kind = next((v for k, v in part.raw_items() if k.lower() == "content-type"), "")
        charset = read_valued(kind, lambda _: None).parameters.get("charset")
        if charset and charset.lower() not in ("us-ascii", "utf-8"):
            return charset
    return None


def _first_parts(message: Message) -> Iterator[Message]:
    part = message
    for _ in range(MAX_DEPTH):
        yield part
        children = _children(part) if part.is_multipart() else []
        if not children:
            return
        part = children[0]


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    if not isinstance(payload, list):
        return []
    return [child for child in payload if isinstance(child, Message)]


def _root(children: list[Message], kind: Valued) -> Message:
    """The part that the others belong to (RFC 2387 §3.2): named by `start`, else the first."""
    start = kind.parameters.get("start", "").strip("<> ")
    for child in children:
        if start and str(child.get("content-id", "")).strip().strip("<>") == start:
            return child
    return children[0]


def _content_type(part: Message, kind: Valued) -> str:
    if re.fullmatch(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", kind.value):
        return kind.value
    # RFC 2045 §5.2: what is absent or broken is text/plain, in a digest message/rfc822
    return part.get_default_type()
