"""When a channel sends far more repeated automatic mail than it does usually (L17)."""

from datetime import datetime

from loopguard.domain.memory import Repeats
from postbus.contracts.base import JsonObject
from postbus.contracts.configuration import LoopLimits


def should_open(repeats: Repeats, limits: LoopLimits, now: datetime) -> JsonObject | None:
    """Why the fuse opens, as evidence; None while it may stay closed."""
    recent, usual = repeats.in_ten_minutes(now), repeats.usual_in_ten_minutes(now)
    if recent <= limits.fuse_ten_minutes or recent <= limits.fuse_times * usual:
        return None
    return {
        "repeats_in_10_min": recent,
        "most": limits.fuse_ten_minutes,
        "usual_in_10_min": round(usual, 2),
        "times": limits.fuse_times,
    }
