"""Builds dispatch: ledger, guard, transport, lanes."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from pydantic import SecretStr

from dispatch.adapters.nats_guard import NatsGuard
from dispatch.adapters.nats_ledger import NatsLedger
from dispatch.adapters.smtp_connections import SmtpConnections, SmtpLimits
from dispatch.adapters.smtp_transport import SmtpTransport, relay_target
from dispatch.domain.schedule import Schedule
from dispatch.handlers import SendHandlers, Sweep, TryHandler
from dispatch.lanes import Lanes
from dispatch.sending import Around, Sending
from dispatch.settings import DispatchSettings
from postbus.blobs import open_store
from postbus.bus import Bus, BusSettings
from postbus.bus.topology import LEDGER_BUCKET, SECRETS_BUCKET
from postbus.configuration import Follower
from postbus.contracts.base import derived_id, utc_now
from postbus.contracts.catalogue import TRY_OUTBOUND_SUBJECT
from postbus.contracts.sending import SendOutcome, SendRequestedEvent
from postbus.contracts.trying import TryOutbound
from postbus.runtime.rounds import Rounds
from postbus.runtime.serve import Service
from postbus.secrets import Opener

log = structlog.get_logger("dispatch")


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
        self._tell = _Telling(self.bus, self.registry)
        ledger = NatsLedger(lambda: self.bus.bucket(LEDGER_BUCKET))
        self._transport = _transport(settings, _open_secret(self.bus, settings))
        sending = Sending(
            Around(
                ledger=ledger,
                guard=NatsGuard(self.bus),
                transport=self._transport,
                blobs=open_store(settings.blob_url),
                configuration=lambda: self.follower.current,
                tell=self._tell,
                schedule=Schedule(settings.retry_delays_seconds),
                now=utc_now,
                me=settings.instance,
            )
        )
        self._lanes = Lanes(sending.attempt, width=settings.lane_width, now=utc_now)
        Gauge(
            "postbus_sends_waiting", "Mails on a lane or on the clock", registry=self.registry
        ).set_function(lambda: self._lanes.waiting)
        handlers = SendHandlers(
            ledger, self._lanes, self._tell, lambda: self.follower.current, utc_now
        )
        seconds = settings.smtp_command_seconds * 10 + settings.smtp_data_seconds
        self._sweep = Sweep(
            ledger, handlers, sending, settings.instance, timedelta(seconds=seconds), utc_now
        )
        self._rounds = Rounds(self._sweep.again, name="sweep", seconds=settings.sweep_seconds)
        self.bus.consume("dispatch-requests", SendRequestedEvent, handlers.on_send_requested)
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

    async def stop(self) -> None:
        await self._rounds.stop()
        # Attempts under way still need the bus to write down how they ended.
        await self._lanes.stop(seconds=self._settings.graceful_seconds * 0.8)
        await self._transport.close()
        await self.follower.stop()
        await self.bus.stop()


class _Telling:
    """Tells outcomes as events and counts them."""

    def __init__(self, bus: Bus, registry: CollectorRegistry) -> None:
        self._bus = bus
        self._count = Counter(
            "postbus_sends_total", "Outcomes by channel", ["outbound", "state"], registry=registry
        )

    async def __call__(self, fact: SendOutcome) -> None:
        """BusUnavailable unless the stream has it."""
        await self._bus.tell(
            f"postbus.send.{fact.state}",
            fact.outbound_channel,
            fact,
            event_id=derived_id("send", fact.send_id, fact.state, str(fact.attempt), fact.reason),
            about=f"tickets/{fact.ticket_number}",
        )
        self._count.labels(fact.outbound_channel, fact.state).inc()


def _transport(
    settings: DispatchSettings,
    open_secret: Callable[[str, str | None], Awaitable[SecretStr | None]],
) -> SmtpTransport:
    limits = SmtpLimits(
        settings.smtp_connect_seconds, settings.smtp_command_seconds, settings.smtp_data_seconds
    )
    ca_file = str(settings.tls_ca_file) if settings.tls_ca_file else None
    return SmtpTransport(
        SmtpConnections(limits, helo_name=settings.helo_name, ca_file=ca_file),
        limits,
        relay=relay_target(settings.relay_url.get_secret_value()),
        open_secret=open_secret,
    )


def _open_secret(
    bus: Bus, settings: DispatchSettings
) -> Callable[[str, str | None], Awaitable[SecretStr | None]]:
    file = settings.secrets_private_key_file
    opener = Opener.from_file(file) if file else None

    async def open_secret(channel: str, sealed: str | None) -> SecretStr | None:
        if opener is None:
            return None
        name = f"outbound-channels.{channel}"
        if sealed is None:
            entry = await (await bus.bucket(SECRETS_BUCKET)).get(name)
            sealed = entry.value.decode() if entry else None
        return opener.open(name, sealed) if sealed else None

    return open_secret
