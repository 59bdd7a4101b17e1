"""Keys that mail of a relay is signed with: made here, sealed, and never shown."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from config_service.dkim_bodies import DkimKeyBody
from config_service.domain.dkim import activated, key_of, making_refusal, without
from config_service.domain.dkim_published import Published, published, unknown
from config_service.ports import MakeDkimPair, Secrets, TxtRecords
from config_service.resources.documents import Documents, State, document_of, read_as
from config_service.resources.refusing import not_found, refuse, require_match
from postbus.configuration import Kept
from postbus.configuration import key_of as kv_key
from postbus.contracts.dkim import DkimKey, DkimSigning
from postbus.errors import TemporaryError
from postbus.runtime.problems import Problem
from postbus.secrets import Sealer

KIND = "dkim"
_CHANNELS = "outbound-channels"


@dataclass(frozen=True)
class KeysOfChannel:
    """The keys, and the revision of their document; 0 where there is none yet."""

    signing: DkimSigning
    revision: int


class DkimKeysOfChannels:
    """What can be done with the keys of outbound channels."""

    def __init__(
        self,
        documents: Documents,
        secrets: Secrets,
        sealer: Sealer | None,
        make: MakeDkimPair,
        new_word: Callable[[], str],
        records: TxtRecords,
    ) -> None:
        self._documents = documents
        self._secrets = secrets
        self._sealer = sealer
        self._make = make
        self._new_word = new_word
        self._records = records

    async def of(self, channel: str) -> KeysOfChannel:
        """All keys of a channel; 404."""
        return _keys(await self._documents.state(), channel)

    async def create(self, channel: str, body: DkimKeyBody, *, by: str) -> DkimKey:
        """Make a key, which signs nothing before it is activated; 404, 409, 422."""
        if self._sealer is None:
            detail = "No key can be kept: this service was started without a public key."
            raise Problem(422, "not-configured", detail=detail)
        pair = await asyncio.to_thread(self._make, body.algorithm)
        now = self._documents.now()
        key = DkimKey(
            selector=f"pb-{now:%Y%m%d}-{self._new_word()}",
            domain=body.domain,
            algorithm=body.algorithm,
            public_key=pair.public_key,
            created_at=now,
        )
        async with self._documents.changing() as state:
            there = _keys(state, channel)
            outbound = state.configuration.outbound(channel)
            refuse(making_refusal(outbound, there.signing) if outbound else None)
            # First, so that no key is named that nobody has.
            name = _secret_name(channel, key.selector)
            await self._secrets.keep(name, self._sealer.seal(name, pair.private_key))
            keys = (*there.signing.keys, key)
            await self._write(state, there.signing.model_copy(update={"keys": keys}), by=by)
        return key

    async def check(self, channel: str, selector: str) -> tuple[DkimKey, Published]:
        """The key, and whether DNS has it; 404."""
        key = key_of(_keys(await self._documents.state(), channel).signing, selector)
        if key is None:
            raise not_found("keys", selector)
        try:
            return key, published(key, await self._records(key.record_name))
        except TemporaryError as error:
            return key, unknown(str(error))

    async def activate(self, channel: str, selector: str, *, by: str) -> DkimKey:
        """Sign with that key from now on; 404."""
        async with self._documents.changing() as state:
            there = _keys(state, channel)
            after = activated(there.signing, selector)
            key = key_of(after, selector)
            if key is None:
                raise not_found("keys", selector)
            await self._write(state, after, by=by)
            return key

    async def remove(self, channel: str, selector: str, *, match: str | None, by: str) -> None:
        """Remove a key and then its private half; 404, 412, 428."""
        async with self._documents.changing() as state:
            there = _keys(state, channel)
            if key_of(there.signing, selector) is None:
                raise not_found("keys", selector)
            require_match(match, state.get(KIND, channel))
            await self._write(state, without(there.signing, selector), by=by)
            await self._secrets.forget(_secret_name(channel, selector))

    async def remove_all(self, channel: str, *, match: str | None, by: str) -> None:
        """Sign nothing any more; 404, 412, 428."""
        async with self._documents.changing() as state:
            kept = state.get(KIND, channel)
            require_match(match, kept)
            await self.forget(state, channel, by=by)

    async def forget(self, state: State, channel: str, *, by: str) -> None:
        """Remove what is there of a channel, within a change."""
        kept = state.kept.get(kv_key(KIND, channel))
        if kept is None:
            return
        signing = read_as(DkimSigning, kept)
        await self._documents.remove(kept, by=by)
        for key in signing.keys:
            await self._secrets.forget(_secret_name(channel, key.selector))

    async def _write(self, state: State, signing: DkimSigning, *, by: str) -> Kept:
        kept = state.kept.get(kv_key(KIND, signing.id))
        document = document_of(signing)
        if kept is None:
            return await self._documents.create(KIND, signing.id, document, by=by)
        return await self._documents.replace(kept, document, by=by)


def _keys(state: State, channel: str) -> KeysOfChannel:
    if state.configuration.outbound(channel) is None:
        raise not_found(_CHANNELS, channel)
    kept = state.kept.get(kv_key(KIND, channel))
    if kept is None:
        return KeysOfChannel(DkimSigning(id=channel), 0)
    return KeysOfChannel(read_as(DkimSigning, kept), kept.revision)


def _secret_name(channel: str, selector: str) -> str:
    return f"{KIND}.{channel}.{selector}"
