"""Whose mail opened tickets lately, as this process saw it: so that most mail costs no look."""

from collections import OrderedDict, deque
from datetime import datetime, timedelta

_HOUR = timedelta(hours=1)
_MOST_PEOPLE = 5_000
_MOST_TIMES = 3


class Lately:
    """Times of the last few mails of each sender; a hint, which a restart forgets."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, deque[datetime]] = OrderedDict()

    def count(self, who: str, now: datetime) -> int:
        """One more of somebody: how many there were within an hour with it, up to three."""
        times = self._seen.setdefault(who, deque(maxlen=_MOST_TIMES))
        times.append(now)
        self._seen.move_to_end(who)
        while len(self._seen) > _MOST_PEOPLE:
            self._seen.popitem(last=False)
        return sum(now - one < _HOUR for one in times)
