"""What the loop guard does when it is asked whether a mail may be sent."""

from datetime import datetime, timedelta

from pydantic import ValidationError

from loopguard.domain.checks import HOPS_OF_A_TICKET
from loopguard.domain.counts import is_repeat
from loopguard.domain.facts import Facts, answers_the_sender, is_automatic
from loopguard.domain.rules import judge
from loopguard.fuses import Fuses
from loopguard.ports import Tally, Telling
from loopguard.remembering import Read, Remembering
from loopguard.surroundings import Surroundings, ticket_of
from postbus.contracts.guard import (
    GUARD_ERROR_RULE,
    Alarm,
    Decision,
    Judged,
    JudgeRequest,
    Verdict,
)
from postbus.errors import StateConflict, Unavailable
from postbus.runtime.logging import get_logger

log = get_logger("loopguard")

_TRIES = 8
"""A lost race means that another mail was counted, and after the first few the windows are full:
more tries than the ten-minute window has room for are needed only where keys expire in between."""
_AT_ONCE = timedelta(seconds=1)
"""Questions about one mail that come so close together move its count for each other."""
_TICKET_RESTS = timedelta(days=30)


class Judging:
    """Answers questions; any replica gives the same answer, because what is counted is shared."""

    def __init__(self, around: Surroundings, fuses: Fuses, tally: Tally, telling: Telling) -> None:
        self._around = around
        self._tally = tally
        self._telling = telling
        self._remembering = Remembering(around.memories)
        self._fuses = fuses

    async def on_question(self, request: JudgeRequest) -> Verdict:
        """The verdict; automatic mail that is allowed is counted once, as of the last question.

        Raises StateConflict when other replicas were faster every time, BusUnavailable when the
        counters or the configuration are away.
        """
        # One time for all tries, so that what a lost race has counted is not written again.
        now, is_new = self._around.now(), False
        fresh = now
        for _ in range(_TRIES):
            read, facts, verdict = await self._judged(request, now)
            if verdict.decision is Decision.ALLOW and is_automatic(request):
                counted = await self._remembering.count(request, read, now, fresh=fresh)
                is_new = is_new or counted.anew
                if not counted.everywhere:
                    fresh = now - _AT_ONCE
                    continue
                if is_new and answers_the_sender(request):
                    repeat = is_repeat(facts)
                    self._fuses.count(request.outbound_channel, now, repeat=repeat)
            await self._note_rounds(request, facts)
            self._say(request, verdict, at=now)
            return verdict
        raise StateConflict("the counters moved on every time")

    async def explain(self, request: JudgeRequest) -> Verdict:
        """The verdict that the mail would get now; nothing is counted or told."""
        _, _, verdict = await self._judged(request, self._around.now())
        return verdict

    def unable(self, error: Exception) -> Verdict:
        """The answer when there is no verdict: hold, under a rule that tells the asker to wait."""
        verdict = self.cannot_explain(error)
        self._tally.counted(verdict)
        log.info("judged", rule=verdict.rule, decision=verdict.decision.value, send_id=None)
        return verdict

    def cannot_explain(self, error: Exception) -> Verdict:
        """The same where nobody wants to send anything, so it is not counted as a verdict."""
        return Verdict(
            decision=Decision.HOLD,
            rule=GUARD_ERROR_RULE,
            reason=_why(error),
            evidence={"error": type(error).__name__},
            lifted_by="ask again",
        )

    async def _judged(self, request: JudgeRequest, now: datetime) -> tuple[Read, Facts, Verdict]:
        read = await self._remembering.read(request)
        facts = self._around.facts(request, read.known, read.text, now=now)
        return read, facts, judge(request, facts)

    async def _note_rounds(self, request: JudgeRequest, facts: Facts) -> None:
        """Where automatic mail came back thrice, all of that ticket rests (L9)."""
        stamp = request.cause.stamp if request.cause else None
        if stamp is None or stamp.hop < HOPS_OF_A_TICKET or not is_automatic(request):
            return
        number = stamp.ticket_number
        alarm = Alarm(
            what="ticket",
            about=str(number),
            until=facts.now + _TICKET_RESTS,
            evidence={"hop": stamp.hop},
        )
        await self._around.alarms.raise_(ticket_of(number), alarm, now=facts.now)

    def _say(self, request: JudgeRequest, verdict: Verdict, *, at: datetime) -> None:
        self._tally.counted(verdict)
        log.info(
            "judged", rule=verdict.rule, decision=verdict.decision.value, send_id=request.send_id
        )
        self._telling.told(Judged(question=request, verdict=verdict, at=at))


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "The question could not be read."
    if isinstance(error, Unavailable):
        return "The counters or the configuration cannot be reached."
    if isinstance(error, StateConflict):
        return "Too many questions about one correspondent at once."
    return "The guard failed."
