"""Takes back what is counted about somebody, or an alarm, because an admin says so."""

from loopguard.changing import changed
from loopguard.domain.flow import KEPT_FOR, Flow
from loopguard.domain.fuse import EVERYTHING
from loopguard.domain.keys import key_of
from loopguard.domain.windows import correspondent_of
from loopguard.surroundings import Surroundings, burst_of, fuse_of
from postbus.contracts.guard import GuardState, Lifted, LiftRequest, StateRequest
from postbus.errors import PermanentError
from postbus.runtime.logging import get_logger

log = get_logger("loopguard")


class Lifting:
    """What the guard holds more than one mail for, and how that ends early."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def on_request(self, request: LiftRequest) -> Lifted:
        """What was forgotten, in words. BusUnavailable."""
        lifted: list[str] = []
        if request.address is not None:
            lifted += await self._forget(request.address)
        if request.fuse is not None:
            lifted += await self._close(request.fuse)
        log.info("lifted", what=lifted)
        return Lifted(lifted=tuple(lifted))

    async def on_state(self, _request: StateRequest) -> GuardState:
        """Every alarm that stands. BusUnavailable."""
        return GuardState(alarms=self._around.alarms.all(self._around.now()))

    def unable_to_lift(self, error: Exception) -> Lifted:
        """The answer when it failed."""
        return Lifted(problem=_problem(error))

    def unable_to_say(self, error: Exception) -> GuardState:
        """The answer when it failed."""
        return GuardState(problem=_problem(error))

    async def _forget(self, address: str) -> list[str]:
        memories, name = self._around.memories, key_of(correspondent_of(address))
        done = {
            "what it was sent, and that mail to it bounced": await memories.correspondents.forget(
                name
            ),
            "how often it wrote": await memories.arrivals.forget(name),
            "that it writes very often": await self._around.alarms.lift(burst_of(address)),
        }
        return [what for what, was_there in done.items() if was_there]

    async def _close(self, channel: str) -> list[str]:
        name, flows = fuse_of(channel), self._around.memories.flows
        # First, so that no count of the rush opens it again; for what is usual the rush counts.
        try:
            await changed(flows, name, Flow.begun_anew, lasts=lambda _: KEPT_FOR)
        except PermanentError:  # it cannot be understood, and must not keep the fuse open
            await flows.forget(name)
        lifted = await self._around.alarms.lift(name)
        which = "all channels" if channel == EVERYTHING else channel
        return [f"the fuse of {which}"] if lifted else []


def _problem(error: Exception) -> str:
    return f"The guard cannot do that now ({type(error).__name__})."
