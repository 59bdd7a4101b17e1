"""Mail of today goes first: an import does not run far ahead of what ticketing files."""

import asyncio
from collections.abc import Callable

from postbus.bus import Bus
from postbus.bus.topology import IMPORTS

MOST_AHEAD = 500
_LOOK_AGAIN_SECONDS = 0.25
_SAY_SO_SECONDS = 30.0


class Pacing:
    """Holds the teller back while `MOST_AHEAD` mails are told and not filed."""

    def __init__(self, bus: Bus, say: Callable[[str], None]) -> None:
        self._bus = bus
        self._say = say
        self._room = 0
        self._one_looks = asyncio.Lock()

    async def wait(self) -> None:
        """Return when one more mail may be told; BusUnavailable."""
        async with self._one_looks:
            waited = 0.0
            while self._room <= 0:
                self._room = MOST_AHEAD - await self._bus.backlog(IMPORTS)
                if self._room > 0:
                    break
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
                waited += _LOOK_AGAIN_SECONDS
                if waited == _SAY_SO_SECONDS:
                    self._say(f"{MOST_AHEAD} mails wait for ticketing; is it running?")
            self._room -= 1
