"""A bus that keeps what it was told, with the stream's duplicate window."""

from dataclasses import dataclass, field
from typing import Any

from postbus.bus.topology import MAX_EVENT_BYTES
from postbus.contracts.catalogue import FACTS
from postbus.errors import BusUnavailable, PermanentError

_DATA: dict[str, Any] = {fact.type: fact.model.model_fields["data"].annotation for fact in FACTS}


@dataclass
class KeptBus:
    """Facts by id, in order; `away` makes it refuse."""

    told: dict[str, tuple[str, Any]] = field(default_factory=dict)
    asked: int = 0
    away: bool = False

    async def tell(
        self,
        event_type: str,
        last_token: str,
        data: bytes,
        *,
        event_id: str,
        about: str | None = None,
    ) -> None:
        del about
        self.asked += 1
        if self.away:
            raise BusUnavailable("away")
        if len(data) > MAX_EVENT_BYTES:
            raise PermanentError("too large")
        kept = _DATA[event_type].model_validate_json(data)
        self.told.setdefault(event_id, (f"{event_type}.{last_token}", kept))

    def subjects(self) -> list[str]:
        return [subject for subject, _ in self.told.values()]

    def of(self, subject: str) -> list[Any]:
        return [data for told, data in self.told.values() if told == subject]
