"""`postbus reparse`: the archive, read again by this release."""

import asyncio
from dataclasses import dataclass

import typer

from postbus.contracts.base import utc_now
from postbus.reading import MailReader
from postbus_cli.adapters.archive import Archive, Chosen
from postbus_cli.adapters.connected import Connected, connected
from postbus_cli.adapters.measured import OnlyMeasured
from postbus_cli.adapters.places import find_places
from postbus_cli.commands.rereading import Rereader, stamper_of, tell
from postbus_cli.domain.choosing import Choice, Entry
from postbus_cli.domain.readings import NOT_READ, TO_TELL, Outcome, Summary
from postbus_cli.domain.rereading import Rereading
from postbus_cli.exits import Cannot, Exit
from postbus_cli.settings import CliSettings
from postbus_cli.shown.reparse import Printer


@dataclass(frozen=True)
class Asked:
    """Which mails, and what is done with what is found."""

    choice: Choice
    applies: bool = False
    is_sure: bool = False


def reparse(asked: Asked, settings: CliSettings, printer: Printer) -> Exit:
    """Read again, show, and tell if that was asked for.

    Raises:
        Cannot: what is needed is away, or it is not known where it is.
    """
    return asyncio.run(_reparse(asked, settings, printer))


async def _reparse(asked: Asked, settings: CliSettings, printer: Printer) -> Exit:
    places = find_places(settings)
    stamper = stamper_of(settings.tenant, places.stamp_keys_file)
    reader = MailReader(settings.reading_limits)
    async with connected(places) as around:
        own = around.configuration.own_addresses()
        facts = Rereading(own, stamper.find if stamper else None)
        rereader = Rereader(around, reader, facts, at_once=settings.read_processes)
        printer.stamps(are_verified=stamper is not None)
        with printer.working("Looking through the archive"):
            chosen = await Archive(around.bus).choose(asked.choice)
        run = _Run(rereader, around, printer, Summary(already_filed=chosen.already_filed))
        entries = await run.look(chosen)
        if asked.applies and entries:
            if stamper is None and run.summary.outcomes[Outcome.NEW]:
                raise Cannot("held mails are not filed without STAMP_KEYS_FILE: an answer to a "
                             "mail of ours would not be known as one")  # fmt: skip
            if asked.is_sure or _is_wanted(len(entries)):
                await run.apply(entries)
        printer.summary(run.summary, applied=run.summary.told > 0)
        return Exit.NOT_ALL if run.summary.not_read else Exit.DONE


def _is_wanted(count: int) -> bool:
    return typer.confirm(f"Tell {count} new readings?", err=True)


class _Run:
    """One look, and what may follow it."""

    def __init__(
        self, rereader: Rereader, around: Connected, printer: Printer, summary: Summary
    ) -> None:
        self._rereader = rereader
        self._around = around
        self._printer = printer
        self.summary = summary

    async def look(self, chosen: Chosen) -> list[Entry]:
        """Show every difference, and give back the entries that would be told."""
        found: list[Entry] = []
        with self._printer.progress("Reading", len(chosen.entries)) as step:
            async for reading in self._rereader.read(chosen.entries, OnlyMeasured()):
                self.summary.add(reading)
                if reading.outcome in TO_TELL | NOT_READ:
                    self._printer.reading(reading)
                if reading.outcome in TO_TELL:
                    found.append(reading.entry)
                step()
        return found

    async def apply(self, entries: list[Entry]) -> None:
        """Read those again, this time keeping their files, and tell them.

        Not what was found while looking: it may be more than fits into memory.
        """
        with self._printer.progress("Telling", len(entries)) as step:
            async for reading in self._rereader.read(entries, self._around.blobs):
                self.summary.told += await tell(self._around.bus, reading, utc_now())
                step()
