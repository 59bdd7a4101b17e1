"""What the loop guard does when it is asked whether a mail may be sent."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from pydantic import ValidationError

from loopguard.domain.facts import Facts, History, correspondents, facts_of
from loopguard.domain.rules import judge
from loopguard.domain.windows import Send, with_send
from loopguard.ports import Count, Counters, Tally
from postbus.configuration import Configuration
from postbus.contracts.guard import GUARD_ERROR_RULE, Decision, JudgeRequest, Verdict
from postbus.errors import StateConflict, Unavailable
from postbus.runtime.logging import get_logger

log = get_logger("loopguard")

_TRIES = 8
"""A lost race means that another mail was counted, and after the first few the windows are full:
more tries than the ten-minute window has room for are needed only where keys expire in between."""


class Judging:
    """Answers questions; any replica gives the same answer, because the counters are shared."""

    def __init__(
        self,
        counters: Counters,
        tally: Tally,
        *,
        configuration: Callable[[], Configuration],
        now: Callable[[], datetime],
    ) -> None:
        self._counters = counters
        self._tally = tally
        self._configuration = configuration
        self._now = now
        self._own_addresses: tuple[Configuration | None, frozenset[str]] = (None, frozenset())

    async def on_question(self, request: JudgeRequest) -> Verdict:
        """The verdict; automatic mail that is allowed is counted, once per `send_id`.

        Raises StateConflict when other replicas were faster every time, BusUnavailable when the
        counters or the configuration are away.
        """
        for _ in range(_TRIES):
            counts = await asyncio.gather(
                *(self._counters.read(one) for one in correspondents(request))
            )
            facts = self._facts(request, counts)
            verdict = judge(request, facts)
            if verdict.decision is not Decision.ALLOW or await self._counted(
                counts, Send(request.send_id, facts.now)
            ):
                self._say(verdict, send_id=request.send_id)
                return verdict
        raise StateConflict("the counters moved on every time")

    def unable(self, error: Exception) -> Verdict:
        """The answer when there is no verdict: hold, under a rule that tells the asker to wait."""
        verdict = Verdict(
            decision=Decision.HOLD,
            rule=GUARD_ERROR_RULE,
            reason=_why(error),
            evidence={"error": type(error).__name__},
            lifted_by="ask again",
        )
        self._say(verdict, send_id=None)
        return verdict

    def _facts(self, request: JudgeRequest, counts: list[Count]) -> Facts:
        configuration = self._configuration()
        return facts_of(
            request,
            outbound_filter=configuration.filter,
            own_addresses=self._own(configuration),
            histories=(History(count.correspondent, count.sends) for count in counts),
            now=self._now(),
        )

    def _own(self, configuration: Configuration) -> frozenset[str]:
        """The addresses of ours, worked out once per snapshot."""
        known, addresses = self._own_addresses
        if known is not configuration:
            addresses = configuration.own_addresses()
            self._own_addresses = (configuration, addresses)
        return addresses

    async def _counted(self, counts: list[Count], send: Send) -> bool:
        """Count the mail with every correspondent; False if another replica was faster.

        With several correspondents some may have it counted already then. Counting is idempotent,
        and should the next look hold the mail, they were counted one too many: the safe side.
        """
        for count in counts:
            sends = with_send(count.sends, send)
            if sends != count.sends and not await self._counters.keep(count, sends):
                return False
        return True

    def _say(self, verdict: Verdict, *, send_id: str | None) -> None:
        self._tally.counted(verdict)
        log.info("judged", rule=verdict.rule, decision=verdict.decision.value, send_id=send_id)


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "The question could not be read."
    if isinstance(error, Unavailable):
        return "The counters or the configuration cannot be reached."
    if isinstance(error, StateConflict):
        return "Too many questions about one correspondent at once."
    return "The guard failed."
