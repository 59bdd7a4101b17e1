"""The files and the long texts of a mail go where bytes are kept, before the fact names them."""

import asyncio
from collections.abc import Iterable
from typing import Protocol

from postbus.contracts.base import BlobRef
from postbus.intake.received import Taken, whole_content
from postbus.mail.content import PIECE_BYTES
from postbus.mail.identity import mail_id
from postbus.mail.parsed import ParsedAttachment, ParsedMail

_MANY = 8
"""So many attachments are written at once."""


class Blobs(Protocol):
    """Where bytes are kept by their content."""

    async def put(self, data: bytes) -> BlobRef:
        """Keep the bytes; durable when it returns. StoreUnavailable."""

    async def put_pieces(self, ref: BlobRef, pieces: Iterable[bytes]) -> None:
        """Keep what was measured before, piece by piece. StoreUnavailable."""


async def keep(parsed: ParsedMail, raw: bytes, raw_ref: BlobRef, *, blobs: Blobs) -> Taken:
    """Keep what the fact will refer to; `raw_ref` is where the mail itself is kept already.

    Raises:
        StoreUnavailable: not all of it could be kept.
    """
    for at in range(0, len(parsed.attachments), _MANY):
        files = parsed.attachments[at : at + _MANY]
        await asyncio.gather(*(_keep_file(file, blobs) for file in files))
    texts = whole_content(parsed)
    content = await blobs.put(texts.model_dump_json().encode()) if texts is not None else None
    return Taken(mail_id(parsed, raw), parsed, raw_ref, content)


async def _keep_file(file: ParsedAttachment, blobs: Blobs) -> None:
    """Large files go piece by piece, so that no second copy of them is made."""
    if file.size_bytes <= PIECE_BYTES:
        await blobs.put(file.data)
    else:
        ref = BlobRef(sha256=file.sha256, size_bytes=file.size_bytes)
        await blobs.put_pieces(ref, file.content.pieces())
