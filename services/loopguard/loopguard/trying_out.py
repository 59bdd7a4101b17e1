"""What other limits would have decided about the mail of the last days (a dry run)."""

from collections import Counter
from datetime import timedelta

from loopguard.domain.replay import Replay
from loopguard.ports import Recorded
from loopguard.surroundings import Surroundings
from postbus.contracts.guard import (
    GUARD_ERROR_RULE,
    Decision,
    Difference,
    DryRun,
    DryRunRequest,
    Judged,
    Verdict,
)

MOST_DIFFERENCES = 100


class TryingOut:
    """Judges recorded questions again, in their order, on counters of its own."""

    def __init__(self, around: Surroundings, recorded: Recorded) -> None:
        self._around = around
        self._recorded = recorded

    async def on_question(self, request: DryRunRequest) -> DryRun:
        """The figures, and the newest differences. BusUnavailable."""
        configuration = self._around.configuration()
        now_holds = Replay(configuration, configuration.loop_limits)
        would_hold = Replay(configuration, request.limits)
        found = _Found()
        async for judged in self._recorded.since(self._around.now() - timedelta(days=request.days)):
            if judged.verdict.rule == GUARD_ERROR_RULE:
                continue
            found.add(judged, before=now_holds.judge(judged), after=would_hold.judge(judged))
        return found.figures()

    def unable(self, error: Exception) -> DryRun:
        """The answer when there is none."""
        return DryRun(problem=f"The recorded mail cannot be read now ({type(error).__name__}).")


class _Found:
    """What became of each mail on both sides, by the last question about it."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[str | None, str | None]] = {}
        """By which rule, before and after."""
        self._differences: dict[str, Difference] = {}

    def add(self, judged: Judged, *, before: Verdict, after: Verdict) -> None:
        send_id = judged.question.send_id
        self._held[send_id] = (_rule_of_hold(before), _rule_of_hold(after))
        self._differences.pop(send_id, None)
        if before.decision is not after.decision:
            self._differences[send_id] = _difference(judged, before=before, after=after)
        if len(self._differences) > MOST_DIFFERENCES:
            del self._differences[next(iter(self._differences))]

    def figures(self) -> DryRun:
        pairs = self._held.values()
        rules = Counter(after for _, after in pairs if after is not None)
        return DryRun(
            judged=len(pairs),
            allowed_before=sum(before is None for before, _ in pairs),
            allowed_after=sum(after is None for _, after in pairs),
            newly_held=sum(before is None and after is not None for before, after in pairs),
            newly_allowed=sum(before is not None and after is None for before, after in pairs),
            by_rule=dict(sorted(rules.items())),
            differences=tuple(reversed(self._differences.values())),
        )


def _rule_of_hold(verdict: Verdict) -> str | None:
    return None if verdict.decision is Decision.ALLOW else verdict.rule


def _difference(judged: Judged, *, before: Verdict, after: Verdict) -> Difference:
    question = judged.question
    return Difference(
        send_id=question.send_id,
        ticket_number=question.ticket_number,
        queue=question.queue,
        kind=question.kind,
        recipients=question.recipients,
        at=judged.at,
        before=before,
        after=after,
    )
