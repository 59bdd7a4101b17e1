"""How many automatic answers go out, and how many are usual: values, no clock."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from loopguard.domain.windows import TEN_MINUTES, minute_of, minutes_in

_WEEK_HOURS = 7 * 24
KEPT_FOR = timedelta(days=8)
"""How long it is worth keeping after the last mail."""
Counts = tuple[tuple[int, int], ...]
"""How many there were, by minute or hour since 1970, in order."""


@dataclass(frozen=True)
class Pace:
    """So many mails, by minute for ten minutes back, and by hour for a week back."""

    minutes: Counts = ()
    hours: Counts = ()

    def with_more(self, count: int, at: datetime) -> "Pace":
        """With so many more of that time."""
        minute = minute_of(at)
        return self.plus(Pace(((minute, count),), ((minute // 60, count),)))

    def plus(self, other: "Pace") -> "Pace":
        """Both together, without what is older than the newest by more than is looked at."""
        return Pace(
            _sum((*self.minutes, *other.minutes), kept=minutes_in(TEN_MINUTES) + 1),
            _sum((*self.hours, *other.hours), kept=_WEEK_HOURS),
        )

    def in_ten_minutes(self, now: datetime) -> int:
        """How many there were in the last ten minutes, the oldest minute whole."""
        first = minute_of(now) - minutes_in(TEN_MINUTES)
        return sum(count for minute, count in self.minutes if minute >= first)

    def usual_in_ten_minutes(self, now: datetime) -> float:
        """How many are usual in ten minutes, by the seven days before this hour."""
        hour = minute_of(now) // 60
        before = sum(count for one, count in self.hours if hour - _WEEK_HOURS < one < hour)
        return before / ((_WEEK_HOURS - 1) * 6)


@dataclass(frozen=True)
class Flow:
    """Automatic answers of one channel, or of all, and the repeats among them."""

    all: Pace = Pace()
    repeats: Pace = Pace()

    def with_more(self, count: int, at: datetime, *, repeats: int = 0) -> "Flow":
        """With so many more of that time, so many of them repeats."""
        more = self.repeats.with_more(repeats, at) if repeats else self.repeats
        return Flow(self.all.with_more(count, at), more)

    def plus(self, other: "Flow") -> "Flow":
        """Both together."""
        return Flow(self.all.plus(other.all), self.repeats.plus(other.repeats))

    def begun_anew(self) -> "Flow":
        """Without the last minutes; what is usual stays known."""
        return Flow(replace(self.all, minutes=()), replace(self.repeats, minutes=()))


def _sum(counts: Iterable[tuple[int, int]], *, kept: int) -> Counts:
    found: Counter[int] = Counter()
    for at, count in counts:
        found[at] += count
    first = max(found, default=0) - kept
    return tuple(sorted((at, count) for at, count in found.items() if at > first))
