"""Sign-ins that are under way.

They are kept in memory: this service is one process, and whoever was under way while it was started
anew starts again.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

MOST_PENDING: Final = 1000


class Ends(Protocol):
    """Whatever is good for a while."""

    @property
    def expires_at(self) -> datetime:
        """From then on it is good no more."""


P = TypeVar("P", bound=Ends)


class PendingSignIns(Generic[P]):
    """By state; so many at most, of which the oldest are forgotten first."""

    def __init__(self, now: Callable[[], datetime], most: int = MOST_PENDING) -> None:
        self._now = now
        self._most = most
        self._by_state: dict[str, P] = {}

    def put(self, state: str, pending: P) -> None:
        """Wait for this one."""
        self._by_state.pop(state, None)
        now = self._now()
        live = {k: one for k, one in self._by_state.items() if one.expires_at > now}
        self._by_state = dict(list(live.items())[-(self._most - 1) :])
        self._by_state[state] = pending

    def get(self, state: str) -> P | None:
        """The one of that state, while it is good."""
        pending = self._by_state.get(state)
        return pending if pending is not None and pending.expires_at > self._now() else None

    def drop(self, state: str) -> None:
        """It is used up."""
        self._by_state.pop(state, None)
