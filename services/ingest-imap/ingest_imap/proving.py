"""Proves that nothing of a mailbox was missed: its folders against the cursors and the tickets."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ingest_imap.domain.proving import folder_proof, waited_for
from ingest_imap.ports import Connect, ConnectionLost, Cursors, FolderMissing, NotGiven, Session
from ingest_imap.taking_up import folder_missing
from postbus.contracts.configuration import History, InboundChannel
from postbus.contracts.mailboxes import AskFiled, CompletenessProof, FolderProof
from postbus.errors import MailHostUnavailable
from postbus.mail.uid_sets import UidSet
from postbus.mailboxes.ports import AskTicketing

_RANGES_AT_ONCE = 2000


@dataclass(frozen=True)
class FolderProofs:
    """Compares the folders of a mailbox with their cursors and with the tickets; it only reads."""

    connect: Connect
    cursors: Cursors
    ticketing: AskTicketing
    now: Callable[[], datetime]

    async def __call__(
        self, channel: InboundChannel, before: CompletenessProof | None
    ) -> tuple[FolderProof, ...]:
        """The proof of each folder, given the proof before. PostbusError when it cannot be made."""
        try:
            return await self._folders(channel, before)
        except FolderMissing as error:
            raise folder_missing(str(error)) from error
        except (ConnectionLost, NotGiven) as error:
            raise MailHostUnavailable(str(error), reason="connection-lost") from error

    async def _folders(
        self, channel: InboundChannel, before: CompletenessProof | None
    ) -> tuple[FolderProof, ...]:
        session = await self.connect(channel)
        try:
            names = channel.imap.folders if channel.imap else ()
            return tuple([await self._folder(session, channel, name, before) for name in names])
        finally:
            await asyncio.shield(session.close())

    async def _folder(
        self,
        session: Session,
        channel: InboundChannel,
        folder: str,
        before: CompletenessProof | None,
    ) -> FolderProof:
        kept = await self.cursors.get(channel.id, folder)
        opened = await session.open(kept.cursor.name if kept else folder, read_only=True)
        there = await session.search() if opened.exists else UidSet()
        # Read after the folder, so that what was fetched meanwhile counts.
        kept = await self.cursors.get(channel.id, folder)
        if kept is None or kept.cursor.uidvalidity != opened.uidvalidity:
            return FolderProof(
                folder=folder,
                uidvalidity=opened.uidvalidity,
                seen=len(there),
                waiting=len(there),
                waiting_uids=str(there),
            )
        cursor = kept.cursor
        known = there & (UidSet.parse(cursor.taken) | UidSet.of(cursor.held))
        missing = await self._missing(channel.id, folder, cursor.uidvalidity, known)
        history = channel.imap.history if channel.imap else History.NONE
        waited = waited_for(before, folder, cursor.uidvalidity, now=self.now())
        return folder_proof(cursor, there, missing, history, waited=waited)

    async def _missing(self, channel: str, folder: str, uidvalidity: int, uids: UidSet) -> UidSet:
        """Those that ticketing has on no ticket."""
        missing = UidSet()
        for at in range(0, len(uids.ranges), _RANGES_AT_ONCE):
            some = UidSet(uids.ranges[at : at + _RANGES_AT_ONCE])
            question = AskFiled(
                channel=channel, folder=folder, uidvalidity=uidvalidity, uids=str(some)
            )
            missing |= UidSet.parse((await self.ticketing(question)).missing)
        return missing
