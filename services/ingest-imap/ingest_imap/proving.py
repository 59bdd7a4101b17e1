"""Proves that nothing of a mailbox was missed: its folders against the cursors and the tickets."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from ingest_imap.board import Board
from ingest_imap.domain.proving import folder_proof, waited_for, whole_proof
from ingest_imap.ports import (
    AskTicketing,
    Connect,
    ConnectionLost,
    Cursors,
    FolderMissing,
    HealthBoard,
    NotGiven,
    Session,
)
from postbus.contracts.configuration import History, InboundChannel
from postbus.contracts.mailboxes import AskFiled, CompletenessProof, FolderProof, Prove
from postbus.errors import PostbusError, Unavailable
from postbus.mail.uid_sets import UidSet

log = structlog.get_logger("ingest_imap")
_RANGES_AT_ONCE = 2000


@dataclass(frozen=True)
class Proving:
    """Any replica can prove any mailbox: it only reads. `look` has the mailbox looked at anew."""

    connect: Connect
    cursors: Cursors
    ticketing: AskTicketing
    board: HealthBoard
    news: Board
    channel: Callable[[str], InboundChannel | None]
    look: Callable[[str], None]
    now: Callable[[], datetime]

    async def on_prove(self, question: Prove) -> CompletenessProof:
        """The proof, now; what kept it from being made is part of it."""
        channel = self.channel(question.channel)
        if channel is None or channel.imap is None:
            error = "there is no such mailbox"
            return whole_proof(question.channel, (), at=self.now(), error=error)
        try:
            return await self.prove(channel)
        except Unavailable as error:
            return whole_proof(channel.id, (), at=self.now(), error=str(error))

    async def prove(self, channel: InboundChannel) -> CompletenessProof:
        """The proof, kept for all to see; drift is told, and the mailbox looked at again."""
        before = await self.board.proof(channel.id)
        try:
            folders = await self._folders(channel, before)
        except (PostbusError, ConnectionLost, NotGiven, FolderMissing) as error:
            if isinstance(error, Unavailable):
                raise
            proof = whole_proof(channel.id, (), at=self.now(), error=str(error))
        else:
            proof = whole_proof(channel.id, folders, at=self.now())
        await self.board.put_proof(proof)
        if proof.unexplained:
            log.error("mailbox_drift", channel=channel.id, mails=proof.unexplained)
            await self.news.say(
                channel.id, "drift", f"{proof.unexplained} mails are there and on no ticket"
            )
        if proof.unexplained or proof.waiting:
            self.look(channel.id)
        return proof

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
