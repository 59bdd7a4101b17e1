"""Inbound channels: made, changed, paused and removed together with their filter entries."""

from config_service.bodies import InboundChannelBody
from config_service.domain.merge_patch import merge
from config_service.domain.references import inbound_refusal
from config_service.resources.documents import Documents, checked, document_of, read_as
from config_service.resources.own_addresses import OwnAddresses
from config_service.resources.refusing import refuse, require_match, require_same_id
from postbus.configuration import Kept
from postbus.contracts.base import JsonObject
from postbus.contracts.configuration import InboundChannel

KIND = "inbound-channels"


class Inbound:
    """What can be done with inbound channels."""

    def __init__(self, documents: Documents, own_addresses: OwnAddresses) -> None:
        self._documents = documents
        self._own_addresses = own_addresses

    async def all(self) -> list[Kept]:
        """Every inbound channel, by id."""
        return (await self._documents.state()).of_kind(KIND)

    async def get(self, id_: str) -> Kept:
        """One; 404."""
        return await self._documents.get(KIND, id_)

    async def create(self, channel: InboundChannel, *, by: str) -> Kept:
        """Make one; 409 when the id or an address is taken, 422 when it names what is not there."""
        async with self._documents.changing() as state:
            refuse(inbound_refusal(channel, state.configuration))
            await self._own_addresses.hold(channel, state, by=by)
            return await self._documents.create(KIND, channel.id, document_of(channel), by=by)

    async def patch(self, id_: str, patch: JsonObject, *, match: str | None, by: str) -> Kept:
        """Change one; 404, 409, 412, 422, 428."""
        async with self._documents.changing() as state:
            kept = state.get(KIND, id_)
            require_match(match, kept)
            require_same_id(patch, kept)
            merged = _with_address(merge(kept.document or {}, patch), kept.document or {}, patch)
            channel = checked(InboundChannelBody, merged)
            refuse(inbound_refusal(channel, state.configuration))
            await self._own_addresses.hold(channel, state, by=by)
            changed = await self._documents.replace(kept, document_of(channel), by=by)
            await self._own_addresses.release(read_as(InboundChannel, kept), channel, by=by)
            return changed

    async def enable(self, id_: str, *, match: str | None, by: str) -> Kept:
        """Take mail again; 404, 412."""
        return await self.patch(id_, {"enabled": True}, match=match or "*", by=by)

    async def pause(self, id_: str, *, match: str | None, by: str) -> Kept:
        """Take no mail until it is resumed; 404, 412."""
        return await self.patch(id_, {"enabled": False}, match=match or "*", by=by)

    async def remove(self, id_: str, *, match: str | None, by: str) -> None:
        """Remove one and then its filter entries; 404, 412, 428."""
        async with self._documents.changing() as state:
            kept = state.get(KIND, id_)
            require_match(match, kept)
            await self._documents.remove(kept, by=by)
            await self._own_addresses.release(read_as(InboundChannel, kept), None, by=by)


def _with_address(merged: JsonObject, before: JsonObject, patch: JsonObject) -> JsonObject:
    """An address that was one of the creation addresses goes with it, unless it is set anew."""
    old = (before.get("forward") or {}).get("creation_addresses") or []
    new = (merged.get("forward") or {}).get("creation_addresses") or []
    address = merged.get("address")
    if "address" not in patch and address in old and address not in new:
        return {**merged, "address": None}
    return merged
