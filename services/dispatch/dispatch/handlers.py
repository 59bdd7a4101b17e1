"""What dispatch does when it hears that a mail wants to go out, and what it finds in its ledger."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from dispatch.domain.attempts import Attempt, Step, is_orphan, is_too_old
from dispatch.domain.copies import CopyTask
from dispatch.domain.outcomes import outcome
from dispatch.domain.routes import route_of
from dispatch.lanes import Lanes
from dispatch.ports import Copies, Kept, Ledger, TellOutcome, Transport
from dispatch.sending import Sending
from postbus.configuration import Configuration, NoOutbound
from postbus.contracts.sending import SendRequestedEvent, SendState
from postbus.contracts.trying import TryOutbound, TryResult, TryStep, TryStepName

log = structlog.get_logger("dispatch")

_NO_ROUTE = "-"
_TAKE_OVER_AFTER = timedelta(seconds=30)
"""A mail that its replica has not begun by now is put on another replica's lane too."""


@dataclass(frozen=True)
class SendHandlers:
    """Takes requests into the ledger; the lanes do the rest."""

    ledger: Ledger
    lanes: Lanes
    tell: TellOutcome
    configuration: Callable[[], Configuration]
    now: Callable[[], datetime]

    async def on_send_requested(self, event: SendRequestedEvent) -> None:
        """Accept a request: once it is in the ledger, the stream may forget it.

        A request that comes again after its end gets an open entry too. The attempt, which must
        look for the end anyway, finds it and takes the entry away, so no look is needed here.
        """
        request = event.data
        now = self.now()
        attempt = Attempt(request=request, accepted_at=now)
        if is_too_old(request, now=now):
            await self._refuse_old(attempt)
            return
        await self.ledger.accept(attempt)
        self.offer(attempt)

    def offer(self, attempt: Attempt) -> None:
        """Put the mail on the lane of the channel that it leaves by."""
        self.lanes.offer(self._lane(attempt), attempt.request.send_id)

    def hurry(self, attempt: Attempt) -> None:
        """As `offer`, and it waits no longer for what it waited for."""
        self.lanes.hurry_one(self._lane(attempt), attempt.request.send_id)

    def _lane(self, attempt: Attempt) -> str:
        outbound = route_of(attempt, self.configuration())
        return _NO_ROUTE if isinstance(outbound, NoOutbound) else outbound.id

    async def _refuse_old(self, attempt: Attempt) -> None:
        if await self.ledger.finished(attempt.request.send_id) is not None:
            return
        via = attempt.request.channel
        reason = "The request is so old that sending it might be the second time."
        fact = outcome(
            attempt, SendState.FAILED, outbound_channel=via, now=self.now(), reason=reason
        )
        await self.tell(fact)


@dataclass(frozen=True)
class Sweep:
    """Finds in the ledger what no lane has: after a start, and every few seconds."""

    ledger: Ledger
    copies: Copies
    copy_waits: Callable[[CopyTask], None]
    handlers: SendHandlers
    sending: Sending
    me: str
    send_limit: timedelta
    now: Callable[[], datetime]

    async def at_start(self) -> int:
        """Everything unfinished goes on its lane; claims of my own former life are in doubt."""
        found = await self.ledger.unfinished()
        for kept in found:
            if kept.attempt.last_outcome is not None:
                await self.handlers.tell(kept.attempt.last_outcome)
            await self._take(kept, me=self.me)
        for task in await self.copies.waiting():
            self.copy_waits(task)
        return len(found)

    async def again(self) -> None:
        """What other replicas left lying."""
        for kept in await self.ledger.unfinished():
            if self.now() - kept.attempt.accepted_at > _TAKE_OVER_AFTER:
                # Claims in my name are being worked on now, so only the time limit counts.
                await self._take(kept, me="")
        for task in await self.copies.waiting():
            if self.now() - task.sent_at > _TAKE_OVER_AFTER:
                self.copy_waits(task)

    async def _take(self, kept: Kept, *, me: str) -> None:
        attempt = kept.attempt
        if attempt.step is not Step.CLAIMED or attempt.doubt is not None:
            self.handlers.offer(attempt)
        elif is_orphan(attempt, me=me, now=self.now(), send_limit=self.send_limit):
            log.warning("claim_without_outcome", send_id=attempt.request.send_id)
            await self.sending.doubt(kept)
            self.handlers.offer(attempt)
        elif attempt.is_ended_by(await self.ledger.finished(attempt.request.send_id)):
            self.handlers.offer(attempt)


@dataclass(frozen=True)
class TryHandler:
    """Answers "can mail leave through this channel?"."""

    transport: Transport

    async def on_try(self, question: TryOutbound) -> TryResult:
        """How far it came; the failing step says why."""
        return await self.transport.try_out(question)

    @staticmethod
    def failed(error: Exception) -> TryResult:
        """The answer when the question itself made trouble."""
        step = TryStep(name=TryStepName.RESOLVE, ok=False, detail=type(error).__name__)
        return TryResult(ok=False, steps=(step,))
