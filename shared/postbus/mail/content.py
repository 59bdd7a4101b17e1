"""What a part holds, with its transfer encoding still on; taken off piece by piece when asked."""

import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

PIECE_BYTES: Final = 1024 * 1024
_WHITE: Final = b"\r\n \t"
_SIGNS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_WHITE_AND_SIGNS: Final = _WHITE + _SIGNS


@dataclass(frozen=True)
class Content:
    """Bytes of a mail, in place.

    ``stored`` lies in the mail (a memoryview, which begins at ``start``), or beside it where the
    bytes had to be made. ``base64`` says that it is clean base64 (RFC 4648 §4) with nothing but
    line ends in it.
    """

    stored: bytes | memoryview
    base64: bool = False
    start: int | None = None
    length: int | None = None

    def freed(self) -> "Content":
        """The same with bytes of its own, for what lies in something else than the mail itself."""
        return Content(bytes(self.stored), self.base64)

    def detached(self) -> "Content":
        """The same without the mail: where it lies in it, or the bytes where it was made."""
        if not isinstance(self.stored, memoryview) or self.start is None:
            return self.freed()
        return Content(b"", self.base64, self.start, len(self.stored))

    def attached_to(self, raw: bytes) -> "Content":
        """The same in its place in the mail again."""
        if self.length is None or self.start is None:
            return self
        place = memoryview(raw)[self.start : self.start + self.length]
        return Content(place, self.base64, self.start)

    def pieces(self) -> Iterator[bytes]:
        """The bytes in their order, at most 1 MiB at a time."""
        if not self.base64:
            for at in range(0, len(self.stored), PIECE_BYTES):
                yield bytes(self.stored[at : at + PIECE_BYTES])
            return
        carried = b""
        for at in range(0, len(self.stored), PIECE_BYTES):
            signs = carried + bytes(self.stored[at : at + PIECE_BYTES]).translate(None, _WHITE)
            whole = len(signs) - len(signs) % 4
            carried = signs[whole:]
            yield binascii.a2b_base64(signs[:whole])

    def data(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces())

    def measure(self) -> tuple[str, int]:
        """SHA-256 in hex, and the number of bytes."""
        digest, size = hashlib.sha256(), 0
        for piece in self.pieces():
            digest.update(piece)
            size += len(piece)
        return digest.hexdigest(), size


def is_clean_base64(stored: bytes | memoryview) -> bool:
    """Whether it can be taken off piece by piece: its signs and white space, padding at the end."""
    count, padding = 0, 0
    for at in range(0, len(stored), PIECE_BYTES):
        piece = bytes(stored[at : at + PIECE_BYTES])
        others = piece.translate(None, _SIGNS)
        pads = others.translate(None, _WHITE)
        if pads.strip(b"=") or (padding and len(piece) > len(others)):
            return False
        if pads and piece.rstrip(_WHITE + b"=").translate(None, _WHITE_AND_SIGNS) != b"":
            return False  # padding in the middle
        padding += len(pads)
        count += len(piece) - len(others) + len(pads)
    return count % 4 == 0 and padding <= 2
