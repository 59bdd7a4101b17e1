"""When somebody writes so often that automatic answers rest (L14); the mail itself is filed."""

from datetime import datetime

from loopguard.domain.memory import Arrivals
from loopguard.domain.windows import HOUR, TEN_MINUTES
from postbus.contracts.configuration import LoopLimits
from postbus.contracts.guard import Alarm


def burst(arrivals: Arrivals, limits: LoopLimits, now: datetime) -> Alarm | None:
    """The alarm with this mail, for as long as the window that is full; None: no burst."""
    ten_minutes, hour = arrivals.count(TEN_MINUTES, now), arrivals.count(HOUR, now)
    if hour >= limits.incoming_hour:
        until = now + HOUR
    elif ten_minutes >= limits.incoming_ten_minutes:
        until = now + TEN_MINUTES
    else:
        return None
    evidence = {
        "came": {"10 min": ten_minutes, "60 min": hour},
        "from": {"10 min": limits.incoming_ten_minutes, "60 min": limits.incoming_hour},
    }
    return Alarm(what="burst", about="a correspondent", until=until, evidence=evidence)
