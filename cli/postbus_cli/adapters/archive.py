"""Every mail that came in, as the mail stream tells of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from pydantic import BaseModel

from postbus.bus import Bus
from postbus.bus.topology import MAIL
from postbus.contracts.mail import (
    HeldDecision,
    MailDecidedEvent,
    MailHeld,
    MailHeldEvent,
    MailReceived,
    MailReceivedEvent,
    MailReleasedEvent,
)
from postbus.errors import PermanentError
from postbus_cli.domain.choosing import Choice, Entry, was_never_read

Mark = tuple[str, str]
"""Channel and mail id."""


class _About(BaseModel):
    """Of an event only what it is about: nothing else is read of many."""

    subject: str | None = None


def short_id(mail_id: str) -> bytes:
    """Enough of a mail's id to know it by; a million of them must fit into memory."""
    return mail_id[:32].encode()


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
        waiting, already_filed = await self._held(choice)
        unread = [one for one in waiting.values() if one.is_held]
        read = [] if choice.held_only and len(unread) == len(waiting) else await self._read(choice)
        if choice.held_only:
            read = [one for one in read if (one.channel, one.mail_id) in waiting]
        found = sorted((*read, *unread), key=lambda entry: entry.sequence)
        return Chosen(tuple(found[: choice.limit]), already_filed)

    async def fact(self, entry: Entry) -> MailReceived | MailHeld:
        """What was told of it; PermanentError when it is not in the stream any more."""
        stored = await self._bus.stored_at(MAIL, entry.sequence)
        if stored is None:
            raise PermanentError(f"message {entry.sequence} is not in the stream any more")
        model = MailHeldEvent if entry.is_held else MailReceivedEvent
        return model.model_validate_json(stored.body).data

    async def known(self, channel: str) -> set[bytes]:
        """Short forms of the ids of all mails that were ever told of for a channel."""
        found: set[bytes] = set()
        for what in ("received", "imported", "held"):
            async for _, body in self._told(what, Choice(channel=channel)):
                about = _About.model_validate_json(body).subject or ""
                found.add(short_id(about.removeprefix("mails/")))
        return found

    async def _read(self, choice: Choice) -> list[Entry]:
        newest: dict[Mark, Entry] = {}
        for what in ("received", "imported"):
            is_imported = what == "imported"
            async for sequence, body in self._told(what, choice):
                fact = MailReceivedEvent.model_validate_json(body).data
                mark = (fact.channel, fact.mail_id)
                if not choice.takes(fact) or (mark in newest and newest[mark].sequence > sequence):
                    continue
                newest[mark] = Entry(
                    sequence, fact.channel, fact.mail_id, is_held=False, is_imported=is_imported
                )
        return list(newest.values())

    async def _held(self, choice: Choice) -> tuple[dict[Mark, Entry], int]:
        """What is held now, those that were read included, and how many are no longer.

        `is_held` is false for those that were read: what was told as received is read again.
        """
        newest: dict[Mark, Entry] = {}
        async for sequence, body in self._told("held", choice):
            fact = MailHeldEvent.model_validate_json(body).data
            if choice.takes(fact):
                entry = Entry(sequence, fact.channel, fact.mail_id, was_never_read(fact))
                newest[(fact.channel, fact.mail_id)] = entry
        filed: set[Mark] = set()
        discarded = await self._discarded(choice)
        newest = {
            mark: one for mark, one in newest.items() if discarded.get(mark, 0) < one.sequence
        }
        async for sequence, body in self._told("released", choice):
            said = MailReleasedEvent.model_validate_json(body).data
            mark = (said.channel, said.mail_id)
            if mark in newest and newest[mark].sequence < sequence:
                filed.add(mark)
        return {mark: one for mark, one in newest.items() if mark not in filed}, len(filed)

    async def _discarded(self, choice: Choice) -> dict[Mark, int]:
        """Where it was told of mails that somebody wants nothing made of them."""
        found: dict[Mark, int] = {}
        async for sequence, body in self._told("decided", choice):
            fact = MailDecidedEvent.model_validate_json(body).data
            mark = (fact.channel, fact.mail_id)
            found.pop(mark, None)
            if fact.decision is HeldDecision.DISCARD:
                found[mark] = sequence
        return found

    async def _told(self, what: str, choice: Choice) -> AsyncIterator[tuple[int, bytes]]:
        subject = f"postbus.mail.{what}.{choice.channel or '*'}"
        async for stored in self._bus.stored(MAIL, subject):
            yield stored.sequence, stored.body
