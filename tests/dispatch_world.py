"""Dispatch's parts on a real ledger and a real mail server, without the service around them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from dispatch.adapters.kept_appearances import KeptAppearances
from dispatch.adapters.nats_copies import NatsCopies
from dispatch.adapters.nats_ledger import NatsLedger
from dispatch.adapters.nats_turns import NatsTurns
from dispatch.adapters.smtp_transport import SmtpTransport
from dispatch.canary import Canary
from dispatch.copying import Copying
from dispatch.deciding import Deciding
from dispatch.domain.attempts import Attempt, is_orphan
from dispatch.domain.doubts import Looks
from dispatch.domain.schedule import Schedule
from dispatch.sending import Sending
from dispatch.surroundings import Around
from dispatch_stage import support
from doubles.blobs import MemoryBlobs
from doubles.crash import CrashAt
from doubles.dispatch import MemoryClaims, MemoryHealths, NobodyLooks
from postbus.bus import Bus
from postbus.bus.topology import LEDGER_BUCKET, LIMITS_BUCKET
from postbus.configuration import Configuration
from postbus.contracts.configuration import InboundChannel, OutboundChannel
from postbus.contracts.guard import Decision, JudgeRequest, Verdict
from postbus.contracts.sending import (
    SendDecided,
    SendDecidedEvent,
    SendDecision,
    SendOutcome,
    SendRequested,
    WhatNext,
)
from send_builders import send_requested
from servers.smtp import SmtpServer

_LIMIT = timedelta(minutes=15)
_OWN = {"id": "own", "name": "Own", "kind": "smtp", "from_address": "it@abc.com"}


class Guard:
    """Says what it was told to say."""

    def __init__(self) -> None:
        self.decision = Decision.HOLD
        self.asked = 0

    async def judge(self, _: JudgeRequest) -> Verdict:
        self.asked += 1
        return Verdict(decision=self.decision, rule="L12", reason="too many")


class World:
    """Everything that survives the process; answers go by the relay, `own` is the other way."""

    def __init__(self, bus: Bus, way: SmtpTransport, server: SmtpServer) -> None:
        self.bus = bus
        self.later = timedelta()
        self.ledger = NatsLedger(lambda: bus.bucket(LEDGER_BUCKET))
        self.copies = NatsCopies(lambda: bus.bucket(LEDGER_BUCKET))
        self.way = way
        self.server = server
        self.guard = Guard()
        self.told: list[SendOutcome] = []
        self.hurried: list[str] = []
        self.configure()

    def configure(self, *more: Any, relay: bool = True) -> None:
        smtp = {"host": "127.0.0.1", "port": self.server.port, "tls": "none"}
        known = {"id": "relay", "name": "Relay", "kind": "relay", "enabled": relay}
        self.configuration = Configuration.of(
            [
                InboundChannel.model_validate(support()),
                OutboundChannel.model_validate(known),
                OutboundChannel.model_validate(_OWN | {"smtp": smtp}),
                *more,
            ]
        )

    def now(self) -> datetime:
        """The time of the world, which a test may move."""
        return datetime.now(UTC) + self.later

    async def tell(self, fact: SendOutcome) -> None:
        self.told.append(fact)

    def process(self, crash: CrashAt | None = None, me: str = "a") -> tuple[Sending, Deciding]:
        """A process that works in it, and dies when told."""
        crash = crash or CrashAt()
        around = Around(
            ledger=crash.wrap(self.ledger),
            guard=self.guard,
            transport=self.way,
            blobs=MemoryBlobs(),
            appearances=KeptAppearances(MemoryBlobs()),
            copies=self.copies,
            sent_mail=NobodyLooks(),
            turns=NatsTurns(lambda: self.bus.bucket(LIMITS_BUCKET), self.now),
            healths=MemoryHealths(),
            configuration=lambda: self.configuration,
            tell=crash.wrap(self).tell,
            tell_claim=crash.wrap(MemoryClaims()).tell,
            copy_waits=lambda _: None,
            schedule=Schedule((0.01,)),
            looks=Looks((0.01,)),
            now=self.now,
            me=me,
        )
        copying = Copying(around, Schedule((0.01,)), lease=timedelta(seconds=0.05))
        hurried = self.hurried

        def hurry(attempt: Attempt) -> None:
            hurried.append(attempt.request.send_id)

        deciding = Deciding(around.ledger, around.tell, hurry, around.now)
        return Sending(around, copying, Canary(around, after_seconds=60)), deciding

    async def begin(self, send_id: str = "s-1", request: SendRequested | None = None) -> None:
        request = request or send_requested(send_id)
        await self.ledger.accept(Attempt(request=request, accepted_at=request.requested_at))
        await self.process()[0].attempt(send_id)

    async def decide(self, *decisions: SendDecidedEvent) -> None:
        """Dispatch hears of decisions, and does what is to be done."""
        sending, deciding = self.process()
        for decided in decisions:
            await deciding.on_send_decided(decided)
            await self.sweep(sending)

    async def sweep(self, sending: Sending) -> None:
        for kept in await self.ledger.unfinished():
            if is_orphan(kept.attempt, me="a", now=self.now(), send_limit=_LIMIT):
                await sending.doubt(kept)
            await sending.attempt(kept.attempt.request.send_id)

    def states(self) -> list[str]:
        return [fact.state for fact in self.told]

    def sent(self, send_id: str = "s-1") -> int:
        return sum(send_id.encode() + b"@" in mail.content for mail in self.server.taken)


def decided(
    what: WhatNext, number: int = 1, *, send_id: str = "s-1", outbound: str | None = None
) -> SendDecidedEvent:
    """Bob decided so."""
    now = datetime.now(UTC)
    decision = SendDecision(number=number, what=what, outbound=outbound, by="bob", at=now)
    data = SendDecided(
        send_id=send_id, ticket_number=7, queue="support", message_id="x@postbus.localhost",
        kind="agent-reply", automatic=False, outbound_channel="relay", decision=decision,
    )  # fmt: skip
    return SendDecidedEvent(
        id=f"{send_id}-{number}", source="/t", type="postbus.send.decided", time=now, data=data
    )
