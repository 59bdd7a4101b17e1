"""Which servers may be reached; the socket is real, the names are answered by the test."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from postbus.connecting import Reach, names_of
from postbus.errors import MailHostUnavailable
from servers.nats import free_port

INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.9",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "[::1]",
    "fd00::1",
    "fe80::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "2002:7f00:1::",
    "::7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::808:808",
    "64:ff9b::a9fe:a9fe",
    "localhost",
    "127.1",
    "2130706433",
    "0x7f000001",
]


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def connected_to(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address that a connection was begun to; nobody answers, and nothing leaves."""
    begun: list[Any] = []

    def noted(_: socket.socket, address: Any) -> None:
        begun.append(address)
        raise ConnectionRefusedError(111, "nobody")

    monkeypatch.setattr(socket.socket, "connect", noted)
    return begun


def answers(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """The name server gives these addresses, one list for each question."""
    asked: list[str] = []
    left = list(rounds)

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "",
             (one, port))
            for one in found
        ]  # fmt: skip

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("host", INSIDE)
def test_no_address_inside_is_ever_connected_to(host: str, connected_to: list[Any]) -> None:
    """INVARIANT: a channel must not become a way into the network that Postbus runs in."""
    with pytest.raises(MailHostUnavailable) as raised:
        Reach().connect(host, 25, timeout_seconds=0.2)
    assert raised.value.reason == "private-address"
    assert "ALLOW_PRIVATE_HOSTS" in raised.value.advice
    assert connected_to == []


def test_a_name_cannot_change_its_mind_between_the_check_and_the_connection(
    monkeypatch: pytest.MonkeyPatch, connected_to: list[Any]
) -> None:
    """INVARIANT: a name is asked for once, and the address that was checked is connected to."""
    asked = answers(monkeypatch, ["9.9.9.9"], ["127.0.0.1"])
    with pytest.raises(MailHostUnavailable):
        Reach().connect("rebind.example", 9, timeout_seconds=0.05)
    assert (asked, connected_to) == (["rebind.example"], [("9.9.9.9", 9)])


def test_of_public_and_private_addresses_only_the_public_are_tried(
    monkeypatch: pytest.MonkeyPatch, connected_to: list[Any]
) -> None:
    answers(monkeypatch, ["10.0.0.1", "9.9.9.9", "::1"])
    with pytest.raises(MailHostUnavailable):
        Reach().connect("both.example", 9, timeout_seconds=0.05)
    assert connected_to == [("9.9.9.9", 9)]


def test_an_address_inside_is_reached_when_that_is_allowed(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    with Reach(allow_private=True).connect("127.0.0.1", port, timeout_seconds=2) as connection:
        assert connection.getpeername() == ("127.0.0.1", port)


def test_the_next_address_is_tried_when_the_first_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, listening: socket.socket
) -> None:
    answers(monkeypatch, ["127.0.0.2", "127.0.0.1"])
    port = listening.getsockname()[1]
    with Reach(allow_private=True).connect("two.example", port, timeout_seconds=2) as connection:
        assert connection.getpeername() == ("127.0.0.1", port)


def test_what_cannot_be_reached_says_why() -> None:
    reach = Reach(allow_private=True)
    for host, reason in (("127.0.0.1", "unreachable"), ("no-such-name.invalid", "name-unknown")):
        with pytest.raises(MailHostUnavailable) as raised:
            reach.connect(host, free_port(), timeout_seconds=1)
        assert raised.value.reason == reason
        assert raised.value.advice


def test_a_server_that_does_not_answer_in_time_is_given_up() -> None:
    """A full backlog: the kernel answers no more connections."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = server.getsockname()[1]
        with ExitStack() as held, pytest.raises(MailHostUnavailable) as raised:
            for _ in range(20):
                held.enter_context(
                    Reach(allow_private=True).connect("127.0.0.1", port, timeout_seconds=0.1)
                )
        assert raised.value.reason == "timeout"


@pytest.mark.parametrize("host", ["9.9.9.9", "2620:fe::fe", "64:ff9b::909:909", "::ffff:9.9.9.9"])
def test_addresses_of_the_internet_are_connected_to(host: str, connected_to: list[Any]) -> None:
    with pytest.raises(MailHostUnavailable) as raised:
        Reach().connect(host, 25, timeout_seconds=0.2)
    assert raised.value.reason == "unreachable"
    assert [address for address, *_ in connected_to] == [host]


def test_the_addresses_of_a_server_are_named() -> None:
    assert names_of("127.0.0.1", 25) == "127.0.0.1"
    with pytest.raises(MailHostUnavailable):
        names_of("no-such-name.invalid", 25)
