"""Builds the loop guard: bus, configuration, counters, and the one question it answers."""

from prometheus_client import CollectorRegistry

from loopguard.adapters.nats_counters import NatsCounters
from loopguard.adapters.prometheus_tally import PrometheusTally
from loopguard.handlers import Judging
from loopguard.settings import LoopguardSettings
from postbus.bus import Bus, BusSettings
from postbus.configuration import Follower
from postbus.contracts.base import utc_now
from postbus.contracts.catalogue import JUDGE_SUBJECT
from postbus.contracts.guard import JudgeRequest
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
            parts.counters.ready_problems,
        ],
    )


class _Parts:
    """The pieces of the service and their life."""

    def __init__(self, bus: Bus, registry: CollectorRegistry) -> None:
        self.bus = bus
        self.follower = Follower()
        self.counters = NatsCounters(bus)
        judging = Judging(
            self.counters,
            PrometheusTally(registry),
            configuration=lambda: self.follower.current,
            now=utc_now,
        )
        bus.answer(JUDGE_SUBJECT, JudgeRequest, judging.on_question, otherwise=judging.unable)

    async def start(self) -> None:
        """Answer only when the filter and the counters are there."""
        await self.bus.connect()
        await self.follower.start(self.bus)
        await self.counters.open()
        await self.bus.start()

    async def stop(self) -> None:
        await self.follower.stop()
        await self.bus.stop()
