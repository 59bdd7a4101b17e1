"""How much automatic mail one correspondent gets: three rolling windows (L12, L21)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from postbus.mail.addresses import normalise, without_plus


@dataclass(frozen=True)
class Window:
    """At most `limit` automatic mails within any `length` of time."""

    length: timedelta
    limit: int

    @property
    def name(self) -> str:
        """The length as evidence writes it, e.g. `10 min`."""
        return f"{self.length // timedelta(minutes=1)} min"


@dataclass(frozen=True)
class Send:
    """One automatic mail that was allowed."""

    send_id: str
    at: datetime


WINDOWS = (
    Window(timedelta(minutes=10), 3),
    Window(timedelta(minutes=60), 6),
    Window(timedelta(hours=24), 10),
)
LONGEST = max(window.length for window in WINDOWS)
_MOST_SENDS = max(window.limit for window in WINDOWS)


def correspondent_of(address: str) -> str:
    """Who is behind an address, for counting.

    Normalised and without plus-tag: a robot that writes from a new tag each time is one.
    """
    return without_plus(normalise(address))


def windows_for(*, marks_survive: bool) -> tuple[Window, ...]:
    """The windows that hold for a transport.

    Half as much, and at least one, where the transport loses the marks that tell other robots to
    keep quiet (L21).
    """
    if marks_survive:
        return WINDOWS
    return tuple(Window(window.length, max(1, window.limit // 2)) for window in WINDOWS)


def within(sends: Iterable[Send], window: Window, now: datetime) -> tuple[datetime, ...]:
    """When the sends of the window that ends now were, oldest first.

    One that is exactly as old as the window is long has left it. What another replica's clock
    dates a little after now counts.
    """
    return tuple(sorted(send.at for send in sends if now - send.at < window.length))


def free_at(sends: Iterable[Send], windows: Iterable[Window], now: datetime) -> datetime | None:
    """When all windows have room for one more; None if they have it now."""
    kept = tuple(sends)
    waits = [
        times[-window.limit] + window.length
        for window in windows
        if len(times := within(kept, window, now)) >= window.limit
    ]
    return max(waits, default=None)


def with_send(sends: Iterable[Send], send: Send) -> tuple[Send, ...]:
    """The history with one more send, without those that no window reaches any longer.

    The same `send_id` again changes nothing. Never longer than the largest limit, because what is
    over a limit is not allowed and so not recorded.
    """
    kept = tuple(sends)
    if any(known.send_id == send.send_id for known in kept):
        return kept
    young = [known for known in kept if send.at - known.at < LONGEST]
    return (*sorted(young, key=lambda known: known.at), send)[-_MOST_SENDS:]
