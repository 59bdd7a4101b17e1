"""Header fields as they leave: folded (RFC 5322 §2.2.3), and encoded where they must be (RFC 2047).

Written here and not by the library: that of Python 3.11 encodes long ids as if they were words, so
that Outlook begins a new thread (python/cpython#100991), and loses the quotes around a long name,
so that the commas in it make several recipients of one (CVE-2025-1795).
"""

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from postbus.contracts.mail import Address

_LINE: Final = 78
"""Characters of a line, where its words allow (RFC 5322 §2.1.1)."""
_MOST_OCTETS: Final = 600
"""Of a word that stands as it is; a line must stay under 998 octets, its name and comma too."""
_PAYLOAD: Final = 63
"""Characters within an encoded word, which has 75 at most (RFC 2047 §2)."""
_WORD: Final = re.compile(r" +[^ ]*")
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff -]+")
_ID: Final = re.compile(r"[^\s<>]+")
_DOTTED: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff.-]+")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_DOMAIN: Final = re.compile(r"\[[A-Za-z0-9.:]+\]|[^\s\x00-\x20\x7f()<>@,;:\\\"\[\]]+")
_Q_SAFE: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/ ")


def text(name: str, value: str, *, utf8: bool = False) -> bytes:
    """A field of words; `utf8` leaves them as they are (RFC 6532)."""
    return _field(name, _words(value, value, utf8=utf8), utf8=utf8)


def ids(name: str, values: Iterable[str], *, utf8: bool = False) -> bytes:
    """A field of ids, the first on the line of its name; nothing where none can be written.

    Some servers read an id on the next line as none. An encoded one would be another one.
    """
    written = [one for one in values if _ID.fullmatch(one) and (utf8 or one.isascii())]
    return _field(name, (f" <{one}>" for one in written), utf8=utf8) if written else b""


def addresses(name: str, given: Sequence[Address], *, utf8: bool = False) -> bytes:
    """A field of mailboxes, whose addresses are as `addr_spec` writes them."""
    pieces: list[str] = []
    for one in given:
        if pieces:
            pieces[-1] += ","
        pieces += _phrase(one.name, utf8=utf8)
        pieces.append(f" <{one.address}>" if one.name else f" {one.address}")
    return _field(name, pieces, utf8=utf8)


def addr_spec(address: str) -> str:
    """The address as headers and envelope have it: its local part quoted where it must be.

    Wild ones stay as they are (`a..b@docomo.ne.jp`), since their servers know them by that.
    """
    local, at, domain = address.rpartition("@")
    if not at or not local or _DOTTED.fullmatch(local) or _QUOTED.fullmatch(local):
        return address
    return f"{_quoted(local)}@{domain}"


def is_addr_spec(address: str) -> bool:
    """Whether the address can stand in an envelope (RFC 5321 §4.1.2), however wild it is."""
    local, _, domain = address.rpartition("@")
    known = _DOTTED.fullmatch(local) or _QUOTED.fullmatch(local)
    return bool(known and _DOMAIN.fullmatch(domain))


def _phrase(name: str, *, utf8: bool) -> list[str]:
    """A display name: atoms, a quoted string, or encoded words (RFC 5322 §3.2.5)."""
    if not name:
        return []
    return list(_words(name, name if _ATOMS.fullmatch(name) else _quoted(name), utf8=utf8))


def _quoted(value: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def _words(value: str, written: str, *, utf8: bool) -> Iterator[str]:
    """The words of `written` with the blanks before them; of `value`, where they are encoded."""
    words = _WORD.findall(f" {written}")
    short = all(len(one.encode("utf-8", "replace")) <= _MOST_OCTETS for one in words)
    if short and (utf8 or written.isascii()):
        return iter(words)
    return (f" {word}" for word in _encoded(value))


def _encoded(value: str) -> Iterator[str]:
    """Encoded words, in the shorter of both ways; none ends within a letter (RFC 2047 §5)."""
    data = value.encode("utf-8", "replace")
    q_longer = sum(_q_length(byte) for byte in data) > len(data) * 4 / 3
    kind, most = ("b", _PAYLOAD // 4 * 3) if q_longer else ("q", _PAYLOAD)
    piece, used = b"", 0
    for letter in value:
        octets = letter.encode("utf-8", "replace")
        length = len(octets) if q_longer else sum(_q_length(byte) for byte in octets)
        if used + length > most:
            yield _encoded_word(kind, piece)
            piece, used = b"", 0
        piece, used = piece + octets, used + length
    yield _encoded_word(kind, piece)


def _q_length(byte: int) -> int:
    return 1 if byte in _Q_SAFE else 3


def _encoded_word(kind: str, data: bytes) -> str:
    if kind == "b":
        return f"=?utf-8?b?{base64.b64encode(data).decode()}?="
    letters = (chr(byte) if byte in _Q_SAFE else f"={byte:02X}" for byte in data)
    return f"=?utf-8?q?{''.join(letters).replace(' ', '_')}?="


def _field(name: str, pieces: Iterable[str], *, utf8: bool) -> bytes:
    """The field; each piece begins with a blank, at which the line may be folded."""
    lines, line = [], f"{name}:"
    for at, piece in enumerate(pieces):
        if at and len(line) + len(piece) > _LINE:
            lines.append(line)
            line = ""
        line += piece
    encoding = "utf-8" if utf8 else "ascii"
    return "\r\n".join((*lines, line)).encode(encoding, "replace") + b"\r\n"
