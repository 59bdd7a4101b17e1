"""Gets what a mail is written from, and writes it."""

from dispatch.domain.compose import Composed, LoadedFile, compose
from postbus.blobs import BlobStore
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.mail import Content
from postbus.contracts.sending import SendRequested


async def compose_loaded(
    request: SendRequested, outbound: OutboundChannel, blobs: BlobStore
) -> Composed:
    """The mail. BlobMissing, StoreUnavailable."""
    content = None
    if request.content is not None:
        content = Content.model_validate_json(await blobs.get(request.content.sha256))
    files = tuple([LoadedFile(one, await blobs.get(one.sha256)) for one in request.attachments])
    # The time of the request: the same words on every attempt.
    return compose(request, outbound, content=content, files=files, now=request.requested_at)
