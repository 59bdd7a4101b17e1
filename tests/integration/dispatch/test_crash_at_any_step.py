"""A crash at any step of sending a mail whose copy we put, or whose provider keeps it itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nats.aio.client import Client
from prometheus_client import CollectorRegistry

from dispatch.adapters.kept_appearances import KeptAppearances
from dispatch.adapters.nats_copies import NatsCopies
from dispatch.adapters.nats_ledger import NatsLedger
from dispatch.adapters.smtp_transport import SmtpTransport
from dispatch.canary import Canary
from dispatch.copying import Copying
from dispatch.domain.attempts import Attempt, is_orphan
from dispatch.domain.doubts import Looks
from dispatch.domain.schedule import Schedule
from dispatch.sending import Sending
from dispatch.surroundings import Around
from dispatch_stage import ADDRESS, Mailbox, support
from doubles.blobs import MemoryBlobs
from doubles.crash import Crash, CrashAt
from doubles.dispatch import MemoryClaims, MemoryHealths, NoLimits
from postbus.bus import Bus, BusSettings
from postbus.bus.topology import LEDGER_BUCKET
from postbus.configuration import Configuration
from postbus.contracts.configuration import InboundChannel, OutboundChannel
from postbus.contracts.guard import Decision, JudgeRequest, Verdict
from postbus.contracts.mailboxes import FindSent, FoundSent, PutSent, PutSentResult
from postbus.contracts.sending import SendOutcome, SendState
from postbus.errors import TemporaryError
from send_builders import send_requested
from servers.nats import NatsServer
from servers.smtp import SmtpServer
from smtp_builders import smtp_transport

_LIMIT = timedelta(minutes=15)
_MOST_CALLS = 14
"""Of a mail that is sent and copied: reading, claiming, keeping, ending, telling, putting."""


class Yes:
    """A guard that allows."""

    async def judge(self, _: JudgeRequest) -> Verdict:
        return Verdict(decision=Decision.ALLOW, rule="none", reason="a test")


class Reader:
    """The port `SentMail`, answered by a mailbox; a provider files what its server took."""

    def __init__(self, mailbox: Mailbox, provider: SmtpServer) -> None:
        self._mailbox = mailbox
        self._provider = provider

    async def put(self, copy: PutSent) -> PutSentResult:
        return self._mailbox.put(copy, copy.mail.sha256.encode())

    async def find(self, question: FindSent) -> FoundSent:
        filed = any(question.message_id.encode() in one.content for one in self._provider.taken)
        self._mailbox.looks.append(question.message_id)
        return FoundSent(found=filed)


class Told:
    """What was told of sendings."""

    def __init__(self) -> None:
        self.facts: list[SendOutcome] = []

    async def tell(self, fact: SendOutcome) -> None:
        self.facts.append(fact)


class World:
    """Everything that survives the process."""

    def __init__(self, bus: Bus, way: SmtpTransport, server: SmtpServer) -> None:
        self.ledger = NatsLedger(lambda: bus.bucket(LEDGER_BUCKET))
        self.copies = NatsCopies(lambda: bus.bucket(LEDGER_BUCKET))
        self.way = way
        self.blobs = MemoryBlobs()
        self.mailbox = Mailbox()
        self.told = Told()
        self.server = server
        self.by("smtp")

    def by(self, kind: str) -> None:
        """Answers leave by a channel of this kind, whose address a mailbox is read for."""
        smtp = {"host": "127.0.0.1", "port": self.server.port, "tls": "none"}
        box = {"id": "box", "name": "Box", "kind": "imap", "address": ADDRESS,
               "imap": {"host": "localhost", "username": "it"}}  # fmt: skip
        own = {"id": "own", "name": "Own", "kind": kind, "from_address": ADDRESS, "smtp": smtp}
        self.configuration = Configuration.of(
            [
                InboundChannel.model_validate(support(reply_via="own")),
                InboundChannel.model_validate(box),
                OutboundChannel.model_validate(own),
            ]
        )

    def process(self, crash: CrashAt) -> tuple[Sending, Copying]:
        """A process that works in it, and dies when told."""
        around = Around(
            ledger=crash.wrap(self.ledger),
            guard=Yes(),
            transport=self.way,
            blobs=crash.wrap(self.blobs),
            appearances=KeptAppearances(self.blobs),
            copies=crash.wrap(self.copies),
            sent_mail=crash.wrap(Reader(self.mailbox, self.server)),
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
        copying = Copying(around, Schedule((0.01,)), lease=timedelta(seconds=0.05))
        return Sending(around, copying, Canary(around, after_seconds=60)), copying

    async def sweep(self, process: tuple[Sending, Copying]) -> bool:
        """As the service does at its start and after; whether something is left."""
        sending, copying = process
        for kept in await self.ledger.unfinished():
            if is_orphan(kept.attempt, me="a", now=datetime.now(UTC), send_limit=_LIMIT):
                await sending.doubt(kept)
            await sending.attempt(kept.attempt.request.send_id)
        for task in await self.copies.waiting():
            await copying.attempt(task.send_id)
        return bool(await self.ledger.unfinished() or await self.copies.waiting())


@pytest.fixture
async def world(
    nats_server: NatsServer, admin: Client, relay: SmtpServer, tmp_path: Path
) -> AsyncIterator[World]:
    bus = Bus(BusSettings(nats_server.url, "dispatch"), CollectorRegistry())
    await bus.connect()
    way = smtp_transport()
    yield World(bus, way, relay)
    await way.close()
    await bus.stop()


async def begin(world: World, process: tuple[Sending, Copying], send_id: str) -> None:
    request = send_requested(send_id)
    await world.ledger.accept(Attempt(request=request, accepted_at=request.requested_at))
    await process[0].attempt(send_id)
    await process[1].attempt(send_id)


@pytest.mark.parametrize("after_the_work", [False, True])
async def test_a_crash_at_any_point_loses_no_copy_and_makes_none_twice(
    world: World, relay: SmtpServer, *, after_the_work: bool
) -> None:
    """INVARIANT: a mail that is told as sent has one copy; one that is not has none."""
    ends = []
    for call in range(1, _MOST_CALLS + 2):
        send_id = f"s-{call}"
        crash = CrashAt(call, after_the_work)
        with suppress(Crash):
            await begin(world, world.process(crash), send_id)
        reborn = world.process(CrashAt())
        async with asyncio.timeout(5):
            while await world.sweep(reborn):
                await asyncio.sleep(0.02)
        finished = await world.ledger.finished(send_id)
        assert finished is not None
        ends.append(finished.outcome.state)
        message_id = finished.outcome.message_id
        copies = [one for one in world.mailbox.mails if one == message_id]
        sent = finished.outcome.state is SendState.SENT
        assert len(copies) == sent, f"after a crash at call {call}"
        there = sum(send_id.encode() + b"@" in mail.content for mail in relay.taken)
        assert there <= 1
        assert finished.outcome in world.told.facts
        if crash.calls < call:
            break
    assert SendState.SENT in ends
    assert len(ends) > 8, "the crash met every step"


@pytest.mark.parametrize("lost_answers", [0, 1])
@pytest.mark.parametrize("after_the_work", [False, True])
async def test_a_crash_at_any_point_leaves_no_doubt_where_the_provider_can_tell(
    world: World, relay: SmtpServer, *, after_the_work: bool, lost_answers: int
) -> None:
    """INVARIANT: what the provider filed is never sent again, and what it did not file is sent."""
    world.by("gmail")
    for call in range(1, _MOST_CALLS):
        send_id = f"s-{call}"
        relay.behaviour.drop_after_data = lost_answers
        with suppress(Crash):
            await begin(world, world.process(CrashAt(call, after_the_work)), send_id)
        reborn = world.process(CrashAt())
        async with asyncio.timeout(5):
            while await world.sweep(reborn):
                await asyncio.sleep(0.02)
        finished = await world.ledger.finished(send_id)
        assert finished is not None
        assert finished.outcome.state is SendState.SENT, f"after a crash at call {call}"
        assert sum(send_id.encode() + b"@" in mail.content for mail in relay.taken) == 1
    assert world.mailbox.looks
    assert world.mailbox.puts == []


async def test_a_mail_is_sent_while_the_blob_store_is_away_and_its_copy_comes_later(
    world: World, relay: SmtpServer
) -> None:
    """INVARIANT: no mail waits for its copy."""
    world.blobs.away = True
    process = world.process(CrashAt())
    request = send_requested()
    await world.ledger.accept(Attempt(request=request, accepted_at=request.requested_at))
    await process[0].attempt("s-1")
    assert [fact.state for fact in world.told.facts] == ["sent"]
    assert len(relay.taken) == 1
    with pytest.raises(TemporaryError):
        await process[1].attempt("s-1")
    assert world.mailbox.mails == {}
    world.blobs.away = False
    async with asyncio.timeout(5):
        while await world.sweep(process):
            await asyncio.sleep(0.02)
    [(message_id, sha256)] = world.mailbox.mails.items()
    assert message_id == request.message_id
    assert b"Please use the stairs." in world.blobs.kept[sha256.decode()]


async def test_of_two_replicas_one_puts_the_copy(world: World) -> None:
    request = send_requested()
    await world.ledger.accept(Attempt(request=request, accepted_at=request.requested_at))
    await world.process(CrashAt())[0].attempt("s-1")
    both = [world.process(CrashAt())[1] for _ in range(2)]
    await asyncio.gather(*(one.attempt("s-1") for one in both))
    assert len(world.mailbox.puts) == 1
