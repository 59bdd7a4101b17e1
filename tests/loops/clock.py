"""One clock for all processes of a run: real time, and what the driver has skipped of it.

The offset is eight bytes of a file that every process has mapped, so a skip is seen at once by
whoever asks next, however busy the machine is.
"""

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

CLOCK_FILE = "LOOPS_CLOCK"
"""The variable of the environment that names the file."""
_MICROSECONDS = struct.Struct("=q")


class SimulatedClock:
    """Never goes back; `skip_to` is for the driver alone."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(bytes(_MICROSECONDS.size))
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), _MICROSECONDS.size)

    def now(self) -> datetime:
        """The simulated time, with its time zone."""
        (skipped,) = _MICROSECONDS.unpack(self._shared[:])
        return datetime.now(UTC) + timedelta(microseconds=skipped)

    def skip(self, time: timedelta) -> None:
        """Go on by so much at once."""
        (skipped,) = _MICROSECONDS.unpack(self._shared[:])
        self._shared[:] = _MICROSECONDS.pack(skipped + time // timedelta(microseconds=1))

    def skip_to(self, at: datetime) -> None:
        """Go on to that time, if it is not there yet."""
        self.skip(max(timedelta(), at - self.now()))
