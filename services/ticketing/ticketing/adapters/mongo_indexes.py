"""Every look-up of ticketing has an index; a test asks the planner for each."""

from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from ticketing.adapters.mongo_errors import mongo_errors

INDEXES: dict[str, list[IndexModel]] = {
    "tickets": [
        IndexModel([("number", DESCENDING)], name="number", unique=True),
        IndexModel([("queue", ASCENDING), ("number", DESCENDING)], name="queue"),
        IndexModel([("status", ASCENDING), ("number", DESCENDING)], name="status"),
        IndexModel([("assignee", ASCENDING), ("number", DESCENDING)], name="assignee"),
        IndexModel([("customer.id", ASCENDING), ("number", DESCENDING)], name="customer"),
        IndexModel([("tags", ASCENDING), ("number", DESCENDING)], name="tag"),
        IndexModel([("untold.at", ASCENDING)], name="untold"),
    ],
    "messages": [
        IndexModel(
            [("ticket_id", ASCENDING), ("created_at", ASCENDING), ("direction", ASCENDING)],
            name="ticket",
        ),
        IndexModel([("attachments.sha256", ASCENDING)], name="attachment"),
        IndexModel([("delivery.state", ASCENDING), ("created_at", DESCENDING)], name="delivery"),
    ],
    "notices": [
        IndexModel(
            [("told_by", ASCENDING), ("turn", ASCENDING), ("happened.at", ASCENDING)],
            name="untold",
        ),
        IndexModel([("happened.ticket_id", ASCENDING)], name="ticket"),
    ],
    "turns": [
        IndexModel([("unfinished.ticket_id", ASCENDING)], name="unfinished"),
    ],
    "customers": [
        IndexModel([("addresses", ASCENDING)], name="address", unique=True),
    ],
}


async def ensure_indexes(database: Any) -> None:
    """Make the indexes and the ticket counter that are missing; StoreUnavailable."""
    async with mongo_errors():
        # Here and not with the first number: two upserts at once may collide.
        start = {"$setOnInsert": {"last": 0}}
        await database["counters"].update_one({"_id": "ticket"}, start, upsert=True)
        for collection, indexes in INDEXES.items():
            await database[collection].create_indexes(indexes)
