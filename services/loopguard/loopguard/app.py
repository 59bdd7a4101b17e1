"""Builds the loop guard: bus, configuration, what it remembers, and the questions it answers."""

from prometheus_client import CollectorRegistry

from loopguard.adapters.nats_alarms import NatsAlarms
from loopguard.adapters.nats_recorded import NatsRecorded
from loopguard.adapters.nats_shelf import memories
from loopguard.adapters.nats_telling import NatsTelling
from loopguard.adapters.prometheus_tally import PrometheusTally
from loopguard.fuses import Fuses
from loopguard.handlers import Judging
from loopguard.lifting import Lifting
from loopguard.settings import LoopguardSettings
from loopguard.surroundings import Surroundings
from loopguard.trying_out import TryingOut
from loopguard.watching import Watching
from postbus.bus import Bucket, Bus, BusSettings
from postbus.bus.topology import GUARD_BUCKET
from postbus.configuration import Follower
from postbus.contracts.base import utc_now
from postbus.contracts.catalogue import (
    DRY_RUN_SUBJECT,
    EXPLAIN_SUBJECT,
    GUARD_STATE_SUBJECT,
    JUDGE_SUBJECT,
    LIFT_SUBJECT,
)
from postbus.contracts.guard import DryRunRequest, JudgeRequest, LiftRequest, StateRequest
from postbus.contracts.mail import MailReceivedEvent
from postbus.contracts.sending import SendOutcomeEvent, SendRequestedEvent
from postbus.errors import BusUnavailable, TemporaryError
from postbus.runtime.serve import Service


def build(settings: LoopguardSettings) -> Service:
    """Everything constructed and nothing started."""
    registry = CollectorRegistry()
    bus = Bus(
        BusSettings(
            settings.nats_url,
            "loopguard",
            settings.nats_seed_file,
            graceful_seconds=settings.graceful_seconds,
        ),
        registry,
    )
    parts = _Parts(bus, registry)
    return Service(
        name="loopguard",
        start=parts.start,
        stop=parts.stop,
        registry=registry,
        ready_checks=[
            bus.ready_problems,
            parts.follower.ready_problems,
            parts.ready_problems,
        ],
    )


class _Parts:
    """The pieces of the service and their life."""

    def __init__(self, bus: Bus, registry: CollectorRegistry) -> None:
        self.bus = bus
        self.follower = Follower()
        self.alarms = NatsAlarms(bus)
        self.telling = NatsTelling(bus, registry)
        self._opened: Bucket | None = None
        around = Surroundings(
            memories(self.bucket),
            self.alarms,
            configuration=lambda: self.follower.current,
            now=utc_now,
        )
        self.fuses = Fuses(around)
        self._answer(around, registry)
        watching = Watching(around)
        bus.consume("loopguard-mail", MailReceivedEvent, watching.on_mail_received)
        bus.consume("loopguard-requests", SendRequestedEvent, watching.on_send_requested)
        bus.consume("loopguard-bounces", SendOutcomeEvent, watching.on_bounced)

    def _answer(self, around: Surroundings, registry: CollectorRegistry) -> None:
        judging = Judging(around, self.fuses, PrometheusTally(registry), self.telling)
        dry_run = TryingOut(around, NatsRecorded(self.bus))
        lifting = Lifting(around)
        answer = self.bus.answer
        answer(JUDGE_SUBJECT, JudgeRequest, judging.on_question, otherwise=judging.unable)
        answer(EXPLAIN_SUBJECT, JudgeRequest, judging.explain, otherwise=judging.cannot_explain)
        answer(DRY_RUN_SUBJECT, DryRunRequest, dry_run.on_question, otherwise=dry_run.unable)
        answer(LIFT_SUBJECT, LiftRequest, lifting.on_request, otherwise=lifting.unable_to_lift)
        answer(GUARD_STATE_SUBJECT, StateRequest, lifting.on_state, otherwise=lifting.unable_to_say)

    async def start(self) -> None:
        """Answer only when the filter, the counters and the alarms are there."""
        await self.bus.connect()
        await self.follower.start(self.bus)
        self._opened = await self.bus.bucket(GUARD_BUCKET)
        await self.alarms.start()
        self.fuses.start()
        self.telling.start()
        await self.bus.start()

    async def stop(self) -> None:
        """The last counts are written and the last verdicts told while the bus is there."""
        await self.follower.stop()
        await self.fuses.stop()
        await self.alarms.stop()
        await self.telling.stop()
        await self.bus.stop()

    def bucket(self) -> Bucket:
        """The bucket of everything remembered; BusUnavailable before it was found."""
        if self._opened is None:
            raise BusUnavailable("the counters are not open yet")
        return self._opened

    async def ready_problems(self) -> list[str]:
        """What keeps the counters from being read; empty when all is well."""
        try:
            await self.bucket().get("who.ready")
        except TemporaryError as error:
            return [f"counters: {error}"]
        return []
