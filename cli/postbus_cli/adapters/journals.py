"""How far imports came, in the KV bucket of cursors."""

from postbus.bus.buckets import Bucket
from postbus.errors import StateConflict
from postbus_cli.domain.importing import Journal, journal_key
from postbus_cli.exits import Cannot


class Journals:
    """One journal; whoever writes it beside us is noticed. BusUnavailable from every call."""

    def __init__(self, bucket: Bucket, source: str, queue: str) -> None:
        self._bucket = bucket
        self._key = journal_key(source, queue)
        self._revision = 0

    async def read(self) -> Journal | None:
        """As the last run left it; None where there was none."""
        entry = await self._bucket.get(self._key)
        if entry is None:
            return None
        self._revision = entry.revision
        return Journal.model_validate_json(entry.value)

    async def write(self, journal: Journal) -> None:
        """Keep it; Cannot when another run of the same import keeps it, too."""
        value = journal.model_dump_json().encode()
        try:
            if self._revision:
                self._revision = await self._bucket.update(
                    self._key, value, revision=self._revision
                )
            else:
                self._revision = await self._bucket.create(self._key, value)
        except StateConflict as error:
            raise Cannot("this import runs already, somewhere else") from error
