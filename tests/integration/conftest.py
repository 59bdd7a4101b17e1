"""A real nats-server with the topology, for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client

from postbus.bus.apply import apply
from servers.nats import NatsServer


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path / "nats").start()
    yield server
    server.stop(kill=True)


@pytest.fixture
async def admin(nats_server: NatsServer) -> AsyncIterator[Client]:
    """An unrestricted client; the topology is there."""
    client = await nats.connect(nats_server.url, error_cb=_quiet)
    await apply(client.jetstream())
    yield client
    await client.close()


async def _quiet(_: Exception) -> None:
    """Tests stop servers; nats-py would print a traceback for each failed reconnect."""
