"""From bytes to text, when the label may be missing, unknown or untrue.

The order is: what was declared, UTF-8, a guess from the bytes, Latin-1 (which takes anything).
Names are read as browsers read them (WHATWG Encoding Standard), because mail programs label by
habit: `iso-8859-1` is nearly always windows-1252, `gb2312` is GBK and more.
"""

import re
from collections.abc import Callable
from typing import Final

import charset_normalizer

Note = Callable[[str], None]
"""Takes a problem; calling it changes nothing about what is given back."""

_READ_AS: Final = {
    "ascii": "ascii", "us-ascii": "ascii", "ansi-x3.4-1968": "ascii", "7bit": "ascii",
    "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "iso8859-1": "cp1252",
    "iso-8859-9": "cp1254", "iso-8859-11": "cp874", "tis-620": "cp874",
    "utf8": "utf-8", "utf-8": "utf-8", "utf8mb4": "utf-8", "unicode-1-1-utf-8": "utf-8",
    "unicode-1-1-utf-7": "utf-7", "x-unicode-2-0-utf-7": "utf-7",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb-2312": "gb18030",
    "big5": "cp950", "x-x-big5": "cp950", "big5-hkscs": "big5hkscs",
    "shift-jis": "cp932", "shift_jis": "cp932", "x-sjis": "cp932", "sjis": "cp932",
    "windows-31j": "cp932", "ms_kanji": "cp932",
    "euc-kr": "cp949", "ks_c_5601-1987": "cp949", "ks-c-5601-1987": "cp949", "ksc5601": "cp949",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8",
    "x-mac-roman": "mac-roman", "macintosh": "mac-roman", "x-mac-cyrillic": "mac-cyrillic",
    "windows-874": "cp874", "ansi": "cp1252", "default": "ascii", "unknown-8bit": "ascii",
}  # fmt: skip
_TAKES_ANYTHING: Final = re.compile(r"cp125\d|iso-?8859-\d+|latin|koi8|cp85\d|cp437|mac")
_GUESS_BYTES: Final = 32 * 1024
"""A guess from the first part is as good, and time must not grow with the mail."""


def decode(data: bytes, declared: str | None, note: Note) -> str:
    """The text of the bytes; never fails, and notes what was wrong with the label."""
    if data.isascii() and not _has_shifts(data, declared):
        return data.decode("ascii")
    codec = codec_of(declared)
    if declared and codec is None:
        note("charset-unknown")
    if codec is not None and codec != "ascii":
        text = _strict(data, codec)
        if text is not None and not (_TAKES_ANYTHING.match(codec) and _is_utf_8(data)):
            return text
    text = _strict(data, "utf-8")
    if text is not None:
        if codec not in (None, "utf-8"):
            note("charset-untrue")
        return text
    return _mostly(data, codec, note)


def codec_of(declared: str | None) -> str | None:
    """Python's name for a charset as mails spell it; None if there is none."""
    if not declared:
        return None
    name = declared.strip().strip("\"'").lower().replace(" ", "")
    name = _READ_AS.get(name, name)
    try:
        # rot13, base64 and their like are codecs, too, but never charsets
        return name if isinstance(b"a".decode(name, "replace"), str) else None
    except (LookupError, ValueError, UnicodeError, TypeError, AssertionError):
        return None


def _mostly(data: bytes, codec: str | None, note: Note) -> str:
    """Neither the label nor UTF-8 fits: a few bad bytes, or another charset altogether."""
    if codec is not None and codec not in ("ascii", "cp1252"):
        text = data.decode(codec, "replace")
        if text.count("\ufffd") * 50 <= len(text) + 50:
            note("charset-damaged")
            return text
    guess = _guess(data)
    note("charset-guessed" if guess else "charset-unreadable")
    return data.decode(guess or "latin-1", "replace")


def _guess(data: bytes) -> str | None:
    sample = data[:_GUESS_BYTES]
    if len(sample) - len(sample.translate(None, _HIGH)) < 3:
        return "cp1252"
    best = charset_normalizer.from_bytes(sample, steps=3, chunk_size=256, threshold=0.3).best()
    return codec_of(best.encoding) if best is not None else None


_HIGH: Final = bytes(range(128, 256))


def _is_utf_8(data: bytes) -> bool:
    """Bytes above 127 that form UTF-8 by chance are not seen in practice."""
    return _strict(data, "utf-8") is not None


def _strict(data: bytes, codec: str) -> str | None:
    if codec == "iso-2022-jp":
        return _iso_2022_jp(data)
    try:
        return data.decode(codec)
    except UnicodeError:
        return data.decode("latin-1") if codec == "cp1252" and not _is_utf_8(data) else None
    except (LookupError, ValueError):
        return None


def _has_shifts(data: bytes, declared: str | None) -> bool:
    """Charsets that say everything in seven bits."""
    if not declared:
        return b"\x1b$" in data
    name = declared.lower()
    return b"\x1b" in data or ("utf-7" in name and b"+" in data) or "utf-16" in name or (
        name.startswith("hz") and b"~{" in data
    )  # fmt: skip


_JIS_RUN: Final = re.compile(rb"\x1b\$[@B]((?:[\x21-\x7e]{2})*)(?:\x1b\([BJ])?")


def _iso_2022_jp(data: bytes) -> str | None:
    """JIS by way of Shift-JIS, which has the NEC signs (①, ㈱) that strict JIS lacks."""
    try:
        return data.decode("iso-2022-jp")
    except UnicodeError:
        pass
    try:
        return _JIS_RUN.sub(lambda m: _to_shift_jis(m[1]), data).replace(b"\x1b(B", b"").decode(
            "cp932"
        )  # fmt: skip
    except UnicodeError:
        return None


def _to_shift_jis(pairs: bytes) -> bytes:
    """The arithmetic between the two (JIS X 0208:1997, appendix 1)."""
    out = bytearray()
    for row, cell in zip(pairs[::2], pairs[1::2], strict=True):
        lead = (row - 0x21) // 2 + (0x81 if row < 0x5F else 0xC1)
        trail = cell + (0x1F if cell < 0x60 else 0x20) if row % 2 else cell + 0x7E
        out += bytes((lead, trail))
    return bytes(out)
