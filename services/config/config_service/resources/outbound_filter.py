"""The outgoing mail filter, as far as hands write it."""

from config_service.bodies import FilterEntryBody
from config_service.domain.own_entries import entry_id
from config_service.domain.references import filter_removal_refusal
from config_service.resources.documents import Documents, document_of
from config_service.resources.own_addresses import KIND
from config_service.resources.refusing import refuse, require_match
from postbus.configuration import Kept
from postbus.contracts.configuration import FilterEntry


class FilterByHand:
    """What can be done with filter entries."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def all(self) -> list[Kept]:
        """Every entry, those that Postbus made included."""
        return (await self._documents.state()).of_kind(KIND)

    async def get(self, id_: str) -> Kept:
        """One; 404."""
        return await self._documents.get(KIND, id_)

    async def create(self, body: FilterEntryBody, *, by: str) -> Kept:
        """Make one; 409 when there is one for that pattern."""
        async with self._documents.changing():
            entry = FilterEntry(
                id=entry_id(body.pattern),
                pattern=body.pattern,
                reason=body.reason,
                created_at=self._documents.now(),
            )
            return await self._documents.create(KIND, entry.id, document_of(entry), by=by)

    async def remove(self, id_: str, *, match: str | None, by: str) -> None:
        """Remove one; 404, 409 for a channel's own address, 412, 428."""
        async with self._documents.changing() as state:
            kept = state.get(KIND, id_)
            require_match(match, kept)
            entries = state.configuration.filter.entries
            entry = next((one for one in entries if one.id == id_), None)
            refuse(filter_removal_refusal(entry, state.configuration) if entry else None)
            await self._documents.remove(kept, by=by)
