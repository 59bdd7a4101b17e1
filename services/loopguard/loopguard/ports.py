"""What the loop guard needs of the world, in its own words."""

from dataclasses import dataclass
from typing import Protocol

from loopguard.domain.windows import Send
from postbus.contracts.guard import Verdict


@dataclass(frozen=True)
class Count:
    """The automatic mails that one correspondent got, as they were read.

    `revision` is None where nothing is kept yet.
    """

    correspondent: str
    sends: tuple[Send, ...] = ()
    revision: int | None = None


class Counters(Protocol):
    """Automatic mail by correspondent, shared by all replicas. Raises BusUnavailable."""

    async def read(self, correspondent: str) -> Count:
        """What is kept of a correspondent (an address as `windows.correspondent_of` gives it).

        Raises PermanentError if what is kept cannot be understood.
        """

    async def keep(self, count: Count, sends: tuple[Send, ...]) -> bool:
        """Keep `sends` instead of `count`; False if another replica was faster."""


class Tally(Protocol):
    """Where verdicts are counted for operators."""

    def counted(self, verdict: Verdict) -> None:
        """Count one verdict by rule and decision."""
