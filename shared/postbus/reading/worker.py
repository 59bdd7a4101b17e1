"""What runs in the process that reads: nothing but the pure reading of one mail after the other."""

import errno
import mmap
import resource
from collections.abc import Callable
from pathlib import Path

from postbus.mail.parsed import ParsedMail

_limited_to = 0


def read_bytes(raw: bytes, memory_bytes: int) -> ParsedMail:
    """Read a mail that came through the pipe."""
    parse = _parser()
    _limit(memory_bytes)
    return parse(raw).detached()


def read_file(path: str, memory_bytes: int) -> ParsedMail:
    """Read a mail that lies in a file; its pages are shared and not copied."""
    place, parse = Path(path), _parser()
    _limit(memory_bytes + place.stat().st_size)
    try:
        with place.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
            # What lies in the mail travels as its place in it, so the map may close.
            return parse(raw).detached()
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise MemoryError from error
        raise


def _parser() -> Callable[[bytes | mmap.mmap], ParsedMail]:
    """`parse`; imported before the limit holds, and not where this module is only handed over."""
    from postbus.mail.parse import parse  # noqa: PLC0415 - the service has no use for its libraries

    return parse


def _limit(memory_bytes: int) -> None:
    """A bomb ends this process and no other; mails differ, so the limit follows the largest."""
    global _limited_to  # noqa: PLW0603 - one limit for this process
    if memory_bytes > _limited_to:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, hard))
        _limited_to = memory_bytes
