"""Proves that nothing of a mailbox was missed: its folders against ticketing's own books."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ingest_graph.domain.proving import folder_proof
from ingest_graph.missing import missing_ids
from ingest_graph.ports import Brief, Cursors, FolderMissing, Mailbox, OpenMailbox
from ingest_graph.taking_up import folder_missing
from postbus.contracts.configuration import History, InboundChannel
from postbus.contracts.mailboxes import CompletenessProof, FolderProof
from postbus.mailboxes.ports import AskTicketing
from postbus.mailboxes.proofs import folder_of_old


@dataclass(frozen=True)
class FolderProofs:
    """Compares the folders of a mailbox with the tickets; it only reads."""

    open: OpenMailbox
    cursors: Cursors
    ticketing: AskTicketing
    now: Callable[[], datetime]

    async def __call__(
        self, channel: InboundChannel, before: CompletenessProof | None
    ) -> tuple[FolderProof, ...]:
        """The proof of each folder, given the proof before. PostbusError when it cannot be made."""
        mailbox = await self.open(channel)
        names = channel.graph.folders if channel.graph else ()
        return tuple([await self._folder(mailbox, channel, name, before) for name in names])

    async def _folder(
        self,
        mailbox: Mailbox,
        channel: InboundChannel,
        name: str,
        before: CompletenessProof | None,
    ) -> FolderProof:
        kept = await self.cursors.get(channel.id, name)
        try:
            there = (
                await mailbox.folder_of_id(kept.cursor.folder_id)
                if kept
                else await mailbox.folder(name)
            )
        except FolderMissing as gone:
            raise folder_missing(name) from gone
        everything = channel.graph is not None and channel.graph.history is History.ALL
        since = None if everything or kept is None else kept.cursor.of_today
        lies: list[Brief] = []
        async for some in mailbox.listed(there.id, since=since):
            lies += some
        ids = [one.id for one in lies]
        missing = await missing_ids(self.ticketing, channel.id, name, ids)
        # Read after the folder, so that what was fetched meanwhile counts.
        kept = await self.cursors.get(channel.id, name)
        old = folder_of_old(before, name, None, now=self.now())
        return folder_proof(
            name, kept.cursor if kept else None, ids, missing, mails=there.mails, old=old
        )
