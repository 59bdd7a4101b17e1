"""Who may fetch next: everybody in turn, mail of today before mail from before."""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Generic, TypeVar

Who = TypeVar("Who", bound=Hashable)


class Kind(IntEnum):
    """What a turn is for."""

    LIVE = 0
    BACKLOG = 1


@dataclass
class Turns(Generic[Who]):
    """A line in front of some places; a turn is one batch, then one stands in line again.

    Mail from before has at most `backlog_places` of them, so that mail of today always finds one
    soon, and never fewer than one, so that it comes to its end.
    """

    places: int
    backlog_places: int
    _lines: tuple[deque[Who], deque[Who]] = field(default_factory=lambda: (deque(), deque()))
    _busy: list[int] = field(default_factory=lambda: [0, 0])

    def stand_in_line(self, who: Who, kind: Kind) -> None:
        """Wait for a turn."""
        self._lines[kind].append(who)

    def leave(self, who: Who, kind: Kind) -> None:
        """Wait no longer; nothing happens to one who is not in line."""
        if who in self._lines[kind]:
            self._lines[kind].remove(who)

    def next(self) -> tuple[Who, Kind] | None:
        """Whose turn it is now; it counts as begun. None while there is no place or nobody."""
        if sum(self._busy) >= self.places:
            return None
        for kind in Kind:
            free = kind is Kind.LIVE or self._busy[kind] < self.backlog_places
            if self._lines[kind] and free:
                self._busy[kind] += 1
                return self._lines[kind].popleft(), kind
        return None

    def done(self, kind: Kind) -> None:
        """A turn ended."""
        self._busy[kind] -= 1
