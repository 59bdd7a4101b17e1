"""What ingest-imap needs of the world, in its own words."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ingest_imap.domain.cursor import Cursor
from ingest_imap.domain.dating import Brief
from postbus.contracts.configuration import InboundChannel
from postbus.mail.uid_sets import UidSet
from postbus.mailboxes import ports as mailbox_ports
from postbus.mailboxes.ports import Kept


class ConnectionLost(Exception):
    """The connection ended or is of no use any more; what was asked for may have been done."""


class NotGiven(Exception):
    """The server answered and does not give these mails; the connection is good."""


class FolderMissing(Exception):
    """There is no such folder."""


@dataclass(frozen=True)
class Opened:
    """A folder as SELECT describes it (RFC 9051 §6.3.2).

    `modseq` is its HIGHESTMODSEQ where the server has CONDSTORE (RFC 7162 §3.1.2.1): while it is
    the same, nothing in the folder has changed.
    """

    uidvalidity: int
    uidnext: int | None
    exists: int
    modseq: int | None = None


@dataclass(frozen=True)
class FolderInfo:
    """A folder of the mailbox; `special` is its use (RFC 6154), lower case, without backslash."""

    name: str
    selectable: bool
    special: str | None = None


class Session(Protocol):
    """One connection, signed in; every call may raise ConnectionLost. One call at a time."""

    @property
    def can_push(self) -> bool:
        """Whether the server tells of new mail by itself (RFC 2177)."""

    async def open(self, folder: str, *, read_only: bool) -> Opened:
        """Open a folder; FolderMissing."""

    async def search(self, *, above: int = 0) -> UidSet:
        """The mails in the folder with a UID over that one."""

    async def briefs(self, uids: UidSet) -> Sequence[Brief]:
        """What is known of these; of what is gone there is none. NotGiven."""

    async def fetch(self, uids: UidSet) -> dict[int, bytes]:
        """The mails as they are; nothing is marked. What is gone is left out. NotGiven."""

    async def head(self, uid: int) -> bytes:
        """The header of a mail; empty if it is not given either."""

    async def mark_seen(self, uids: UidSet) -> None:
        """Mark as read (`Seen`, RFC 9051 §2.3.2)."""

    async def move(self, uids: UidSet, folder: str) -> None:
        """Move mails to a folder, which is made if it is missing."""

    async def wait(self, seconds: float) -> bool:
        """Wait for news of the folder, so long at most; whether there are any."""

    async def folders(self) -> Sequence[FolderInfo]:
        """All folders of the mailbox."""

    async def make_folder(self, folder: str) -> None:
        """Make a folder unless it is there; NotGiven."""

    async def described(self, folder: str) -> Opened:
        """A folder as STATUS describes it, without opening it; FolderMissing."""

    async def message_ids(self, folder: str, uid: int) -> str | None:
        """The Message-ID of a mail in a folder that is opened for it, read-only."""

    async def sent_folder(self, named: str | None) -> str:
        """The folder of sent mail: that one, or the one marked or called so; FolderMissing."""

    async def has_message(self, folder: str, message_id: str) -> bool:
        """Whether a folder has a mail of that Message-ID."""

    async def head_of(self, folder: str, message_id: str) -> bytes | None:
        """The header of the mail of that Message-ID; None if it is not there."""

    async def append(self, folder: str, mail: bytes, sent_at: datetime) -> None:
        """Put a mail into a folder, marked as read."""

    async def close(self) -> None:
        """End the connection; never raises."""


Connect = Callable[[InboundChannel], Awaitable[Session]]
"""A session with the mailbox of a channel: connected and signed in, nothing opened.

MailHostUnavailable, CredentialsRejected, NotConfigured."""


KeptCursor = Kept[Cursor]
Cursors = mailbox_ports.Cursors[Cursor]
