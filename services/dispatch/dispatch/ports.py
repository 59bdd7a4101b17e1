"""What dispatch needs of the world, in its own words."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dispatch.domain.attempts import Attempt, Finished
from dispatch.domain.compose import Composed
from dispatch.domain.copies import CopyTask
from dispatch.domain.limits import Limit
from dispatch.domain.words import Words
from postbus.contracts.appearance import Logo
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.guard import JudgeRequest, Verdict
from postbus.contracts.mail import Attachment
from postbus.contracts.mailboxes import FindSent, FoundSent, KnownHealth, PutSent, PutSentResult
from postbus.contracts.sending import SendClaimed, SendOutcome, SmtpReply
from postbus.contracts.trying import TryOutbound, TryResult
from postbus.errors import MailRefused


class OutcomeUnknown(Exception):
    """The connection was lost after the point of no return: it may have been sent, or not."""


class RecipientsRefused(MailRefused):
    """The server will take the mail for none of its recipients; what it said of each."""

    def __init__(self, message: str, refused: dict[str, SmtpReply]) -> None:
        first = next(iter(refused.values()))
        super().__init__(message, smtp_code=first.code, enhanced_code=first.enhanced)
        self.refused = refused


@dataclass(frozen=True)
class Kept:
    """An unfinished mail and the revision at which it was read."""

    attempt: Attempt
    revision: int


class Ledger(Protocol):
    """What was tried with each mail. Raises BusUnavailable, and StateConflict for a lost race."""

    async def accept(self, attempt: Attempt) -> None:
        """Write a mail as unfinished, unless it is; whether it ended long ago is not looked at."""

    async def open(self, send_id: str) -> Kept | None:
        """The unfinished mail of that id."""

    async def change(self, kept: Kept, attempt: Attempt) -> Kept:
        """Write the next step, if nobody else did."""

    async def take_up(self, attempt: Attempt) -> None:
        """Write a mail that had ended as unfinished again; StateConflict if it is unfinished."""

    async def finish(self, finished: Finished) -> None:
        """Write the end of it; from here on it is sent again only if a person decides so.

        StateConflict where it had its end under the same decision.
        """

    async def finished(self, send_id: str) -> Finished | None:
        """The end of a mail, while the ledger remembers."""

    async def forget_open(self, kept: Kept) -> None:
        """Remove the unfinished entry of a mail whose end was written and told.

        StateConflict where it is not as it was read: somebody may have taken the mail up again.
        """

    async def unfinished(self) -> list[Kept]:
        """Every mail that did not reach its end."""


@dataclass(frozen=True)
class Accepted:
    """The server took the mail; `refused` are recipients it will never take (code by address).

    `sent_as` is the Message-ID that it went out with, where it is not ours.
    """

    reply: SmtpReply
    refused: dict[str, SmtpReply]
    sent_as: str | None = None


class Letter(Protocol):
    """A mail that is ready to be written. Raises BlobMissing, StoreUnavailable."""

    @property
    def words(self) -> Words:
        """What it says."""

    async def mime(self) -> Composed:
        """The whole of it as bytes, the same each time."""

    def ranges(self, file: Attachment, first: int, size: int) -> AsyncIterator[bytes]:
        """The bytes of a file from `first` on, in pieces of `size`; the last may be shorter."""


class Appearances(Protocol):
    """What a look needs besides the configuration."""

    async def logo(self, logo: Logo) -> bytes | None:
        """The bytes of a logo; None where they are gone. StoreUnavailable."""

    def failed(self, queue: str, *, why: str, detail: str) -> None:
        """A mail of the queue looks as shipped; `why` is `template` or `logo`."""


class BeforeData(Protocol):
    """Awaited right before a mail can no longer be taken back."""

    async def __call__(self, sent_as: str | None = None, handle: str | None = None, /) -> None:
        """`sent_as`: the Message-ID that it will go out with, where it is not ours.

        `handle`: what else the other side knows it by, from now on and when it is sent.
        """


class Transport(Protocol):
    """A way out."""

    async def send(
        self, channel: OutboundChannel, letter: Letter, *, before_data: BeforeData
    ) -> Accepted:
        """Hand the mail over; `before_data` is awaited right before it can no longer be taken back.

        Raises MailHostUnavailable (4yz, time-out, no connection), MailRefused (5yz),
        RecipientsRefused, CredentialsRejected, NotConfigured; OutcomeUnknown when the answer to the
        data was lost.
        """

    async def find(
        self, channel: OutboundChannel, message_id: str, handle: str | None
    ) -> bool | None:
        """Whether a mail was sent, by looking where it was sent from; None if nobody can look."""

    async def head(
        self, channel: OutboundChannel, message_id: str, handle: str | None
    ) -> bytes | None:
        """The header of a mail that was sent, as its mailbox has it; None where nobody can say."""

    async def try_out(self, question: TryOutbound) -> TryResult:
        """Connect, sign in and name the sender, and send nothing."""

    async def close(self) -> None:
        """Say goodbye on every open connection."""


@dataclass(frozen=True)
class Turn:
    """When a channel may send again, and which of its limits it has used up."""

    until: datetime
    limit: Limit


class Turns(Protocol):
    """The limits of channels, kept together by all replicas. Raises BusUnavailable."""

    def known_wait(self, channel: OutboundChannel) -> Turn | None:
        """What is known without asking; None: nothing keeps it from sending."""

    async def take(self, channel: OutboundChannel) -> Turn | None:
        """Count one mail; None, and it may be sent now. A mail that is put off then is counted."""


class Guard(Protocol):
    """The loop guard."""

    async def judge(self, question: JudgeRequest) -> Verdict:
        """May it be sent? GuardUnavailable when nobody answers."""


@dataclass(frozen=True)
class KeptCopy:
    """A copy that is still to be put into a mailbox, and the revision at which it was read."""

    task: CopyTask
    revision: int


class Copies(Protocol):
    """The tasks to put copies into mailboxes. Raises BusUnavailable, StateConflict as above."""

    async def keep(self, task: CopyTask) -> None:
        """Write a task, unless the mail has one."""

    async def get(self, send_id: str) -> KeptCopy | None:
        """The task of a mail."""

    async def change(self, kept: KeptCopy, task: CopyTask) -> KeptCopy:
        """Write how far it is, if nobody else did."""

    async def forget(self, send_id: str) -> None:
        """The task is done, or given up."""

    async def waiting(self) -> list[CopyTask]:
        """Every task that is still to be done."""


class SentMail(Protocol):
    """The mailboxes where sent mail lies, by way of the service that reads them."""

    async def put(self, copy: PutSent) -> PutSentResult:
        """Put a copy unless it is there; when nobody answers: not ok, and to come again."""

    async def find(self, question: FindSent) -> FoundSent:
        """Look for a mail; `found` is None when nobody could look, or nobody answers."""


@dataclass(frozen=True)
class KeptHealth:
    """What is written of a channel, and the revision at which it was read; 0: nothing yet."""

    health: KnownHealth | None
    revision: int


class Healths(Protocol):
    """What others can read of the health of channels. Raises BusUnavailable, StateConflict."""

    async def read(self, channel: str) -> KeptHealth:
        """What is written of an outbound channel."""

    async def write(self, kept: KeptHealth, health: KnownHealth) -> None:
        """Write what is so now, if nobody else did."""

    async def tell(self, fact: str, health: KnownHealth, *, after: KeptHealth) -> None:
        """Tell that it changed; told twice of the same change, it is one fact."""


TellClaim = Callable[[SendClaimed], Awaitable[None]]
TellOutcome = Callable[[SendOutcome], Awaitable[None]]
