"""Ticket types."""

from config_service.bodies import TicketTypeBody, TicketTypeView
from config_service.domain.merge_patch import merge
from config_service.domain.references import creation_addresses, ticket_type_removal_refusal
from config_service.resources.documents import Documents, State, checked, document_of, read_as
from config_service.resources.refusing import refuse, require_match, require_same_id
from postbus.configuration import Kept
from postbus.contracts.base import JsonObject
from postbus.contracts.configuration import TicketType

KIND = "ticket-types"


class TicketTypes:
    """What can be done with ticket types."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def all(self) -> list[TicketTypeView]:
        """Every ticket type with its creation addresses, by id."""
        state = await self._documents.state()
        return [_view(kept, state) for kept in state.of_kind(KIND)]

    async def get(self, id_: str) -> tuple[Kept, TicketTypeView]:
        """One, with its creation addresses; 404."""
        state = await self._documents.state()
        kept = state.get(KIND, id_)
        return kept, _view(kept, state)

    async def create(self, body: TicketTypeBody, *, by: str) -> tuple[Kept, TicketTypeView]:
        """Make one; 409."""
        async with self._documents.changing() as state:
            kept = await self._documents.create(KIND, body.id, document_of(body), by=by)
            return kept, _view(kept, state)

    async def patch(
        self, id_: str, patch: JsonObject, *, match: str | None, by: str
    ) -> tuple[Kept, TicketTypeView]:
        """Change one; 404, 412, 422, 428."""
        async with self._documents.changing() as state:
            kept = state.get(KIND, id_)
            require_match(match, kept)
            require_same_id(patch, kept)
            body = checked(TicketTypeBody, merge(kept.document or {}, patch))
            changed = await self._documents.replace(kept, document_of(body), by=by)
            return changed, _view(changed, state)

    async def remove(self, id_: str, *, match: str | None, by: str) -> None:
        """Remove one; 404, 409 while a channel makes it, 412, 428."""
        async with self._documents.changing() as state:
            kept = state.get(KIND, id_)
            require_match(match, kept)
            type_ = state.configuration.ticket_type(id_)
            refuse(ticket_type_removal_refusal(type_, state.configuration) if type_ else None)
            await self._documents.remove(kept, by=by)


def _view(kept: Kept, state: State) -> TicketTypeView:
    type_ = read_as(TicketType, kept)
    addresses = creation_addresses(type_, state.configuration)
    return TicketTypeView(**document_of(type_), creation_addresses=addresses)
