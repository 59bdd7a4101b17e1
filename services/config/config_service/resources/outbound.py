"""Outbound channels: tried before they are saved, their secrets sealed."""

from dataclasses import dataclass

from config_service.bodies import OutboundChannelBody
from config_service.domain.kept_secret import secret_refusal
from config_service.domain.merge_patch import merge
from config_service.domain.references import outbound_change_refusal, outbound_removal_refusal
from config_service.resources.channel_secrets import ChannelSecrets
from config_service.resources.documents import Documents, checked, document_of, read_as
from config_service.resources.own_addresses import OwnAddresses
from config_service.resources.refusing import refuse, require_match, require_same_id
from config_service.resources.trying import Trying
from postbus.configuration import Kept
from postbus.contracts.base import JsonObject
from postbus.contracts.configuration import OutboundChannel

KIND = "outbound-channels"
SECRET_SET_AT = "secret_set_at"  # noqa: S105 - the name of a field, no secret


@dataclass(frozen=True)
class Saving:
    """How a channel is saved: whether a failing try stops it, and for whom."""

    by: str
    force: bool = False


class Outbound:
    """What can be done with outbound channels."""

    def __init__(
        self,
        documents: Documents,
        own_addresses: OwnAddresses,
        secrets: ChannelSecrets,
        trying: Trying,
    ) -> None:
        self._documents = documents
        self._own_addresses = own_addresses
        self._secrets = secrets
        self._trying = trying

    async def all(self) -> list[Kept]:
        """Every outbound channel, by id."""
        return (await self._documents.state()).of_kind(KIND)

    async def get(self, id_: str) -> Kept:
        """One; 404."""
        return await self._documents.get(KIND, id_)

    async def create(self, body: OutboundChannelBody, saving: Saving) -> Kept:
        """Make one; 409 when the id is taken, 422 when it does not work, 503 if nobody can try."""
        async with self._documents.changing() as state:
            secret = body.smtp.secret if body.smtp else None
            refuse(outbound_change_refusal(body))
            refuse(secret_refusal(body, None, given=secret is not None, kept=False))
            sealed = self._secrets.seal(body.id, secret)
            await self._try(body, sealed, saving)
            # A secret left over from a channel of the same id must not serve this one.
            await self._secrets.keep_or_forget(body.id, sealed)
            document = self._document(body, set_now=secret is not None, set_at=None)
            await self._own_addresses.hold(body, state, by=saving.by)
            return await self._documents.create(KIND, body.id, document, by=saving.by)

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
            secret = body.smtp.secret if body.smtp else None
            set_at = None if _drops_secret(patch, body) else secret_set_at(kept)
            refuse(outbound_change_refusal(body))
            refuse(
                secret_refusal(body, before.smtp, given=secret is not None, kept=set_at is not None)
            )
            sealed = self._secrets.seal(id_, secret)
            document = self._document(body, set_now=secret is not None, set_at=set_at)
            if sealed is not None or _worth_trying(kept.document or {}, document):
                await self._try(body, sealed, saving)
            if sealed is not None or set_at is None:
                await self._secrets.keep_or_forget(id_, sealed)
            await self._own_addresses.hold(body, state, by=saving.by)
            changed = await self._documents.replace(kept, document, by=saving.by)
            await self._own_addresses.release(before, body, by=saving.by)
            return changed

    async def remove(self, id_: str, *, match: str | None, by: str) -> None:
        """Remove one and then its secret; 404, 409 while answers go through it, 412, 428."""
        async with self._documents.changing() as state:
            kept = state.get(KIND, id_)
            require_match(match, kept)
            channel = state.configuration.outbound(id_)
            refuse(outbound_removal_refusal(channel, state.configuration) if channel else None)
            await self._documents.remove(kept, by=by)
            await self._own_addresses.release(read_as(OutboundChannel, kept), None, by=by)
            await self._secrets.keep_or_forget(id_, None)

    def _document(
        self, body: OutboundChannelBody, *, set_now: bool, set_at: str | None
    ) -> JsonObject:
        """How it is kept: without the secret, with when that was set."""
        document = document_of(body)
        if document["smtp"] is not None:
            at = self._documents.now().isoformat() if set_now else set_at
            document["smtp"][SECRET_SET_AT] = at
        return document

    async def _try(self, body: OutboundChannelBody, sealed: str | None, how: Saving) -> None:
        if not how.force:
            channel = OutboundChannel.model_validate(document_of(body))
            await self._trying.require(channel, sealed)


def shown(kept: Kept) -> JsonObject:
    """The document as it is shown: whether a secret is kept, and nothing of it."""
    document = dict(kept.document or {})
    if document.get("smtp"):
        smtp = {name: value for name, value in document["smtp"].items() if name != SECRET_SET_AT}
        document["smtp"] = {**smtp, "secret_set": secret_set_at(kept) is not None}
    return document


def secret_set_at(kept: Kept) -> str | None:
    """When the secret that is kept was given; None without one."""
    smtp = (kept.document or {}).get("smtp") or {}
    at = smtp.get(SECRET_SET_AT)
    return str(at) if at else None


def _drops_secret(patch: JsonObject, body: OutboundChannelBody) -> bool:
    smtp = patch.get("smtp")
    asked = isinstance(smtp, dict) and "secret" in smtp and smtp["secret"] is None
    return asked or body.smtp is None


def _worth_trying(before: JsonObject, after: JsonObject) -> bool:
    """A new name needs no connection; a channel that is switched on does."""
    switched_on = after["enabled"] and not before.get("enabled")
    fields = ("kind", "from_address", "smtp")
    return switched_on or any(before.get(field) != after.get(field) for field in fields)
