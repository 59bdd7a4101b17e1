"""Builds ingest-graph."""

from prometheus_client import CollectorRegistry

from ingest_graph.settings import IngestGraphSettings
from postbus.bus import Bus, BusSettings
from postbus.configuration import Follower
from postbus.runtime.serve import Service


def build(settings: IngestGraphSettings) -> Service:
    """Everything constructed and nothing started."""
    registry = CollectorRegistry()
    bus = Bus(
        BusSettings(
            settings.nats_url,
            "ingest-graph",
            settings.nats_seed_file,
            graceful_seconds=settings.graceful_seconds,
        ),
        registry,
    )
    follower = Follower()

    async def start() -> None:
        await bus.connect()
        await follower.start(bus)
        await bus.start()

    async def stop() -> None:
        await follower.stop()
        await bus.stop()

    return Service(
        name="ingest-graph",
        start=start,
        stop=stop,
        registry=registry,
        ready_checks=[bus.ready_problems, follower.ready_problems],
    )
