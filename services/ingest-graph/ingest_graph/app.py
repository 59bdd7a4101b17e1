"""Builds ingest-graph: Graph, the readers of mailboxes, the door for notices, and its answers."""

import random
import secrets
from weakref import WeakValueDictionary

from fastapi import FastAPI

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
from ingest_graph.upkeep import Upkeep
from postbus.bus.topology import HINTS_BUCKET
from postbus.contracts.base import utc_now
from postbus.contracts.catalogue import PROVE_GRAPH_SUBJECT, TRY_GRAPH_SUBJECT
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.trying import TryInbound
from postbus.mailboxes.ports import Lease
from postbus.mailboxes.service import MailboxService
from postbus.microsoft import open_microsoft
from postbus.runtime.rounds import Rounds
from postbus.runtime.serve import Service

NAME, KIND = "ingest-graph", "graph"
_WORD_BYTES = 48


def build(settings: IngestGraphSettings) -> Service:
    """Everything constructed and nothing started."""
    parts = _Parts(settings)
    api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    api.include_router(routes(parts.hints, parts.subscriptions, parts.metrics))
    mail = parts.mail
    return Service(
        name=NAME,
        start=lambda: mail.start(parts.hear),
        stop=lambda: mail.stop(parts.close),
        registry=mail.registry,
        ready_checks=[mail.bus.ready_problems, mail.follower.ready_problems],
        api=api,
    )


class _Parts:
    """The pieces of the service."""

    def __init__(self, settings: IngestGraphSettings) -> None:
        mail = self.mail = MailboxService(settings, name=NAME, kind=KIND)
        self.metrics = Metrics(mail.registry)
        self.hints = NatsHints(lambda: mail.bus.bucket(HINTS_BUCKET))
        self.subscriptions = NatsSubscriptions(mail.cursors_bucket)
        self._readers = WeakValueDictionary[tuple[str, str], FolderReader]()
        self._microsoft = open_microsoft(
            mail.bus.bucket,
            reach=settings.reach,
            tls=settings.tls_contexts,
            private_key_file=settings.secrets_private_key_file,
            registry=mail.registry,
        )
        opening = Opening(self._microsoft, mail.secret_of, mail.board.credential)
        self._around = self._surroundings(settings, opening)
        upkeep = Upkeep(opening, mail.leases, mail.telling.tell, self._channels, utc_now)
        mail.read(
            self._make_reader,
            FolderProofs(opening, self._around.cursors, mail.telling.ask_filed, utc_now),
            prove_subject=PROVE_GRAPH_SUBJECT,
            more=[Rounds(upkeep.once, name="sign-ins", seconds=settings.upkeep_seconds)],
        )
        trying = Trying(opening, mail.secret_of, hooks_url=settings.hooks_url)
        mail.bus.answer(TRY_GRAPH_SUBJECT, TryInbound, trying.on_try, otherwise=Trying.failed)

    def _surroundings(self, settings: IngestGraphSettings, opening: Opening) -> Surroundings:
        mail = self.mail
        return Surroundings(
            open=opening,
            cursors=mail.cursors(Cursor),
            hints=self.hints,
            subscriptions=self.subscriptions,
            ticketing=mail.telling.ask_filed,
            taking=mail.taking,
            scheduler=mail.scheduler(settings.places),
            board=mail.board,
            channel=mail.channel,
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

    def _channels(self) -> tuple[InboundChannel, ...]:
        return tuple(self.mail.follower.current.inbound_channels)

    def _make_reader(self, channel: InboundChannel, folder: str, lease: Lease) -> FolderReader:
        reader = FolderReader(self._around, channel, folder, lease)
        self._readers[channel.id, folder_key(folder)] = reader
        return reader

    def _heard(self, channel: str, key: str) -> None:
        reader = self._readers.get((channel, key))
        if reader is not None:
            reader.hint()

    async def hear(self) -> None:
        """Hear hints from now on."""
        await self.hints.follow(self._heard)

    async def close(self) -> None:
        """Hear no more, and close every connection."""
        await self.hints.stop()
        await self._microsoft.close()
