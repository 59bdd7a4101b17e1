"""The content-addressed store: the same bytes are kept once, under the SHA-256 of themselves."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, NotSupportedError
from obstore.store import LocalStore, MemoryStore, ObjectStore, S3Store

from postbus.blobs.durable_folder import DurableFolder
from postbus.contracts.base import BlobRef
from postbus.errors import BlobMissing, NotConfigured, StoreUnavailable

if TYPE_CHECKING:
    from obstore import BytesStream

_PIECE_BYTES = 1024 * 1024
_SHORT_BYTES = 64 * 1024
"""Hashing less than this costs less than a change of thread."""


class BlobStore:
    """Bytes by their SHA-256. Writing the same bytes twice is one blob and no error."""

    def __init__(self, store: ObjectStore, folder: DurableFolder | None = None) -> None:
        self._store = store
        self._folder = folder

    async def put(self, data: bytes) -> BlobRef:
        """Keep the bytes and give their reference; they are durable when this returns.

        Raises:
            StoreUnavailable: they could not be kept.
        """
        ref = BlobRef(sha256=await _sha256(data), size_bytes=len(data))
        path = _path_of(ref.sha256)
        try:
            if self._folder is not None:
                await asyncio.to_thread(self._folder.write, path, data)
            else:
                await self._create(path, data)
        except (BaseError, OSError) as error:
            raise StoreUnavailable("the blob store did not keep the bytes") from error
        return ref

    async def put_pieces(self, ref: BlobRef, pieces: Iterable[bytes]) -> None:
        """Keep what is never in memory at once; ``ref`` is its hash and size, measured before.

        Raises:
            StoreUnavailable: it could not be kept.
        """
        path = _path_of(ref.sha256)
        try:
            if self._folder is not None:
                await asyncio.to_thread(
                    self._folder.write_pieces, path, pieces, size_bytes=ref.size_bytes
                )
            else:
                await self._store.put_async(path, iter(pieces))
        except (BaseError, OSError) as error:
            raise StoreUnavailable("the blob store did not keep the bytes") from error

    async def _create(self, path: str, data: bytes) -> None:
        try:
            await self._store.put_async(path, data, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return
        except NotSupportedError:
            # S3 look-alikes without conditional writes; the same name means the same bytes
            await self._store.put_async(path, data)

    async def get(self, sha256: str) -> bytes:
        """The bytes of that hash, and only those: what the store gives back is hashed again.

        Raises:
            BlobMissing: there is nothing under it, or something else than was put there.
            StoreUnavailable: the store could not be asked.
        """
        try:
            result = await self._store.get_async(_path_of(sha256))
            data = bytes(await result.bytes_async())
        except (NotFoundError, FileNotFoundError) as error:
            raise BlobMissing(f"no blob {sha256}") from error
        except (BaseError, OSError) as error:
            raise StoreUnavailable("the blob store did not give the bytes") from error
        if await _sha256(data) != sha256:
            raise BlobMissing(f"blob {sha256} is damaged")
        return data

    async def open(self, sha256: str) -> AsyncIterator[bytes]:
        """The bytes of that hash, piece by piece.

        The last piece is given only when the hash of all of them is right, so damaged bytes are
        never given whole.

        Raises:
            BlobMissing: there is nothing under it; or, where the last piece should be, something
                else than was put there.
            StoreUnavailable: the store could not be asked, now or at a later piece.
        """
        try:
            result = await self._store.get_async(_path_of(sha256))
        except (NotFoundError, FileNotFoundError) as error:
            raise BlobMissing(f"no blob {sha256}") from error
        except (BaseError, OSError) as error:
            raise StoreUnavailable("the blob store did not give the bytes") from error
        return _checked(result.stream(_PIECE_BYTES), sha256)

    async def exists(self, sha256: str) -> bool:
        """Whether there is something under that hash.

        Raises:
            StoreUnavailable: the store could not be asked.
        """
        try:
            await self._store.head_async(_path_of(sha256))
        except (NotFoundError, FileNotFoundError):
            return False
        except (BaseError, OSError) as error:
            raise StoreUnavailable("the blob store did not answer") from error
        return True

    async def check(self) -> None:
        """Give back nothing when the store can be used; for readiness.

        Raises:
            StoreUnavailable: it cannot, and why.
        """
        await self.exists("0" * 64)
        if self._folder is not None and not _is_writable(self._folder.root):
            raise StoreUnavailable("the blob folder is gone or cannot be written")


def open_store(url: str) -> BlobStore:
    """The store behind ``file:///…``, ``s3://bucket/prefix`` or ``memory://`` (for tests).

    A folder is made if it is not there. S3 takes its credentials, region and endpoint from the
    `AWS_*` variables of the environment.

    Raises:
        NotConfigured: the address is of no kind we know, or cannot be opened.
    """
    parts = urlsplit(url)
    try:
        if parts.scheme == "file" and parts.netloc in ("", "localhost"):
            return _open_folder(Path(unquote(parts.path)))
        if parts.scheme == "s3":
            return BlobStore(S3Store.from_url(url))
        if parts.scheme == "memory":
            return BlobStore(MemoryStore())
    except (BaseError, OSError) as error:
        raise NotConfigured(f"the blob store at {parts.scheme}:// cannot be opened") from error
    raise NotConfigured(f"no blob store for {parts.scheme or 'an empty'} address")


def _open_folder(root: Path) -> BlobStore:
    if not root.is_absolute() or root == Path("/"):
        raise NotConfigured("a blob folder is file:/// and an absolute path below the root")
    folder = DurableFolder(root)
    folder.make()
    return BlobStore(cast("ObjectStore", LocalStore(prefix=root)), folder)


async def _checked(pieces: "BytesStream", sha256: str) -> AsyncIterator[bytes]:
    digest, last = hashlib.sha256(), b""
    try:
        async for piece in pieces:
            if last:
                yield last
            last = bytes(piece)
            digest.update(last)
    except (BaseError, OSError) as error:
        raise StoreUnavailable("the blob store did not give all of the bytes") from error
    if digest.hexdigest() != sha256:
        raise BlobMissing(f"blob {sha256} is damaged")
    yield last


def _path_of(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def _is_writable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


async def _sha256(data: bytes) -> str:
    if len(data) < _SHORT_BYTES:
        return hashlib.sha256(data).hexdigest()
    return (await asyncio.to_thread(hashlib.sha256, data)).hexdigest()
