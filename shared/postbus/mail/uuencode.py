"""Files that stand in the text as uuencode (POSIX `uuencode`): begin, lines of 45 bytes, end."""

import binascii
import re
from typing import Final

from postbus.mail.charsets import Note
from postbus.mail.file_names import safe_name

_FILE: Final = re.compile(
    r"^begin [0-7]{3,4} (?P<name>[^\n]{0,200})\n"
    r"(?P<lines>(?:[\x20-\x60]{1,90}[ \t]*\n)+?)`?\n?end[ \t]*$",
    re.MULTILINE,
)


def decode_uu(data: bytes, note: Note) -> bytes:
    """The bytes of a part whose transfer encoding is uuencode; broken lines are left out."""
    lines = data.splitlines()
    begins = next((at + 1 for at, line in enumerate(lines) if line.startswith(b"begin ")), 0)
    return _bytes_of(lines[begins:], note)


def files_in(text: str, note: Note) -> tuple[str, list[tuple[str, bytes]]]:
    """The text without the uuencoded files in it, and these by name."""
    if "\nend" not in text or "begin " not in text:
        return text, []
    files: list[tuple[str, bytes]] = []

    def take(found: re.Match[str]) -> str:
        data = _bytes_of(found["lines"].encode("ascii", "replace").splitlines(), note)
        files.append((safe_name(found["name"].strip()), data))
        return ""

    rest = _FILE.sub(take, text.replace("\r\n", "\n"))
    return (rest, files) if files else (text, [])


def _bytes_of(lines: list[bytes], note: Note) -> bytes:
    out = bytearray()
    for line in lines:
        if line.strip() in (b"end", b"`"):
            break
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:
            note("uuencode-broken")
    return bytes(out)
