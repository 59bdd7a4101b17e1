"""Drafts in a mailbox of Microsoft 365: made, filled with files, sent, and taken away."""

import asyncio
import base64
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from dispatch.domain.drafts import (
    RANGE_BYTES,
    SMALL_BYTES,
    SURELY_LARGE_BYTES,
    bare_id,
    draft_of,
    file_of,
    filter_by_id,
    next_byte,
    session_of,
)
from dispatch.ports import Letter
from postbus.contracts.base import JsonObject
from postbus.contracts.mail import Attachment
from postbus.errors import BlobMissing, MailHostUnavailable, PostbusError
from postbus.microsoft import GraphMailbox, GraphRefused

log = structlog.get_logger("dispatch")

_BREAKS: Final = 6
"""How often an upload is taken up again where it broke off, without a byte of progress."""
_BREAK_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Found:
    """A mail in the mailbox; `id` is immutable, `message_id` the one it really has."""

    id: str
    message_id: str
    is_draft: bool


class Drafts:
    """The drafts of one mailbox. Raises what `GraphMailbox` does."""

    def __init__(self, mailbox: GraphMailbox, address: str) -> None:
        self._mailbox = mailbox
        self._address = address

    async def with_id(self, message_id: str) -> list[Found]:
        """Every mail with that Message-ID, in whatever folder."""
        answer = await self._mailbox.call(
            "GET",
            "messages",
            params={
                "$filter": filter_by_id(message_id),
                "$select": "id,internetMessageId,isDraft",
                "$top": "10",
            },
        )
        return [_found(one) for one in answer.get("value", [])]

    async def make(self, letter: Letter) -> Found:
        """A draft with all its files; taken away again where it could not be completed."""
        draft = _found(
            await self._mailbox.call("POST", "messages", json=draft_of(letter.words, self._address))
        )
        try:
            for image in letter.words.images:
                await self._add(draft, letter, image.attachment, image.data)
            for file in letter.words.files:
                await self._attach(draft, letter, file)
        except GraphRefused as error:
            await self.drop(draft)
            if error.status != 404:
                raise
            raise draft_gone(error) from error
        except PostbusError:
            await self.drop(draft)
            raise
        return draft

    async def of(self, id_: str) -> Found | None:
        """The mail with that immutable id, a draft or sent; None where there is none."""
        try:
            answer = await self._mailbox.call(
                "GET", f"messages/{id_}", params={"$select": "id,internetMessageId,isDraft"}
            )
        except GraphRefused as error:
            if error.status == 404:
                return None
            raise
        return _found(answer)

    async def of_sent(self, draft: Found) -> Found:
        """A draft as it is now that it was sent; as it was, where nobody says."""
        with suppress(PostbusError):
            return await self.of(draft.id) or draft
        return draft

    async def drop(self, draft: Found) -> None:
        """Take a draft away; trouble with that fails nothing."""
        try:
            await self._mailbox.call("DELETE", f"messages/{draft.id}")
        except GraphRefused as error:
            if error.status != 404:
                log.warning("draft_left", status=error.status, code=error.code)
        except PostbusError as error:
            log.warning("draft_left", error=type(error).__name__)

    async def _attach(self, draft: Found, letter: Letter, file: Attachment) -> None:
        path = f"messages/{draft.id}/attachments"
        if file.size_bytes >= SMALL_BYTES:
            try:
                session = await self._mailbox.call(
                    "POST", f"{path}/createUploadSession", json=session_of(file, letter.words)
                )
            except GraphRefused:
                if file.size_bytes >= SURELY_LARGE_BYTES:
                    raise
            else:
                await self._upload(str(session.get("uploadUrl", "")), letter, file)
                return
        data = b"".join([piece async for piece in letter.ranges(file, 0, RANGE_BYTES)])
        await self._add(draft, letter, file, data)

    async def _add(self, draft: Found, letter: Letter, file: Attachment, data: bytes) -> None:
        content = base64.b64encode(data).decode()
        body = file_of(file, content, letter.words)
        await self._mailbox.call("POST", f"messages/{draft.id}/attachments", json=body)

    async def _upload(self, url: str, letter: Letter, file: Attachment) -> None:
        """All ranges in order; after a break from where the session says it stands."""
        first, breaks = 0, 0
        while first < file.size_bytes:
            before = first
            try:
                first = await self._ranges(url, letter, file, first)
            except MailHostUnavailable:
                breaks += 1
                if breaks > _BREAKS:
                    raise
                await asyncio.sleep(_BREAK_SECONDS * breaks)
                first = next_byte(await self._mailbox.upload_status(url), file.size_bytes)
            if first > before:
                breaks = 0

    async def _ranges(self, url: str, letter: Letter, file: Attachment, first: int) -> int:
        """The first byte still wanted, when the session wants another than the next."""
        total = file.size_bytes
        async for data in letter.ranges(file, first, RANGE_BYTES):
            if first + len(data) > total:
                raise BlobMissing(f"blob {file.sha256} is longer than it was")
            answer = await self._mailbox.put_range(url, data, first, total)
            wanted = next_byte(answer, total)
            if wanted != first + len(data):
                return wanted
            first = wanted
        if first < total:
            raise BlobMissing(f"blob {file.sha256} is shorter than it was")
        return first


def draft_gone(error: GraphRefused) -> MailHostUnavailable:
    """Somebody took the draft away, so it was not sent, and is made again."""
    return MailHostUnavailable(f"the draft is gone: {error}"[:300], reason="draft-gone")


def _found(message: JsonObject) -> Found:
    return Found(
        str(message.get("id", "")),
        bare_id(message.get("internetMessageId")),
        bool(message.get("isDraft", True)),
    )
