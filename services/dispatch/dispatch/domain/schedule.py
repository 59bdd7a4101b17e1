"""When a mail that could not be delivered is tried again (RFC 5321 §4.5.4.1).

The first tries come soon, since most refusals for now are greylisting or a restart; then at least
half an hour apart, for five days. Asked to wait longer (Retry-After), we wait longer, up to a day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Schedule:
    """Delays in seconds; the last one repeats until `give_up_after`."""

    delays_seconds: tuple[float, ...] = (60, 300, 900, 1800, 3600, 7200, 14400)
    give_up_after: timedelta = timedelta(days=5)
    most_asked_seconds: float = 86_400

    def next_attempt_at(
        self, attempt: int, *, accepted_at: datetime, now: datetime, asked_seconds: float | None
    ) -> datetime | None:
        """When to try again after the attempt-th attempt (1 is the first); None to give up."""
        delay = self.delays_seconds[min(attempt, len(self.delays_seconds)) - 1]
        at = now + timedelta(seconds=max(delay, min(asked_seconds or 0, self.most_asked_seconds)))
        return at if at - accepted_at <= self.give_up_after else None
