"""Secrets of outbound channels: sealed here, opened by dispatch only."""

from pydantic import SecretStr

from config_service.ports import Secrets
from postbus.runtime.problems import FieldError, Problem
from postbus.secrets import Sealer


def secret_name(channel_id: str) -> str:
    """The name, and key, that the secret of an outbound channel is sealed and kept under."""
    return f"outbound-channels.{channel_id}"


class ChannelSecrets:
    """Seals and keeps; cannot open."""

    def __init__(self, secrets: Secrets, sealer: Sealer | None) -> None:
        self._secrets = secrets
        self._sealer = sealer

    def seal(self, channel_id: str, secret: SecretStr | None) -> str | None:
        """The sealed secret, None for none; 422 when this service has no public key."""
        if secret is None:
            return None
        if self._sealer is None:
            detail = "No secret can be taken: this service was started without a public key."
            error = FieldError("#/smtp/secret", detail)
            raise Problem(422, "not-configured", detail=detail, errors=(error,))
        return self._sealer.seal(secret_name(channel_id), secret)

    async def keep_or_forget(self, channel_id: str, sealed: str | None) -> None:
        """Keep this one, or none; BusUnavailable."""
        name = secret_name(channel_id)
        if sealed is None:
            await self._secrets.forget(name)
        else:
            await self._secrets.keep(name, sealed)
