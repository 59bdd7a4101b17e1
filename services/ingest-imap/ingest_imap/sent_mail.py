"""The folder of sent mail: copies are put there, and mails of which nobody knows are looked for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from ingest_imap.ports import Connect, ConnectionLost, FolderMissing, NotGiven, Session
from postbus.blobs import BlobStore
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mailboxes import FindSent, FoundSent, PutSent, PutSentResult
from postbus.errors import BlobMissing, PermanentError, PostbusError

log = structlog.get_logger("ingest_imap")
_NO_MAILBOX = "there is no mailbox of that name that is read"


@dataclass(frozen=True)
class SentMail:
    """Answers dispatch; each answer costs a connection of its own, one at a time for a mailbox.

    Gmail gives an account 15 connections in all, and two at once could put a copy there twice.
    """

    connect: Connect
    blobs: BlobStore
    channel: Callable[[str], InboundChannel | None]
    _busy: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def on_put(self, question: PutSent) -> PutSentResult:
        """Put it there, unless it is there: asking twice makes one copy."""
        channel = self.channel(question.channel)
        if channel is None or channel.imap is None:
            return PutSentResult(ok=False, detail=_NO_MAILBOX)
        try:
            mail = await self.blobs.get(question.mail.sha256)
            async with self._session(channel) as session:
                folder = await session.sent_folder(channel.imap.sent_folder)
                if not await session.has_message(folder, question.message_id):
                    await session.append(folder, mail, question.sent_at)
        except FolderMissing as error:
            return PutSentResult(ok=False, detail=f"there is no folder of sent mail ({error})")
        except BlobMissing as error:
            return PutSentResult(ok=False, detail=str(error))
        except (PostbusError, ConnectionLost, NotGiven) as error:
            # A refused sign-in too: somebody signs in again, and the copy is put there then.
            log.warning("sent_copy_waits", channel=channel.id, error=type(error).__name__)
            return PutSentResult(ok=False, again=True, detail=str(error)[:300])
        return PutSentResult(ok=True)

    async def on_find(self, question: FindSent) -> FoundSent:
        """Whether it lies there; None when nobody could look."""
        channel = self.channel(question.channel)
        if channel is None or channel.imap is None:
            return FoundSent(found=None, detail=_NO_MAILBOX)
        try:
            async with self._session(channel) as session:
                folder = await session.sent_folder(channel.imap.sent_folder)
                if not question.with_head:
                    return FoundSent(found=await session.has_message(folder, question.message_id))
                head = await session.head_of(folder, question.message_id)
                text = None if head is None else head.decode("ascii", "replace")
                return FoundSent(found=head is not None, head=text)
        except (PostbusError, ConnectionLost, NotGiven, FolderMissing) as error:
            return FoundSent(found=None, detail=f"{type(error).__name__}: {error}"[:300])

    @asynccontextmanager
    async def _session(self, channel: InboundChannel) -> AsyncIterator[Session]:
        async with self._busy.setdefault(channel.id, asyncio.Lock()):
            session = await self.connect(channel)
            try:
                yield session
            finally:
                await asyncio.shield(session.close())

    @staticmethod
    def put_failed(error: Exception) -> PutSentResult:
        """The answer when the question itself made trouble."""
        again = not isinstance(error, PermanentError)
        return PutSentResult(ok=False, again=again, detail=type(error).__name__)

    @staticmethod
    def find_failed(error: Exception) -> FoundSent:
        """The same for the other question."""
        return FoundSent(found=None, detail=type(error).__name__)
