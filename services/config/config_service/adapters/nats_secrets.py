"""Sealed secrets in the KV bucket `postbus-secrets`."""

from collections.abc import Callable

from config_service.adapters.bus import KvBucket


class NatsSecrets:
    """`config_service.ports.Secrets`."""

    def __init__(self, bucket: Callable[[], KvBucket]) -> None:
        self._bucket = bucket

    async def kept(self, name: str) -> str | None:
        """The sealed secret, or None."""
        entry = await self._bucket().get(name)
        return entry.value.decode() if entry else None

    async def keep(self, name: str, sealed: str) -> None:
        """Write it over whatever is there; StateConflict when somebody else does, too."""
        before = await self._bucket().get(name)
        if before is None:
            await self._bucket().create(name, sealed.encode())
        else:
            await self._bucket().update(name, sealed.encode(), revision=before.revision)

    async def forget(self, name: str) -> None:
        """Delete it, if it is there."""
        before = await self._bucket().get(name)
        if before is not None:
            await self._bucket().delete(name, revision=before.revision)
