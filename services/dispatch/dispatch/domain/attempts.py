"""The life of one mail that wants to go out, as the ledger keeps it.

    accepted ──► claimed ──► sent
       ▲  │         ├──────► failed
       │  └──► held └──────► in-doubt   (a crash hid what happened after the claim)
    deferred ◄──────┘

From held, failed and in doubt, and while it waits, a decision of a person makes it accepted anew,
under the decision's number; an end counts for the decisions up to the one that it names.

The claim is written before the first byte that cannot be taken back, by compare-and-set, so that of
several replicas one sends. What comes after a claim without an outcome is never guessed. Where the
mailbox can tell, it is looked for there; until then the mail is claimed, with its `doubt`.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from dispatch.domain.doubts import Doubt
from postbus.contracts.base import Contract, Slug
from postbus.contracts.guard import Verdict
from postbus.contracts.sending import SendDecision, SendOutcome, SendRequested, SendState

TOO_OLD = timedelta(days=30)
"""A request older than this without a ledger entry is not sent: the entry may have expired."""
ENTRY_LIFE_SECONDS = 35 * 86_400
"""How long the ledger remembers a finished mail; more than TOO_OLD, so nothing is sent twice."""
WAITING_LIFE_SECONDS = 180 * 86_400
"""How long a mail that a person may still decide about can be taken up again."""
MAY_BE_TAKEN_UP = (SendState.HELD, SendState.IN_DOUBT, SendState.FAILED)


class Step(StrEnum):
    """Where an unfinished mail stands."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    CLAIMED = "claimed"


class Attempt(Contract):
    """An unfinished mail: the whole request, and what was tried.

    `sent_as` is the Message-ID that a claimed mail goes out with, where it is not ours, `handle`
    what the other side knows it by besides. `released_by` let it past the guard's hold; `via` is
    the outbound channel that a person chose for it.
    """

    request: SendRequested
    step: Step = Step.ACCEPTED
    accepted_at: datetime
    attempt: int = 0
    next_attempt_at: datetime | None = None
    claimed_by: str | None = None
    claimed_at: datetime | None = None
    outbound_channel: str | None = None
    sent_as: str | None = None
    handle: str | None = None
    doubt: Doubt | None = None
    verdict: Verdict | None = None
    last_outcome: SendOutcome | None = None
    late_since: datetime | None = None
    decision: SendDecision | None = None
    released_by: str = ""
    via: Slug | None = None

    @property
    def decided(self) -> int:
        """The number of the last decision about it; 0: nobody decided anything."""
        return self.decision.number if self.decision else 0

    def is_ended_by(self, finished: "Finished | None") -> bool:
        """Whether that end is its end, and not one that a decision took back since."""
        return finished is not None and finished.outcome.decision >= self.decided


class Finished(Contract):
    """A mail that reached its end; `attempt` is there where a person may take it up again."""

    outcome: SendOutcome
    attempt: Attempt | None = None


def is_orphan(attempt: Attempt, *, me: str, now: datetime, send_limit: timedelta) -> bool:
    """A claim whose holder is gone: mine from before I started, or older than any sending takes.

    A claim with a doubt needs no holder: whoever comes by looks.
    """
    if attempt.step is not Step.CLAIMED or attempt.claimed_at is None or attempt.doubt is not None:
        return False
    return attempt.claimed_by == me or now - attempt.claimed_at > send_limit


def is_too_old(request: SendRequested, *, now: datetime) -> bool:
    """The ledger may have forgotten this mail, so sending it could be the second time."""
    return now - request.requested_at > TOO_OLD
