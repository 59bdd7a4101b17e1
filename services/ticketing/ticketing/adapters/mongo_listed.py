"""Lists for the API on MongoDB."""

import re
from collections.abc import Sequence
from typing import Any

from ticketing.adapters.documents import message_of, ticket_of
from ticketing.adapters.mongo_errors import mongo_errors
from ticketing.domain.model import Message, Ticket
from ticketing.ports import Customer, OutgoingQuery, TicketQuery

_MOST_MESSAGES = 10_000


class MongoListed:
    """The port `Listed` on a MongoDB database."""

    def __init__(self, database: Any) -> None:
        self._tickets = database["tickets"]
        self._messages = database["messages"]
        self._customers = database["customers"]

    async def tickets(self, query: TicketQuery) -> list[Ticket]:
        async with mongo_errors():
            found = self._tickets.find(_filter(query)).sort("number", -1).limit(query.limit)
            return [ticket_of(document) for document in await found.to_list(query.limit)]

    async def messages(self, ticket_id: str) -> list[Message]:
        # A receipt has the time of the mail it answers: inbound comes before outbound.
        order = [("created_at", 1), ("direction", 1)]
        async with mongo_errors():
            wanted = {"ticket_id": ticket_id, "aside": {"$ne": True}}
            found = self._messages.find(wanted).sort(order)
            return [message_of(document) for document in await found.to_list(_MOST_MESSAGES)]

    async def messages_of_ids(self, ids: Sequence[str]) -> list[Message]:
        async with mongo_errors():
            found = self._messages.find({"_id": {"$in": list(ids)}})
            return [message_of(document) for document in await found.to_list(len(ids) or 1)]

    async def outgoing(self, query: OutgoingQuery) -> list[Message]:
        wanted: dict[str, Any] = {"delivery.state": query.state}
        if query.rule is not None:
            wanted["delivery.verdict.rule"] = query.rule
        if query.outbound is not None:
            wanted["delivery.outbound_channel"] = query.outbound
        async with mongo_errors():
            if query.after is not None:
                before = await self._messages.find_one({"_id": query.after})
                wanted |= _behind(before) if before is not None else {}
            order = [("created_at", -1), ("_id", -1)]
            found = self._messages.find(wanted).sort(order).limit(query.limit)
            return [message_of(document) for document in await found.to_list(query.limit)]

    async def customers(self, *, after: str | None, limit: int) -> list[Customer]:
        wanted = {"_id": {"$gt": after}} if after else {}
        async with mongo_errors():
            found = self._customers.find(wanted).sort("_id", 1).limit(limit)
            return [_customer(document) for document in await found.to_list(limit)]

    async def customer(self, customer_id: str) -> Customer | None:
        async with mongo_errors():
            found = await self._customers.find_one({"_id": customer_id})
        return _customer(found) if found else None

    async def attachment_type(self, sha256: str) -> tuple[str, str] | None:
        async with mongo_errors():
            found = await self._messages.find_one({"attachments.sha256": sha256})
        if found is None:
            return None
        attachment = next(a for a in found["attachments"] if a["sha256"] == sha256)
        return attachment["name"], attachment["content_type"]


def _behind(before: dict[str, Any]) -> dict[str, Any]:
    at = before["created_at"]
    same = {"created_at": at, "_id": {"$lt": before["_id"]}}
    return {"$or": [{"created_at": {"$lt": at}}, same]}


def _filter(query: TicketQuery) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    if query.queue:
        wanted["queue"] = query.queue
    if query.status:
        wanted["status"] = query.status
    if query.assignee:
        wanted["assignee"] = query.assignee
    if query.customer:
        wanted["customer.id"] = query.customer
    tags = {"$eq": query.tag, "$ne": query.without_tag}
    if any(tags.values()):
        wanted["tags"] = {operator: tag for operator, tag in tags.items() if tag}
    if query.before:
        wanted["number"] = {"$lt": query.before}
    if query.text:
        # A text index would do better on a real MongoDB; the local server has none (code 67).
        words = {"$regex": re.escape(query.text), "$options": "i"}
        fields = ("title", "description", "customer.name", "customer.address")
        wanted["$or"] = [{field: words} for field in fields]
        if query.text.lstrip("#").isdigit():
            wanted["$or"].append({"number": int(query.text.lstrip("#"))})
    return wanted


def _customer(document: dict[str, Any]) -> Customer:
    return Customer(
        id=document["_id"],
        name=document.get("name", ""),
        addresses=tuple(document["addresses"]),
        created_at=document["created_at"],
    )
