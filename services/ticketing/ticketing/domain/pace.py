"""How often an agent is sent a notification: what happens meanwhile is collected and told at once.

Notifications stay below the limits of the loop guard (L12, L13, L13b, L21) by themselves: so none
is held, and nothing that happened goes untold. The more of them a day had, the longer the next one
collects, so that they are spread over a working day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from postbus.contracts.configuration import LoopLimits, Windows
from ticketing.domain.notices import Lane

DAY: Final = timedelta(hours=24)
_MARGIN: Final = timedelta(minutes=1)
"""The guard counts when it judges, a moment after the notification was written."""
_WAITS: Final = (10, 10, 10, 20, 40, 60, 120, 240)
"""Minutes after the last one, by how much of a day's share was used, in eighths: were there eight
notifications a day, they would go within some eight hours. Of more, each waits for less."""


@dataclass(frozen=True)
class Room:
    """How many notifications an agent may be sent within a time."""

    length: timedelta
    most: int


def rooms_of(limits: LoopLimits, lane: Lane, *, marks_survive: bool) -> tuple[Room, ...]:
    """The tightest that the guard has for one address, all being about one ticket; a day is last.

    Half as much, and at least one, where the transport loses our marks (L21).
    """
    pair: tuple[Windows, Windows] = (limits.correspondent, limits.ticket)
    if lane is Lane.PERSON:
        pair = (limits.people_correspondent, limits.people_ticket)
    lengths = (timedelta(minutes=10), timedelta(hours=1), DAY)
    given = zip(*((one.ten_minutes, one.hour, one.day) for one in pair), strict=True)
    most = (min(two) for two in given)
    return tuple(
        Room(length, one if marks_survive else max(1, one // 2))
        for length, one in zip(lengths, most, strict=True)
    )


def free_at(
    sent: tuple[datetime, ...], rooms: tuple[Room, ...], *, quiet: timedelta, now: datetime
) -> datetime:
    """When the next notification may go; `sent` are the last ones, oldest first."""
    lately = [at for at in sent if now - at < DAY]
    if not lately:
        return now
    free = lately[-1] + max(quiet, _wait(len(lately), rooms[-1].most))
    for room in rooms:
        within = [at for at in lately if now - at < room.length + _MARGIN]
        if len(within) >= room.most:
            free = max(free, within[-room.most] + room.length + _MARGIN)
    return free


def _wait(count: int, most: int) -> timedelta:
    share = min(count * len(_WAITS) // most, len(_WAITS) - 1)
    return timedelta(minutes=_WAITS[share]) * len(_WAITS) / most
