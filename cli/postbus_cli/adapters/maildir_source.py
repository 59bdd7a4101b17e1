"""The mails of a Maildir folder, and of its subfolders where that is wanted.

The files are looked at directly: `mailbox.Maildir` tells neither the size of a mail before it is
read nor when it came.
"""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from postbus_cli.domain.importing import Lying, Position
from postbus_cli.exits import Cannot

_DELIVERED = re.compile(r"([0-9]{8,11})\.")
"""A file name begins with the second in which the mail was delivered."""
Name = tuple[str, str]
"""Folder, and the part of the file name that stays when flags change."""


class MaildirSource:
    """`domain.importing.Source`; a step is a mail."""

    copied = True

    def __init__(self, folder: Path, *, with_subfolders: bool, most_bytes: int) -> None:
        if not (folder / "cur").is_dir():
            raise Cannot(f"{folder} is no Maildir: it has no folder `cur`")
        self.name = folder.resolve().as_uri() + ("?subfolders" if with_subfolders else "")
        self._most_bytes = most_bytes
        self._folders = {"": folder}
        if with_subfolders:
            # Maildir++ keeps all folders side by side in the first: `.Archive.2016`.
            inside = sorted(path for path in folder.glob(".*") if (path / "cur").is_dir())
            self._folders |= {path.name: path for path in inside}
        self._files = dict(sorted(self._listed()))

    def total(self, after: Position) -> int:
        """The mails that are to come."""
        return len(self._files) - len(self._done(after))

    def can_go_on(self, after: Position) -> bool:
        """Whether the names up to the position are those of then; their flags may differ."""
        done, checked = self._done(after), sha256()
        for name in done:
            checked.update(repr(name).encode())
        return checked.hexdigest() == str(after["mark"])

    def mails(self, after: Position) -> Iterator[Lying]:
        """In the order of their names, which is nearly that of their delivery."""
        done, checked = len(self._done(after)), sha256()
        for index, (name, path) in enumerate(self._files.items()):
            checked.update(repr(name).encode())
            if index >= done:
                position = {"last": list(name), "mark": checked.hexdigest()}
                yield self._lying("/".join(filter(None, name)), path, position)

    def close(self) -> None:
        """Nothing is held open."""

    def _lying(self, name: str, path: Path, position: Position) -> Lying:
        try:
            there = path.stat()
            if there.st_size > self._most_bytes:
                error = f"it is over {self._most_bytes} bytes"
                return Lying(name, position, 1, error=error)
            raw = path.read_bytes()
        except OSError as error:
            return Lying(name, position, 1, error=error.strerror or type(error).__name__)
        return Lying(name, position, 1, raw, _delivered_at(path.name, there.st_mtime))

    def _listed(self) -> Iterator[tuple[Name, Path]]:
        for name, folder in self._folders.items():
            for sub in ("cur", "new"):
                if (folder / sub).is_dir():
                    for entry in os.scandir(folder / sub):
                        if entry.is_file() and not entry.name.startswith("."):
                            yield (name, entry.name.partition(":")[0]), Path(entry.path)

    def _done(self, after: Position) -> list[Name]:
        """The names up to the position."""
        last = tuple(after["last"]) if after else None
        return [name for name in self._files if name <= last] if last is not None else []


def _delivered_at(file_name: str, changed_at: float) -> datetime:
    """Neither the name nor the time of the file can be before the mail came, so the earlier."""
    named = _DELIVERED.match(file_name)
    seconds = min(float(named[1]), changed_at) if named else changed_at
    return datetime.fromtimestamp(seconds, UTC)
