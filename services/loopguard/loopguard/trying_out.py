"""What other limits would have decided about the mail of the last days (a dry run)."""

from collections import Counter, deque
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
        seen: set[str] = set()
        counted: Counter[str] = Counter()
        by_rule: Counter[str] = Counter()
        differences: deque[Difference] = deque(maxlen=MOST_DIFFERENCES)
        async for judged in self._recorded.since(self._around.now() - timedelta(days=request.days)):
            if judged.verdict.rule == GUARD_ERROR_RULE or judged.question.send_id in seen:
                continue
            seen.add(judged.question.send_id)
            before, after = now_holds.judge(judged), would_hold.judge(judged)
            held_before = before.decision is not Decision.ALLOW
            held_after = after.decision is not Decision.ALLOW
            counted["judged"] += 1
            counted["allowed_before"] += not held_before
            counted["allowed_after"] += not held_after
            by_rule[after.rule] += held_after
            if held_before is not held_after:
                counted["newly_held" if held_after else "newly_allowed"] += 1
                differences.append(_difference(judged, before=before, after=after))
        return DryRun(
            **counted,
            by_rule={rule: count for rule, count in sorted(by_rule.items()) if count},
            differences=tuple(reversed(differences)),
        )

    def unable(self, error: Exception) -> DryRun:
        """The answer when there is none."""
        return DryRun(problem=f"The recorded mail cannot be read now ({type(error).__name__}).")


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
