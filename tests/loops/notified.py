"""A notification that cannot be delivered, to somebody at the desk whose mailbox is gone."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from motor.motor_asyncio import AsyncIOMotorClient
from prometheus_client import CollectorRegistry

from loops.adversaries import bounce_of
from loops.house import House, Sent
from loops.robot import SOON, Planned, Robot
from postbus.bus import Bus, BusSettings
from postbus.contracts.base import utc_now
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import Address
from postbus.contracts.sending import SendRequested
from postbus.tokens import Stamper, StampKind, read_keys
from servers.stack import LocalStack
from ticketing.adapters.mongo_filed import MongoFiled
from ticketing.domain.model import Ticket
from ticketing.domain.outgoing import SEND_REQUESTED, Letter, message_of, request_of

AGENT = "eve@desk.example"
_TENANT = "postbus"
"""The default of ticketing, which signs the name along."""


@dataclass
class BouncingAgent(Robot):
    """Bounces every notification; a customer's receipt arrives."""

    bounced: list[Sent] = field(default_factory=list)

    def ticket_is_there(self, house: House, number: int) -> None:
        asyncio.run(notify(house.stack, number))

    def answers(self, sent: Sent) -> Iterator[Planned]:
        if AGENT in sent.recipients:
            self.bounced.append(sent)
            yield SOON, bounce_of(sent, AGENT)


async def notify(stack: LocalStack, number: int) -> None:
    """Ask for a notification of a ticket in ticketing's name, as it does: kept first, then told."""
    keys = stack.home / "keys"
    settings = BusSettings(stack.endpoints["nats"], "ticketing", keys / "nats-ticketing.seed")
    bus = Bus(settings, CollectorRegistry())
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(stack.endpoints["mongodb"])
    await bus.connect()
    try:
        store = MongoFiled(client["postbus"])
        ticket = await store.ticket_by_number(number)
        assert ticket is not None
        request = _request(ticket, Stamper(_TENANT, read_keys(keys / "stamp.keys")))
        await store.put_messages([message_of(request, ticket.id)])
        await bus.tell(SEND_REQUESTED, ticket.queue, request, event_id=request.send_id)
    finally:
        await bus.stop()
        client.close()


def _request(ticket: Ticket, stamper: Stamper) -> SendRequested:
    now = utc_now()
    letter = Letter(
        send_id=f"notification-{ticket.id}",
        kind=SendKind.NOTIFICATION,
        to=(Address(name="Eve", address=AGENT),),
        text=f"Ticket #{ticket.number} is new.",
        stamp=stamper.stamp(
            ticket_number=ticket.number, kind=StampKind.NOTIFICATION, hop=0, at=now
        ),
        sender=Address(name=ticket.queue, address=f"{ticket.queue}@postbus.localhost"),
    )
    return request_of(letter, ticket, now=now)
