"""Mails out of an mbox file."""

import re
from collections.abc import Iterable, Iterator

_BEGINS = b"From "
_QUOTED = re.compile(rb">+From ")


def mails_of(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The mails of an mbox, in order, without their `From ` lines.

    A mail begins with a line that starts with `From ` at the top or behind an empty line. One `>`
    is taken from lines like `>From `, which writers put there so that no mail begins.
    """
    mail: list[bytes] | None = None
    after_empty = True
    for line in lines:
        if after_empty and line.startswith(_BEGINS):
            if mail is not None:
                yield _joined(mail)
            mail = []
        elif mail is not None:
            mail.append(line[1:] if _QUOTED.match(line) else line)
        after_empty = not line.strip(b"\r\n")
    if mail is not None:
        yield _joined(mail)


def _joined(lines: list[bytes]) -> bytes:
    """The empty line at the end belongs to the file and not to the mail."""
    last = len(lines) - 1 if lines and not lines[-1].strip(b"\r\n") else len(lines)
    return b"".join(lines[:last])
