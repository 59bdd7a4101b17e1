"""Writing a file so that it survives a power cut.

The local store of `obstore` (0.12) renames into place without `fsync`, so a mail that was
acknowledged could be gone, or empty, after a crash.
"""

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock


class DurableFolder:
    """A folder whose files are on the disk when `write` returns. Safe from several threads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: set[Path] = set()
        self._lock = Lock()

    def make(self) -> None:
        """Make the root, and what is missing above it, so that it is there after a power cut.

        Raises:
            OSError: the disk said no.
        """
        missing = [one for one in (self.root, *self.root.parents) if not one.exists()]
        self.root.mkdir(parents=True, exist_ok=True)
        for one in missing:
            _sync_folder(one.parent)

    def write(self, path: str, data: bytes) -> None:
        """Put ``data`` at ``path`` below the root; nothing is written if it is there whole.

        Raises:
            OSError: the disk said no; a half-written temporary file is taken away.
        """
        self.write_pieces(path, (data,), size_bytes=len(data))

    def write_pieces(self, path: str, pieces: Iterable[bytes], *, size_bytes: int) -> None:
        """`write` for what is never in memory at once; ``size_bytes`` is the sum of the pieces.

        Raises:
            OSError: the disk said no; a half-written temporary file is taken away.
        """
        target = self.root / path
        try:
            self._make_durable(target.parent)
            if not _is_there(target, size_bytes):
                _write_beside_and_rename(target, pieces)
            # also when it was there: its writer may not have come to this line yet
            _sync_folder(target.parent)
        except FileNotFoundError:
            # Somebody took folders away; the next write looks again which are there.
            with self._lock:
                self._known.clear()
            raise

    def _make_durable(self, folder: Path) -> None:
        """Make a folder and see that each entry on the way to it is on the disk.

        Once a run for each folder, also for those that are there: another process may have made
        them and not come to its own sync yet. So a mail costs no sync of what lies far above it.
        """
        if folder in self._known:
            return
        if folder != self.root:  # which is never made again: its volume may be gone
            self._make_durable(folder.parent)
            folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)
        with self._lock:
            self._known.add(folder)


def _is_there(target: Path, size_bytes: int) -> bool:
    try:
        return target.stat().st_size == size_bytes
    except FileNotFoundError:
        return False


def _write_beside_and_rename(target: Path, pieces: Iterable[bytes]) -> None:
    # the leading dot and the random end keep it apart from every content hash
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
