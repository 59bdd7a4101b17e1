"""What a power cut leaves: a model of a disk that keeps only what was synced."""

import os
import shutil
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from postbus.blobs.durable_folder import DurableFolder

PATH = "ab/cd/abcd"


class Disk:
    """Follows which entries of folders, and which contents, were synced; by inode."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._entries: set[tuple[int, str]] = set()
        self.synced: list[int] = []
        self._sync = os.fsync
        monkeypatch.setattr(os, "fsync", self._fsync)

    def _fsync(self, handle: int) -> None:
        self._sync(handle)
        info = os.fstat(handle)
        names = os.listdir(handle) if stat.S_ISDIR(info.st_mode) else []
        with self._lock:
            self.synced.append(info.st_ino)
            self._entries |= {(info.st_ino, name) for name in names}

    def survives(self, path: Path) -> bool:
        """Whether the file would be there, and whole, after a power cut now."""
        way = [path, *path.parents]
        entries = {(one.parent.stat().st_ino, one.name) for one in way[: way.index(self._root)]}
        return entries <= self._entries and path.stat().st_ino in self.synced


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(tmp_path, monkeypatch)


@pytest.fixture
def folder(tmp_path: Path, disk: Disk) -> DurableFolder:
    """Two folders above the root are new as well."""
    made = DurableFolder(tmp_path / "var" / "postbus" / "blobs")
    made.make()
    return made


@pytest.mark.parametrize("before", [lambda _: None, lambda root: (root / "ab").mkdir()])
def test_a_file_survives_a_power_cut_when_write_returns(
    folder: DurableFolder, disk: Disk, before: Callable[[Path], None]
) -> None:
    """INVARIANT: 250 is said after this, and nobody else has the mail."""
    before(folder.root)
    for path in (PATH, "ab/cd/abce", "ab/ce/abce", "ff/00/ff00"):
        folder.write(path, b"mail")
        assert disk.survives(folder.root / path)


def test_a_root_that_was_there_is_made_durable_too(tmp_path: Path, disk: Disk) -> None:
    root = tmp_path / "blobs"
    root.mkdir()
    folder = DurableFolder(root)
    folder.make()
    folder.write(PATH, b"mail")
    assert disk.survives(root / PATH)


def test_what_another_process_was_writing_is_durable_when_write_returns(
    folder: DurableFolder, disk: Disk
) -> None:
    """Its folders and its file are there, and it has synced none of them yet."""
    folder.write("ab/00/ab00", b"other mail")
    (folder.root / PATH).parent.mkdir(parents=True)
    folder.write(PATH, b"mail")
    assert disk.survives(folder.root / PATH)


def test_a_file_costs_three_syncs_in_a_new_folder_and_two_in_a_known_one(
    folder: DurableFolder, disk: Disk
) -> None:
    root = folder.root
    folder.write(PATH, b"mail")
    disk.synced.clear()
    folder.write("ab/ce/abce", b"mail")
    way = [root / "ab", root / "ab/ce/abce", root / "ab/ce"]
    assert disk.synced == [one.stat().st_ino for one in way]
    disk.synced.clear()
    folder.write("ab/ce/abcf", b"mail")
    assert len(disk.synced) == 2


def test_many_threads_that_make_the_same_folders_keep_the_promise(
    folder: DurableFolder, disk: Disk
) -> None:
    failed: list[str] = []

    def write(number: int) -> None:
        path = f"ab/{number % 4:02}/{number}"
        folder.write(path, b"mail")
        if not disk.survives(folder.root / path):
            failed.append(path)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_folders_that_somebody_took_away_are_made_again(folder: DurableFolder, disk: Disk) -> None:
    folder.write(PATH, b"mail")
    shutil.rmtree(folder.root / "ab")
    with pytest.raises(FileNotFoundError):
        folder.write(PATH, b"mail")
    folder.write(PATH, b"mail")
    assert (folder.root / PATH).read_bytes() == b"mail"


def test_a_root_that_is_gone_is_not_made_again(folder: DurableFolder) -> None:
    """Its volume may be gone; what would be written in its place would be lost."""
    shutil.rmtree(folder.root)
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            folder.write(PATH, b"mail")
