"""Takes facts as a stream does: validated, bounded, each id once."""

from dataclasses import dataclass, field

from postbus.bus.topology import MAX_EVENT_BYTES
from postbus.contracts.base import Contract
from postbus.errors import BusUnavailable, PermanentError


@dataclass(frozen=True)
class Fact:
    """A fact as the stream has it."""

    type: str
    last_token: str
    data: Contract
    event_id: str
    about: str | None


@dataclass
class MemoryFacts:
    """`away` takes nothing; `deaf` takes the fact and loses the acknowledgement."""

    away: bool = False
    deaf: bool = False
    told: list[Fact] = field(default_factory=list)

    async def tell(
        self,
        event_type: str,
        last_token: str,
        data: Contract,
        *,
        event_id: str,
        about: str | None = None,
    ) -> None:
        if self.away:
            raise BusUnavailable("away")
        body = data.model_dump_json(by_alias=True)
        if len(body.encode()) > MAX_EVENT_BYTES:
            raise PermanentError("too large")
        if all(fact.event_id != event_id for fact in self.told):
            copy = type(data).model_validate_json(body)
            self.told.append(Fact(event_type, last_token, copy, event_id, about))
        if self.deaf:
            raise BusUnavailable("no acknowledgement")
