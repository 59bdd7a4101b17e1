"""A parsed mail on a terminal: a panel with a table, the words, the files."""

from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from postbus.contracts.mail import Address
from postbus_cli.domain.normalized import NormalizedMail, UnreadMail
from postbus_cli.shown.words import one_line, printable, size

_MOST_ADDRESSES = 5
_MOST_LINES = 40
Row = tuple[str, str]


class MailPrinter:
    """Prints one mail after the other."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._problems = Console(stderr=True, highlight=False, soft_wrap=True)

    def show(self, mail: NormalizedMail | UnreadMail) -> None:
        """Print it; why there is none goes to standard error."""
        if isinstance(mail, UnreadMail):
            self._problems.print(Text(f"{_title(mail)}: {mail.error}", style="red"))
            return
        title = Text(_title(mail), style="bold")
        self._console.print(Panel(Group(*_parts(mail)), title=title, title_align="left"))


def _title(mail: NormalizedMail | UnreadMail) -> str:
    place = "" if mail.index is None else f" [{mail.index}]"
    return f"{printable(mail.file)}{place}"


def _parts(mail: NormalizedMail) -> Iterator[RenderableType]:
    yield _table(mail)
    yield Rule(style="dim")
    yield _words(mail.text)
    if mail.attachments:
        yield Rule(style="dim")
        yield _files(mail)


def _table(mail: NormalizedMail) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in (*_about(mail), *_findings(mail)):
        if value:
            table.add_row(name, Text(value))
    return table


def _about(mail: NormalizedMail) -> Iterator[Row]:
    yield "From", _address(mail.from_)
    if mail.sender is not None and mail.sender.address != mail.from_.address:
        yield "Sender", _address(mail.sender)
    if mail.customer_evidence:
        why = ", ".join(mail.customer_evidence)
        yield "Written by", f"{_address(mail.customer)} ({mail.customer_confidence}: {why})"
    yield "To", _addresses(mail.to)
    yield "Cc", _addresses(mail.cc)
    yield "Reply-To", _addresses(mail.reply_to)
    yield "Date", mail.date.isoformat(sep=" ") if mail.date else ""
    yield "Subject", one_line(mail.subject, 500)
    if mail.stripped_subject != mail.subject:
        yield "Stripped", one_line(mail.stripped_subject, 500)
    yield "Kind", f"{mail.kind}{_because(mail.kind_reasons)}"


def _findings(mail: NormalizedMail) -> Iterator[Row]:
    if mail.bounce is not None:
        yield from _bounce(mail)
    if mail.forwarded is not None:
        by, author = _address(mail.forwarded.by), _address(mail.forwarded.author)
        yield "Forwarded", f"{author} wrote it, {by} passed it on"
    for item in mail.calendar:
        when = f"{item.starts} to {item.ends}" if item.ends else item.starts
        yield "Calendar", one_line(f"{item.method} {item.summary} {when} {item.answer}", 200)
    yield "Protection", ", ".join(mail.protection)
    yield "Message-ID", one_line(mail.message_id or "", 500)
    yield "In-Reply-To", one_line(", ".join(mail.in_reply_to), 500)
    yield "References", str(len(mail.references)) if mail.references else ""
    yield "Mail id", mail.mail_id
    html = f", HTML {size(len(mail.html.encode()))}" if mail.html else ""
    yield "Texts", f"own {len(mail.text)}, all {mail.full_text_characters} characters{html}"
    yield "Problems", ", ".join(mail.problems)
    yield "Read", f"{size(mail.size_bytes)} in {mail.milliseconds:.1f} ms"


def _bounce(mail: NormalizedMail) -> Iterator[Row]:
    for one in mail.bounce.recipients if mail.bounce else ():
        how = {True: "hard", False: "soft", None: ""}[one.hard]
        said = one_line(one.diagnostic, 120)
        yield "Bounced", " ".join(filter(None, (one.address, one.status, how, one.action, said)))


def _words(text: str) -> Text:
    lines = printable(text).rstrip().splitlines() or ["(no words of its own)"]
    shown = "\n".join(lines[:_MOST_LINES])
    more = len(lines) - _MOST_LINES
    return Text(f"{shown}\n… and {more} lines more" if more > 0 else shown)


def _files(mail: NormalizedMail) -> Table:
    table = Table("File", "Type", "Size", "SHA-256", box=None, header_style="cyan", padding=(0, 1))
    table.columns[2].justify = "right"
    for one in mail.attachments:
        name = f"{printable(one.name)} (inline)" if one.inline else printable(one.name)
        kind = Text(printable(one.content_type))
        table.add_row(Text(name), kind, size(one.size_bytes), one.sha256[:16])
    return table


def _because(reasons: Iterable[str]) -> str:
    said = ", ".join(reasons)
    return f" ({said})" if said else ""


def _addresses(found: tuple[Address, ...]) -> str:
    shown = ", ".join(_address(one) for one in found[:_MOST_ADDRESSES])
    more = len(found) - _MOST_ADDRESSES
    return f"{shown} and {more} more" if more > 0 else shown


def _address(one: Address) -> str:
    name, address = one_line(one.name), one_line(one.address)
    return f"{name} <{address}>" if name else address
