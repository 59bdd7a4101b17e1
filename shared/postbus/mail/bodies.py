"""The tree of a mail's parts (RFC 2046), taken apart into what is read and what is a file."""

import mimetypes
import re
from dataclasses import dataclass, field, replace
from html import escape
from typing import Final
from urllib.parse import unquote

from postbus.mail.charsets import Note, decode
from postbus.mail.content import Content
from postbus.mail.encoded_words import unfold
from postbus.mail.file_names import invented_name, safe_name
from postbus.mail.html_limits import is_too_much, roughly_text_of
from postbus.mail.html_text import text_of
from postbus.mail.parameters import read_valued
from postbus.mail.parsed import ParsedAttachment
from postbus.mail.safe_html import safe_html
from postbus.mail.structure import Part, Raw
from postbus.mail.transfer import content_of, unflowed
from postbus.mail.uuencode import files_in

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

    def __init__(self, raw: Raw, note: Note) -> None:
        self._raw = raw
        self._note = note
        self.found = Bodies()

    def read(self, part: Part, depth: int, *, chunk: Chunk | None = None) -> None:
        """Read a part and all below it; ``chunk`` gathers the alternatives of one content."""
        self.found.types.append(part.content_type)
        if part.content_type == "multipart/report" and self.found.report_type is None:
            self.found.report_type = part.kind.parameters.get("report-type", "").lower()
        if part.children:
            self._read_children(part, depth, chunk)
        else:
            self._read_leaf(part, _Leaf(part, self._note, depth), chunk)

    def _read_children(self, part: Part, depth: int, chunk: Chunk | None) -> None:
        if part.content_type == "multipart/alternative":
            shared = chunk or self._new_chunk()
            for child in part.children:
                self.read(child, depth + 1, chunk=shared)
        elif part.content_type == "multipart/related":
            root = _root(part)
            self.read(root, depth + 1, chunk=chunk)
            for child in part.children:
                if child is not root:
                    self.read(child, depth + 1)
        else:
            for child in part.children:
                self.read(child, depth + 1, chunk=chunk)
                # the first text is the alternative; what follows stands after it
                chunk = None if chunk is not None and (chunk.plain or chunk.html) else chunk

    def _new_chunk(self) -> Chunk:
        self.found.chunks.append(Chunk())
        return self.found.chunks[-1]

    def _read_leaf(self, part: Part, leaf: "_Leaf", chunk: Chunk | None) -> None:
        content_type = part.content_type
        if content_type in _NOT_SHOWN:
            return
        content = content_of(self._raw, part, self._note)
        if content_type.startswith("multipart/"):
            self._note("multipart-without-parts")
            content_type = "text/plain"
        is_html = content_type in ("text/html", "application/xhtml+xml")
        if (is_html or content_type in _READ_AS_TEXT) and not leaf.is_file:
            self._add_text(content.data(), leaf, chunk, is_html=is_html)
        elif content.stored or leaf.is_file or leaf.name:
            self._add_file(content, content_type, leaf)

    def _add_text(self, data: bytes, leaf: "_Leaf", chunk: Chunk | None, *, is_html: bool) -> None:
        parameters = leaf.part.kind.parameters
        text = decode(data, parameters.get("charset"), self._note)
        if parameters.get("format", "").lower() == "flowed" and not is_html:
            text = unflowed(text, delsp=parameters.get("delsp", "").lower())
        if chunk is None or (chunk.html if is_html else chunk.plain) is not None:
            chunk = self._new_chunk()
        if is_html:
            chunk.html = text.replace("\x00", "")
            return
        chunk.plain, files = files_in(text, self._note)
        for name, inside in files:
            self.found.files.append(made_file(name, Content(inside), number=self._next_number()))

    def _next_number(self) -> int:
        return len(self.found.files) + 1

    def _add_file(self, content: Content, content_type: str, leaf: "_Leaf") -> None:
        content_id = unfold(leaf.part.header.raw("content-id")).strip("<> ") or None
        if content_id is not None:
            content_id = content_id.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            content_id = content_id[:_MAX_CONTENT_ID_CHARACTERS]
        file = made_file(leaf.name, content, content_type=content_type, number=self._next_number())
        inline = content_id is not None and leaf.disposition.value != "attachment"
        is_picture = leaf.disposition.value == "inline" and content_type.startswith("image/")
        self.found.files.append(replace(file, inline=inline or is_picture, content_id=content_id))


def made_file(
    name: str, content: Content, *, number: int, content_type: str = ""
) -> ParsedAttachment:
    """A file of that content; type and name are made up where there are none."""
    kind = content_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
    sha256, size_bytes = content.measure()
    return ParsedAttachment(
        name=name or invented_name(kind, number),
        content_type=kind,
        content=content,
        sha256=sha256,
        size_bytes=size_bytes,
    )


class _Leaf:
    """What the header of a part without parts says."""

    def __init__(self, part: Part, note: Note, depth: int) -> None:
        self.part = part
        self.disposition = read_valued(part.header.raw("content-disposition"), note)
        parameters = (self.disposition.parameters.get("filename"), part.kind.parameters.get("name"))
        self.name = safe_name(next((one for one in parameters if one), ""))
        # a mail that is one text with a name is a mail all the same
        self.is_file = self.disposition.value == "attachment" or (bool(self.name) and depth > 0)


def read_bodies(raw: Raw, tree: Part, note: Note) -> Bodies:
    """Take the parts of a mail apart; never fails, and notes what was odd."""
    reader = _Reader(raw, note)
    reader.read(tree, 0)
    reader.found.chunks = [
        c for c in reader.found.chunks if c.plain is not None or c.html is not None
    ]
    return reader.found


def charset_of(tree: Part) -> str | None:
    """The first charset that any part declares, to read raw 8-bit header fields by."""
    part: Part | None = tree
    while part is not None:
        charset = part.kind.parameters.get("charset")
        if charset and charset.lower() not in ("us-ascii", "utf-8"):
            return charset
        part = part.children[0] if part.children else None
    return None


def _root(part: Part) -> Part:
    """The part that the others belong to (RFC 2387 §3.2): named by `start`, else the first."""
    start = part.kind.parameters.get("start", "").strip("<> ")
    for child in part.children:
        if start and child.header.raw("content-id").strip().strip("<>") == start:
            return child
    return part.children[0]
