"""Builds ingest-graph: configuration, leases, the readers of mailboxes, the door for notices."""

import random
import secrets
from weakref import WeakValueDictionary

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Gauge

from ingest_graph.adapters.nats_hints import NatsHints
from ingest_graph.adapters.nats_subscriptions import NatsSubscriptions
from ingest_graph.adapters.opening import Opening
from ingest_graph.domain.cursor import Cursor
from ingest_graph.domain.hints import folder_key
from ingest_graph.hooks import routes
from ingest_graph.metrics import Metrics
from ingest_graph.proving import FolderProofs
from ingest_graph.reading import FolderReader
from ingest_graph.settings import IngestGraphSettings
from ingest_graph.surroundings import Limits, Surroundings
from ingest_graph.trying import Trying
from postbus.blobs import open_store
from postbus.bus import Bucket, Bus, BusSettings
from postbus.bus.topology import (
    CURSORS_BUCKET,
    HEALTH_BUCKET,
    HINTS_BUCKET,
    LEASES_BUCKET,
    SECRETS_BUCKET,
)
from postbus.configuration import Follower
from postbus.contracts.base import utc_now
from postbus.contracts.catalogue import PROVE_GRAPH_SUBJECT, TRY_GRAPH_SUBJECT
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mailboxes import Prove
from postbus.contracts.trying import TryInbound
from postbus.intake import Intake
from postbus.mailboxes.board import Board
from postbus.mailboxes.holding import Mailboxes
from postbus.mailboxes.metrics import Metrics as MailMetrics
from postbus.mailboxes.nats_cursors import NatsCursors
from postbus.mailboxes.nats_health import NatsHealth, NatsTelling
from postbus.mailboxes.nats_leases import NatsLeases
from postbus.mailboxes.nats_secrets import ChannelSecrets
from postbus.mailboxes.ports import Lease
from postbus.mailboxes.proof_rounds import ProofRounds
from postbus.mailboxes.proving import Proving
from postbus.mailboxes.scheduling import Scheduler
from postbus.mailboxes.taking import TakingIn
from postbus.microsoft import open_microsoft
from postbus.reading import MailReader
from postbus.runtime.rounds import Rounds
from postbus.runtime.serve import Service
from postbus.secrets import Opener
from postbus.tokens import Stamper, read_keys

_BOARD_SECONDS = 0.5
_BACKLOG_PART = 4
"""Of so many places one is for mail from before."""
_WORD_BYTES = 48
KIND = "graph"


def build(settings: IngestGraphSettings) -> Service:
    """Everything constructed and nothing started."""
    parts = _Parts(settings)
    api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    api.include_router(routes(parts.hints, parts.subscriptions, parts.metrics))
    return Service(
        name="ingest-graph",
        start=parts.start,
        stop=parts.stop,
        registry=parts.registry,
        ready_checks=[parts.bus.ready_problems, parts.follower.ready_problems],
        api=api,
    )


class _Parts:
    """The pieces of the service and their life."""

    def __init__(self, settings: IngestGraphSettings) -> None:
        self._settings = settings
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)
        self.follower = Follower()
        self.bus = Bus(
            BusSettings(
                settings.nats_url,
                "ingest-graph",
                settings.nats_seed_file,
                graceful_seconds=settings.graceful_seconds,
            ),
            self.registry,
        )
        self.hints = NatsHints(lambda: self.bus.bucket(HINTS_BUCKET))
        self.subscriptions = NatsSubscriptions(self._cursors_bucket)
        self._reader = MailReader(settings.reading_limits)
        self._blobs = open_store(settings.blob_url)
        self._telling = NatsTelling(self.bus)
        self._health = NatsHealth(lambda: self.bus.bucket(HEALTH_BUCKET))
        self._board = Board(self._health, self._telling.tell, utc_now)
        self._readers = WeakValueDictionary[tuple[str, str], FolderReader]()
        file = settings.secrets_private_key_file
        self._microsoft = open_microsoft(
            self.bus.bucket,
            reach=settings.reach,
            tls=settings.tls_contexts,
            private_key_file=file,
            registry=self.registry,
        )
        self._secret_of = ChannelSecrets(
            lambda: self.bus.bucket(SECRETS_BUCKET), Opener.from_file(file) if file else None
        )
        self._opening = Opening(self._microsoft, self._secret_of, self._board.credential)
        self._leases = NatsLeases(
            lambda: self.bus.bucket(LEASES_BUCKET),
            service=KIND,
            instance=settings.instance,
            nonce=secrets.token_hex(4),
            seconds=settings.lease_seconds,
        )
        self._around = self._surroundings()
        self._mailboxes = Mailboxes(
            KIND, self._make_reader, self._board, self._leases, lambda: self.follower.current
        )
        proving = self._proving()
        self._proofs = ProofRounds(
            proving, self._mailboxes, self._channel, seconds=settings.proof_seconds
        )
        self._answer(proving)
        self._rounds = self._make_rounds()
        self.follower.on_change(lambda _: self._rounds[1].wake())
        Gauge(
            "postbus_mailboxes", "Mailboxes that this replica reads", registry=self.registry
        ).set_function(lambda: len(self._mailboxes.channels))

    async def _cursors_bucket(self) -> Bucket:
        return await self.bus.bucket(CURSORS_BUCKET)

    def _surroundings(self) -> Surroundings:
        settings = self._settings
        stamper = Stamper(settings.tenant, read_keys(settings.stamp_keys_file))
        intake = Intake(
            blobs=self._blobs,
            telling=self.bus,
            read=self._reader.read,
            find_stamps=stamper.find,
            own_addresses=self._own_addresses,
        )
        places = settings.places
        return Surroundings(
            open=self._opening,
            cursors=NatsCursors(self._cursors_bucket, Cursor, kind=KIND),
            hints=self.hints,
            subscriptions=self.subscriptions,
            ticketing=self._telling.ask_filed,
            taking=TakingIn(intake, MailMetrics(self.registry), self._board, utc_now),
            scheduler=Scheduler(places=places, backlog_places=max(1, places // _BACKLOG_PART)),
            board=self._board,
            channel=self._channel,
            hooks_url=settings.hooks_url,
            new_word=lambda: secrets.token_urlsafe(_WORD_BYTES),
            limits=Limits(
                poll_seconds=settings.poll_seconds,
                sweep_seconds=settings.sweep_seconds,
                max_mail_bytes=settings.max_mail_bytes,
            ),
            metrics=self.metrics,
            now=utc_now,
            spread=random.random,
        )

    def _own_addresses(self) -> frozenset[str]:
        return self.follower.current.own_addresses()

    def _channel(self, id_: str) -> InboundChannel | None:
        return self.follower.current.inbound(id_)

    def _make_reader(self, channel: InboundChannel, folder: str, lease: Lease) -> FolderReader:
        reader = FolderReader(self._around, channel, folder, lease)
        self._readers[channel.id, folder_key(folder)] = reader
        return reader

    def _heard(self, channel: str, key: str) -> None:
        reader = self._readers.get((channel, key))
        if reader is not None:
            reader.hint()

    def _proving(self) -> Proving:
        around = self._around
        return Proving(
            KIND,
            FolderProofs(around.open, around.cursors, around.ticketing, utc_now),
            board=self._health,
            news=self._board,
            channel=self._channel,
            look=self._mailboxes.look,
            now=utc_now,
        )

    def _answer(self, proving: Proving) -> None:
        trying = Trying(self._opening, self._secret_of, hooks_url=self._settings.hooks_url)
        self.bus.answer(TRY_GRAPH_SUBJECT, TryInbound, trying.on_try, otherwise=Trying.failed)
        self.bus.answer(PROVE_GRAPH_SUBJECT, Prove, proving.on_prove, otherwise=proving.failed)

    def _make_rounds(self) -> tuple[Rounds, ...]:
        settings = self._settings
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
        await self.hints.follow(self._heard)
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
        await self.hints.stop()
        await self._microsoft.close()
        await self.follower.stop()
        await self.bus.stop()
