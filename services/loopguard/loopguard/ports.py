"""What the loop guard needs of the world, in its own words."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from loopguard.domain.flow import Flow
from loopguard.domain.memory import Arrivals, Correspondent, Text
from postbus.contracts.guard import Alarm, Judged, Verdict

Value = TypeVar("Value")


@dataclass(frozen=True)
class Kept(Generic[Value]):
    """A value as it was read under a name; `revision` is None where nothing is kept yet."""

    name: str
    value: Value
    revision: int | None = None


class Shelf(Protocol[Value]):
    """Values by name, shared by all replicas. Raises BusUnavailable."""

    async def read(self, name: str) -> Kept[Value]:
        """What is kept, or an empty value. PermanentError if it cannot be understood."""

    async def keep(self, kept: Kept[Value], value: Value, *, lasts: timedelta) -> bool:
        """Keep `value` instead, for so long; False if another replica was faster."""

    async def forget(self, name: str) -> bool:
        """Forget it; False if there was nothing."""


@dataclass(frozen=True)
class Memories:
    """All that is remembered, each kind by its own name."""

    correspondents: Shelf[Correspondent]
    texts: Shelf[Text]
    arrivals: Shelf[Arrivals]
    flows: Shelf[Flow]


class Alarms(Protocol):
    """What holds more than one mail, known by every replica a moment after one raised it."""

    def standing(self, name: str, now: datetime) -> Alarm | None:
        """The alarm of that name, if it is not over. BusUnavailable before they were read."""

    def all(self, now: datetime) -> tuple[Alarm, ...]:
        """Every alarm that is not over. BusUnavailable before they were read."""

    async def raise_(self, name: str, alarm: Alarm, *, now: datetime) -> None:
        """Let everybody know; one that stands longer stays. BusUnavailable."""

    async def lift(self, name: str) -> bool:
        """Take it back; False if there was none. BusUnavailable."""


class Recorded(Protocol):
    """Verdicts of the last days, with what was asked."""

    def since(self, moment: datetime) -> AsyncIterator[Judged]:
        """From then on, oldest first. BusUnavailable."""


class Tally(Protocol):
    """Where verdicts are counted for operators."""

    def counted(self, verdict: Verdict) -> None:
        """Count one verdict by rule and decision."""


class Telling(Protocol):
    """Tells verdicts, without keeping whoever asked waiting."""

    def told(self, judged: Judged) -> None:
        """Tell it soon."""
