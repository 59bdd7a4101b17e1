"""Builds dispatch: ledger, guard, transport, lanes."""

from collections.abc import Callable
from datetime import timedelta

import structlog
from prometheus_client import CollectorRegistry, Gauge

from dispatch.adapters.dkim_signer import DkimSigner
from dispatch.adapters.graph_transport import GraphTransport
from dispatch.adapters.graph_trying import GraphTrial
from dispatch.adapters.kept_appearances import KeptAppearances
from dispatch.adapters.nats_copies import NatsCopies
from dispatch.adapters.nats_guard import NatsGuard
from dispatch.adapters.nats_healths import NatsHealths
from dispatch.adapters.nats_ledger import NatsLedger
from dispatch.adapters.nats_outcomes import NatsClaims, NatsOutcomes
from dispatch.adapters.nats_sent_mail import NatsSentMail
from dispatch.adapters.nats_turns import NatsTurns
from dispatch.adapters.smtp_connections import SmtpConnections, SmtpLimits, Ways
from dispatch.adapters.smtp_sign_in import SignIn
from dispatch.adapters.smtp_transport import Sign, SmtpTransport, relay_target
from dispatch.adapters.threads import Threads
from dispatch.adapters.transports import Transports
from dispatch.canary import Canary
from dispatch.copying import Copying
from dispatch.deciding import Deciding
from dispatch.domain.copies import GIVE_UP_AFTER, CopyTask
from dispatch.domain.doubts import Looks
from dispatch.domain.schedule import Schedule
from dispatch.handlers import SendHandlers, Sweep, TryHandler
from dispatch.lanes import Lanes
from dispatch.ports import Transport
from dispatch.sending import Sending
from dispatch.settings import DispatchSettings
from dispatch.surroundings import Around
from postbus.blobs import open_store
from postbus.bus import Bucket, Bus, BusSettings
from postbus.bus.topology import LEDGER_BUCKET, LIMITS_BUCKET, SECRETS_BUCKET
from postbus.configuration import Configuration, Follower
from postbus.connecting import TlsContexts
from postbus.contracts.base import utc_now
from postbus.contracts.catalogue import TRY_OUTBOUND_SUBJECT
from postbus.contracts.sending import SendDecidedEvent, SendRequestedEvent
from postbus.contracts.trying import TryOutbound
from postbus.microsoft import Microsoft, open_microsoft
from postbus.runtime.rounds import Rounds
from postbus.runtime.serve import Service
from postbus.secrets import KeptSecrets, Opener, OpenSecret

log = structlog.get_logger("dispatch")

_LOOK_EVERY_SECONDS = 30.0
_COPIES_AT_A_TIME = 2
"""Of one mailbox; its server is spoken with by one thread."""


def build(settings: DispatchSettings) -> Service:
    """Everything constructed and nothing started."""
    parts = _Parts(settings)
    return Service(
        name="dispatch",
        start=parts.start,
        stop=parts.stop,
        registry=parts.registry,
        ready_checks=[parts.bus.ready_problems, parts.follower.ready_problems],
    )


class _Parts:
    """The pieces of the service and their life."""

    def __init__(self, settings: DispatchSettings) -> None:
        self.registry = CollectorRegistry()
        self.follower = Follower()
        self.bus = Bus(
            BusSettings(
                settings.nats_url,
                "dispatch",
                settings.nats_seed_file,
                graceful_seconds=settings.graceful_seconds,
            ),
            self.registry,
        )
        self._settings = settings
        self._transport = _transport(
            settings, self.bus, self.registry, lambda: self.follower.current
        )
        self._around = self._surroundings()
        copying = _copying(self._around, settings)
        self._canary = Canary(self._around, after_seconds=settings.canary_after_seconds)
        sending = Sending(self._around, copying, self._canary)
        self._lanes = Lanes(sending.attempt, width=settings.lane_width, now=utc_now)
        self._copies = Lanes(copying.attempt, width=_COPIES_AT_A_TIME, now=utc_now)
        self._sweep = self._sweeper(sending)
        self._rounds = Rounds(self._sweep.again, name="sweep", seconds=settings.sweep_seconds)
        self._looking = Rounds(
            self._canary.once,
            name="canary",
            seconds=min(_LOOK_EVERY_SECONDS, settings.canary_after_seconds),
        )
        self._subscribe()

    def _surroundings(self) -> Around:
        settings = self._settings

        async def ledger() -> Bucket:
            return await self.bus.bucket(LEDGER_BUCKET)

        async def limits() -> Bucket:
            return await self.bus.bucket(LIMITS_BUCKET)

        blobs = open_store(settings.blob_url)
        return Around(
            ledger=NatsLedger(ledger),
            guard=NatsGuard(self.bus),
            transport=self._transport,
            blobs=blobs,
            appearances=KeptAppearances(blobs, self.registry),
            copies=NatsCopies(ledger),
            sent_mail=NatsSentMail(self.bus, seconds=settings.mailbox_answer_seconds),
            turns=NatsTurns(limits, utc_now),
            healths=NatsHealths(self.bus),
            configuration=lambda: self.follower.current,
            tell=NatsOutcomes(self.bus, self.registry),
            tell_claim=NatsClaims(self.bus),
            copy_waits=self._copy_waits,
            schedule=Schedule(settings.retry_delays_seconds),
            looks=Looks(settings.doubt_looks_seconds),
            now=utc_now,
            me=settings.instance,
            bounce_address=settings.bounce_address,
        )

    def _copy_waits(self, task: CopyTask) -> None:
        self._copies.offer(task.mailbox, task.send_id)

    def _sweeper(self, sending: Sending) -> Sweep:
        around, settings = self._around, self._settings
        seconds = settings.smtp_command_seconds * 10 + settings.smtp_data_seconds
        return Sweep(
            around.ledger,
            around.copies,
            self._copy_waits,
            SendHandlers(around.ledger, self._lanes, around.tell, around.configuration, around.now),
            sending,
            settings.instance,
            timedelta(seconds=seconds),
            utc_now,
        )

    def _subscribe(self) -> None:
        Gauge(
            "postbus_sends_waiting", "Mails on a lane or on the clock", registry=self.registry
        ).set_function(lambda: self._lanes.waiting)
        Gauge(
            "postbus_sent_copies_waiting",
            "Copies of sent mail still to be put",
            registry=self.registry,
        ).set_function(lambda: self._copies.waiting)
        handlers = self._sweep.handlers
        self.bus.consume("dispatch-requests", SendRequestedEvent, handlers.on_send_requested)
        around = self._around
        deciding = Deciding(around.ledger, around.tell, handlers.hurry, around.now)
        self.bus.consume("dispatch-decisions", SendDecidedEvent, deciding.on_send_decided)
        trying = TryHandler(self._transport)
        self.bus.answer(
            TRY_OUTBOUND_SUBJECT, TryOutbound, trying.on_try, otherwise=TryHandler.failed
        )
        self.follower.on_change(lambda _: self._lanes.hurry())

    async def start(self) -> None:
        await self.bus.connect()
        await self.follower.start(self.bus)
        found = await self._sweep.at_start()
        if found:
            log.info("ledger_taken_up", mails=found)
        await self.bus.start()
        self._rounds.start()
        self._looking.start()

    async def stop(self) -> None:
        await self._rounds.stop()
        await self._looking.stop()
        # Attempts under way still need the bus to write down how they ended.
        await self._lanes.stop(seconds=self._settings.graceful_seconds * 0.8)
        # A copy under way is in the ledger, and due again when its time is over.
        await self._copies.stop(seconds=0)
        await self._transport.close()
        await self.follower.stop()
        await self.bus.stop()


def _copying(around: Around, settings: DispatchSettings) -> Copying:
    schedule = Schedule(settings.sent_copy_delays_seconds, give_up_after=GIVE_UP_AFTER)
    # The bus asks twice; whoever asks needs a moment besides.
    lease = timedelta(seconds=3 * settings.mailbox_answer_seconds)
    return Copying(around, schedule, lease=lease)


def _transport(
    settings: DispatchSettings,
    bus: Bus,
    registry: CollectorRegistry,
    configuration: Callable[[], Configuration],
) -> Transport:
    file, tls = settings.secrets_private_key_file, settings.tls_contexts
    opener = Opener.from_file(file) if file else None

    async def boxes() -> Bucket:
        return await bus.bucket(SECRETS_BUCKET)

    open_secret = KeptSecrets(boxes, opener, kind="outbound-channels")
    signer = DkimSigner(configuration, KeptSecrets(boxes, opener, kind="dkim"), registry)
    microsoft = open_microsoft(
        bus.bucket, reach=settings.reach, tls=tls, private_key_file=file, registry=registry
    )
    trial = GraphTrial(microsoft, settings.reach, tls, Threads("graph"))
    graph = GraphTransport(microsoft, trial, open_secret)
    smtp = _smtp(settings, tls, microsoft, open_secret, signer.signed)
    return Transports(smtp, {"graph": graph})


def _smtp(
    settings: DispatchSettings,
    tls: TlsContexts,
    microsoft: Microsoft,
    open_secret: OpenSecret,
    sign: Sign,
) -> SmtpTransport:
    limits = SmtpLimits(
        settings.smtp_connect_seconds, settings.smtp_command_seconds, settings.smtp_data_seconds
    )
    threads = Threads("smtp")
    ways = Ways(
        reach=settings.reach,
        tls=tls,
        sign_in=SignIn(settings.access_tokens, microsoft.tokens, threads),
        threads=threads,
        helo_name=settings.helo_name,
    )
    return SmtpTransport(
        SmtpConnections(limits, ways),
        limits,
        relay=relay_target(settings.relay_url.get_secret_value()),
        open_secret=open_secret,
        sign=sign,
    )
