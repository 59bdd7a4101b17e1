"""Outbound channels: tried before they are saved, their secrets sealed."""

from config_service.channel_bodies import OutboundChannelBody
from config_service.domain.merge_patch import merge
from config_service.domain.references import (
    kind_refusal,
    outbound_removal_refusal,
    relay_refusal,
)
from config_service.resources.channel_documents import shown
from config_service.resources.dkim import DkimKeysOfChannels
from config_service.resources.documents import Documents, checked, read_as
from config_service.resources.own_addresses import OwnAddresses
from config_service.resources.refusing import (
    refuse,
    require_match,
    require_new_id,
    require_same_id,
)
from config_service.resources.sign_ins import Saving, SignIns
from postbus.configuration import Kept
from postbus.contracts.base import JsonObject
from postbus.contracts.configuration import OutboundChannel

KIND = "outbound-channels"


class Outbound:
    """What can be done with outbound channels."""

    def __init__(
        self,
        documents: Documents,
        own_addresses: OwnAddresses,
        sign_ins: SignIns,
        keys: DkimKeysOfChannels,
    ) -> None:
        self._documents = documents
        self._own_addresses = own_addresses
        self._sign_ins = sign_ins
        self._keys = keys

    async def all(self) -> list[Kept]:
        """Every outbound channel, by id."""
        return (await self._documents.state()).of_kind(KIND)

    async def get(self, id_: str) -> Kept:
        """One; 404."""
        return await self._documents.get(KIND, id_)

    async def create(self, body: OutboundChannelBody, saving: Saving) -> Kept:
        """Make one; 409 when the id is taken, 422 when it does not work, 503 if nobody can try."""
        async with self._documents.changing() as state:
            require_new_id(KIND, body.id, state.kept)
            refuse(relay_refusal(body))
            new = await self._sign_ins.for_new(body, saving)
            await self._sign_ins.keep_secret(new)
            await self._own_addresses.hold(new.channel, state, by=saving.by)
            return await self._documents.create(KIND, body.id, new.document, by=saving.by)

    async def patch(
        self, id_: str, patch: JsonObject, *, match: str | None, saving: Saving
    ) -> Kept:
        """Change one; 404, 409, 412, 422, 428, 503."""
        async with self._documents.changing() as state:
            kept = state.get(KIND, id_)
            require_match(match, kept)
            require_same_id(patch, kept)
            before = read_as(OutboundChannel, kept)
            body = checked(OutboundChannelBody, merge(shown(kept), patch))
            refuse(kind_refusal(before, body))
            changed = await self._sign_ins.for_change(body, kept, patch, saving)
            await self._sign_ins.keep_secret(changed)
            await self._own_addresses.hold(changed.channel, state, by=saving.by)
            replaced = await self._documents.replace(kept, changed.document, by=saving.by)
            await self._own_addresses.release(before, changed.channel, by=saving.by)
            return replaced

    async def remove(self, id_: str, *, match: str | None, by: str) -> None:
        """Remove one and then its secrets; 404, 409 while answers go through it, 412, 428."""
        async with self._documents.changing() as state:
            kept = state.get(KIND, id_)
            require_match(match, kept)
            there = state.configuration.outbound(id_)
            refuse(outbound_removal_refusal(there, state.configuration) if there else None)
            channel = read_as(OutboundChannel, kept)
            await self._documents.remove(kept, by=by)
            await self._own_addresses.release(channel, None, by=by)
            await self._sign_ins.forget_secret(channel)
            await self._keys.forget(state, id_, by=by)
