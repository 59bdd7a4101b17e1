"""How content was dressed for the wire: transfer encodings (RFC 2045 §6) and format=flowed."""

import binascii
import quopri
from email.errors import MessageError
from email.message import Message

from postbus.mail.charsets import Note
from postbus.mail.encoded_words import lenient_base64
from postbus.mail.headers import HeaderFields


def bytes_of(part: Message, header: HeaderFields, note: Note) -> bytes:
    """The content with its transfer encoding taken off (RFC 2045 §6)."""
    if part.is_multipart():
        payload = part.get_payload()
        children = payload if isinstance(payload, list) else []
        return b"\n".join(_flattened(one, note) for one in children if isinstance(one, Message))
    # With the field still there the library would take the encoding off by its own rules, and
    # without `decode` it would read 8-bit by the declared charset; ``header`` knows the field.
    del part["content-transfer-encoding"]
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return b""
    encoding = header.token("content-transfer-encoding").strip("\"'; ")
    if encoding == "base64":
        decoded = lenient_base64(data)
        if decoded is None:
            note("base64-broken")
        return data if decoded is None else decoded
    if encoding == "quoted-printable":
        return quopri.decodestring(data)
    if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
        return _uudecoded(data, note)
    if encoding not in ("", "7bit", "8bit", "binary", "7-bit", "8-bit"):
        note("transfer-encoding-unknown")
    return data


def _flattened(part: Message, note: Note) -> bytes:
    """A message in a message, as the bytes it came as; roughly, if its header is broken."""
    try:
        return part.as_bytes()
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        note("attached-mail-broken")
    fields = "".join(f"{name}: {value}\n" for name, value in part.raw_items())
    return fields.encode("utf-8", "surrogateescape") + b"\n" + bytes_of(part, HeaderFields(), note)


def _uudecoded(data: bytes, note: Note) -> bytes:
    out = b""
    started = False
    for line in data.splitlines():
        if not started:
            started = line.startswith(b"begin ")
            continue
        if line.strip() in (b"end", b"`"):
            break
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:
            note("uuencode-broken")
    return out


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
