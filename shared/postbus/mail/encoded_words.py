"""RFC 2047 encoded words, and header values that are raw 8-bit (seen in practice since ever)."""

import binascii
import re
from typing import Final

from postbus.mail.charsets import Note, decode

_WORD: Final = re.compile(
    r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?(.{0,1000}?)\?=", re.DOTALL
)
_FOLD: Final = re.compile(r"[ \t]*(?:\r\n|\r|\n)[ \t]*|\t")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]+")


def as_bytes(value: str) -> bytes:
    """A header value as it was in the mail; the parser keeps 8-bit bytes as surrogates."""
    return value.encode("utf-8", "surrogateescape")


def readable(value: str, hint: str | None, note: Note) -> str:
    """A header value with raw 8-bit made readable; ``hint`` is the charset of the mail's text."""
    if value.isascii() and "\x1b" not in value:
        return value
    data = as_bytes(value)
    try:
        return data.decode("utf-8")  # before the hint: many charsets take UTF-8 for nonsense
    except UnicodeDecodeError:
        return decode(data, hint, note)


def unfold(value: str) -> str:
    """One line (RFC 5322 §2.2.3), without control characters."""
    return _CONTROLS.sub(" ", _FOLD.sub(" ", value)).strip()


def decode_words(value: str, note: Note) -> str:
    """The value with its encoded words read; white space between two of them goes (§6.2)."""
    if "=?" not in value:
        return value
    out: list[str] = []
    run: list[tuple[str, bytes]] = []
    end = 0
    for word in _WORD.finditer(value):
        data = _word_bytes(word[2], word[3])
        between = value[end : word.start()]
        if data is None:
            continue
        if between.strip() or not run:
            out += [_joined(run, note), between]
            run = []
        run.append((word[1], data))
        end = word.end()
    return "".join([*out, _joined(run, note), value[end:]])


def end_of_word(value: str, at: int) -> int:
    """Where the encoded word that begins at ``at`` ends; ``at`` itself if there is none."""
    found = _WORD.match(value, at) if value.startswith("=?", at) else None
    return found.end() if found else at


def _joined(run: list[tuple[str, bytes]], note: Note) -> str:
    """Neighbours of one charset are joined before decoding: senders cut within a letter."""
    text, at = "", 0
    while at < len(run):
        charset, data = run[at]
        at += 1
        while at < len(run) and run[at][0].lower() == charset.lower():
            data += run[at][1]
            at += 1
        text += decode(data, charset, note)
    return text


def _word_bytes(encoding: str, payload: str) -> bytes | None:
    raw = as_bytes(payload)
    if encoding in "qQ":
        return binascii.a2b_qp(raw.replace(b"_", b" ").replace(b"\n", b"").replace(b"\r", b""))
    return lenient_base64(raw)


_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]")
_NO_CONTINUATION: Final = re.compile(rb"[^A-Za-z0-9+/=\s]")


def lenient_base64(data: bytes) -> bytes | None:
    """Base64 without minding white space, strange signs or absent padding; None if it is none.

    Padding in the middle ends a piece, not the whole: senders glue encoded pieces together. What
    follows padding and is no base64 is the footer of a mailing list, and left away.
    """
    try:
        decoded = binascii.a2b_base64(data)
        if b"=" not in data.rstrip(b"=\r\n \t"):
            return decoded
    except binascii.Error:
        pass
    pieces: list[bytes] = []
    for piece in data.split(b"="):
        if pieces and _NO_CONTINUATION.search(piece):
            break
        clean = _NOT_BASE64.sub(b"", piece)
        if len(clean) % 4 == 1:
            clean = clean[:-1]
        try:
            pieces.append(binascii.a2b_base64(clean + b"=" * (-len(clean) % 4)))
        except binascii.Error:
            return None
    return b"".join(pieces)
