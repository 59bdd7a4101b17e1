"""The parts that every service that reads mailboxes is built of, and their life."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from prometheus_client import CollectorRegistry, Gauge

from postbus.blobs import open_store
from postbus.bus import Bucket, Bus, BusSettings
from postbus.bus.topology import CURSORS_BUCKET, HEALTH_BUCKET, LEASES_BUCKET, SECRETS_BUCKET
from postbus.configuration import Follower
from postbus.contracts.base import Contract, utc_now
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mailboxes import Prove
from postbus.intake import Intake
from postbus.mailboxes.board import Board
from postbus.mailboxes.holding import Mailboxes, MakeReader
from postbus.mailboxes.metrics import Metrics
from postbus.mailboxes.nats_cursors import NatsCursors
from postbus.mailboxes.nats_health import NatsHealth, NatsTelling
from postbus.mailboxes.nats_leases import NatsLeases
from postbus.mailboxes.proof_rounds import ProofRounds
from postbus.mailboxes.proving import ProveFolders, Proving
from postbus.mailboxes.scheduling import Scheduler
from postbus.mailboxes.settings import MailboxServiceSettings
from postbus.mailboxes.taking import TakingIn
from postbus.reading import MailReader
from postbus.runtime.rounds import Rounds
from postbus.secrets import KeptSecrets, Opener
from postbus.tokens import Stamper, read_keys

Cursor = TypeVar("Cursor", bound=Contract)

_BOARD_SECONDS = 0.5
_BACKLOG_PART = 4
"""Of so many places one is for mail from before."""


class MailboxService:
    """`name` is that of the service, `kind` that of its channels; `read` comes before `start`."""

    mailboxes: Mailboxes

    def __init__(self, settings: MailboxServiceSettings, *, name: str, kind: str) -> None:
        self._settings = settings
        self._kind = kind
        self.registry = CollectorRegistry()
        self.follower = Follower()
        self.bus = Bus(
            BusSettings(
                settings.nats_url,
                name,
                settings.nats_seed_file,
                graceful_seconds=settings.graceful_seconds,
            ),
            self.registry,
        )
        self.blobs = open_store(settings.blob_url)
        self._reader = MailReader(settings.reading_limits)
        self._health = NatsHealth(lambda: self.bus.bucket(HEALTH_BUCKET))
        self.telling = NatsTelling(self.bus)
        self.board = Board(self._health, self.telling.tell, utc_now)
        self.taking = TakingIn(self._intake(), Metrics(self.registry), self.board, utc_now)
        self.leases = NatsLeases(
            lambda: self.bus.bucket(LEASES_BUCKET),
            kind=kind,
            instance=settings.instance,
            nonce=secrets.token_hex(4),
            seconds=settings.lease_seconds,
        )
        file = settings.secrets_private_key_file
        self.secret_of = KeptSecrets(
            lambda: self.bus.bucket(SECRETS_BUCKET),
            Opener.from_file(file) if file else None,
            kind="inbound-channels",
        )
        self._rounds: tuple[Rounds, ...] = ()

    def channel(self, id_: str) -> InboundChannel | None:
        """A channel as it is configured now."""
        return self.follower.current.inbound(id_)

    async def cursors_bucket(self) -> Bucket:
        """Where cursors are kept. BusUnavailable."""
        return await self.bus.bucket(CURSORS_BUCKET)

    def cursors(self, model: type[Cursor]) -> NatsCursors[Cursor]:
        """The cursors of this kind of mailbox."""
        return NatsCursors(self.cursors_bucket, model, kind=self._kind)

    @staticmethod
    def scheduler(places: int) -> Scheduler:
        """Turns at so many places, a quarter of them for mail from before."""
        return Scheduler(places=places, backlog_places=max(1, places // _BACKLOG_PART))

    def read(
        self,
        make_reader: MakeReader,
        prove_folders: ProveFolders,
        *,
        prove_subject: str,
        more: Sequence[Rounds] = (),
    ) -> None:
        """Say how a folder is read and proved; `more` are rounds of the service's own."""
        settings = self._settings
        self.mailboxes = Mailboxes(
            self._kind, make_reader, self.board, self.leases, lambda: self.follower.current
        )
        proving = Proving(
            self._kind,
            prove_folders,
            board=self._health,
            news=self.board,
            channel=self.channel,
            look=self.mailboxes.look,
            now=utc_now,
        )
        self.bus.answer(prove_subject, Prove, proving.on_prove, otherwise=proving.failed)
        proofs = ProofRounds(proving, self.mailboxes, self.channel, seconds=settings.proof_seconds)
        third = settings.lease_seconds / 3
        settling = Rounds(self.mailboxes.settle, name="mailboxes", seconds=third)
        self._rounds = (
            Rounds(self.leases.renew, name="session", seconds=third),
            settling,
            Rounds(self.board.write, name="health", seconds=_BOARD_SECONDS),
            Rounds(proofs.due, name="proofs", seconds=min(5.0, settings.proof_seconds)),
            *more,
        )
        self.follower.on_change(lambda _: settling.wake())
        Gauge(
            "postbus_mailboxes", "Mailboxes that this replica reads", registry=self.registry
        ).set_function(lambda: len(self.mailboxes.channels))

    def _intake(self) -> Intake:
        settings = self._settings
        stamper = Stamper(settings.tenant, read_keys(settings.stamp_keys_file))
        return Intake(
            blobs=self.blobs,
            telling=self.bus,
            read=self._reader.read,
            find_stamps=stamper.find,
            own_addresses=self._own_addresses,
        )

    def _own_addresses(self) -> frozenset[str]:
        return self.follower.current.own_addresses()

    async def start(self, before_reading: Callable[[], Awaitable[None]] | None = None) -> None:
        """Connect, and begin to read; `before_reading` is awaited when the bus is there."""
        await self._reader.start()
        await self.bus.connect()
        await self.follower.start(self.bus)
        await self.bus.start()
        if before_reading is not None:
            await before_reading()
        await self.leases.renew()
        for rounds in self._rounds:
            rounds.start()
        self._rounds[1].wake()

    async def stop(self, after_reading: Callable[[], Awaitable[None]] | None = None) -> None:
        """Let others have the mailboxes; `after_reading` is awaited while the bus is there."""
        renewing, settling, *others = self._rounds
        for rounds in (settling, *others):
            await rounds.stop()
        await self.mailboxes.stop()
        await renewing.stop()
        await self.leases.leave()
        if after_reading is not None:
            await after_reading()
        await self.follower.stop()
        await self.bus.stop()
