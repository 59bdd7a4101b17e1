"""Verdicts as the stream of sending keeps them."""

from collections.abc import AsyncIterator
from datetime import datetime

from pydantic import ValidationError

from postbus.bus import Bus
from postbus.bus.topology import SENDING
from postbus.contracts.guard import Judged, JudgedEvent

_SUBJECT = "postbus.send.judged.>"


class NatsRecorded:
    """The port `Recorded`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def since(self, moment: datetime) -> AsyncIterator[Judged]:
        """Read from the first one that was stored then."""
        async for stored in self._bus.stored(SENDING, _SUBJECT, since=moment):
            try:
                yield JudgedEvent.model_validate_json(stored.body).data
            except ValidationError:
                continue  # of a version that asked otherwise: it cannot be judged again
