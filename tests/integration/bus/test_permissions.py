"""Every service has what it needs on NATS and nothing else: a server with the generated users."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import nats
import nkeys
import pytest
from nats.errors import Error
from nats.js.errors import APIError
from prometheus_client import CollectorRegistry

from doubles.mails import mail_received
from postbus.bus import Bus, BusSettings
from postbus.bus.apply import apply
from postbus.bus.permissions import SETUP_USER, server_users
from postbus.bus.topology import GUARD_BUCKET, IMPORTS, MAIL, TICKETS, TOPOLOGY, inbox_prefix
from postbus.contracts.catalogue import JUDGE_SUBJECT
from postbus.contracts.mail import MailReceivedEvent
from postbus.errors import BusUnavailable
from servers.nats import NatsServer


@dataclass
class Guarded:
    """A nats-server with users, and the seeds to sign in with."""

    server: NatsServer
    seeds: dict[str, Path]
    clients: list[nats.NATS] = field(default_factory=list)

    def bus(self, service: str) -> Bus:
        settings = BusSettings(self.server.url, service, self.seeds[service], graceful_seconds=2)
        return Bus(settings, CollectorRegistry())

    async def client(self, user: str) -> nats.NATS:
        made = await nats.connect(
            self.server.url,
            nkeys_seed=str(self.seeds[user]),
            inbox_prefix=inbox_prefix(user),
            error_cb=_quiet,
        )
        self.clients.append(made)
        return made

    async def subscriber(self) -> nats.NATS:
        url = self.server.url.replace("nats://", "nats://subscriber:pw@")
        made = await nats.connect(url, error_cb=_quiet)
        self.clients.append(made)
        return made


async def _quiet(_: Exception) -> None:
    """Refusals are what these tests look for."""


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Guarded]:
    seeds, public = {}, {}
    for user in (*TOPOLOGY.users, SETUP_USER):
        seed = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER)
        seeds[user] = tmp_path / f"{user}.seed"
        seeds[user].write_bytes(seed)
        public[user] = nkeys.from_seed(bytearray(seed)).public_key.decode()
    config = server_users(public, subscriber_password="pw")
    server = NatsServer(tmp_path / "nats", config).start()
    made = Guarded(server, seeds)
    setup = await made.client(SETUP_USER)
    await apply(setup.jetstream())
    yield made
    for client in made.clients:
        await client.close()
    server.stop(kill=True)


async def test_a_restricted_service_hears_what_another_tells(guarded: Guarded) -> None:
    """INVARIANT: without the inbox prefix on the subscriber it would hear nothing, silently."""
    heard: list[str] = []

    async def on_mail(event: MailReceivedEvent) -> None:
        heard.append(event.id)

    ticketing, ingest = guarded.bus("ticketing"), guarded.bus("ingest-forward")
    ticketing.consume("ticketing-mail", MailReceivedEvent, on_mail)
    await ticketing.start()
    await ingest.start()
    await ingest.tell("postbus.mail.received", "support", mail_received(), event_id="e1")
    for _ in range(100):
        if heard:
            break
        await asyncio.sleep(0.05)
    info = (
        await (await guarded.client(SETUP_USER)).jetstream().consumer_info(MAIL, "ticketing-mail")
    )
    await ticketing.stop()
    await ingest.stop()
    assert heard == ["e1"]
    assert info.num_ack_pending == 0


@pytest.mark.parametrize(
    ("service", "event_type"),
    [
        ("ingest-forward", "postbus.ticket.opened"),
        ("ingest-forward", "postbus.send.requested"),
        ("loopguard", "postbus.mail.received"),
        ("dispatch", "postbus.mail.received"),
        ("ticketing", "postbus.send.sent"),
        ("config", "postbus.ticket.opened"),
        ("config", "postbus.mail.held"),
        ("config", "postbus.mail.released"),
        ("ticketing", "postbus.mail.decided"),
        ("archivist", "postbus.ticket.opened"),
    ],
)
async def test_a_service_cannot_tell_what_is_not_its_own(
    guarded: Guarded, service: str, event_type: str
) -> None:
    client = await guarded.client(service)
    with pytest.raises((Error, APIError)):
        await client.jetstream().publish(f"{event_type}.support", b"{}", timeout=0.5)


@pytest.mark.parametrize("service", TOPOLOGY.users)
async def test_no_service_can_change_the_topology(guarded: Guarded, service: str) -> None:
    """INVARIANT: services bind and never declare; a declaration would overwrite the stream."""
    client = await guarded.client(service)
    js = client.jetstream(timeout=0.4)
    with pytest.raises((Error, APIError)):
        await js.add_stream(name=MAIL, subjects=["postbus.mail.>"], max_msgs=1)
    with pytest.raises((Error, APIError)):
        await js.delete_stream(MAIL)
    with pytest.raises((Error, APIError)):
        await js.delete_consumer(MAIL, "ticketing-mail")


@pytest.mark.parametrize("service", [user for user in TOPOLOGY.users if user != "config"])
async def test_only_config_writes_the_configuration(guarded: Guarded, service: str) -> None:
    bus = guarded.bus(service)
    await bus.connect()
    bucket = await bus.bucket("postbus-config")
    assert await bucket.all() == {}
    with pytest.raises(BusUnavailable):
        await asyncio.wait_for(bucket.create("inbound-channels.x", b"{}"), 8)
    await bus.stop()


@pytest.mark.parametrize("service", ["ingest-forward", "ticketing", "dispatch", "config"])
async def test_only_the_guard_sees_its_counters(guarded: Guarded, service: str) -> None:
    bus = guarded.bus(service)
    await bus.connect()
    with pytest.raises(BusUnavailable):
        await bus.bucket(GUARD_BUCKET)
    await bus.stop()


async def test_only_the_guard_may_answer_whether_a_mail_may_go(guarded: Guarded) -> None:
    client = await guarded.client("ticketing")
    heard: list[bytes] = []

    async def overhear(message: nats.aio.msg.Msg) -> None:
        heard.append(message.data)

    await client.subscribe(JUDGE_SUBJECT, cb=overhear)
    dispatch = await guarded.client("dispatch")
    with pytest.raises(Error):
        await dispatch.request(JUDGE_SUBJECT, b"{}", timeout=0.5)
    assert heard == []


async def test_a_subscriber_of_another_team_reads_all_from_the_beginning(guarded: Guarded) -> None:
    ingest = guarded.bus("ingest-forward")
    await ingest.start()
    for number in range(3):
        mail = mail_received(f"m{number}")
        await ingest.tell("postbus.mail.received", "support", mail, event_id=f"e{number}")
    subscriber = await guarded.subscriber()
    subscription = await subscriber.jetstream().subscribe("postbus.mail.>", ordered_consumer=True)
    found = [await subscription.next_msg(timeout=3) for _ in range(3)]
    events = [MailReceivedEvent.model_validate_json(message.data) for message in found]
    assert [event.id for event in events] == ["e0", "e1", "e2"]
    await ingest.stop()


async def test_a_subscriber_cannot_take_messages_from_our_services(guarded: Guarded) -> None:
    """INVARIANT: pulling from our durable would make mail disappear."""
    ingest = guarded.bus("ingest-forward")
    await ingest.start()
    await ingest.tell("postbus.mail.received", "support", mail_received(), event_id="e1")
    subscriber = await guarded.subscriber()
    js = subscriber.jetstream(timeout=0.5)
    with pytest.raises((Error, APIError)):
        bound = await js.pull_subscribe_bind("ticketing-mail", MAIL)
        await bound.fetch(1, timeout=0.5)
    with pytest.raises((Error, APIError)):
        await js.publish("postbus.mail.received.support", b"{}", timeout=0.5)
    with pytest.raises((Error, APIError)):
        await js.delete_consumer(MAIL, "ticketing-mail")
    await ingest.stop()


@pytest.mark.parametrize("user", ["config", "archivist"])
async def test_a_reader_of_the_mail_stream_reads_it_and_no_other(
    guarded: Guarded, user: str
) -> None:
    ingest, reader = guarded.bus("ingest-forward"), guarded.bus(user)
    await ingest.start()
    await ingest.tell("postbus.mail.received", "support", mail_received(), event_id="e1")
    await reader.connect()
    found = [one.subject async for one in reader.stored(MAIL, "postbus.mail.>")]
    assert found == ["postbus.mail.received.support"]
    client = await guarded.client(user)
    with pytest.raises(Error):
        await client.request(f"$JS.API.DIRECT.GET.{TICKETS}", b'{"seq":1}', timeout=0.4)
    js = client.jetstream(timeout=0.4)
    with pytest.raises((Error, APIError)):
        await js.subscribe("postbus.mail.>", stream=MAIL, ordered_consumer=True)
    await reader.stop()
    await ingest.stop()


async def test_the_archivist_reads_the_configuration_and_tells_mails(guarded: Guarded) -> None:
    archivist = guarded.bus("archivist")
    await archivist.connect()
    assert await (await archivist.bucket("postbus-config")).all() == {}
    await archivist.tell("postbus.mail.received", "support", mail_received(), event_id="e1")
    await archivist.stop()


async def test_the_archivist_imports_mails_and_sees_how_many_wait(guarded: Guarded) -> None:
    archivist = guarded.bus("archivist")
    await archivist.connect()
    for number in range(3):
        mail = mail_received(f"m{number}")
        await archivist.tell("postbus.mail.imported", "support", mail, event_id=f"e{number}")
    assert await archivist.backlog(IMPORTS) == 3
    with pytest.raises(BusUnavailable):
        await archivist.backlog("ticketing-mail")
    bound = (
        await (await guarded.client("archivist"))
        .jetstream(timeout=0.5)
        .pull_subscribe_bind(IMPORTS, MAIL)
    )
    with pytest.raises((Error, APIError)):
        await bound.fetch(1, timeout=0.5)
    await archivist.stop()


async def test_nobody_comes_in_without_a_key(guarded: Guarded) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", guarded.server.port)
    await reader.readline()
    writer.write(b'CONNECT {"verbose":false}\r\nPING\r\n')
    assert (await reader.readline()).strip() == b"-ERR 'Authorization Violation'"
    writer.close()
    await writer.wait_closed()
