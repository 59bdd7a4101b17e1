"""Dovecot, a nats-server, and a house for replicas of ingest-imap."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from servers.debian import needed
from servers.dovecot import Dovecot
from servers.mailboxes import House
from servers.nats import NatsServer


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    needed("dovecot")
    server = Dovecot().start()
    server.add_user("anna")
    server.maildir("anna")
    yield server
    server.remove()


@pytest.fixture
async def house(admin: Client, nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[House]:
    one = House(admin, nats_server.url, tmp_path)
    await one.answer_filed()
    yield one
    await one.stop_all()
