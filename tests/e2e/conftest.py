"""One running stack for the tests that leave it as they found it."""

from collections.abc import Iterator

import pytest

from servers.stack import LocalStack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    running = LocalStack(tmp_path_factory.mktemp("stack") / "home").start()
    # Many tests write to it within ten minutes, each from addresses of its own.
    running.widen_fuses()
    yield running
    assert running.stop() == 0
