"""Replicas of the guard on a real nats-server with the topology, and whoever asks them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from nats.aio.client import Client
from prometheus_client import CollectorRegistry

from guard_replicas import Replicas, running
from postbus.bus import Bus, BusSettings
from servers.nats import NatsServer


@pytest.fixture
def server(nats_server: NatsServer) -> NatsServer:
    return nats_server


@pytest.fixture
def topology(admin: Client) -> None:
    """It is there, and no bus is."""


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
