"""Opens what an import reads."""

from collections.abc import Callable, Sequence
from pathlib import Path

import typer
from pydantic import SecretStr

from postbus.connecting import TlsContexts
from postbus.contracts.configuration import TlsMode
from postbus_cli.adapters.imap_source import ImapSource, mailbox_of
from postbus_cli.adapters.maildir_source import MaildirSource
from postbus_cli.adapters.mbox_source import MboxSource
from postbus_cli.domain.importing import Source
from postbus_cli.settings import CliSettings


def of_mbox(file: Path, settings: CliSettings) -> Callable[[], Source]:
    """An mbox file."""
    return lambda: MboxSource(file, most_bytes=settings.max_mail_bytes)


def of_maildir(
    folder: Path, settings: CliSettings, *, with_subfolders: bool
) -> Callable[[], Source]:
    """A Maildir folder."""
    return lambda: MaildirSource(
        folder, with_subfolders=with_subfolders, most_bytes=settings.max_mail_bytes
    )


def of_imap(
    url: str, folders: Sequence[str], settings: CliSettings, *, tls: TlsMode | None
) -> Callable[[], Source]:
    """Folders of a mailbox; its password is asked for at once. ValueError for what is no URL."""
    mailbox = mailbox_of(url, tls)
    password = settings.postbus_imap_password or SecretStr(
        typer.prompt(f"Password of {mailbox.user}", hide_input=True, err=True)
    )
    contexts = TlsContexts(settings.tls_ca_file)
    return lambda: ImapSource(
        mailbox, password, folders, contexts=contexts, most_bytes=settings.max_mail_bytes
    )
