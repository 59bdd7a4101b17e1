"""Files of an answer: taken in, checked, and kept in the blob store."""

from postbus.blobs import BlobStore
from postbus.contracts.base import BlobRef
from postbus.contracts.mail import Attachment
from postbus.runtime.problems import FieldError, Problem
from ticketing.api.bodies import AttachmentIn


async def keep(given: list[AttachmentIn], blobs: BlobStore) -> tuple[Attachment, ...]:
    """The attachments by reference; a 422 problem names the first one that is not right."""
    return tuple([await _keep(one, at, blobs) for at, one in enumerate(given)])


async def _keep(given: AttachmentIn, at: int, blobs: BlobStore) -> Attachment:
    try:
        data = given.data()
    except ValueError as error:
        raise _wrong(at, str(error)) from error
    if data is not None:
        ref = await blobs.put(data)
    elif given.sha256 is not None and await blobs.exists(given.sha256):
        ref = BlobRef(sha256=given.sha256, size_bytes=len(await blobs.get(given.sha256)))
    else:
        raise _wrong(at, "give `content_base64`, or the `sha256` of bytes that are here")
    return Attachment(
        name=given.name,
        content_type=given.content_type,
        size_bytes=ref.size_bytes,
        sha256=ref.sha256,
        inline=given.content_id is not None,
        content_id=given.content_id,
    )


def _wrong(at: int, detail: str) -> Problem:
    return Problem(422, "invalid", errors=[FieldError(f"#/attachments/{at}", detail)])
