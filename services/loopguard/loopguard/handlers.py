"""What the loop guard does when it is asked whether a mail may be sent."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError

from loopguard.domain.checks import HOPS_OF_A_TICKET
from loopguard.domain.counts import is_repeat, send_of
from loopguard.domain.facts import Facts, correspondents, is_automatic, text_of
from loopguard.domain.keys import key_of
from loopguard.domain.memory import Correspondent, Echo, Text
from loopguard.domain.rules import judge
from loopguard.domain.windows import DAY, HOUR, correspondent_of
from loopguard.fuses import Fuses
from loopguard.ports import Kept, Tally, Telling
from loopguard.surroundings import Surroundings, ticket_of
from postbus.contracts.guard import (
    GUARD_ERROR_RULE,
    Alarm,
    Decision,
    Judged,
    JudgeRequest,
    Verdict,
)
from postbus.errors import PermanentError, StateConflict, Unavailable
from postbus.runtime.logging import get_logger

log = get_logger("loopguard")

_TRIES = 8
"""A lost race means that another mail was counted, and after the first few the windows are full:
more tries than the ten-minute window has room for are needed only where keys expire in between."""
_TICKET_RESTS = timedelta(days=30)


@dataclass(frozen=True)
class _Read:
    """What was remembered when the question came."""

    correspondents: dict[str, Kept[Correspondent]]
    text: Kept[Text] | None

    @property
    def known(self) -> dict[str, Correspondent]:
        """By address, as `windows.correspondent_of` gives it."""
        return {address: kept.value for address, kept in self.correspondents.items()}


class Judging:
    """Answers questions; any replica gives the same answer, because what is counted is shared."""

    def __init__(self, around: Surroundings, tally: Tally, telling: Telling) -> None:
        self._around = around
        self._tally = tally
        self._telling = telling
        self._fuses = Fuses(around)

    async def on_question(self, request: JudgeRequest) -> Verdict:
        """The verdict; automatic mail that is allowed is counted, once per `send_id`.

        Raises StateConflict when other replicas were faster every time, BusUnavailable when the
        counters or the configuration are away.
        """
        for _ in range(_TRIES):
            read = await self._read(request)
            facts, verdict = self._judged(request, read)
            if (
                verdict.decision is not Decision.ALLOW
                or not is_automatic(request)
                or await self._counted(request, read, facts)
            ):
                await self._note_rounds(request, facts)
                self._say(request, verdict, at=facts.now)
                return verdict
        raise StateConflict("the counters moved on every time")

    async def explain(self, request: JudgeRequest) -> Verdict:
        """The verdict that the mail would get now; nothing is counted or told."""
        _, verdict = self._judged(request, await self._read(request))
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

    async def _read(self, request: JudgeRequest) -> _Read:
        who, content = correspondents(request), text_of(request)
        people = self._around.memories.correspondents
        reading = asyncio.gather(*(people.read(key_of(one)) for one in who))
        if not is_automatic(request):
            try:
                return _Read(dict(zip(who, await reading, strict=True)), None)
            except (Unavailable, PermanentError):
                # A person's mail needs no counters; that an address bounced may be missed (L22).
                return _Read({}, None)
        found = dict(zip(who, await reading, strict=True))
        texts = self._around.memories.texts
        return _Read(found, None if content is None else await texts.read(content))

    def _judged(self, request: JudgeRequest, read: _Read) -> tuple[Facts, Verdict]:
        text = read.text.value if read.text else Text()
        facts = self._around.facts(request, read.known, text, now=self._around.now())
        return facts, judge(request, facts)

    async def _counted(self, request: JudgeRequest, read: _Read, facts: Facts) -> bool:
        """Count the mail with every correspondent; False if another replica was faster.

        With several of them some may have it counted already then. Counting is idempotent, and
        should the next look hold the mail, they were counted one too many: the safe side.
        """
        if facts.was_allowed(request.send_id):
            return True
        kept = await asyncio.gather(
            *(self._count(request, one, facts.now) for one in read.correspondents.values()),
            self._count_text(request, read.text, facts.now),
        )
        if not all(kept):
            return False
        if is_repeat(request, facts):
            await self._fuses.count(request, facts)
        return True

    async def _count(self, request: JudgeRequest, kept: Kept[Correspondent], now: datetime) -> bool:
        value = kept.value.with_send(send_of(request, kept.value, now))
        if value == kept.value:
            return True
        people = self._around.memories.correspondents
        return await people.keep(kept, value, lasts=value.lasts(now))

    async def _count_text(
        self, request: JudgeRequest, kept: Kept[Text] | None, now: datetime
    ) -> bool:
        if kept is None:
            return True
        who = key_of(correspondent_of(request.recipients[0]))
        value = kept.value.with_echo(Echo(request.send_id, now, who))
        if value == kept.value:
            return True
        return await self._around.memories.texts.keep(kept, value, lasts=DAY + HOUR)

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
