"""What saving a channel with a server of its own takes: checked, sealed, tried, kept."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr

from config_service.channel_bodies import InboundChannelBody, OutboundChannelBody
from config_service.domain.kept_secret import secret_refusal, sign_in_of
from config_service.resources.channel_documents import document_with, made_at, secret_set_at
from config_service.resources.channel_secrets import Channel, ChannelSecrets
from config_service.resources.documents import document_of, read_as
from config_service.resources.refusing import refuse
from config_service.resources.trying import Trying
from postbus.configuration import Kept
from postbus.contracts.base import JsonObject
from postbus.contracts.configuration import InboundChannel, OutboundChannel

_TRIED_FIELDS = ("kind", "from_address", "smtp", "imap", "graph", "after_fetch")


@dataclass(frozen=True)
class Saving:
    """How a channel is saved: whether a failing try stops it, and for whom."""

    by: str
    force: bool = False


@dataclass(frozen=True)
class Prepared:
    """A channel that may be saved; `sealed` is its new secret."""

    channel: Channel
    document: JsonObject
    sealed: str | None
    secret_stays: bool


class SignIns:
    """Prepares channels for saving, and keeps their secrets."""

    def __init__(
        self, secrets: ChannelSecrets, trying: Trying, now: Callable[[], datetime]
    ) -> None:
        self._secrets = secrets
        self._trying = trying
        self._now = now

    async def for_new(
        self, body: InboundChannelBody | OutboundChannelBody, saving: Saving
    ) -> Prepared:
        """A channel that is not there yet; 422 when it does not work, 503 if nobody can try."""
        channel, secret = channel_of(body), _secret_of(body)
        refuse(secret_refusal(sign_in_of(channel), None, given=secret is not None, kept=False))
        sealed = self._secrets.seal_given(channel, secret)
        if not saving.force:
            await self._trying.require(channel, sealed)
        now = self._now()
        document = document_with(made_at(channel, now), now if sealed is not None else None)
        return Prepared(channel, document, sealed, secret_stays=False)

    async def for_change(
        self,
        body: InboundChannelBody | OutboundChannelBody,
        kept: Kept,
        patch: JsonObject,
        saving: Saving,
    ) -> Prepared:
        """A channel that changes; 422, 503 as above. It is tried where the change matters."""
        channel, secret = channel_of(body), _secret_of(body)
        before = read_as(type(channel), kept)
        set_at = None if _drops_secret(patch, channel) else secret_set_at(kept)
        refuse(
            secret_refusal(
                sign_in_of(channel),
                sign_in_of(before),
                given=secret is not None,
                kept=set_at is not None,
            )
        )
        sealed = self._secrets.seal_given(channel, secret)
        document = document_with(channel, self._now() if sealed is not None else set_at)
        matters = sealed is not None or _worth_trying(kept.document or {}, document)
        if matters and not saving.force:
            await self._trying.require(channel, sealed)
        return Prepared(channel, document, sealed, secret_stays=set_at is not None)

    async def keep_secret(self, prepared: Prepared) -> None:
        """Keep the new secret; where there is none and none stays, forget what there was.

        A secret left over from a channel of the same id must not serve this one. BusUnavailable.
        """
        if prepared.sealed is not None or not prepared.secret_stays:
            await self._secrets.keep_or_forget(prepared.channel, prepared.sealed)

    async def forget_secret(self, channel: Channel) -> None:
        """After the channel is gone; BusUnavailable."""
        await self._secrets.keep_or_forget(channel, None)


def channel_of(body: InboundChannelBody | OutboundChannelBody) -> Channel:
    """The channel that was sent, without what is only sent or shown."""
    if isinstance(body, InboundChannelBody):
        return InboundChannel.model_validate(document_of(body))
    return OutboundChannel.model_validate(document_of(body))


def _secret_of(body: InboundChannelBody | OutboundChannelBody) -> SecretStr | None:
    own = body.imap if isinstance(body, InboundChannelBody) else body.smtp
    server = body.graph or own
    return server.secret if server else None


def _drops_secret(patch: JsonObject, channel: Channel) -> bool:
    sign_in = sign_in_of(channel)
    if sign_in is None:
        return True
    server = patch.get(sign_in.field)
    return isinstance(server, dict) and "secret" in server and server["secret"] is None


def _worth_trying(before: JsonObject, after: JsonObject) -> bool:
    """A new name needs no connection; a channel that is switched on does."""
    switched_on = after["enabled"] and not before.get("enabled")
    return switched_on or any(before.get(field) != after.get(field) for field in _TRIED_FIELDS)
