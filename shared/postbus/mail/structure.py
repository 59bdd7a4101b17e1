"""The tree of a mail's parts (RFC 2046), as ranges of its bytes: nothing is copied, nothing raised.

Python's own parser cuts a mail into lines and joins them again; here boundaries are looked for in
the bytes as they lie, so a file of 100 MB costs no second 100 MB.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from mmap import mmap
from typing import Final

from postbus.mail.charsets import Note
from postbus.mail.headers import HeaderFields
from postbus.mail.parameters import Valued, read_valued

MAX_DEPTH: Final = 50
MAX_PARTS: Final = 1000
_MAX_FIELDS: Final = 5000
_MAX_FIELD_BYTES: Final = 256 * 1024

Raw = bytes | mmap
"""A mail as it came."""

_FIELD: Final = re.compile(
    rb"([\x21-\x39\x3b-\x7e]{1,200})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)"
)
_NO_FIELD: Final = re.compile(rb"(?:>?From |[ \t]+[^\s])[^\n]*(?:\n|\Z)")
"""Lines in a header that are no part of a field: an mbox's, and a fold with nothing above it."""
_BLANK: Final = re.compile(rb"\r?\n")
_TAIL: Final = re.compile(rb"(--)?[ \t]*(?:\r?\n|\r|\Z)")
_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
_LOST_BOUNDARY: Final = re.compile(
    rb"(?:\A|\n)--([^\r\n]{1,200}?)[ \t]*\r?\ncontent-[a-z-]+[ \t]*:", re.IGNORECASE
)
_BROKEN_FOLD: Final = re.compile(
    rb"([^\r\n]{1,998}\r?\n(?:[ \t]+[^\s][^\n]*\n){0,9})"
    rb"(?=(?:from|to|cc|subject|date|message-id|mime-version|received|reply-to|content-[a-z-]+"
    rb"|return-path|in-reply-to|references|x-[a-z-]+)[ \t]*:)",
    re.IGNORECASE,
)
"""A line that lost its white space, and folds below it: a known field follows."""


@dataclass
class Part:
    """A part: its header, where its body lies in the mail, and the parts in it."""

    header: HeaderFields
    kind: Valued
    content_type: str
    start: int
    end: int
    children: list["Part"] = field(default_factory=list)


def read_tree(raw: Raw, note: Note) -> Part:
    """The mail as a tree; what is too deep or too much is left whole and noted."""
    return _Reader(raw, note).part(_after_envelope_line(raw), len(raw), "text/plain", 0)


class _Reader:
    """Goes through one mail, once."""

    def __init__(self, raw: Raw, note: Note) -> None:
        self._raw = raw
        self._note = note
        self._made = 0

    def part(self, start: int, end: int, default_type: str, depth: int) -> Part:
        """The part whose header begins at ``start``."""
        self._made += 1
        header, body = self._fields(start, end)
        kind = read_valued(header.raw("content-type"), self._note)
        # RFC 2045 §5.2: what is absent or broken is text/plain, in a digest message/rfc822
        content_type = kind.value if _TYPE.fullmatch(kind.value) else default_type
        part = Part(header, kind, content_type, body, end)
        if not content_type.startswith("multipart/"):
            return part
        if depth >= MAX_DEPTH:
            self._note("too-deeply-nested")
            return part
        boundary = self._boundary(part)
        if boundary:
            part.children = self._children(part, boundary, depth + 1)
        return part

    def _fields(self, start: int, end: int) -> tuple[HeaderFields, int]:
        """The fields from ``start`` on, and where the body begins."""
        fields: list[tuple[str, str]] = []
        at = start
        while at < end:
            found = _FIELD.match(self._raw, at, end)
            if found is not None:
                if len(fields) < _MAX_FIELDS:
                    fields.append((_text(found[1]), _text(self._value(found)).strip(" \t\r\n")))
                at = found.end()
            elif (found := _NO_FIELD.match(self._raw, at, end)) is not None:
                at = found.end()
            elif fields and (found := self._broken_fold(at, end)) is not None:
                name, value = fields.pop()
                fields.append((name, f"{value}\n {_text(found[1]).strip()}"))
                at = found.end()
            else:
                break
        if len(fields) == _MAX_FIELDS:
            self._note("header-too-long")
        blank = _BLANK.match(self._raw, at, end)
        return HeaderFields.of(fields), blank.end() if blank else at

    def _value(self, found: re.Match[bytes]) -> bytes:
        first, last = found.span(2)
        return self._raw[first : min(last, first + _MAX_FIELD_BYTES)]

    def _broken_fold(self, at: int, end: int) -> re.Match[bytes] | None:
        """The rest of a field whose fold is broken; None if the header is over."""
        if _BLANK.match(self._raw, at, end) is not None:
            return None
        found = _BROKEN_FOLD.match(self._raw, at, end)
        if found is not None:
            self._note("header-line-broken")
        return found

    def _boundary(self, part: Part) -> bytes:
        """The boundary the part declares, or the one it evidently uses."""
        declared = part.kind.parameters.get("boundary", "").rstrip()
        boundary = declared.encode("utf-8", "surrogateescape")
        if boundary and self._raw.find(b"--" + boundary, part.start, part.end) != -1:
            return boundary
        found = _LOST_BOUNDARY.search(self._raw, part.start, min(part.end, part.start + 65536))
        if found is None:
            return b""
        self._note("boundary-guessed")
        return found[1]

    def _children(self, part: Part, boundary: bytes, depth: int) -> list[Part]:
        inside = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
        marks = list(self._delimiters(boundary, part.start, part.end))
        children: list[Part] = []
        if marks and marks[0].closes:  # no parts at all: what stands above is the text
            part.end = self._before_line_end(part.start, marks[0].start)
        at = 0
        while at < len(marks) and not marks[at].closes:
            if self._made >= MAX_PARTS:
                self._note("too-many-parts")
                break
            begins = marks[at].end
            at += 1
            if self._uses(begins, part.end, boundary):
                # an inner multipart with the boundary of the outer one: it ends at the first close
                while at < len(marks) and not marks[at].closes:
                    at += 1
                at += 1
            ends = marks[at].start if at < len(marks) else part.end
            children.append(self.part(begins, self._before_line_end(begins, ends), inside, depth))
        return children

    def _uses(self, begins: int, end: int, boundary: bytes) -> bool:
        """Whether the part that begins there is a multipart with that same boundary."""
        header_end = self._raw.find(b"\n\n", begins, min(end, begins + 4096))
        wide_end = self._raw.find(b"\n\r\n", begins, min(end, begins + 4096))
        ends = [one for one in (header_end, wide_end) if one != -1]
        head = self._raw[begins : min(ends)] if ends else b""
        return b"multipart/" in head.lower() and (
            re.search(
                rb'boundary="?' + re.escape(boundary) + rb'"?\s*(?:;|\Z)', head, re.IGNORECASE
            )
            is not None
        )

    def _delimiters(self, boundary: bytes, start: int, end: int) -> Iterator["_Mark"]:
        """The lines that are that boundary (RFC 2046 §5.1.1)."""
        line = b"--" + boundary
        at = self._raw.find(line, start, end)
        while at != -1:
            if at == start or self._raw[at - 1 : at] in (b"\n", b"\r"):
                tail = _TAIL.match(self._raw, at + len(line), end)
                if tail is not None:
                    yield _Mark(at, tail.end(), closes=tail[1] is not None)
            at = self._raw.find(line, at + len(line), end)

    def _before_line_end(self, start: int, end: int) -> int:
        """Without the line end that belongs to the boundary below."""
        if end > start and self._raw[end - 1 : end] == b"\n":
            end -= 1
        if end > start and self._raw[end - 1 : end] == b"\r":
            end -= 1
        return end


@dataclass(frozen=True)
class _Mark:
    """A line that is a boundary."""

    start: int
    end: int
    closes: bool


def _after_envelope_line(raw: Raw) -> int:
    """Mails out of an mbox begin with a line that is no header."""
    start = 3 if raw[:3] == b"\xef\xbb\xbf" else 0
    if raw[start : start + 5] == b"From ":
        start = raw.find(b"\n", start) + 1 or len(raw)
    return start


def _text(value: bytes) -> str:
    return value.decode("ascii", "surrogateescape")
