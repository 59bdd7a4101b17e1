"""The commands and their options."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from postbus.contracts.configuration import TlsMode
from postbus.contracts.mail import OpenAs
from postbus_cli.exits import Cannot, Exit
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
    from postbus_cli.commands import parse as command  # noqa: PLC0415 - see above

    asked = command.Asked(files, as_json=as_json, is_mbox=mbox)
    raise typer.Exit(command.parse(asked, CliSettings()))


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} is no day and no moment, like 2026-11-01") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


Moment = Annotated[
    datetime | None, typer.Option(parser=_moment, metavar="TIME", help="A day or a moment, UTC.")
]


@app.command()
def reparse(
    *,
    channel: Annotated[str | None, typer.Option(help="Mails of this channel only.")] = None,
    since: Moment = None,
    until: Moment = None,
    held: Annotated[bool, typer.Option("--held", help="Only mails that are held.")] = False,
    mail_id: Annotated[
        str | None, typer.Option(help="Only this mail, or those whose id begins so.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="No more than so many.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Tell the new readings.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before telling.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read the kept mails again with this release, and show what differs.

    Nothing is changed without --apply. Exit code 1: some mails could not be read.
    """
    # A command pays for its own imports only.
    from postbus_cli.commands import reparse as command  # noqa: PLC0415 - see above
    from postbus_cli.domain.choosing import Choice  # noqa: PLC0415 - see above
    from postbus_cli.shown.reparse import ForPeople, ForPrograms  # noqa: PLC0415 - see above

    if apply and not yes and (as_json or not sys.stdin.isatty()):
        raise typer.BadParameter("--apply asks, and here is nobody to ask: add --yes")
    choice = Choice(channel, since, until, held, mail_id, limit)
    printer = ForPrograms() if as_json else ForPeople(whole=mail_id is not None)
    asked = command.Asked(choice, applies=apply, is_sure=yes)
    try:
        code = command.reparse(asked, CliSettings(), printer)
    except Cannot as error:
        typer.secho(f"postbus: {error}", err=True, fg=typer.colors.RED)
        code = Exit.CANNOT
    raise typer.Exit(code)


@app.command("import")
def import_(  # noqa: PLR0913 - each is an option of the command
    *,
    queue: Annotated[str, typer.Option(help="The queue (inbound channel) that gets the tickets.")],
    mbox: Annotated[Path | None, typer.Option(metavar="FILE", help="An mbox file.")] = None,
    maildir: Annotated[Path | None, typer.Option(metavar="FOLDER", help="A Maildir.")] = None,
    subfolders: Annotated[
        bool, typer.Option("--subfolders", help="Of a Maildir, its subfolders, too.")
    ] = False,
    imap: Annotated[
        str | None, typer.Option(metavar="URL", help="A mailbox: imaps://user@host[:port].")
    ] = None,
    folder: Annotated[
        list[str] | None, typer.Option(help="Of a mailbox; INBOX where none is named.")
    ] = None,
    tls: Annotated[
        TlsMode | None, typer.Option(help="Otherwise: imaps is implicit, imap is starttls.")
    ] = None,
    status: Annotated[OpenAs, typer.Option(help="Of the tickets that are opened.")] = OpenAs.CLOSED,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")
    ] = False,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Do not go on where the last run stopped.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it begins.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make tickets of mail from before; nobody is sent anything because of it.

    It can be stopped and run again: it goes on there, and no mail is filed twice. Exit code 1: some
    mails could not be read.
    """
    # A command pays for its own imports only.
    from postbus_cli.commands import importing as command  # noqa: PLC0415 - see above
    from postbus_cli.commands import sources  # noqa: PLC0415 - see above
    from postbus_cli.shown.importing import ForPeople, ForPrograms  # noqa: PLC0415 - see above

    if sum(one is not None for one in (mbox, maildir, imap)) != 1:
        raise typer.BadParameter("name one of --mbox, --maildir and --imap")
    if not yes and not dry_run and (as_json or not sys.stdin.isatty()):
        raise typer.BadParameter("it asks before it begins, and here is nobody to ask: add --yes")
    settings = CliSettings()
    if mbox is not None:
        opened = sources.of_mbox(mbox, settings)
    elif maildir is not None:
        opened = sources.of_maildir(maildir, settings, with_subfolders=subfolders)
    else:
        try:
            opened = sources.of_imap(str(imap), folder or ["INBOX"], settings, tls=tls)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    asked = command.Asked(queue, status, is_dry=dry_run, is_sure=yes, from_start=from_start)
    printer = ForPrograms() if as_json else ForPeople()
    try:
        code = command.import_mails(asked, opened, settings, printer)
    except Cannot as error:
        typer.secho(f"postbus: {error}", err=True, fg=typer.colors.RED)
        code = Exit.CANNOT
    raise typer.Exit(code)


def main() -> None:
    """The console script."""
    app()
