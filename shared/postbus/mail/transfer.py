"""How content was dressed for the wire: transfer encodings (RFC 2045 §6) and format=flowed."""

import quopri
from typing import Final

from postbus.mail.charsets import Note
from postbus.mail.content import PIECE_BYTES, Content, is_clean_base64
from postbus.mail.encoded_words import lenient_base64
from postbus.mail.structure import Part, Raw
from postbus.mail.uuencode import decode_uu

_NONE: Final = ("", "7bit", "8bit", "binary", "7-bit", "8-bit")
_UU: Final = ("x-uuencode", "uuencode", "uue", "x-uue")


def content_of(raw: Raw, part: Part, note: Note) -> Content:
    """What the part holds (RFC 2045 §6). Large files stay in the mail until they are asked for."""
    encoding = part.header.token("content-transfer-encoding").strip("\"'; ")
    if part.content_type.startswith("multipart/") or encoding in _NONE:
        return Content(_stored(raw, part), start=part.start)
    if encoding == "base64":
        return _base64(raw, part, note)
    stored = raw[part.start : part.end]
    if encoding == "quoted-printable":
        return Content(quopri.decodestring(stored))
    if encoding in _UU:
        return Content(decode_uu(stored, note))
    note("transfer-encoding-unknown")
    return Content(stored)


def _stored(raw: Raw, part: Part) -> bytes | memoryview:
    """Small parts as bytes, large ones in place."""
    if part.end - part.start <= PIECE_BYTES:
        return raw[part.start : part.end]
    return memoryview(raw)[part.start : part.end]


def _base64(raw: Raw, part: Part, note: Note) -> Content:
    stored = _stored(raw, part)
    if isinstance(stored, memoryview) and is_clean_base64(stored):
        return Content(stored, base64=True, start=part.start)
    encoded = bytes(stored)
    decoded = lenient_base64(encoded)
    if decoded is None:
        note("base64-broken")
        return Content(encoded)
    return Content(decoded)


def unflowed(text: str, *, delsp: str) -> str:
    """Paragraphs that were cut for the wire, whole again (RFC 3676 §4)."""
    out: list[str] = []
    open_depth = -1
    for line in text.replace("\r\n", "\n").split("\n"):
        body = line.lstrip(">")
        depth = len(line) - len(body)
        body = body.removeprefix(" ")
        is_signature = body == "-- "
        flows = body.endswith(" ") and not is_signature
        content = body[:-1] if flows and delsp == "yes" else body
        if depth == open_depth and not is_signature:
            out[-1] += content
        else:
            out.append((">" * depth + " " if depth else "") + content)
        open_depth = depth if flows else -1
    return "\n".join(out)
