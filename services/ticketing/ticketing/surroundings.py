"""What the handlers and the API of ticketing have around them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from postbus.configuration import Configuration, NoOutbound
from postbus.configuration.snapshot import RELAY_ID
from postbus.contracts.tickets import QueueRef
from postbus.tokens import Stamper
from ticketing.domain.model import Fact, Ticket
from ticketing.ports import Filed, LanguageOf, ReceiptFailed, Tell
from ticketing.telling import Telling

_UNKNOWN_COLOUR = "#6b7280"


@dataclass(frozen=True)
class Surroundings:
    """The store, the bus, the configuration of the moment, stamps, the clock, and languages."""

    store: Filed
    telling: Telling
    configuration: Callable[[], Configuration]
    stamper: Stamper
    now: Callable[[], datetime]
    language_of: LanguageOf
    receipt_failed: ReceiptFailed

    @property
    def bus(self) -> Tell:
        """For facts that are about no ticket."""
        return self.telling.bus

    def queue(self, queue_id: str) -> QueueRef:
        """The queue as people see it; one that was deleted keeps its id."""
        channel = self.configuration().inbound(queue_id)
        if channel is None:
            return QueueRef(id=queue_id, name=queue_id, colour=_UNKNOWN_COLOUR)
        return QueueRef(id=queue_id, name=channel.name, colour=channel.colour)

    def is_own(self, address: str) -> bool:
        """Whether mail to that address comes to us, with a stamp in it or without."""
        return self.configuration().channel_of_address(address) is not None

    def reply_via(self, ticket: Ticket) -> str:
        """The outbound channel that answers of the ticket leave by."""
        found = self.configuration().reply_via(ticket.channel)
        if isinstance(found, NoOutbound):
            inbound = self.configuration().inbound(ticket.channel)
            return inbound.reply_via or RELAY_ID if inbound else RELAY_ID
        return found.id

    async def save_counted(self, before: Ticket, after: Ticket, facts: Sequence[Fact]) -> Ticket:
        """Write a ticket that counted one more message than `before`; StateConflict if it moved on.

        A message is marked before its ticket forgets it, so one of the two always knows.
        """
        if before.forgets_next is not None:
            await self.store.mark_filed(before.forgets_next)
        return await self.store.save(after, facts)
