"""Filing and answering on MongoDB.

Only calls that mean the same in motor and in PyMongo's asynchronous client are made, so that the
driver is one line of `app.py`. `find_one_and_update` is used for the ticket counter alone, which is
one document; elsewhere a filtered `update_one` does.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from postbus.contracts.mail import Address, MailReceived
from postbus.contracts.sending import SendDecision, SendState
from postbus.contracts.tickets import CustomerRef, MessageFlag
from postbus.errors import StateConflict
from postbus.mail.uid_sets import UidSet
from ticketing.adapters.documents import (
    Document,
    delivery_document,
    fact_document,
    message_document,
    message_of,
    notice_document,
    pause_document,
    ticket_document,
    ticket_of,
)
from ticketing.adapters.mongo_customers import MongoCustomers
from ticketing.adapters.mongo_errors import mongo_errors
from ticketing.adapters.mongo_origins import MongoOrigins
from ticketing.domain.model import Delivery, Direction, Fact, Message, Ticket
from ticketing.domain.notices import Notice, Pause
from ticketing.domain.placing import Claim
from ticketing.domain.rereading import READ_AGAIN

_DUPLICATE_KEY = 11000
_MOST_OUTBOUND = 50


class MongoFiled:
    """The port `Filed` on a MongoDB database (of motor or of PyMongo's asynchronous client)."""

    def __init__(self, database: Any) -> None:
        self._tickets = database["tickets"]
        self._messages = database["messages"]
        self._claims = database["thread_ids"]
        self._customers = MongoCustomers(database["customers"])
        self._origins = MongoOrigins(database["origins"])
        self._notices = database["notices"]
        self._pauses = database["pauses"]
        self._counters = database["counters"]

    async def ticket(self, ticket_id: str) -> Ticket | None:
        async with mongo_errors():
            found = await self._tickets.find_one({"_id": ticket_id})
        return ticket_of(found) if found else None

    async def tickets(self, ticket_ids: Sequence[str]) -> list[Ticket]:
        if not ticket_ids:
            return []
        async with mongo_errors():
            found = self._tickets.find({"_id": {"$in": list(ticket_ids)}})
            return [ticket_of(one) for one in await found.to_list(len(ticket_ids))]

    async def ticket_by_number(self, number: int) -> Ticket | None:
        async with mongo_errors():
            found = await self._tickets.find_one({"number": number})
        return ticket_of(found) if found else None

    async def next_number(self) -> int:
        async with mongo_errors():
            counter = await self._counters.find_one_and_update(
                {"_id": "ticket"},
                {"$inc": {"last": 1}},
                return_document=ReturnDocument.AFTER,
            )
        return int(counter["last"])

    async def open(self, ticket: Ticket, facts: Sequence[Fact]) -> None:
        document = ticket_document(ticket)
        document["untold"] = [fact_document(fact) for fact in facts]
        async with mongo_errors():
            try:
                await self._tickets.insert_one(document)
            except DuplicateKeyError as error:
                raise StateConflict(f"ticket {ticket.number} was opened meanwhile") from error

    async def save(self, ticket: Ticket, facts: Sequence[Fact]) -> Ticket:
        after = replace(ticket, revision=ticket.revision + 1)
        document = ticket_document(after)
        changed: dict[str, Any] = {
            "$set": {key: value for key, value in document.items() if key != "_id"}
        }
        if facts:
            changed["$push"] = {"untold": {"$each": [fact_document(fact) for fact in facts]}}
        async with mongo_errors():
            result = await self._tickets.update_one(
                {"_id": ticket.id, "revision": ticket.revision}, changed
            )
        if result.matched_count == 0:
            raise StateConflict(f"ticket {ticket.number} moved on")
        return after

    async def told(self, told: Mapping[str, Sequence[str]]) -> None:
        changes = [
            UpdateOne({"_id": id_}, {"$pull": {"untold": {"event_id": {"$in": list(event_ids)}}}})
            for id_, event_ids in told.items()
        ]
        async with mongo_errors():
            await self._tickets.bulk_write(changes, ordered=False)

    async def with_untold(self, *, before: datetime, limit: int) -> list[Ticket]:
        async with mongo_errors():
            found = self._tickets.find({"untold.at": {"$lt": before}}).limit(limit)
            return [ticket_of(document) for document in await found.to_list(limit)]

    async def claims(self, keys: Sequence[str]) -> Mapping[str, Claim]:
        if not keys:
            return {}
        async with mongo_errors():
            found = await self._claims.find({"_id": {"$in": list(keys)}}).to_list(len(keys))
        return {one["_id"]: Claim(one["ticket"], one["at"]) for one in found}

    async def claim_first(self, key: str, ticket_id: str, *, now: datetime) -> bool:
        async with mongo_errors():
            try:
                await self._claims.insert_one({"_id": key, "ticket": ticket_id, "at": now})
            except DuplicateKeyError:
                return False
        return True

    async def claim(self, keys: Sequence[str], ticket_id: str, *, now: datetime) -> None:
        documents = [{"_id": key, "ticket": ticket_id, "at": now} for key in keys]
        if await _insert_new(self._claims, documents):
            return
        won = await self.claims(keys)
        if any(key not in won or won[key].ticket_id != ticket_id for key in keys):
            raise StateConflict("another ticket claimed one of these ids first")

    async def move_claims(self, keys: Sequence[str], *, old: str, new: str) -> None:
        async with mongo_errors():
            await self._claims.update_many(
                {"_id": {"$in": list(keys)}, "ticket": old}, {"$set": {"ticket": new}}
            )

    async def message(self, message_id: str) -> Message | None:
        async with mongo_errors():
            found = await self._messages.find_one({"_id": message_id})
        return message_of(found) if found else None

    async def put_message(self, message: Message) -> Message:
        async with mongo_errors():
            try:
                await self._messages.insert_one(message_document(message))
            except DuplicateKeyError:
                there = await self._messages.find_one({"_id": message.id})
                return message_of(there)
        return message

    async def put_messages(self, messages: Sequence[Message]) -> bool:
        return await _insert_new(self._messages, [message_document(one) for one in messages])

    async def settle_message(self, message: Message) -> None:
        content = message_document(message)
        other = {"_id": content.pop("_id"), "message_id": {"$ne": message.message_id}}
        # What ticketing notes on a message does not follow from the request to send it.
        for own in ("request_digest", "filed"):
            del content[own]
        async with mongo_errors():
            # Upserting finds no other and meets the right one: there is nothing to do.
            with suppress(DuplicateKeyError):
                await self._messages.update_one(other, {"$set": content}, upsert=True)

    async def mark_filed(self, message_id: str) -> None:
        async with mongo_errors():
            await self._messages.update_one({"_id": message_id}, {"$set": {"filed": True}})

    async def take_over(self, young: Ticket, elder_id: str) -> None:
        remembered = {"_id": {"$in": [young.first_message, *young.recent]}}
        counted = {"ticket_id": young.id, "filed": True}
        async with mongo_errors():
            await self._messages.update_many(remembered, {"$set": {"filed": True}})
            await self._messages.update_many(counted, {"$set": {"ticket_id": elder_id}})

    async def put_reading(self, message: Message) -> None:
        document = message_document(message)
        older = [{"reread_at": None}, {"reread_at": {"$lte": message.reread_at}}]
        async with mongo_errors():
            await self._messages.update_one(
                {"_id": message.id, "$or": older},
                {"$set": {name: document[name] for name in READ_AGAIN}},
            )

    async def last_inbound(self, ticket_id: str) -> Message | None:
        wanted = {
            "ticket_id": ticket_id,
            "direction": Direction.INBOUND,
            "automatic": False,
            "flags": {"$ne": MessageFlag.STRANGER},
        }
        async with mongo_errors():
            found = await self._messages.find(wanted).sort("created_at", -1).limit(1).to_list(1)
        return message_of(found[0]) if found else None

    async def conversation(self, ticket_id: str, *, limit: int) -> list[Message]:
        theirs = {"direction": Direction.INBOUND, "flags": {"$ne": MessageFlag.STRANGER}}
        ours = {"direction": Direction.OUTBOUND, "delivery.state": SendState.SENT}
        wanted = {"ticket_id": ticket_id, "automatic": False, "$or": [theirs, ours]}
        async with mongo_errors():
            found = self._messages.find(wanted).sort("created_at", -1).limit(limit)
            return [message_of(one) for one in await found.to_list(limit)]

    async def newest_of(self, customer_id: str, *, limit: int) -> list[Ticket]:
        async with mongo_errors():
            found = self._tickets.find({"customer.id": customer_id}).sort("number", -1).limit(limit)
            return [ticket_of(one) for one in await found.to_list(limit)]

    async def opened_since(self, customer_id: str, *, since: datetime, at_least: int) -> bool:
        # The one that so many came after tells it, however many tickets the customer has.
        async with mongo_errors():
            found = self._tickets.find({"customer.id": customer_id}, {"created_at": 1})
            oldest = await found.sort("number", -1).skip(at_least - 1).limit(1).to_list(1)
        return bool(oldest) and bool(oldest[0]["created_at"] >= since)

    async def count_inbound(self, ticket_ids: Sequence[str], *, since: datetime) -> int:
        wanted = {
            "ticket_id": {"$in": list(ticket_ids)},
            "created_at": {"$gte": since},
            "direction": Direction.INBOUND,
        }
        async with mongo_errors():
            return int(await self._messages.count_documents(wanted))

    async def outbound(
        self, ticket_id: str, *, message_ids: Sequence[str] | None = None
    ) -> list[Message]:
        wanted: dict[str, Any] = {"ticket_id": ticket_id, "direction": Direction.OUTBOUND}
        if message_ids is not None:
            wanted["message_id"] = {"$in": list(message_ids)}
        async with mongo_errors():
            found = self._messages.find(wanted).sort("created_at", -1).limit(_MOST_OUTBOUND)
            return [message_of(one) for one in await found.to_list(_MOST_OUTBOUND)]

    async def first_delivery(self, message_id: str, delivery: Delivery) -> bool:
        requested = {
            "_id": message_id,
            "delivery.state": SendState.REQUESTED,
            "delivery.reports.0": {"$exists": False},
        }
        async with mongo_errors():
            result = await self._messages.update_one(
                requested, {"$set": {"delivery": delivery_document(delivery)}}
            )
        return bool(result.matched_count)

    async def set_delivery(self, message: Message, delivery: Delivery) -> None:
        read = message.delivery
        expected = {
            "_id": message.id,
            "delivery.state": read.state if read else None,
            "delivery.at": read.at if read else None,
            f"delivery.reports.{len(read.reports) if read else 0}": {"$exists": False},
            f"delivery.decisions.{len(read.decisions) if read else 0}": {"$exists": False},
        }
        async with mongo_errors():
            result = await self._messages.update_one(
                expected, {"$set": {"delivery": delivery_document(delivery)}}
            )
        if result.matched_count == 0:
            raise StateConflict(f"delivery of {message.id} moved on")

    async def note_decision(self, message_id: str, decision: SendDecision) -> None:
        before = {
            "_id": message_id,
            f"delivery.decisions.{decision.number - 1}": {"$exists": False},
        }
        pushed = {"$push": {"delivery.decisions": decision.model_dump()}}
        async with mongo_errors():
            await self._messages.update_one(before, pushed)

    async def meet_customer(
        self, address: Address, *, now: datetime, from_history: bool = False
    ) -> CustomerRef:
        return await self._customers.meet(address, now=now, from_history=from_history)

    async def keep_notices(self, notices: Sequence[Notice]) -> None:
        await _insert_new(self._notices, [notice_document(one) for one in notices])

    async def pause_notifications(self, pause: Pause) -> None:
        async with mongo_errors():
            with suppress(DuplicateKeyError):
                await self._pauses.insert_one({**pause_document(pause), "_id": pause.address})

    async def note_origin(self, mail: MailReceived, *, held: bool) -> None:
        await self._origins.note(mail, held=held)

    async def uids_known(self, channel: str, folder: str, uidvalidity: int, uids: UidSet) -> UidSet:
        return await self._origins.known(channel, folder, uidvalidity, uids)

    async def ids_known(self, channel: str, ids: Sequence[str]) -> frozenset[str]:
        return await self._origins.ids_known(channel, ids)


async def _insert_new(collection: Any, documents: Sequence[Document]) -> bool:
    """Insert the documents that are not there; True where none of them was."""
    async with mongo_errors():
        try:
            await collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            if any(one["code"] != _DUPLICATE_KEY for one in error.details["writeErrors"]):
                raise
            return False
    return True
