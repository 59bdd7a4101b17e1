"""A crash at any step of sending by Graph: at any write of ours, and at any request to Graph."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from nats.aio.client import Client
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from dispatch.adapters.graph_transport import GraphTransport
from dispatch.adapters.graph_trying import GraphTrial
from dispatch.adapters.kept_appearances import KeptAppearances
from dispatch.adapters.nats_copies import NatsCopies
from dispatch.adapters.nats_ledger import NatsLedger
from dispatch.adapters.threads import Threads
from dispatch.adapters.transports import Transports
from dispatch.canary import Canary
from dispatch.copying import Copying
from dispatch.domain.attempts import Attempt, is_orphan
from dispatch.domain.doubts import Looks
from dispatch.domain.schedule import Schedule
from dispatch.sending import Sending
from dispatch.surroundings import Around
from dispatch_stage import support
from doubles.crash import Crash, CrashAt
from doubles.dispatch import MemoryClaims, MemoryHealths, NoLimits
from graph_builders import MAILBOX
from postbus.blobs import BlobStore, open_store
from postbus.bus import Bus, BusSettings
from postbus.bus.topology import LEDGER_BUCKET, LIMITS_BUCKET
from postbus.configuration import Configuration
from postbus.connecting import Reach, TlsContexts
from postbus.connecting.http import ReachingTransport
from postbus.contracts.configuration import InboundChannel, OutboundChannel
from postbus.contracts.guard import Decision, JudgeRequest, Verdict
from postbus.contracts.mail import Attachment
from postbus.contracts.sending import SendOutcome, SendRequested, SendState
from postbus.microsoft import Graph, MailboxLimits, Microsoft, open_microsoft
from postbus.secrets import generate_key_pair, write_key_files
from send_builders import send_requested
from servers.microsoft365 import Microsoft365
from smtp_builders import smtp_transport

_LARGE = 3_500_000


class Yes:
    """A guard that allows."""

    async def judge(self, _: JudgeRequest) -> Verdict:
        return Verdict(decision=Decision.ALLOW, rule="none", reason="a test")


class Wire(httpx.AsyncBaseTransport):
    """The way to Graph, on which the process may die: before a request, or before its answer."""

    def __init__(self, inner: httpx.AsyncBaseTransport, crash: CrashAt) -> None:
        self._inner = inner
        self._send = crash.wrap(inner).handle_async_request

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._send(request)  # type: ignore[no-any-return] # wrapped, it has no types

    async def aclose(self) -> None:
        await self._inner.aclose()


class Told:
    """What was told of sendings."""

    def __init__(self) -> None:
        self.facts: list[SendOutcome] = []

    async def tell(self, fact: SendOutcome) -> None:
        self.facts.append(fact)


class World:
    """Everything that survives the process."""

    def __init__(self, bus: Bus, microsoft: Microsoft365, parts: Microsoft, folder: Path) -> None:
        self.bus = bus
        self.microsoft = microsoft
        self.parts = parts
        self.ledger = NatsLedger(lambda: bus.bucket(LEDGER_BUCKET))
        self.copies = NatsCopies(lambda: bus.bucket(LEDGER_BUCKET))
        self.blobs: BlobStore = open_store(f"file://{folder}/blobs")
        self.told = Told()
        self.clients: list[httpx.AsyncClient] = []
        self.secret = SecretStr(microsoft.sign_in(MAILBOX).model_dump_json())
        own = {"id": "own", "name": "Own", "kind": "graph", "from_address": MAILBOX,
               "graph": {**microsoft.access, "mailbox": MAILBOX}}  # fmt: skip
        self.configuration = Configuration.of(
            [
                InboundChannel.model_validate(support(reply_via="own")),
                OutboundChannel.model_validate(own),
            ]
        )

    def process(self, crash: CrashAt) -> Sending:
        """A process that works in it, and dies when told."""
        reach, tls = Reach(allow_private=True), TlsContexts(self.microsoft.graph.ca_file)

        async def open_secret(_: str, __: str | None) -> SecretStr | None:
            return self.secret

        limits = MailboxLimits(lambda: self.bus.bucket(LIMITS_BUCKET), CollectorRegistry())
        http = httpx.AsyncClient(transport=Wire(ReachingTransport(reach, tls), crash))
        self.clients.append(http)
        graph = Graph(http, self.parts.tokens, limits, CollectorRegistry())
        microsoft = Microsoft(graph, self.parts.tokens)
        way = GraphTransport(
            microsoft, GraphTrial(microsoft, reach, tls, Threads("test")), open_secret
        )
        around = Around(
            ledger=crash.wrap(self.ledger),
            guard=Yes(),
            transport=Transports(smtp_transport(), {"graph": way}),
            blobs=self.blobs,
            appearances=KeptAppearances(self.blobs),
            copies=self.copies,
            sent_mail=None,  # type: ignore[arg-type] # nobody reads this mailbox
            turns=NoLimits(),
            healths=MemoryHealths(),
            configuration=lambda: self.configuration,
            tell=crash.wrap(self.told).tell,
            tell_claim=crash.wrap(MemoryClaims()).tell,
            copy_waits=lambda _: None,
            schedule=Schedule((0.01,)),
            looks=Looks((0.01,)),
            now=lambda: datetime.now(UTC),
            me="a",
        )
        copying = Copying(around, Schedule((0.01,)), lease=timedelta(seconds=1))
        return Sending(around, copying, Canary(around, after_seconds=60))

    async def sweep(self, sending: Sending) -> bool:
        """As the service does at its start and after; whether something is left."""
        for kept in await self.ledger.unfinished():
            limit = timedelta(minutes=15)
            if is_orphan(kept.attempt, me="a", now=datetime.now(UTC), send_limit=limit):
                await sending.doubt(kept)
            await sending.attempt(kept.attempt.request.send_id)
        return bool(await self.ledger.unfinished())

    async def request(self, send_id: str) -> SendRequested:
        """With a small file and a large one."""
        files = []
        for name, size in (("small.txt", 20), ("large.bin", _LARGE)):
            ref = await self.blobs.put(name.encode() * (size // len(name)))
            files.append(
                Attachment(
                    name=name,
                    content_type="text/plain",
                    size_bytes=ref.size_bytes,
                    sha256=ref.sha256,
                )
            )
        return send_requested(send_id).model_copy(update={"attachments": tuple(files)})


@pytest.fixture
def microsoft() -> Iterator[Microsoft365]:
    made = Microsoft365().start()
    made.add_mailbox(MAILBOX)
    yield made
    made.stop()


@pytest.fixture
async def world(
    nats_server: object, admin: Client, microsoft: Microsoft365, tmp_path: Path
) -> AsyncIterator[World]:
    bus = Bus(BusSettings(nats_server.url, "dispatch"), CollectorRegistry())  # type: ignore[attr-defined] # the fixture is a NatsServer
    await bus.connect()
    file = tmp_path / "private.key"
    write_key_files(generate_key_pair(), public_file=tmp_path / "public.key", private_file=file)
    parts = open_microsoft(
        bus.bucket,
        reach=Reach(allow_private=True),
        tls=TlsContexts(microsoft.graph.ca_file),
        private_key_file=file,
        registry=CollectorRegistry(),
    )
    made = World(bus, microsoft, parts, tmp_path)
    yield made
    for client in made.clients:
        await client.aclose()
    await parts.close()
    await bus.stop()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("rewritten", [False, True])
@pytest.mark.parametrize("after_the_work", [False, True])
async def test_a_crash_at_any_step_sends_each_mail_once_and_leaves_no_draft(
    world: World, microsoft: Microsoft365, *, after_the_work: bool, rewritten: bool
) -> None:
    """INVARIANT: a mail that leaves by Graph is sent exactly once, whenever the process dies.

    Where Graph gives another Message-ID, too: the claim holds the id of the draft.
    """
    microsoft.graph.rewrites_on_send = rewritten
    crashed = 0
    for call in range(1, 40):
        send_id = f"s-{call}"
        crash = CrashAt(call, after_the_work)
        request = await world.request(send_id)
        await world.ledger.accept(Attempt(request=request, accepted_at=request.requested_at))
        with suppress(Crash):
            await world.process(crash).attempt(send_id)
        reborn = world.process(CrashAt())
        async with asyncio.timeout(10):
            while await world.sweep(reborn):
                await asyncio.sleep(0.02)
        finished = await world.ledger.finished(send_id)
        assert finished is not None
        assert finished.outcome.state is SendState.SENT, f"after a crash at call {call}"
        assert finished.outcome in world.told.facts
        assert len(microsoft.graph.outbox) == call, f"after a crash at call {call}"
        left = microsoft.graph.messages(MAILBOX, "drafts")
        assert left == [], f"after a crash at call {call}"
        if crash.calls < call:
            break
        crashed += 1
    assert crashed > 12, "the crash met every step"
