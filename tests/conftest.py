"""A MongoDB wire server for all tests of one worker."""

import os
from collections.abc import Iterator

import pytest

from servers.mongodb import MongoServer


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MONGODB_URL where it names a server, else a local one."""
    if url := os.environ.get("MONGODB_URL"):
        yield url
        return
    server = MongoServer(tmp_path_factory.mktemp("mongodb")).start()
    yield server.url
    server.stop(kill=True)
