"""What this service asks of the loop guard."""

from config_service.adapters.bus import ServiceBus
from postbus.contracts.catalogue import (
    DRY_RUN_SUBJECT,
    EXPLAIN_SUBJECT,
    GUARD_STATE_SUBJECT,
    LIFT_SUBJECT,
)
from postbus.contracts.guard import (
    DryRun,
    DryRunRequest,
    GuardState,
    JudgeRequest,
    Lifted,
    LiftRequest,
    StateRequest,
    Verdict,
)

_SOON_SECONDS = 2.0
_DRY_RUN_SECONDS = 60.0


class NatsGuard:
    """`config_service.ports.AskGuard`."""

    def __init__(self, bus: ServiceBus) -> None:
        self._bus = bus

    async def explain(self, question: JudgeRequest) -> Verdict:
        """BusUnavailable."""
        return await self._bus.ask(
            EXPLAIN_SUBJECT, question, Verdict, timeout_seconds=_SOON_SECONDS
        )

    async def dry_run(self, request: DryRunRequest) -> DryRun:
        """BusUnavailable."""
        return await self._bus.ask(
            DRY_RUN_SUBJECT, request, DryRun, timeout_seconds=_DRY_RUN_SECONDS
        )

    async def lift(self, request: LiftRequest) -> Lifted:
        """BusUnavailable."""
        return await self._bus.ask(LIFT_SUBJECT, request, Lifted, timeout_seconds=_SOON_SECONDS)

    async def state(self) -> GuardState:
        """BusUnavailable."""
        return await self._bus.ask(
            GUARD_STATE_SUBJECT, StateRequest(), GuardState, timeout_seconds=_SOON_SECONDS
        )
