"""A mail whose files are in the blob store."""

import asyncio

from dispatch.composing import StoredLetter
from dispatch.domain.words import words_of
from doubles.blobs import MemoryBlobs
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.mail import Attachment
from send_builders import send_requested

RELAY = OutboundChannel(id="relay", name="Relay", kind="relay")


async def test_other_mail_goes_on_while_a_large_one_is_written() -> None:
    blobs = MemoryBlobs()
    ref = await blobs.put(b"x" * 25_000_000)
    file = Attachment(name="a.bin", content_type="a/b", size_bytes=25_000_000, sha256=ref.sha256)
    request = send_requested().model_copy(update={"attachments": (file,)})
    words = words_of(request, RELAY, content=None, now=request.requested_at)
    writing = asyncio.create_task(StoredLetter(words, blobs).mime())
    turns = 0
    while not writing.done():
        turns += 1
        await asyncio.sleep(0.01)
    assert len((await writing).data) > 33_000_000
    assert turns > 5
