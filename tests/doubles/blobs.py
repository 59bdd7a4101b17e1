"""A blob store whose disk can be taken away."""

from collections.abc import Iterable

from postbus.blobs import open_store
from postbus.contracts.base import BlobRef
from postbus.errors import StoreUnavailable


class MemoryBlobs:
    """The real store in memory, with a switch."""

    def __init__(self) -> None:
        self._store = open_store("memory://")
        self.away = False
        self.kept: dict[str, bytes] = {}

    async def put(self, data: bytes) -> BlobRef:
        if self.away:
            raise StoreUnavailable("away")
        ref = await self._store.put(data)
        self.kept[ref.sha256] = data
        return ref

    async def put_pieces(self, ref: BlobRef, pieces: Iterable[bytes]) -> None:
        assert await self.put(b"".join(pieces)) == ref

    async def get(self, sha256: str) -> bytes:
        if self.away:
            raise StoreUnavailable("away")
        return await self._store.get(sha256)
