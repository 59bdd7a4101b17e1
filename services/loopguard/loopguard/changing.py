"""Changes what is remembered, again where another replica was faster."""

from collections.abc import Callable
from datetime import timedelta

from loopguard.ports import Shelf, Value
from postbus.errors import StateConflict

_TRIES = 8


async def changed(
    shelf: Shelf[Value],
    name: str,
    change: Callable[[Value], Value],
    *,
    lasts: Callable[[Value], timedelta],
) -> Value | None:
    """The value after the change, as it is kept now; None where the change changes nothing.

    Raises StateConflict when other replicas were faster every time, BusUnavailable, and
    PermanentError where what is kept cannot be understood.
    """
    for _ in range(_TRIES):
        kept = await shelf.read(name)
        value = change(kept.value)
        if value == kept.value:
            return None
        if await shelf.keep(kept, value, lasts=lasts(value)):
            return value
    raise StateConflict("the counters moved on every time")
