"""The tree of a mail's parts (RFC 2046), taken apart into what is read and what is a file."""

import mimetypes
from dataclasses import replace
from typing import Final

from postbus.mail import invitations, smime, tnef
from postbus.mail.bodies import Bodies, Chunk, says_something
from postbus.mail.charsets import Note, decode
from postbus.mail.content import Content
from postbus.mail.encoded_words import unfold
from postbus.mail.file_names import invented_name, safe_name
from postbus.mail.invitations import read_invitations
from postbus.mail.parameters import read_valued
from postbus.mail.parsed import ParsedAttachment
from postbus.mail.protection import of_file, of_multipart, of_text
from postbus.mail.structure import MAX_DEPTH, Part, Raw, read_tree
from postbus.mail.transfer import content_of, unflowed
from postbus.mail.uuencode import files_in

_MAX_CONTENT_ID_CHARACTERS: Final = 200
_MAX_TNEF_DEPTH: Final = 5
_READ_AS_TEXT: Final = frozenset(("text/plain", "text/enriched", "text/richtext"))
_NOT_SHOWN: Final = frozenset(("text/x-amp-html", "text/watch-html"))
"""Other readings of what is in the mail already, for one program each."""


class _Reader:
    """Goes through the parts of one mail, once."""

    def __init__(self, raw: Raw, note: Note, within: Bodies | None = None) -> None:
        """``within`` is what was found so far, where ``raw`` lies inside the mail as a file."""
        self._raw = raw
        self._within = within is not None
        self._note = note
        self.found = within or Bodies()

    def read(self, part: Part, depth: int, *, chunk: Chunk | None = None) -> None:
        """Read a part and all below it; ``chunk`` gathers the alternatives of one content."""
        self.found.types.append(part.content_type)
        if part.content_type == "multipart/report" and self.found.report_type is None:
            self.found.report_type = part.kind.parameters.get("report-type", "").lower()
        if part.children:
            protocol = part.kind.parameters.get("protocol", "")
            self.found.protect(filter(None, (of_multipart(part.content_type, protocol),)))
            self._read_children(part, depth, chunk)
        else:
            self._read_leaf(part, depth, chunk)

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

    def _read_leaf(self, part: Part, depth: int, chunk: Chunk | None) -> None:
        leaf, content_type = _Leaf(part, self._note, depth), part.content_type
        if content_type in _NOT_SHOWN:
            return
        content = content_of(self._raw, part, self._note)
        if self._within:
            content = content.freed()
        if content_type.startswith("multipart/"):
            self._note("multipart-without-parts")
            content_type = "text/plain"
        is_html = content_type in ("text/html", "application/xhtml+xml")
        if (is_html or content_type in _READ_AS_TEXT) and not leaf.is_file:
            self._add_text(content.data(), leaf, chunk, is_html=is_html)
        elif content_type in smime.CONTENT_TYPES:
            self._add_smime(content, leaf, depth, chunk)
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
        self.found.protect(of_text(text))
        chunk.plain, files = files_in(text, self._note)
        for name, inside in files:
            self.found.files.append(made_file(name, Content(inside), number=self._next_number()))

    def _next_number(self) -> int:
        return len(self.found.files) + 1

    def _add_smime(self, content: Content, leaf: "_Leaf", depth: int, chunk: Chunk | None) -> None:
        """What an opaque signature holds is read in its place; what is encrypted stays a file."""
        data = content.data()
        what = smime.protection_of(leaf.part.kind.parameters.get("smime-type", ""), data)
        self.found.protect(filter(None, (what,)))
        inside = smime.signed_content(data, self._note) if what == smime.SIGNED else None
        if inside is None or depth >= MAX_DEPTH:
            self._add_file(content, leaf.part.content_type, leaf)
            return
        inner = _Reader(inside, self._note, self.found)
        inner.read(read_tree(inside, self._note), depth + 1, chunk=chunk)

    def _add_file(self, content: Content, content_type: str, leaf: "_Leaf") -> None:
        content_id = unfold(leaf.part.header.raw("content-id")).strip("<> ") or None
        if content_id is not None:
            content_id = content_id.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            content_id = content_id[:_MAX_CONTENT_ID_CHARACTERS]
        file = made_file(leaf.name, content, content_type=content_type, number=self._next_number())
        self.found.protect(of_file(content_type, file.name, bytes(content.stored[:200])))
        if content_type in invitations.CONTENT_TYPES and not self.found.calendar:
            method = leaf.part.kind.parameters.get("method", "")
            self.found.calendar = read_invitations(content.data(), method, self._note)
        if content_type in tnef.CONTENT_TYPES or file.name.lower() == "winmail.dat":
            self._add_unpacked(file, 0)
            return
        inline = content_id is not None and leaf.disposition.value != "attachment"
        is_picture = leaf.disposition.value == "inline" and content_type.startswith("image/")
        self.found.files.append(replace(file, inline=inline or is_picture, content_id=content_id))

    def _add_unpacked(self, file: ParsedAttachment, depth: int) -> None:
        """The files in a winmail.dat instead of it, and its body where the mail has no other."""
        inside = tnef.unpack(file.data, self._note) if depth < _MAX_TNEF_DEPTH else None
        if inside is None:
            self.found.files.append(file)
            return
        for body, name in ((inside.rtf, "message.rtf"), (inside.html_bytes, "message.html")):
            if body:
                self.found.files.append(made_file(name, Content(body), number=1))
        if not any(says_something(one.plain) or one.html for one in self.found.chunks) and (
            inside.text or inside.html
        ):
            self.found.chunks.append(Chunk(inside.text or None, inside.html or None))
        for packed in inside.files:
            one = made_file(
                packed.name,
                Content(packed.data),
                number=self._next_number(),
                content_type=packed.content_type,
            )
            if packed.content_type in tnef.CONTENT_TYPES:
                self._add_unpacked(one, depth + 1)
            else:
                self.found.files.append(replace(one, content_id=packed.content_id))


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
