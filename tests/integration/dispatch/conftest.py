"""A mail server to send through, and a stage with dispatch on a real nats-server."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from nats.aio.client import Client
from prometheus_client import CollectorRegistry

from dispatch.adapters.smtp_connections import Target
from dispatch_stage import Stage, support
from dispatch_world import World
from postbus.bus import Bus, BusSettings
from postbus.contracts.configuration import TlsMode
from servers.nats import NatsServer
from servers.smtp import SmtpServer
from smtp_builders import smtp_transport


@pytest.fixture
def relay() -> Iterator[SmtpServer]:
    server = SmtpServer().start()
    yield server
    server.stop()


@pytest.fixture
async def stage(
    tmp_path: Path, nats_server: NatsServer, admin: Client, relay: SmtpServer
) -> AsyncIterator[Stage]:
    """The relay is there, the guard allows, and no replica runs yet."""
    ticketing = Bus(BusSettings(nats_server.url, "ticketing"), CollectorRegistry())
    await ticketing.connect()
    async with AsyncExitStack() as replicas:
        made = Stage(nats_server.url, admin, ticketing, tmp_path, relay.port, replicas)
        await made.configure("inbound-channels", support())
        await made.configure("outbound-channels", {"id": "relay", "name": "Relay", "kind": "relay"})
        await made.guard_allows()
        yield made
    await ticketing.stop()


@pytest.fixture
async def world(nats_server: NatsServer, admin: Client, relay: SmtpServer) -> AsyncIterator[World]:
    bus = Bus(BusSettings(nats_server.url, "dispatch"), CollectorRegistry())
    await bus.connect()
    way = smtp_transport(relay=Target("127.0.0.1", relay.port, TlsMode.NONE, ours=True))
    yield World(bus, way, relay)
    await way.close()
    await bus.stop()
