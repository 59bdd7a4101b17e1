"""What services say of channels, in the KV bucket `postbus-health`."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import structlog
from pydantic import ValidationError

from config_service.adapters.bus import KvBucket
from postbus.configuration.ports import KvEntry
from postbus.contracts.base import Contract
from postbus.contracts.mailboxes import CompletenessProof, KnownHealth

Model = TypeVar("Model", bound=Contract)
_DIRECTIONS = ("inbound.", "outbound.")
log = structlog.get_logger("config.health")


class NatsHealth:
    """`config_service.ports.Known`."""

    def __init__(self, bucket: Callable[[], KvBucket]) -> None:
        self._bucket = bucket

    async def health(self) -> Mapping[str, KnownHealth]:
        """By direction and channel; what cannot be read is left out."""
        entries = (await self._bucket().all()).values()
        read = {
            entry.key: _read(KnownHealth, entry)
            for entry in entries
            if entry.key.startswith(_DIRECTIONS)
        }
        return {key: known for key, known in read.items() if known is not None}

    async def proof(self, channel_id: str) -> CompletenessProof | None:
        """The last proof, or None."""
        entry = await self._bucket().get(f"proof.{channel_id}")
        return _read(CompletenessProof, entry) if entry else None


def _read(model: type[Model], entry: KvEntry) -> Model | None:
    try:
        return model.model_validate_json(entry.value)
    except ValidationError as error:
        log.warning("health_unreadable", key=entry.key, problems=error.error_count())
        return None
