"""Where fetched mails lay, on MongoDB.

A collection of its own: mails that were never fetched cost nothing, and a folder's UIDs are a range
of the ids, read from the index of `_id` alone.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from pymongo.errors import DuplicateKeyError

from postbus.contracts.base import derived_id
from postbus.contracts.mail import MailReceived, Origin
from postbus.mail.uid_sets import Range, UidSet
from ticketing.adapters.mongo_errors import mongo_errors

_UID_DIGITS = 10
"""The largest UID is 2^32 - 1 (RFC 9051 §2.3.1.1); with leading zeros they sort as numbers."""
_READ_THROUGH = 1000
"""So many UIDs that nobody asked for are read along rather than asking once more."""


class MongoOrigins:
    """One document for each place where a mail lay."""

    def __init__(self, origins: Any) -> None:
        self._origins = origins

    async def note(self, mail: MailReceived, *, held: bool) -> None:
        """As `Filed.note_origin`."""
        origin = mail.route.origin
        if origin is None:
            return
        place = {"channel": mail.channel, **origin.model_dump()}
        key = _key_of(mail.channel, origin)
        changed = {"$set": {**place, "mail_id": mail.mail_id, "held": held}}
        async with mongo_errors():
            # Two deliveries at once: the other one wrote the same.
            with suppress(DuplicateKeyError):
                await self._origins.update_one({"_id": key}, changed, upsert=True)

    async def known(self, channel: str, folder: str, uidvalidity: int, uids: UidSet) -> UidSet:
        """As `Filed.uids_known`."""
        prefix, found = _prefix(channel, folder, uidvalidity), list[int]()
        async with mongo_errors():
            for first, last in _stretches(uids):
                wanted = {"_id": {"$gte": _key(prefix, first), "$lte": _key(prefix, last)}}
                lie_there = self._origins.find(wanted, {"_id": 1})
                for one in await lie_there.to_list(last - first + 1):
                    found.append(int(one["_id"][-_UID_DIGITS:]))
        return UidSet.of(found) & uids

    async def ids_known(self, channel: str, ids: Sequence[str]) -> frozenset[str]:
        """As `Filed.ids_known`."""
        by_key = {_id_key(channel, id_): id_ for id_ in ids}
        async with mongo_errors():
            lie_there = self._origins.find({"_id": {"$in": list(by_key)}}, {"_id": 1})
            found = await lie_there.to_list(len(by_key) or 1)
        return frozenset(by_key[one["_id"]] for one in found)


def _key_of(channel: str, origin: Origin) -> str:
    if origin.uid is None or origin.uidvalidity is None:
        return _id_key(channel, origin.provider_id or "")
    return _key(_prefix(channel, origin.folder, origin.uidvalidity), origin.uid)


def _id_key(channel: str, id_: str) -> str:
    """Of a mail that its server's own id names."""
    return derived_id("origin-id", channel, id_)


def _prefix(channel: str, folder: str, uidvalidity: int) -> str:
    """Of one length, whatever the folder is called."""
    return derived_id("origin", channel, folder, str(uidvalidity))


def _key(prefix: str, uid: int) -> str:
    return f"{prefix}:{uid:0{_UID_DIGITS}}"


def _stretches(uids: UidSet) -> Iterator[Range]:
    """The ranges, those that lie near one another as one."""
    begun: Range | None = None
    for first, last in uids.ranges:
        if begun is not None and first - begun[1] <= _READ_THROUGH:
            begun = (begun[0], last)
            continue
        if begun is not None:
            yield begun
        begun = (first, last)
    if begun is not None:
        yield begun
