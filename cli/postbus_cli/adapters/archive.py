"""Every mail that came in, as the mail stream tells of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from postbus.bus import Bus
from postbus.bus.topology import MAIL
from postbus.contracts.mail import (
    MailHeld,
    MailHeldEvent,
    MailReceived,
    MailReceivedEvent,
    MailReleasedEvent,
)
from postbus.errors import PermanentError
from postbus_cli.domain.choosing import Choice, Entry

Mark = tuple[str, str]
"""Channel and mail id."""


@dataclass(frozen=True)
class Chosen:
    """The mails to look at, in the order they were told; and held ones that are filed since."""

    entries: tuple[Entry, ...]
    already_filed: int


class Archive:
    """Reads; BusUnavailable from every call."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def choose(self, choice: Choice) -> Chosen:
        """One entry a mail, for the newest fact about it."""
        entries = [] if choice.held_only else await self._received(choice)
        held, already_filed = await self._held(choice)
        found = sorted((*entries, *held), key=lambda entry: entry.sequence)
        return Chosen(tuple(found[: choice.limit]), already_filed)

    async def fact(self, entry: Entry) -> MailReceived | MailHeld:
        """What was told of it; PermanentError when it is not in the stream any more."""
        stored = await self._bus.stored_at(MAIL, entry.sequence)
        if stored is None:
            raise PermanentError(f"message {entry.sequence} is not in the stream any more")
        model = MailHeldEvent if entry.is_held else MailReceivedEvent
        return model.model_validate_json(stored.body).data

    async def _received(self, choice: Choice) -> list[Entry]:
        newest: dict[Mark, Entry] = {}
        async for sequence, body in self._told("received", choice):
            fact = MailReceivedEvent.model_validate_json(body).data
            if choice.takes(fact):
                mark = (fact.channel, fact.mail_id)
                newest[mark] = Entry(sequence, fact.channel, fact.mail_id, is_held=False)
        return list(newest.values())

    async def _held(self, choice: Choice) -> tuple[list[Entry], int]:
        newest: dict[Mark, Entry] = {}
        async for sequence, body in self._told("held", choice):
            fact = MailHeldEvent.model_validate_json(body).data
            if choice.takes(fact):
                mark = (fact.channel, fact.mail_id)
                newest[mark] = Entry(sequence, fact.channel, fact.mail_id, is_held=True)
        filed = 0
        async for _, body in self._told("released", choice):
            said = MailReleasedEvent.model_validate_json(body).data
            filed += newest.pop((said.channel, said.mail_id), None) is not None
        return list(newest.values()), filed

    async def _told(self, what: str, choice: Choice) -> AsyncIterator[tuple[int, bytes]]:
        subject = f"postbus.mail.{what}.{choice.channel or '*'}"
        async for stored in self._bus.stored(MAIL, subject):
            yield stored.sequence, stored.body
