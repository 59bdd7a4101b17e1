"""Writes into the ledger how an attempt ended, and tells it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from dispatch.domain.attempts import MAY_BE_TAKEN_UP, Finished, Step
from dispatch.domain.copies import CopyTask
from dispatch.domain.lateness import is_late
from dispatch.domain.outcomes import never_taken, outcome
from dispatch.ports import Kept
from dispatch.surroundings import Around
from postbus.contracts.sending import SendOutcome, SendState, SmtpReply
from postbus.errors import CredentialsRejected, NotConfigured, StateConflict

log = structlog.get_logger("dispatch")


@dataclass(frozen=True)
class NotHandedOver:
    """Whether the claim was written or not, not a byte of the mail left."""


@dataclass(frozen=True)
class Doubtful:
    """The mail left, and the answer was lost."""

    why: str


@dataclass(frozen=True)
class Ended:
    """How it ended, what stood in the ledger before, and the copy to be put into a mailbox."""

    fact: SendOutcome
    kept: Kept
    copy: CopyTask | None = None


class Recording:
    """What became of attempts: in the ledger, in the stream, and what neither knows yet."""

    def __init__(self, around: Around) -> None:
        self._a = around
        self.unwritten: dict[str, NotHandedOver | Doubtful | Ended] = {}
        """What I know of a claimed mail and the ledger does not, because the bus went away.
        Without it, the claim would stand until it is in doubt."""

    async def end(
        self,
        kept: Kept,
        state: SendState,
        via: str,
        *,
        reason: str = "",
        reply: SmtpReply | None = None,
        refused: Mapping[str, SmtpReply] | None = None,
        from_address: str = "",
        sent_as: str | None = None,
        copy: CopyTask | None = None,
        by: str = "",
    ) -> None:
        """Write the end and tell it; from here on the mail is never sent again.

        `refused` are recipients whom the server will never take, with what it said.
        """
        fact = outcome(
            kept.attempt,
            state,
            outbound_channel=via,
            now=self._a.now(),
            reason=reason,
            reply=reply,
            from_address=from_address,
            sent_as=sent_as,
            by=by,
        )
        if refused:
            fact = fact.model_copy(update={"bounced": never_taken(refused)})
        await self.write_end(Ended(fact, kept, copy))

    async def write_end(self, ended: Ended) -> None:
        """As `end`; safe to call again with what is in `unwritten`."""
        fact = ended.fact
        self.unwritten[fact.send_id] = ended
        if ended.copy is not None:
            # Before the end: a crash after it would lose the copy, and one before it sends no copy,
            # since a task without its end waits.
            await self._a.copies.keep(ended.copy)
        again = ended.kept.attempt if fact.state in MAY_BE_TAKEN_UP else None
        await self._a.ledger.finish(Finished(outcome=fact, attempt=again))
        del self.unwritten[fact.send_id]
        await self.tell_end(fact, ended.kept)
        if ended.copy is not None:
            self._a.copy_waits(ended.copy)

    async def tell_end(self, fact: SendOutcome, kept: Kept) -> None:
        """Tell the end, and only then forget that it was open: a crash in between tells again."""
        await self._a.tell(fact)
        with suppress(StateConflict):  # a person took it up again, or another replica forgot it
            await self._a.ledger.forget_open(kept)
        log.info(
            "mail_ended",
            send_id=fact.send_id,
            state=fact.state,
            outbound=fact.outbound_channel,
            attempt=fact.attempt,
            rule=fact.verdict.rule if fact.verdict else None,
        )

    async def defer(self, kept: Kept, via: str, error: Exception, number: int) -> datetime | None:
        """Put the mail off after its attempt of that number; None if it has been tried enough."""
        at = self._a.schedule.next_attempt_at(
            number,
            accepted_at=kept.attempt.accepted_at,
            now=self._a.now(),
            asked_seconds=getattr(error, "retry_after_seconds", None),
        )
        if at is None:
            reason = f"given up after {self._a.schedule.give_up_after.days} days: {error}"
            await self.end(kept, SendState.FAILED, via, reason=reason)
            return None
        # What an admin has to mend is tried again as soon as the configuration changes.
        mendable = isinstance(error, (CredentialsRejected, NotConfigured))
        due = None if mendable else at
        await self.note_deferral(kept, via, reason=str(error), at=at, due=due, number=number)
        return at

    async def warn_if_late(self, kept: Kept, via: str) -> Kept:
        """Tell, once, that a mail still waits after some hours; what stands in the ledger now."""
        now = self._a.now()
        if not is_late(kept.attempt, now=now):
            return kept
        attempt = kept.attempt.model_copy(update={"late_since": now})
        last = attempt.last_outcome
        fact = outcome(
            attempt,
            SendState.DEFERRED,
            outbound_channel=via,
            now=now,
            reason=last.reason if last else "It could not be sent yet.",
            next_attempt_at=attempt.next_attempt_at or (last.next_attempt_at if last else None),
        )
        attempt = attempt.model_copy(update={"last_outcome": fact})
        kept = await self._a.ledger.change(kept, attempt)
        await self._a.tell(fact)
        log.warning("mail_late", send_id=fact.send_id, outbound=via, attempt=fact.attempt)
        return kept

    async def note_deferral(
        self, kept: Kept, via: str, *, reason: str, at: datetime, due: datetime | None, number: int
    ) -> None:
        """Write and tell that the mail waits until `at`; `due` None: or until something changes."""
        attempt = kept.attempt.model_copy(
            update={
                "step": Step.DEFERRED,
                "attempt": number,
                "next_attempt_at": due,
                "doubt": None,
                "sent_as": None,
                "handle": None,
            }
        )
        fact = outcome(
            attempt,
            SendState.DEFERRED,
            outbound_channel=via,
            now=self._a.now(),
            reason=reason,
            next_attempt_at=at,
        )
        await self._a.ledger.change(kept, attempt.model_copy(update={"last_outcome": fact}))
        await self._a.tell(fact)
        log.info(
            "mail_deferred",
            send_id=fact.send_id,
            outbound=via,
            attempt=number,
            next_attempt_at=at.isoformat(timespec="seconds"),
        )
