"""What dispatch does when a person decided about a mail that waits, or that reached its end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from dispatch.domain.attempts import Attempt, Finished, Step
from dispatch.domain.decisions import ending_of, may_change, may_end_anew, taken_up
from dispatch.ports import Kept, Ledger, TellOutcome
from postbus.contracts.sending import SendDecided, SendDecidedEvent, SendOutcome, SendState
from postbus.errors import TemporaryError

log = structlog.get_logger("dispatch")

_FORGOTTEN = "This mail is known no longer; please write the answer again."


@dataclass(frozen=True)
class Deciding:
    """Writes decisions into the ledger; the lanes carry them out.

    The open entry is changed by compare-and-set, and so is the claim: of a decision and a sending
    at the same moment one comes first, and the other sees it.
    """

    ledger: Ledger
    tell: TellOutcome
    hurry: Callable[[Attempt], None]
    now: Callable[[], datetime]

    async def on_send_decided(self, event: SendDecidedEvent) -> None:
        """Take a decision up; twice, or after a later one, it changes nothing.

        StateConflict and TemporaryError: to be tried again; the latter while the mail is being
        handed over, or looked for, since only then it shows what is left to decide.
        """
        decided = event.data
        # In this order: whoever ends a mail writes the end before the open entry goes.
        kept = await self.ledger.open(decided.send_id)
        finished = await self.ledger.finished(decided.send_id)
        number = decided.decision.number
        if finished is not None and finished.outcome.decision >= number:
            await self.tell(finished.outcome)
        elif kept is not None and kept.attempt.decided >= number:
            self.hurry(kept.attempt)
        elif finished is not None and (kept is None or kept.attempt.is_ended_by(finished)):
            await self._end_anew(kept, finished, decided)
        elif kept is not None:
            await self._change(kept, decided)
        else:
            await self.tell(_of_forgotten(decided, now=self.now()))

    async def _end_anew(self, kept: Kept | None, finished: Finished, decided: SendDecided) -> None:
        if finished.attempt is None or not may_end_anew(finished, decided.decision):
            log.info("decision_too_late", send_id=decided.send_id, state=finished.outcome.state)
            await self.tell(finished.outcome)
            return
        attempt = taken_up(finished.attempt, decided.decision, now=self.now())
        if kept is None:
            await self.ledger.take_up(attempt)
        else:
            # An open entry that is only left over.
            await self.ledger.change(kept, attempt)
        self._taken_up(attempt, decided)

    async def _change(self, kept: Kept, decided: SendDecided) -> None:
        if kept.attempt.step is Step.CLAIMED:
            raise TemporaryError("the mail is being handed over")
        if not may_change(kept.attempt, decided.decision):
            log.info("decision_without_cause", send_id=decided.send_id)
            return
        attempt = taken_up(kept.attempt, decided.decision, now=self.now())
        await self.ledger.change(kept, attempt)
        self._taken_up(attempt, decided)

    def _taken_up(self, attempt: Attempt, decided: SendDecided) -> None:
        log.info("mail_decided", send_id=decided.send_id, what=decided.decision.what)
        self.hurry(attempt)


def _of_forgotten(decided: SendDecided, *, now: datetime) -> SendOutcome:
    """The end of a mail that the ledger has no longer: it can be discarded, and not sent."""
    ending = ending_of(decided.decision)
    return SendOutcome(
        send_id=decided.send_id,
        ticket_number=decided.ticket_number,
        queue=decided.queue,
        message_id=decided.message_id,
        kind=decided.kind,
        automatic=decided.automatic,
        state=ending.state if ending else SendState.FAILED,
        outbound_channel=decided.outbound_channel,
        recipients=decided.recipients,
        reason=ending.reason if ending else _FORGOTTEN,
        decision=decided.decision.number,
        by=decided.decision.by,
        at=now,
    )
