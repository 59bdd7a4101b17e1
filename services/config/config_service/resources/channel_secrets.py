"""Secrets of channels: sealed here, opened only by the services that use the channels."""

from collections.abc import Mapping

import orjson
from pydantic import SecretStr, ValidationError

from config_service.domain.kept_secret import SecretForm, SignIn, sign_in_of
from config_service.ports import Secrets
from config_service.resources.microsoft_clients import app_credential, microsoft_client
from postbus.connecting import GoogleServiceAccount
from postbus.contracts.configuration import InboundChannel, OutboundChannel
from postbus.runtime.problems import FieldError, Problem
from postbus.secrets import Sealer

Channel = InboundChannel | OutboundChannel
KEY_TYPE = "service_account"


def kind_of(channel: Channel) -> str:
    """The kind of document that a channel is."""
    return "inbound-channels" if isinstance(channel, InboundChannel) else "outbound-channels"


def secret_name(channel: Channel) -> str:
    """The name, and key, that the secret of a channel is sealed and kept under."""
    return f"{kind_of(channel)}.{channel.id}"


class ChannelSecrets:
    """Seals and keeps; cannot open."""

    def __init__(self, secrets: Secrets, sealer: Sealer | None) -> None:
        self._secrets = secrets
        self._sealer = sealer

    def seal_given(self, channel: Channel, secret: SecretStr | None) -> str | None:
        """What was typed in, as the channel needs it, sealed; None for nothing.

        422 when it is no key where a key is needed, or this service has no public key.
        """
        sign_in = sign_in_of(channel)
        if secret is None or sign_in is None:
            return None
        pointer = f"{sign_in.pointer}/secret"
        if sign_in.form in (SecretForm.KEY, SecretForm.OAUTH):
            secret = key_credential(secret, sign_in.username, pointer)
        elif channel.graph is not None:
            client = microsoft_client(secret, pointer)
            secret = app_credential(client, channel.graph.authority_url)
        return self.seal(channel, secret)

    def seal(self, channel: Channel, secret: SecretStr) -> str:
        """The secret sealed for that channel; 422 when this service has no public key."""
        if self._sealer is None:
            detail = "No secret can be taken: this service was started without a public key."
            error = FieldError(_pointer(sign_in_of(channel)), detail)
            raise Problem(422, "not-configured", detail=detail, errors=(error,))
        return self._sealer.seal(secret_name(channel), secret)

    async def sealed(self, channel: Channel) -> str | None:
        """What is kept for the channel, still sealed; BusUnavailable."""
        return await self._secrets.kept(secret_name(channel))

    async def keep_or_forget(self, channel: Channel, sealed: str | None) -> None:
        """Keep this one, or none; BusUnavailable."""
        name = secret_name(channel)
        if sealed is None:
            await self._secrets.forget(name)
        else:
            await self._secrets.keep(name, sealed)


def key_credential(secret: SecretStr, subject: str, pointer: str) -> SecretStr:
    """The key file of a service account as the credential for one mailbox; 422 if it is none."""
    try:
        found = orjson.loads(secret.get_secret_value())
        if not isinstance(found, Mapping) or found.get("type") != KEY_TYPE:
            raise _no_key(pointer)
        account = GoogleServiceAccount(
            client_email=found.get("client_email", ""),
            private_key_id=found.get("private_key_id", ""),
            private_key=found.get("private_key", ""),
            subject=subject,
        )
    except (orjson.JSONDecodeError, ValidationError):
        # The cause is left out on purpose: it quotes the key.
        raise _no_key(pointer) from None
    if not account.client_email or "PRIVATE KEY" not in account.private_key:
        raise _no_key(pointer)
    return SecretStr(account.model_dump_json())


def _no_key(pointer: str) -> Problem:
    detail = "This is no key of a service account: give the JSON file that Google made, whole."
    return Problem(422, "invalid", detail=detail, errors=(FieldError(pointer, detail),))


def _pointer(sign_in: SignIn | None) -> str:
    return f"{sign_in.pointer}/secret" if sign_in else "#"
