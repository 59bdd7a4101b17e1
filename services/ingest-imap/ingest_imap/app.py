"""Builds ingest-imap: configuration, leases, the readers of mailboxes, and its answers."""

import random
import secrets

from prometheus_client import CollectorRegistry, Counter, Gauge

from ingest_imap.adapters.imap_connections import ImapConnections, ImapLimits
from ingest_imap.adapters.imap_dialling import ImapDialling
from ingest_imap.domain.cursor import Cursor
from ingest_imap.proving import FolderProofs
from ingest_imap.reading import FolderReader
from ingest_imap.sent_mail import SentMail
from ingest_imap.settings import IngestImapSettings
from ingest_imap.surroundings import Limits, Surroundings
from ingest_imap.trying import Trying
from postbus.blobs import open_store
from postbus.bus import Bus, BusSettings
from postbus.bus.topology import CURSORS_BUCKET, HEALTH_BUCKET, LEASES_BUCKET, SECRETS_BUCKET
from postbus.configuration import Follower
from postbus.contracts.base import utc_now
from postbus.contracts.catalogue import (
    FIND_SENT_SUBJECT,
    PROVE_SUBJECT,
    PUT_SENT_SUBJECT,
    TRY_INBOUND_SUBJECT,
)
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mailboxes import FindSent, Prove, PutSent
from postbus.contracts.trying import TryInbound
from postbus.intake import Intake
from postbus.mailboxes.board import Board
from postbus.mailboxes.holding import Mailboxes
from postbus.mailboxes.metrics import Metrics
from postbus.mailboxes.nats_cursors import NatsCursors
from postbus.mailboxes.nats_health import NatsHealth, NatsTelling
from postbus.mailboxes.nats_leases import NatsLeases
from postbus.mailboxes.nats_secrets import ChannelSecrets
from postbus.mailboxes.proof_rounds import ProofRounds
from postbus.mailboxes.proving import Proving
from postbus.mailboxes.scheduling import Scheduler
from postbus.mailboxes.taking import TakingIn
from postbus.reading import MailReader
from postbus.runtime.rounds import Rounds
from postbus.runtime.serve import Service
from postbus.secrets import Opener
from postbus.tokens import Stamper, read_keys

_BOARD_SECONDS = 0.5
_BACKLOG_PART = 4
"""Of so many places one is for mail from before."""


def build(settings: IngestImapSettings) -> Service:
    """Everything constructed and nothing started."""
    parts = _Parts(settings)
    return Service(
        name="ingest-imap",
        start=parts.start,
        stop=parts.stop,
        registry=parts.registry,
        ready_checks=[parts.bus.ready_problems, parts.follower.ready_problems],
    )


class _Parts:
    """The pieces of the service and their life."""

    def __init__(self, settings: IngestImapSettings) -> None:
        self.registry = CollectorRegistry()
        self.follower = Follower()
        self.bus = Bus(
            BusSettings(
                settings.nats_url,
                "ingest-imap",
                settings.nats_seed_file,
                graceful_seconds=settings.graceful_seconds,
            ),
            self.registry,
        )
        self._reader = MailReader(settings.reading_limits)
        self._blobs = open_store(settings.blob_url)
        telling = NatsTelling(self.bus)
        health = NatsHealth(lambda: self.bus.bucket(HEALTH_BUCKET))
        self._board = Board(health, telling.tell, utc_now)
        secret_of = _secrets(self.bus, settings)
        self._dialling = ImapDialling(
            _connections(settings),
            secret_of,
            self._board.credential,
            threads=settings.imap_threads,
        )
        self._leases = NatsLeases(
            lambda: self.bus.bucket(LEASES_BUCKET),
            service="imap",
            instance=settings.instance,
            nonce=secrets.token_hex(4),
            seconds=settings.lease_seconds,
        )
        around = self._surroundings(settings)
        self._mailboxes = Mailboxes(
            "imap",
            lambda channel, folder, lease: FolderReader(around, channel, folder, lease),
            self._board,
            self._leases,
            lambda: self.follower.current,
        )
        proving = Proving(
            "imap",
            FolderProofs(self._dialling, around.cursors, telling.ask_filed, utc_now),
            board=health,
            news=self._board,
            channel=self._channel,
            look=self._mailboxes.look,
            now=utc_now,
        )
        self._proofs = ProofRounds(
            proving, self._mailboxes, self._channel, seconds=settings.proof_seconds
        )
        self._answer(proving, Trying(self._dialling, secret_of))
        self._rounds = self._make_rounds(settings)
        self.follower.on_change(lambda _: self._rounds[1].wake())
        Gauge(
            "postbus_mailboxes", "Mailboxes that this replica reads", registry=self.registry
        ).set_function(lambda: len(self._mailboxes.channels))

    def _surroundings(self, settings: IngestImapSettings) -> Surroundings:
        stamper = Stamper(settings.tenant, read_keys(settings.stamp_keys_file))
        intake = Intake(
            blobs=self._blobs,
            telling=self.bus,
            read=self._reader.read,
            find_stamps=stamper.find,
            own_addresses=self._own_addresses,
        )
        threads = settings.imap_threads
        return Surroundings(
            connect=self._dialling,
            cursors=NatsCursors(lambda: self.bus.bucket(CURSORS_BUCKET), Cursor, kind="imap"),
            taking=TakingIn(intake, Metrics(self.registry), self._board, utc_now),
            scheduler=Scheduler(places=threads, backlog_places=max(1, threads // _BACKLOG_PART)),
            board=self._board,
            channel=self._channel,
            limits=Limits(
                idle_seconds=settings.idle_seconds,
                poll_seconds=settings.poll_seconds,
                max_mail_bytes=settings.max_mail_bytes,
                daily_bytes=settings.daily_bytes,
            ),
            lost=Counter(
                "postbus_imap_connections_lost",
                "Connections that ended unasked",
                registry=self.registry,
            ),
            now=utc_now,
            spread=random.random,
        )

    def _own_addresses(self) -> frozenset[str]:
        return self.follower.current.own_addresses()

    def _channel(self, id_: str) -> InboundChannel | None:
        return self.follower.current.inbound(id_)

    def _answer(self, proving: Proving, trying: Trying) -> None:
        sent = SentMail(self._dialling, self._blobs, self._channel)

        self.bus.answer(TRY_INBOUND_SUBJECT, TryInbound, trying.on_try, otherwise=Trying.failed)
        self.bus.answer(PROVE_SUBJECT, Prove, proving.on_prove, otherwise=proving.failed)
        self.bus.answer(PUT_SENT_SUBJECT, PutSent, sent.on_put, otherwise=SentMail.put_failed)
        self.bus.answer(FIND_SENT_SUBJECT, FindSent, sent.on_find, otherwise=SentMail.find_failed)

    def _make_rounds(self, settings: IngestImapSettings) -> tuple[Rounds, ...]:
        third = settings.lease_seconds / 3
        return (
            Rounds(self._leases.renew, name="session", seconds=third),
            Rounds(self._mailboxes.settle, name="mailboxes", seconds=third),
            Rounds(self._board.write, name="health", seconds=_BOARD_SECONDS),
            Rounds(self._proofs.due, name="proofs", seconds=min(5.0, settings.proof_seconds)),
        )

    async def start(self) -> None:
        await self._reader.start()
        await self.bus.connect()
        await self.follower.start(self.bus)
        await self.bus.start()
        await self._leases.renew()
        for rounds in self._rounds:
            rounds.start()
        self._rounds[1].wake()

    async def stop(self) -> None:
        renewing, settling, *others = self._rounds
        for rounds in (settling, *others):
            await rounds.stop()
        await self._mailboxes.stop()
        await renewing.stop()
        await self._leases.leave()
        self._dialling.close()
        await self.follower.stop()
        await self.bus.stop()


def _connections(settings: IngestImapSettings) -> ImapConnections:
    limits = ImapLimits(settings.imap_connect_seconds, settings.imap_command_seconds)
    return ImapConnections(settings.reach, settings.tls_contexts, settings.access_tokens, limits)


def _secrets(bus: Bus, settings: IngestImapSettings) -> ChannelSecrets:
    file = settings.secrets_private_key_file
    opener = Opener.from_file(file) if file else None
    return ChannelSecrets(lambda: bus.bucket(SECRETS_BUCKET), opener)
