"""When a mail takes so long that an agent is warned, once, while it is still tried.

RFC 5321 §4.5.4.1 lets a sender try for days; people want to know after some hours.
"""

from datetime import datetime, timedelta

from dispatch.domain.attempts import Attempt, Step

WARN_AFTER = timedelta(hours=4)


def is_late(attempt: Attempt, *, now: datetime) -> bool:
    """Whether it is time to warn; a mail that was handed over perhaps is in doubt, and not late."""
    waits = attempt.step is not Step.CLAIMED
    return waits and attempt.late_since is None and now - attempt.accepted_at >= WARN_AFTER


def warns_at(attempt: Attempt, *, before: datetime) -> datetime:
    """When to come again: in time for the warning, if that is before it is due."""
    if attempt.late_since is not None:
        return before
    return min(before, attempt.accepted_at + WARN_AFTER)
