"""MAPI properties as they stand in a winmail.dat (MS-OXTNEF 2.1.3.4, MS-OXCDATA 2.11)."""

import struct
from dataclasses import dataclass, field
from typing import Final

from postbus.mail.charsets import decode

_FIXED_BYTES: Final = {
    0x0001: 0, 0x0002: 4, 0x0003: 4, 0x0004: 4, 0x0005: 8, 0x0006: 8, 0x0007: 8, 0x000A: 4,
    0x000B: 4, 0x0014: 8, 0x0040: 8, 0x0048: 16,
}  # fmt: skip
"""Bytes of a value by its type, filled up to four."""
_STRING8: Final = 0x001E
_UNICODE: Final = 0x001F
_OBJECT: Final = 0x000D
_BINARY: Final = 0x0102
_VARIABLE: Final = frozenset((_STRING8, _UNICODE, _OBJECT, _BINARY))
_MANY: Final = 0x1000
_FIRST_NAMED: Final = 0x8000
_MAX_PROPERTIES: Final = 10_000


@dataclass
class Properties:
    """Properties by their id; of several values the first."""

    charset: str
    values: dict[int, tuple[int, bytes]] = field(default_factory=dict)

    def data(self, name: int) -> bytes:
        """The bytes of a property; empty if it is not there."""
        return self.values.get(name, (0, b""))[1]

    def is_object(self, name: int) -> bool:
        """Whether the property is an object: an interface id stands before its bytes."""
        return self.values.get(name, (0, b""))[0] == _OBJECT

    def text(self, name: int) -> str:
        """The text of a property; empty if it is not there or is no text."""
        kind, data = self.values.get(name, (0, b""))
        if kind == _UNICODE:
            return data.decode("utf-16-le", "replace").rstrip("\x00")
        if kind == _STRING8:
            return decode(data.rstrip(b"\x00"), self.charset, _silent)
        return ""


def _silent(_: str) -> None:
    """What a single property lacks is not worth a note."""


def read_properties(data: bytes, charset: str) -> Properties:
    """The properties until the end, or until one that makes no sense."""
    found = Properties(charset)
    reader = _Reader(data)
    try:
        for _ in range(min(reader.number(), _MAX_PROPERTIES)):
            kind, name = reader.pair()
            if name >= _FIRST_NAMED:
                reader.skip_name()
            values = reader.values(kind)
            if values:
                found.values.setdefault(name, (kind & ~_MANY, values[0]))
    except (struct.error, _CutOffError):
        pass  # the rest is not there
    return found


class _CutOffError(Exception):
    """A property claims more than there is."""


class _Reader:
    """Numbers and bytes, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self) -> int:
        value: int = struct.unpack_from("<I", self._data, self._at)[0]
        self._at += 4
        return value

    def pair(self) -> tuple[int, int]:
        kind, name = struct.unpack_from("<HH", self._data, self._at)
        self._at += 4
        return kind, name

    def take(self, size: int) -> bytes:
        """So many bytes; what fills them up to four is passed over."""
        if size > len(self._data) - self._at:
            raise _CutOffError
        value = self._data[self._at : self._at + size]
        self._at += size + (-size % 4)
        return value

    def skip_name(self) -> None:
        """A named property: its set, and its number or name (MS-OXTNEF 2.1.3.4.2)."""
        self.take(16)
        if self.number():
            self.take(self.number())
        else:
            self.number()

    def values(self, kind: int) -> list[bytes]:
        base = kind & ~_MANY
        if base in _VARIABLE:
            return [self.take(self.number()) for _ in range(self._count())]
        if base not in _FIXED_BYTES:
            raise _CutOffError
        count = self._count() if kind & _MANY else 1
        return [self.take(_FIXED_BYTES[base]) for _ in range(count)]

    def _count(self) -> int:
        count = self.number()
        if count > len(self._data) // 4:
            raise _CutOffError
        return count
