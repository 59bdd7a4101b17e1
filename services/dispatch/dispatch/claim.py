"""The claim: written right before the point of no return, so that of several replicas one sends."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dispatch.domain.attempts import Step
from dispatch.ports import Kept, Ledger
from postbus.errors import StateConflict


@dataclass(frozen=True)
class Claimant:
    """Who claims: the replica, the channel it goes through, and the number of the attempt."""

    replica: str
    outbound: str
    attempt: int


class Claim:
    """One attempt's claim; `kept` is what stands in the ledger as far as this attempt knows."""

    def __init__(
        self, ledger: Ledger, kept: Kept, claimant: Claimant, now: Callable[[], datetime]
    ) -> None:
        self._ledger = ledger
        self._claimant = claimant
        self._now = now
        self.kept = kept

    async def take(self, sent_as: str | None, handle: str | None) -> None:
        """Claim, and note under which Message-ID and handle the mail is found where it was sent.

        StateConflict if another replica did, Unavailable if nobody can tell.
        """
        claimed = self.kept.attempt.model_copy(
            update={
                "step": Step.CLAIMED,
                "attempt": self._claimant.attempt,
                "claimed_by": self._claimant.replica,
                "claimed_at": self._now(),
                "outbound_channel": self._claimant.outbound,
                "next_attempt_at": None,
                "sent_as": sent_as,
                "handle": handle,
            }
        )
        try:
            self.kept = await self._ledger.change(self.kept, claimed)
        except StateConflict:
            # The bus may have repeated a write whose acknowledgement was lost: then it is mine.
            standing = await self._ledger.open(claimed.request.send_id)
            if standing is None or standing.attempt != claimed:
                raise
            self.kept = standing
