"""What an agent wrote, as it is kept and sent: safe HTML, pictures as files, long texts apart."""

import base64
import binascii
import re
from typing import Final

from postbus.blobs import BlobStore
from postbus.contracts.base import BlobRef
from postbus.contracts.configuration import MailAddress
from postbus.contracts.mail import Address, Attachment, Content
from postbus.mail.inline_texts import cut, cut_html, is_long
from postbus.mail.safe_html import safe_html
from postbus.runtime.problems import FieldError, Problem
from ticketing.answering import Answer
from ticketing.api import attachments as files
from ticketing.api.bodies import ReplyIn

_MOST_HTML: Final = 2_000_000
_PICTURE: Final = re.compile(
    r'src="data:(image/(?:png|gif|jpe?g|webp));base64,([^"]*)"', re.IGNORECASE
)


async def answer_of(given: ReplyIn, blobs: BlobStore) -> Answer:
    """The answer; a 422 problem where it is too long or a file is not right. StoreUnavailable."""
    attached = await files.keep(given.attachments, blobs)
    html = safe_html(given.html) if given.html else None
    if html is not None:
        html, pictures = await _taken_out(html, blobs)
        attached = (*attached, *pictures)
        if len(html) > _MOST_HTML:
            detail = f"it has more than {_MOST_HTML} characters"
            raise Problem(422, "invalid", errors=[FieldError("#/html", detail)])
    whole = Content(text=given.text, full_text=given.text, html=html)
    return Answer(
        text=cut(given.text),
        html=cut_html(html),
        cc=_addresses(given.cc),
        attachments=attached,
        content=await _kept(whole, blobs) if is_long(whole) else None,
    )


async def _kept(whole: Content, blobs: BlobStore) -> BlobRef:
    return await blobs.put(whole.model_dump_json().encode())


async def _taken_out(html: str, blobs: BlobStore) -> tuple[str, tuple[Attachment, ...]]:
    """Pictures that an editor wrote into the HTML (`data:`), as files that it shows (RFC 2392).

    Gmail and Outlook show none that stand in the HTML.
    """
    found: dict[bytes, str] = {}

    def shown(picture: re.Match[str]) -> str:
        try:
            data = base64.b64decode(picture[2])
        except binascii.Error:
            return 'src=""'
        found.setdefault(data, picture[1].lower())
        return f'src="cid:{_content_id(list(found).index(data))}"'

    html = _PICTURE.sub(shown, html)
    kept = []
    for at, (data, media_type) in enumerate(found.items()):
        ref = await blobs.put(data)
        kept.append(
            Attachment(
                name=f"picture-{at + 1}.{media_type.removeprefix('image/')}",
                content_type=media_type,
                size_bytes=ref.size_bytes,
                sha256=ref.sha256,
                inline=True,
                content_id=_content_id(at),
            )
        )
    return html, tuple(kept)


def _content_id(at: int) -> str:
    return f"picture-{at + 1}@postbus"


def _addresses(given: list[MailAddress]) -> tuple[Address, ...]:
    return tuple(Address(address=address) for address in given)
