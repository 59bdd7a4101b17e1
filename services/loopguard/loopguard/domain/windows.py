"""How much automatic mail one correspondent gets: rolling windows (L11 to L13b, L21)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from postbus.contracts.configuration import Windows
from postbus.mail.addresses import normalise, without_plus

TEN_MINUTES = timedelta(minutes=10)
HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)


@dataclass(frozen=True)
class Window:
    """At most `limit` automatic mails within any `length` of time."""

    length: timedelta
    limit: int

    @property
    def name(self) -> str:
        """The length as evidence writes it, e.g. `10 min`."""
        return f"{minutes_in(self.length)} min"


def minute_of(at: datetime) -> int:
    """The minute since 1970."""
    return int(at.timestamp()) // 60


def minutes_in(length: timedelta) -> int:
    """How many whole minutes it has."""
    return length // timedelta(minutes=1)


def correspondent_of(address: str) -> str:
    """Who is behind an address, for counting.

    Normalised and without plus-tag: a robot that writes from a new tag each time is one.
    """
    return without_plus(normalise(address))


def windows_of(limits: Windows, *, marks_survive: bool) -> tuple[Window, ...]:
    """The three windows of a limit, halved where the transport loses our marks."""
    return (
        Window(TEN_MINUTES, allowed(limits.ten_minutes, marks_survive=marks_survive)),
        Window(HOUR, allowed(limits.hour, marks_survive=marks_survive)),
        Window(DAY, allowed(limits.day, marks_survive=marks_survive)),
    )


def allowed(limit: int, *, marks_survive: bool) -> int:
    """Half as much, and at least one, where the marks that silence other robots are lost (L21)."""
    return limit if marks_survive else max(1, limit // 2)


def within(times: Iterable[datetime], window: Window, now: datetime) -> tuple[datetime, ...]:
    """Those of the times that lie in the window that ends now, oldest first.

    One that is exactly as old as the window is long has left it. What another replica's clock
    dates a little after now counts.
    """
    return tuple(sorted(at for at in times if now - at < window.length))


def free_at(times: Iterable[datetime], windows: Iterable[Window], now: datetime) -> datetime | None:
    """When all windows have room for one more; None if they have it now."""
    kept = tuple(times)
    waits = [
        inside[-window.limit] + window.length
        for window in windows
        if len(inside := within(kept, window, now)) >= window.limit
    ]
    return max(waits, default=None)
