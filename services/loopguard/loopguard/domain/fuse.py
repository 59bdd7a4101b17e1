"""When a channel sends far more automatic answers than it does usually (L17).

Answers are what goes back to whoever wrote. Notifications to agents are none: how many there are is
bounded by how many agents there are, and in a rush they are needed most.
"""

from datetime import datetime, timedelta
from typing import Final

from loopguard.domain.flow import Flow, Pace
from postbus.contracts.base import JsonObject
from postbus.contracts.configuration import LoopLimits
from postbus.contracts.guard import Alarm

EVERYTHING: Final = "*"
"""The fuse of the whole installation, beside those of its channels."""
RESTS: Final = timedelta(hours=1)
_REPEATS: Final = "automatic answers to who had automatic mail within a day"
_ALL: Final = "all automatic answers"


def opened(about: str, flow: Flow, limits: LoopLimits, now: datetime) -> Alarm | None:
    """The alarm of a channel, or of `EVERYTHING`; None while its fuse may stay closed.

    Repeats are looked at first, since they say more.
    """
    why = _too_much(flow.repeats, limits, now, counted=_REPEATS)
    why = why or _too_much(flow.all, limits, now, counted=_ALL)
    if why is None:
        return None
    return Alarm(what="fuse", about=about, until=now + RESTS, evidence=why)


def _too_much(pace: Pace, limits: LoopLimits, now: datetime, *, counted: str) -> JsonObject | None:
    recent, usual = pace.in_ten_minutes(now), pace.usual_in_ten_minutes(now)
    if recent <= limits.fuse_ten_minutes or recent <= limits.fuse_times * usual:
        return None
    return {
        "counted": counted,
        "in_10_min": recent,
        "most": limits.fuse_ten_minutes,
        "usual_in_10_min": round(usual, 2),
        "times": limits.fuse_times,
    }
