"""`postbus parse`: what Postbus reads in a mail."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from time import perf_counter

from postbus.errors import MailUnreadable
from postbus.mail.identity import mail_id
from postbus.reading import MailReader
from postbus_cli.adapters.files import Found, mails_in
from postbus_cli.domain.normalized import NormalizedMail, UnreadMail, normalized
from postbus_cli.exits import Exit
from postbus_cli.settings import CliSettings
from postbus_cli.shown.mail import MailPrinter


@dataclass(frozen=True)
class Asked:
    """What is to be parsed, and how it is printed."""

    files: Sequence[str]
    as_json: bool = False
    is_mbox: bool = False


def parse(asked: Asked, settings: CliSettings) -> Exit:
    """Parse and print each mail in order; NOT_ALL when one could not be read."""
    return asyncio.run(_parse(asked, settings))


async def _parse(asked: Asked, settings: CliSettings) -> Exit:
    reader = MailReader(settings.reading_limits)
    await reader.start()  # so that the first mail does not count how long a process starts
    printer = MailPrinter()
    one_document = len(asked.files) == 1 and not asked.is_mbox
    code = Exit.DONE
    for found in _all_mails(asked, settings.max_mail_bytes):
        mail = await _read(found, reader)
        if isinstance(mail, UnreadMail):
            code = Exit.NOT_ALL
        if asked.as_json:
            indent = 2 if one_document else None
            print(mail.model_dump_json(by_alias=True, indent=indent), flush=True)
        else:
            printer.show(mail)
    return code


def _all_mails(asked: Asked, max_bytes: int) -> Iterator[Found]:
    for file in asked.files:
        yield from mails_in(file, is_mbox=asked.is_mbox, max_bytes=max_bytes)


async def _read(found: Found, reader: MailReader) -> NormalizedMail | UnreadMail:
    if found.error:
        return UnreadMail(file=found.file, index=found.index, error=found.error)
    began = perf_counter()
    try:
        parsed = await reader.read(found.raw)
    except MailUnreadable as error:
        return UnreadMail(file=found.file, index=found.index, error=str(error))
    return normalized(
        parsed,
        file=found.file,
        index=found.index,
        milliseconds=(perf_counter() - began) * 1000,
        mail_id=mail_id(parsed, found.raw),
        sha256=sha256(found.raw).hexdigest(),
        size_bytes=len(found.raw),
    )
