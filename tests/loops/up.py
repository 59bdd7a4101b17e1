"""`python -m loops.up`: what `make up` starts, with every service in simulated time.

Mail leaves to the relay that LOOPS_RELAY names, where the driver listens, and not to the folder
that catches it for developers.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace

from local import programs
from local.home import Home
from local.ports import Ports
from local.programs import Program, Stack

RELAY = "LOOPS_RELAY"
"""The variable of the environment with `host:port` of the driver's relay."""

_as_it_is = programs.stack


def in_simulated_time(home: Home, ports: Ports, environment: Mapping[str, str]) -> Stack:
    """The programs of the local stack, each service run by `loops.simulated`."""
    running = _as_it_is(home, ports, environment)
    relay = f"smtp://{environment[RELAY]}"
    return replace(running, services=tuple(_simulated(one, relay) for one in running.services))


def _simulated(program: Program, relay: str) -> Program:
    python, flag, *module = program.command
    settings = dict(program.environment)
    if "RELAY_URL" in settings:
        settings["RELAY_URL"] = relay
    command = (python, flag, "loops.simulated", *module)
    return replace(program, command=command, environment=settings)


if __name__ == "__main__":
    programs.stack = in_simulated_time
    from local.__main__ import main  # it binds the name when it is imported

    os.environ.setdefault("POSTBUS_HOME", ".postbus")
    sys.exit(main())
