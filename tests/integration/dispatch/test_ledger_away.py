"""The bus goes away in the middle of a sending and comes back, while the process lives on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nats.aio.client import Client
from prometheus_client import CollectorRegistry

from dispatch.adapters.kept_appearances import KeptAppearances
from dispatch.adapters.nats_ledger import NatsLedger
from dispatch.adapters.smtp_connections import Target
from dispatch.adapters.smtp_transport import SmtpTransport
from dispatch.canary import Canary
from dispatch.copying import Copying
from dispatch.domain.attempts import Attempt, Step
from dispatch.domain.doubts import Looks
from dispatch.domain.schedule import Schedule
from dispatch.sending import Sending
from dispatch.surroundings import Around
from doubles.crash import CrashAt
from doubles.dispatch import MemoryClaims, MemoryCopies, MemoryHealths, NobodyLooks, NoLimits
from postbus.blobs import open_store
from postbus.bus import Bus, BusSettings
from postbus.bus.topology import LEDGER_BUCKET
from postbus.configuration import Configuration
from postbus.contracts.configuration import InboundChannel, OutboundChannel, TlsMode
from postbus.contracts.guard import Decision, JudgeRequest, Verdict
from postbus.contracts.sending import SendOutcome, SendState
from postbus.errors import BusUnavailable, Unavailable
from send_builders import send_requested
from servers.nats import NatsServer
from servers.smtp import SmtpServer
from smtp_builders import smtp_transport

CONFIGURATION = Configuration.of(
    [
        InboundChannel.model_validate(
            {"id": "support", "name": "Support", "kind": "forward",
             "forward": {"creation_addresses": ["support@postbus.localhost"]}}
        ),
        OutboundChannel.model_validate({"id": "relay", "name": "Relay", "kind": "relay"}),
    ]
)  # fmt: skip
_MAX_CALLS = 8
_CLAIM_CALL = 3


class Yes:
    """A guard that allows."""

    async def judge(self, _: JudgeRequest) -> Verdict:
        return Verdict(decision=Decision.ALLOW, rule="none", reason="a test")


@pytest.fixture
async def ledger(nats_server: NatsServer, admin: Client) -> AsyncIterator[NatsLedger]:
    bus = Bus(BusSettings(nats_server.url, "dispatch"), CollectorRegistry())
    await bus.connect()
    yield NatsLedger(lambda: bus.bucket(LEDGER_BUCKET))
    await bus.stop()


@pytest.fixture
async def way(relay: SmtpServer) -> AsyncIterator[SmtpTransport]:
    transport = smtp_transport(relay=Target("127.0.0.1", relay.port, TlsMode.NONE, ours=True))
    yield transport
    await transport.close()
    await asyncio.sleep(0.05)


def attempt_of(send_id: str) -> Attempt:
    request = send_requested(send_id)
    return Attempt(request=request, accepted_at=request.requested_at)


def sending_of(
    ledger: NatsLedger, way: SmtpTransport, tmp_path: Path, outage: CrashAt, told: list[SendOutcome]
) -> Sending:
    async def tell(fact: SendOutcome) -> None:
        told.append(fact)

    around = Around(
        ledger=outage.wrap(ledger),
        guard=Yes(),
        transport=way,
        blobs=open_store(f"file://{tmp_path}/blobs"),
        appearances=KeptAppearances(open_store(f"file://{tmp_path}/blobs")),
        copies=MemoryCopies(),
        sent_mail=NobodyLooks(),
        turns=NoLimits(),
        healths=MemoryHealths(),
        configuration=lambda: CONFIGURATION,
        tell=tell,
        tell_claim=MemoryClaims().tell,
        copy_waits=lambda _: None,
        schedule=Schedule((0.01,)),
        looks=Looks((0.01,)),
        now=lambda: datetime.now(UTC),
        me="a",
    )
    copying = Copying(around, Schedule((0.01,)), lease=timedelta(seconds=1))
    return Sending(around, copying, Canary(around, after_seconds=60))


async def attempt_until_the_end(sending: Sending, ledger: NatsLedger, send_id: str) -> None:
    """As a lane does."""
    for _ in range(6):
        with suppress(Unavailable):
            if await sending.attempt(send_id) is None and await ledger.open(send_id) is None:
                return
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("after_the_work", [False, True])
@pytest.mark.parametrize("refusals", [[], ["451 4.7.1 later"]])
async def test_a_mail_is_sent_once_and_never_in_doubt_whenever_the_ledger_was_away(
    ledger: NatsLedger,
    way: SmtpTransport,
    relay: SmtpServer,
    tmp_path: Path,
    *,
    refusals: list[str],
    after_the_work: bool,
) -> None:
    """INVARIANT: what this process knows of a sending survives an outage of the bus."""
    for call in range(1, _MAX_CALLS + len(refusals) * 4):
        relay.behaviour.data = list(refusals)
        told: list[SendOutcome] = []
        outage = CrashAt(call, after_the_work, error=BusUnavailable("away"))
        sending = sending_of(ledger, way, tmp_path, outage, told)
        send_id = f"s-{call}"
        await ledger.accept(attempt_of(send_id))
        await attempt_until_the_end(sending, ledger, send_id)
        assert await ledger.open(send_id) is None, f"open for ever after an outage at call {call}"
        finished = await ledger.finished(send_id)
        assert finished is not None
        assert finished.outcome.state == SendState.SENT
        assert {fact.state for fact in told} <= {SendState.DEFERRED, SendState.SENT}
        assert sum(send_id.encode() + b"@" in mail.content for mail in relay.taken) == 1


async def test_a_mail_that_another_replica_claimed_in_the_meantime_is_left_to_it(
    ledger: NatsLedger, way: SmtpTransport, relay: SmtpServer, tmp_path: Path
) -> None:
    told: list[SendOutcome] = []
    outage = CrashAt(_CLAIM_CALL, error=BusUnavailable("away"))
    sending = sending_of(ledger, way, tmp_path, outage, told)
    await ledger.accept(attempt_of("s-1"))
    with pytest.raises(BusUnavailable):
        await sending.attempt("s-1")
    standing = await ledger.open("s-1")
    assert standing is not None
    assert standing.attempt.step is Step.ACCEPTED, "the outage was to be at the claim"
    theirs = {"step": Step.CLAIMED, "claimed_by": "b", "claimed_at": datetime.now(UTC)}
    await ledger.change(standing, standing.attempt.model_copy(update=theirs))
    assert await sending.attempt("s-1") is None
    assert (told, relay.taken) == ([], [])
