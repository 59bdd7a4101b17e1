"""One contract for every kind of blob store."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from postbus.blobs import BlobStore, open_store
from postbus.contracts.base import BlobRef
from postbus.errors import BlobMissing, NotConfigured, StoreUnavailable

MAIL = b"Subject: hello\r\n\r\nbody\r\n"
MAIL_SHA256 = hashlib.sha256(MAIL).hexdigest()


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return open_store(f"file://{tmp_path}/blobs" if request.param == "file" else "memory://")


async def test_what_is_put_is_given_back(store: BlobStore) -> None:
    ref = await store.put(MAIL)
    assert (ref.sha256, ref.size_bytes) == (MAIL_SHA256, len(MAIL))
    assert await store.get(ref.sha256) == MAIL


async def test_the_same_bytes_are_kept_once_and_are_no_error(store: BlobStore) -> None:
    assert await store.put(MAIL) == await store.put(MAIL)


async def test_the_same_bytes_at_the_same_moment_are_no_error(store: BlobStore) -> None:
    refs = await asyncio.gather(*(store.put(MAIL) for _ in range(20)))
    assert len({ref.sha256 for ref in refs}) == 1
    assert await store.get(MAIL_SHA256) == MAIL


async def test_no_bytes_at_all_are_a_blob_too(store: BlobStore) -> None:
    ref = await store.put(b"")
    assert await store.get(ref.sha256) == b""


async def test_a_large_blob_comes_back_whole(store: BlobStore) -> None:
    large = bytes(range(256)) * 4 * 1024 * 20
    assert await store.get((await store.put(large)).sha256) == large


async def test_what_comes_in_pieces_is_one_blob(store: BlobStore) -> None:
    pieces = [b"first ", b"", bytes(3_000_000), b" last"]
    whole = b"".join(pieces)
    ref = BlobRef(sha256=hashlib.sha256(whole).hexdigest(), size_bytes=len(whole))
    await store.put_pieces(ref, iter(pieces))
    assert await store.get(ref.sha256) == whole
    assert await store.put(whole) == ref


async def test_a_blob_that_is_not_there_is_missing(store: BlobStore) -> None:
    assert not await store.exists(MAIL_SHA256)
    with pytest.raises(BlobMissing):
        await store.get(MAIL_SHA256)


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 3 * 1024 * 1024 + 7])
async def test_a_blob_can_be_taken_piece_by_piece(store: BlobStore, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    ref = await store.put(data)
    assert b"".join([piece async for piece in await store.open(ref.sha256)]) == data


async def test_pieces_of_what_is_not_there_are_refused_before_the_first(store: BlobStore) -> None:
    with pytest.raises(BlobMissing):
        await store.open("0" * 64)


async def test_damaged_bytes_are_never_given_whole(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    data = b"x" * 3 * 1024 * 1024
    ref = await store.put(data)
    (file,) = tmp_path.rglob(ref.sha256)
    file.write_bytes(data[:-1] + b"y")
    given = 0
    with pytest.raises(BlobMissing):
        async for piece in await store.open(ref.sha256):
            given += len(piece)
    assert given < len(data)


async def test_a_blob_that_is_there_exists(store: BlobStore) -> None:
    await store.put(MAIL)
    assert await store.exists(MAIL_SHA256)


async def test_a_store_that_works_passes_its_check(store: BlobStore) -> None:
    await store.check()


async def test_a_folder_keeps_blobs_under_the_first_letters_of_their_hash(tmp_path: Path) -> None:
    await open_store(f"file://{tmp_path}").put(MAIL)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [tmp_path / MAIL_SHA256[:2] / MAIL_SHA256[2:4] / MAIL_SHA256]


async def test_a_folder_survives_being_opened_again(tmp_path: Path) -> None:
    await open_store(f"file://{tmp_path}").put(MAIL)
    assert await open_store(f"file://{tmp_path}").get(MAIL_SHA256) == MAIL


async def test_a_file_that_a_crash_cut_short_is_written_again(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}")
    await store.put(MAIL)
    torn = tmp_path / MAIL_SHA256[:2] / MAIL_SHA256[2:4] / MAIL_SHA256
    torn.write_bytes(MAIL[:5])
    await store.put(MAIL)
    assert await store.get(MAIL_SHA256) == MAIL


async def test_damaged_bytes_are_never_given_back(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}")
    await store.put(MAIL)
    (tmp_path / MAIL_SHA256[:2] / MAIL_SHA256[2:4] / MAIL_SHA256).write_bytes(b"x" * len(MAIL))
    with pytest.raises(BlobMissing):
        await store.get(MAIL_SHA256)


async def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/blobs")
    (tmp_path / "blobs").rmdir()
    (tmp_path / "blobs").write_bytes(b"a file where the folder was")
    with pytest.raises(StoreUnavailable):
        await store.put(MAIL)
    with pytest.raises(StoreUnavailable):
        await store.check()


async def test_a_failed_write_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreUnavailable):
        await open_store(f"file://{tmp_path}").put(MAIL)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "url", ["", "ftp://example.com/x", "/var/blobs", "file://elsewhere/x", "file:///"]
)
def test_an_address_of_no_known_kind_is_refused(url: str) -> None:
    with pytest.raises(NotConfigured):
        open_store(url)
