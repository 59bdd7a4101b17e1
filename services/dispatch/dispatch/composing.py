"""Gets what a mail is written from."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Final

from dispatch.domain.compose import Composed, mime
from dispatch.domain.senders import Sender
from dispatch.domain.words import LoadedFile, Words, words_of
from dispatch.surroundings import Around
from postbus.appearance import Look, look_of
from postbus.blobs import BlobStore
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.mail import Attachment, Content
from postbus.contracts.sending import SendRequested

_LARGE_BYTES: Final = 1_000_000


@dataclass
class StoredLetter:
    """The port `Letter`: a mail whose files are in the blob store until they are needed."""

    words: Words
    blobs: BlobStore
    _written: Composed | None = field(default=None, repr=False)

    async def mime(self) -> Composed:
        """The whole of it as bytes, the same each time."""
        if self._written is None:
            files = [LoadedFile(one, await self.blobs.get(one.sha256)) for one in self.words.files]
            if sum(len(file.data) for file in files) > _LARGE_BYTES:
                # It takes a second, in which this process would do nothing else.
                self._written = await asyncio.to_thread(mime, self.words, tuple(files))
            else:
                self._written = mime(self.words, tuple(files))
        return self._written

    async def ranges(self, file: Attachment, first: int, size: int) -> AsyncIterator[bytes]:
        """The bytes of a file from `first` on, in pieces of `size`; the last may be shorter."""
        kept, skip = bytearray(), first
        async for piece in await self.blobs.open(file.sha256):
            kept += piece[skip:]
            skip = max(0, skip - len(piece))
            while len(kept) >= size:
                yield bytes(kept[:size])
                del kept[:size]
        if kept:
            yield bytes(kept)


async def letter_of(
    request: SendRequested,
    outbound: OutboundChannel,
    around: Around,
    *,
    sender: Sender | None = None,
    patient: bool = True,
) -> StoredLetter:
    """The mail, from the channel's own address where no sender is given; `patient` as `Envelope`.

    In the look that its queue has now. BlobMissing, StoreUnavailable.
    """
    content = None
    if request.content is not None:
        content = Content.model_validate_json(await around.blobs.get(request.content.sha256))
    look = _look_now(request, around)
    # The time of the request: the same words on every attempt.
    words = words_of(
        request,
        outbound,
        content=content,
        now=request.requested_at,
        sender=sender,
        look=look,
        logo=await _logo_of(look, around),
    )
    if words.look_problem is not None:
        around.appearances.failed(request.queue, why="template", detail=words.look_problem)
    return StoredLetter(replace(words, patient=patient), around.blobs)


def _look_now(request: SendRequested, around: Around) -> Look:
    there = around.configuration()
    return look_of(
        there.appearance(request.queue),
        there.inbound(request.queue),
        queue_id=request.queue,
        name=request.reply_address.name,
    )


async def _logo_of(look: Look, around: Around) -> bytes | None:
    """The bytes of the logo; a mail does not fail because they are gone."""
    logo = look.appearance.logo
    if logo is None:
        return None
    found = await around.appearances.logo(logo)
    if found is None:
        around.appearances.failed(look.appearance.id, why="logo", detail="its bytes are gone")
    return found
