"""Mails from files and from standard input."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from postbus_cli.domain.mbox import mails_of

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Found:
    """The bytes of a mail; or `error`, in words, why there are none."""

    file: str
    index: int | None = None
    raw: bytes = b""
    error: str = ""


def mails_in(file: str, *, is_mbox: bool, max_bytes: int) -> Iterator[Found]:
    """The mail of a file, or those of an mbox file; never raises for a file that is not right."""
    name = os.fsencode(file).decode(errors="replace")  # file names are bytes, and may be any
    try:
        with _opened(file) as stream:
            if is_mbox:
                yield from _of_mbox(name, stream, max_bytes)
            else:
                raw = stream.read(max_bytes + 1)
                yield _checked(Found(name, raw=raw), max_bytes)
    except OSError as error:
        yield Found(name, error=_in_words(error))


def _of_mbox(file: str, stream: BinaryIO, max_bytes: int) -> Iterator[Found]:
    index = -1
    for index, raw in enumerate(mails_of(stream)):
        yield _checked(Found(file, index, raw), max_bytes)
    if index < 0:
        yield Found(file, error="there is no mail in it: an mbox file begins with `From `")


def _checked(found: Found, max_bytes: int) -> Found:
    if len(found.raw) > max_bytes:
        return Found(found.file, found.index, error=f"it is over MAX_MAIL_BYTES, {max_bytes} bytes")
    return found


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    with Path(file).open("rb") as stream:
        yield stream


def _in_words(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "it is a folder; name the files in it"
    if isinstance(error, PermissionError):
        return "you may not read it"
    return error.strerror or type(error).__name__
