"""What ticketing needs of the world, in its own words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from postbus.contracts.mail import Address, MailReceived
from postbus.contracts.sending import SendDecision, SendState
from postbus.contracts.tickets import CustomerRef
from postbus.mail.uid_sets import UidSet
from ticketing.domain.model import Delivery, Fact, Message, Ticket
from ticketing.domain.notices import Lane, Notice, Pause, Turn
from ticketing.domain.placing import Claim


@dataclass(frozen=True)
class Customer:
    """Somebody who writes to us."""

    id: str
    name: str
    addresses: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True)
class TicketQuery:
    """Which tickets to list; `before` is the number to go on below."""

    queue: str | None = None
    status: str | None = None
    assignee: str | None = None
    customer: str | None = None
    text: str | None = None
    before: int | None = None
    limit: int = 50
    tag: str | None = None
    without_tag: str | None = None


@dataclass(frozen=True)
class OutgoingQuery:
    """Which outgoing mail to list; `after` is the id of the message that the page before ended.

    `rule` is that of the loop guard which decided, or `filter`; `outbound` the channel to leave by.
    """

    state: SendState
    after: str | None = None
    limit: int = 50
    rule: str | None = None
    outbound: str | None = None


class Filed(Protocol):
    """Tickets and messages as filing and answering need them.

    Every method may raise StoreUnavailable. A write returns only when it is on disk.
    """

    async def ticket(self, ticket_id: str) -> Ticket | None:
        """The ticket of that id."""

    async def tickets(self, ticket_ids: Sequence[str]) -> list[Ticket]:
        """Those of these tickets that are there."""

    async def ticket_by_number(self, number: int) -> Ticket | None:
        """The ticket of that number."""

    async def next_number(self) -> int:
        """A ticket number never given before; a crash may leave a gap."""

    async def open(self, ticket: Ticket, facts: Sequence[Fact]) -> None:
        """Write a new ticket with its untold facts, at once; StateConflict if it is there."""

    async def save(self, ticket: Ticket, facts: Sequence[Fact]) -> Ticket:
        """Write a changed ticket and add untold facts, at once; StateConflict if it moved on."""

    async def told(self, told: Mapping[str, Sequence[str]]) -> None:
        """Forget facts that the stream has: ids of events by the id of their ticket."""

    async def with_untold(self, *, before: datetime, limit: int) -> list[Ticket]:
        """Tickets with facts older than `before` that were not told."""

    async def claims(self, keys: Sequence[str]) -> Mapping[str, Claim]:
        """Which ticket each key is claimed for; unclaimed keys are left out."""

    async def claim_first(self, key: str, ticket_id: str, *, now: datetime) -> bool:
        """Claim a key; False, and nothing changed, where it was claimed before by whomever."""

    async def claim(self, keys: Sequence[str], ticket_id: str, *, now: datetime) -> None:
        """Claim keys for a ticket; StateConflict if another ticket got one first."""

    async def move_claims(self, keys: Sequence[str], *, old: str, new: str) -> None:
        """Give the keys that are still claimed for `old` to `new`."""

    async def message(self, message_id: str) -> Message | None:
        """The message of that id."""

    async def put_message(self, message: Message) -> Message:
        """Write a message unless it is there; gives back the one that is there now."""

    async def put_messages(self, messages: Sequence[Message]) -> bool:
        """Write those that are not there, at once; True where none of them was."""

    async def settle_message(self, message: Message) -> None:
        """Write an outgoing message; one under another Message-ID (RFC 5322 §3.6.4) is replaced."""

    async def mark_filed(self, message_id: str) -> None:
        """Note on the message that its ticket has counted it."""

    async def take_over(self, young: Ticket, elder_id: str) -> None:
        """Give the messages that the younger ticket counted to the elder one, as filed there."""

    async def put_reading(self, message: Message) -> None:
        """Show a filed mail as it was read again; a newer reading stays as it is."""

    async def last_inbound(self, ticket_id: str) -> Message | None:
        """The newest mail of a person who has a part in the ticket."""

    async def conversation(self, ticket_id: str, *, limit: int) -> list[Message]:
        """What people wrote to each other, the newest first: no notes, no automatic mail.

        Nor mail of strangers, and of ours only what was sent.
        """

    async def newest_of(self, customer_id: str, *, limit: int) -> list[Ticket]:
        """The newest tickets of a customer."""

    async def opened_since(self, customer_id: str, *, since: datetime, at_least: int) -> bool:
        """Whether the customer has so many tickets that were opened from then on."""

    async def count_inbound(self, ticket_ids: Sequence[str], *, since: datetime) -> int:
        """How many mails came in on these tickets from then on."""

    async def outbound(
        self, ticket_id: str, *, message_ids: Sequence[str] | None = None
    ) -> list[Message]:
        """The newest fifty outgoing messages of a ticket; with ids, those of them."""

    async def first_delivery(self, message_id: str, delivery: Delivery) -> bool:
        """Set the delivery of a message that was only requested; False where there is none."""

    async def set_delivery(self, message: Message, delivery: Delivery) -> None:
        """Change the delivery of a message as it was read; StateConflict if it moved on."""

    async def note_decision(self, message_id: str, decision: SendDecision) -> None:
        """Add a decision to those of a message, unless it is there."""

    async def keep_notices(self, notices: Sequence[Notice]) -> None:
        """Write notices for agents; those that are there stay as they are."""

    async def pause_notifications(self, pause: Pause) -> None:
        """Send no more notifications to an address; one that is paused stays as it is."""

    async def meet_customer(
        self, address: Address, *, now: datetime, from_history: bool = False
    ) -> CustomerRef:
        """The customer with that address, made if new; under the newest name that they gave.

        A name out of an imported mail is taken for a new customer only.
        """

    async def note_origin(self, mail: MailReceived, *, held: bool) -> None:
        """Remember where a fetched mail lay, once it is filed or held; again changes nothing."""

    async def uids_known(self, channel: str, folder: str, uidvalidity: int, uids: UidSet) -> UidSet:
        """Those of the UIDs whose mail was noted."""

    async def ids_known(self, channel: str, ids: Sequence[str]) -> frozenset[str]:
        """Those of the ids, which a server of the mailbox gave, whose mail was noted."""


class Notices(Protocol):
    """What agents are to be told, and when they were. Raises StoreUnavailable."""

    async def whose_turn(self) -> list[tuple[Lane, str]]:
        """Lanes and agents with something that is not told yet, or not told to its end."""

    async def turn(self, lane: Lane, agent: str) -> Turn:
        """When the agent was notified lately; a new one where she never was."""

    async def save_turn(self, turn: Turn) -> Turn:
        """Write a changed turn; StateConflict if it moved on."""

    async def untold(self, lane: Lane, agent: str, *, limit: int) -> list[Notice]:
        """What the agent is to be told, oldest first."""

    async def mark_told(self, notice_ids: Sequence[str], told_by: str) -> None:
        """Note which mail told them, or that nothing has to; those that were told stay so."""

    async def of_tickets(self, ticket_ids: Sequence[str]) -> list[Notice]:
        """The newest thousand notices about these tickets, oldest first."""

    async def paused(self, address: str) -> Pause | None:
        """Why a normalised address gets no notifications, if it gets none."""

    async def resume(self, address: str) -> None:
        """Let a normalised address have notifications again."""


class Listed(Protocol):
    """Tickets, messages and customers as the API lists them. Raises StoreUnavailable."""

    async def tickets(self, query: TicketQuery) -> list[Ticket]:
        """Newest first, at most `limit`."""

    async def messages(self, ticket_id: str) -> list[Message]:
        """The conversation of a ticket, oldest first: all messages but what is aside."""

    async def messages_of_ids(self, ids: Sequence[str]) -> list[Message]:
        """Those of these messages that are there."""

    async def outgoing(self, query: OutgoingQuery) -> list[Message]:
        """Outgoing messages of all tickets in that state, newest first, at most `limit`."""

    async def customers(self, *, after: str | None, limit: int) -> list[Customer]:
        """Customers by id."""

    async def customer(self, customer_id: str) -> Customer | None:
        """The customer of that id."""

    async def attachment_type(self, sha256: str) -> tuple[str, str] | None:
        """Name and media type under which a message has these bytes."""


class Tell(Protocol):
    """The bus, as far as ticketing tells facts."""

    async def tell(
        self,
        event_type: str,
        last_token: str,
        data: bytes,
        *,
        event_id: str,
        about: str | None = None,
    ) -> None:
        """Publish data that is JSON already, and wait for the stream; BusUnavailable."""


LanguageOf = Callable[[str], str | None]
"""The language of somebody's own words (ISO 639-1); None where it is not sure.

It follows from the words alone, so it is the same whenever it is asked.
"""

ReceiptFailed = Callable[[str, str], None]
"""Hears that the texts of a queue failed and a receipt has those of Postbus: queue, and why."""
