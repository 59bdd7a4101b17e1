"""What agents are to be told, and when they were, on MongoDB."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pymongo.errors import DuplicateKeyError

from postbus.errors import StateConflict
from ticketing.adapters.documents import (
    notice_of,
    pause_of,
    turn_document,
    turn_id,
    turn_of,
)
from ticketing.adapters.mongo_errors import mongo_errors
from ticketing.domain.notices import Lane, Notice, Pause, Turn

_MOST_OF_TICKETS = 1000
_MOST_TURNS = 10_000
_OLDEST_FIRST = [("happened.at", 1), ("_id", 1)]
_NEWEST_FIRST = [("happened.at", -1), ("_id", -1)]


class MongoNotices:
    """The port `Notices` on a MongoDB database."""

    def __init__(self, database: Any) -> None:
        self._notices = database["notices"]
        self._turns = database["turns"]
        self._pauses = database["pauses"]

    async def whose_turn(self) -> list[tuple[Lane, str]]:
        async with mongo_errors():
            waiting = await self._notices.distinct("turn", {"told_by": None})
            unfinished = self._turns.find({"unfinished.ticket_id": {"$exists": True}})
            begun = [one["_id"] for one in await unfinished.to_list(_MOST_TURNS)]
        return [_whose(one) for one in dict.fromkeys((*begun, *waiting))]

    async def turn(self, lane: Lane, agent: str) -> Turn:
        async with mongo_errors():
            found = await self._turns.find_one({"_id": turn_id(lane, agent)})
        return turn_of(found) if found else Turn(lane, agent)

    async def save_turn(self, turn: Turn) -> Turn:
        after = replace(turn, revision=turn.revision + 1)
        document, id_ = turn_document(after), turn_id(turn.lane, turn.agent)
        async with mongo_errors():
            try:
                if turn.revision == 0:
                    await self._turns.insert_one({**document, "_id": id_})
                    return after
                result = await self._turns.update_one(
                    {"_id": id_, "revision": turn.revision}, {"$set": document}
                )
            except DuplicateKeyError as error:
                raise StateConflict(f"{turn.agent} was notified meanwhile") from error
        if result.matched_count == 0:
            raise StateConflict(f"{turn.agent} was notified meanwhile")
        return after

    async def untold(self, lane: Lane, agent: str, *, limit: int) -> list[Notice]:
        wanted = {"told_by": None, "turn": turn_id(lane, agent)}
        async with mongo_errors():
            found = self._notices.find(wanted).sort(_OLDEST_FIRST).limit(limit)
            return [notice_of(one) for one in await found.to_list(limit)]

    async def mark_told(self, notice_ids: Sequence[str], told_by: str) -> None:
        wanted = {"_id": {"$in": list(notice_ids)}, "told_by": None}
        async with mongo_errors():
            await self._notices.update_many(wanted, {"$set": {"told_by": told_by}})

    async def of_tickets(self, ticket_ids: Sequence[str]) -> list[Notice]:
        wanted = {"happened.ticket_id": {"$in": list(ticket_ids)}}
        async with mongo_errors():
            found = self._notices.find(wanted).sort(_NEWEST_FIRST).limit(_MOST_OF_TICKETS)
            newest = await found.to_list(_MOST_OF_TICKETS)
        return [notice_of(one) for one in reversed(newest)]

    async def paused(self, address: str) -> Pause | None:
        async with mongo_errors():
            found = await self._pauses.find_one({"_id": address})
        return pause_of(found) if found else None

    async def resume(self, address: str) -> None:
        async with mongo_errors():
            await self._pauses.delete_one({"_id": address})


def _whose(id_: str) -> tuple[Lane, str]:
    lane, _, agent = id_.partition("|")
    return Lane(lane), agent
