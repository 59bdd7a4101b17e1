"""Opens what was sealed for a channel."""

from collections.abc import Awaitable, Callable

from pydantic import SecretStr

from postbus.bus import Bucket
from postbus.secrets import Opener


class ChannelSecrets:
    """The secrets of inbound channels, read when they are needed and never kept."""

    def __init__(self, bucket: Callable[[], Awaitable[Bucket]], opener: Opener | None) -> None:
        self._bucket = bucket
        self._opener = opener

    async def __call__(self, channel: str, sealed: str | None = None) -> SecretStr | None:
        """The kept secret of a channel, or this one; None without.

        BusUnavailable, CredentialsRejected.
        """
        if self._opener is None:
            return None
        name = f"inbound-channels.{channel}"
        if sealed is None:
            entry = await (await self._bucket()).get(name)
            sealed = entry.value.decode() if entry else None
        return self._opener.open(name, sealed) if sealed else None
