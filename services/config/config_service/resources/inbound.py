"""Inbound channels: made, changed, paused and removed together with their filter entries."""

from config_service.channel_bodies import InboundChannelBody
from config_service.domain.merge_patch import merge
from config_service.domain.references import inbound_refusal, kind_refusal
from config_service.resources.channel_documents import shown
from config_service.resources.documents import Documents, checked, read_as
from config_service.resources.own_addresses import OwnAddresses
from config_service.resources.refusing import (
    refuse,
    require_match,
    require_new_id,
    require_same_id,
)
from config_service.resources.sign_ins import Saving, SignIns
from postbus.configuration import Kept, key_of
from postbus.contracts.base import JsonObject
from postbus.contracts.configuration import InboundChannel

KIND = "inbound-channels"


class Inbound:
    """What can be done with inbound channels."""

    def __init__(
        self, documents: Documents, own_addresses: OwnAddresses, sign_ins: SignIns
    ) -> None:
        self._documents = documents
        self._own_addresses = own_addresses
        self._sign_ins = sign_ins

    async def all(self) -> list[Kept]:
        """Every inbound channel, by id."""
        return (await self._documents.state()).of_kind(KIND)

    async def get(self, id_: str) -> Kept:
        """One; 404."""
        return await self._documents.get(KIND, id_)

    async def create(self, body: InboundChannelBody, saving: Saving) -> Kept:
        """Make one; 409 when the id or an address is taken.

        422 when it names what is not there or does not work, 503 if nobody can try.
        """
        async with self._documents.changing() as state:
            require_new_id(KIND, body.id, state.kept)
            refuse(inbound_refusal(body, state.configuration))
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
            before = read_as(InboundChannel, kept)
            merged = _with_address(merge(shown(kept), patch), kept.document or {}, patch)
            body = checked(InboundChannelBody, merged)
            refuse(kind_refusal(before, body))
            refuse(inbound_refusal(body, state.configuration))
            changed = await self._sign_ins.for_change(body, kept, patch, saving)
            await self._sign_ins.keep_secret(changed)
            await self._own_addresses.hold(changed.channel, state, by=saving.by)
            replaced = await self._documents.replace(kept, changed.document, by=saving.by)
            await self._own_addresses.release(before, changed.channel, by=saving.by)
            return replaced

    async def enable(self, id_: str, *, match: str | None, by: str) -> Kept:
        """Take mail again, untried, since its health will show how that goes; 404, 412."""
        saving = Saving(by=by, force=True)
        return await self.patch(id_, {"enabled": True}, match=match or "*", saving=saving)

    async def pause(self, id_: str, *, match: str | None, by: str) -> Kept:
        """Take no mail until it is resumed; 404, 412."""
        saving = Saving(by=by, force=True)
        return await self.patch(id_, {"enabled": False}, match=match or "*", saving=saving)

    async def remove(self, id_: str, *, match: str | None, by: str) -> None:
        """Remove one and then its filter entries, secret and appearance; 404, 412, 428."""
        async with self._documents.changing() as state:
            kept = state.get(KIND, id_)
            require_match(match, kept)
            channel = read_as(InboundChannel, kept)
            await self._documents.remove(kept, by=by)
            await self._own_addresses.release(channel, None, by=by)
            await self._sign_ins.forget_secret(channel)
            look = state.kept.get(key_of("appearance", id_))
            if look is not None:
                await self._documents.remove(look, by=by)


def _with_address(merged: JsonObject, before: JsonObject, patch: JsonObject) -> JsonObject:
    """An address that was one of the creation addresses goes with it, unless it is set anew."""
    old = (before.get("forward") or {}).get("creation_addresses") or []
    new = (merged.get("forward") or {}).get("creation_addresses") or []
    address = merged.get("address")
    if "address" not in patch and address in old and address not in new:
        return {**merged, "address": None}
    return merged
