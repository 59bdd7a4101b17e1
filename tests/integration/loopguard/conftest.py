"""A real nats-server with the topology, replicas of the guard, and whoever asks them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import nats
import pytest
from prometheus_client import CollectorRegistry

from loopguard.app import build
from loopguard.settings import LoopguardSettings
from postbus.bus import Bus, BusSettings
from postbus.bus.apply import apply
from postbus.runtime.serve import Service
from servers.nats import NatsServer

Replicas = Callable[[], Awaitable[Service]]


@pytest.fixture
def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    running = NatsServer(tmp_path / "nats").start()
    yield running
    running.stop(kill=True)


@pytest.fixture
async def topology(server: NatsServer) -> AsyncIterator[None]:
    client = await nats.connect(server.url)
    await apply(client.jetstream())
    yield
    await client.close()


@pytest.fixture
async def dispatch(server: NatsServer, topology: None) -> AsyncIterator[Bus]:
    """Whoever asks: a bus of its own, as dispatch has one."""
    bus = Bus(BusSettings(server.url, "dispatch"), CollectorRegistry())
    await bus.connect()
    yield bus
    await bus.stop()


@pytest.fixture
async def replica(server: NatsServer, topology: None) -> AsyncIterator[Replicas]:
    """Starts another replica with every call."""
    async with AsyncExitStack() as stack:
        yield lambda: stack.enter_async_context(running(server))


@asynccontextmanager
async def running(server: NatsServer) -> AsyncIterator[Service]:
    service = build(LoopguardSettings(nats_url=server.url, graceful_seconds=2))
    await service.start()
    try:
        yield service
    finally:
        await service.stop()
