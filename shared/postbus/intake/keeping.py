"""The files and the long texts of a mail go where bytes are kept, before the fact names them."""

import asyncio
from typing import Protocol

from postbus.contracts.base import BlobRef
from postbus.intake.received import Taken, whole_content
from postbus.mail import ParsedMail, mail_id

_MANY = 8
"""So many attachments are written at once."""


class Blobs(Protocol):
    """Where bytes are kept by their content."""

    async def put(self, data: bytes) -> BlobRef:
        """Keep the bytes; durable when it returns. StoreUnavailable."""


async def keep(parsed: ParsedMail, raw: bytes, raw_ref: BlobRef, *, blobs: Blobs) -> Taken:
    """Keep what the fact will refer to; `raw_ref` is where the mail itself is kept already.

    Raises:
        StoreUnavailable: not all of it could be kept.
    """
    texts = whole_content(parsed)
    pieces = [file.data for file in parsed.attachments]
    if texts is not None:
        pieces.append(texts.model_dump_json().encode())
    refs: list[BlobRef] = []
    for at in range(0, len(pieces), _MANY):
        refs += await asyncio.gather(*(blobs.put(data) for data in pieces[at : at + _MANY]))
    content = refs[-1] if texts is not None else None
    return Taken(mail_id(parsed, raw), parsed, raw_ref, content)
