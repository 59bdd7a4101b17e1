"""Signed stamps: which ticket a mail of ours belongs to, its kind, and how far it travelled.

A stamp is 20 bytes, written in lower-case base32 so that it survives mail programs that change the
case of an address: version and kind (1), hop (1), ticket number (4), seconds since 1970 (4), HMAC
(10 bytes, SHA-256, RFC 2104 §5 on truncation). The tenant is part of what is signed, not of what is
written, so a stamp of another installation never verifies. It stands in the local part of Reply-To,
in the Message-ID, in a header and in the body; any one of them is enough.
"""

import base64
import hashlib
import hmac
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

_HEAD = struct.Struct(">BBII")
_MAC_BYTES = 10
_LENGTH = 32
_VERSION = 1
_FORM = re.compile(r"(?<![a-z2-7])[a-z2-7]{32}(?![a-z2-7])", re.IGNORECASE)


class StampKind(IntEnum):
    """What the stamped mail was; the number is what is written."""

    AGENT_REPLY = 1
    RECEIPT = 2
    NOTIFICATION = 3

    @property
    def slug(self) -> str:
        """The kind as events write it."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def of(cls, slug: str) -> "StampKind":
        """The kind of an event's word; KeyError if there is none."""
        return cls[slug.upper().replace("-", "_")]


@dataclass(frozen=True)
class Stamp:
    """What a verified stamp says."""

    ticket_number: int
    kind: StampKind
    hop: int
    at: datetime


class Stamper:
    """Writes stamps with the first key and reads them with any, so that keys can be changed."""

    def __init__(self, tenant: str, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) < 16 for key in keys):
            raise ValueError("a stamp key of at least 16 bytes is needed")
        self._tenant = tenant.encode()
        self._keys = tuple(keys)

    def stamp(self, *, ticket_number: int, kind: StampKind, hop: int, at: datetime) -> str:
        """A token of 32 characters, a-z and 2-7, safe in the local part of an address."""
        first = (_VERSION << 4) | kind
        head = _HEAD.pack(first, min(hop, 255), ticket_number, int(at.timestamp()))
        token = base64.b32encode(head + self._mac(self._keys[0], head)).decode().lower()
        assert len(token) == _LENGTH  # noqa: S101 - 20 bytes are 32 letters, without padding
        return token

    def read(self, token: str) -> Stamp | None:
        """What the token says, or None if it is not ours."""
        stamp = read_unverified(token)
        if stamp is None:
            return None
        raw = base64.b32decode(token.upper())
        head, mac = raw[: _HEAD.size], raw[_HEAD.size :]
        verified = any(hmac.compare_digest(self._mac(key, head), mac) for key in self._keys)
        return stamp if verified else None

    def find(self, text: str) -> list[Stamp]:
        """Every stamp of ours in a text, in order."""
        found = (self.read(match.group()) for match in _FORM.finditer(text))
        return [stamp for stamp in found if stamp is not None]

    def _mac(self, key: bytes, head: bytes) -> bytes:
        signed = self._tenant + b"\x00" + head
        return hmac.new(key, signed, hashlib.sha256).digest()[:_MAC_BYTES]


def read_unverified(token: str) -> Stamp | None:
    """What a stamp of any installation says, taken at its word; None if it has not our form.

    Anybody may write one, so it proves nothing but that the mail says so of itself.
    """
    if not _FORM.fullmatch(token):
        return None
    first, hop, ticket_number, seconds = _HEAD.unpack(base64.b32decode(token.upper())[: _HEAD.size])
    if first >> 4 != _VERSION or first & 15 not in StampKind.__members__.values():
        return None
    return Stamp(ticket_number, StampKind(first & 15), hop, datetime.fromtimestamp(seconds, tz=UTC))


def read_keys(path: Path) -> list[bytes]:
    """The keys of a file: one a line, base64, the one to sign with first."""
    lines = path.read_text().split()
    return [base64.b64decode(line, validate=True) for line in lines]
