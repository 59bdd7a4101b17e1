"""Microsoft 365 for each test: the identity platform and Graph, with one mailbox."""

from collections.abc import Iterator

import pytest

from servers.microsoft365 import Microsoft365

MAILBOX = "it@example.com"


@pytest.fixture
def microsoft() -> Iterator[Microsoft365]:
    made = Microsoft365().start()
    made.add_mailbox(MAILBOX)
    yield made
    made.stop()
