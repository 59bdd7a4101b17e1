"""The sealed secrets of channels, where they are kept."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from pydantic import SecretStr

from postbus.secrets.boxes import Opener

OpenSecret = Callable[[str, str | None], Awaitable[SecretStr | None]]
"""The secret of a channel: (channel id, sealed value or None for the kept one)."""


class Entry(Protocol):
    """What is kept under a name."""

    @property
    def value(self) -> bytes:
        """The sealed box."""


class SealedBoxes(Protocol):
    """Where sealed boxes are kept by name; the KV bucket `postbus-secrets`."""

    async def get(self, key: str) -> Entry | None:
        """What is kept under that name. BusUnavailable."""


class KeptSecrets:
    """Opened when they are needed, and never kept open; `kind` is that of the documents."""

    def __init__(
        self, boxes: Callable[[], Awaitable[SealedBoxes]], opener: Opener | None, *, kind: str
    ) -> None:
        self._boxes = boxes
        self._opener = opener
        self._kind = kind

    async def __call__(self, channel: str, sealed: str | None = None) -> SecretStr | None:
        """The secret of a channel, in this box or in the one that is kept; None without.

        Without a key there are none. BusUnavailable; CredentialsRejected when it does not open.
        """
        if self._opener is None:
            return None
        name = f"{self._kind}.{channel}"
        if sealed is None:
            entry = await (await self._boxes()).get(name)
            sealed = entry.value.decode() if entry else None
        return self._opener.open(name, sealed) if sealed else None
