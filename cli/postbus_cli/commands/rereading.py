"""Reads mails of the archive again and, when asked to, tells the new readings."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from postbus.bus import Bus
from postbus.bus.topology import MAX_EVENT_BYTES
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mail import MailHeld, MailReceived
from postbus.errors import BlobMissing, PermanentError
from postbus.intake import As, Blobs, keep
from postbus.reading import MailReader
from postbus.tokens import Stamper, read_keys
from postbus_cli.adapters.archive import Archive
from postbus_cli.adapters.connected import Connected
from postbus_cli.domain import rereading
from postbus_cli.domain.choosing import Entry
from postbus_cli.domain.differences import differences
from postbus_cli.domain.readings import Outcome, Reading
from postbus_cli.exits import Cannot


class Rereader:
    """Makes readings of entries; BusUnavailable and StoreUnavailable end it."""

    def __init__(
        self, around: Connected, reader: MailReader, facts: rereading.Rereading, *, at_once: int
    ) -> None:
        self._around = around
        self._archive = Archive(around.bus)
        self._reader = reader
        self._facts = facts
        self._at_once = at_once

    async def read(self, entries: Iterable[Entry], blobs: Blobs) -> AsyncIterator[Reading]:
        """The readings in the order of the entries, some made at a time.

        What their facts refer to is kept in `blobs`.
        """
        under_way: deque[asyncio.Task[Reading]] = deque()
        try:
            for entry in entries:
                under_way.append(asyncio.create_task(self._read(entry, blobs)))
                if len(under_way) >= self._at_once:
                    yield await under_way.popleft()
            while under_way:
                yield await under_way.popleft()
        finally:
            for task in under_way:
                task.cancel()

    async def _read(self, entry: Entry, blobs: Blobs) -> Reading:
        try:
            told = await self._archive.fact(entry)
            channel = self._around.configuration.inbound(told.channel)
            if channel is None:
                return Reading(entry, Outcome.CHANNEL_GONE, told.channel)
            return await self._reading(entry, told, channel, blobs=blobs)
        except BlobMissing as error:
            return Reading(entry, Outcome.RAW_MISSING, str(error))
        except PermanentError as error:
            return Reading(entry, Outcome.UNREADABLE, str(error))

    async def _reading(
        self, entry: Entry, told: MailReceived | MailHeld, channel: InboundChannel, *, blobs: Blobs
    ) -> Reading:
        raw = await self._around.blobs.get(told.raw.sha256)
        taken = await keep(await self._reader.read(raw), raw, told.raw, blobs=blobs)
        if isinstance(told, MailHeld):
            fact = self._facts.first(told, taken, channel)
            reading = Reading(entry, Outcome.NEW, fact.subject, fact=fact, held=told)
        else:
            fact = self._facts.again(told, taken, channel)
            found = differences(told, fact)
            outcome = Outcome.DIFFERS if found else Outcome.UNCHANGED
            reading = Reading(entry, outcome, differences=found, fact=fact)
        if not rereading.fits(fact, MAX_EVENT_BYTES):
            detail = "what is read does not fit into an event"
            return replace(reading, outcome=Outcome.UNREADABLE, detail=detail, differences=())
        return reading


async def tell(bus: Bus, reading: Reading, now: datetime) -> bool:
    """Tell a reading, and whether there was something to tell. BusUnavailable.

    A held mail is told as received first, so that a crash in between leaves it held, to be told
    again under the same id.
    """
    fact, held = reading.fact, reading.held
    if fact is None or reading.outcome not in (Outcome.DIFFERS, Outcome.NEW):
        return False
    about = f"mails/{fact.mail_id}"
    # What comes from before is told as that again, or else it would get a receipt.
    if held is None:
        told_as = As.IMPORTED if reading.entry.is_imported else As.RECEIVED
        event_id = rereading.id_of_again(fact, reading.entry)
        again = rereading.marked(fact, now)
        await bus.tell(told_as, fact.channel, again, event_id=event_id, about=about)
        return True
    told_as = As.IMPORTED if held.imported else As.RECEIVED
    event_id = rereading.id_of_first(fact, told_as)
    await bus.tell(told_as, fact.channel, fact, event_id=event_id, about=about)
    await bus.tell(
        "postbus.mail.released",
        fact.channel,
        rereading.released(held, fact),
        event_id=rereading.id_of_released(held, reading.entry),
        about=f"mails/{held.mail_id}",
    )
    return True


def stamper_of(tenant: str, keys_file: Path | None) -> Stamper | None:
    """What verifies stamps; None without keys. Cannot for a file that holds none."""
    if keys_file is None:
        return None
    try:
        return Stamper(tenant, read_keys(keys_file))
    except (OSError, ValueError) as error:
        raise Cannot(f"{keys_file} holds no stamp keys: {error}") from error
