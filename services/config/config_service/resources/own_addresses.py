"""Keeps the filter entries of channels, in the same operation as the channels themselves.

KV has no transactions, so the order makes a crash in between harmless: an entry is written before
the channel that needs it and removed after the channel that needed it. What is then left over,
`mend` removes.
"""

from collections.abc import Iterable

from config_service.domain.own_entries import Channel, mending, own_entries
from config_service.resources.documents import Documents, State, document_of
from postbus.configuration import key_of
from postbus.contracts.configuration import FilterEntry

KIND = "outbound-filter"
BY_POSTBUS = "postbus"


class OwnAddresses:
    """The automatic entries of the outgoing mail filter."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def hold(self, channel: Channel, state: State, *, by: str) -> None:
        """Put every address of a channel on the filter; before the channel is written."""
        wanted = own_entries(channel, self._documents.now())
        await self._add(wanted.values(), state, by=by)

    async def release(self, before: Channel, kept: Channel | None, *, by: str) -> None:
        """Take addresses off that a channel has no more; after the channel was written."""
        state = await self._documents.state()
        now = self._documents.now()
        wanted = own_entries(kept, now) if kept else {}
        gone = [
            entry
            for id_, entry in own_entries(before, now).items()
            if id_ not in wanted and key_of(KIND, id_) in state.kept
        ]
        await self._remove(gone, state, by=by)

    async def mend(self) -> int:
        """Make filter and channels agree; how many entries that took."""
        async with self._documents.changing() as state:
            todo = mending(state.configuration, self._documents.now())
            await self._add(todo.missing, state, by=BY_POSTBUS)
            await self._remove(todo.superfluous, state, by=BY_POSTBUS)
            return len(todo.missing) + len(todo.superfluous)

    async def _add(self, entries: Iterable[FilterEntry], state: State, *, by: str) -> None:
        for entry in entries:
            if key_of(KIND, entry.id) not in state.kept:
                await self._documents.create(KIND, entry.id, document_of(entry), by=by)

    async def _remove(self, entries: Iterable[FilterEntry], state: State, *, by: str) -> None:
        for entry in entries:
            await self._documents.remove(state.get(KIND, entry.id), by=by)
