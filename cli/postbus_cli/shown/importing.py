"""What an import does, for people and for programs."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from postbus_cli.domain.importing import Lying, Progress
from postbus_cli.shown.words import one_line

Step = Callable[[int], None]
_WORDS = {
    "read": "read",
    "told": "told, to be filed by ticketing",
    "already_there": "there already",
    "held": "kept, and could not be read; see the held mails",
    "unreadable": "could not be had from the source",
}


class Printer(Protocol):
    """Who hears of it."""

    def say(self, what: str) -> None:
        """Something to know, in words."""

    def working(self, what: str) -> AbstractContextManager[None]:
        """While something goes on whose length is not known."""

    def begin(self, progress: Progress, total: int) -> None:
        """Before the first mail is read."""

    def progress(self, progress: Progress, total: int) -> AbstractContextManager[Step]:
        """While mails are read; call what it gives with the steps of each."""

    def unreadable(self, lying: Lying) -> None:
        """A mail that the source does not give."""

    def held(self, lying: Lying, mail_id: str) -> None:
        """A mail that was kept and could not be read."""

    def summary(self, progress: Progress) -> None:
        """The end, also when it was stopped."""


class ForPrograms:
    """JSON lines; the summary is the last."""

    def say(self, what: str) -> None:
        """On standard error, as people would see it."""
        Console(stderr=True, highlight=False, soft_wrap=True).print(what)

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Nothing."""
        del what
        yield

    def begin(self, progress: Progress, total: int) -> None:
        """Nothing."""

    @contextmanager
    def progress(self, progress: Progress, total: int) -> Iterator[Step]:
        """Nothing."""
        del progress, total
        yield _nothing

    def unreadable(self, lying: Lying) -> None:
        """One line."""
        _print_json({"mail": lying.name, "outcome": "unreadable", "error": lying.error})

    def held(self, lying: Lying, mail_id: str) -> None:
        """One line."""
        _print_json({"mail": lying.name, "outcome": "held", "mail_id": mail_id})

    def summary(self, progress: Progress) -> None:
        """The last line."""
        said = {
            "source": progress.source,
            "queue": progress.queue,
            "status": progress.status,
            "dry_run": progress.is_dry,
            "read_before": progress.before,
            **progress.counts.all(),
            "waiting": progress.waiting,
            "finished": progress.finished,
            "seconds": round(progress.seconds, 1),
        }
        _print_json({"summary": said})


class ForPeople:
    """Words, and a progress bar on a terminal."""

    def __init__(self) -> None:
        self._out = Console(highlight=False, soft_wrap=True)
        self._err = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, what: str) -> None:
        """On a line."""
        self._err.print(Text(what))

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """A spinner."""
        with self._err.status(f"{what} …"):
            yield

    def begin(self, progress: Progress, total: int) -> None:
        """What is about to happen."""
        if progress.before:
            self.say(f"An import of this came to mail {progress.before}, and goes on there.")
        if not total:
            self.say("There is nothing behind that; --from-start reads all of it again.")
            return
        what = "would become" if progress.is_dry else "become"
        self.say(
            f"Mails of {one_line(progress.source, 200)} {what} tickets of the queue "
            f"{progress.queue}, {progress.status} where they open one. Nobody is sent anything."
        )

    @contextmanager
    def progress(self, progress: Progress, total: int) -> Iterator[Step]:
        """A bar that is gone when it is done."""
        columns = (
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
        )  # fmt: skip
        bar = Bar(*columns, console=self._err, transient=True, disable=not self._err.is_terminal)
        with bar:
            task = bar.add_task("", total=total)

            def step(steps: int) -> None:
                bar.update(task, advance=steps, description=_counted(progress))

            yield step

    def unreadable(self, lying: Lying) -> None:
        """A line."""
        self._err.print(Text(f"{one_line(lying.name, 200)}: {one_line(lying.error)}", style="red"))

    def held(self, lying: Lying, mail_id: str) -> None:
        """A line."""
        self._err.print(Text(f"{one_line(lying.name, 200)}: held as {mail_id}", style="yellow"))

    def summary(self, progress: Progress) -> None:
        """A table, and what can be done next."""
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right")
        table.add_column()
        for name, count in progress.counts.all().items():
            if count or name in ("read", "told"):
                word = "would be told" if progress.is_dry and name == "told" else _WORDS[name]
                table.add_row(str(count), word)
        if progress.waiting:
            table.add_row(str(progress.waiting), "wait for ticketing still")
        self._out.print(table)
        if not progress.finished:
            self._out.print("It was stopped. The same command goes on from there.")
        elif progress.is_dry:
            self._out.print("Nothing was changed.")


def _counted(progress: Progress) -> str:
    counts = progress.counts
    others = ((counts.already_there, "there already"), (counts.held, "held"),
              (counts.unreadable, "unreadable"))  # fmt: skip
    said = [f"{counts.read} read", f"{counts.told} told", *(f"{n} {w}" for n, w in others if n)]
    return ", ".join(said)


def _nothing(steps: int) -> None:
    """No step is shown."""


def _print_json(document: dict[str, object]) -> None:
    print(json.dumps(document, ensure_ascii=False), flush=True)
