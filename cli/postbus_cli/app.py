"""The commands and their options."""

from typing import Annotated

import typer

from postbus_cli.settings import CliSettings

app = typer.Typer(
    name="postbus",
    help="Postbus from the shell: for people by default, for programs with --json.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.callback()
def _postbus() -> None:
    """Named here so that a single command keeps its name."""


@app.command()
def parse(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Mails; - is standard input.")],
    *,
    as_json: AsJson = False,
    mbox: Annotated[bool, typer.Option("--mbox", help="Each file holds many mails.")] = False,
) -> None:
    """Show what Postbus reads in a mail.

    One mail with --json is one document, several are JSON lines. Exit code 1: not all were read.
    """
    # A command pays for its own imports only.
    from postbus_cli.commands import parse as command  # noqa: PLC0415

    asked = command.Asked(files, as_json=as_json, is_mbox=mbox)
    raise typer.Exit(command.parse(asked, CliSettings()))


def main() -> None:
    """The console script."""
    app()
