"""Proves that nothing of a mailbox was missed: its folders against cursors and tickets."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mailboxes import CompletenessProof, FolderProof, Prove
from postbus.errors import PostbusError, Unavailable
from postbus.mailboxes.board import Board
from postbus.mailboxes.ports import HealthBoard
from postbus.mailboxes.proofs import whole_proof

log = structlog.get_logger("postbus.mailboxes")

ProveFolders = Callable[
    [InboundChannel, CompletenessProof | None], Awaitable[tuple[FolderProof, ...]]
]
"""The proof of each folder, given the proof before. PostbusError when they cannot be read."""


@dataclass(frozen=True)
class Proving:
    """Any replica can prove any mailbox: it only reads. `look` has the mailbox looked at anew."""

    kind: str
    folders: ProveFolders
    board: HealthBoard
    news: Board
    channel: Callable[[str], InboundChannel | None]
    look: Callable[[str], None]
    now: Callable[[], datetime]

    async def on_prove(self, question: Prove) -> CompletenessProof:
        """The proof, now; what kept it from being made is part of it."""
        channel = self.channel(question.channel)
        if channel is None or channel.kind != self.kind:
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
            folders = await self.folders(channel, before)
        except Unavailable:
            raise
        except PostbusError as error:
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

    def failed(self, error: Exception) -> CompletenessProof:
        """The answer when the question itself made trouble."""
        return whole_proof("unknown", (), at=self.now(), error=type(error).__name__)
