"""What dispatch needs of the world, in its own words."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from dispatch.domain.attempts import Attempt, Finished
from dispatch.domain.compose import Composed
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.guard import JudgeRequest, Verdict
from postbus.contracts.sending import SendOutcome, SmtpReply
from postbus.contracts.trying import TryOutbound, TryResult


class OutcomeUnknown(Exception):
    """The connection was lost after the point of no return: it may have been sent, or not."""


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

    async def finish(self, outcome: SendOutcome) -> None:
        """Write the end of it; from here on it is never sent again."""

    async def finished(self, send_id: str) -> Finished | None:
        """The end of a mail, while the ledger remembers."""

    async def forget_open(self, send_id: str) -> None:
        """Remove the unfinished entry of a mail whose end was written and told."""

    async def unfinished(self) -> list[Kept]:
        """Every mail that did not reach its end."""


@dataclass(frozen=True)
class Accepted:
    """The server took the mail; `refused` are recipients it will never take (code by address)."""

    reply: SmtpReply
    refused: dict[str, SmtpReply]


class Transport(Protocol):
    """A way out."""

    async def send(
        self,
        channel: OutboundChannel,
        mail: Composed,
        *,
        before_data: Callable[[], Awaitable[None]],
    ) -> Accepted:
        """Hand the mail over; `before_data` is awaited right before it can no longer be taken back.

        Raises MailHostUnavailable (4yz, time-out, no connection), MailRefused (5yz),
        CredentialsRejected, NotConfigured; OutcomeUnknown when the answer to the data was lost.
        """

    async def try_out(self, question: TryOutbound) -> TryResult:
        """Connect, sign in and name the sender, and send nothing."""

    async def close(self) -> None:
        """Say goodbye on every open connection."""


class Guard(Protocol):
    """The loop guard."""

    async def judge(self, question: JudgeRequest) -> Verdict:
        """May it be sent? GuardUnavailable when nobody answers."""


TellOutcome = Callable[[SendOutcome], Awaitable[None]]
