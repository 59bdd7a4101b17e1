"""How often an agent is sent a notification: what happens meanwhile is collected and told at once.

The loop guard lets through 3 automatic mails in 10 minutes, 6 in 60 and 10 in 24 hours to one
correspondent that mails caused, 8 of them on one ticket (L12, L13), and half of that where the
transport loses our marks (L21). Notifications stay below by themselves: the more of them a day had,
the longer the next one collects. So none is held, and nothing that happened goes untold.
"""

from datetime import datetime, timedelta
from typing import Final

from ticketing.domain.notices import Lane

DAY: Final = timedelta(hours=24)
_MARGIN: Final = timedelta(minutes=1)
"""The guard counts when it judges, a moment after the notification was written."""
_WAITS: Final = (0, 10, 10, 20, 40, 60, 120, 240)
"""Minutes after the last one, by how many there were within a day: eight over some eight hours."""
_WAITS_WITHOUT_MARKS: Final = (0, 30, 60, 120)
_MOST_BY_PEOPLE: Final = 100
"""A day, of 120 that the guard lets through because of what people did (L13b)."""


def free_at(
    sent: tuple[datetime, ...], lane: Lane, *, quiet: timedelta, marks_survive: bool, now: datetime
) -> datetime:
    """When the next notification may go; `sent` are the last ones, oldest first.

    What a person did is told after the quiet time alone, for which the guard has room.
    """
    lately = [at for at in sent if now - at < DAY]
    if not lately:
        return now
    waits = _WAITS if marks_survive else _WAITS_WITHOUT_MARKS
    most = _MOST_BY_PEOPLE if lane is Lane.PERSON else len(waits)
    if len(lately) >= most:
        return lately[-most] + DAY + _MARGIN
    if lane is Lane.PERSON:
        return lately[-1] + quiet
    return lately[-1] + max(quiet, timedelta(minutes=waits[len(lately)]))
