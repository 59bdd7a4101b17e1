"""A mail server to send through, for each test."""

from collections.abc import Iterator

import pytest

from servers.smtp import SmtpServer


@pytest.fixture
def relay() -> Iterator[SmtpServer]:
    server = SmtpServer().start()
    yield server
    server.stop()
