"""The mails of an mbox file of any size."""

from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from postbus_cli.domain.came import separated_at
from postbus_cli.domain.importing import Lying, Position
from postbus_cli.domain.mbox import letters_of
from postbus_cli.exits import Cannot

_LINE_BYTES = 1024 * 1024
"""A longer line is read in pieces."""
_MARK_BYTES = 512


class MboxSource:
    """`domain.importing.Source`; a step is a byte."""

    copied = True

    def __init__(self, file: Path, *, most_bytes: int) -> None:
        if not file.is_file():
            raise Cannot(f"{file} is no file")
        self.name = file.resolve().as_uri()
        self._file = file
        self._most_bytes = most_bytes
        self._check_begin()

    def total(self, after: Position) -> int:
        """The bytes that are to come."""
        return max(self._file.stat().st_size - int(after.get("at", 0)), 0)

    def can_go_on(self, after: Position) -> bool:
        """Whether the bytes before the position are those of then; what was added is welcome."""
        at = int(after["at"])
        with self._file.open("rb") as stream:
            return self.total({}) >= at and _mark(stream, at) == after["mark"]

    def mails(self, after: Position) -> Iterator[Lying]:
        """One after the other, never all of them in memory."""
        begin = int(after.get("at", 0))
        with self._file.open("rb") as stream, self._file.open("rb") as beside:
            stream.seek(begin)
            lines = iter(partial(stream.readline, _LINE_BYTES), b"")
            came = begin
            for letter in letters_of(lines, most_bytes=self._most_bytes):
                at = begin + letter.ends_at
                is_large = len(letter.raw) > self._most_bytes
                yield Lying(
                    name=f"{self._file.name}@{came}",
                    position={"at": at, "mark": _mark(beside, at)},
                    steps=at - came,
                    raw=b"" if is_large else letter.raw,
                    came_at=separated_at(letter.separator),
                    error=f"it is over {self._most_bytes} bytes" if is_large else "",
                )
                came = at

    def close(self) -> None:
        """Nothing is held open."""

    def _check_begin(self) -> None:
        with self._file.open("rb") as stream:
            begin = stream.read(5)
        if begin not in (b"From ", b""):
            raise Cannot(f"{self._file} is no mbox file: it does not begin with `From `")


def _mark(stream: BinaryIO, at: int) -> str:
    """What stands before that place, so that another file of that name is not taken for it."""
    begin = max(at - _MARK_BYTES, 0)
    stream.seek(begin)
    return sha256(stream.read(at - begin)).hexdigest()[:32]
