"""Who is let in, over real sockets, on the usual loop and on the one that services run on."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from prometheus_client import CollectorRegistry

from builders import raw_mail
from doubles.blobs import MemoryBlobs
from doubles.facts import MemoryFacts
from ingest_forward.adapters.aiosmtpd_door import AiosmtpdDoor, DoorSettings, tls_context
from ingest_forward.adapters.porter import Room
from ingest_forward.receive import Receiving, Surroundings
from postbus.configuration import Configuration
from postbus.contracts.base import utc_now
from postbus.contracts.configuration import ForwardSettings, InboundChannel
from postbus.intake import Intake
from postbus.reading import MailReader

CERTIFICATE = Path(__file__).parents[2] / "servers" / "localhost.pem"
SUPPORT = InboundChannel(
    id="support",
    name="Support",
    kind="forward",
    forward=ForwardSettings(creation_addresses=("support@postbus.localhost",)),
)
Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop

    def run_all(test: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(asyncio.wait_for(test, 20))

    return run_all


class House:
    """A door with little room, and what was counted at it."""

    def __init__(self, room: Room, *, timeout_seconds: float = 20) -> None:
        self.registry = CollectorRegistry()
        intake = Intake(
            blobs=MemoryBlobs(),
            telling=MemoryFacts(),
            read=MailReader().read,
            find_stamps=lambda _: [],
            own_addresses=frozenset,
        )
        around = Surroundings(intake, lambda: Configuration.of([SUPPORT]), utc_now)
        settings = DoorSettings(
            host="0.0.0.0",
            port=0,
            lmtp_port=0,
            hostname="mx.test",
            max_mail_bytes=100_000,
            timeout_seconds=timeout_seconds,
            room=room,
            tls=tls_context(str(CERTIFICATE), None),
        )
        receiving = Receiving(around, self.registry, max_recipients=10)
        self.door = AiosmtpdDoor(receiving, settings, self.registry)

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0

    async def until_inside(self, clients: int) -> None:
        while self.count("postbus_smtp_connections") != clients:
            await asyncio.sleep(0.01)


class Guest:
    """A client that says a line at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def hear(self) -> str:
        """One answer; empty when the door has hung up."""
        while True:
            line = (await self._reader.readline()).decode()
            if line[3:4] != "-":
                return line.strip()

    async def say(self, line: str) -> str:
        self._writer.write(f"{line}\r\n".encode())
        return await self.hear()

    async def send_mail(self) -> str:
        await self.say("EHLO client.test")
        await self.say("MAIL FROM:<anna@example.com>")
        await self.say("RCPT TO:<support@postbus.localhost>")
        await self.say("DATA")
        return await self.say(f"{raw_mail().decode()}\r\n.")

    async def start_tls(self, context: ssl.SSLContext) -> None:
        await self.say("EHLO client.test")
        await self.say("STARTTLS")
        await self._writer.start_tls(context, server_hostname="localhost")

    def leave(self) -> None:
        self._writer.transport.abort()


@asynccontextmanager
async def house(room: Room, **settings: Any) -> AsyncIterator[tuple[House, Callable[..., Any]]]:
    """A door that is open, and how guests come to it: `await come(from_address, door=…)`."""
    made = House(room, **settings)
    await made.door.open()
    guests: list[Guest] = []

    async def come(address: str = "127.0.0.1", *, door: int = 0) -> tuple[Guest, str]:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", made.door.ports[door], local_addr=(address, 0)
        )
        guest = Guest(reader, writer)
        guests.append(guest)
        return guest, await guest.hear()

    try:
        yield made, come
    finally:
        for guest in guests:
            guest.leave()
        await made.until_inside(0)
        await made.door.close(graceful_seconds=1)
        await asyncio.sleep(0.01)


def test_who_comes_when_the_room_is_full_is_asked_to_come_later(run: Run) -> None:
    """INVARIANT: 421 and not silence or 5yz, so the sender keeps the mail and comes again."""

    async def test() -> None:
        async with house(Room(3, 3)) as (made, come):
            inside = [await come() for _ in range(3)]
            assert {answer[:4] for _, answer in inside} == {"220 "}
            late, answer = await come()
            assert answer.startswith("421 4.3.2 ")
            assert await late.hear() == ""
            assert made.count("postbus_smtp_connections") == 3
            assert made.count("postbus_smtp_connections_refused_total", limit="all") == 1
            assert (await inside[0][0].send_mail()).startswith("250 2.0.0 ")
            assert (await inside[1][0].say("QUIT")).startswith("221")
            await made.until_inside(2)
            again, answer = await come()
            assert answer.startswith("220 ")
            assert (await again.send_mail()).startswith("250 2.0.0 ")

    run(test())


def test_one_address_cannot_take_all_the_room(run: Run) -> None:
    async def test() -> None:
        async with house(Room(10, 2)) as (made, come):
            first = [await come("127.0.0.1") for _ in range(2)]
            assert {answer[:4] for _, answer in first} == {"220 "}
            assert (await come("127.0.0.1"))[1].startswith("421 4.7.0 ")
            other, answer = await come("127.0.0.2")
            assert answer.startswith("220 ")
            assert (await other.send_mail()).startswith("250 2.0.0 ")
            assert made.count("postbus_smtp_connections_refused_total", limit="address") == 1

    run(test())


def test_smtp_and_lmtp_share_the_room(run: Run) -> None:
    async def test() -> None:
        async with house(Room(2, 2)) as (_, come):
            assert (await come(door=0))[1].startswith("220 ")
            assert (await come(door=1))[1].startswith("220 ")
            assert (await come(door=1))[1].startswith("421 4.3.2 ")

    run(test())


def test_a_client_that_breaks_off_makes_room(run: Run) -> None:
    async def test() -> None:
        async with house(Room(1, 1)) as (made, come):
            for _ in range(5):
                guest, answer = await come()
                assert answer.startswith("220 ")
                await guest.say("EHLO client.test")
                guest.leave()
                await made.until_inside(0)

    run(test())


def test_a_client_that_speaks_tls_makes_room_when_it_leaves(run: Run) -> None:
    async def test() -> None:
        async with house(Room(1, 1)) as (made, come):
            context = ssl.create_default_context(cafile=str(CERTIFICATE))
            for _ in range(2):
                guest, _ = await come()
                await guest.start_tls(context)
                assert (await guest.send_mail()).startswith("250 2.0.0 ")
                guest.leave()
                await made.until_inside(0)

    run(test())


def test_a_tls_handshake_that_fails_does_not_keep_the_room(run: Run) -> None:
    """INVARIANT: the library never hears that such a connection is lost."""

    async def test() -> None:
        async with house(Room(1, 1)) as (made, come):
            for _ in range(3):
                guest, answer = await come()
                assert answer.startswith("220 ")
                await guest.say("EHLO client.test")
                await guest.say("STARTTLS")
                guest._writer.write(b"this is no TLS at all\r\n" * 10)
                await made.until_inside(0)

    run(test())


def test_a_silent_client_is_told_so_and_makes_room(run: Run) -> None:
    async def test() -> None:
        async with house(Room(1, 1), timeout_seconds=0.2) as (made, come):
            guest, _ = await come()
            assert (await guest.hear()).startswith("421 4.4.2 ")
            assert await guest.hear() == ""
            await made.until_inside(0)

    run(test())


def test_a_client_that_falls_silent_within_a_mail_makes_room(run: Run) -> None:
    async def test() -> None:
        async with house(Room(1, 1), timeout_seconds=0.2) as (made, come):
            guest, _ = await come()
            await guest.say("EHLO client.test")
            await guest.say("MAIL FROM:<anna@example.com>")
            await guest.say("RCPT TO:<support@postbus.localhost>")
            await guest.say("DATA")
            assert (await guest.say("Subject: half a mail")).startswith("421 4.4.2 ")
            await made.until_inside(0)

    run(test())


def test_whoever_is_inside_hears_that_the_door_closes(run: Run) -> None:
    async def test() -> None:
        async with house(Room(2, 2)) as (made, come):
            guest, _ = await come()
            await made.door.close(graceful_seconds=1)
            assert (await guest.hear()).startswith("421 4.3.2 ")

    run(test())
