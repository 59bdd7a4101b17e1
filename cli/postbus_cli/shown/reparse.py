"""What reparse finds, for people and for programs."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from postbus_cli.domain.differences import short
from postbus_cli.domain.readings import NOT_READ, Outcome, Reading, Summary
from postbus_cli.shown.words import one_line, printable

Step = Callable[[], None]
_SHORT_CHARACTERS = 70
_WORDS = {
    "looked_at": "looked at",
    "differs": "read otherwise",
    "new": "held, and can be read now",
    "unreadable": "still cannot be read",
    "raw_missing": "bytes are missing",
    "channel_gone": "channel is gone",
    "already_filed": "held once, filed since",
    "told": "told",
}


class Printer(Protocol):
    """Who hears of it."""

    def stamps(self, *, are_verified: bool) -> None:
        """Whether stamps of ours can be verified."""

    def working(self, what: str) -> AbstractContextManager[Step]:
        """While something goes on whose length is not known."""

    def progress(self, what: str, total: int) -> AbstractContextManager[Step]:
        """While something goes on; call what it gives for each step."""

    def reading(self, reading: Reading) -> None:
        """A mail that differs or could not be read."""

    def summary(self, summary: Summary, *, applied: bool) -> None:
        """The end."""


class ForPrograms:
    """JSON lines."""

    def __init__(self) -> None:
        self._stamps = "kept"

    def stamps(self, *, are_verified: bool) -> None:
        """Part of the summary."""
        self._stamps = "verified" if are_verified else "kept"

    @contextmanager
    def working(self, what: str) -> Iterator[Step]:
        """Nothing."""
        del what
        yield _nothing

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Step]:
        """Nothing."""
        del what, total
        yield _nothing

    def reading(self, reading: Reading) -> None:
        """One line."""
        line: dict[str, object] = {
            "mail_id": reading.entry.mail_id,
            "channel": reading.entry.channel,
            "outcome": reading.outcome,
        }
        if reading.held is not None and reading.fact is not None:
            line["received_as"] = reading.fact.mail_id
        if reading.differences:
            line["fields"] = {d.field: {"old": d.old, "new": d.new} for d in reading.differences}
        if reading.outcome in NOT_READ:
            line["error"] = reading.detail
        _print_json(line)

    def summary(self, summary: Summary, *, applied: bool) -> None:
        """The last line."""
        by_field = dict(summary.fields.most_common())
        said = {"by_field": by_field, "applied": applied, "stamps": self._stamps}
        _print_json({"summary": {**summary.counts(), **said}})


class ForPeople:
    """Words, and a progress bar on a terminal; `whole` shows values in full."""

    def __init__(self, *, whole: bool = False) -> None:
        self._out = Console(highlight=False, soft_wrap=True)
        self._err = Console(stderr=True, highlight=False, soft_wrap=True)
        self._limit = 100_000 if whole else _SHORT_CHARACTERS

    def stamps(self, *, are_verified: bool) -> None:
        """Say so where they cannot."""
        if not are_verified:
            self._err.print(
                "Without STAMP_KEYS_FILE each mail keeps the stamp that was found when it came."
            )

    @contextmanager
    def working(self, what: str) -> Iterator[Step]:
        """A spinner."""
        with self._err.status(f"{what} …"):
            yield _nothing

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Step]:
        """A bar that is gone when it is done."""
        columns = (
            TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        )  # fmt: skip
        bar = Progress(
            *columns, console=self._err, transient=True, disable=not self._err.is_terminal
        )
        with bar:
            task = bar.add_task(what, total=total)
            yield lambda: bar.advance(task)

    def reading(self, reading: Reading) -> None:
        """The mail on a line, and a line for each field."""
        entry = reading.entry
        line = Text.assemble(
            (str(reading.outcome), "red" if reading.outcome in NOT_READ else "green"),
            f"  {entry.channel}  {entry.mail_id}",
        )
        if reading.outcome is not Outcome.DIFFERS and reading.detail:
            line.append(f"  {one_line(reading.detail)}")
        self._out.print(line)
        for one in reading.differences:
            old, new = short(one, self._limit)
            self._out.print(Text(f"    {one.field}: ", style="cyan"), end="")
            self._out.print(Text(f"{printable(old)} → {printable(new)}"))

    def summary(self, summary: Summary, *, applied: bool) -> None:
        """Two tables, and what can be done next."""
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right")
        table.add_column()
        for name, count in summary.counts().items():
            if count or name == "looked_at":
                table.add_row(str(count), _WORDS.get(name, name))
        for name, count in summary.fields.most_common():
            table.add_row(str(count), Text(name, style="cyan"))
        self._out.print(table)
        if summary.to_tell and not applied:
            self._out.print("Nothing was changed. With --apply the new readings are told.")


def _nothing() -> None:
    """No step is shown."""


def _print_json(document: dict[str, object]) -> None:
    print(json.dumps(document, ensure_ascii=False), flush=True)
