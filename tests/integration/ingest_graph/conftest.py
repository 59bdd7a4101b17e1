"""Both stand-ins of Microsoft, a nats-server, and a house for replicas of ingest-graph."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from servers.graph_house import GraphHouse
from servers.microsoft365 import Microsoft365
from servers.nats import NatsServer
from servers.replicas import QUICK, Replicas
from servers.tls_front import TlsFront


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


@pytest.fixture
def replicas(house: GraphHouse) -> Iterator[Replicas]:
    """Processes, none started, which Graph reaches by one address, whichever of them is there."""
    settings = QUICK | {"TLS_CA_FILE": str(house.microsoft.graph.ca_file)}
    some = Replicas(house, "ingest_graph", settings)
    front = TlsFront(lambda: list(some.ports.values())).start()
    some.settings["HOOKS_URL"] = front.url
    yield some
    some.stop_all()
    front.stop()
