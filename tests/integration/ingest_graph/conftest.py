"""Both stand-ins of Microsoft, a nats-server, and a house for replicas of ingest-graph."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from servers.graph_house import GraphHouse
from servers.microsoft365 import Microsoft365
from servers.nats import NatsServer


@pytest.fixture
def microsoft() -> Iterator[Microsoft365]:
    both = Microsoft365().start()
    yield both
    both.stop()


@pytest.fixture
async def house(
    admin: Client, nats_server: NatsServer, tmp_path: Path, microsoft: Microsoft365
) -> AsyncIterator[GraphHouse]:
    one = GraphHouse(admin, nats_server.url, tmp_path, microsoft=microsoft)
    await one.answer_filed()
    yield one
    await one.stop_all()
