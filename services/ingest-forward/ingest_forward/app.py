"""Builds ingest-forward: the door, the blob store, the bus and the configuration."""

from prometheus_client import CollectorRegistry

from ingest_forward.adapters.aiosmtpd_door import AiosmtpdDoor, DoorSettings, tls_context
from ingest_forward.adapters.porter import Room
from ingest_forward.receive import Receiving, Surroundings
from ingest_forward.settings import IngestForwardSettings
from postbus.blobs import BlobStore, open_store
from postbus.bus import Bus, BusSettings
from postbus.configuration import Follower
from postbus.contracts.base import utc_now
from postbus.errors import StoreUnavailable
from postbus.intake import Intake
from postbus.reading import MailReader
from postbus.runtime.serve import Service
from postbus.tokens import Stamper, read_keys


def build(settings: IngestForwardSettings) -> Service:
    """Everything constructed and nothing started."""
    registry = CollectorRegistry()
    bus = Bus(
        BusSettings(
            settings.nats_url,
            "ingest-forward",
            settings.nats_seed_file,
            graceful_seconds=settings.graceful_seconds,
        ),
        registry,
    )
    parts = _Parts(settings, bus, registry)
    return Service(
        name="ingest-forward",
        start=parts.start,
        stop=parts.stop,
        registry=registry,
        ready_checks=[bus.ready_problems, parts.follower.ready_problems, parts.store_problems],
    )


class _Parts:
    """The pieces of the service and their life."""

    def __init__(
        self, settings: IngestForwardSettings, bus: Bus, registry: CollectorRegistry
    ) -> None:
        self.bus = bus
        self.follower = Follower()
        self.blobs: BlobStore = open_store(settings.blob_url)
        self._graceful_seconds = settings.graceful_seconds
        self.reader = MailReader(settings.reading_limits)
        stamper = Stamper(settings.tenant, read_keys(settings.stamp_keys_file))
        intake = Intake(
            blobs=self.blobs,
            telling=bus,
            read=self.reader.read,
            find_stamps=stamper.find,
            own_addresses=self._own_addresses,
        )
        around = Surroundings(intake, channels=lambda: self.follower.current, now=utc_now)
        receiving = Receiving(around, registry, max_recipients=settings.max_recipients)
        self.door = AiosmtpdDoor(receiving, _door_settings(settings), registry)

    def _own_addresses(self) -> frozenset[str]:
        return self.follower.current.own_addresses()

    async def start(self) -> None:
        # First of all: while NATS is away, senders are told to come again and not left outside.
        await self.door.open()
        await self.reader.start()
        await self.bus.connect()
        await self.follower.start(self.bus)
        await self.bus.start()

    async def stop(self) -> None:
        await self.door.close(graceful_seconds=self._graceful_seconds)
        await self.follower.stop()
        await self.bus.stop()

    async def store_problems(self) -> list[str]:
        try:
            await self.blobs.check()
        except StoreUnavailable as error:
            return [f"blob store: {error}"]
        return []


def _door_settings(settings: IngestForwardSettings) -> DoorSettings:
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    return DoorSettings(
        host=settings.smtp_host,
        port=settings.smtp_port,
        lmtp_port=settings.lmtp_port,
        hostname=settings.smtp_hostname,
        max_mail_bytes=settings.max_mail_bytes,
        timeout_seconds=settings.smtp_timeout_seconds,
        room=Room(settings.max_connections, settings.max_connections_per_address),
        tls=tls_context(str(certificate), str(key) if key else None) if certificate else None,
    )
