"""`python -m loops.simulated <module>`: runs a service as `python -m <module>`, in simulated time.

Services take the time from `utc_now` alone. It is replaced before any module of theirs is imported,
so that nothing in the product has to know of this.
"""

import os
import runpy
import sys
from pathlib import Path

from loops.clock import CLOCK_FILE, SimulatedClock
from postbus.contracts import base


def main() -> None:
    """Run the module that the command line names, as the program."""
    base.utc_now = SimulatedClock(Path(os.environ[CLOCK_FILE])).now
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
