"""Customers, as filing meets them, on MongoDB."""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any

from pymongo.errors import DuplicateKeyError

from postbus.contracts.base import derived_id
from postbus.contracts.mail import Address
from postbus.contracts.tickets import CustomerRef
from postbus.errors import StateConflict
from postbus.mail.addresses import normalise
from ticketing.adapters.mongo_errors import mongo_errors

_KNOWN_FOR = timedelta(minutes=1)
_MOST_KNOWN = 5_000


class MongoCustomers:
    """Meets customers; one whom this process wrote under that name a moment ago is not written."""

    def __init__(self, customers: Any) -> None:
        self._customers = customers
        self._written: OrderedDict[str, tuple[str, datetime]] = OrderedDict()

    async def meet(
        self, address: Address, *, now: datetime, from_history: bool = False
    ) -> CustomerRef:
        """As `Filed.meet_customer`."""
        known_as = normalise(address.address)
        customer_id = derived_id("customer", known_as)
        if from_history:
            await self._write_if_new(customer_id, known_as, name=address.name, now=now)
        elif not self._is_known(customer_id, address.name, now):
            await self._write(customer_id, known_as, name=address.name, now=now)
            self._remember(customer_id, address.name, now)
        return CustomerRef(id=customer_id, name=address.name, address=address.address)

    async def _write(self, customer_id: str, known_as: str, *, name: str, now: datetime) -> None:
        fresh = {"addresses": [known_as], "created_at": now}
        changed: dict[str, Any] = {"$setOnInsert": fresh}
        # The newest name that a mail gave; a mail without one takes nothing away.
        (changed.setdefault("$set", {}) if name else fresh)["name"] = name
        await self._upsert(customer_id, changed)

    async def _write_if_new(
        self, customer_id: str, known_as: str, *, name: str, now: datetime
    ) -> None:
        # What they were called years ago replaces no name of today, so nothing is remembered here.
        fresh = {"addresses": [known_as], "created_at": now, "name": name}
        await self._upsert(customer_id, {"$setOnInsert": fresh})

    async def _upsert(self, customer_id: str, changed: dict[str, Any]) -> None:
        async with mongo_errors():
            try:
                await self._customers.update_one({"_id": customer_id}, changed, upsert=True)
            except DuplicateKeyError as error:
                raise StateConflict("two mails of a new customer at once") from error

    def _is_known(self, customer_id: str, name: str, now: datetime) -> bool:
        written_name, at = self._written.get(customer_id, ("", None))
        if at is None or not timedelta(0) <= now - at < _KNOWN_FOR:
            return False
        return name in ("", written_name)

    def _remember(self, customer_id: str, name: str, now: datetime) -> None:
        self._written[customer_id] = (name, now)
        self._written.move_to_end(customer_id)
        while len(self._written) > _MOST_KNOWN:
            self._written.popitem(last=False)
