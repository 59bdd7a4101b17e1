"""A MongoDB wire server for all tests of one worker; and tests of a group run in one worker."""

import os
from collections.abc import Iterator

import pytest
from _pytest.nodeid import NodeId

from servers.mongodb import MongoServer


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """pytest-xdist 3.8 writes an item's group where pytest 9.2 no longer looks for its name."""
    for item in items:
        with_group = vars(item).get("_nodeid")
        if with_group and item.nodeid != with_group:
            item._id = NodeId.parse(with_group)


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MONGODB_URL where it names a server, else a local one."""
    if url := os.environ.get("MONGODB_URL"):
        yield url
        return
    server = MongoServer(tmp_path_factory.mktemp("mongodb")).start()
    yield server.url
    server.stop(kill=True)
