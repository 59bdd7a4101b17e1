"""The sealed secrets of outbound channels, in the KV bucket `postbus-secrets`."""

from collections.abc import Awaitable, Callable

from pydantic import SecretStr

from postbus.bus import Bus
from postbus.bus.topology import SECRETS_BUCKET
from postbus.secrets import Opener

OpenSecret = Callable[[str, str | None], Awaitable[SecretStr | None]]
"""The secret of a channel: (channel id, sealed value or None for the kept one)."""


class KeptSecrets:
    """Opens them; without a key there are none."""

    def __init__(self, bus: Bus, opener: Opener | None) -> None:
        self._bus = bus
        self._opener = opener

    async def open(self, channel: str, sealed: str | None) -> SecretStr | None:
        """The secret of a channel: in this box, or in the one that is kept.

        CredentialsRejected when it does not open.
        """
        if self._opener is None:
            return None
        name = f"outbound-channels.{channel}"
        if sealed is None:
            entry = await (await self._bus.bucket(SECRETS_BUCKET)).get(name)
            sealed = entry.value.decode() if entry else None
        return self._opener.open(name, sealed) if sealed else None
