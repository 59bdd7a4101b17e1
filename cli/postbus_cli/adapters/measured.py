"""A blob store that keeps nothing, for looking only."""

from collections.abc import Iterable
from hashlib import sha256

from postbus.contracts.base import BlobRef


class OnlyMeasured:
    """`postbus.intake.Blobs`: gives the references that keeping would give."""

    async def put(self, data: bytes) -> BlobRef:
        """The reference of the bytes."""
        return BlobRef(sha256=sha256(data).hexdigest(), size_bytes=len(data))

    async def put_pieces(self, ref: BlobRef, pieces: Iterable[bytes]) -> None:
        """Nothing."""
