"""What ingest-graph needs of the world, in its own words."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ingest_graph.domain.cursor import Cursor
from ingest_graph.domain.hints import Hint
from ingest_graph.domain.subscription import Subscription
from postbus.contracts.configuration import InboundChannel
from postbus.mailboxes import ports as mailbox_ports
from postbus.mailboxes.ports import Kept


class FolderMissing(Exception):
    """There is no such folder."""


class ResyncNeeded(Exception):
    """The link is known no more (410): the folder is to be read from the beginning."""


class MailGone(Exception):
    """The mail was deleted before it was fetched."""


class NotGiven(Exception):
    """The mail is there, and its MIME is not to be had."""


class MailTooLarge(Exception):
    """The mail is larger than what is fetched."""


class SubscriptionGone(Exception):
    """Graph knows the subscription no more."""


@dataclass(frozen=True)
class Folder:
    """A folder: its id, which stays when it is renamed, its path for people, mails in it."""

    id: str
    name: str
    mails: int


@dataclass(frozen=True)
class Brief:
    """What is known of a mail before it is fetched."""

    id: str
    arrived_at: datetime


@dataclass(frozen=True)
class Page:
    """Some mails; `link` is where to go on, and after the last page where to ask for news."""

    briefs: Sequence[Brief]
    link: str
    is_last: bool


class Mailbox(Protocol):
    """One mailbox, as Graph shows it; ids are immutable ids.

    Every call may raise MailHostUnavailable (with `retry_after_seconds`), CredentialsRejected,
    NotConfigured where access is denied, BusUnavailable while its limits cannot be kept.
    """

    async def folder(self, name: str) -> Folder:
        """The folder of that well-known name or path. FolderMissing."""

    async def folder_of_id(self, id_: str) -> Folder:
        """The folder, whatever it is called now. FolderMissing."""

    async def make_folder(self, name: str) -> Folder:
        """The folder of that path, made where it is missing."""

    async def news(self, folder_id: str, link: str | None) -> Page:
        """What came into the folder since that link; from the beginning without. ResyncNeeded."""

    def listed(self, folder_id: str, *, since: datetime | None) -> AsyncIterator[Sequence[Brief]]:
        """What lies in the folder, page by page, oldest first; what arrived since then."""

    async def older(self, folder_id: str, *, until: datetime, at_most: int) -> Sequence[Brief]:
        """Mails that arrived until then, newest first."""

    async def mime(self, id_: str, *, at_most: int) -> bytes:
        """The mail as it is. MailGone, NotGiven, MailTooLarge."""

    async def head(self, id_: str) -> bytes:
        """The header of a mail. MailGone."""

    async def mark_read(self, ids: Sequence[str]) -> Sequence[str]:
        """Mark as read; those that are done, or gone."""

    async def move(self, ids: Sequence[str], folder_id: str) -> Sequence[str]:
        """Move mails to a folder; those that are done, or gone."""

    async def subscribe(
        self, folder_id: str, *, hook: str, client_state: str, until: datetime
    ) -> Subscription:
        """Have changes of the folder told to `hook`; NotConfigured where Graph refuses."""

    async def renew(self, subscription: Subscription, *, until: datetime) -> Subscription:
        """Have them told for longer. SubscriptionGone."""

    async def reauthorize(self, subscription: Subscription) -> None:
        """Answer `reauthorizationRequired`. SubscriptionGone."""


OpenMailbox = Callable[[InboundChannel], Awaitable[Mailbox]]
"""The mailbox of a channel, with its sign-in. CredentialsRejected, NotConfigured, BusUnavailable.

What is opened may still turn out to be refused."""

KeptCursor = Kept[Cursor]
Cursors = mailbox_ports.Cursors[Cursor]


class Hints(Protocol):
    """That a mailbox may have news; BusUnavailable."""

    async def put(self, channel: str, folder_key: str, hint: Hint) -> None:
        """Keep a hint; a second of the same kind is the same hint."""

    async def pending(self, channel: str, folder_key: str) -> dict[Hint, int]:
        """The hints that nobody has worked off, and the revision of each."""

    async def done(self, channel: str, folder_key: str, hint: Hint, revision: int) -> None:
        """The hint is worked off, unless it came again."""


class Subscriptions(Protocol):
    """What is known of the subscriptions of folders; BusUnavailable."""

    async def get(self, channel: str, folder_key: str) -> Subscription | None:
        """That of a folder."""

    async def put(self, channel: str, folder_key: str, subscription: Subscription) -> None:
        """Write."""
