"""Mails out of an mbox file."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_BEGINS = b"From "
_QUOTED = re.compile(rb">+From ")


@dataclass(frozen=True)
class Letter:
    """A mail of an mbox and its `From ` line; `ends_at` is where the next one begins, in bytes.

    ``raw`` is only a beginning, of `most_bytes` or more, where the mail is larger than that.
    """

    separator: bytes
    raw: bytes
    ends_at: int


def mails_of(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The mails of an mbox, in order, without their `From ` lines."""
    return (letter.raw for letter in letters_of(lines))


def letters_of(lines: Iterable[bytes], *, most_bytes: int | None = None) -> Iterator[Letter]:
    """The mails of an mbox, in order; lines may come in pieces.

    A mail begins with a line that starts with `From ` at the top or behind an empty line. One `>`
    is taken from lines like `>From `, which writers put there so that no mail begins. Of a mail
    over `most_bytes` no more than that is kept in memory.
    """
    mail: _Collected | None = None
    at, after_empty, at_line_start = 0, True, True
    for line in lines:
        if at_line_start and after_empty and line.startswith(_BEGINS):
            if mail is not None:
                yield mail.letter(at)
            mail = _Collected(line, most_bytes)
        elif mail is not None:
            mail.add(line[1:] if at_line_start and _QUOTED.match(line) else line)
        after_empty = at_line_start and not line.strip(b"\r\n")
        at_line_start = line.endswith(b"\n")
        at += len(line)
    if mail is not None:
        yield mail.letter(at)


class _Collected:
    """The lines of one mail so far."""

    def __init__(self, separator: bytes, most_bytes: int | None) -> None:
        self._separator = separator
        self._separated = separator.endswith(b"\n")
        self._lines: list[bytes] = []
        self._room = most_bytes

    def add(self, line: bytes) -> None:
        if not self._separated:
            # Nobody needs the rest of so long a line.
            self._separated = line.endswith(b"\n")
            return
        if self._room is None or self._room >= 0:
            self._lines.append(line)
        if self._room is not None:
            self._room -= len(line)

    def letter(self, ends_at: int) -> Letter:
        """The empty line at the end belongs to the file and not to the mail."""
        lines = self._lines
        last = len(lines) - 1 if lines and not lines[-1].strip(b"\r\n") else len(lines)
        return Letter(self._separator, b"".join(lines[:last]), ends_at)
