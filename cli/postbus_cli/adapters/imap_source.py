"""The mails of folders of an IMAP mailbox, which stays as it is (EXAMINE, BODY.PEEK).

Nothing of where a mail lay goes into its fact: the mailbox may be another than the one that the
queue reads, and the two could have the same folder and UIDs.
"""

import imaplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from imapclient import SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError
from pydantic import SecretStr

from postbus.connecting import Reach, TlsContexts, explain
from postbus.connecting.imap import ImapClient, dial
from postbus.connecting.tls import tls_refused
from postbus.contracts.configuration import TlsMode
from postbus.errors import MailHostUnavailable
from postbus_cli.domain.importing import Lying, Position
from postbus_cli.exits import Cannot

_SECONDS = 60
_LOOKED_AT_ONCE = 200
_PORTS = {"imaps": 993, "imap": 143}


@dataclass(frozen=True)
class Mailbox:
    """An account on a server, without its password."""

    host: str
    port: int
    user: str
    tls: TlsMode

    @property
    def name(self) -> str:
        """As a URL."""
        scheme = "imaps" if self.tls is TlsMode.IMPLICIT else "imap"
        return f"{scheme}://{quote(self.user)}@{self.host}:{self.port}"


def mailbox_of(url: str, tls: TlsMode | None) -> Mailbox:
    """The mailbox of `imaps://user@host:port`, or of `imap://…`, which means STARTTLS.

    ValueError, in words, for what is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or not parts.username:
        raise ValueError(f"{url} is no mailbox, like imaps://anna@example.com@imap.example.com")
    if parts.password is not None:
        raise ValueError("no password here, where others can see it: it is asked for, or "
                         "POSTBUS_IMAP_PASSWORD has it")  # fmt: skip
    usual = TlsMode.IMPLICIT if parts.scheme == "imaps" else TlsMode.STARTTLS
    port = parts.port or _PORTS[parts.scheme]
    return Mailbox(parts.hostname, port, unquote(parts.username), tls or usual)


class ImapSource:
    """`domain.importing.Source`; a step is a mail. Every call blocks."""

    copied = False

    def __init__(
        self,
        mailbox: Mailbox,
        password: SecretStr,
        folders: Sequence[str],
        *,
        contexts: TlsContexts,
        most_bytes: int,
    ) -> None:
        self.name = mailbox.name
        self._folders = folders
        self._most_bytes = most_bytes
        with _in_words(mailbox.host):
            self._client = _signed_in(mailbox, password, contexts)
        self._client.normalise_times = False  # with their zone

    def total(self, after: Position) -> int:
        """The mails that are to come."""
        return sum(len(self._opened(folder, after)[1]) for folder in self._folders)

    def can_go_on(self, after: Position) -> bool:
        """Always: a folder goes on or begins anew as its UIDVALIDITY says (RFC 9051 §2.3.1.1)."""
        del after
        return True

    def mails(self, after: Position) -> Iterator[Lying]:
        """Folder after folder, in the order of their UIDs."""
        known: dict[str, Any] = dict(after)
        for folder in self._folders:
            validity, uids = self._opened(folder, after)
            for at in range(0, len(uids), _LOOKED_AT_ONCE):
                for uid, size, came_at in self._sizes(uids[at : at + _LOOKED_AT_ONCE]):
                    known = {**known, folder: [validity, uid]}
                    yield self._fetched(f"{folder}/{uid}", uid, size, came_at, known)

    def close(self) -> None:
        """Sign out."""
        with suppress(IMAPClientError, imaplib.IMAP4.error, OSError):
            self._client.logout()

    def _opened(self, folder: str, after: Position) -> tuple[int, list[int]]:
        """The folder's UIDVALIDITY, and the UIDs that were not read."""
        with _in_words(folder):
            said = self._client.select_folder(folder, readonly=True)
            validity = int(said[b"UIDVALIDITY"])
            was, last = after.get(folder, (validity, 0))
            last = last if was == validity else 0
            # `5:*` is the last mail, too, where no UID is over 5 (RFC 9051 §9).
            found = self._client.search(["UID", f"{last + 1}:*"])
            return validity, sorted(uid for uid in found if uid > last)

    def _sizes(self, uids: list[int]) -> Iterator[tuple[int, int | None, datetime | None]]:
        with _in_words("the mailbox"):
            found = self._client.fetch(uids, ["RFC822.SIZE", "INTERNALDATE"])
        for uid in uids:
            one = found.get(uid, {})
            yield uid, one.get(b"RFC822.SIZE"), one.get(b"INTERNALDATE")

    def _fetched(
        self,
        name: str,
        uid: int,
        size: int | None,
        came_at: datetime | None,
        position: Position,
    ) -> Lying:
        if size is None:
            return Lying(name, position, 1, error="it is gone")
        if size > self._most_bytes:
            return Lying(name, position, 1, error=f"it is over {self._most_bytes} bytes")
        with _in_words("the mailbox"):
            raw = self._client.fetch([uid], ["BODY.PEEK[]"]).get(uid, {}).get(b"BODY[]")
        if raw is None:
            return Lying(name, position, 1, error="it is gone")
        return Lying(name, position, 1, raw, came_at)


def _signed_in(mailbox: Mailbox, password: SecretStr, contexts: TlsContexts) -> ImapClient:
    """Connected, protected and signed in; nothing is left open when that fails."""
    client = dial(
        mailbox.host,
        mailbox.port,
        mailbox.tls,
        # A person at a terminal names the server, so it may be one of their own network.
        reach=Reach(allow_private=True),
        contexts=contexts,
        timeout=SocketTimeout(_SECONDS, _SECONDS),
    )
    try:
        if mailbox.tls is TlsMode.STARTTLS:
            client.starttls(contexts.context())
        client.login(mailbox.user, password.get_secret_value())
    except BaseException as error:
        with suppress(OSError):  # a broken handshake has closed it
            client.shutdown()
        if isinstance(error, LoginError):
            said = explain(str(error))
            raise Cannot(f"{mailbox.host}: {said.what}. {said.advice}".strip()) from error
        raise
    return client


@contextmanager
def _in_words(what: str) -> Iterator[None]:
    """Cannot, for whatever the connection or the server says no with."""
    try:
        yield
    except MailHostUnavailable as error:
        raise Cannot(f"{error}. {error.advice}".strip()) from error
    except ssl.SSLError as error:
        refused = tls_refused(what, error)
        raise Cannot(f"{refused}. {refused.advice}") from error
    except (IMAPClientError, imaplib.IMAP4.error, OSError) as error:
        raise Cannot(f"{what}: {error}") from error
